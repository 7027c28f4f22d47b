"""What the agent shows of itself and of what it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from agent import __version__
from agent.daemon.health import Health, PlannedRound
from agent.daemon.reload import Reloader
from agent.daemon.schedule import Schedule
from agent.daemon.sweeper import Parts, Sweeper
from agent.store.records import Day, SweepRecord
from controls.history import Event, State
from controls.remedy import Entry
from controls.rule import Rule


class AgentView:
    """The `View` of the pages: reads what the sweeper last published, and asks the store."""

    def __init__(
        self, parts: Parts, sweeper: Sweeper, reloader: Reloader, schedule: Schedule
    ) -> None:
        self._parts = parts
        self._sweeper = sweeper
        self._reloader = reloader
        self._schedule = schedule
        self._started_at = parts.utc()

    def state(self) -> State:
        """All that is known now."""
        return self._sweeper.state

    def rules(self) -> Sequence[Rule]:
        """The rules in use."""
        return self._sweeper.loaded.rules

    def metrics(self, *, gzipped: bool) -> bytes:
        """The page of `/metrics`."""
        return self._parts.pages.page(gzipped)

    def events(
        self, *, resource: str = "", since: datetime | None = None, limit: int = 200
    ) -> Sequence[Event]:
        """From the store, newest first. Raises StoreError."""
        return self._parts.keeper.events(resource=resource, since=since, limit=limit)

    def sweeps(self, limit: int = 50) -> Sequence[SweepRecord]:
        """From the store, newest first. Raises StoreError."""
        return self._parts.keeper.sweeps(limit)

    def days(self, since: datetime) -> Sequence[Day]:
        """From the store, oldest first. Raises StoreError."""
        return self._parts.keeper.days(since)

    def remediating(self) -> bool:
        """Whether it was started with --remediate."""
        return self._sweeper.remedies is not None

    def planned(self) -> PlannedRound | None:
        """The last round of remediation, and whether the kill switch is thrown by now."""
        remedies = self._sweeper.remedies
        if remedies is None:
            return None
        killed = remedies.killed(self._sweeper.loaded)
        if remedies.last is None:
            return PlannedRound(self._started_at, killed=killed) if killed else None
        return replace(remedies.last, killed=killed)

    def changes(self, *, resource: str = "", limit: int = 200) -> Sequence[Entry]:
        """The journal, newest first. Raises StoreError."""
        return self._parts.keeper.entries(resource=resource, limit=limit)

    def change(self, identity: str) -> Entry | None:
        """One change by its id. Raises StoreError."""
        return self._parts.keeper.entry(identity)

    def why_dead(self) -> str:
        """Why the agent is of no use any more; empty while it is."""
        if not self._sweeper.alive:
            return "the thread that sweeps has ended"
        if not self._schedule.running:
            return "the thread of the schedule has ended"
        return self._parts.watchdog.why_dead(self._parts.monotonic())

    def health(self) -> Health:
        """The agent itself, now."""
        parts, sweeper, reload = self._parts, self._sweeper, self._reloader.last
        dead, running = self.why_dead(), sweeper.running
        return Health(
            version=__version__,
            started_at=self._started_at,
            now=parts.utc(),
            alive=not dead,
            ready=True,
            why_dead=dead,
            sweeping=running[0].value if running else "",
            sweeping_since=running[1] if running else None,
            next_sweeps=self._schedule.next_times(),
            last_sweeps=sweeper.last,
            rules=len(sweeper.loaded.rules),
            rule_errors=sweeper.rule_errors,
            reload_ok=not reload.problem,
            reload_problem=reload.problem,
            reloaded_at=reload.at,
            needs_restart=reload.needs_restart,
            store_up=parts.keeper.up,
            store_problem=parts.keeper.problem,
            store_pending=parts.keeper.pending,
            store_where=parts.keeper.where,
        )
