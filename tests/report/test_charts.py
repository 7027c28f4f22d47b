"""Pictures: well formed, named for who cannot see them, and unbroken by what the rows hold."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.report.model import Chart, Column, ColumnKind, Value
from agent.report.outputs import charts
from tests.report.documents import HOSTILE, MONTH, coverage

SHAPES = {
    "bars": Chart("q", "bars", "x", ("y", "z"), "Title"),
    "hours": Chart("q", "hours", "x", ("y", "z"), "Title"),
    "lines": Chart("q", "lines", "x", ("y", "z"), "Title"),
}
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.sampled_from(HOSTILE),
)


NAMES = VALUES.filter(lambda one: one == one)  # noqa: PLR0124 - a name may be anything but "nan"
ROWS = st.fixed_dictionaries({"x": NAMES, "y": VALUES, "z": VALUES})


@pytest.mark.parametrize("shape", SHAPES)
@given(rows=st.lists(ROWS, max_size=30))
@settings(max_examples=40, deadline=None)
def test_any_rows_make_a_picture_or_none(shape: str, rows: list[dict[str, Value]]) -> None:
    drawn = charts.draw(SHAPES[shape], rows)

    assert bool(drawn) == bool(rows)
    if drawn:
        root = ET.fromstring(drawn.encode("utf-8"))  # noqa: S314 - our own
        assert root.get("role") == "img"
        assert root.get("aria-label", "").startswith("Title.")
        assert {one.tag for one in root.iter()} <= {
            "svg",
            "text",
            "rect",
            "title",
            "polyline",
            "line",
        }
        assert "nan" not in drawn.lower().replace("nanosecond", "")


def test_a_shape_that_there_is_not_draws_nothing() -> None:
    assert charts.draw(Chart("q", "pie", "x", ("y",), ""), [{"x": 1, "y": 1}]) == ""


def test_a_bar_is_as_long_as_its_share() -> None:
    chart = Chart("q", "bars", "x", ("y",), "")
    root = ET.fromstring(charts.draw(chart, [{"x": "a", "y": 10}, {"x": "b", "y": 5}]))  # noqa: S314

    wide = [float(one.get("width", "0")) for one in root.iter("rect")]
    assert wide[1] == wide[0] / 2


def test_bars_beyond_the_first_ones_are_said() -> None:
    drawn = charts.draw(SHAPES["bars"], [{"x": n, "y": n, "z": 0} for n in range(25)])

    assert "and 5 more" in drawn


def test_an_hour_that_is_missing_differs_from_one_that_is_quiet() -> None:
    root = ET.fromstring(charts.coverage(coverage(), "connectionlog", MONTH))  # noqa: S314
    kinds = [one.get("class") for one in root.iter("rect")]

    assert len(kinds) == 31 * 24
    assert kinds.count("gap") == 6
    assert kinds[300:306] == ["gap"] * 6
    assert "6 are missing" in root.get("aria-label", "")


@pytest.mark.parametrize(
    ("value", "level"),
    [(0, 0), (1, 1), (100, 2), (900, 5), (-5, 0)],
)
def test_a_quiet_hour_is_not_an_empty_one(value: float, level: int) -> None:
    assert charts.level(value, 900) == level


COUNTED = Column("y", "Statements", ColumnKind.COUNT)
OF_DAYS = (Column("x", "Day", ColumnKind.DAY), COUNTED)
OF_HOURS = (Column("x", "Hour", ColumnKind.COUNT), COUNTED)
OF_NAMES = (Column("x", "User"), COUNTED)
ONE = Chart("q", "bars", "x", ("y",), "Title")


def bars_of(count: int) -> list[dict[str, Value]]:
    return [{"x": number, "y": number} for number in range(count)]


@pytest.mark.parametrize(
    ("columns", "count", "beyond"),
    [
        pytest.param(OF_DAYS, 31, 0, id="a month's days are all there"),
        pytest.param(OF_HOURS, 24, 0, id="a day's hours are all there"),
        pytest.param(OF_NAMES, 24, 4, id="of names there are twenty"),
        pytest.param(OF_DAYS, 1000, 938, id="no more days than two months have"),
    ],
)
def test_an_axis_of_time_is_shown_whole(
    columns: tuple[Column, ...], count: int, beyond: int
) -> None:
    drawn = charts.draw(ONE, bars_of(count), columns)

    assert len(re.findall('class="label end"', drawn)) == count - beyond
    assert (f"and {beyond} more" in drawn) == bool(beyond)
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    height = float(root.get("viewBox", "").split()[-1])
    assert all(float(one.get("y", "0")) <= height for one in root.iter("text"))


LONG = [{"x": "n" * 29, "y": 1}]


@pytest.mark.parametrize(
    ("chart", "rows", "columns", "expected"),
    [
        pytest.param(ONE, bars_of(20), OF_NAMES, True, id="bars of all there is"),
        pytest.param(ONE, bars_of(31), OF_DAYS, True, id="bars of every day"),
        pytest.param(ONE, bars_of(21), OF_NAMES, False, id="a bar is left out"),
        pytest.param(ONE, LONG, OF_NAMES, False, id="a name is cut"),
        pytest.param(ONE, bars_of(3), (*OF_NAMES, Column("z", "More")), False, id="a column more"),
        pytest.param(
            SHAPES["bars"], bars_of(3), (*OF_NAMES, Column("z", "More")), False, id="two series"
        ),
        pytest.param(Chart("q", "lines", "x", ("y",), ""), bars_of(3), OF_DAYS, False, id="a line"),
        pytest.param(SHAPES["hours"], bars_of(3), OF_DAYS, True, id="a heat map"),
    ],
)
def test_a_picture_says_all_if_every_figure_can_be_read_off_it(
    chart: Chart, rows: list[dict[str, Value]], columns: tuple[Column, ...], expected: bool
) -> None:
    assert charts.says_all(chart, rows, columns) is expected


def test_a_picture_of_nothing_is_known_as_such() -> None:
    nothing: list[dict[str, Value]] = [{"x": 1, "y": 0, "z": None}, {"x": 2, "y": 0, "z": 0}]

    assert charts.is_empty(SHAPES["bars"], nothing)
    assert not charts.is_empty(SHAPES["bars"], [*nothing, {"x": 3, "y": 0, "z": 1}])
    assert charts.is_empty(SHAPES["hours"], [{"x": "2026-10-01", "y": 23, "z": 0}])


@pytest.mark.parametrize("shape", ["bars", "lines"])
def test_the_legend_says_what_the_table_does(shape: str) -> None:
    columns = (Column("y", "TLS 1.2 or later"), Column("z", "Older <TLS>"))
    drawn = charts.draw(SHAPES[shape], [{"x": "a", "y": 1, "z": 2}], columns)

    assert 'class="label">TLS 1.2 or later</text>' in drawn
    assert 'class="label">Older &lt;TLS&gt;</text>' in drawn
    assert re.search("<title>(a: )?TLS 1.2 or later", drawn)


def test_six_series_have_six_colours() -> None:
    names = tuple("abcdef")
    columns = tuple(Column(one, one) for one in names)
    row: dict[str, Value] = dict.fromkeys(names, 1)
    drawn = charts.draw(Chart("q", "bars", "x", names, ""), [row], columns)
    lines = charts.draw(Chart("q", "lines", "x", names, ""), [row], columns)

    legend_and_bars = sorted(2 * [f"series{number}" for number in range(6)])
    assert sorted(re.findall(r"series\d", drawn)) == legend_and_bars
    assert len(set(re.findall(r"line\d", lines))) == 6


def lightness(colour: str) -> float:
    """L* of the CIE: what is left of a colour on a grey printer."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts
    )
    return float(116 * (0.2126 * red + 0.7152 * green + 0.0722 * blue) ** (1 / 3) - 16)


def test_the_colours_of_series_differ_without_their_hue() -> None:
    style = files("agent.report").joinpath("templates/style.css").read_text(encoding="utf-8")
    light, dark = (
        found
        for found in (re.findall(r"--s\d: (#\w{6});", line) for line in style.splitlines())
        if found
    )

    for scheme in (light, dark):
        assert len(scheme) == charts.SERIES
        shades = [lightness(one) for one in scheme]
        assert all(abs(one - other) >= 8 for one, other in combinations(shades, 2))
    for number in range(charts.SERIES):
        assert f".series{number} {{ fill: var(--s{number}); }}" in style
        assert f".line{number} {{ stroke:" in style


@given(most=st.floats(0, 10**18))
def test_an_axis_ends_on_a_whole_number_and_so_does_its_half(most: float) -> None:
    top = charts.whole_top(most)

    assert top >= most
    assert top <= max(2, 1.5 * most + 2)
    assert top % 2 == 0


def test_an_axis_of_counts_has_no_fractions() -> None:
    chart = Chart("q", "lines", "x", ("y",), "")
    drawn = charts.draw(chart, [{"x": "a", "y": 135}, {"x": "b", "y": 0}], OF_DAYS)

    assert re.findall('class="label end small">([^<]*)<', drawn) == ["160", "80", "0"]
    assert 'points="80,53.4 710,180"' in drawn
