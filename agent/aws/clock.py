"""Time as the door to AWS sees it, handed in so that tests own it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """Clock, sleep and dice. `wait` sleeps that many seconds; true means: asked to stop."""

    monotonic: Callable[[], float]
    utc: Callable[[], datetime]
    wait: Callable[[float], bool]
    stopped: Callable[[], bool]
    dice: Callable[[], float]
    """A number in [0, 1): jitter."""


def system_clock(stop: threading.Event | None = None) -> Clock:
    """The machine's clock. Setting `stop` wakes every thread that waits for AWS."""
    event = stop or threading.Event()
    return Clock(
        monotonic=time.monotonic,
        utc=lambda: datetime.now(UTC),
        wait=event.wait,
        stopped=event.is_set,
        dice=random.random,
    )
