"""The tables of the store, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

from controls.model import Status

VERSION_TABLE = "trailkeeper_version"
"""Which migration the store is at. Not alembic's own name: a database may hold other programs."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Utc(TypeDecorator[datetime]):
    """A time in UTC to the microsecond. SQLite keeps it as a text that sorts as the time does."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Raises ValueError where the time has no zone: what it means would be a guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, in UTC, whatever the time zone of the server."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text of any origin. NUL (PostgreSQL) and lone surrogates (both) cannot be stored and become
    U+FFFD: one odd name must not keep a whole sweep out of the store."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text as it can be stored."""
        return None if value is None else storable(value)


def storable(text: str) -> str:
    """The text without what a database cannot hold."""
    return _UNSTORABLE.sub("\ufffd", text)


_Seq = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up an INTEGER alone

METADATA = MetaData()

SWEEPS = Table(
    "sweeps",
    METADATA,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    Column("id", Words, nullable=False, unique=True),
    Column("kind", Words, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("ended_at", Utc, nullable=False),
    Column("outcome", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("calls", BigInteger, nullable=False),
    # A column for each status, not JSON: a month is added up in one pass over them.
    *(Column(f"count_{status.value}", BigInteger) for status in Status),
    Index("sweeps_started_at", "started_at"),
    sqlite_autoincrement=True,
)

FINDINGS = Table(
    "findings",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("rule", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("account", Words, nullable=False),
    Column("region", Words, nullable=False),
    Column("resource", Words, nullable=False),
    Column("resource_id", Words, nullable=False),
    Column("severity", Words, nullable=False),
    Column("status", Words, nullable=False),
    Column("since", Utc, nullable=False),
    Column("first_seen", Utc, nullable=False),
    Column("document", Words, nullable=False),
    Column("digest", Words, nullable=False),
)
"""What is known now: a row for each finding. `document` is JSON as `controls.history_json` writes
it, and what is read back; the other columns are for those who ask in SQL."""

EVENTS = Table(
    "events",
    METADATA,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    Column("at", Utc, nullable=False),
    Column("happening", Words, nullable=False),
    Column("finding", Words, nullable=False),
    Column("rule", Words, nullable=False),
    Column("severity", Words, nullable=False),
    Column("resource_id", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("account", Words, nullable=False),
    Column("region", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("arn", Words, nullable=False),
    Column("owner_account", Words, nullable=False),
    Column("before", Words),
    Column("after", Words),
    Column("because", Words, nullable=False),
    # No foreign key: an event may outlive its sweep's row.
    Column("sweep", Words),
    Index("events_resource", "resource_id", "seq"),
    Index("events_finding", "finding"),
    Index("events_at", "at"),
    sqlite_autoincrement=True,  # a number is never given twice, not even after a prune
)
"""What became of findings, in the order it was written. Rows are added and pruned, never edited."""

CHANGES = Table(
    "changes",
    METADATA,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    Column("id", Words, nullable=False, unique=True),
    Column("rule", Words, nullable=False),
    Column("finding", Words, nullable=False),
    Column("fix", Words, nullable=False),
    Column("resource_id", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("account", Words, nullable=False),
    Column("region", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("arn", Words, nullable=False),
    Column("owner_account", Words, nullable=False),
    Column("began_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("outcome", Words),
    Column("why", Words, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("undoes", Words, nullable=False),
    Column("undone_by", Words, nullable=False),
    Column("document", Words, nullable=False),
    Index("changes_resource", "resource_id", "seq"),
    Index("changes_began_at", "began_at"),
    Index("changes_outcome", "outcome"),
    sqlite_autoincrement=True,
)
"""The journal of remediation. `outcome` is null while a change is under way; `document` is JSON as
`controls.remedy.change_to_json` writes it."""

TARGETS = Table(
    "targets",
    METADATA,
    Column("account", Words, primary_key=True),
    Column("region", Words, primary_key=True),
    Column("status", Words, nullable=False),
    Column("document", Words, nullable=False),
)

META = Table(
    "meta",
    METADATA,
    Column("name", Words, primary_key=True),
    Column("value", Words, nullable=False),
)
"""What is known as a whole, as JSON: `taken_at`, `waiver_notes`, `deviations`; and the
`agent_version` that wrote last."""
