"""What the pages ask of a state again and again, worked out once for each state."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from controls.history import State, Tracked, TrackedTarget
from controls.model import Coverage, Severity, Status

WORST_FIRST = (Status.FAIL, Status.UNKNOWN, Status.WAIVED, Status.PASS, Status.NOT_APPLICABLE)

_RANK = {status: rank for rank, status in enumerate(WORST_FIRST)}

GRAVITY = {severity: -severity.rank for severity in Severity}
"""The gravest is the least; looked up ten thousand times a page."""

Counts = Mapping[Status, int]


@dataclass(frozen=True, slots=True)
class Index:
    """One state, sorted and counted.

    `findings` are the worst first: by status, severity, then how long it is so. `by_resource` goes
    by `Ref.id`, in the same order.
    """

    state: State
    findings: tuple[Tracked, ...]
    failing: tuple[Tracked, ...]
    """What fails, or failed when it could last be judged; the gravest and oldest first."""
    by_resource: Mapping[str, tuple[Tracked, ...]]
    counts: Counts
    by_rule: Mapping[str, Counts]
    by_account: Mapping[str, Counts]
    rules: tuple[str, ...]
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    kinds: tuple[str, ...]
    unreadable: tuple[TrackedTarget, ...]


class Indexes:
    """The index of the newest state that was asked for. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: Index | None = None

    def of(self, state: State) -> Index:
        """Built on the first question about a state; a state never changes.

        Who publishes a state may ask first, so that no page has to wait for it.
        """
        newest = self._newest
        if newest is not None and newest.state is state:
            return newest
        with self._lock:  # else all who wait for a new state build it side by side
            newest = self._newest
            if newest is None or newest.state is not state:
                newest = self._newest = index(state)
            return newest


def index(state: State) -> Index:
    """Sort and count a state."""
    ordered = sorted(state.findings.items(), key=_worst_first)
    findings = tuple(tracked for _, tracked in ordered)
    by_resource: dict[str, list[Tracked]] = {}
    by_rule: dict[str, list[Status]] = {}
    by_account: dict[str, list[Status]] = {}
    regions: set[str] = set()
    kinds: set[str] = set()
    for tracked in findings:
        finding, ref = tracked.finding, tracked.finding.ref
        by_resource.setdefault(ref.id, []).append(tracked)
        by_rule.setdefault(finding.rule, []).append(finding.status)
        by_account.setdefault(ref.account, []).append(finding.status)
        regions.add(ref.region)
        kinds.add(ref.kind)
    rules = {name: Counter(statuses) for name, statuses in by_rule.items()}
    return Index(
        state=state,
        findings=findings,
        failing=tuple(sorted((one for one in findings if one.failing), key=_gravest_first)),
        by_resource={name: tuple(found) for name, found in by_resource.items()},
        counts=sum(rules.values(), Counter()),
        by_rule=rules,
        by_account={name: Counter(statuses) for name, statuses in by_account.items()},
        rules=tuple(sorted(rules)),
        accounts=tuple(sorted(by_account)),
        regions=tuple(sorted(regions)),
        kinds=tuple(sorted(kinds)),
        unreadable=tuple(
            target
            for _, target in sorted(state.targets.items())
            if target.status.status is Coverage.UNREADABLE
        ),
    )


def score(counts: Mapping[Status, float]) -> float | None:
    """The share that passes of what passes, fails or is unknown; None where nothing is judged.

    An unknown counts against it: what nobody could see is not kept. Waived and not applicable
    findings are no part of it.
    """
    good = counts.get(Status.PASS, 0)
    judged = good + counts.get(Status.FAIL, 0) + counts.get(Status.UNKNOWN, 0)
    return good / judged if judged else None


def _worst_first(named: tuple[str, Tracked]) -> tuple[int, int, datetime, str]:
    name, tracked = named
    finding = tracked.finding
    return _RANK[finding.status], GRAVITY[finding.severity], tracked.since, name


def _gravest_first(tracked: Tracked) -> tuple[int, datetime]:
    return GRAVITY[tracked.finding.severity], tracked.since
