"""One rate limiter per account, region and service: free until the first throttle."""

from __future__ import annotations

import threading
from collections import deque

from agent.aws.clock import Clock

WINDOW_SECONDS = 1.0
"""Over which the recent rate is measured."""
FLOOR = 0.2
"""Calls a second that are always tried."""
FIRST_GUESS = 4.0
"""A first throttle after fewer calls than this says little of what is permitted."""
RECOVERY = 0.1
"""Of the rate before the cut, added each second."""
LEAST_STEP = 0.25
"""But at least so much, or a cut that went too deep would be felt for minutes."""
LIFT_SECONDS = 60.0
"""Without a throttle for so long, the limit goes."""

Key = tuple[str, str, str]


class Limit:
    """The pace of one key. Threads take turns in the order in which they ask."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._starts: deque[float] = deque()
        self._cut_rate = 0.0
        self._step = 0.0
        self._cut_at = float("-inf")
        self._limited = False
        self._next = 0.0
        self._cuts = 0

    @property
    def rate(self) -> float | None:
        """Calls a second that are permitted now; None: no limit."""
        with self._lock:
            return self._rate(self._clock.monotonic())

    def turn(self, deadline: float) -> bool:
        """Wait until this call may go. False: not before the deadline, or asked to stop."""
        while True:
            with self._lock:
                now = self._clock.monotonic()
                rate = self._rate(now)
                slot = now if rate is None else max(now, self._next)
                if slot > deadline:
                    return False
                if rate is not None:
                    self._next = slot + 1 / rate
                if slot <= now:
                    self._note(now)
                    return True
                cuts = self._cuts
            if self._clock.wait(slot - now):
                return False
            with self._lock:
                # A throttle met meanwhile voids the places in the queue: ask again, slower.
                if cuts == self._cuts:
                    self._note(self._clock.monotonic())
                    return True

    def throttled(self, started: float) -> None:
        """A call that began then was throttled: halve, once for all calls under way."""
        with self._lock:
            if started < self._cut_at:
                return
            now = self._clock.monotonic()
            self._forget(now)
            measured = len(self._starts) / WINDOW_SECONDS
            permitted = self._rate(now)
            before = max(measured, FIRST_GUESS)
            if permitted is not None:
                before = min(permitted, max(measured, 1.0))
            self._cut_rate = max(before / 2, FLOOR)
            self._step = max(before * RECOVERY, LEAST_STEP)
            self._cut_at = now
            self._limited = True
            self._next = now + 1 / self._cut_rate
            self._cuts += 1

    def _rate(self, now: float) -> float | None:
        if self._limited and now - self._cut_at > LIFT_SECONDS:
            self._limited = False
        if not self._limited:
            return None
        return self._cut_rate + self._step * (now - self._cut_at)

    def _note(self, now: float) -> None:
        self._starts.append(now)
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._starts and self._starts[0] <= now - WINDOW_SECONDS:
            self._starts.popleft()


class Limits:
    """The limiters of all keys: what one account is told never slows another."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._limits: dict[Key, Limit] = {}

    def of(self, key: Key) -> Limit:
        """The limiter of (account, region, service)."""
        limit = self._limits.get(key)
        if limit is None:
            with self._lock:
                limit = self._limits.setdefault(key, Limit(self._clock))
        return limit
