"""Work side by side on a bounded number of threads, every group in its turn."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

LOOKS_FOR_STOP = 0.1
"""So often, in seconds, the calling thread looks whether it is to stop."""


class StoppedError(Exception):
    """Somebody asked to stop before all was done: there is no result."""


@dataclass(frozen=True, slots=True)
class Begins:
    """When each group may begin: so many seconds `after` the whole began."""

    after: Callable[[Hashable], float]
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[threading.Condition, float], object] = threading.Condition.wait
    """Waits so many seconds at most, or until the condition is notified; it is held."""


AT_ONCE = Begins(lambda group: 0.0)


def side_by_side(
    workers: int,
    jobs: Sequence[Job],
    work: Callable[[Job], Result],
    *,
    group: Callable[[Job], Hashable],
    done: Callable[[int], object] = lambda number: None,
    begins: Begins = AT_ONCE,
    stop: threading.Event | None = None,
) -> list[Result]:
    """What `work` makes of each job, in the order of the jobs.

    A free thread takes a job of the group that has the fewest under way, of those that may begin:
    where one account answers slowly, its jobs hold their share of the threads and no more. `done`
    is told, in the calling thread, how many are finished.

    Raises StoppedError once `stop` is set, what `work` raises, or what interrupts the calling
    thread: jobs not yet begun are left, and those under way are not waited for, as an answer of
    AWS may be long in coming.
    """
    if stop is not None and stop.is_set():
        raise StoppedError
    turns = _Turns(jobs, group, begins)
    finished = SimpleQueue[tuple[int, Result] | BaseException]()

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
        _start(run)
    results: dict[int, Result] = {}
    try:
        while len(results) < len(jobs):
            outcome = _next(finished, stop)
            if isinstance(outcome, BaseException):
                raise outcome
            results[outcome[0]] = outcome[1]
            done(len(results))
    finally:
        turns.stop()
    return [results[number] for number in range(len(jobs))]


def _start(run: Callable[[], None]) -> None:
    """On a thread that logs as part of this sweep: by itself it would inherit nothing of that."""
    inherited = copy_context().run
    threading.Thread(target=inherited, args=(run,), name="sweep", daemon=True).start()


Outcome = TypeVar("Outcome")


def _next(finished: SimpleQueue[Outcome], stop: threading.Event | None) -> Outcome:
    """What is finished next. Raises StoppedError, be it that all else is finished.

    Whoever asks to stop has the calls to AWS end as well: what comes of them then is no answer.
    """
    while stop is not None:
        try:
            outcome = finished.get(timeout=LOOKS_FOR_STOP)
        except Empty:
            outcome = None
        if stop.is_set():
            raise StoppedError
        if outcome is not None:
            return outcome
    return finished.get()


class _Turns(Generic[Job]):
    """The jobs not yet begun, by group, and how many of each group are under way."""

    def __init__(
        self, jobs: Sequence[Job], group: Callable[[Job], Hashable], begins: Begins
    ) -> None:
        self._changed = threading.Condition()
        self._begins = begins
        self._waiting: dict[Hashable, deque[int]] = {}
        self._running: dict[Hashable, int] = {}
        for number, job in enumerate(jobs):
            self._waiting.setdefault(group(job), deque()).append(number)
        offsets = {key: begins.after(key) for key in self._waiting}
        start = begins.clock()
        self._early = {key: start + after for key, after in offsets.items() if after > 0}

    def take(self) -> tuple[int, Hashable] | None:
        """The number of the next job and its group, once one may begin; None: none is left."""
        with self._changed:
            while self._waiting:
                ready = self._ready()
                if ready:
                    return self._taken(min(ready, key=lambda one: self._running.get(one, 0)))
                soonest = min(self._early.values())
                self._begins.wait(self._changed, soonest - self._begins.clock())
            return None

    def _ready(self) -> list[Hashable]:
        """The groups that have jobs and may begin."""
        if self._early:
            now = self._begins.clock()
            self._early = {key: at for key, at in self._early.items() if at > now}
        return [key for key in self._waiting if key not in self._early]

    def _taken(self, key: Hashable) -> tuple[int, Hashable]:
        number = self._waiting[key].popleft()
        if not self._waiting[key]:
            del self._waiting[key]
        self._running[key] = self._running.get(key, 0) + 1
        return number, key

    def give_back(self, key: Hashable) -> None:
        """A job of that group is finished."""
        with self._changed:
            self._running[key] -= 1

    def stop(self) -> None:
        """Nothing more is begun; who waits for a group's time need not."""
        with self._changed:
            self._waiting.clear()
            self._changed.notify_all()
