"""The store that is open: one writer with the lock, and readers beside it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from agent.store import journal, reading, writing
from agent.store.address import Address
from agent.store.failures import told
from agent.store.records import Day, StoreError, SweepRecord
from agent.store.writing import Known
from controls.history import Event, State
from controls.remedy import Entry


class Store:
    """Findings, their history, the sweeps, and the journal of changes.

    From `agent.store.opening.open_store`.

    Safe for threads. Every method raises StoreError when the store cannot be used now; one that
    failed to write has to be opened anew, for the lock may be gone with the connection.
    """

    def __init__(
        self,
        address: Address,
        engine: Engine,
        writer: Connection | None,
        lock: int | None,
    ) -> None:
        self._address = address
        self._engine = engine
        self._writer = writer
        self._lock_file = lock
        self._file = _identity(address)
        self._known: Known | None = None
        self._lock = threading.RLock()

    @property
    def where(self) -> str:
        """The store's URL without its password."""
        return self._address.where

    # ------------------------------------------------------------ the writer

    def write(self, sweeps: Sequence[SweepRecord], state: State, events: Sequence[Event]) -> None:
        """All of it in one transaction. Only findings whose document changed are written."""
        with self._lock:
            with self._writing("written") as connection:
                known = self._known or writing.read_known(connection)
                self._known = None  # until the commit is certain
                known = writing.write(connection, known, sweeps, state, events)
            self._known = known

    def put(self, entry: Entry) -> None:
        """Insert the entry, or put it in the place of the one with its id; durable on return.

        NotStorableError: its change is nothing that JSON can hold; the store is well.
        """
        values = journal.values_of(entry)
        with self._writing("written") as connection:
            journal.put(connection, values)

    def prune(self, before: datetime) -> int:
        """Take away events, sweeps and changes from before `before`; how many rows.

        Every event of a finding that is still open stays, and the newest sweep of each kind.
        Changes stay a week longer, and those that are open for as long as they are.
        """
        with self._writing("pruned") as connection:
            return writing.prune(connection, before) + journal.prune(connection, before)

    def ping(self) -> None:
        """Raises StoreError where the store, or the right to write it, is lost."""
        with self._writing("reached") as connection:
            connection.execute(text("SELECT 1"))

    @contextlib.contextmanager
    def _writing(self, doing: str) -> Iterator[Connection]:
        with self._lock, told(self._address, doing):
            if self._writer is None:
                raise StoreError(f"The store {self.where} is open for reading only.")
            if _identity(self._address) != self._file:
                raise StoreError(
                    f"The store {self.where} was removed or replaced while in use. "
                    "Put it back, or the history begins anew."
                )
            if self._writer.invalidated:
                # It would connect again by itself, and then write without the lock.
                raise StoreError(f"The connection to the store {self.where} was lost.")
            with self._writer.begin():
                yield self._writer

    # ------------------------------------------------------------ readers

    def load(self) -> State:
        """What the last sweep left: everything in it, and the state itself, is stale."""
        with self._lock, self._reading() as connection:
            state, self._known = reading.load(connection)
        return state

    def events(
        self, *, resource: str = "", since: datetime | None = None, limit: int = 200
    ) -> tuple[Event, ...]:
        """The newest first; of one resource (`Ref.id`) if named."""
        with self._reading() as connection:
            return reading.events(connection, resource, since, limit)

    def sweeps(self, limit: int = 50) -> tuple[SweepRecord, ...]:
        """The newest first."""
        with self._reading() as connection:
            return reading.sweeps(connection, limit)

    def newest_sweep(self) -> str:
        """The id of the sweep that was written last; empty where there is none."""
        with self._reading() as connection:
            return reading.newest_sweep(connection)

    def days(self, since: datetime) -> tuple[Day, ...]:
        """The means of each day (UTC) over its full sweeps with a verdict, the oldest first."""
        with self._reading() as connection:
            return reading.days(connection, since)

    def entries(
        self,
        *,
        since: datetime | None = None,
        resource: str = "",
        open_only: bool = False,
        limit: int | None = 200,
    ) -> tuple[Entry, ...]:
        """Changes, the newest first; `limit` None: all of them.

        Since a time means begun since then, or still open; of one resource (`Ref.id`) if named.
        One that cannot be read is said and left out; if it is open, StoreError names it.
        """
        with self._reading() as connection:
            return tuple(journal.entries(connection, since, resource, open_only, limit))

    def entry(self, identity: str) -> Entry | None:
        """The change with this id. StoreError, too, where it is there and cannot be read."""
        with self._reading() as connection:
            return journal.entry(connection, identity)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        with told(self._address, "read"), self._engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give back the lock and every connection. Never raises; may be called again."""
        with self._lock:
            writer, self._writer = self._writer, None
            if writer is not None:
                with contextlib.suppress(SQLAlchemyError):
                    # Not back to the pool: the lock lives as long as this connection.
                    writer.invalidate()
                    writer.close()
            self._engine.dispose()
            if self._lock_file is not None:
                os.close(self._lock_file)
                self._lock_file = None


def _identity(address: Address) -> tuple[int, int] | None:
    """Which file is at the path: SQLite would go on writing to one that was removed."""
    if address.path is None:
        return None
    try:
        found = address.path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
