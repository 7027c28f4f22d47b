"""Reads the store: the state as it was left, what happened, the sweeps, and findings by day."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any

import structlog
from sqlalchemy import Connection, Date, Row, func, select

from agent.store.documents import target_of, tracked_of
from agent.store.records import Day, SweepRecord
from agent.store.schema import EVENTS, FINDINGS, META, SWEEPS, TARGETS, storable
from agent.store.writing import Known
from controls.history import Event, Happening, State, Tracked, TrackedTarget
from controls.model import Ref, Severity, Status, WaiverNote


def load(connection: Connection) -> tuple[State, Known]:
    """What the last sweep left, all of it stale; and what stands in the rows."""
    meta = _meta(connection)
    written = meta.get("taken_at")
    taken_at = datetime.fromisoformat(written) if written else None
    digests: dict[str, str] = {}
    texts: dict[tuple[str, str], str] = {}
    state = State(
        findings=dict(_findings(connection, meta.get("judged") or {}, digests)),
        targets=dict(_targets(connection, taken_at, texts)),
        taken_at=taken_at,
        waiver_notes=tuple(
            WaiverNote(**{**note, "resources": tuple(note["resources"])})
            for note in meta.get("waiver_notes", ())
        ),
        deviations=tuple(meta.get("deviations", ())),
        stale=True,
    )
    return state, Known(digests, texts)


def _meta(connection: Connection) -> dict[str, Any]:
    rows = connection.execute(select(META.c.name, META.c.value))
    return {row.name: json.loads(row.value) for row in rows}


def _findings(
    connection: Connection, judged: Mapping[str, str], digests: dict[str, str]
) -> Iterator[tuple[str, Tracked]]:
    """By id. A row that cannot be read is said and left out: the next sweep writes it anew."""
    columns = FINDINGS.c.id, FINDINGS.c.document, FINDINGS.c.digest
    for row in connection.execute(select(*columns).order_by(FINDINGS.c.id)):
        try:
            tracked = tracked_of(row.document, judged)
        except (ValueError, KeyError, TypeError) as error:
            digests[row.id] = ""
            damaged("finding", row.id, error)
            continue
        digests[row.id] = row.digest
        yield tracked.finding.id, tracked


def _targets(
    connection: Connection, taken_at: datetime | None, texts: dict[tuple[str, str], str]
) -> Iterator[tuple[tuple[str, str], TrackedTarget]]:
    columns = TARGETS.c.account, TARGETS.c.region, TARGETS.c.document
    for row in connection.execute(select(*columns)):
        texts[row.account, row.region] = row.document
        try:
            tracked = target_of(row.document, taken_at)
        except (ValueError, KeyError, TypeError) as error:
            damaged("target", f"{row.account}/{row.region}", error)
            continue
        yield (tracked.status.account, tracked.status.region), tracked


def damaged(what: str, key: str, error: Exception) -> None:
    """Say that a row cannot be read and is left out."""
    structlog.get_logger().warning(
        "store_row_damaged", row=what, id=key, problem=f"{type(error).__name__}: {error}"
    )


def events(
    connection: Connection, resource: str, since: datetime | None, limit: int
) -> tuple[Event, ...]:
    """The newest first."""
    query = select(EVENTS).order_by(EVENTS.c.seq.desc()).limit(limit)
    if resource:
        query = query.where(EVENTS.c.resource_id == storable(resource))
    if since is not None:
        query = query.where(EVENTS.c.at >= since)
    return tuple(_event(row) for row in connection.execute(query))


def _event(row: Row[Any]) -> Event:
    return Event(
        at=row.at,
        happening=Happening(row.happening),
        finding=row.finding,
        rule=row.rule,
        severity=Severity(row.severity),
        ref=Ref(row.kind, row.account, row.region, row.name, row.arn, row.owner_account),
        before=None if row.before is None else Status(row.before),
        after=None if row.after is None else Status(row.after),
        because=row.because,
    )


def sweeps(connection: Connection, limit: int) -> tuple[SweepRecord, ...]:
    """The newest first, in the order they were written."""
    query = select(SWEEPS).order_by(SWEEPS.c.seq.desc()).limit(limit)
    return tuple(_sweep(row) for row in connection.execute(query))


def _sweep(row: Row[Any]) -> SweepRecord:
    counts = {status.value: row._mapping[f"count_{status.value}"] for status in Status}
    return SweepRecord(
        id=row.id,
        kind=row.kind,
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=row.outcome,
        reason=row.reason,
        calls=row.calls,
        counts={name: number for name, number in counts.items() if number is not None},
    )


def newest_sweep(connection: Connection) -> str:
    """The id of the sweep that was written last; empty where there is none."""
    return connection.scalar(select(SWEEPS.c.id).order_by(SWEEPS.c.seq.desc()).limit(1)) or ""


def days(connection: Connection, since: datetime) -> tuple[Day, ...]:
    """The oldest first. The day of `since` is taken as a whole: half of one has another mean."""
    begin = datetime.combine(since.astimezone(UTC).date(), time(), UTC)
    # On a time in UTC, date() means the same to both: SQLite has the text, PostgreSQL the session.
    day = func.date(SWEEPS.c.started_at, type_=Date)
    means = [func.avg(func.coalesce(SWEEPS.c[f"count_{status.value}"], 0)) for status in Status]
    query = (
        select(day, func.count(), *means)
        .where(SWEEPS.c.started_at >= begin, SWEEPS.c.kind == "full")
        .where(SWEEPS.c.outcome.in_(("complete", "partial")))
        .group_by(day)
        .order_by(day)
    )
    names = [status.value for status in Status]
    return tuple(
        Day(row[0], {name: float(mean) for name, mean in zip(names, row[2:], strict=True)}, row[1])
        for row in connection.execute(query)
    )
