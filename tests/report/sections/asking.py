"""What the tests of the chapters on statements share: rows, answers and findings in one step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module

from agent.auditlog.statements import classify
from agent.report.model import Answers, Noted, Questions, Section, Value
from agent.report.tables import pattern
from tests.report.tables import answers, made

HOSTILE = "<script>x</script>'; DROP TABLE t;--=cmd|\"\n\u202e"
"""A user name as an attacker would have it."""

Rows = list[dict[str, Value]]
Found = Sequence[Noted]


def said(text: str, **more: Value) -> Rows:
    """The statements of one record as the loader classifies them, on a Monday at noon."""
    statements = classify(text)
    return [
        {
            "at": "2026-10-05 12:00:00",
            "query_text": each.text,
            "verb": each.verb,
            "verb_class": each.verb_class,
            "object_name": each.object_name,
            "is_unfiltered": each.is_unfiltered,
            "statement_no": number,
            "statements": len(statements),
            **more,
        }
        for number, each in enumerate(statements, 1)
    ]


def told(
    section: Section,
    asked: Questions | None = None,
    **rows: Sequence[Mapping[str, Value]],
) -> tuple[Answers, Sequence[Noted]]:
    """The section's answers and findings for these rows."""
    questions = asked or Questions()
    names: Rows = [{"name": name, "pattern": pattern(name)} for name in questions.sensitive]
    base = made(questions, **({"sensitive": names} | rows))
    try:
        found = answers(base, section)
    finally:
        base.close()
    return found, section.findings(found, questions)


@cache
def told_each(section_of: str, sqls: tuple[str, ...], asked: Questions) -> tuple[Answers, Found]:
    """The same of many records at once, each of a user of its own: `u0`, `u1`, …"""
    section: Section = import_module(f"agent.report.sections.{section_of}").SECTION
    rows = [row for number, sql in enumerate(sqls) for row in said(sql, user_name=f"u{number}")]
    for row in rows:
        row |= {each: int(str(row["user_name"])[1:]) + 1 for each in ("pid", "xid", "user_id")}
    return told(section, asked, statement=rows)


def told_one(
    section_of: str, sqls: Iterable[str], sql: str, asked: Questions | None = None
) -> tuple[Answers, Found]:
    """The answers and findings about one of many records, as far as they name its user."""
    every = tuple(sqls)
    user = f"u{every.index(sql)}"
    answers, found = told_each(section_of, every, asked or Questions())
    own = {
        name: [row for row in rows if row.get("user_name") == user]
        for name, rows in answers.items()
    }
    return own, [one for one in found if one.subject == user]


def brief(found: Sequence[Noted]) -> list[tuple[str, str, str, int]]:
    """Severity, title, subject and count of each finding."""
    return [(one.severity, one.title, one.subject, one.count) for one in found]
