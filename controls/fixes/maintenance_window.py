"""When a cluster's weekly maintenance window is open: arithmetic on UTC times, nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK = timedelta(days=7)
_MOMENT = r"(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):([0-5]\d)"
_WRITTEN = re.compile(f"{_MOMENT}-{_MOMENT}", re.ASCII)

Span = tuple[datetime, datetime]
"""From the first moment to the one that is no longer in it (UTC)."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of every week: `start` after Monday 00:00 UTC; shorter than a week."""

    start: timedelta
    length: timedelta


def parse_window(text: str) -> Window:
    """`ddd:hh:mm-ddd:hh:mm` in UTC, as AWS writes it; may go over the end of the week.

    Raises:
        ValueError: it is not of that form, or has no length.
    """
    match = _WRITTEN.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is no maintenance window of the form ddd:hh:mm-ddd:hh:mm")
    start, end = _since_monday(*match.groups()[:3]), _since_monday(*match.groups()[3:])
    length = (end - start) % _WEEK
    if not length:
        raise ValueError(f"the maintenance window {text!r} has no length")
    return Window(start, length)


def _since_monday(day: str, hour: str, minute: str) -> timedelta:
    return timedelta(days=_DAYS.index(day), hours=int(hour), minutes=int(minute))


def is_open(window: Window, now: datetime, deferred: Sequence[Span] = ()) -> bool:
    """Whether `now` lies in the window and in no span for which maintenance is deferred."""
    if any(start <= now < end for start, end in deferred):
        return False
    return now - _last_start(window, now) < window.length


def next_open(window: Window, now: datetime, deferred: Sequence[Span] = ()) -> datetime:
    """The first moment, `now` or later, at which the window is open."""
    moment = now
    while not is_open(window, moment, deferred):
        # Each round ends at the end of a deferral or at a window's start, and goes forward.
        ends = [end for start, end in deferred if start <= moment < end]
        moment = max(ends) if ends else _last_start(window, moment) + _WEEK
    return moment


def _last_start(window: Window, now: datetime) -> datetime:
    """When the window last opened, `now` included."""
    monday = datetime.combine(now.date(), time(), UTC) - timedelta(days=now.weekday())
    start = monday + window.start
    return start if start <= now else start - _WEEK
