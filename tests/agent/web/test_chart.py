"""The chart of the last thirty days: what stands where, and what is never made up."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.store.records import Day
from agent.web.chart import BARS_BOTTOM, BARS_TOP, DAYS, LINE_BOTTOM, LINE_TOP, WIDTH, chart

TODAY = date(2026, 11, 22)


def day(ago: int, good: float = 8, bad: float = 1, unknown: float = 1) -> Day:
    return Day(TODAY - timedelta(days=ago), {"pass": good, "fail": bad, "unknown": unknown}, 96)


def test_without_a_sweep_there_is_no_chart() -> None:
    assert chart([], TODAY) is None
    assert chart([day(30)], TODAY) is None


def test_there_are_thirty_days_up_to_today() -> None:
    drawn = chart([day(0)], TODAY)

    assert drawn is not None
    assert [column.day for column in drawn.columns] == [
        TODAY - timedelta(days=ago) for ago in reversed(range(DAYS))
    ]


def test_a_day_without_a_sweep_breaks_the_line_and_is_told() -> None:
    drawn = chart([day(4), day(3), day(1), day(0)], TODAY)

    assert drawn is not None
    assert [len(line.split()) for line in drawn.lines] == [2, 2]
    assert drawn.gaps == 26
    assert "No sweep saw anything on 26 of 30 days." in drawn.summary
    assert [column.swept for column in drawn.columns[-5:]] == [True, True, False, True, True]


def test_a_day_on_which_nothing_was_judged_has_no_point_but_was_swept() -> None:
    drawn = chart([day(0, 0, 0, 0)], TODAY)

    assert drawn is not None
    assert drawn.columns[-1].swept
    assert drawn.columns[-1].point is None
    assert "Nothing was judged" in drawn.summary


def test_unknown_stands_upon_what_fails() -> None:
    drawn = chart([day(0, bad=3, unknown=1)], TODAY)

    assert drawn is not None
    fail, unknown = drawn.columns[-1].fail, drawn.columns[-1].unknown
    assert (fail, unknown) == ((189.0, 51.0), (172.0, 17.0))
    assert drawn.most == "4"


@pytest.mark.parametrize(
    ("good", "starts"),
    [
        pytest.param(10, "0 %", id="low"),
        pytest.param(120, "50 %", id="above half"),
        pytest.param(98 * 100, "96 %", id="almost all"),
    ],
)
def test_the_axis_begins_where_the_line_is_seen(good: int, starts: str) -> None:
    drawn = chart([day(0, good, bad=50, unknown=50)], TODAY)

    assert drawn is not None
    assert (starts, "100 %") == (drawn.ticks[0][1], drawn.ticks[-1][1])


COUNT = st.floats(0, 1e6)


@example(days=[(0, 0.0, 0.0, 5e-324)])
@given(st.lists(st.tuples(st.integers(0, 40), COUNT, COUNT, COUNT), min_size=1))
def test_nothing_is_drawn_beside_the_chart(days: list[tuple[int, float, float, float]]) -> None:
    drawn = chart([day(*each) for each in days], TODAY)

    for column in drawn.columns if drawn else ():
        assert column.x >= 0
        assert column.x + column.width <= WIDTH
        if column.point is not None:
            assert LINE_TOP <= column.point <= LINE_BOTTOM
        assert column.unknown[0] >= BARS_TOP - 0.02
        assert column.fail[0] + column.fail[1] <= BARS_BOTTOM + 0.02
