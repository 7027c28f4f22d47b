"""Section 15: signs that the audit trail was touched, read by others, or forged."""

from __future__ import annotations

import pytest

from agent.report.model import Questions
from agent.report.sections.tampering import SECTION
from tests.report.sections.asking import HOSTILE, Rows, brief, said, told, told_one
from tests.report.tables import filled_calendar

NOON = "2026-10-05 12:00:00"
MONTH_BEGINS = filled_calendar()[:1]


TOUCHES = {
    "set enable_user_activity_logging to false": "high",
    "SET /* x */ Enable_User_Activity_Logging = off": "high",
    "alter user bob syslog access unrestricted": "medium",
    "set log_statement = 'none'": "medium",
    "alter database d set log_min_messages to 'panic'": "medium",
    "show enable_user_activity_logging": None,
    "set search_path to log_statements": None,
    "create table log_statement (a int)": None,
    "copy t from 's3://b/enable_user_activity_logging'": None,
}


@pytest.mark.parametrize(("sql", "severity"), TOUCHES.items())
def test_what_touches_logging_is_found(sql: str, severity: str | None) -> None:
    answers, found = told_one("tampering", TOUCHES, sql)

    assert [one.severity for one in found] == ([severity] if severity else [])
    assert len(answers["logging"]) == len(found)


def test_for_an_administrator_syslog_access_is_low_and_switching_logging_off_is_not() -> None:
    asked = Questions(admins=("root",))
    for sql, severity in (
        ("alter user bob syslog access unrestricted", "low"),
        ("set enable_user_activity_logging to false", "high"),
    ):
        _, found = told(SECTION, asked, statement=said(sql, user_name="root"))
        assert [one.severity for one in found] == [severity]


def test_audit_tables_read_by_others_than_administrators_are_found() -> None:
    rows = [
        *said("select * from STL_Connection_Log"),
        *said("select * from x join pg_catalog.stl_connection_log using (pid)"),
        *said("select * from sys_query_history", user_name="root", user_id=5, pid=5),
        *said("select * from stl_querytext", user_name="rdsdb", user_id=1, pid=1),
        *said("select * from stv_sessions"),
        *said("select my_query from my_connection_log"),
    ]
    answers, found = told(SECTION, Questions(admins=("root",)), statement=rows)

    assert [(row["user_name"], row["read_table"], row["times"]) for row in answers["reads"]] == [
        ("bob", "stl_connection_log", 2),
        ("root", "sys_query_history", 1),
    ]
    title = "Audit tables read by another than an administrator"
    assert brief(found) == [("low", title, "bob", 2)]
    _, found = told(SECTION, statement=rows)
    assert [(one.severity, one.subject) for one in found] == [("info", "bob"), ("info", "root")]


def run(user: str, at: str = NOON, **more: object) -> dict[str, object]:
    return {"user_name": user, "at": at, "pid": 7, "xid": 70, "user_id": 100, **more}


def suspicions(**rows: object) -> list[tuple[str, str, str, int]]:
    return [one for one in brief(told(SECTION, **rows)[1]) if one[1].startswith("Suspicion")]  # type: ignore[arg-type]


SHARED = "Suspicion: one transaction, two users"
NUMBER = "Suspicion: a user's name and number do not agree"
BACK = "Suspicion: time goes backwards in a log file"
SESSION = "Suspicion: statements without a session of their user"


def test_a_transaction_has_one_user() -> None:
    rows = [run("bob"), run("bob"), run("eve", user_id=101)]

    assert suspicions(statement=rows) == [("high", SHARED, "bob and eve", 3)]
    _, found = told(SECTION, statement=rows)
    assert len(found[0].evidence) == 2
    rows[2]["xid"] = 71
    assert suspicions(statement=rows) == []


def test_a_transaction_has_one_user_by_name_where_the_number_is_the_same() -> None:
    found = suspicions(statement=[run("bob"), run("eve")])

    assert ("high", SHARED, "bob and eve", 2) in found


def test_passing_for_the_service_is_seen_as_well_and_less_certain() -> None:
    rows = [run("bob"), run("rdsdb", user_id=1, is_internal=True)]

    assert suspicions(statement=rows) == [("medium", SHARED, "bob and rdsdb", 2)]


def test_a_number_has_one_name_and_a_name_one_number() -> None:
    rows = [run("bob"), run("eve", xid=71), run("carol", xid=72, user_id=5)]
    assert suspicions(statement=rows) == [
        ("medium", NUMBER, "bob", 1),
        ("medium", NUMBER, "eve", 1),
    ]

    rows = [run("bob"), run("bob", xid=71, user_id=101)]
    assert suspicions(statement=rows) == [("medium", NUMBER, "bob", 2)]

    rows = [run("bob"), run("bob", identity="IAM", xid=71)]
    assert suspicions(statement=rows) == []


def test_what_the_user_log_says_of_names_and_numbers_explains_them() -> None:
    renamed = {
        "at": NOON,
        "action": "rename",
        "user_id": 100,
        "user_name": "eve",
        "old_name": "bob",
    }
    rows = [run("bob"), run("eve", xid=71)]
    assert suspicions(statement=rows, user_event=[renamed]) == []

    made = [
        {"at": NOON, "action": "drop", "user_id": 100, "user_name": "bob"},
        {"at": NOON, "action": "create", "user_id": 101, "user_name": "bob"},
    ]
    again = [run("bob"), run("bob", xid=71, user_id=101)]
    assert suspicions(statement=again, user_event=made) == []

    forged = [*rows, run("mallory", xid=72)]
    assert suspicions(statement=forged, user_event=[renamed]) == [("medium", NUMBER, "mallory", 1)]


def test_time_that_goes_back_by_more_than_five_seconds_in_one_file_is_found() -> None:
    def record(ordinal: int, at: str, **more: object) -> dict[str, object]:
        return run("bob", at, ordinal=ordinal, object_id=1, **more)

    rows = [
        record(1, "2026-10-05 12:00:10"),
        record(2, "2026-10-05 12:00:05"),
        record(3, "2026-10-05 12:00:30"),
    ]
    assert suspicions(statement=rows) == []
    rows.append(record(4, "2026-10-05 12:00:24", statements=2))
    rows.append(record(4, "2026-10-05 12:00:24", statements=2, statement_no=2))
    assert suspicions(statement=rows) == [("low", BACK, "bob", 1)]
    rows = [*rows[:3], {**rows[3], "object_id": 2}]
    assert suspicions(statement=rows) == []


@pytest.mark.parametrize(
    ("times", "found"),
    [
        (("2026-10-05 12:00:00", "2026-08-26 12:00:00", "2026-10-05 11:00:00"), 1),
        (("2026-10-05 12:00:00", "2026-11-14 12:00:00", "2026-10-05 12:01:00"), 1),
        (("2026-09-30 23:59:58", "2026-10-01 00:00:03", "2026-10-01 00:00:04"), 0),
        (("2026-11-01 12:00:00", "2026-11-01 11:00:00", "2026-11-01 12:00:00"), 0),
    ],
    ids=["back out of the month", "on out of the month", "over its edge", "in the month after"],
)
def test_a_header_of_another_month_does_not_hide_that_time_goes_back(
    times: tuple[str, ...], found: int
) -> None:
    rows = [run("bob", at, ordinal=number) for number, at in enumerate(times, 1)]

    assert suspicions(statement=rows) == [("low", BACK, "bob", found)] * bool(found)


def with_sessions(
    statements: Rows, *sessions: dict[str, object]
) -> list[tuple[str, str, str, int]]:
    """Suspicions where the connection log has records in the hour of noon."""
    return suspicions(
        statement=statements,
        session=sessions,
        connect=[{"at": NOON}],
        calendar=MONTH_BEGINS,
    )


def test_a_statement_has_a_session_of_its_user() -> None:
    own = {"pid": 7, "user_name": "bob", "start_ms": "2026-10-05 11:00:00"}
    eve = {**own, "user_name": "eve"}
    rows = [run("bob")]

    assert with_sessions(rows, own) == []
    assert with_sessions(rows, {**own, "end_ms": "2026-10-05 13:00:00"}) == []
    assert with_sessions(rows, {**own, "start_ms": None}) == []
    assert with_sessions(rows, {**own, "start_ms": "2026-10-05 12:00:00.900"}) == []
    assert with_sessions(rows) == [("low", SESSION, "bob", 1)]
    assert with_sessions(rows, eve) == [("high", SESSION, "bob", 1)]
    assert with_sessions(rows, own, eve) == []
    assert with_sessions(rows, {**own, "pid": 8}) == [("low", SESSION, "bob", 1)]
    ended = {**own, "end_ms": "2026-10-05 11:30:00"}
    assert with_sessions(rows, ended) == [("low", SESSION, "bob", 1)]
    later = {**own, "start_ms": "2026-10-05 12:30:00"}
    assert with_sessions(rows, later) == [("low", SESSION, "bob", 1)]


def test_a_missing_session_is_excused_where_the_logs_do_not_tell() -> None:
    assert with_sessions([run("bob", "2026-10-05 14:00:00")]) == []
    assert with_sessions([run("rdsdb")]) == []
    assert with_sessions([run("bob", is_internal=True)]) == []
    first_day = [run("bob", "2026-10-01 08:00:00"), run("bob")]
    assert with_sessions(first_day) == []
    eve = {"pid": 7, "user_name": "eve", "start_ms": "2026-10-05 11:00:00"}
    assert with_sessions(first_day, eve) == [("high", SESSION, "bob", 1)]
    name = "x" * 60
    own = {"pid": 7, "user_name": name[:50], "start_ms": "2026-10-05 11:00:00"}
    assert with_sessions([run(name)], own) == []


def test_a_statement_without_session_and_out_of_order_has_two_signs() -> None:
    rows = [
        run("carol", "2026-10-05 12:30:00", ordinal=1, pid=8, xid=1, user_id=1),
        run("bob", ordinal=2),
    ]
    carol = {"pid": 8, "user_name": "carol", "start_ms": "2026-10-05 11:00:00"}

    assert with_sessions(rows, carol) == [("low", BACK, "bob", 1), ("high", SESSION, "bob", 1)]


def test_a_quiet_month_has_no_findings() -> None:
    own = {"pid": 7, "start_ms": "2026-10-05 11:00:00"}
    answers, found = told(
        SECTION,
        statement=[run("bob"), run("bob", "2026-10-05 12:00:01")],
        session=[own],
        connect=[{"at": NOON}],
        calendar=MONTH_BEGINS,
    )

    assert not any(answers.values())
    assert not found


def test_a_hostile_name_is_a_subject_as_it_is() -> None:
    found = suspicions(statement=[run("bob"), run(HOSTILE, user_id=101)])

    assert [one[2] for one in found] == [f"{HOSTILE} and bob"]
