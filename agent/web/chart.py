"""The last thirty days as a chart: where each point, bar and line of the SVG stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from agent.store.records import Day
from agent.web.index import score
from agent.web.shown import number, percent
from controls.model import Status

DAYS = 30

WIDTH, HEIGHT = 720, 268
LEFT, RIGHT = 46, 8
LINE_TOP, LINE_BOTTOM = 14, 138
BARS_TOP, BARS_BOTTOM = 172, 240

STARTS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.96)
"""The lowest shares that the axis may begin with."""


@dataclass(frozen=True, slots=True)
class Column:
    """One day: its band, the bars of what failed and was unknown, its point, its words.

    `point` is None for a day on which nothing was judged; `swept` is false where no sweep saw
    anything: none ran, or each failed.
    """

    x: float
    width: float
    middle: float
    point: float | None
    fail: tuple[float, float]
    """Top and height of the bar, as `unknown`'s, which stands on it."""
    unknown: tuple[float, float]
    day: date
    swept: bool
    share: str
    counts: Mapping[Status, str]
    label: str
    """The date under the axis, where one stands."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything the template draws. Lines are runs of days without a gap."""

    columns: tuple[Column, ...]
    lines: tuple[str, ...]
    ticks: tuple[tuple[float, str], ...]
    most: str
    gaps: int
    summary: str


def chart(days: Sequence[Day], today: date) -> Chart | None:
    """The thirty days up to today; None if no sweep stands in them."""
    first = today - timedelta(days=DAYS - 1)
    known = {each.day: each for each in days if first <= each.day <= today}
    if not known:
        return None
    least = _least([score(_counts(each)) for each in known.values()])
    most = max(_open(each) for each in known.values())
    columns = tuple(_column(first, at, known, least, most) for at in range(DAYS))
    gaps = sum(not column.swept for column in columns)
    return Chart(
        columns=columns,
        lines=_lines(columns),
        ticks=tuple(
            (_height(share, least), f"{share:.0%}".replace("%", " %")) for share in _ticks(least)
        ),
        most=number(most),
        gaps=gaps,
        summary=_summary(columns, gaps),
    )


def _counts(day: Day) -> dict[Status, float]:
    return {status: day.counts.get(status.value, 0.0) for status in Status}


def _open(day: Day) -> float:
    return day.counts.get("fail", 0.0) + day.counts.get("unknown", 0.0)


def _column(first: date, at: int, known: Mapping[date, Day], least: float, most: float) -> Column:
    band = (WIDTH - LEFT - RIGHT) / DAYS
    day = first + timedelta(days=at)
    found = known.get(day)
    counts = _counts(found) if found else {}
    share = score(counts)
    # Divided first: the height of one, were `most` next to nothing, would be infinite.
    fail, unknown = (
        counts.get(status, 0.0) / (most or 1.0) * (BARS_BOTTOM - BARS_TOP)
        for status in (Status.FAIL, Status.UNKNOWN)
    )
    return Column(
        x=round(LEFT + at * band + 1, 2),
        width=round(band - 2, 2),
        middle=round(LEFT + (at + 0.5) * band, 2),
        point=None if share is None else _height(share, least),
        fail=(round(BARS_BOTTOM - fail, 2), round(fail, 2)),
        unknown=(round(BARS_BOTTOM - fail - unknown, 2), round(unknown, 2)),
        day=day,
        swept=found is not None,
        share=percent(share),
        counts={status: number(round(count, 1)) for status, count in counts.items()},
        label=f"{day:%-d %b}" if at % 7 == 1 else "",
    )


def _least(shares: Sequence[float | None]) -> float:
    """Where the axis begins, so that the line is not a flat one."""
    lowest = min((share for share in shares if share is not None), default=0.0)
    return max(start for start in STARTS if start <= lowest)


def _ticks(least: float) -> tuple[float, ...]:
    return (least, (1 + least) / 2, 1.0)


def _height(share: float, least: float) -> float:
    return round(LINE_BOTTOM - (share - least) / (1 - least) * (LINE_BOTTOM - LINE_TOP), 2)


def _lines(columns: Sequence[Column]) -> tuple[str, ...]:
    """A line for each run of days, broken where nobody looked: nothing is made up in between."""
    runs: list[list[str]] = [[]]
    for column in columns:
        if column.point is None:
            runs.append([])
        else:
            runs[-1].append(f"{column.middle},{column.point}")
    return tuple(" ".join(run) for run in runs if len(run) > 1)


def _summary(columns: Sequence[Column], gaps: int) -> str:
    """What a reader who does not see it is told."""
    seen = [column for column in columns if column.point is not None]
    unseen = f" No sweep saw anything on {gaps} of {DAYS} days." if gaps else ""
    if not seen:
        return f"Nothing was judged in the last {DAYS} days.{unseen}"
    return (
        f"Share of findings that pass, by day: {seen[0].share} on {seen[0].day}, "
        f"{seen[-1].share} on {seen[-1].day}.{unseen}"
    )
