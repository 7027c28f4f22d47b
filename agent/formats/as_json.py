"""The report as JSON: the contract for programs. Fields are added, never renamed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from controls.json_values import moment, plain, target
from controls.model import (
    Coverage,
    Finding,
    Reading,
    Report,
    Status,
    WaiverNote,
)

SCHEMA = "trailkeeper.findings/1"


def render(report: Report) -> str:
    """Every finding, those that passed or did not apply too; ASCII, so that no pipe breaks it."""
    return "".join(lines(report))


def lines(report: Report) -> Iterator[str]:
    """The same, piece by piece: a large estate is written without holding its text.

    One line for each member and each finding, so that two reports can be compared by line.
    """
    before = "{"
    for name, value in _head(report).items():
        yield f"{before}{_text(name)}: {_text(value)}"
        before = ",\n"
    yield ',\n"findings": ['
    before = "\n"
    for finding in sorted(report.findings, key=lambda one: one.id):
        yield before + _text(_finding(finding))
        before = ",\n"
    yield "\n]}\n" if report.findings else "]}\n"


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _head(report: Report) -> dict[str, Any]:
    """Everything but the findings, as plain values."""
    return {
        "schema": SCHEMA,
        "version": report.version,
        "taken_at": moment(report.taken_at),
        "targets": [target(each) for each in report.targets],
        "summary": summary(report),
        "waivers": {
            state: [_note(note) for note in report.waiver_notes if note.state == state]
            for state in ("expired", "unused")
        },
        "deviations": list(report.deviations),
    }


def summary(report: Report) -> dict[str, int]:
    """Findings by status, of which mistaken rules, and targets not or not wholly read."""
    statuses = Counter(finding.status for finding in report.findings)
    coverage = Counter(target.status for target in report.targets)
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
        "rule_errors": sum(finding.rule_error for finding in report.findings),
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
