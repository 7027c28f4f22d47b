"""Section 11: who used the sensitive objects."""

from __future__ import annotations

import pytest

from agent.report.model import Questions
from agent.report.sections.sensitive import SECTION
from tests.report.sections.asking import HOSTILE, brief, said, told, told_one

ASKED = Questions(sensitive=("pci.cards", "salar*", "*_pan", "hr.*"))


MENTIONS = {
    "select * from pci.cards": ["pci.cards"],
    'SELECT * FROM "PCI" . "Cards"': ["pci.cards"],
    "select * from apci.cards, pci.cards2": [],
    "select x from salaries": ["salar*"],
    "select card_pan from t": ["*_pan"],
    "select * from hr.people": ["hr.*"],
    "select three from chr": [],
}


@pytest.mark.parametrize(("sql", "names"), MENTIONS.items())
def test_a_statement_is_told_under_each_name_it_mentions(sql: str, names: list[str]) -> None:
    answers, _ = told_one("sensitive", MENTIONS, sql, ASKED)

    assert [row["name"] for row in answers["by_user"]] == names


def test_a_name_that_is_a_wildcard_alone_is_every_statement() -> None:
    answers, _ = told(SECTION, Questions(sensitive=("*",)), statement=said("select 1 from t"))

    assert [row["times"] for row in answers["by_user"]] == [1]


def test_uses_are_counted_by_user_and_kind_and_copies_of_drivers_are_not() -> None:
    rows = [
        *said("select * from pci.cards"),
        *said("select 1 from pci.cards", at="2026-10-04 12:00:00"),
        *said("select * from pci.cards", is_duplicate=True),
        *said("select * from pci.cards", is_internal=True),
        *said("analyze pci.cards", user_name="rdsdb", is_internal=True),
        *said("insert into pci.cards values (1)", user_name="etl"),
    ]
    answers, found = told(SECTION, Questions(sensitive=("pci.cards",)), statement=rows)

    assert [
        (row["user_name"], row["verb"], row["is_internal"], row["times"], row["off_hours"])
        for row in answers["by_user"]
    ] == [
        ("bob", "SELECT", False, 2, 1),
        ("bob", "SELECT", True, 1, 0),
        ("etl", "INSERT", False, 1, 0),
        ("rdsdb", "ANALYZE", True, 1, 0),
    ]
    assert brief(found) == [("info", "Sensitive object used", "pci.cards", 4)]
    assert "4 statements of 2 users (bob, etl), 1 of them off hours" in found[0].because


def test_what_a_user_marks_as_internal_is_found_all_the_same() -> None:
    rows = said("unload ('select * from pci.cards') to 's3://b/x'", is_internal=True)
    _, found = told(SECTION, Questions(sensitive=("pci.cards",)), statement=rows)

    assert found[0].title == "Sensitive object unloaded"


def test_taking_it_out_is_high_and_changing_its_rights_medium() -> None:
    rows = [
        *said("unload ('select * from pci.cards') to 's3://b/x'"),
        *said("grant select on pci.cards to eve"),
        *said("grant select on pci.cards to eve", user_name="root"),
    ]
    _, found = told(SECTION, Questions(sensitive=("pci.cards",), admins=("root",)), statement=rows)

    assert [(one.severity, one.count) for one in found] == [
        ("high", 1),
        ("medium", 1),
        ("low", 1),
        ("info", 3),
    ]


def test_nothing_is_asked_where_nothing_is_sensitive_and_nothing_found_where_nothing_is_used() -> (
    None
):
    for asked in (Questions(), Questions(sensitive=("pci.cards",))):
        answers, found = told(SECTION, asked, statement=said("select 1"))
        assert not answers["by_user"]
        assert not found


def test_a_hostile_name_is_told_as_it_is() -> None:
    asked = Questions(sensitive=("pci.cards",))
    _, found = told(SECTION, asked, statement=said("select * from pci.cards", user_name=HOSTILE))

    assert HOSTILE in found[0].because


NIGHTS = tuple(f"2026-10-{day:02d} 23:00:00" for day in range(5, 10))


def test_who_names_it_off_hours_alone_is_found_unless_it_is_a_habit() -> None:
    read = "select * from pci.cards"
    rows = [
        *(row for at in NIGHTS for row in said(read, user_name="job", at=at, is_off_hours=True)),
        *(row for at in NIGHTS[:2] for row in said(read, user_name="eve", at=at)),
        *said(read, user_name="dba", at=NIGHTS[0]),
        *said(read, user_name="dba", at=NIGHTS[1]),
        *said(read, user_name="once", at=NIGHTS[0]),
        *said(read, user_name="late", at=NIGHTS[0]),
        *said(read, user_name="late", at="2026-10-05 12:00:00"),
    ]
    asked = Questions(sensitive=("pci.cards",), admins=("dba",))
    _, found = told(SECTION, asked, statement=rows)

    title = "Sensitive object used off hours alone"
    assert [(one.severity, one.because) for one in found if one.title == title] == [
        ("medium", "eve named pci.cards off hours alone: 2 statements on 2 days."),
        ("low", "dba named pci.cards off hours alone: 2 statements on 2 days."),
        ("low", "once named pci.cards off hours alone: 1 statement on 1 day."),
    ]


WRITTEN = (
    "begin; select * from pci.cards; commit",
    "/* note */ -- more\nselect * from PCI.CARDS",
    'select * from "pci"."cards"',
    'select * from "prod"."PCI" . "Cards"',
    "select * from pci . cards",
    "select * from dev.pci.cards c",
    "with a as (select 1 from pci.cards) select * from a",
    "copy pci.cards from 's3://b/x'",
    "unload ($$select * from pci.cards$$) to 's3://b/x'",
    "create table t as select * from(pci.cards)",
)


@pytest.mark.parametrize("sql", WRITTEN)
def test_however_it_is_written_it_is_found(sql: str) -> None:
    answers, _ = told_one("sensitive", WRITTEN, sql, Questions(sensitive=("pci.cards",)))

    assert [row["times"] for row in answers["by_user"]] == [1]
