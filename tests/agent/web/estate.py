"""A small estate as the agent knows it, and the view that the pages are made of."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from agent.daemon.health import Health, PlannedRound
from agent.packs import load_packs
from agent.store.records import Day, StoreError, SweepRecord
from controls.history import Event, Happening, LastKnown, State, Tracked, TrackedTarget
from controls.kinds.catalog import KINDS
from controls.model import Coverage, Finding, Ref, Status
from controls.remedy import Entry
from controls.rule import Rule
from tests.agent.formats.samples import LOCATION, NOW, TYPICAL
from tests.agent.web.remedied import journal, plan

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

METRICS = b"# HELP up Whether it is.\n# TYPE up gauge\nup 1\n"


@cache
def shipped_rules() -> tuple[Rule, ...]:
    """The rules of the shipped pack."""
    rules, problems = load_packs(["redshift-audit"], [], {kind.name: kind for kind in KINDS})
    assert not problems
    return rules


def tracked(finding: Finding, **more: Any) -> Tracked:
    """A finding that stands since yesterday."""
    times = {"since": NOW - DAY, "first_seen": NOW - 9 * DAY, "seen_at": NOW}
    return Tracked(finding, **{**times, **more})


def state_of(findings: Iterable[Tracked], **more: Any) -> State:
    """A state of these findings, with the targets of the typical report."""
    targets = {
        (each.account, each.region): TrackedTarget(
            each, NOW, None if each.status is Coverage.UNREADABLE else NOW
        )
        for each in TYPICAL.targets
    }
    by_id = {one.finding.id: one for one in findings}
    return State(**{"findings": by_id, "targets": targets, "taken_at": NOW, **more})


def typical() -> State:
    """The typical report, tracked; the unknown bucket failed when it could last be judged."""
    last = LastKnown(Status.FAIL, NOW - 3 * DAY)
    return state_of(
        (
            tracked(one, last_known=last if one.rule == "log-bucket-encrypted" else None)
            for one in TYPICAL.findings
        ),
        waiver_notes=TYPICAL.waiver_notes,
        deviations=("max_days of audit-logs-expire-in-time is 90, not 180 (trailkeeper.yaml:7)",),
    )


def event(
    happening: Happening = Happening.OPENED,
    ref: Ref = LOCATION,
    *,
    rule: str = "audit-logs-expire-in-time",
    ago: timedelta = HOUR,
    because: str = "logs_expire is false",
) -> Event:
    """One line of history."""
    severity = TYPICAL.findings[1].severity
    before, after = {
        Happening.OPENED: (Status.PASS, Status.FAIL),
        Happening.CHANGED: (Status.FAIL, Status.UNKNOWN),
        Happening.RESOLVED: (Status.FAIL, Status.PASS),
        Happening.WITHDRAWN: (Status.FAIL, None),
    }[happening]
    return Event(
        NOW - ago, happening, f"{rule}:{ref.id}", rule, severity, ref, before, after, because
    )


def sweep(kind: str = "full", outcome: str = "complete", reason: str = "") -> SweepRecord:
    """A sweep that ended a minute ago."""
    ended = NOW - timedelta(minutes=1)
    counts = {"pass": 10, "fail": 2}
    began = ended - timedelta(seconds=12)
    return SweepRecord(f"{kind}-1", kind, began, ended, outcome, reason, 321, counts)


def healthy(**more: Any) -> Health:
    """An agent that is well."""
    well: dict[str, Any] = {
        "version": "0.1.0",
        "started_at": NOW - DAY,
        "now": NOW + timedelta(minutes=3),
        "alive": True,
        "ready": True,
        "rules": 20,
        "reloaded_at": NOW - DAY,
        "next_sweeps": {"full": NOW + timedelta(minutes=15)},
        "last_sweeps": {"full": sweep(), "freshness": sweep("freshness")},
        "store_where": "sqlite:////var/lib/trailkeeper/trailkeeper.db",
    }
    return Health(**{**well, **more})


def days() -> tuple[Day, ...]:
    """Thirty days, of which two were not looked at."""
    first = (NOW - 29 * DAY).date()
    return tuple(
        Day(first + number * DAY, {"pass": 80.0 + number / 2, "fail": 9.5, "unknown": 2.0}, 96)
        for number in range(30)
        if number not in (9, 10)
    )


@dataclass
class FakeView:
    """An `agent.web.view.View` over values; with `store_down`, its store raises.

    Without `remedies` it only observes.
    """

    current: State = field(default_factory=typical)
    well: Health = field(default_factory=healthy)
    history: Sequence[Event] = field(default_factory=lambda: tuple(event(one) for one in Happening))
    by_day: Sequence[Day] = field(default_factory=days)
    store_down: str = ""
    remedies: bool = True
    round: PlannedRound | None = field(default_factory=plan)
    entries: Sequence[Entry] = field(default_factory=journal)

    def state(self) -> State:
        return self.current

    def health(self) -> Health:
        return self.well

    def rules(self) -> Sequence[Rule]:
        return shipped_rules()

    def metrics(self, *, gzipped: bool) -> bytes:
        return gzip.compress(METRICS) if gzipped else METRICS

    def events(
        self, *, resource: str = "", since: datetime | None = None, limit: int = 200
    ) -> Sequence[Event]:
        self._reach()
        found = [one for one in self.history if not resource or one.ref.id == resource]
        return [one for one in found if since is None or one.at >= since][:limit]

    def sweeps(self, limit: int = 50) -> Sequence[SweepRecord]:
        self._reach()
        return (sweep(), sweep("freshness"), sweep(outcome="failed", reason="no target"))[:limit]

    def days(self, since: datetime) -> Sequence[Day]:
        self._reach()
        return [one for one in self.by_day if one.day >= since.date()]

    def remediating(self) -> bool:
        return self.remedies

    def planned(self) -> PlannedRound | None:
        return self.round if self.remedies else None

    def changes(self, *, resource: str = "", limit: int = 200) -> Sequence[Entry]:
        self._reach()
        return [one for one in self.entries if resource in ("", one.change.ref.id)][:limit]

    def change(self, identity: str) -> Entry | None:
        self._reach()
        return next((one for one in self.entries if one.id == identity), None)

    def _reach(self) -> None:
        if self.store_down:
            raise StoreError(self.store_down)


def view(**more: Any) -> FakeView:
    """The typical estate, with some parts other."""
    return FakeView(**more)
