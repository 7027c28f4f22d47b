"""Up-time from events: which events count, the sums, and a slow hour-by-hour model."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sandbox.extension.redshift import KNOWN_EVENTS
from controls.semantics.uptime import (
    EVENTS_KEPT,
    RESIZE_TAKES,
    Turn,
    Turns,
    last_left_open,
    reboots_that_count,
    turn_of,
    turns_of,
    up_time,
    writing_since,
)
from tests.fakes import NOW

HOUR = timedelta(hours=1)
KEPT_HOURS = EVENTS_KEPT // HOUR
UP, DOWN, RESIZED, REBOOTED = Turn.UP, Turn.DOWN, Turn.RESIZED, Turn.REBOOTED


@pytest.mark.parametrize(
    ("message", "turn"),
    [
        ("The cluster prod was resumed at 2026-11-22 03:00 UTC.", UP),
        ("Cluster 'prod' was resumed.", UP),
        ("Cluster prod-2 has been successfully resumed at 03:00", UP),
        ("Cluster prod created at 2026-11-22 03:00 UTC.", UP),
        ("Your Amazon Redshift cluster 'prod' was restored from snapshot nightly.", UP),
        ("Cluster: prod is being restored", DOWN),
        ("Cluster prod is being resized to 4 nodes.", DOWN),
        ("Cluster prod has been resized to 4 nodes.", RESIZED),
        ("Cluster prod was paused", DOWN),
        ("Cluster prod is being paused.", DOWN),
        ("Cluster prod rebooted at 2026-11-22 03:00 UTC.", REBOOTED),
        ("Cluster prod is being rebooted.", REBOOTED),
        ("A manual snapshot of cluster prod was created at 03:00.", None),
        ("Cluster prod snapshot nightly was created at 03:00.", None),
        ("Cluster prod created a snapshot.", None),
        ("Cluster prod restored table orders from snapshot nightly.", None),
        ("IAM credentials were created for cluster prod.", None),
        ("Query queue restored to default on cluster prod.", None),
        ("The parameter group of cluster prod was created.", None),
        ("Cluster prod is scheduled to be paused at 20:00.", None),
        ("Cluster prod could not be resumed.", None),
        ("Cluster prod was renamed to prod2.", None),
        ("Maintenance on Amazon Redshift cluster 'prod' started at 03:00.", None),
        ("", None),
    ],
)
def test_a_message_counts_where_the_cluster_is_its_subject(message: str, turn: Turn | None) -> None:
    assert turn_of({"Message": message}) is turn


@pytest.mark.parametrize(
    ("event", "turn"),
    [
        ("REDSHIFT-EVENT-2000", UP),
        ("REDSHIFT-EVENT-3000", REBOOTED),
        ("REDSHIFT-EVENT-3618", DOWN),
        ("REDSHIFT-EVENT-3622", UP),
        ("REDSHIFT-EVENT-2003", None),
        ("REDSHIFT-EVENT-2004", None),
    ],
)
def test_a_known_identifier_says_it_whatever_the_message(event: str, turn: Turn | None) -> None:
    assert turn_of({"EventId": event, "Message": "words nobody foresaw"}) is turn
    _, message = KNOWN_EVENTS[event]
    assert turn_of({"EventId": event, "Message": message.format(name="c1", time="3:00")}) is turn


def test_an_unheard_of_identifier_leaves_the_message_to_say_it() -> None:
    assert turn_of({"EventId": "REDSHIFT-EVENT-9999", "Message": "Cluster c1 was paused"}) is DOWN


def test_turns_are_the_oldest_first_whatever_the_order_of_the_events() -> None:
    events = [
        {"Date": NOW - HOUR, "EventId": "REDSHIFT-EVENT-3622"},
        {"Date": NOW - 2 * HOUR, "Message": "nothing"},
        {"Date": NOW - 3 * HOUR, "EventId": "REDSHIFT-EVENT-3618"},
    ]
    assert turns_of(events) == [(NOW - 3 * HOUR, DOWN), (NOW - HOUR, UP)]


def ago(*turns: tuple[int, Turn]) -> Turns:
    return [(NOW - age * HOUR, turn) for age, turn in turns]


DAILY = ago(*((24 * day + at, turn) for day in range(13, -1, -1) for at, turn in ((10, UP),)))
OFFICE_HOURS = ago(
    *(
        (24 * day + age, turn)
        for day in range(12, -1, -1)
        for age, turn in ((24, DOWN), (10, UP))  # up for the ten hours before each 24th
    )
)


@pytest.mark.parametrize(
    ("turns", "newest", "hours"),
    [
        pytest.param((), 40, 40, id="no event: up all the while"),
        pytest.param(OFFICE_HOURS, 120, 50, id="paused every night, dead for five days"),
        pytest.param(OFFICE_HOURS, 20, 10, id="paused every night, dead since yesterday"),
        pytest.param(ago((10, UP)), 120, 10, id="a single resume after a long pause"),
        pytest.param(ago((300, DOWN), (10, UP)), 310, 20, id="up before a pause counts too"),
        pytest.param(DAILY, 120, 10, id="resumes without any pause between: the last one counts"),
        pytest.param(ago((50, DOWN)), 60, 10, id="a pause and no resume: down since"),
        pytest.param(ago((50, DOWN), (49, DOWN), (5, UP)), 60, 15, id="a pause told of twice"),
        pytest.param(ago((20, REBOOTED)), 60, 60, id="a reboot is no pause"),
        pytest.param(ago((20, RESIZED)), 60, 57, id="a resize without its beginning"),
        pytest.param(ago((40, DOWN), (20, RESIZED)), 60, 40, id="a resize with its beginning"),
        pytest.param(
            ago(*((24 * day + 12, RESIZED) for day in range(6, -1, -1))),
            120,
            120 - 5 * 3,
            id="a cluster that is resized every day",
        ),
        pytest.param(ago((100, UP)), 60, 60, id="a resume before the newest record"),
        pytest.param((), 24 * 30, 24 * 14, id="nothing before the events that are kept is counted"),
        pytest.param((), 0, 0, id="a record right now"),
        pytest.param((), -5, 0, id="a record ahead of the clock"),
    ],
)
def test_up_time_since_the_newest_record(turns: Turns, newest: int, hours: int) -> None:
    assert up_time(turns, NOW - newest * HOUR, NOW) == hours * HOUR


@pytest.mark.parametrize(
    ("turns", "known", "newest", "since"),
    [
        pytest.param((), 300, 40, 300, id="up ever since the newest record: as long as known"),
        pytest.param((), 9000, 8000, 9000, id="up ever since a record older than any event"),
        pytest.param(ago((50, UP)), 300, 40, 300, id="a resume before the newest record"),
        pytest.param(ago((10, UP)), 300, 120, 10, id="a single resume after a long pause"),
        pytest.param(OFFICE_HOURS, 9000, 120, 50, id="the sum of the days that it was up"),
        pytest.param(OFFICE_HOURS, 20, 120, 10, id="not before it is known to log"),
        pytest.param(OFFICE_HOURS, 120, None, 50, id="no record, and five days of logging"),
        pytest.param((), 20, None, 20, id="no record, and up since logging is on"),
    ],
)
def test_since_when_the_cluster_had_time_to_write(
    turns: Turns, known: int, newest: int | None, since: int
) -> None:
    record = None if newest is None else NOW - newest * HOUR
    moment, why = writing_since((NOW - known * HOUR, "known"), record, turns, NOW)
    assert moment == NOW - since * HOUR
    assert (
        why == "known"
        if since == known
        else why.startswith(f"the cluster has been up for {since}.0 h")
    )


# ------------------------------------------------------------------------- against a slow model

histories = st.dictionaries(
    st.integers(1, KEPT_HOURS - 1), st.sampled_from([UP, DOWN, RESIZED, REBOOTED]), max_size=30
)


def is_up(history: dict[int, Turn], age: int) -> bool:
    """Whether the cluster was up in the hour that began `age` hours ago, by its neighbours."""
    turns = {at: turn for at, turn in history.items() if turn is not REBOOTED}
    before = min((at for at in turns if at >= age), default=None)
    after = max((at for at in turns if at < age), default=None)
    if before is not None and turns[before] is DOWN:
        return False
    if after is None:
        return True
    if turns[after] is RESIZED:
        return age - after > RESIZE_TAKES // HOUR
    return turns[after] is DOWN


@given(histories, st.integers(0, KEPT_HOURS + 50))
def test_up_time_is_what_counting_each_hour_gives(history: dict[int, Turn], start: int) -> None:
    turns = ago(*sorted(history.items(), reverse=True))
    counted = sum(is_up(history, age) for age in range(1, min(start, KEPT_HOURS) + 1))
    assert up_time(turns, NOW - start * HOUR, NOW) == counted * HOUR


@given(histories, st.integers(1, 400), st.integers(0, 400), st.integers(1, 72))
def test_a_log_fails_once_the_hours_up_since_its_newest_record_reach_the_window(
    history: dict[int, Turn], known: int, newest: int, window: int
) -> None:
    """Within the days that events are kept: the rule's condition says the same as the hours."""
    turns = ago(*sorted(history.items(), reverse=True))
    record, logging = NOW - newest * HOUR, NOW - known * HOUR
    moment, _ = writing_since((logging, ""), record, turns, NOW)
    stale = newest > window and _reaches(moment, window)
    up = up_time(turns, max(record, logging), NOW)
    assert stale == (newest > window and up >= window * HOUR)


def _reaches(moment: datetime, window: int) -> bool:
    return NOW - moment >= window * HOUR


@pytest.mark.parametrize(
    ("ages", "counted"),
    [
        pytest.param([], [], id="none"),
        pytest.param([3], [3], id="one, just now"),
        pytest.param([30], [30], id="one, yesterday"),
        pytest.param([100, 76, 52, 28], [100], id="every night: the earliest"),
        pytest.param([100, 52, 4], [100, 4], id="and one that may not have had its record yet"),
    ],
)
def test_reboots_every_night_do_not_excuse_a_log_for_ever(
    ages: list[int], counted: list[int]
) -> None:
    turns = [(NOW - timedelta(hours=age), Turn.REBOOTED) for age in ages]
    found = {date for date, _ in reboots_that_count(turns, NOW)}
    assert found == {NOW - timedelta(hours=age) for age in counted}


@pytest.mark.parametrize(
    ("turns", "open_"),
    [
        pytest.param([], False, id="no event"),
        pytest.param([Turn.DOWN], True, id="paused, and nothing since"),
        pytest.param([Turn.DOWN, Turn.REBOOTED], True, id="a reboot does not end a pause"),
        pytest.param([Turn.DOWN, Turn.UP], False, id="resumed"),
    ],
)
def test_a_pause_without_an_end_is_seen(turns: list[Turn], open_: bool) -> None:
    dated = [(NOW - timedelta(hours=9 - n), turn) for n, turn in enumerate(turns)]
    assert (last_left_open(dated) is not None) is open_


def test_a_message_about_something_else_of_the_cluster_is_not_about_the_cluster() -> None:
    event = {"SourceIdentifier": "prod", "Message": "Cluster snapshot was created"}
    assert turn_of(event) is None
    assert turn_of(event | {"Message": "Cluster prod was created"}) is Turn.UP
