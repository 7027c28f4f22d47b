"""Writes a sweep: what changed, what happened, what is known; and takes away what is old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from agent import __version__
from agent.store.documents import FindingText, judged_at, target_text, text_of
from agent.store.records import SweepRecord
from agent.store.schema import EVENTS, FINDINGS, META, SWEEPS, TARGETS, storable
from controls.history import Event, State, Tracked
from controls.json_values import moment
from controls.model import Status

Row = dict[str, Any]

OPEN = (Status.FAIL.value, Status.UNKNOWN.value, Status.WAIVED.value)


@dataclass(frozen=True, slots=True)
class Known:
    """What stands in the store, remembered so that only what changed is written.

    `findings` are digests by id, `targets` documents by (account, region). `state` is what they
    were made of, where it was written here: a freshness sweep hands most findings on as they are.
    """

    findings: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[tuple[str, str], str] = field(default_factory=dict)
    state: State = field(default_factory=State)


def read_known(connection: Connection) -> Known:
    """What the store holds now."""
    findings = connection.execute(select(FINDINGS.c.id, FINDINGS.c.digest))
    targets = connection.execute(select(TARGETS.c.account, TARGETS.c.region, TARGETS.c.document))
    return Known(
        {row.id: row.digest for row in findings},
        {(row.account, row.region): row.document for row in targets},
    )


def write(
    connection: Connection,
    known: Known,
    sweeps: Sequence[SweepRecord],
    state: State,
    events: Sequence[Event],
) -> Known:
    """Write all of it within the transaction of the connection; what is known once it commits.

    A sweep that is there already is passed over with its events: where the answer to a commit was
    lost, the same is written again.
    """
    new = _write_sweeps(connection, sweeps)
    _write_events(connection, sweeps, new, events)
    findings = _write_findings(connection, known, state)
    targets = _write_targets(connection, known.targets, state)
    _write_meta(connection, state)
    return Known(findings, targets, state)


def _upsert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert, or replace the rows of the same key."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    new = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=new), rows)


# ---------------------------------------------------------------- sweeps and events


def _write_sweeps(connection: Connection, sweeps: Sequence[SweepRecord]) -> set[str]:
    """The ids of those that were not there."""
    ids = [storable(sweep.id) for sweep in sweeps]
    there = set(connection.scalars(select(SWEEPS.c.id).where(SWEEPS.c.id.in_(ids))))
    rows = [_sweep_row(sweep) for sweep in sweeps if storable(sweep.id) not in there]
    if rows:
        connection.execute(insert(SWEEPS), rows)
    return {row["id"] for row in rows}


def _sweep_row(sweep: SweepRecord) -> Row:
    row = asdict(sweep)
    counts = {Status(name): number for name, number in row.pop("counts").items()}
    row["id"] = storable(sweep.id)
    return row | {f"count_{status.value}": counts.get(status) for status in Status}


def _write_events(
    connection: Connection,
    sweeps: Sequence[SweepRecord],
    new: set[str],
    events: Sequence[Event],
) -> None:
    rows = [
        _event_row(event, sweep)
        for event in events
        if (sweep := _sweep_of(event, sweeps)) is None or sweep in new
    ]
    if rows:
        connection.execute(insert(EVENTS), rows)


def _sweep_of(event: Event, sweeps: Sequence[SweepRecord]) -> str | None:
    """The newest of these sweeps that had begun by then; sweeps do not overlap."""
    if len(sweeps) == 1:
        return storable(sweeps[0].id)
    begun = [sweep for sweep in sweeps if sweep.started_at <= event.at]
    newest = max(begun, key=lambda sweep: sweep.started_at, default=None)
    return storable(newest.id) if newest else None


def _event_row(event: Event, sweep: str | None) -> Row:
    ref = event.ref
    return {
        "at": event.at,
        "happening": event.happening.value,
        "finding": event.finding,
        "rule": event.rule,
        "severity": event.severity.value,
        "resource_id": ref.id,
        "kind": ref.kind,
        "account": ref.account,
        "region": ref.region,
        "name": ref.name,
        "arn": ref.arn,
        "owner_account": ref.owner_account,
        "before": None if event.before is None else event.before.value,
        "after": None if event.after is None else event.after.value,
        "because": event.because,
        "sweep": sweep,
    }


# ---------------------------------------------------------------- what is known


def _write_findings(connection: Connection, known: Known, state: State) -> dict[str, str]:
    judged, judged_before = judged_at(state), judged_at(known.state)
    digests: dict[str, str] = {}
    changed: list[Row] = []
    for identity, tracked in state.findings.items():
        key, rule = storable(identity), tracked.finding.rule
        if known.state.findings.get(identity) is tracked and judged_before[rule] == judged[rule]:
            digests[key] = known.findings[key]
            continue
        written = FindingText(tracked, judged)
        digests[key] = written.digest
        if known.findings.get(key) != written.digest:
            changed.append(_finding_row(key, tracked, written))
    _upsert(connection, FINDINGS, changed)
    if gone := [{"gone": key} for key in known.findings if key not in digests]:
        connection.execute(delete(FINDINGS).where(FINDINGS.c.id == bindparam("gone")), gone)
    _put(connection, "judged", {rule: moment(at) for rule, at in judged.items()})
    return digests


def _finding_row(key: str, tracked: Tracked, written: FindingText) -> Row:
    finding, ref = tracked.finding, tracked.finding.ref
    return {
        "id": key,
        "rule": finding.rule,
        "kind": ref.kind,
        "account": ref.account,
        "region": ref.region,
        "resource": ref.name,
        "resource_id": ref.id,
        "severity": finding.severity.value,
        "status": finding.status.value,
        "since": tracked.since,
        "first_seen": tracked.first_seen,
        "document": written.text(),
        "digest": written.digest,
    }


def _write_targets(
    connection: Connection, known: Mapping[tuple[str, str], str], state: State
) -> dict[tuple[str, str], str]:
    texts: dict[tuple[str, str], str] = {}
    changed: list[Row] = []
    for (account, region), tracked in state.targets.items():
        place = storable(account), storable(region)
        texts[place] = target_text(tracked, state.taken_at)
        if known.get(place) != texts[place]:
            status = tracked.status.status.value
            changed.append(_target_row(place, status, texts[place]))
    _upsert(connection, TARGETS, changed)
    for account, region in set(known) - set(texts):
        mine = (TARGETS.c.account == account) & (TARGETS.c.region == region)
        connection.execute(delete(TARGETS).where(mine))
    return texts


def _target_row(place: tuple[str, str], status: str, text: str) -> Row:
    return {"account": place[0], "region": place[1], "status": status, "document": text}


def _write_meta(connection: Connection, state: State) -> None:
    _put(connection, "taken_at", None if state.taken_at is None else moment(state.taken_at))
    _put(connection, "waiver_notes", [asdict(note) for note in state.waiver_notes])
    _put(connection, "deviations", list(state.deviations))
    sign(connection)


def sign(connection: Connection) -> None:
    """Leave the version of this agent, for an older one that meets a schema it does not know."""
    _put(connection, "agent_version", __version__)


def _put(connection: Connection, name: str, value: Any) -> None:
    _upsert(connection, META, [{"name": name, "value": text_of(value)}])


# ---------------------------------------------------------------- what is old


def prune(connection: Connection, before: datetime) -> int:
    """Take away events and sweeps from before; how many rows.

    Every event of a finding that is still open stays, its opening among them, and the newest
    sweep of each kind.
    """
    still_open = select(FINDINGS.c.id).where(FINDINGS.c.status.in_(OPEN))
    newest = select(func.max(SWEEPS.c.seq)).group_by(SWEEPS.c.kind)
    events = connection.execute(
        delete(EVENTS).where(EVENTS.c.at < before, EVENTS.c.finding.not_in(still_open))
    )
    sweeps = connection.execute(
        delete(SWEEPS).where(SWEEPS.c.started_at < before, SWEEPS.c.seq.not_in(newest))
    )
    return events.rowcount + sweeps.rowcount
