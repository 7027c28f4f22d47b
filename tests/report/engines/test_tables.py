"""Helper tables: the calendar, the patterns of sensitive names, the numbers of objects."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from agent.auditlog.schema import SLOT_MS
from agent.report.calendar import calendar, is_within
from agent.report.model import Month, Questions, Row
from agent.report.tables import numbered, pattern
from tests.report.engines.month import MONTH, START, log_object, month


def at(questions: Questions, slot: int, of: Month = MONTH) -> Row:
    return list(calendar(of, questions))[slot]


def test_the_calendar_has_every_quarter_of_an_hour_of_the_month_once() -> None:
    rows = list(calendar(MONTH, Questions()))

    assert [row["slot"] for row in rows] == list(
        range(START // SLOT_MS, START // SLOT_MS + 31 * 96)
    )


def test_the_local_day_begins_where_the_zone_says() -> None:
    row = at(Questions(time_zone="Asia/Kathmandu"), 73)

    assert (row["utc_day"], row["local_day"], row["local_hour"]) == ("2026-10-01", "2026-10-02", 0)


def test_an_hour_is_lived_twice_when_summer_ends() -> None:
    hours = [
        row["local_hour"]
        for row in calendar(MONTH, Questions(time_zone="Europe/Berlin"))
        if row["local_day"] == "2026-10-25"
    ]

    assert len(hours) == 100
    assert hours.count(2) == 8


@pytest.mark.parametrize(
    ("weekday", "minute", "hours", "within"),
    [
        pytest.param(0, 420, (0, 420, 1140), True, id="the first minute is within"),
        pytest.param(0, 1140, (0, 420, 1140), False, id="the last is not"),
        pytest.param(1, 500, (0, 420, 1140), False, id="another day"),
        pytest.param(6, 60, (5, 1320, 120), True, id="past midnight it is the next day"),
        pytest.param(0, 60, (6, 1320, 120), True, id="from Sunday to Monday"),
        pytest.param(5, 60, (5, 1320, 120), False, id="before it begins"),
        pytest.param(0, 1439, (0, 0, 1440), True, id="a whole day"),
    ],
)
def test_hours_of_a_weekday_may_cross_midnight(
    weekday: int, minute: int, hours: tuple[int, int, int], within: bool
) -> None:
    assert is_within(weekday, minute, *hours) is within


def test_without_windows_every_slot_is_in_one() -> None:
    assert all(row["in_window"] for row in calendar(MONTH, Questions()))
    assert not all(
        row["in_window"] for row in calendar(MONTH, Questions(change_windows=((0, 0, 60),)))
    )


@pytest.mark.parametrize(
    ("name", "text", "matches"),
    [
        pytest.param("sales.cards", "select * from sales.cards;", True, id="bare"),
        pytest.param("Sales.Cards", 'from "sales"."cards" x', True, id="quoted"),
        pytest.param("sales.cards", 'from sales . "cards"', True, id="space around the dot"),
        pytest.param("sales.cards", "from sales\n.\tcards", True, id="lines around the dot"),
        pytest.param("sales.cards", "from presales.cards", False, id="longer at the front"),
        pytest.param("sales.cards", "from sales.cards_old", False, id="longer at the end"),
        pytest.param("sales.cards", "from sales.cardsé", False, id="longer by another letter"),
        pytest.param("sales.cards", 'from "my sales".cards', False, id="quoted and longer"),
        pytest.param("sales.cards", "from dev.sales.cards", True, id="with its database"),
        pytest.param("sales.cards", "from salesxcards", False, id="the dot is a dot"),
        pytest.param("cards", "from sales.cards where", True, id="in any schema"),
        pytest.param("pers*", "from person_data", True, id="a star in an identifier"),
        pytest.param("sales.c*", "from sales.orders, cards", False, id="a star ends with it"),
        pytest.param("sales.*", "from sales.anything", True, id="a whole schema"),
        pytest.param('a"b(', "from anything", False, id="a hostile name is text"),
    ],
)
def test_a_configured_name_matches_the_object_and_no_other(
    name: str, text: str, matches: bool
) -> None:
    assert bool(re.search(pattern(name), text)) is matches


def test_objects_are_numbered_by_stamp_whatever_their_order() -> None:
    late = log_object("userlog", MONTH.start + timedelta(hours=2))
    early = log_object("userlog", MONTH.start)

    assert numbered([late, early]) == {1: early, 2: late} == numbered([early, late])


def test_an_earlier_file_that_is_this_months_too_is_read_once(tmp_path: Path) -> None:
    from dataclasses import replace

    tables = month(tmp_path, {"connection": []})

    assert replace(tables, earlier=tables.files["connection"]).earlier_paths() == []
