"""What the pages are made of, handed in by the agent that serves them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from agent.daemon.health import Health, PlannedRound
from agent.store.records import Day, SweepRecord
from controls.history import Event, State
from controls.remedy import Entry
from controls.rule import Rule


class View(Protocol):
    """Everything that is served. Every method is cheap and may be called from any thread."""

    def state(self) -> State:
        """All that is known now."""
        ...

    def health(self) -> Health:
        """The agent itself, now."""
        ...

    def rules(self) -> Sequence[Rule]:
        """The rules in use."""
        ...

    def metrics(self, *, gzipped: bool) -> bytes:
        """The page of `/metrics` in the text format, version 0.0.4. Never raises."""
        ...

    def events(
        self, *, resource: str = "", since: datetime | None = None, limit: int = 200
    ) -> Sequence[Event]:
        """The newest events first; of one resource (`Ref.id`) if named.

        Raises:
            StoreError: the store cannot be read now.
        """
        ...

    def sweeps(self, limit: int = 50) -> Sequence[SweepRecord]:
        """The newest sweeps first. Raises StoreError."""
        ...

    def days(self, since: datetime) -> Sequence[Day]:
        """Findings by day, oldest first. Raises StoreError."""
        ...

    def planned(self) -> PlannedRound | None:
        """The last round of remediation; None where the agent only observes, or before the first.

        `remediating` tells these apart.
        """
        ...

    def remediating(self) -> bool:
        """Whether the agent was started with --remediate."""
        ...

    def changes(self, *, resource: str = "", limit: int = 200) -> Sequence[Entry]:
        """The journal, newest first; of one resource (`Ref.id`) if named. Raises StoreError."""
        ...

    def change(self, identity: str) -> Entry | None:
        """One change by its id. Raises StoreError."""
        ...
