"""Section 9: what became of tables and code, and whether in a change window."""

from __future__ import annotations

import pytest

from agent.report.model import Questions
from agent.report.sections.schema_changes import SECTION
from tests.report.sections.asking import HOSTILE, brief, said, told, told_each, told_one

MONDAY_NIGHT = Questions(change_windows=((0, 22 * 60, 24 * 60),), admins=("dba",))
NOON, NIGHT = "2026-10-05 12:00:00", "2026-10-05 22:30:00"


CHANGES = (
    "create table s.t (a int)",
    "alter table s.t owner to bob",
    "drop view s.v",
    "truncate s.t",
    "select * into s.t from u",
    "comment on table s.t is 'x'",
    "create or replace procedure p() as $$ begin end $$ language plpgsql security definer",
)
NONE = (
    "create user bob password '***'",
    "drop user bob",
    "create role r",
    "drop group g",
    "alter default privileges grant select on tables to bob",
    "drop datashare d",
    "create rls policy p using (true)",
    "grant select on t to bob",
    "select 'create table x'",
    "insert into s.t values (1)",
    "vacuum s.t",
)


@pytest.mark.parametrize("sql", CHANGES)
def test_what_changes_the_schema_is_listed(sql: str) -> None:
    assert len(told_one("schema_changes", CHANGES, sql)[0]["changes"]) == 1


def test_users_rights_and_data_are_told_in_other_chapters() -> None:
    answers, found = told_each("schema_changes", NONE, MONDAY_NIGHT)

    assert not any(answers.values())
    assert not found


def test_temporary_tables_are_counted_and_neither_listed_nor_found() -> None:
    rows = [
        *said("create temp table a (x int)"),
        *said("CREATE LOCAL TEMPORARY TABLE b AS SELECT 1"),
        *said("create table #c (x int)"),
        *said("select 1 into temp d"),
        *said("create table template (x int)"),
    ]
    answers, found = told(SECTION, MONDAY_NIGHT, statement=rows)

    counted = {row["verb"]: (row["times"], row["temporary"]) for row in answers["by_user"]}
    assert counted == {"CREATE TABLE": (4, 3), "SELECT INTO": (1, 1)}
    assert [row["object_name"] for row in answers["changes"]] == ["template"]
    assert [one.count for one in found] == [1]


def test_changes_are_judged_by_time_only_where_windows_are_configured() -> None:
    rows = [
        *said("drop table a", at=NOON),
        *said("drop table b", at=NIGHT),
        *said("create table c (x int)", at=NOON),
        *said("create table d (x int)", at=NOON, user_name="carol"),
        *said("drop table e", at=NOON, user_name="dba"),
    ]
    answers, found = told(SECTION, MONDAY_NIGHT, statement=rows)

    title = "Schema changed outside the change windows"
    assert brief(found) == [
        ("medium", title, "bob", 2),
        ("low", title, "carol", 1),
        ("low", title, "dba", 1),
    ]
    assert "2 schema changes outside the change windows, 1 of them" in found[0].because
    assert [row["in_window"] for row in answers["changes"]].count(True) == 1

    answers, found = told(SECTION, Questions(), statement=rows)
    assert not found
    assert not answers["outside"]
    assert sum(int(row["outside"] or 0) for row in answers["by_user"]) == 0


def test_the_days_are_counted_by_what_was_done() -> None:
    rows = [
        *said("create table a (x int)"),
        *said("drop table a"),
        *said("truncate b"),
        *said("alter table b add column c int", at="2026-10-06 12:00:00"),
    ]
    answers, _ = told(SECTION, statement=rows)

    assert [tuple(row.values()) for row in answers["by_day"]] == [
        ("2026-10-05", 1, 0, 2),
        ("2026-10-06", 0, 1, 0),
    ]


def test_a_hostile_name_is_a_subject_as_it_is() -> None:
    _, found = told(SECTION, MONDAY_NIGHT, statement=said("drop table a", user_name=HOSTILE))

    assert [one.subject for one in found] == [HOSTILE]


def test_what_is_done_day_after_day_is_a_job_that_the_windows_do_not_fit() -> None:
    rows = [
        row
        for day in (6, 7, 8, 9, 13)
        for row in said("drop table t", at=f"2026-10-{day:02d} 12:00:00", user_name="dbt")
    ]
    _, found = told(SECTION, MONDAY_NIGHT, statement=[*rows, *said("drop table a", at=NOON)])

    assert [(one.severity, one.subject, one.count) for one in found] == [
        ("medium", "bob", 1),
        ("low", "dbt", 5),
    ]
    assert found[0].because == (
        "bob made 1 schema change outside the change windows, which dropped or truncated, in dev."
    )
    assert found[1].because == (
        "dbt made 5 schema changes outside the change windows, all of them dropping or "
        "truncating, in dev; on 5 days, so it may well be a job."
    )


def test_a_setting_of_the_cluster_is_no_schema_change() -> None:
    answers, found = told(SECTION, MONDAY_NIGHT, statement=said("alter system set a = 1", at=NOON))

    assert not any(answers.values())
    assert not found
