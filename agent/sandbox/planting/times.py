"""Times of planting steps: datetimes in Python, ISO 8601 text in JSON, always UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

Time = datetime | str


def when(time: Time) -> datetime:
    """An aware UTC datetime. Raises ValueError for a time without a zone."""
    parsed = datetime.fromisoformat(time) if isinstance(time, str) else time
    if parsed.tzinfo is None:
        raise ValueError(f"{time} has no time zone")
    return parsed.astimezone(UTC)


def milliseconds(time: Time) -> int:
    """Since the epoch, as CloudWatch Logs counts."""
    return int(when(time).timestamp() * 1000)


def every(start: Time, end: Time, minutes: float) -> list[datetime]:
    """From `start` in steps up to and including `end`."""
    first, step = when(start), timedelta(minutes=minutes)
    count = int((when(end) - first) / step)
    return [first + step * number for number in range(count + 1)]
