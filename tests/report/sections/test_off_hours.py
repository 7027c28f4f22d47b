"""Section 12: work when nobody is expected to."""

from __future__ import annotations

from agent.report.model import Questions
from agent.report.sections.off_hours import ENOUGH, SECTION
from tests.report.sections.asking import HOSTILE, Rows, brief, said, told

NIGHT, SUNDAY = "2026-10-06 02:00:00", "2026-10-04 12:00:00"


def day(count: int, user: str = "bob") -> Rows:
    """So many statements of a working day."""
    return [each for _ in range(count) for each in said("select 1", user_name=user)]


def test_statements_are_counted_by_user_and_those_of_the_service_are_not() -> None:
    rows = [
        *day(3),
        *said("select 1", at=NIGHT),
        *said("grant select on t to a", at=SUNDAY),
        *said("select 1", at=NIGHT, is_duplicate=True),
        *said("select 1", at=NIGHT, is_internal=True),
        *said("select 1", at=NIGHT, user_name="rdsdb"),
        *day(2, "carol"),
    ]
    answers, found = told(SECTION, statement=rows)

    assert [
        (row["user_name"], row["all_statements"], row["off_hours"], row["weekend"], row["changing"])
        for row in answers["by_user"]
    ] == [("bob", 5, 2, 1, 1)]
    assert [tuple(row.values()) for row in answers["hours"]] == [
        ("2026-10-04", 12, 1),
        ("2026-10-05", 12, 5),
        ("2026-10-06", 2, 1),
    ]
    assert not found


def test_a_user_of_the_day_who_works_at_night_is_found() -> None:
    rows = [*day(ENOUGH), *said("select 1", at=NIGHT), *said("drop table t", at=NIGHT)]
    _, found = told(SECTION, statement=rows)

    assert brief(found) == [("medium", "Unusual work off hours", "bob", 2)]
    assert "100 of 102 statements" in found[0].because
    assert "1 of them on schema" in found[0].because
    _, found = told(SECTION, Questions(admins=("BOB",)), statement=rows)
    assert [one.severity for one in found] == ["low"]


def test_reading_at_night_is_low_and_a_job_of_every_night_is_nothing() -> None:
    job = [each for _ in range(ENOUGH) for each in said("select 1", at=NIGHT, user_name="etl")]
    rows = [*day(ENOUGH), *said("select 1", at=NIGHT), *day(5, "etl"), *job]
    _, found = told(SECTION, statement=rows)

    assert brief(found) == [("low", "Unusual work off hours", "bob", 1)]


def test_hours_are_those_of_the_configured_zone() -> None:
    tokyo = Questions(time_zone="Asia/Tokyo")
    answers, _ = told(SECTION, tokyo, statement=said("select 1", at=NIGHT))

    assert not answers["by_user"]
    assert [(row["local_day"], row["local_hour"]) for row in answers["hours"]] == [
        ("2026-10-06", 11)
    ]


def test_logins_off_hours_are_told_by_user_and_address() -> None:
    rows = [
        {"at": NIGHT},
        {"at": SUNDAY},
        {"at": "2026-10-05 12:00:00"},
        {"at": NIGHT, "event": "authentication failure"},
        {"at": NIGHT, "remote_host": "local"},
        {"at": NIGHT, "user_name": "rdsdb"},
    ]
    answers, _ = told(SECTION, connect=rows)

    assert [
        (row["user_name"], row["remote_host"], row["logins"], row["weekend"])
        for row in answers["logins"]
    ] == [("bob", "10.0.0.1", 2, 1)]


def test_a_hostile_name_is_a_subject_as_it_is() -> None:
    rows = [*day(ENOUGH, HOSTILE), *said("select 1", at=NIGHT, user_name=HOSTILE)]

    assert [one.subject for one in told(SECTION, statement=rows)[1]] == [HOSTILE]
