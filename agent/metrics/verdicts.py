"""The verdicts as metrics: one page per sweep, rendered ahead, so that a scrape only copies it."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from agent.metrics.text import Family, Quoted, Samples, exposed
from controls.history import State, Tracked
from controls.kinds import audit_log, audit_report
from controls.model import Coverage, Severity, Status

LEVEL = 1
"""Of gzip: at 100,000 series a tenth of the CPU of level 9, for not twice its bytes."""

GRAVEST_FIRST = {severity: -severity.rank for severity in Severity}
NONCOMPLIANT = (Status.FAIL, Status.UNKNOWN)

PLACE = ("account", "region")
GROUP = ("rule", "severity", *PLACE)
RESOURCE = (*GROUP, "kind", "resource")

FINDINGS = Family(
    "findings",
    "Findings by status; every status wherever a rule has resources, or could not see them.",
    (*GROUP, "status"),
)
FINDINGS_FAILING = Family(
    "findings_failing",
    "Findings that fail, or failed when they could last be judged. Never capped.",
    GROUP,
)
FINDINGS_STALE = Family(
    "findings_stale",
    "Findings from the store that no sweep has confirmed since the agent started.",
)
RESOURCE_FAILING = Family(
    "resource_failing",
    "1 where a rule fails, or failed when it could last be judged; the gravest first, capped.",
    RESOURCE,
)
RESOURCE_NONCOMPLIANT = Family(
    "resource_noncompliant",
    "1 where the status is fail or unknown; the gravest first, capped.",
    (*RESOURCE, "status"),
)
RESOURCES_DROPPED = Family(
    "resources_dropped",
    "Series that the cap (metrics.resource_series) keeps out of the metric named in the label.",
    ("metric",),
)
LOG_LAST_RECORD = Family(
    "log_last_record_timestamp_seconds",
    "When the newest record of an audit log arrived, while that can be seen.",
    (*PLACE, "cluster", "log_type"),
)
REPORT_COMPLETE = Family(
    "report_complete",
    "1 if last month's report found all logs there, 0 if not or if there is no report.",
    (*PLACE, "cluster"),
)
REPORT_MONTH_END = Family(
    "report_month_end_timestamp_seconds",
    "The end of the month that report_complete is about.",
    (*PLACE, "cluster"),
)
TARGET_READABLE = Family(
    "target_readable", "1 if the target was read at all when last looked at, else 0.", PLACE
)
TARGET_COMPLETE = Family(
    "target_complete", "1 if the target was read wholly when last looked at, else 0.", PLACE
)
TARGET_LAST_SUCCESS = Family(
    "target_last_success_timestamp_seconds",
    "When the target was last read, wholly or in part.",
    PLACE,
)
TARGET_RESOURCES = Family(
    "target_resources",
    "Resources seen in the target; no series while it is unreadable.",
    PLACE,
)
VERDICTS_STALE = Family(
    "verdicts_stale", "1 from the agent's start until its first sweep has ended, else 0."
)
VERDICTS_TAKEN = Family(
    "verdicts_taken_timestamp_seconds", "The time of the newest sweep that these verdicts hold."
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The page, plain and as one gzip member; how many series the cap kept out of it."""

    text: bytes
    gzipped: bytes
    dropped: int


def render(state: State, *, resource_series: int, stale: bool) -> Rendered:
    """All verdicts in the text format, version 0.0.4.

    `resource_series` is the most that each metric with a resource in it may have; 0 is none.
    """
    quoted = Quoted()
    findings = tuple(state.findings.values())
    failing, failing_dropped = _capped(
        (each for each in findings if each.failing),
        lambda each: _resource(each, quoted),
        resource_series,
    )
    noncompliant, noncompliant_dropped = _capped(
        (each for each in findings if each.finding.status in NONCOMPLIANT),
        lambda each: (*_resource(each, quoted), each.finding.status.value),
        resource_series,
    )
    counts, failing_counts = _counts(findings, quoted)
    dropped: dict[tuple[str, ...], float] = {
        (RESOURCE_FAILING.full_name,): failing_dropped,
        (RESOURCE_NONCOMPLIANT.full_name,): noncompliant_dropped,
    }
    families: list[tuple[Family, Samples]] = [
        (VERDICTS_STALE, {(): stale}),
        (VERDICTS_TAKEN, {(): state.taken_at.timestamp()} if state.taken_at else {}),
        *_targets(state, quoted),
        (FINDINGS, counts),
        (FINDINGS_FAILING, failing_counts),
        (FINDINGS_STALE, {(): sum(each.stale for each in findings)}),
        (LOG_LAST_RECORD, _last_records(state, quoted)),
        *_reports(state, quoted),
        (RESOURCES_DROPPED, dropped),
        (RESOURCE_FAILING, failing),
        (RESOURCE_NONCOMPLIANT, noncompliant),
    ]
    text = "".join(line for each in families for line in exposed(*each)).encode()
    return Rendered(
        text, gzip.compress(text, LEVEL, mtime=0), failing_dropped + noncompliant_dropped
    )


def _capped(
    chosen: Iterable[Tracked], key: Callable[[Tracked], tuple[str, ...]], most: int
) -> tuple[dict[tuple[str, ...], float], int]:
    """The gravest first, then by name, up to `most`; and how many series that leaves out."""
    ranked = sorted(chosen, key=_order)
    shown: dict[tuple[str, ...], float] = {}
    left_out: set[tuple[str, ...]] = set()
    for tracked in ranked:
        labels = key(tracked)
        if labels in shown:
            continue
        if len(shown) < most:
            shown[labels] = 1
        else:
            left_out.add(labels)
    return shown, len(left_out)


def _order(tracked: Tracked) -> tuple[int, str, str]:
    finding = tracked.finding
    return GRAVEST_FIRST[finding.severity], finding.ref.name, finding.id


def _counts(
    findings: Iterable[Tracked], quoted: Quoted
) -> tuple[dict[tuple[str, ...], float], dict[tuple[str, ...], float]]:
    """Findings by group and status, every status of each group; and the failing by group."""
    statuses: dict[tuple[str, ...], Counter[Status]] = {}
    failing: Counter[tuple[str, ...]] = Counter()
    for tracked in findings:
        group = _group(tracked, quoted)
        statuses.setdefault(group, Counter())[tracked.finding.status] += 1
        failing[group] += tracked.failing
    counts = {
        (*group, status.value): float(counted[status])
        for group, counted in statuses.items()
        for status in Status
    }
    return counts, {group: float(many) for group, many in failing.items()}


def _group(tracked: Tracked, quoted: Quoted) -> tuple[str, ...]:
    finding, ref = tracked.finding, tracked.finding.ref
    return (
        quoted[finding.rule],
        finding.severity.value,
        quoted[ref.account],
        quoted[ref.region],
    )


def _resource(tracked: Tracked, quoted: Quoted) -> tuple[str, ...]:
    ref = tracked.finding.ref
    return (*_group(tracked, quoted), quoted[ref.kind], quoted[ref.name])


def _last_records(state: State, quoted: Quoted) -> dict[tuple[str, ...], float]:
    """By log, from what was read last; where it cannot be seen now there is no series.

    A value kept from an earlier sweep would say that a log stands still which may be written all
    the while. What must outlive blindness is the finding, and `resource_failing` holds it.
    """
    newest: dict[tuple[str, ...], tuple[datetime, float]] = {}
    for tracked in state.findings.values():
        ref, fact = (
            tracked.finding.ref,
            tracked.finding.facts.get(audit_log.last_record_at.__name__),
        )
        if ref.kind != audit_log.NAME or fact is None or not isinstance(fact.value, datetime):
            continue
        if _out_of_sight(tracked, state):
            continue
        cluster, _, log_type = ref.name.rpartition("/")
        labels = (quoted[ref.account], quoted[ref.region], quoted[cluster], quoted[log_type])
        read = (fact.read_at, fact.value.timestamp())
        newest[labels] = max(read, newest.get(labels, read))
    return {labels: value for labels, (_, value) in newest.items()}


def _reports(state: State, quoted: Quoted) -> list[tuple[Family, Samples]]:
    """By cluster, from what was read last; where it cannot be seen now there is no series."""
    complete: dict[tuple[str, ...], float] = {}
    ended: dict[tuple[str, ...], float] = {}
    for tracked in state.findings.values():
        ref, facts = tracked.finding.ref, tracked.finding.facts
        if ref.kind != audit_report.NAME or _out_of_sight(tracked, state):
            continue
        last = facts.get(audit_report.last_report.__name__)
        end = facts.get(audit_report.last_month_ended_at.__name__)
        if last is None or end is None or not isinstance(end.value, datetime) or not last.value:
            continue
        labels = (quoted[ref.account], quoted[ref.region], quoted[ref.name])
        complete[labels] = last.value == "complete"
        ended[labels] = end.value.timestamp()
    return [(REPORT_COMPLETE, complete), (REPORT_MONTH_END, ended)]


def _out_of_sight(tracked: Tracked, state: State) -> bool:
    """Its target was looked at again, and it was not seen there: its facts are from before."""
    target = state.targets.get((tracked.finding.ref.account, tracked.finding.ref.region))
    gone = target is None or tracked.seen_at < target.seen_at
    return tracked.finding.status is Status.UNKNOWN and gone


def _targets(state: State, quoted: Quoted) -> list[tuple[Family, Samples]]:
    readable: dict[tuple[str, ...], float] = {}
    complete: dict[tuple[str, ...], float] = {}
    success: dict[tuple[str, ...], float] = {}
    resources: dict[tuple[str, ...], float] = {}
    for tracked in state.targets.values():
        status = tracked.status
        place = (quoted[status.account], quoted[status.region])
        readable[place] = status.status is not Coverage.UNREADABLE
        complete[place] = status.status is Coverage.COMPLETE
        if readable[place]:
            resources[place] = status.resources
        if tracked.last_success is not None:
            success[place] = tracked.last_success.timestamp()
    return [
        (TARGET_READABLE, readable),
        (TARGET_COMPLETE, complete),
        (TARGET_LAST_SUCCESS, success),
        (TARGET_RESOURCES, resources),
    ]
