"""Section 16: what may have destroyed data: DELETE and UPDATE of every row, DROP and TRUNCATE."""

from __future__ import annotations

from collections.abc import Sequence

from agent.report.kinds import EVENT, SHOWN
from agent.report.model import (
    Answers,
    Chart,
    Column,
    ColumnKind,
    Noted,
    Query,
    Questions,
    Section,
)
from agent.report.sections.common import (
    AT,
    DATABASE,
    EVIDENCE,
    FIRST,
    HOST,
    IDENTITY,
    LAST,
    USER,
    grouped,
    not_too_many,
    noted,
    person,
    told,
)
from agent.report.sections.noting import (
    DAYS,
    HABIT_DAYS,
    NAMES,
    OBJECT,
    STATEMENT,
    TIMES,
    VERB,
    by_user,
    listed,
    mentions,
    number,
    text,
    times,
)

ID = "destructive"

# Temporary tables named #name are scratch; DROP of users and rights is told in other chapters.
_DESTROYS = f"""(SELECT e.* FROM {EVENT} e
    WHERE (is_unfiltered OR verb LIKE 'TRUNCATE%'
            OR verb IN ('DROP TABLE', 'DROP VIEW', 'DROP MATERIALIZED VIEW', 'DROP SCHEMA',
                'DROP DATABASE', 'DROP EXTERNAL TABLE', 'DROP EXTERNAL SCHEMA', 'DROP'))
        AND substr(object_name, 1, 1) <> '#')"""  # noqa: S608 - no one's text

_COUNTED = Query(
    name="by_user",
    title="Statements that remove data, by user, database and kind",
    sql=f"""SELECT user_name, identity, db_name, verb, is_unfiltered, count(*) AS times,
        count(DISTINCT local_day) AS days, min(at_ms) AS first_ms, max(at_ms) AS last_ms,
        min(evidence) AS evidence
        FROM {_DESTROYS} d
        GROUP BY user_name, identity, db_name, verb, is_unfiltered""",  # noqa: S608 - no one's text
    columns=(
        USER,
        IDENTITY,
        DATABASE,
        VERB,
        Column("is_unfiltered", "Every row, no WHERE", ColumnKind.FLAG),
        TIMES,
        DAYS,
        FIRST,
        LAST,
        EVIDENCE,
    ),
    order=("-is_unfiltered", "-times"),
)
_KINDS = Query(
    name="kinds",
    title="Statements that remove data, by kind",
    sql=f"SELECT verb, count(*) AS times FROM {_DESTROYS} d GROUP BY verb",  # noqa: S608 - no one's text
    columns=(VERB, TIMES),
    order=("-times", "verb"),
)
_ON_SENSITIVE = Query(
    name="on_sensitive",
    title="On sensitive objects",
    sql=f"""SELECT p.name, d.at_ms, d.user_name, d.identity, d.remote_host, d.db_name, d.verb,
        d.object_name, {SHOWN}, d.evidence
        FROM {_DESTROYS} d JOIN {NAMES} p ON {mentions("d.low")}""",  # noqa: S608 - no one's text
    columns=(
        Column("name", "Sensitive object"),
        AT,
        USER,
        IDENTITY,
        HOST,
        DATABASE,
        VERB,
        OBJECT,
        STATEMENT,
        EVIDENCE,
    ),
    order=("name", "at_ms", "evidence"),
    none="None, or no sensitive objects are configured.",
)
_UNFILTERED = Query(
    name="unfiltered",
    title="DELETE and UPDATE of every row",
    sql=f"""SELECT at_ms, user_name, identity, remote_host, db_name, verb, object_name, {SHOWN},
        evidence
        FROM {_DESTROYS} d WHERE is_unfiltered""",  # noqa: S608 - no one's text
    columns=(AT, USER, IDENTITY, HOST, DATABASE, VERB, OBJECT, STATEMENT, EVIDENCE),
    order=("at_ms", "evidence"),
)

# A job drops and truncates all month; whoever does it once would be lost among its statements.
_DROPPED = Query(
    name="dropped",
    title="DROP and TRUNCATE, those of users who seldom do it first",
    sql=f"""SELECT at_ms, user_name, identity, remote_host, db_name, verb, object_name,
        count(*) OVER (PARTITION BY user_name, identity, verb) AS of_user, evidence
        FROM {_DESTROYS} d WHERE NOT is_unfiltered""",  # noqa: S608 - no one's text
    columns=(
        AT,
        USER,
        IDENTITY,
        HOST,
        DATABASE,
        VERB,
        OBJECT,
        Column("of_user", "Such statements of the user", ColumnKind.COUNT),
        EVIDENCE,
    ),
    order=("of_user", "at_ms", "evidence"),
)


def findings(answers: Answers, questions: Questions) -> Sequence[Noted]:
    """What was removed of sensitive objects, and each user's statements on every row."""
    found = []
    for rows in grouped(answers["on_sensitive"], "name", "user_name", "identity"):
        name, user = text(rows[0], "name"), person(rows[0])
        because = (
            f"{user} ran {told(len(rows), 'statement')} "
            f"({listed(text(row, 'verb') for row in rows)}) that may remove {name}, or remove or "
            "overwrite all its rows."
        )
        found.append(noted(ID, "high", "Sensitive object at risk", name, because, rows))
    return [*not_too_many(found), *_unfiltered(answers)]


def _unfiltered(answers: Answers) -> list[Noted]:
    """Each user's DELETE and UPDATE of every row; what is done day after day is a job's."""
    named = dict(by_user(answers["unfiltered"]))
    found = []
    for user, rows in by_user(row for row in answers["by_user"] if row["is_unfiltered"]):
        count = told(times(rows), "statement")
        tables = listed(text(row, "object_name") for row in named.get(user, ()))
        because = (
            f"{user} ran {count} ({listed(text(row, 'verb') for row in rows)}) on every row of "
            f"{tables or 'a table'}, in {listed(text(row, 'db_name') for row in rows)}."
        )
        is_usual = max(number(row, "days") for row in rows) >= HABIT_DAYS
        severity = "low" if is_usual else "medium"
        title = "DELETE or UPDATE without WHERE"
        found.append(noted(ID, severity, title, user, because, rows, counts=times(rows)))
    return not_too_many(sorted(found, key=lambda one: one.severity, reverse=True))


SECTION = Section(
    id=ID,
    title="Destructive statements",
    question="What may have destroyed data, and was it sensitive?",
    logs=("useractivitylog", "connectionlog"),
    maps={
        "pci-dss-4.0.1": ("10.2.1.7",),
        "nist-800-53-r5": ("SI-7", "CP-9", "AU-12"),
        "iso-27001-2022": ("A.8.13", "A.8.15"),
        "hipaa": ("164.312(c)(1)",),
        "sox": ("data integrity",),
    },
    queries=(_KINDS, _ON_SENSITIVE, _UNFILTERED, _DROPPED, _COUNTED),
    findings=findings,
    charts=(Chart("kinds", "bars", "verb", ("times",), "Statements that remove data, by kind"),),
    cannot="How many rows went, and whether the statement was rolled back.",
)
