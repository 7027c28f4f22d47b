"""Pictures: well formed, named for who cannot see them, and unbroken by what the rows hold."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.report.model import Chart, Value
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
