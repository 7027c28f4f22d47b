"""States to be rendered, and a page read back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from prometheus_client.parser import text_string_to_metric_families

from controls.history import LastKnown, State, Tracked, TrackedTarget
from controls.model import (
    Coverage,
    Finding,
    Reading,
    Ref,
    Severity,
    Status,
    TargetStatus,
)
from controls.model import State as FactState
from tests.fakes import ACCOUNT, NOW, REGION
from tests.rules.packs import shipped_rules


def tracked(
    name: str = "analytics",
    status: Status = Status.FAIL,
    *,
    rule: str = "redshift-audit-logging-enabled",
    severity: Severity = Severity.HIGH,
    kind: str = "redshift_cluster",
    account: str = ACCOUNT,
    owner: str = ACCOUNT,
    known: Status | None = None,
    stale: bool = False,
    last_record: datetime | None = None,
    read_at: datetime = NOW,
) -> Tracked:
    """One finding as it stands; `known` is what it was when it could last be judged."""
    reading = Reading(FactState.KNOWN, last_record, "", "s3:ListObjectsV2", read_at)
    facts = {"last_record_at": reading} if last_record else {}
    if kind == "audit_report":
        facts |= report_facts("complete", read_at)
    ref = Ref(kind, account, REGION, name, "", owner)
    finding = Finding(rule, "A title", severity, status, ref, "because", facts=facts)
    last = LastKnown(known, NOW) if known else None
    return Tracked(finding, NOW, NOW, NOW, last, stale)


def report_facts(verdict: str, read_at: datetime = NOW) -> dict[str, Reading]:
    """Of last month's report."""
    ended = NOW.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    values = {"last_report": verdict, "last_month_ended_at": ended}
    return {
        name: Reading(FactState.KNOWN, value, "", "s3:ListObjectsV2", read_at)
        for name, value in values.items()
    }


def state(*findings: Tracked, targets: Iterable[TrackedTarget] = ()) -> State:
    """Keyed by place in the list, so that findings may be as alike as they like."""
    places = {(each.status.account, each.status.region): each for each in targets}
    return State({str(number): each for number, each in enumerate(findings)}, places, NOW)


def target(status: Coverage, account: str = ACCOUNT, *, read: bool = True) -> TrackedTarget:
    """A target in which three resources were seen."""
    seen = TargetStatus(account, REGION, status, None, 3)
    return TrackedTarget(seen, NOW, NOW - timedelta(hours=1) if read else None)


def estate(clusters: int = 12) -> State:
    """Every shipped rule on clusters of two accounts, each status somewhere, one log each."""
    statuses = tuple(Status)
    findings = [
        tracked(
            f"cluster-{index:02d}" + ("/connectionlog" if rule.kind == "audit_log" else ""),
            statuses[(index + number) % len(statuses)],
            rule=rule.id,
            severity=rule.severity,
            kind=rule.kind,
            account=(ACCOUNT, "444455556666")[index % 2],
            known=Status.FAIL if index % 3 == 0 else None,
            last_record=NOW - timedelta(minutes=index) if rule.kind == "audit_log" else None,
        )
        for number, rule in enumerate(shipped_rules())
        for index in range(clusters)
    ]
    targets = [target(Coverage.COMPLETE), target(Coverage.PARTIAL, "444455556666")]
    return state(*findings, targets=targets)


Series: TypeAlias = dict[tuple[tuple[str, str], ...], float]


def parsed(page: bytes) -> dict[str, Series]:
    """Values by sorted labels, by name of the sample; fails where two have equal labels."""
    samples: dict[str, Series] = {}
    for family in families(page):
        for name, labels, value, *_ in family.samples:
            series, key = samples.setdefault(name, {}), tuple(sorted(labels.items()))
            assert key not in series, f"{name} has two series with {labels}"
            series[key] = value
    return samples


def families(page: bytes) -> list[Any]:
    """Each metric as the client's own parser reads it; fails where one comes in two places."""
    found = list(text_string_to_metric_families(page.decode("utf-8")))
    headers = [line.split(" ")[2] for line in page.decode().split("\n") if line[:7] == "# TYPE "]
    assert [name for name, many in Counter(headers).items() if many > 1] == []
    return found


def labelled(series: Series, *names: str) -> dict[tuple[str, ...], float]:
    """Values by these labels alone."""
    return {tuple(dict(key)[name] for name in names): value for key, value in series.items()}
