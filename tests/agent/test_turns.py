"""Work side by side: in order, bounded, fair to every group, ended where something breaks."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field

import pytest
import structlog

from agent.turns import Begins, StoppedError, side_by_side

WORKERS = 4


def no_thread_remains() -> bool:
    """Whether every thread of a sweep comes to its end, given a moment."""
    threads = [thread for thread in threading.enumerate() if thread.name == "sweep"]
    for thread in threads:
        thread.join(10)
    return not any(thread.is_alive() for thread in threads)


def test_results_are_in_the_order_of_the_jobs() -> None:
    """Whoever finishes first."""
    told: list[int] = []
    jobs = list(range(50))

    found = side_by_side(
        WORKERS, jobs, lambda job: job * job, group=lambda job: job % 3, done=told.append
    )

    assert found == [job * job for job in jobs]
    assert told == list(range(1, 51))


def test_nothing_to_do() -> None:
    """Is done at once."""
    assert side_by_side(WORKERS, [], str, group=str) == []


def test_no_more_than_so_many_at_a_time() -> None:
    """The threads are bounded."""
    lock, running, most = threading.Lock(), 0, 0
    full = threading.Barrier(WORKERS)

    def work(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        full.wait(10)
        with lock:
            running -= 1

    side_by_side(WORKERS, range(3 * WORKERS), work, group=lambda job: job)

    assert most == WORKERS


def test_a_group_that_stands_still_holds_its_share_only() -> None:
    """The other group is through while every job of the slow one still waits."""
    release = threading.Event()
    finished = Counter[str]()
    jobs = ["slow"] * 40 + ["fast"] * 40

    def work(job: str) -> None:
        if job == "slow":
            assert release.wait(20)
        finished[job] += 1
        if finished["fast"] == 40:
            assert not finished["slow"] or release.is_set()
            release.set()

    side_by_side(WORKERS, jobs, work, group=str)

    assert finished == {"slow": 40, "fast": 40}


def test_what_breaks_ends_the_work() -> None:
    """The error is raised to who asked; jobs not yet begun are left."""
    begun: list[int] = []

    def work(job: int) -> None:
        begun.append(job)
        raise ValueError(f"job {job}")

    with pytest.raises(ValueError, match="job "):
        side_by_side(1, range(100), work, group=lambda _: "all")

    assert begun == [0]


def test_an_interrupt_does_not_wait_for_what_is_under_way() -> None:
    """A call may hang for as long as its timeout is; Ctrl-C must not."""
    release = threading.Event()

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    def work(job: int) -> bool:
        return job == 0 or release.wait(60)

    with pytest.raises(KeyboardInterrupt):
        side_by_side(WORKERS, range(9), work, group=str, done=interrupt)
    release.set()


# ---------------------------------------------------------------- each group in its own time


@dataclass
class Clock:
    """A clock that whoever waits sets forward."""

    now: float = 1000.0
    waited: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        """What it shows."""
        return self.now

    def wait(self, changed: threading.Condition, seconds: float) -> None:
        """Sets it forward; the condition is held, as it is for a real wait."""
        assert seconds > 0
        self.waited.append(seconds)
        self.now += seconds


AFTER: dict[Hashable, float] = {"now": 0, "soon": 10, "late": 25}


def test_a_group_begins_no_sooner_than_it_may() -> None:
    """Others go on meanwhile; who has nothing else to do waits until the soonest begins."""
    clock, begun = Clock(), list[tuple[str, float]]()

    side_by_side(
        1,
        ["late", "soon", "now", "late", "now"],
        lambda job: begun.append((job, clock.now)),
        group=str,
        begins=Begins(AFTER.__getitem__, clock, clock.wait),
    )

    assert begun == [("now", 1000), ("now", 1000), ("soon", 1010), ("late", 1025), ("late", 1025)]
    assert clock.waited == [10, 15]


def test_no_thread_of_many_begins_a_group_too_soon() -> None:
    """However many are free."""
    clock, begun = Clock(), list[tuple[str, float]]()

    side_by_side(
        WORKERS,
        ["late", "soon", "now"] * 20,
        lambda job: begun.append((job, clock.now)),
        group=str,
        begins=Begins(AFTER.__getitem__, clock, clock.wait),
    )

    assert len(begun) == 60
    assert all(at >= 1000 + AFTER[job] for job, at in begun)


def test_a_wait_that_ends_early_is_taken_up_again() -> None:
    """As conditions may wake whom they like."""
    clock = Clock()

    def half(changed: threading.Condition, seconds: float) -> None:
        clock.wait(changed, seconds / 2 if seconds > 1 else seconds)

    side_by_side(1, ["soon"], str, group=str, begins=Begins(AFTER.__getitem__, clock, half))

    assert clock.waited == [5, 2.5, 1.25, 0.625, 0.625]


# ---------------------------------------------------------------- being stopped


def test_a_stop_does_not_wait_for_a_job_that_hangs() -> None:
    """A call may hang for as long as its timeout is; who drains the agent has ten seconds."""
    stop, release, begun = threading.Event(), threading.Event(), list[int]()

    def work(job: int) -> None:
        begun.append(job)
        if len(begun) == WORKERS:
            stop.set()
        release.wait(60)

    asked = time.monotonic()
    with pytest.raises(StoppedError):
        side_by_side(WORKERS, range(20), work, group=str, stop=stop)
    took = time.monotonic() - asked
    release.set()

    assert took < 10
    assert no_thread_remains()
    assert sorted(begun) == [0, 1, 2, 3], "nothing more is begun"


def test_a_stop_before_the_beginning_begins_nothing() -> None:
    """Not even where there is nothing to begin."""
    stop, begun = threading.Event(), list[int]()
    stop.set()

    for jobs in (range(3), range(0)):
        with pytest.raises(StoppedError):
            side_by_side(WORKERS, jobs, begun.append, group=str, stop=stop)
    assert begun == []


@pytest.mark.parametrize("fails", [False, True], ids=["an answer", "an error"])
def test_what_comes_of_a_job_once_stopped_is_no_result(fails: bool) -> None:
    """The calls end as well when somebody stops: it would look as if AWS had not answered."""
    stop = threading.Event()

    def work(_: int) -> None:
        stop.set()
        if fails:
            raise ValueError

    with pytest.raises(StoppedError):
        side_by_side(1, [1], work, group=str, stop=stop)


def test_who_waits_for_a_group_to_begin_is_stopped_too() -> None:
    """No thread stays behind until the hour is up."""
    stop, begun = threading.Event(), list[str]()

    def work(job: str) -> None:
        begun.append(job)
        stop.set()

    hour = Begins(lambda group: 3600 if group == "late" else 0)
    with pytest.raises(StoppedError):
        side_by_side(WORKERS, ["late"] * 5 + ["now"], work, group=str, begins=hour, stop=stop)

    assert no_thread_remains()
    assert begun == ["now"]


def test_no_thread_remains_when_all_is_done() -> None:
    """Sweep after sweep, for months; stopped in the end or not."""
    for stop in (None, threading.Event()):
        side_by_side(WORKERS, range(50), str, group=lambda job: job % 3, stop=stop)

        assert no_thread_remains()


def test_what_is_bound_to_the_log_goes_along_into_every_thread() -> None:
    structlog.contextvars.bind_contextvars(sweep="abc")
    try:
        seen = side_by_side(
            2, [1, 2, 3], lambda _: structlog.contextvars.get_contextvars(), group=lambda one: one
        )
    finally:
        structlog.contextvars.unbind_contextvars("sweep")

    assert [one["sweep"] for one in seen] == ["abc"] * 3
