"""Pictures as inline SVG: no script, styled by the page, the same bytes for the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from markupsafe import Markup

from agent.report.model import Chart, Column, ColumnKind, Coverage, Month, Row, Value
from agent.report.outputs.text import in_line, short

WIDTH = 720
MOST_BARS = 20
MOST_TIMES = 62
"""Bars of an axis of days or hours: a month whole, and what a time zone adds to it."""

LEVELS = 5
SERIES = 6
"""Colours that the style has for what is stacked or drawn side by side."""

_LABEL = 28
_RIGHT = 64


@dataclass(frozen=True, slots=True)
class _Axis:
    """What the column of a bar chart's categories asks for."""

    most: int
    left: int
    row: int


_CATEGORIES = _Axis(MOST_BARS, 190, 20)
_TIMES = _Axis(MOST_TIMES, 84, 16)


def draw(chart: Chart, rows: Sequence[Row], columns: Sequence[Column] = ()) -> Markup:
    """The picture of a query's rows; empty where there is nothing to draw."""
    shapes: Mapping[str, Callable[[Chart, Sequence[Row], Sequence[Column]], Markup]] = {
        "bars": bars,
        "hours": hours,
        "lines": lines,
    }
    drawn = shapes.get(chart.shape) if rows else None
    return drawn(chart, rows, columns) if drawn else Markup()


def is_empty(chart: Chart, rows: Sequence[Row]) -> bool:
    """Whether every count is nothing: a picture of it would be an axis alone."""
    names = chart.y[-1:] if chart.shape == "hours" else chart.y
    return not any(count(row.get(name)) for row in rows for name in names)


def says_all(chart: Chart, rows: Sequence[Row], columns: Sequence[Column]) -> bool:
    """Whether every figure of the rows can be read off the picture. Of a heat map it is said,
    too: its rows are hundreds, an hour each."""
    if chart.shape == "hours":
        return True
    return (
        chart.shape == "bars"
        and len(chart.y) == 1
        and {one.name for one in columns} == {chart.x, *chart.y}
        and len(rows) <= _axis_of(chart, columns).most
        and all(len(_said(row.get(chart.x))) <= _LABEL for row in rows)
    )


def count(value: Value) -> float:
    """A value as a length: what is no number, or less than nothing, is nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return 0.0
    return float(min(value, 10**18))


def svg(title: str, described: str, height: int, parts: Iterable[Markup], kind: str) -> Markup:
    """A picture that a screen reader can name; as wide as the page."""
    return Markup(
        '<svg class="chart {}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(kind, WIDTH, height, f"{title}. {described}", Markup().join(parts))


def text(x: float, y: float, said: str, kind: str = "") -> Markup:
    """A label."""
    return Markup('<text x="{}" y="{}" class="{}">{}</text>').format(place(x), place(y), kind, said)


def rect(x: float, y: float, wide: float, high: float, kind: str, title: str = "") -> Markup:
    """A bar or a cell, with what it stands for when pointed at."""
    return Markup(
        '<rect x="{}" y="{}" width="{}" height="{}" class="{}"><title>{}</title></rect>'
    ).format(place(x), place(y), place(wide), place(high), kind, title)


def label(value: Value) -> str:
    """A category in the room that there is for it."""
    said = _said(value)
    return (said if len(said) <= _LABEL else said[: _LABEL - 1] + "…") or "(empty)"


def _said(value: Value) -> str:
    return in_line("" if value is None else str(value)[:60])


def place(value: float) -> str:
    """A coordinate of one decimal, the same on every machine."""
    return f"{value:.1f}".removesuffix(".0")


def written(value: float) -> str:
    """A count as it is written at a bar."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def bars(chart: Chart, rows: Sequence[Row], columns: Sequence[Column] = ()) -> Markup:
    """One bar an x, from the left, stacked by y; what is beyond the first ones is said."""
    axis = _axis_of(chart, columns)
    shown = rows[: axis.most]
    totals = [sum(count(row.get(name)) for name in chart.y) for row in shown]
    most = max(totals) or 1.0
    scale = (WIDTH - axis.left - _RIGHT) / most
    titles = _titles(chart, columns)
    parts = _legend(titles, axis.left)
    top = 20 if parts else 0
    for index, (row, total) in enumerate(zip(shown, totals, strict=True)):
        y = top + index * axis.row
        name = label(row.get(chart.x))
        parts.append(text(axis.left - 8, y + axis.row - 5, name, "label end"))
        x = float(axis.left)
        for series, (column, title) in enumerate(zip(chart.y, titles, strict=True)):
            value = count(row.get(column))
            if value:
                wide = max(value * scale, 1.0)
                said = f"{name}: {title} {written(value)}"
                parts.append(rect(x, y + 2, wide, axis.row - 4, f"series{series % SERIES}", said))
                x += wide
        parts.append(text(x + 6, y + axis.row - 5, written(total), "label"))
    height = top + len(shown) * axis.row
    if len(rows) > len(shown):
        height += 20
        more = f"and {len(rows) - len(shown):,} more"
        parts.append(text(axis.left, height - 5, more, "label soft"))
    return svg(chart.title, f"{len(rows)} bars, the longest {written(most)}", height, parts, "bars")


def _axis_of(chart: Chart, columns: Sequence[Column]) -> _Axis:
    """Days and hours are shown whole: one that is left out would be read as one without any."""
    kind = next((one.kind for one in columns if one.name == chart.x), ColumnKind.TEXT)
    return _TIMES if kind in (ColumnKind.DAY, ColumnKind.COUNT) else _CATEGORIES


def _titles(chart: Chart, columns: Sequence[Column]) -> list[str]:
    """What each y is called, as in the table."""
    known = {one.name: one.title for one in columns}
    return [known.get(name, name.replace("_", " ")) for name in chart.y]


def _legend(titles: Sequence[str], left: int) -> list[Markup]:
    if len(titles) < 2:
        return []
    parts, x = [], float(left)
    for series, title in enumerate(titles):
        parts.append(rect(x, 3, 10, 10, f"series{series % SERIES}"))
        parts.append(text(x + 14, 12, title, "label"))
        x += 26 + 7 * len(title)
    return parts


def level(value: float, most: float) -> int:
    """0 for nothing, else 1 to LEVELS, by roots: a quiet hour must differ from none."""
    if value <= 0:
        return 0
    return max(1, min(LEVELS, ceil(LEVELS * sqrt(value / most))))


_DAY_WIDTH = (WIDTH - 84) / 24
_LINE = 11


def hours(chart: Chart, rows: Sequence[Row], _columns: Sequence[Column] = ()) -> Markup:
    """Day by hour: a row a day, a column an hour; the darker the more."""
    hour_name, count_name = chart.y
    cells: dict[tuple[str, int], float] = {}
    for row in rows:
        hour = row.get(hour_name)
        if isinstance(hour, int) and 0 <= hour < 24:
            key = (str(row.get(chart.x, "")), hour)
            cells[key] = cells.get(key, 0.0) + count(row.get(count_name))
    days = sorted({day for day, _ in cells})[:62]
    most = max(cells.values(), default=0.0)
    parts = _hour_heads()
    for line, day in enumerate(days):
        y = 16 + line * _LINE
        parts.append(text(76, y + 9, short(day, 12), "label end small"))
        parts += [
            _hour_cell(hour, y, cells.get((day, hour), 0.0), most, f"{short(day, 12)} {hour:02d}h")
            for hour in range(24)
        ]
    described = f"{len(days)} days by 24 hours, at most {written(most)} in an hour"
    return svg(chart.title, described, 18 + len(days) * _LINE, parts, "heat")


def _hour_heads() -> list[Markup]:
    return [
        text(84 + (hour + 0.5) * _DAY_WIDTH, 10, f"{hour:02d}", "label middle small")
        for hour in range(0, 24, 3)
    ]


def _hour_cell(hour: int, y: int, value: float, most: float, name: str) -> Markup:
    kind = f"heat{level(value, most)}"
    return rect(
        84 + hour * _DAY_WIDTH, y, _DAY_WIDTH - 1.5, _LINE - 1.5, kind, f"{name}: {written(value)}"
    )


def coverage(found: Coverage, log_type: str, month: Month) -> Markup:
    """The hours of a month in which a log has records: a row a day, a column an hour."""
    first = int(month.start.timestamp()) // 3600
    days = (month.end - month.start).days
    cells = [found.hours.get((log_type, first + hour), 0) for hour in range(days * 24)]
    missing = {
        gap.first_hour + n
        for gap in found.gaps
        if gap.log_type == log_type
        for n in range(gap.hours)
    }
    most = max(cells, default=0)
    parts = _hour_heads()
    for index, value in enumerate(cells):
        day, hour = divmod(index, 24)
        y, name = 16 + day * _LINE, f"{month}-{day + 1:02d} {hour:02d}:00"
        if not hour:
            parts.append(text(76, y + 9, name[5:10], "label end small"))
        if first + index in missing:
            parts.append(
                rect(
                    84 + hour * _DAY_WIDTH,
                    y,
                    _DAY_WIDTH - 1.5,
                    _LINE - 1.5,
                    "gap",
                    f"{name}: missing",
                )
            )
        else:
            parts.append(_hour_cell(hour, y, float(value), float(most), name))
    described = (
        f"{sum(1 for value in cells if value):,} of {len(cells)} hours have records, "
        f"{len(missing)} are missing"
    )
    return svg(f"{log_type}: records an hour", described, 18 + days * _LINE, parts, "heat coverage")


def lines(chart: Chart, rows: Sequence[Row], columns: Sequence[Column] = ()) -> Markup:
    """A line a y, over the xs in their order; rows of one x are added up."""
    xs = list(dict.fromkeys(str(row.get(chart.x, "")) for row in rows))
    sums = {name: dict.fromkeys(xs, 0.0) for name in chart.y}
    for row in rows:
        for name in chart.y:
            sums[name][str(row.get(chart.x, ""))] += count(row.get(name))
    most = max((value for line in sums.values() for value in line.values()), default=0.0)
    top = whole_top(most)
    step = (WIDTH - 90) / max(len(xs) - 1, 1)
    titles = _titles(chart, columns)
    parts = [*_legend(titles, 80), *_axis(xs, step, top)]
    for series, (name, title) in enumerate(zip(chart.y, titles, strict=True)):
        points = [
            f"{place(80 + index * step)},{place(180 - 150 * sums[name][x] / top)}"
            for index, x in enumerate(xs)
        ]
        drawn = Markup('<polyline points="{}" class="line{}"><title>{}</title></polyline>')
        parts.append(drawn.format(" ".join(points), series % SERIES, title))
    described = f"{len(xs)} points from {short(xs[0], 20)} to {short(xs[-1], 20)}"
    return svg(chart.title, f"{described}, at most {written(most)}", 204, parts, "lines")


def whole_top(most: float) -> float:
    """The end of an axis from 0: at least `most`, and a whole number, as its half is."""
    half, power = ceil(most / 2), 1
    while half > 15 * power:
        power *= 10
    step = next(one for one in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15) if one * power >= half)
    return 2.0 * step * power


def _axis(xs: Sequence[str], step: float, most: float) -> list[Markup]:
    rule = Markup('<line x1="80" x2="{}" y1="{}" y2="{}" class="rule"/>')
    parts = [rule.format(WIDTH - 10, y, y) for y in (30, 105, 180)]
    parts += [
        text(74, y + 4, written(most * part), "label end small")
        for y, part in ((30, 1), (105, 0.5), (180, 0))
    ]
    every = max(1, ceil(len(xs) / 8))
    parts += [
        text(80 + index * step, 198, short(x, 10), "label middle small")
        for index, x in enumerate(xs)
        if index % every == 0
    ]
    return parts
