"""States, sweeps and events for the tests of the store: a small estate that drifts."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from agent.store.records import SweepRecord
from controls.history import Event, State
from controls.history_advance import advance
from controls.model import (
    Coverage,
    Finding,
    Reading,
    Ref,
    Report,
    Severity,
    Status,
    TargetStatus,
    WaiverNote,
)
from controls.model import State as FactState

START = datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC)
ACCOUNT = "111122223333"
REGION = "eu-west-1"
RULES = ("rule-a", "rule-b", "rule-c")
QUARTER = timedelta(minutes=15)


def ref(name: str) -> Ref:
    """A cluster of the one account."""
    return Ref("redshift_cluster", ACCOUNT, REGION, name, arn=f"arn:{name}", owner_account=ACCOUNT)


def finding(
    status: Status, name: str = "c-1", rule: str = "rule-a", at: datetime = START
) -> Finding:
    """A finding with one fact, read at that time."""
    return Finding(
        rule=rule,
        title=f"Title of {rule}",
        severity=Severity.HIGH,
        status=status,
        ref=ref(name),
        because=f"it is {status.value}",
        remedy="mend it",
        reasons=("denied",) if status is Status.UNKNOWN else (),
        facts={"on": Reading(FactState.KNOWN, True, "", "redshift:DescribeLoggingStatus", at)},
        params={"max_days": 180, "since": START, "share": 0.5, "names": ["x"]},
        maps={"nist": ("AU-11",)},
        tags={"env": "prod"},
    )


def target(resources: int = 3, region: str = REGION) -> TargetStatus:
    """A target that was read wholly."""
    return TargetStatus(ACCOUNT, region, Coverage.COMPLETE, None, resources)


def report(at: datetime, findings: Iterable[Finding], *, notes: bool = True) -> Report:
    """A sweep's report, with a waiver note and a deviation."""
    note = WaiverNote("expired", "rule-a", ("c-*",), "moving", "ana", "2026-01-01")
    return Report(
        "0.1.0",
        at,
        (target(),),
        tuple(findings),
        waiver_notes=(note,) if notes else (),
        deviations=("rule-a: max_days is 90 here",) if notes else (),
    )


def sweep(
    number: int, at: datetime, state: State | None = None, *, kind: str = "full"
) -> SweepRecord:
    """The record of a sweep that took 30 seconds."""
    counts: dict[str, int] = {}
    for tracked in state.findings.values() if state else ():
        name = tracked.finding.status.value
        counts[name] = counts.get(name, 0) + 1
    return SweepRecord(
        f"sweep-{number:06}",
        kind,
        at,
        at + timedelta(seconds=30),
        "complete",
        calls=7,
        counts=counts,
    )


def swept(
    before: State,
    number: int,
    findings: Iterable[Finding],
    *,
    at: datetime | None = None,
    judged: Sequence[str] = RULES,
) -> tuple[SweepRecord, State, tuple[Event, ...]]:
    """One sweep after another: its record, the state after it, and what happened."""
    at = at or START + number * QUARTER
    mine = [one for one in findings if one.rule in judged]
    state, events = advance(before, report(at, mine), (), judged, RULES)
    kind = "full" if set(judged) == set(RULES) else "freshness"
    return sweep(number, at, state, kind=kind), state, events


def drifting(number: int, seed: int = 1, clusters: int = 6) -> list[Finding]:
    """The findings of sweep `number`: the same for the same seed, some other each time."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - a drift that can be repeated
    return [
        finding(chance.choice(list(Status)), f"c-{cluster}", rule, START + number * QUARTER)
        for cluster in range(clusters)
        for rule in RULES
        if chance.random() > 0.1
    ]
