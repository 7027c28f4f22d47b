"""What the agent knows of itself, as pages, health checks and logs show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from agent.remedy.steps import Step
from agent.store.records import SweepRecord


@dataclass(frozen=True, slots=True)
class Health:
    """One look at the agent itself. Times are UTC.

    `alive` is false when the watchdog found the loop standing still, `why_dead` says how.
    `sweeping` names the sweep under way, if one is. `next_sweeps` and `last_sweeps` go by the kind
    of sweep (`full`, `freshness`).
    """

    version: str
    started_at: datetime
    now: datetime
    alive: bool
    ready: bool
    why_dead: str = ""
    sweeping: str = ""
    sweeping_since: datetime | None = None
    next_sweeps: Mapping[str, datetime] = field(default_factory=dict)
    last_sweeps: Mapping[str, SweepRecord] = field(default_factory=dict)
    rules: int = 0
    rule_errors: int = 0
    reload_ok: bool = True
    reload_problem: str = ""
    reloaded_at: datetime | None = None
    needs_restart: tuple[str, ...] = ()
    """Settings that changed on disk and take effect only when the agent starts anew."""
    store_up: bool = True
    store_problem: str = ""
    store_pending: int = 0
    """Sweeps that wait to be written."""
    store_where: str = ""
    """The store's URL without its password."""


@dataclass(frozen=True, slots=True)
class PlannedRound:
    """The last round of remediation: what would be done, and what holds it.

    `problem` says why there was none; `killed` who threw the kill switch.
    """

    at: datetime
    steps: tuple[Step, ...] = ()
    problem: str = ""
    killed: str = ""
