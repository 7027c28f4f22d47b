"""The calendar of a month: each quarter of an hour (UTC) with what local clocks said then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from agent.auditlog.schema import SLOT_MS
from agent.report.model import Month, Questions, Row

COLUMNS = (
    ("slot", "int64"),
    ("hour_index", "int64"),
    ("utc_day", "text"),
    ("local_day", "text"),
    ("local_hour", "int64"),
    ("weekday", "int64"),
    ("is_off_hours", "bool"),
    ("in_window", "bool"),
)
"""Column and type; see `agent.report.sql`."""

_SLOTS_AN_HOUR = 3_600_000 // SLOT_MS


def bounds(month: Month) -> tuple[int, int]:
    """Its first millisecond since 1970, and the next month's."""
    return round(month.start.timestamp()) * 1000, round(month.end.timestamp()) * 1000


def calendar(month: Month, questions: Questions) -> Iterator[Row]:
    """One row a slot of the month, in order.

    Hours of work and windows are judged at the slot's beginning. Raises ValueError or
    zoneinfo.ZoneInfoNotFoundError for a time zone that there is not.
    """
    zone = ZoneInfo(questions.time_zone)
    first, end = bounds(month)
    for slot in range(first // SLOT_MS, end // SLOT_MS):
        utc = month.start + timedelta(milliseconds=slot * SLOT_MS - first)
        yield _row(slot, utc, utc.astimezone(zone), questions)


def is_within(weekday: int, minute: int, day: int, begins: int, ends: int) -> bool:
    """Whether a local minute lies in hours that begin on that weekday: past midnight where they
    end no later than they begin, so that equal times are a whole day."""
    if begins < ends:
        return weekday == day and begins <= minute < ends
    return (weekday == day and minute >= begins) or (weekday == (day + 1) % 7 and minute < ends)


def _row(slot: int, utc: datetime, local: datetime, questions: Questions) -> Row:
    weekday, minute = local.weekday(), local.hour * 60 + local.minute
    works = any(
        is_within(weekday, minute, day, questions.work_from, questions.work_to)
        for day in questions.work_days
    )
    windows = questions.change_windows
    return {
        "slot": slot,
        "hour_index": slot // _SLOTS_AN_HOUR,
        "utc_day": f"{utc:%Y-%m-%d}",
        "local_day": f"{local:%Y-%m-%d}",
        "local_hour": local.hour,
        "weekday": weekday,
        "is_off_hours": not works,
        "in_window": not windows or any(is_within(weekday, minute, *each) for each in windows),
    }
