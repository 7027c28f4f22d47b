"""Section 1, asked of small tables and counted by hand."""

from __future__ import annotations

from agent.report.model import Questions
from agent.report.sections.logins import SECTION
from tests.report.tables import answers, filled_calendar, made

CONNECTS = [
    {"at": "2026-10-05 09:00:00"},
    {"at": "2026-10-05 09:10:00", "remote_host": "10.0.0.2"},
    {"at": "2026-10-06 22:00:00", "db_name": "prod"},
    {"at": "2026-10-06 10:00:00", "user_name": "eve", "identity": "IAM", "auth_method": "IAM"},
    {"at": "2026-10-06 10:00:00", "event": "initiating session"},
    {"at": "2026-10-06 10:00:00", "event": "authentication failure"},
    {"at": "2026-10-06 10:00:00", "remote_host": "local", "user_name": "rdsdb"},
    {"at": "2026-10-06 10:00:00", "remote_host": "local"},
]


def test_logins_are_counted_by_user_address_database_and_method() -> None:
    found = answers(made(connect=CONNECTS), SECTION)

    bob, eve = found["by_user"]
    assert (bob["user_name"], bob["logins"], bob["addresses"]) == ("bob", 3, 2)
    assert (bob["databases"], bob["off_hours"]) == (2, 1)
    assert (eve["user_name"], eve["identity"], eve["logins"]) == ("eve", "IAM", 1)
    assert [(r["remote_host"], r["logins"], r["users"]) for r in found["by_address"]] == [
        ("10.0.0.1", 3, 2),
        ("10.0.0.2", 1, 1),
    ]
    assert [(r["db_name"], r["logins"]) for r in found["by_database"]] == [("dev", 3), ("prod", 1)]
    assert [(r["auth_method"], r["logins"]) for r in found["by_method"]] == [
        ("password", 3),
        ("IAM", 1),
    ]


def test_sessions_are_counted_by_application_without_those_of_the_service() -> None:
    sessions = [
        {"application_name": "psql", "start_ms": "2026-10-05 09:00:00"},
        {"application_name": "psql", "start_ms": "2026-10-05 09:00:00", "user_name": "eve"},
        {"application_name": "", "start_ms": "2026-10-05 09:00:00"},
        {"application_name": "x", "start_ms": "2026-10-05 09:00:00", "remote_host": "local"},
    ]

    found = answers(made(session=sessions), SECTION)["by_application"]

    assert [(r["application_name"], r["sessions"], r["users"]) for r in found] == [
        ("psql", 2, 2),
        ("", 1, 1),
    ]


def test_every_day_of_the_month_has_its_bar_even_without_logins() -> None:
    found = answers(made(connect=CONNECTS, calendar=filled_calendar()), SECTION)["by_day"]

    assert len(found) == 31
    assert [(r["local_day"], r["logins"], r["failures"]) for r in found if r["logins"]] == [
        ("2026-10-05", 2, 0),
        ("2026-10-06", 2, 1),
    ]


def test_hours_are_those_of_the_configured_zone() -> None:
    asked = Questions(time_zone="Europe/Berlin")

    found = answers(made(asked, connect=CONNECTS), SECTION)["by_hour"]

    assert [(r["local_day"], r["local_hour"], r["logins"]) for r in found] == [
        ("2026-10-05", 11, 2),
        ("2026-10-06", 12, 1),
        ("2026-10-07", 0, 1),
    ]


def test_connections_of_the_service_are_shown_apart_and_found_only_where_they_are_remote() -> None:
    remote = {"at": "2026-10-07 01:00:00", "user_name": "rdsdb", "remote_host": "203.0.113.9"}
    quiet = answers(made(connect=CONNECTS), SECTION)
    loud = answers(made(connect=[*CONNECTS, remote, remote]), SECTION)

    assert [(r["user_name"], r["logins"], r["is_remote"]) for r in quiet["service"]] == [
        ("bob", 1, False),
        ("rdsdb", 1, False),
    ]
    assert list(SECTION.findings(quiet, Questions())) == []
    (found,) = SECTION.findings(loud, Questions())
    assert (found.severity, found.subject, found.count) == ("high", "203.0.113.9", 2)
    assert "2 times" in found.because
    assert len(found.evidence) == 1


def test_a_month_without_records_has_no_rows_but_those_of_its_days() -> None:
    found = answers(made(calendar=filled_calendar()), SECTION)

    assert {name for name, rows in found.items() if rows} == {"by_day"}
    assert list(SECTION.findings(found, Questions())) == []
