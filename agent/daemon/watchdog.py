"""Whether the agent still turns, told by the monotonic clock alone."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from agent.daemon.wanted_sweeps import Sweep

LATE = 1.5
"""A sweep that was not asked for in so many intervals is overdue: the clock was set back."""

STUCK = 3.0
"""Without the end of a sweep for so many full intervals the agent is no longer of use."""

BEAT = 60.0
"""Seconds without a turn of the main loop until it counts as stopped."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`intervals` in seconds by kind; `longest` is what a sweep may take without a call to AWS."""

    intervals: Mapping[Sweep, float]
    longest: float


class Watchdog:
    """Notes what happens, with monotonic seconds handed in, and tells what should have."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._lock = threading.Lock()
        self._limits = limits
        self._asked = dict.fromkeys(Sweep, now)
        self._ended = now
        self._began: float | None = None
        self._got_on = now
        self._beat = now

    def change(self, limits: Limits, now: float) -> None:
        """Other limits, counted from now: what was in order by the old ones is no fault now."""
        with self._lock:
            self._limits = limits
            self._ended = self._got_on = now
            self._asked = dict.fromkeys(Sweep, now)

    def asked(self, kind: Sweep, now: float) -> None:
        """A sweep was due."""
        with self._lock:
            self._asked[kind] = now

    def began(self, now: float) -> None:
        """A sweep began."""
        with self._lock:
            self._began = self._got_on = now

    def got_on(self, now: float) -> None:
        """The sweep under way did something that shows."""
        with self._lock:
            self._got_on = now

    def ended(self, now: float) -> None:
        """It ended, whatever came of it."""
        with self._lock:
            self._began, self._ended = None, now

    def beat(self, now: float) -> None:
        """The main loop turned."""
        with self._lock:
            self._beat = now

    def overdue(self, now: float) -> tuple[Sweep, ...]:
        """The sweeps that should have been asked for: the wall clock does not tell true."""
        with self._lock:
            return tuple(
                kind
                for kind, interval in self._limits.intervals.items()
                if now - self._asked[kind] > LATE * interval + 1
            )

    def why_dead(self, now: float) -> str:
        """Why the agent counts as dead; empty while it lives."""
        with self._lock:
            longest = self._limits.longest
            still = now - self._beat
            if still > BEAT:
                return f"the main loop has not turned for {still:.0f} s"
            if self._began is not None and now - self._got_on > longest:
                took, rest = now - self._began, now - self._got_on
                return f"a sweep has been under way for {took:.0f} s, the last {rest:.0f} s idle"
            idle = now - self._ended
            most = STUCK * self._limits.intervals[Sweep.FULL] + longest
            if self._began is None and idle > most:
                return f"no sweep has ended for {idle:.0f} s, {most:.0f} s at most fit"
            return ""
