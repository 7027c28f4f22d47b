"""Section 13: how much was done, by whom, where and when, and which statements most."""

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
    Section,
)
from agent.report.sections.common import DATABASE, FIRST, IDENTITY, LAST, USER, count
from agent.report.sections.noting import VERB

ID = "volume"

_COUNTED = "NOT is_internal AND NOT is_duplicate"
_CLASSES = (
    ("dql", "Reading", "'DQL'"),
    ("dml", "Writing", "'DML'"),
    ("data_move", "Data moves", "'DATA_MOVE'"),
    ("ddl", "Schema", "'DDL'"),
    ("dcl", "Rights", "'DCL'"),
    ("other", "Other", "'TCL', 'UTILITY', 'OTHER'"),
)
_BY_CLASS = ", ".join(
    f"sum(CASE WHEN verb_class IN ({classes}) THEN statements ELSE 0 END) AS {name}"
    for name, _, classes in _CLASSES
)
_CLASS_COLUMNS = tuple(count(name, title) for name, title, _ in _CLASSES)
_ALL = count("times", "Statements")
_DAY = Column("utc_day", "Day (UTC)", ColumnKind.DAY)


def _counted(name: str, title: str, keys: str, columns: tuple[Column, ...]) -> Query:
    """Statements by these columns, and by class."""
    return Query(
        name=name,
        title=title,
        sql=f"""SELECT {keys}, sum(statements) AS times, {_BY_CLASS}, min(first_ms) AS first_ms,
            max(last_ms) AS last_ms
            FROM activity_hour WHERE {_COUNTED} GROUP BY {keys}""",  # noqa: S608 - no one's text
        columns=(*columns, _ALL, *_CLASS_COLUMNS, FIRST, LAST),
        order=("-times",),
    )


_DAYS = Query(
    name="by_day",
    title="Statements by day",
    sql=f"""SELECT utc_day, sum(statements) AS times, {_BY_CLASS}
        FROM activity_hour WHERE {_COUNTED} GROUP BY utc_day""",  # noqa: S608 - no one's text
    columns=(_DAY, _ALL, *_CLASS_COLUMNS),
    order=("utc_day",),
)
_HOURS = Query(
    name="by_hour",
    title="Statements by hour of the day, in the configured time zone",
    sql=f"""SELECT local_hour, sum(statements) AS times
        FROM activity_hour WHERE {_COUNTED} GROUP BY local_hour""",  # noqa: S608 - no one's text
    columns=(count("local_hour", "Hour"), _ALL),
    order=("local_hour",),
)
_VERBS = Query(
    name="by_verb",
    title="Statements by kind",
    sql=f"""SELECT verb_class, verb, sum(statements) AS times
        FROM activity_hour WHERE {_COUNTED} GROUP BY verb_class, verb""",  # noqa: S608 - no one's text
    columns=(Column("verb_class", "Class"), VERB, _ALL),
    order=("-times", "verb_class"),
)
_APART = Query(
    name="apart",
    title="What the other tables leave out",
    sql="""SELECT is_internal, is_duplicate, sum(statements) AS times
        FROM activity_hour GROUP BY is_internal, is_duplicate""",
    columns=(
        Column("is_internal", "The service's own", ColumnKind.FLAG),
        Column("is_duplicate", "A driver's second copy", ColumnKind.FLAG),
        _ALL,
    ),
    order=("is_internal", "is_duplicate"),
)
_FINGERPRINTS = Query(
    name="fingerprints",
    title="The most frequent statements, literals and figures taken out",
    sql=f"""SELECT fingerprint AS shape, count(*) AS times, min(user_name) AS one_user,
        max(user_name) AS another_user, min(at_ms) AS first_ms, max(at_ms) AS last_ms
        FROM statement WHERE {_COUNTED}
        GROUP BY fingerprint""",  # noqa: S608 - no one's text
    columns=(
        Column("shape", "Statement", ColumnKind.SQL),
        _ALL,
        Column("one_user", "First user by name"),
        Column("another_user", "Last user by name"),
        FIRST,
        LAST,
    ),
    order=("-times",),
    limit=50,
)


def findings(answers: Answers, questions: Questions) -> Sequence[Noted]:
    """None: volume is for comparison, and the front page compares it with the month before."""
    return ()


SECTION = Section(
    id=ID,
    title="Volume",
    question="How much was asked of the warehouse, by whom, where and when, and what most?",
    logs=("useractivitylog",),
    maps={
        "pci-dss-4.0.1": ("10.4.1",),
        "nist-800-53-r5": ("AU-6", "AU-12"),
        "iso-27001-2022": ("A.8.15", "A.8.16"),
    },
    queries=(
        _DAYS,
        _HOURS,
        _counted("by_user", "Statements by user", "user_name, identity", (USER, IDENTITY)),
        _counted("by_database", "Statements by database", "db_name", (DATABASE,)),
        _VERBS,
        _FINGERPRINTS,
        _APART,
    ),
    findings=findings,
    charts=(
        Chart(
            "by_day",
            "bars",
            "utc_day",
            tuple(name for name, _, _ in _CLASSES),
            "Statements by day and class",
        ),
        Chart("by_hour", "bars", "local_hour", ("times",), "Statements by hour of the day"),
    ),
    cannot="How long a statement took, what it cost, and how many rows it read or returned.",
)
