"""Section 14, asked of small tables and counted by hand."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.report.model import Questions
from agent.report.sections.sessions import SECTION
from tests.report.tables import answers, ask, filled_calendar, made, ms

START = ms("2026-10-05 10:00:00")
DURATIONS = SECTION.queries[0]


def session(us: int | None, **columns: object) -> dict[str, object]:
    """A session of so many microseconds; None: open."""
    end = None if us is None else START + us // 1000
    return {"start_ms": START, "end_ms": end, "duration_us": us, **columns}


@settings(max_examples=15)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=40))
def test_quantiles_are_those_of_the_nearest_rank(durations: list[int]) -> None:
    (row,) = ask(made(session=[session(us) for us in durations]), DURATIONS)

    ordered = sorted(durations)
    for percent in (50, 90, 95):
        rank = math.ceil(percent * len(ordered) / 100)
        assert row[f"p{percent}_us"] == ordered[rank - 1]
    assert (row["sessions"], row["longest_us"]) == (len(ordered), ordered[-1])


def test_durations_are_of_sessions_over_the_network_that_ended_in_the_month() -> None:
    sessions = [
        session(10),
        session(20, user_name="amy"),
        session(30, remote_host="local"),
        session(40, user_name="rdsdb"),
        session(None),
        {**session(50), "end_ms": "2026-11-01 00:00:00"},
    ]

    found = answers(made(session=sessions), SECTION)

    assert [(r["user_name"], r["sessions"]) for r in found["durations"]] == [("amy", 1), ("bob", 1)]
    assert [r["duration_us"] for r in found["longest"]] == [20, 10]


def test_sessions_open_at_the_end_are_listed_and_found_after_a_week() -> None:
    sessions = [
        session(None),
        session(10, user_name="amy"),
        {**session(None, user_name="late"), "start_ms": "2026-10-31 00:00:00"},
        {**session(50, user_name="over"), "end_ms": "2026-11-01 00:00:00"},
        {**session(None, user_name="next"), "start_ms": "2026-11-01 00:00:00"},
        {**session(None, user_name="old"), "start_ms": None},
    ]

    found = answers(made(session=sessions), SECTION)
    noted = SECTION.findings(found, Questions())

    assert sorted(str(r["user_name"]) for r in found["open"]) == ["bob", "late", "old", "over"]
    (late,) = [r for r in found["open"] if r["user_name"] == "late"]
    assert late["open_us"] == 24 * 3600 * 1_000_000
    assert [(one.severity, one.subject) for one in noted] == [("low", "bob"), ("low", "over")]
    assert "26 days" in noted[0].because


def event(name: str, day: int = 5, **columns: object) -> dict[str, object]:
    """A record of the connection log."""
    return {"at": f"2026-10-{day:02d} 10:00:00", "event": name, **columns}


def test_sessions_terminated_by_an_administrator_are_told() -> None:
    name = "terminating backend on administrator's request"
    connects = [event(name), event(name, 6), event(name, user_name="rdsdb"), event("authenticated")]

    found = answers(made(connect=connects), SECTION)
    (noted,) = SECTION.findings(found, Questions())

    assert len(found["terminated"]) == 2
    assert (noted.severity, noted.subject, noted.count) == ("info", "bob", 2)


def test_sessions_begun_and_ended_are_compared_by_user_and_address() -> None:
    connects = [
        *[event("initiating session")] * 20,
        event("authenticated"),
        event("initiating session", user_name="amy"),
        event("disconnecting session", 6, user_name="amy"),
        event("disconnecting session", 6, user_name="amy"),
        event("initiating session", remote_host="local"),
    ]

    found = answers(made(connect=connects, calendar=filled_calendar()), SECTION)
    (noted,) = SECTION.findings(found, Questions())

    assert [(r["user_name"], r["begun"], r["ended"], r["left_over"]) for r in found["balance"]] == [
        ("bob", 20, 0, 20),
        ("amy", 1, 2, -1),
    ]
    assert (noted.severity, noted.subject, noted.count) == ("low", "bob from 10.0.0.1", 20)
    days = [r for r in found["by_day"] if r["begun"] or r["ended"]]
    assert [(r["local_day"], r["begun"], r["ended"]) for r in days] == [
        ("2026-10-05", 21, 0),
        ("2026-10-06", 0, 2),
    ]
