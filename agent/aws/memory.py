"""What one sweep has asked already: equal calls are made once, whoever asks, in every thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from typing import Any

from agent.aws.access import Outcome
from agent.aws.clock import Clock
from agent.aws.errors import TIMEOUT
from controls.model import AwsError

Make = Callable[[], Outcome]


_SETTLED = threading.Event()
_SETTLED.set()
"""Stands in a slot that has its outcome: an event of its own weighs more than many answers."""


class _Slot:
    __slots__ = ("deadline", "done", "outcome")

    def __init__(self, deadline: float) -> None:
        self.done = threading.Event()
        self.outcome: Outcome | None = None
        self.deadline = deadline


class Memory:
    """Outcomes by call, answers and errors alike; an answer is never changed by who gets it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: dict[Hashable, _Slot] = {}

    def ask(self, key: Hashable, deadline: float, make: Make) -> Outcome:
        """The remembered outcome, or that of `make`, which runs in one thread only.

        An outcome that a deadline cut short is asked for again by whoever has more time.
        """
        while True:
            slot, mine = self._slot(key, deadline)
            if mine:
                return self._fill(key, slot, make)
            if slot.outcome is None:
                slot.done.wait(max(deadline - self._clock.monotonic(), 0.0))
            outcome = slot.outcome
            if outcome is None and slot.done.is_set():
                continue  # Its thread was killed before it had an outcome.
            if outcome is None:
                return _too_late(self._clock.utc())
            if not outcome.out_of_time or slot.deadline >= deadline:
                return outcome
            self._forget(key, slot)

    def _slot(self, key: Hashable, deadline: float) -> tuple[_Slot, bool]:
        slot = self._slots.get(key)
        if slot is not None:
            return slot, False
        with self._lock:
            slot = self._slots.get(key)
            if slot is not None:
                return slot, False
            slot = self._slots[key] = _Slot(deadline)
            return slot, True

    def _fill(self, key: Hashable, slot: _Slot, make: Make) -> Outcome:
        try:
            slot.outcome = make()
        finally:
            if slot.outcome is None:
                self._forget(key, slot)
            done, slot.done = slot.done, _SETTLED
            done.set()
        return slot.outcome

    def _forget(self, key: Hashable, slot: _Slot) -> None:
        with self._lock:
            if self._slots.get(key) is slot:
                del self._slots[key]


def frozen(value: Any) -> Hashable:
    """The parameters of a call as a key: equal parameters, equal key, whatever their order."""
    match value:
        case Mapping():
            return tuple((name, frozen(value[name])) for name in sorted(value))
        case list() | tuple():
            return ("list", *(frozen(one) for one in value))
        case bool():
            return ("bool", value)
        case _:
            return value  # type: ignore[no-any-return]  # str, int, float, datetime, None


def _too_late(at: datetime) -> Outcome:
    error = AwsError(TIMEOUT, "the time for this target was over while another thread asked")
    return Outcome(error, at, out_of_time=True)
