"""Work side by side: in order, bounded, fair to every group, ended where something breaks."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from agent.turns import side_by_side

WORKERS = 4


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
