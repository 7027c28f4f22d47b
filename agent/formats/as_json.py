"""The report as JSON: the contract for programs. Fields are added, never renamed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from controls.history import State, Tracked
from controls.json_values import moment, plain, target
from controls.model import (
    Coverage,
    Finding,
    Reading,
    Report,
    Status,
    TargetStatus,
    WaiverNote,
)

SCHEMA = "trailkeeper.findings/1"


def render(report: Report) -> str:
    """Every finding, those that passed or did not apply too; ASCII, so that no pipe breaks it."""
    return "".join(lines(report))


def lines(report: Report, changes: Sequence[Mapping[str, Any]] | None = None) -> Iterator[str]:
    """The same, piece by piece: a large estate is written without holding its text.

    One line for each member and each finding, so that two reports can be compared by line.
    `changes` are what remediation did before the report, where it was asked for.
    """
    head = _head(
        version=report.version,
        taken_at=report.taken_at,
        stale=False,
        targets=report.targets,
        findings=report.findings,
        notes=report.waiver_notes,
        deviations=report.deviations,
    )
    if changes is not None:
        head["changes"] = list(changes)
    ordered = sorted(report.findings, key=lambda one: one.id)
    return _lines(head, (_finding(finding) for finding in ordered))


def state_lines(
    state: State, version: str, findings: Iterable[Tracked] | None = None
) -> Iterator[str]:
    """What the agent knows now, in the same form: with since when, and what unknowns were before.

    `findings` are those that are asked for (all, if None); the summary counts them alone.
    `taken_at` is null before the first sweep. `stale`, of the whole: no sweep of all rules has
    ended since the agent started; of a finding: none has looked for it since.
    """
    chosen = state.findings.values() if findings is None else findings
    ordered = sorted(chosen, key=lambda one: one.finding.id)
    head = _head(
        version=version,
        taken_at=state.taken_at,
        stale=state.stale,
        targets=tuple(known.status for _, known in sorted(state.targets.items())),
        findings=tuple(one.finding for one in ordered),
        notes=state.waiver_notes,
        deviations=state.deviations,
    )
    return _lines(head, map(finding_document, ordered))


def finding_document(tracked: Tracked) -> dict[str, Any]:
    """A finding as it stands, as the contract has it. (`controls.history_json` loses nothing.)"""
    known = tracked.last_known
    return _finding(tracked.finding) | {
        "since": moment(tracked.since),
        "last_known": {"status": known.status.value, "at": moment(known.at)} if known else None,
        "stale": tracked.stale,
    }


def _lines(head: dict[str, Any], findings: Iterator[dict[str, Any]]) -> Iterator[str]:
    before = "{"
    for name, value in head.items():
        yield f"{before}{_text(name)}: {_text(value)}"
        before = ",\n"
    yield ',\n"findings": ['
    before, end = "\n", "]}\n"
    for finding in findings:
        yield before + _text(finding)
        before, end = ",\n", "\n]}\n"
    yield end


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _head(
    *,
    version: str,
    taken_at: datetime | None,
    stale: bool,
    targets: Sequence[TargetStatus],
    findings: Sequence[Finding],
    notes: Sequence[WaiverNote],
    deviations: Sequence[str],
) -> dict[str, Any]:
    """Everything but the findings, as plain values."""
    return {
        "schema": SCHEMA,
        "version": version,
        "taken_at": None if taken_at is None else moment(taken_at),
        "stale": stale,
        "targets": [target(each) for each in targets],
        "summary": _summary(targets, findings),
        "waivers": {
            state: [_note(note) for note in notes if note.state == state]
            for state in ("expired", "unused")
        },
        "deviations": list(deviations),
    }


def summary(report: Report) -> dict[str, int]:
    """Findings by status, of which mistaken rules, and targets not or not wholly read."""
    return _summary(report.targets, report.findings)


def _summary(targets: Iterable[TargetStatus], findings: Sequence[Finding]) -> dict[str, int]:
    statuses = Counter(finding.status for finding in findings)
    coverage = Counter(each.status for each in targets)
    return {
        **{
            status.value: statuses[status]
            for status in (
                Status.PASS,
                Status.FAIL,
                Status.UNKNOWN,
                Status.WAIVED,
                Status.NOT_APPLICABLE,
            )
        },
        "targets_unreadable": coverage[Coverage.UNREADABLE],
        "targets_partial": coverage[Coverage.PARTIAL],
        "rule_errors": sum(finding.rule_error for finding in findings),
    }


def facts(finding: Finding) -> dict[str, dict[str, Any]]:
    """What the finding was judged on, by name."""
    return {name: _reading(reading) for name, reading in sorted(finding.facts.items())}


def _finding(finding: Finding) -> dict[str, Any]:
    ref = finding.ref
    return {
        "id": finding.id,
        "rule": finding.rule,
        "title": finding.title,
        "severity": finding.severity.value,
        "status": finding.status.value,
        "account": ref.account,
        "owner_account": ref.owner_account or ref.account,
        "region": ref.region,
        "kind": ref.kind,
        "resource": ref.name,
        "arn": ref.arn,
        "tags": dict(sorted(finding.tags.items())),
        "because": finding.because,
        "remedy": finding.remedy,
        "reasons": list(finding.reasons),
        "facts": facts(finding),
        "params": {name: plain(value) for name, value in sorted(finding.params.items())},
        "maps": {name: list(controls) for name, controls in sorted(finding.maps.items())},
        "since": None,
        "last_known": None,
        "stale": False,
        "waiver": dict(finding.waiver) if finding.waiver is not None else None,
        "rule_error": finding.rule_error,
    }


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "state": reading.state.value,
        "value": plain(reading.value),
        "reason": reading.reason,
        "source": reading.source,
        "read_at": moment(reading.read_at),
    }


def _note(note: WaiverNote) -> dict[str, Any]:
    return {
        "rule": note.rule,
        "resources": list(note.resources),
        "why": note.why,
        "by": note.by,
        "until": note.until,
    }
