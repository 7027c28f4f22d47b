"""The journal where nothing is to be changed: read if there is one, never written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agent.store.records import StoreError
from agent.store.store import Store
from controls.remedy import Entry


class NoBooks:
    """What a plan asks of the journal. `store` is open for reading, or there is none."""

    def __init__(self, store: Store | None = None) -> None:
        self._store = store

    def journal(self, entry: Entry) -> None:
        """Always raises StoreError: a plan changes nothing."""
        raise StoreError(f"a plan writes no journal (change {entry.id})")

    def entries(
        self,
        *,
        since: datetime | None = None,
        resource: str = "",
        open_only: bool = False,
        limit: int = 200,
    ) -> Sequence[Entry]:
        """Newest first; none where there is no store yet."""
        if self._store is None:
            return ()
        return self._store.entries(since=since, resource=resource, open_only=open_only, limit=limit)

    def entry(self, identity: str) -> Entry | None:
        """The change with this id; none where there is no store yet. Raises StoreError."""
        return None if self._store is None else self._store.entry(identity)
