"""Section 9: what became of tables, views and code, by whom, and whether in a change window."""

from __future__ import annotations

from collections.abc import Sequence

from agent.report.model import (
    SEVERITIES,
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
    not_too_many,
    noted,
    told,
)
from agent.report.sections.noting import (
    DAYS,
    HABIT_DAYS,
    OBJECT,
    STATEMENT,
    TIMES,
    VERB,
    by_user,
    is_admin,
    listed,
    number,
    text,
    times,
)

ID = "schema-changes"

_BY_USER = Query(
    name="by_user",
    title="Schema changes, by user, database and kind",
    sql="""SELECT user_name, identity, db_name, verb, count(*) AS times,
        sum(is_temporary) AS temporary,
        sum(CASE WHEN in_window OR is_temporary = 1 THEN 0 ELSE 1 END) AS outside,
        min(at_ms) AS first_ms, max(at_ms) AS last_ms, min(evidence) AS evidence
        FROM schema_change
        GROUP BY user_name, identity, db_name, verb""",
    columns=(
        USER,
        IDENTITY,
        DATABASE,
        VERB,
        TIMES,
        Column("temporary", "Of temporary tables", ColumnKind.COUNT),
        Column("outside", "Outside change windows", ColumnKind.COUNT),
        FIRST,
        LAST,
        EVIDENCE,
    ),
    order=("-times", "user_name"),
)
_OUTSIDE = Query(
    name="outside",
    title="Changes outside the change windows, by user and kind",
    sql="""SELECT user_name, identity, db_name, verb, count(*) AS times,
        count(DISTINCT local_day) AS days, min(at_ms) AS first_ms, max(at_ms) AS last_ms,
        min(evidence) AS evidence
        FROM schema_change WHERE NOT in_window AND is_temporary = 0
        GROUP BY user_name, identity, db_name, verb""",
    columns=(USER, IDENTITY, DATABASE, VERB, TIMES, DAYS, FIRST, LAST, EVIDENCE),
    order=("-times", "user_name"),
    none="None, or no change window is configured.",
)
_ALL = Query(
    name="changes",
    title="Schema changes, temporary tables left out",
    sql="""SELECT at_ms, user_name, remote_host, db_name, verb, object_name, in_window,
        query_text, evidence
        FROM schema_change WHERE is_temporary = 0""",
    columns=(
        AT,
        USER,
        HOST,
        DATABASE,
        VERB,
        OBJECT,
        Column("in_window", "In a change window", ColumnKind.FLAG),
        STATEMENT,
        EVIDENCE,
    ),
    order=("at_ms", "evidence"),
)
_BY_DAY = Query(
    name="by_day",
    title="Schema changes by day",
    sql="""SELECT utc_day,
        sum(CASE WHEN verb LIKE 'CREATE%' OR verb = 'SELECT INTO' THEN 1 ELSE 0 END) AS created,
        sum(CASE WHEN verb LIKE 'ALTER%' OR verb LIKE 'COMMENT%' THEN 1 ELSE 0 END) AS altered,
        sum(CASE WHEN verb LIKE 'DROP%' OR verb LIKE 'TRUNCATE%' THEN 1 ELSE 0 END) AS removed
        FROM schema_change WHERE is_temporary = 0 GROUP BY utc_day""",
    columns=(
        Column("utc_day", "Day", ColumnKind.DAY),
        Column("created", "Created", ColumnKind.COUNT),
        Column("altered", "Altered", ColumnKind.COUNT),
        Column("removed", "Dropped or truncated", ColumnKind.COUNT),
    ),
    order=("utc_day",),
)


def findings(answers: Answers, questions: Questions) -> Sequence[Noted]:
    """Where windows are configured, each user that changed something outside them: what is done
    day after day is a job that the windows do not fit, and stands behind what is done once."""
    if not questions.change_windows:
        return ()
    found = []
    for user, rows in by_user(answers["outside"]):
        lost = sum(
            number(row, "times") for row in rows if text(row, "verb").startswith(("DROP", "TRUN"))
        )
        days = max(number(row, "days") for row in rows)
        count = times(rows)
        of_them = "all" if lost == count else f"{lost:,}"
        said = f", {of_them} of them dropping or truncating" if lost else ""
        if count == 1 and lost:
            said = ", which dropped or truncated"
        usual = f"; on {days:,} days, so it may well be a job" if days >= HABIT_DAYS else ""
        because = (
            f"{user} made {told(count, 'schema change')} outside the change windows"
            f"{said}, in {listed(text(row, 'db_name') for row in rows)}{usual}."
        )
        is_usual = days >= HABIT_DAYS or is_admin(rows[0], questions)
        severity = "low" if is_usual or not lost else "medium"
        title = "Schema changed outside the change windows"
        found.append(noted(ID, severity, title, user, because, rows, counts=count))
    return not_too_many(sorted(found, key=lambda one: SEVERITIES.index(one.severity)))


SECTION = Section(
    id=ID,
    title="Schema changes",
    question="What was created, altered, dropped or truncated, by whom, and in a change window?",
    logs=("useractivitylog", "connectionlog"),
    maps={
        "pci-dss-4.0.1": ("10.2.1.7", "6.5.1"),
        "nist-800-53-r5": ("CM-3", "CM-5", "AU-12"),
        "iso-27001-2022": ("A.8.32",),
        "hipaa": ("164.312(b)",),
        "sox": ("change management",),
    },
    queries=(_BY_DAY, _BY_USER, _OUTSIDE, _ALL),
    findings=findings,
    charts=(
        Chart(
            "by_day", "bars", "utc_day", ("created", "altered", "removed"), "Schema changes by day"
        ),
    ),
    cannot="Whether a change succeeded, or had been approved; a dropped temporary table looks "
    "like any other.",
)
