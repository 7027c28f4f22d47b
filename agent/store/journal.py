"""The journal of changes: each written ahead of its calls, after each of them, and at its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from agent.store.documents import text_of
from agent.store.reading import damaged
from agent.store.records import NotStorableError, StoreError
from agent.store.schema import CHANGES
from controls.guard import BREAKER_WINDOW
from controls.remedy import Entry, Outcome, change_from_json, change_to_json

Values = dict[str, Any]

_DAMAGE = (ValueError, KeyError, TypeError)


# ---------------------------------------------------------------- the writer


def values_of(entry: Entry) -> Values:
    """The row of an entry. Raises NotStorableError where JSON cannot hold its change."""
    ref = entry.change.ref
    try:
        document = text_of(change_to_json(entry.change))
    except (TypeError, ValueError) as error:
        raise NotStorableError(
            f"Change {entry.id} ({entry.change.fix} on {ref.id}) cannot be written down: {error}."
        ) from error
    return {
        "id": entry.id,
        "rule": entry.rule,
        "finding": entry.finding,
        "fix": entry.change.fix,
        "resource_id": ref.id,
        "kind": ref.kind,
        "account": ref.account,
        "region": ref.region,
        "name": ref.name,
        "arn": ref.arn,
        "owner_account": ref.owner_account,
        "began_at": entry.began_at,
        "ended_at": entry.ended_at,
        "outcome": None if entry.outcome is None else entry.outcome.value,
        "why": entry.why,
        "done": entry.done,
        "undoes": entry.undoes,
        "undone_by": entry.undone_by,
        "document": document,
    }


def put(connection: Connection, values: Values) -> None:
    """Insert the row, or put it in the place of the one with its id; its order stays."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(CHANGES).values(values)
    new = {name: statement.excluded[name] for name in values if name != "id"}
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=new))


def prune(connection: Connection, before: datetime) -> int:
    """Take away what had ended by then, and a week more: that is how far the guard looks back."""
    ended = func.coalesce(CHANGES.c.ended_at, CHANGES.c.began_at)
    old = (CHANGES.c.outcome.is_not(None), ended < before - BREAKER_WINDOW)
    return connection.execute(delete(CHANGES).where(*old)).rowcount


# ---------------------------------------------------------------- readers


def entries(
    connection: Connection,
    since: datetime | None,
    resource: str,
    open_only: bool,
    limit: int | None,
) -> Iterator[Entry]:
    """The newest first, as they were first written. Raises StoreError for an open one in ruins."""
    query = select(CHANGES).order_by(CHANGES.c.seq.desc()).limit(limit)
    if since is not None:
        query = query.where(or_(CHANGES.c.began_at >= since, CHANGES.c.outcome.is_(None)))
    if resource:
        query = query.where(CHANGES.c.resource_id == resource)
    if open_only:
        query = query.where(CHANGES.c.outcome.is_(None))
    for row in connection.execute(query):
        try:
            yield _entry(row)
        except _DAMAGE as error:
            if row.outcome is None:
                raise _in_ruins(row) from error
            damaged("change", row.id, error)


def entry(connection: Connection, identity: str) -> Entry | None:
    """The one with this id. Raises StoreError where it is there and cannot be read."""
    row = connection.execute(select(CHANGES).where(CHANGES.c.id == identity)).first()
    if row is None:
        return None
    try:
        return _entry(row)
    except _DAMAGE as error:
        raise _in_ruins(row) from error


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.id,
        rule=row.rule,
        change=change_from_json(json.loads(row.document)),
        began_at=row.began_at,
        ended_at=row.ended_at,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        why=row.why,
        done=row.done,
        undoes=row.undoes,
        undone_by=row.undone_by,
    )


def _in_ruins(row: Row[Any]) -> StoreError:
    """An open change that nobody can read may be half made: that is for a person to look at."""
    ended = "is still open" if row.outcome is None else f"has ended ({row.outcome})"
    then = ", then set outcome to 'partial' in its row" if row.outcome is None else ""
    return StoreError(
        f"Change {row.id} ({row.fix} on {row.resource_id}, begun {row.began_at:%Y-%m-%d %H:%M}Z) "
        f"{ended}, and what it was to do cannot be read: its row in the table changes is damaged. "
        f"Look at that resource by hand{then}."
    )
