"""Which sweeps are due: at most one of each kind waits, and one runs at a time."""

from __future__ import annotations

import threading
from enum import StrEnum


class Sweep(StrEnum):
    """Full: every rule. Freshness: those that judge whether logs arrive, more often."""

    FULL = "full"
    FRESHNESS = "freshness"


class Skipped(StrEnum):
    """Why a sweep that was due does not run on its own."""

    WAITING = "one_waiting"
    COVERED = "full_sweep"


class WantedSweeps:
    """What the schedule asks for and the sweeper takes.

    A full sweep judges freshness too: while one waits or runs, a freshness sweep is left out.
    A sweep that takes longer than its interval is followed by one more, not by all it missed.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: set[Sweep] = set()
        self._running: Sweep | None = None
        self._closed = False

    def ask(self, kind: Sweep) -> Skipped | None:
        """It is due. Returns why it will not run on its own, None where it will."""
        with self._changed:
            if kind in self._waiting:
                return Skipped.WAITING
            full = Sweep.FULL in self._waiting or self._running is Sweep.FULL
            if kind is Sweep.FRESHNESS and full:
                return Skipped.COVERED
            self._waiting.add(kind)
            self._changed.notify_all()
            return None

    def take(self, timeout: float) -> Sweep | None:
        """The next sweep, now running; None after `timeout` seconds or once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout)
            if self._closed or not self._waiting:
                return None
            kind = Sweep.FULL if Sweep.FULL in self._waiting else Sweep.FRESHNESS
            self._waiting -= {kind, Sweep.FRESHNESS}
            self._running = kind
            return kind

    def done(self) -> None:
        """The sweep that was taken has ended."""
        with self._changed:
            self._running = None

    def close(self) -> None:
        """Nothing more is taken; who waits is woken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed
