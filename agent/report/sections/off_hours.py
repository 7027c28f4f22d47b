"""Section 12: who worked when nobody is expected to."""

from __future__ import annotations

from collections.abc import Sequence

from agent.report.model import (
    Answers,
    Chart,
    Column,
    ColumnKind,
    Noted,
    Query,
    Questions,
    Row,
    Section,
)
from agent.report.sections.common import (
    BY_PEOPLE,
    EVIDENCE,
    HOST,
    IDENTITY,
    USER,
    not_too_many,
    noted,
    person,
    time,
    told,
)
from agent.report.sections.common import count as counts
from agent.report.sections.noting import is_admin, number

ID = "off-hours"

USUAL_PERCENT = 95
"""Of a user's statements in work hours, from which on the rest is out of character."""

ENOUGH = 100
"""Statements from which on a user's habits can be told."""

_COUNTED = "NOT is_internal AND NOT is_duplicate AND user_name <> 'rdsdb'"
_CHANGING = "verb_class IN ('DDL', 'DCL', 'DATA_MOVE')"

_BY_USER = Query(
    name="by_user",
    title="Statements off hours and at weekends, by user",
    sql=f"""SELECT user_name, identity, sum(statements) AS all_statements,
        sum(CASE WHEN is_off_hours THEN statements ELSE 0 END) AS off_hours,
        sum(CASE WHEN weekday >= 5 THEN statements ELSE 0 END) AS weekend,
        sum(CASE WHEN is_off_hours AND {_CHANGING} THEN statements ELSE 0 END) AS changing,
        min(CASE WHEN is_off_hours THEN first_ms END) AS first_ms,
        max(CASE WHEN is_off_hours THEN last_ms END) AS last_ms,
        min(CASE WHEN is_off_hours THEN evidence END) AS evidence
        FROM activity_hour WHERE {_COUNTED}
        GROUP BY user_name, identity
        HAVING sum(CASE WHEN is_off_hours THEN statements ELSE 0 END) > 0""",  # noqa: S608 - no one's text
    columns=(
        USER,
        IDENTITY,
        counts("all_statements", "Statements"),
        counts("off_hours", "Off hours"),
        counts("weekend", "At weekends"),
        counts("changing", "Off hours: schema, rights, data moves"),
        time("first_ms", "First off hours"),
        time("last_ms", "Last off hours"),
        EVIDENCE,
    ),
    order=("-off_hours", "user_name"),
)
_LOGINS = Query(
    name="logins",
    title="Logins off hours and at weekends, by user and address",
    sql=f"""SELECT user_name, identity, remote_host, count(*) AS logins,
        sum(CASE WHEN weekday >= 5 THEN 1 ELSE 0 END) AS weekend,
        min(at_ms) AS first_ms, max(at_ms) AS last_ms, min(evidence) AS evidence
        FROM connect WHERE event = 'authenticated' AND is_off_hours AND {BY_PEOPLE}
        GROUP BY user_name, identity, remote_host""",  # noqa: S608 - no one's text
    columns=(
        USER,
        IDENTITY,
        HOST,
        counts("logins", "Logins off hours"),
        counts("weekend", "At weekends"),
        time("first_ms", "First"),
        time("last_ms", "Last"),
        EVIDENCE,
    ),
    order=("-logins", "user_name"),
)
_HOURS = Query(
    name="hours",
    title="Statements by day and hour, in the configured time zone",
    sql=f"""SELECT local_day, local_hour, sum(statements) AS times
        FROM activity_hour WHERE {_COUNTED} GROUP BY local_day, local_hour""",  # noqa: S608 - no one's text
    columns=(
        Column("local_day", "Day", ColumnKind.DAY),
        counts("local_hour", "Hour"),
        counts("times", "Statements"),
    ),
    order=("local_day", "local_hour"),
)


def findings(answers: Answers, questions: Questions) -> Sequence[Noted]:
    """Users who work in the day, as a rule, and did something off hours all the same."""
    found = [each for row in answers["by_user"] for each in _out_of_character(row, questions)]
    return not_too_many(sorted(found, key=lambda one: one.severity, reverse=True))


def _out_of_character(row: Row, questions: Questions) -> list[Noted]:
    """The finding about one user, if there is one. A job that runs every night has none."""
    every, off = number(row, "all_statements"), number(row, "off_hours")
    if every < ENOUGH or (every - off) * 100 < every * USUAL_PERCENT:
        return []
    user, changing = person(row), number(row, "changing")
    said = f", {changing:,} of them on schema, rights or data moves" if changing else ""
    because = (
        f"{user} works in the day ({every - off:,} of {told(every, 'statement')}) and ran "
        f"{off:,} off hours{said}."
    )
    severity = "medium" if changing and not is_admin(row, questions) else "low"
    title = "Unusual work off hours"
    return [noted(ID, severity, title, user, because, [row], counts=off)]


SECTION = Section(
    id=ID,
    title="Off hours",
    question="Who worked off hours or at weekends, and is that usual for them?",
    logs=("connectionlog", "useractivitylog"),
    maps={
        "pci-dss-4.0.1": ("10.4.1", "10.4.1.1"),
        "nist-800-53-r5": ("AC-2(12)", "AU-6"),
        "iso-27001-2022": ("A.8.16",),
        "hipaa": ("164.308(a)(1)(ii)(D)",),
    },
    queries=(_HOURS, _BY_USER, _LOGINS),
    findings=findings,
    charts=(
        Chart("hours", "hours", "local_day", ("local_hour", "times"), "Statements by day and hour"),
    ),
    cannot="Who was on duty: hours are those of the settings, and holidays are not known.",
)
