"""Work side by side: in order, bounded, fair to every group, ended where something breaks."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.turns import side_by_side

WORKERS = 4


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """As many threads as are asked for, and some to spare."""
    with ThreadPoolExecutor(2 * WORKERS) as threads:
        yield threads


def test_results_are_in_the_order_of_the_jobs(pool: ThreadPoolExecutor) -> None:
    """Whoever finishes first."""
    told: list[int] = []
    jobs = list(range(50))

    found = side_by_side(
        pool, WORKERS, jobs, lambda job: job * job, group=lambda job: job % 3, done=told.append
    )

    assert found == [job * job for job in jobs]
    assert told == list(range(1, 51))


def test_nothing_to_do(pool: ThreadPoolExecutor) -> None:
    """Is done at once."""
    assert side_by_side(pool, WORKERS, [], str, group=str) == []


def test_no_more_than_so_many_at_a_time(pool: ThreadPoolExecutor) -> None:
    """The threads are bounded, whatever the pool could give."""
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

    side_by_side(pool, WORKERS, range(3 * WORKERS), work, group=lambda job: job)

    assert most == WORKERS


def test_a_group_that_stands_still_holds_its_share_only(pool: ThreadPoolExecutor) -> None:
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

    side_by_side(pool, WORKERS, jobs, work, group=str)

    assert finished == {"slow": 40, "fast": 40}


def test_what_breaks_ends_the_work(pool: ThreadPoolExecutor) -> None:
    """The error is raised to who asked; jobs not yet begun are left."""
    begun: list[int] = []

    def work(job: int) -> None:
        begun.append(job)
        raise ValueError(f"job {job}")

    with pytest.raises(ValueError, match="job "):
        side_by_side(pool, 1, range(100), work, group=lambda _: "all")

    pool.shutdown()
    assert len(begun) < 100
