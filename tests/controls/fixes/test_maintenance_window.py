"""The maintenance window: at its bounds, over the end of the week, while it is deferred."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.fixes.maintenance_window import Span, is_open, next_open, parse_window

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
TICK = timedelta(microseconds=1)
WEEK = 7 * 24 * 60

moments = st.integers(0, WEEK - 1)
times = st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants bounds without a zone


def written(start: int, end: int) -> str:
    """Minutes of the week as AWS writes a window."""
    ends = [f"{DAYS[m // 1440]}:{m % 1440 // 60:02}:{m % 60:02}" for m in (start, end)]
    return "-".join(ends)


def at(day: str, clock: str, week: int = 0) -> datetime:
    hour, minute = map(int, clock.split(":"))
    days = DAYS.index(day) + 7 * week
    return MONDAY + timedelta(days=days, hours=hour, minutes=minute)


@pytest.mark.parametrize(
    ("window", "now", "open_"),
    [
        ("sat:03:00-sat:03:30", at("sat", "03:00") - TICK, False),
        ("sat:03:00-sat:03:30", at("sat", "03:00"), True),
        ("sat:03:00-sat:03:30", at("sat", "03:30") - TICK, True),
        ("sat:03:00-sat:03:30", at("sat", "03:30"), False),
        ("Sat:03:00-Sat:03:30", at("sat", "03:10"), True),
        ("sun:23:30-mon:00:30", at("sun", "23:30"), True),
        ("sun:23:30-mon:00:30", at("mon", "00:00"), True),
        ("sun:23:30-mon:00:30", at("mon", "00:30") - TICK, True),
        ("sun:23:30-mon:00:30", at("mon", "00:30"), False),
        ("sun:23:30-mon:00:30", at("sun", "23:30") - TICK, False),
        ("mon:00:00-mon:00:30", at("mon", "00:00"), True),
        ("fri:22:00-tue:04:00", at("mon", "12:00"), True),
        ("fri:22:00-tue:04:00", at("tue", "04:00"), False),
    ],
)
def test_a_window_is_open_from_its_start_to_just_before_its_end(
    window: str, now: datetime, open_: bool
) -> None:
    assert is_open(parse_window(window), now) is open_


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sat:03:00",
        "sat:03:00-sat:03:00",
        "sat:24:00-sun:00:30",
        "sat:03:60-sat:04:30",
        "xxx:03:00-sat:03:30",
        "sat:3:00-sat:3:30",
        "sat:03:00-sat:03:30,sun:03:00-sun:03:30",
        "sat:٠٣:00-sat:03:30",
    ],
)
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="maintenance window"):
        parse_window(text)


@settings(deadline=None)
@given(moments, moments, times)
def test_a_window_is_what_the_minutes_of_the_week_say(start: int, end: int, now: datetime) -> None:
    if start == end:
        return
    minute = now.weekday() * 1440 + now.hour * 60 + now.minute
    between = start <= minute < end if start < end else (minute >= start or minute < end)

    assert is_open(parse_window(written(start, end)), now) is between


@settings(deadline=None)
@given(moments, moments, times)
def test_the_next_opening_is_open_and_nothing_before_it_is(
    start: int, end: int, now: datetime
) -> None:
    if start == end:
        return
    window = parse_window(written(start, end))

    opens = next_open(window, now)

    assert now <= opens < now + timedelta(days=7)
    assert is_open(window, opens)
    if opens > now:
        assert not is_open(window, opens - TICK)
        assert not is_open(window, now)
        assert opens.weekday() * 1440 + opens.hour * 60 + opens.minute == start


hours = st.timedeltas(timedelta(), timedelta(days=60))


@settings(deadline=None)
@given(moments, moments, times, st.lists(st.tuples(hours, hours), max_size=4))
def test_a_deferral_shuts_the_window(
    start: int, end: int, now: datetime, spans: list[tuple[timedelta, timedelta]]
) -> None:
    if start == end:
        return
    window = parse_window(written(start, end))
    deferred: list[Span] = [
        (now - timedelta(days=30) + first, now - timedelta(days=30) + first + length)
        for first, length in spans
    ]

    opens = next_open(window, now, deferred)

    assert opens >= now
    assert is_open(window, opens)
    assert is_open(window, opens, deferred)
    assert not any(first <= opens < last for first, last in deferred)
    before = opens - TICK
    assert before < now or not is_open(window, before, deferred)


def test_a_deferral_that_ends_within_the_window_leaves_the_rest_of_it() -> None:
    window = parse_window("sat:03:00-sat:05:00")
    deferred = [(at("fri", "00:00"), at("sat", "04:00"))]

    assert next_open(window, at("fri", "12:00"), deferred) == at("sat", "04:00")


def test_a_deferral_over_the_whole_window_waits_for_the_week_after() -> None:
    window = parse_window("sat:03:00-sat:05:00")
    deferred = [(at("fri", "00:00"), at("sat", "05:00"))]

    assert next_open(window, at("fri", "12:00"), deferred) == at("sat", "03:00", week=1)
