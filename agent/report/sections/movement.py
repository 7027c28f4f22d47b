"""Section 10: data that came in or went out: COPY, UNLOAD, external schemas, datashares."""

from __future__ import annotations

import re
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
    OBJECT,
    STATEMENT,
    TIMES,
    by_user,
    is_admin,
    is_like,
    listed,
    text,
    times,
)

ID = "movement"

_BUCKET = re.compile(r"s3://(?=([a-z0-9._-]*))")
"""Looked at without being passed: in `s3://s3://b` stand two."""


_WHAT = Column("kind", "What")
_PLACES_COLUMN = Column("buckets", "Buckets named")

_KINDS = Query(
    name="kinds",
    title="Statements that move data, by kind",
    sql="SELECT kind, count(*) AS times FROM data_movement GROUP BY kind",
    columns=(_WHAT, TIMES),
    order=("-times", "kind"),
)
_PLACES = Query(
    name="places",
    title="Data moved, by user and bucket",
    sql="""SELECT kind, user_name, identity, buckets, count(*) AS times, min(at_ms) AS first_ms,
        max(at_ms) AS last_ms, min(evidence) AS evidence
        FROM data_movement
        GROUP BY kind, user_name, identity, buckets""",
    columns=(_WHAT, USER, IDENTITY, _PLACES_COLUMN, TIMES, FIRST, LAST, EVIDENCE),
    order=("-kind", "-times"),
    limit=5000,
)


_SHARED = Column("shared_out", "Shared with another account", ColumnKind.COUNT)
"""Of links alone: nothing is shared by a COPY or an UNLOAD."""


def _moves(name: str, title: str, where: str, *more: Column) -> Query:
    """The statements themselves."""
    columns = (AT, USER, IDENTITY, HOST, DATABASE, _WHAT, OBJECT, *more, STATEMENT, EVIDENCE)
    names = ", ".join(one.name for one in columns)
    return Query(
        name=name,
        title=title,
        sql=f"SELECT {names} FROM data_movement WHERE {where}",  # noqa: S608 - no one's text
        columns=columns,
        order=("-kind", "at_ms", "evidence"),
    )


_UNLOADS = _moves("unloads", "Every UNLOAD", "kind = 'unload'")
_LINKS = _moves(
    "links",
    "External schemas and objects, datashares, federated queries",
    "kind NOT IN ('unload', 'copy')",
    _SHARED,
)
_COPIES = _moves("copies", "COPY", "kind = 'copy'")


def buckets_of(said: str) -> frozenset[str]:
    """The buckets in a text that names some as `s3://bucket`."""
    return frozenset(each for each in _BUCKET.findall(said) if each)


def findings(answers: Answers, questions: Questions) -> Sequence[Noted]:
    """Buckets that are not allowed; every UNLOAD; links to other accounts and systems."""
    return (
        *_foreign(answers["places"], questions),
        *_unloaded(answers["places"], questions),
        *_linked(answers["links"], questions),
    )


def _is_allowed(bucket: str, questions: Questions) -> bool:
    return not questions.allowed_buckets or is_like(bucket, questions.allowed_buckets)


def _foreign(places: Sequence[Row], questions: Questions) -> list[Noted]:
    """Each bucket outside the list, with all who named it."""
    pairs: dict[str, list[Row]] = {}
    for row in places:
        for bucket in buckets_of(text(row, "buckets")):
            if not _is_allowed(bucket, questions):
                pairs.setdefault(bucket, []).append(row)
    found = []
    for bucket, rows in sorted(pairs.items()):
        kinds = listed(text(row, "kind").upper() for row in rows)
        because = (
            f"{told(times(rows), 'statement')} ({kinds}) of {listed(person(row) for row in rows)} "
            f"named the bucket {bucket}, which is not among the allowed ones."
        )
        title = "Data moved to or from a bucket that is not allowed"
        found.append(noted(ID, "high", title, bucket, because, rows, counts=times(rows)))
    return not_too_many(found)


def _unloaded(places: Sequence[Row], questions: Questions) -> list[Noted]:
    """Each user's UNLOADs to buckets that are allowed: to be seen, and no more."""
    rows = [
        row
        for row in places
        if row["kind"] == "unload"
        and all(_is_allowed(bucket, questions) for bucket in buckets_of(text(row, "buckets")))
    ]
    found = []
    for user, theirs in by_user(rows):
        buckets = {each for row in theirs for each in buckets_of(text(row, "buckets"))}
        where = f", to {listed(buckets)}" if buckets else ", to a place that could not be read"
        because = (
            f"{user} took data out of the warehouse in {told(times(theirs), 'statement')}{where}."
        )
        found.append(
            noted(ID, "info", "Data unloaded", user, because, theirs, counts=times(theirs))
        )
    return not_too_many(found)


_LINK = {
    "external schema": "low",
    "federated schema": "low",
    "stream": "low",
    "shared database": "low",
    "library or model": "low",
}


def _linked(links: Sequence[Row], questions: Questions) -> list[Noted]:
    """Datashares given to other accounts, and ways to other systems that were opened."""
    found = []
    for user, rows in by_user(row for row in links if row["shared_out"]):
        is_public = any(row["shared_out"] == 2 for row in rows)
        because = (
            f"{user} gave {listed(text(row, 'object_name') for row in rows) or 'a datashare'} to "
            "another account or namespace, or let it be shared publicly, in "
            f"{told(len(rows), 'statement')}."
        )
        severity = "high" if is_public else "medium"
        found.append(noted(ID, severity, "Datashare opened to others", user, because, rows))
    opened = [row for row in links if row["kind"] in _LINK]
    for ways in grouped(opened, "kind"):
        kind = text(ways[0], "kind")
        for user, rows in by_user(ways):
            severity = "info" if is_admin(rows[0], questions) else _LINK[kind]
            because = (
                f"{user} opened a way to data elsewhere ({kind}) in {told(len(rows), 'statement')}."
            )
            found.append(noted(ID, severity, f"New {kind}", user, because, rows))
    return found


SECTION = Section(
    id=ID,
    title="Data movement",
    question="What data came in or went out, where to, and by whom?",
    logs=("useractivitylog", "connectionlog"),
    maps={
        "pci-dss-4.0.1": ("10.2.1.1", "3.4.2"),
        "nist-800-53-r5": ("AC-4", "SC-7(10)", "AU-12"),
        "iso-27001-2022": ("A.8.12",),
        "hipaa": ("164.312(b)",),
        "sox": ("data integrity",),
    },
    queries=(_KINDS, _PLACES, _UNLOADS, _LINKS, _COPIES),
    findings=findings,
    charts=(Chart("kinds", "bars", "kind", ("times",), "Statements that move data, by kind"),),
    cannot="How much data moved, and whether the statement succeeded; what a client reads over "
    "its own connection is no movement that the logs tell.",
)
