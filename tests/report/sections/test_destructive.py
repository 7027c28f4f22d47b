"""Section 16: what may have destroyed data."""

from __future__ import annotations

import pytest

from agent.report.model import Questions
from agent.report.sections.destructive import SECTION
from tests.report.sections.asking import HOSTILE, brief, said, told, told_each, told_one

PCI = Questions(sensitive=("pci.cards",))


REMOVES = (
    "delete from s.t",
    "update s.t set a = 1",
    "truncate table s.t",
    "drop table if exists s.t",
    "drop schema s cascade",
    "drop database d",
    "drop materialized view s.v",
)
NONE = (
    "delete from s.t where a = 1",
    "update s.t set a = 1 where b = 2",
    "drop user bob",
    "drop table #scratch",
    "delete from #scratch",
    "create table s.t (a int)",
    "select 'drop table t'",
    "drop procedure p()",
)


@pytest.mark.parametrize("sql", REMOVES)
def test_what_removes_data_is_counted(sql: str) -> None:
    answers, _ = told_one("destructive", REMOVES, sql)

    assert [row["times"] for row in answers["by_user"]] == [1]


def test_what_removes_no_data_is_in_no_answer() -> None:
    answers, found = told_each("destructive", NONE, PCI)

    assert not any(answers.values())
    assert not found


def test_on_a_sensitive_object_it_is_high_and_without_where_medium_elsewhere() -> None:
    rows = [
        *said("drop table pci.cards"),
        *said("truncate pci.cards", at="2026-10-06 12:00:00"),
        *said("delete from pci.cards", user_name="eve"),
        *said("delete from s.t"),
        *said("update s.t set a = 1"),
        *said("drop table s.t"),
        *said("delete from pci.cards where a = 1"),
        *said("drop table s.t2 /* not pci.cards */"),
        *said("drop table pci.cards2"),
    ]
    answers, found = told(SECTION, PCI, statement=rows)

    title = "DELETE or UPDATE without WHERE"
    assert brief(found) == [
        ("high", "Sensitive object at risk", "pci.cards", 2),
        ("high", "Sensitive object at risk", "pci.cards", 1),
        ("medium", title, "bob", 2),
        ("medium", title, "eve", 1),
    ]
    assert found[0].because == (
        "bob ran 2 statements (DROP TABLE, TRUNCATE) that may remove pci.cards, or remove or "
        "overwrite all its rows."
    )
    assert found[2].because == "bob ran 2 statements (DELETE, UPDATE) on every row of s.t, in dev."
    assert len(answers["unfiltered"]) == 3
    assert len(answers["on_sensitive"]) == 3


def test_users_of_one_name_and_other_kinds_of_identity_are_told_apart() -> None:
    rows = [*said("delete from s.t"), *said("delete from s.t", identity="IAM")]

    assert [one.subject for one in told(SECTION, statement=rows)[1]] == ["IAM:bob", "bob"]


def test_a_hostile_name_is_a_subject_as_it_is() -> None:
    _, found = told(SECTION, statement=said("delete from t", user_name=HOSTILE))

    assert [one.subject for one in found] == [HOSTILE]


def test_what_a_job_does_day_after_day_is_low() -> None:
    daily = [
        row
        for day in range(5, 10)
        for row in said("delete from stage.t", at=f"2026-10-{day:02d} 12:00:00", user_name="etl")
    ]
    _, found = told(SECTION, statement=[*daily, *said("delete from s.t", user_name="zoe")])

    assert [(one.severity, one.subject) for one in found] == [("medium", "zoe"), ("low", "etl")]


def test_a_drop_is_named_and_that_of_a_user_who_seldom_drops_stands_first() -> None:
    rows = [
        *said("drop table stage.a", user_name="etl"),
        *said("drop table stage.b", user_name="etl"),
        *said("drop table fin.invoices", user_name="zoe", at="2026-10-20 12:00:00"),
        *said("delete from stage.a", user_name="etl"),
    ]
    answers, _ = told(SECTION, statement=rows)

    assert [(row["object_name"], row["of_user"]) for row in answers["dropped"]] == [
        ("fin.invoices", 1),
        ("stage.a", 2),
        ("stage.b", 2),
    ]
