"""Reports of made-up sweeps, for the tests of what is known from sweep to sweep."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from controls.history import Event, Happening, State
from controls.history_advance import OPEN, advance
from controls.model import (
    Coverage,
    Finding,
    Gap,
    Reading,
    Ref,
    Report,
    Severity,
    Status,
    TargetStatus,
)
from controls.model import State as FactState

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
ACCOUNT, ARCHIVE, REGION = "111122223333", "999988887777", "eu-west-1"
CLUSTER, LOG, BUCKET, ROLE = "redshift_cluster", "audit_log", "s3_log_bucket", "redshift_role"
DENIED = "redshift:DescribeClusters denied in 111122223333/eu-west-1"
READ = {"fact": Reading(FactState.KNOWN, False, "", "redshift:DescribeClusters", START)}


def minute(number: float) -> datetime:
    """So many minutes after the first sweep."""
    return START + timedelta(minutes=number)


def target(
    account: str = ACCOUNT,
    region: str = REGION,
    status: Coverage = Coverage.COMPLETE,
    reason: str | None = None,
) -> TargetStatus:
    return TargetStatus(account, region, status, reason, 7)


HERE, THERE = target(), target(ARCHIVE)
UNREADABLE = target(status=Coverage.UNREADABLE, reason="sts:AssumeRole denied")
REGIONS_UNLISTED = target(
    region="all", status=Coverage.UNREADABLE, reason="ec2:DescribeRegions denied"
)


def cluster(
    status: Status, name: str = "dwh", *, rule: str = "logging-on", region: str = REGION
) -> Finding:
    """The verdict of a rule on a cluster."""
    return judged(status, Ref(CLUSTER, ACCOUNT, region, name), rule)


def judged(status: Status, ref: Ref, rule: str = "logging-on") -> Finding:
    """The verdict of a rule on a resource that was read."""
    return Finding(rule, "A title", Severity.HIGH, status, ref, f"it is {status}", facts=READ)


def blind(gap: Gap, rule: str = "logging-on") -> Finding:
    """The finding that stands for a gap."""
    ref = Ref(gap.kind, gap.account, gap.region, gap.resource)
    text = f"{gap.kind} could not be listed: {gap.reason}"
    return Finding(rule, "A title", Severity.HIGH, Status.UNKNOWN, ref, text, reasons=(gap.reason,))


def gap(kind: str = CLUSTER, account: str = ACCOUNT, region: str = REGION) -> Gap:
    return Gap(kind, account, region, DENIED)


def report(
    findings: Iterable[Finding], at: float = 0, targets: tuple[TargetStatus, ...] = (HERE, THERE)
) -> Report:
    return Report("0.1.0", minute(at), targets, tuple(findings))


def sweep(
    before: State,
    *findings: Finding,
    at: float = 0,
    gaps: tuple[Gap, ...] = (),
    targets: tuple[TargetStatus, ...] = (HERE, THERE),
    only: Collection[str] | None = None,
    in_use: Collection[str] = ("logging-on", "logs-fresh"),
) -> tuple[State, tuple[Event, ...]]:
    """One sweep of all rules, or of `only` some; each gap has its finding too."""
    seen = (*findings, *(blind(each) for each in gaps))
    return advance(
        before, report(seen, at, targets), gaps, in_use if only is None else only, in_use
    )


def after(*findings: Finding, at: float = 0) -> State:
    """The state after a first sweep that brought these."""
    return sweep(State(), *findings, at=at)[0]


def replayed(events: Iterable[Event], opened: dict[str, Status] | None = None) -> dict[str, Status]:
    """The open findings, by id, as the history alone tells."""
    known = dict(opened or {})
    for event in events:
        if event.happening in (Happening.OPENED, Happening.CHANGED):
            assert (event.finding in known) == (event.happening is Happening.CHANGED)
            assert event.before is known.get(event.finding, event.before)
            assert event.after is not None
            known[event.finding] = event.after
        else:
            assert known.pop(event.finding) is event.before
    return known


def open_in(state: State) -> dict[str, Status]:
    """The open findings, by id, as the state has them."""
    return {
        key: one.finding.status for key, one in state.findings.items() if one.finding.status in OPEN
    }


def as_stored(state: State) -> State:
    """The state as a restarted agent gets it from its store."""
    stale = {key: replace(one, stale=True) for key, one in state.findings.items()}
    return replace(state, findings=stale, stale=True)
