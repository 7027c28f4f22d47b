"""From one sweep to the next: what opened, changed, was repaired or went, and what is hidden."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from controls.history import Event, Happening, LastKnown, State, Tracked, TrackedTarget
from controls.history_unseen import (
    REGIONS_UNKNOWN,
    Unseen,
    gaps_of,
    what_is_unseen,
    why_gone,
    why_hidden,
    with_hidden_targets,
)
from controls.model import Coverage, Finding, Gap, Report, Status, TargetStatus

OPEN = frozenset({Status.FAIL, Status.UNKNOWN, Status.WAIVED})
"""The statuses in which a finding is open: something is wrong, accepted, or not known."""


@dataclass(frozen=True, slots=True)
class _Sweep:
    """What one sweep brought, by finding id, and how far its word goes.

    `judged` are the rules it speaks of, `in_use` those that there are.
    """

    at: datetime
    brought: Mapping[str, Tracked]
    unseen: Unseen
    judged: Collection[str]
    in_use: Collection[str]


def advance(
    before: State,
    report: Report,
    gaps: Sequence[Gap],
    judged: Collection[str],
    in_use: Collection[str],
) -> tuple[State, tuple[Event, ...]]:
    """The state after a sweep, and what happened.

    `gaps` are those of the sweep's snapshot, `judged` the ids of the rules it judged, `in_use` of
    all rules. A finding that the report lacks becomes unknown, not withdrawn, where it may only
    be hidden. A sweep of some rules leaves findings of the others, waiver notes and deviations as
    they were; the state stays stale until all rules were judged.
    """
    at, rules = report.taken_at, frozenset(judged)
    mine = [finding for finding in report.findings if finding.rule in rules]
    brought = {finding.id: Tracked(finding, at, at, at) for finding in mine}
    targets = with_hidden_targets(report.targets, before.targets)
    unseen = what_is_unseen(targets, gaps, mine)
    findings, events = _advanced(
        before.findings, _Sweep(at, brought, unseen, rules, rules | frozenset(in_use))
    )
    full = rules.issuperset(in_use)
    state = State(
        findings=findings,
        targets=_targets(before, targets, at, full=full),
        taken_at=at,
        waiver_notes=report.waiver_notes if full else before.waiver_notes,
        deviations=report.deviations if full else before.deviations,
        stale=not full and (before.stale or before.taken_at is None),
    )
    return state, events


def reconcile(stored: State, current: State) -> tuple[State, tuple[Event, ...]]:
    """What the store knew joined to what was found while it could not be reached.

    The events lead from the stored state to the joined one: they stand in for all that waited.
    What is stored alone is withdrawn, unless `current` cannot tell: where it is hidden now it
    becomes unknown; of a rule that was not judged yet, it stays as it was stored.
    """
    if current.taken_at is None:
        return stored, ()
    full = not current.stale
    now = [tracked.finding for tracked in current.findings.values()]
    rules = {finding.rule for finding in now}
    known = rules | {tracked.finding.rule for tracked in stored.findings.values()}
    targets = _targets_joined(stored, current)
    unseen = what_is_unseen([one.status for one in targets.values()], gaps_of(now), now)
    findings, events = _advanced(
        stored.findings,
        _Sweep(current.taken_at, current.findings, unseen, known if full else rules, known),
    )
    told = current if full else stored
    state = replace(
        current,
        findings=findings,
        targets=targets,
        waiver_notes=told.waiver_notes,
        deviations=told.deviations,
    )
    return state, events


def _advanced(
    before: Mapping[str, Tracked], sweep: _Sweep
) -> tuple[dict[str, Tracked], tuple[Event, ...]]:
    """In the order of before, then of what is new."""
    findings: dict[str, Tracked] = {}
    events: list[Event | None] = []
    for key, old in before.items():
        new = _followed(key, old, sweep)
        if new is None:
            events.append(_gone(old, sweep))
        else:
            findings[key] = new
            if new.finding.status is not old.finding.status:
                events.append(_happened(old.finding.status, new))
    for key, new in sweep.brought.items():
        if key not in before:
            findings[key] = new
            events.append(_happened(None, new))
    return findings, tuple(event for event in events if event is not None)


def _followed(key: str, old: Tracked, sweep: _Sweep) -> Tracked | None:
    """What became of one finding; None if it is gone."""
    new = sweep.brought.get(key)
    if new is not None:
        return _joined(old, new)
    if old.finding.rule not in sweep.in_use:
        return None
    if old.finding.rule not in sweep.judged:
        return old
    reasons = why_hidden(old, sweep.unseen)
    return _hidden(old, reasons, sweep.at) if reasons else None


def _joined(old: Tracked, new: Tracked) -> Tracked:
    """The new verdict with what is known from before. Its times never run backwards."""
    same = new.finding.status is old.finding.status
    unbroken = same and new.since <= new.first_seen
    return Tracked(
        new.finding,
        since=old.since if unbroken else max(new.since, _latest(old)),
        first_seen=old.first_seen,
        seen_at=max(new.seen_at, old.seen_at),
        last_known=new.last_known or _last_known(old, new.finding),
    )


def _hidden(old: Tracked, reasons: Sequence[str], at: datetime) -> Tracked:
    """Unknown for it was not seen: `seen_at` stays when it last was, its facts with it."""
    ref, was = old.finding.ref, old.finding.status
    told = tuple(f"{ref.kind} {ref.name} was not seen in this sweep: {each}" for each in reasons)
    finding = replace(
        old.finding,
        status=Status.UNKNOWN,
        because=told[0] if len(told) == 1 else f"{told[0]}; {'; '.join(reasons[1:])}",
        reasons=told,
        waiver=None,
        rule_error=False,
    )
    since = old.since if was is Status.UNKNOWN else max(at, _latest(old))
    known = _last_known(old, finding)
    return Tracked(finding, since, old.first_seen, old.seen_at, last_known=known)


def _last_known(old: Tracked, finding: Finding) -> LastKnown | None:
    if finding.status is not Status.UNKNOWN:
        return None
    if old.finding.status is Status.UNKNOWN:
        return old.last_known
    return LastKnown(old.finding.status, old.seen_at)


def _latest(tracked: Tracked) -> datetime:
    """A clock may have been put back since: nothing of a finding happens before its own past."""
    return max(tracked.since, tracked.seen_at)


def _happened(before: Status | None, new: Tracked) -> Event | None:
    """The event of a status that is not the one before; None while it is closed."""
    after = new.finding.status
    was_open = before in OPEN
    if after in OPEN:
        happening = Happening.CHANGED if was_open else Happening.OPENED
    elif was_open:
        happening = Happening.RESOLVED if after is Status.PASS else Happening.WITHDRAWN
    else:
        return None
    return _event(new.since, happening, new.finding, before, after, new.finding.because)


def _gone(old: Tracked, sweep: _Sweep) -> Event | None:
    """Withdrawn, if it was open: that it went proves no repair."""
    if old.finding.status not in OPEN:
        return None
    if old.finding.rule not in sweep.in_use:
        why = f"rule {old.finding.rule} is no longer in use"
    else:
        why = why_gone(old, sweep.unseen)
    at = max(sweep.at, _latest(old))
    return _event(at, Happening.WITHDRAWN, old.finding, old.finding.status, None, why)


def _event(
    at: datetime,
    happening: Happening,
    finding: Finding,
    before: Status | None,
    after: Status | None,
    why: str,
) -> Event:
    return Event(
        at, happening, finding.id, finding.rule, finding.severity, finding.ref, before, after, why
    )


def _targets(
    before: State, targets: Iterable[TargetStatus], at: datetime, *, full: bool
) -> dict[tuple[str, str], TrackedTarget]:
    """Each as the sweep found it. What is configured no longer is not among them."""
    tracked: dict[tuple[str, str], TrackedTarget] = {}
    for status in targets:
        place = (status.account, status.region)
        read = status.status is not Coverage.UNREADABLE
        new = TrackedTarget(status, at, at if read else None)
        tracked[place] = _joined_target(new, before.targets.get(place), full=full)
    return tracked


def _joined_target(new: TrackedTarget, old: TrackedTarget | None, *, full: bool) -> TrackedTarget:
    if old is None:
        return new
    status = new.status if full else _narrow(old.status, new.status)
    return replace(new, status=status, last_success=new.last_success or old.last_success)


def _narrow(full: TargetStatus, now: TargetStatus) -> TargetStatus:
    """A target after a sweep of some rules, which looks at less: it cannot make it complete."""
    if now.status is Coverage.UNREADABLE or full.status is Coverage.COMPLETE:
        return replace(now, resources=full.resources)
    return replace(
        full,
        status=Coverage.PARTIAL,
        reason=now.reason or full.reason,
        # Where the full one saw nothing for it could not look, there are at least these.
        resources=max(full.resources, now.resources),
    )


def _targets_joined(stored: State, current: State) -> dict[tuple[str, str], TrackedTarget]:
    statuses = [one.status for one in current.targets.values()]
    joined: dict[tuple[str, str], TrackedTarget] = {}
    for status in with_hidden_targets(statuses, stored.targets):
        place = (status.account, status.region)
        new = current.targets.get(place)
        if new is None:
            all_of_it = current.targets[status.account, REGIONS_UNKNOWN]
            new = TrackedTarget(status, all_of_it.seen_at, None)
        joined[place] = _joined_target(new, stored.targets.get(place), full=not current.stale)
    return joined
