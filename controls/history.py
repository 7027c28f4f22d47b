"""What is known from sweep to sweep: since when a finding stands, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from controls.model import Finding, Ref, Severity, Status, TargetStatus, WaiverNote


@dataclass(frozen=True, slots=True)
class LastKnown:
    """What an unknown finding was when it could last be judged."""

    status: Status
    at: datetime


@dataclass(frozen=True, slots=True)
class Tracked:
    """A finding as it stands.

    `since` is when it got its status, `seen_at` the time of the sweep that last brought it: one
    that is hidden by a gap becomes unknown, and keeps its `seen_at` and its facts.
    `stale`: it comes from the store, and no sweep has looked for it since the agent started.
    """

    finding: Finding
    since: datetime
    first_seen: datetime
    seen_at: datetime
    last_known: LastKnown | None = None
    stale: bool = False

    @property
    def failing(self) -> bool:
        """It fails, or failed when it could last be judged: blindness repairs nothing."""
        known = self.last_known.status if self.last_known else None
        return Status.FAIL in (self.finding.status, known)


@dataclass(frozen=True, slots=True)
class TrackedTarget:
    """A target as the last sweep found it, and when it was last read wholly or in part."""

    status: TargetStatus
    seen_at: datetime
    last_success: datetime | None


class Happening(StrEnum):
    """What became of a finding. Open are fail, unknown and waived; only a pass resolves."""

    OPENED = "opened"
    CHANGED = "changed"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a finding's history. `after` is None where the finding is gone."""

    at: datetime
    happening: Happening
    finding: str
    rule: str
    severity: Severity
    ref: Ref
    before: Status | None
    after: Status | None
    because: str


@dataclass(frozen=True, slots=True)
class State:
    """All that is known now. Immutable: each sweep makes a new one.

    `findings` by finding id, `targets` by (account, region). `taken_at` is the time of the newest
    sweep that is in it; None before the first.
    """

    findings: Mapping[str, Tracked] = field(default_factory=dict)
    targets: Mapping[tuple[str, str], TrackedTarget] = field(default_factory=dict)
    taken_at: datetime | None = None
    waiver_notes: tuple[WaiverNote, ...] = ()
    deviations: tuple[str, ...] = ()
    stale: bool = False
    """No sweep of all rules has ended since the agent started: some of it may be older."""
