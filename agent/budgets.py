"""The time each target may take: what it waits for others does not count."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Target = TypeVar("Target", bound=Hashable)


class Budgets(Generic[Target]):
    """So many seconds for each target over all phases of a sweep, each phase side by side.

    A phase ends when its slowest target does. Were there one deadline for all, a target whose
    API throttles until the end would leave nothing to those that had long been through.
    `seconds` says how many each target has.
    """

    def __init__(
        self, seconds: Callable[[Target], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._used: dict[Target, float] = {}
        self._began: dict[Target, float] = {}
        self._ended: dict[Target, float] = {}

    def deadline(self, target: Target) -> float:
        """Until when (monotonic seconds) this target may take in this phase; it begins now."""
        began = self._began.setdefault(target, self._clock())
        return began + self._seconds(target) - self._used.get(target, 0.0)

    def note(self, target: Target) -> None:
        """A piece of this target's work has come to its end."""
        self._ended[target] = self._clock()

    def end_phase(self) -> None:
        """All work of the phase is done: add up what each target took."""
        for target, ended in self._ended.items():
            spent = ended - self._began.get(target, ended)
            self._used[target] = self._used.get(target, 0.0) + spent
        self._began.clear()
        self._ended.clear()
