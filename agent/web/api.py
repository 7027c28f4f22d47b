"""Findings for programs: the JSON contract of the reports, piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from agent.formats.as_json import SCHEMA, facts, summary
from controls.history import State, Tracked
from controls.json_values import moment, plain, target
from controls.model import Report

AT_ONCE = 100
"""Findings in one piece of the stream: between two of them other requests get their turn."""


def document(state: State, findings: Sequence[Tracked], version: str) -> Iterator[str]:
    """The report of what is known now, with the findings that were asked for, by id.

    `stale`: restored from the store, and no sweep has confirmed it; of the whole and of each.
    """
    before = "{"
    for name, value in _head(state, findings, version).items():
        yield f"{before}{json.dumps(name)}: {json.dumps(value, allow_nan=False)}"
        before = ",\n"
    yield ',\n"findings": ['
    ordered = sorted(findings, key=lambda one: one.finding.id)
    for start in range(0, len(ordered), AT_ONCE):
        lines = (
            json.dumps(_finding(one), allow_nan=False) for one in ordered[start : start + AT_ONCE]
        )
        yield ("\n" if start == 0 else ",\n") + ",\n".join(lines)
    yield "\n]}\n" if ordered else "]}\n"


def _head(state: State, findings: Sequence[Tracked], version: str) -> dict[str, Any]:
    targets = tuple(known.status for _, known in sorted(state.targets.items()))
    taken_at = state.taken_at
    counted = summary(
        Report(version, taken_at, targets, tuple(one.finding for one in findings))  # type: ignore[arg-type]
    )
    return {
        "schema": SCHEMA,
        "version": version,
        "taken_at": moment(taken_at) if taken_at else None,
        "stale": state.stale,
        "targets": [target(each) for each in targets],
        "summary": counted,
        "deviations": list(state.deviations),
    }


def _finding(tracked: Tracked) -> dict[str, Any]:
    finding, ref, known = tracked.finding, tracked.finding.ref, tracked.last_known
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
        "since": moment(tracked.since),
        "last_known": {"status": known.status.value, "at": moment(known.at)} if known else None,
        "waiver": dict(finding.waiver) if finding.waiver is not None else None,
        "rule_error": finding.rule_error,
        "stale": tracked.stale,
    }
