"""Section 3, asked of small tables and counted by hand."""

from __future__ import annotations

from agent.report.model import Questions
from agent.report.sections.newcomers import SECTION
from tests.report.tables import answers, made

BEFORE = [
    {
        "application_name": "psql",
        "driver_version": "d1",
        "first_ms": "2026-08-01 10:00:00",
        "last_ms": "2026-09-30 10:00:00",
        "records": 7,
    },
    {"user_name": "amy", "remote_host": "10.0.0.2", "first_ms": 1, "last_ms": 2},
]
CONNECTS = [
    {"at": "2026-10-01 10:00:00"},
    {"at": "2026-10-02 10:00:00", "remote_host": "10.0.0.2"},
    {"at": "2026-10-03 10:00:00", "remote_host": "203.0.113.7"},
    {"at": "2026-10-03 11:00:00", "remote_host": "203.0.113.7", "user_name": "eve"},
    {"at": "2026-10-04 11:00:00", "remote_host": "203.0.113.8", "event": "authentication failure"},
    {"at": "2026-10-04 11:00:00", "remote_host": "local", "user_name": "rdsdb"},
]
SESSIONS = [
    {"application_name": "psql", "driver_version": "d1", "start_ms": "2026-10-01 10:00:00"},
    {"application_name": "evil", "driver_version": "d2", "start_ms": "2026-10-01 10:00:00"},
    {"application_name": "evil", "driver_version": "", "start_ms": "2026-10-02 10:00:00"},
]


def test_what_earlier_months_do_not_know_is_new() -> None:
    found = answers(made(connect=CONNECTS, session=SESSIONS, connect_before=BEFORE), SECTION)

    (base,) = found["baseline"]
    assert (base["records"], base["users"], base["addresses"]) == (8, 2, 2)
    (address,) = found["addresses"]
    assert (address["remote_host"], address["users"], address["logins"]) == ("203.0.113.7", 2, 2)
    assert [(r["user_name"], r["logins"]) for r in found["users"]] == [("eve", 1)]
    assert [(r["user_name"], r["remote_host"], r["is_new_address"]) for r in found["pairs"]] == [
        ("bob", "203.0.113.7", True),
        ("bob", "10.0.0.2", False),
    ]
    assert [(r["application_name"], r["sessions"]) for r in found["applications"]] == [("evil", 2)]
    assert [(r["driver_version"], r["sessions"]) for r in found["drivers"]] == [("d2", 1)]


def test_newcomers_are_found_mildly() -> None:
    found = answers(made(connect=CONNECTS, session=SESSIONS, connect_before=BEFORE), SECTION)

    noted = SECTION.findings(found, Questions())

    assert [(one.severity, one.subject, one.count) for one in noted] == [
        ("low", "203.0.113.7", 2),
        ("low", "eve", 1),
        ("info", "evil", 2),
        ("info", "d2", 1),
    ]


def test_without_an_earlier_month_nothing_is_new_and_the_report_says_so() -> None:
    found = answers(made(connect=CONNECTS, session=SESSIONS), SECTION)

    assert all(not rows for rows in found.values())
    assert list(SECTION.findings(found, Questions())) == []
    assert "No earlier month at hand" in SECTION.queries[0].none


def test_an_administrator_from_elsewhere_is_worse_than_another_user() -> None:
    found = answers(made(connect=CONNECTS, session=SESSIONS, connect_before=BEFORE), SECTION)

    title = "An administrator from a new address"
    noted = SECTION.findings(found, Questions(admins=("bob",)))
    assert [(one.severity, one.because) for one in noted if one.title == title] == [
        ("medium", "bob logged in 1 time from 203.0.113.7, which no earlier month at hand knows."),
        (
            "low",
            (
                "bob logged in 1 time from 10.0.0.2, where this administrator was in no earlier "
                "month at hand."
            ),
        ),
    ]
    assert not [one for one in SECTION.findings(found, Questions()) if one.title == title]
