"""Pictures as inline SVG: no script, styled by the page, the same bytes for the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil, sqrt

from markupsafe import Markup

from agent.report.model import Chart, Coverage, Month, Row, Value
from agent.report.outputs.text import in_line, short

WIDTH = 720
MOST_BARS = 20
LEVELS = 5

_LEFT, _RIGHT = 190, 64
_ROW = 20


def draw(chart: Chart, rows: Sequence[Row]) -> Markup:
    """The picture of a query's rows; empty where there is nothing to draw."""
    shapes: Mapping[str, Callable[[Chart, Sequence[Row]], Markup]] = {
        "bars": bars,
        "hours": hours,
        "lines": lines,
    }
    return shapes[chart.shape](chart, rows) if rows and chart.shape in shapes else Markup()


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
    said = in_line("" if value is None else str(value)[:60])
    return (said if len(said) <= 28 else said[:27] + "…") or "(empty)"


def place(value: float) -> str:
    """A coordinate of one decimal, the same on every machine."""
    return f"{value:.1f}".removesuffix(".0")


def written(value: float) -> str:
    """A count as it is written at a bar."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def bars(chart: Chart, rows: Sequence[Row]) -> Markup:
    """One bar an x, from the left, stacked by y; what is beyond the first ones is said."""
    shown = rows[:MOST_BARS]
    totals = [sum(count(row.get(name)) for name in chart.y) for row in shown]
    most = max(totals) or 1.0
    scale = (WIDTH - _LEFT - _RIGHT) / most
    parts = [*_legend(chart)]
    top = _ROW if parts else 0
    for index, (row, total) in enumerate(zip(shown, totals, strict=True)):
        y = top + index * _ROW
        name = label(row.get(chart.x))
        parts.append(text(_LEFT - 8, y + 14, name, "label end"))
        x = float(_LEFT)
        for series, column in enumerate(chart.y):
            value = count(row.get(column))
            if value:
                wide = max(value * scale, 1.0)
                said = f"{name}: {_plain(column)} {written(value)}"
                parts.append(rect(x, y + 3, wide, _ROW - 6, f"series{series % LEVELS}", said))
                x += wide
        parts.append(text(x + 6, y + 14, written(total), "label"))
    height = top + len(shown) * _ROW
    if len(rows) > len(shown):
        height += _ROW
        parts.append(text(_LEFT, height - 5, f"and {len(rows) - len(shown):,} more", "label soft"))
    return svg(chart.title, f"{len(rows)} bars, the longest {written(most)}", height, parts, "bars")


def _plain(column: str) -> str:
    return column.replace("_", " ")


def _legend(chart: Chart) -> list[Markup]:
    if len(chart.y) < 2:
        return []
    parts, x = [], float(_LEFT)
    for series, column in enumerate(chart.y):
        parts.append(rect(x, 3, 10, 10, f"series{series % LEVELS}"))
        parts.append(text(x + 14, 12, _plain(column), "label"))
        x += 26 + 7 * len(column)
    return parts


def level(value: float, most: float) -> int:
    """0 for nothing, else 1 to LEVELS, by roots: a quiet hour must differ from none."""
    if value <= 0:
        return 0
    return max(1, min(LEVELS, ceil(LEVELS * sqrt(value / most))))


_DAY_WIDTH = (WIDTH - 84) / 24
_LINE = 11


def hours(chart: Chart, rows: Sequence[Row]) -> Markup:
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


def lines(chart: Chart, rows: Sequence[Row]) -> Markup:
    """A line a y, over the xs in their order; rows of one x are added up."""
    xs = list(dict.fromkeys(str(row.get(chart.x, "")) for row in rows))
    sums = {name: dict.fromkeys(xs, 0.0) for name in chart.y}
    for row in rows:
        for name in chart.y:
            sums[name][str(row.get(chart.x, ""))] += count(row.get(name))
    most = max((value for line in sums.values() for value in line.values()), default=0.0) or 1.0
    step = (WIDTH - 90) / max(len(xs) - 1, 1)
    parts = [*_legend(chart), *_axis(xs, step, most)]
    for series, name in enumerate(chart.y):
        points = [
            f"{place(80 + index * step)},{place(180 - 150 * sums[name][x] / most)}"
            for index, x in enumerate(xs)
        ]
        drawn = Markup('<polyline points="{}" class="line{}"><title>{}</title></polyline>')
        parts.append(drawn.format(" ".join(points), series % LEVELS, _plain(name)))
    described = f"{len(xs)} points from {short(xs[0], 20)} to {short(xs[-1], 20)}"
    return svg(chart.title, f"{described}, at most {written(most)}", 204, parts, "lines")


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
