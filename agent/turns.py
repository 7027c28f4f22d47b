"""Work side by side on a bounded number of threads, every group in its turn."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from queue import SimpleQueue
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def side_by_side(
    workers: int,
    jobs: Sequence[Job],
    work: Callable[[Job], Result],
    *,
    group: Callable[[Job], Hashable],
    done: Callable[[int], object] = lambda number: None,
) -> list[Result]:
    """What `work` makes of each job, in the order of the jobs.

    A free thread takes a job of the group that has the fewest under way: where one account
    answers slowly, its jobs hold their share of the threads and no more. `done` is told, in the
    calling thread, how many are finished. Raises what `work` raises, or what interrupts the
    calling thread: jobs not yet begun are left, and those under way are not waited for, as an
    answer of AWS may be long in coming.
    """
    turns, finished = _Turns(jobs, group), SimpleQueue[tuple[int, Result] | BaseException]()

    def run() -> None:
        while (turn := turns.take()) is not None:
            number, key = turn
            try:
                finished.put((number, work(jobs[number])))
            except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
                turns.stop()
                finished.put(error)
            finally:
                turns.give_back(key)

    for _ in range(min(workers, len(jobs))):
        threading.Thread(target=run, name="sweep", daemon=True).start()
    results: dict[int, Result] = {}
    try:
        while len(results) < len(jobs):
            outcome = finished.get()
            if isinstance(outcome, BaseException):
                raise outcome
            results[outcome[0]] = outcome[1]
            done(len(results))
    finally:
        turns.stop()
    return [results[number] for number in range(len(jobs))]


class _Turns(Generic[Job]):
    """The jobs not yet begun, by group, and how many of each group are under way."""

    def __init__(self, jobs: Sequence[Job], group: Callable[[Job], Hashable]) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, deque[int]] = {}
        self._running: dict[Hashable, int] = {}
        for number, job in enumerate(jobs):
            self._waiting.setdefault(group(job), deque()).append(number)

    def take(self) -> tuple[int, Hashable] | None:
        """The number of the next job and its group; None when there is none left."""
        with self._lock:
            if not self._waiting:
                return None
            key = min(self._waiting, key=lambda one: self._running.get(one, 0))
            number = self._waiting[key].popleft()
            if not self._waiting[key]:
                del self._waiting[key]
            self._running[key] = self._running.get(key, 0) + 1
            return number, key

    def give_back(self, key: Hashable) -> None:
        """A job of that group is finished."""
        with self._lock:
            self._running[key] -= 1

    def stop(self) -> None:
        """Nothing more is begun."""
        with self._lock:
            self._waiting.clear()
