"""What the chapters share: columns that recur, whose sessions are the service's own, and how rows
become findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.report.model import Column, ColumnKind, Noted, Row, Value

FROM_NETWORK = "remote_host NOT IN ('local', '::1', '127.0.0.1')"
"""Came over the network: `[local]` and loopback are the service's own doing."""

BY_PEOPLE = f"{FROM_NETWORK} AND user_name <> 'rdsdb'"
"""Not of the service: rdsdb is its own user."""

LOGIN = f"event = 'authenticated' AND {BY_PEOPLE}"
"""A record of `connect` that is a login over the network."""

FAILURE = f"event = 'authentication failure' AND {FROM_NETWORK}"
"""A failed login over the network; rdsdb too, since nobody logs in as rdsdb from elsewhere."""

NAMED = "CASE WHEN identity = 'local' THEN user_name ELSE identity || ':' || user_name END"
"""A user as one text, so that IAM:bob is not taken for bob."""

USER = Column("user_name", "User")
IDENTITY = Column("identity", "Identity")
HOST = Column("remote_host", "Address")
DATABASE = Column("db_name", "Database")
APPLICATION = Column("application_name", "Application")
DRIVER = Column("driver_version", "Driver")
METHOD = Column("auth_method", "Method")
DAY = Column("local_day", "Day", ColumnKind.DAY)
AT = Column("at_ms", "Time", ColumnKind.TIME)
FIRST = Column("first_ms", "First", ColumnKind.TIME)
LAST = Column("last_ms", "Last", ColumnKind.TIME)
EVIDENCE = Column("evidence", "Evidence", ColumnKind.EVIDENCE)

SHOWN_APART = 20
"""Findings of one kind that are told one by one; the rest is told as a number."""


def count(name: str, title: str) -> Column:
    """A column of counts."""
    return Column(name, title, ColumnKind.COUNT)


def flag(name: str, title: str) -> Column:
    """A column of yes and no."""
    return Column(name, title, ColumnKind.FLAG)


def time(name: str, title: str) -> Column:
    """A column of times."""
    return Column(name, title, ColumnKind.TIME)


def duration(name: str, title: str) -> Column:
    """A column of microseconds."""
    return Column(name, title, ColumnKind.DURATION)


def whole(value: Value) -> int:
    """A count of an answer; 0 where there is none."""
    return int(value or 0)


def total(rows: Sequence[Row], name: str) -> int:
    """The sum of a column of counts."""
    return sum(whole(row[name]) for row in rows)


def person(row: Row) -> str:
    """The user of a row as one text: `IAM:bob`, or `bob`. May be hostile."""
    name, identity = str(row["user_name"]), str(row.get("identity") or "local")
    return name if identity == "local" else f"{identity}:{name}"


def told(number: int, noun: str, plural: str = "") -> str:
    """A figure with its noun: `1 login`, `1,204 logins`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def grouped(rows: Sequence[Row], *names: str) -> list[list[Row]]:
    """The rows with equal values in these columns, in the order in which each first comes."""
    found: dict[tuple[Value, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return list(found.values())


def noted(
    section: str,
    severity: str,
    title: str,
    subject: str,
    because: str,
    rows: Sequence[Row],
    *,
    counts: int | None = None,
) -> Noted:
    """A finding that rests on these rows: their evidence and times; it counts them, unless told."""
    times = [
        whole(row[name])
        for row in rows
        for name in ("first_ms", "at_ms", "last_ms")
        if row.get(name) is not None
    ]
    evidence = sorted({whole(row["evidence"]) for row in rows if row.get("evidence") is not None})
    return Noted(
        section,
        severity,
        title,
        subject,
        because,
        count=len(rows) if counts is None else counts,
        first_ms=min(times, default=None),
        last_ms=max(times, default=None),
        evidence=tuple(evidence[:10]),
    )


def not_too_many(found: Sequence[Noted], most: int = SHOWN_APART) -> list[Noted]:
    """Findings of one kind: the first ones by themselves, those beyond as a single one. It keeps
    the worst severity among them, so sort the worst first where they differ."""
    if len(found) <= most + 1:
        return list(found)
    rest = found[most:]
    times = [ms for one in rest for ms in (one.first_ms, one.last_ms) if ms is not None]
    summed = replace(
        rest[0],
        subject=f"{len(rest):,} more",
        because=f"{len(rest):,} more of the same kind are in the section's tables.",
        count=sum(one.count for one in rest),
        first_ms=min(times, default=None),
        last_ms=max(times, default=None),
        evidence=tuple(number for one in rest for number in one.evidence[:1])[:10],
    )
    return [*found[:most], summed]
