"""Section 11: who touched the objects that are listed as sensitive, and how."""

from __future__ import annotations

from collections.abc import Sequence

from agent.report.model import (
    SEVERITIES,
    Answers,
    Column,
    ColumnKind,
    Noted,
    Query,
    Questions,
    Row,
    Section,
)
from agent.report.sections.common import (
    EVIDENCE,
    FIRST,
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
    TIMES,
    VERB,
    by_user,
    is_admin,
    listed,
    mentions,
    number,
    text,
    times,
)

ID = "sensitive"

# Internal statements are asked too, and told apart: a user can write what marks one as internal.
_USES = f"""(SELECT p.name, s.user_name, s.identity, s.verb, s.verb_class, s.is_internal,
        s.is_off_hours, s.local_day, s.at_ms, s.evidence
    FROM (SELECT user_name, identity, verb, verb_class, is_internal, is_off_hours, local_day,
            at_ms, evidence, lower(query_text) AS low
        FROM statement WHERE NOT is_duplicate) s
    JOIN {NAMES} p ON {mentions("s.low")})"""  # noqa: S608 - no one's text

_BY_USER = Query(
    name="by_user",
    title="Statements that name a sensitive object, by user and kind",
    sql=f"""SELECT name, user_name, identity, verb, verb_class, is_internal, count(*) AS times,
        sum(CASE WHEN is_off_hours THEN 1 ELSE 0 END) AS off_hours,
        count(DISTINCT local_day) AS days, min(at_ms) AS first_ms,
        max(at_ms) AS last_ms, min(evidence) AS evidence
        FROM {_USES} u
        GROUP BY name, user_name, identity, verb, verb_class, is_internal""",  # noqa: S608 - no one's text
    columns=(
        Column("name", "Sensitive object"),
        USER,
        IDENTITY,
        VERB,
        Column("verb_class", "Class"),
        Column("is_internal", "Marked as the service's own", ColumnKind.FLAG),
        TIMES,
        Column("off_hours", "Off hours", ColumnKind.COUNT),
        DAYS,
        FIRST,
        LAST,
        EVIDENCE,
    ),
    order=("name", "-times", "user_name"),
    limit=5000,
    none="None, or no sensitive objects are configured.",
)

_SERVICE = "rdsdb"


def findings(answers: Answers, questions: Questions) -> Sequence[Noted]:
    """Of each object: what was taken out, whose privileges changed, and who used it at all."""
    rows = [
        row
        for row in answers["by_user"]
        if not (row["is_internal"] and row["user_name"] == _SERVICE)
    ]
    found = []
    for uses in grouped(rows, "name"):
        found += _of_object(text(uses[0], "name"), uses, questions)
    return not_too_many(sorted(found, key=lambda one: SEVERITIES.index(one.severity)))


def _of_object(name: str, uses: Sequence[Row], questions: Questions) -> list[Noted]:
    """The findings about one sensitive object."""
    found = []
    taken = [row for row in uses if text(row, "verb").startswith("UNLOAD")]
    for user, rows in by_user(taken):
        because = f"{user} named {name} in {told(times(rows), 'UNLOAD statement')}."
        found.append(_noted("high", "Sensitive object unloaded", name, because, rows))
    granted = [row for row in uses if row["verb_class"] == "DCL"]
    for user, rows in by_user(granted):
        severity = "low" if is_admin(rows[0], questions) else "medium"
        because = f"{user} changed who may use {name}, or how, in {told(times(rows), 'statement')}."
        found.append(_noted(severity, "Rights on a sensitive object changed", name, because, rows))
    found += _by_night(name, uses, questions)
    people = {person(row) for row in uses}
    off_hours = sum(number(row, "off_hours") for row in uses)
    because = (
        f"{name} was named in {told(times(uses), 'statement')} of {told(len(people), 'user')} "
        f"({listed(people)}), {f'{off_hours:,}' if off_hours else 'none'} of them off hours."
    )
    found.append(_noted("info", "Sensitive object used", name, because, uses))
    return found


def _by_night(name: str, uses: Sequence[Row], questions: Questions) -> list[Noted]:
    """Users who named it off hours alone, on a few days: a job of every night has its habit, and
    who also works with it by day may work late."""
    found = []
    for user, rows in by_user(uses):
        days = max(number(row, "days") for row in rows)
        if days >= HABIT_DAYS or sum(number(row, "off_hours") for row in rows) < times(rows):
            continue
        mild = days == 1 or is_admin(rows[0], questions)
        because = (
            f"{user} named {name} off hours alone: {told(times(rows), 'statement')} on "
            f"{told(days, 'day')}."
        )
        title = "Sensitive object used off hours alone"
        found.append(_noted("low" if mild else "medium", title, name, because, rows))
    return found


def _noted(severity: str, title: str, name: str, because: str, rows: Sequence[Row]) -> Noted:
    return noted(ID, severity, title, name, because, rows, counts=times(rows))


SECTION = Section(
    id=ID,
    title="Sensitive objects",
    question="Who used the objects listed as sensitive, how, and how often?",
    logs=("useractivitylog",),
    maps={
        "pci-dss-4.0.1": ("10.2.1.1",),
        "nist-800-53-r5": ("AC-6", "AU-2", "AU-12"),
        "iso-27001-2022": ("A.8.3", "A.8.15"),
        "hipaa": ("164.312(b)", "164.308(a)(1)(ii)(D)"),
        "sox": ("access to financial data",),
    },
    queries=(_BY_USER,),
    findings=findings,
    cannot="What a statement returned, and use through a view or a procedure of another name.",
)
