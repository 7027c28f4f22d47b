"""Section 13: how much was done."""

from __future__ import annotations

from agent.report.model import Questions
from agent.report.sections.volume import SECTION
from tests.report.sections.asking import HOSTILE, Rows, said, told

TUESDAY = "2026-10-06 09:00:00"


def month() -> Rows:
    return [
        *said("select a from t where b = 'it''s' and c = 12"),
        *said("select a from t where b = 'x' and c = 7", at=TUESDAY),
        *said("select a from t where b = 'x' and c = 7", is_duplicate=True),
        *said("insert into t values (1)", user_name="etl", db_name="prod"),
        *said("begin; commit", user_name="etl"),
        *said("select 1", user_name="rdsdb", is_internal=True),
    ]


def test_statements_are_counted_by_user_database_class_day_and_hour() -> None:
    answers, found = told(SECTION, statement=month())

    def counts(query: str, *names: str) -> list[tuple[object, ...]]:
        return [tuple(row[name] for name in names) for row in answers[query]]

    assert counts("by_user", "user_name", "times", "dql", "dml", "other") == [
        ("etl", 3, 0, 1, 2),
        ("bob", 2, 2, 0, 0),
    ]
    assert counts("by_database", "db_name", "times") == [("dev", 4), ("prod", 1)]
    assert counts("by_day", "utc_day", "times") == [("2026-10-05", 4), ("2026-10-06", 1)]
    assert counts("by_hour", "local_hour", "times") == [(9, 1), (12, 4)]
    assert counts("by_verb", "verb", "times")[0] == ("SELECT", 2)
    assert not found


def test_what_is_internal_or_a_copy_is_counted_apart_and_nothing_is_lost() -> None:
    answers, _ = told(SECTION, statement=month())

    assert [tuple(row.values()) for row in answers["apart"]] == [
        (False, False, 5),
        (False, True, 1),
        (True, False, 1),
    ]
    assert sum(int(row["times"] or 0) for row in answers["apart"]) == len(month())


def test_statements_that_differ_in_literals_alone_are_one() -> None:
    answers, _ = told(SECTION, statement=month())

    shapes = {row["shape"]: row["times"] for row in answers["fingerprints"]}
    assert shapes["select a from t where b = ? and c = ?"] == 2


def test_a_quote_that_is_cut_is_taken_out_too() -> None:
    long = "select a from t where b = '" + "secret " * 90 + "'"
    answers, _ = told(SECTION, statement=said(long))

    assert [row["shape"] for row in answers["fingerprints"]] == ["select a from t where b = ?"]


def test_a_quiet_month_has_no_rows_and_no_findings() -> None:
    answers, found = told(SECTION, Questions())

    assert not any(answers.values())
    assert not found


def test_a_hostile_name_is_counted_like_any() -> None:
    answers, _ = told(SECTION, statement=said("select 1", user_name=HOSTILE))

    assert [(row["user_name"], row["times"]) for row in answers["by_user"]] == [(HOSTILE, 1)]
