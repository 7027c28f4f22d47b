"""The report as SARIF 2.1.0, for code scanning and whatever else collects results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from agent.formats import as_json
from agent.verdict import nothing_judged
from controls.json_values import moment, plain
from controls.model import Coverage, Finding, Report, Severity, Status, TargetStatus

SCHEMA_URI = "https://json.schemastore.org/sarif-2.1.0.json"

LEVELS: Mapping[Severity, str] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}

SCORES: Mapping[Severity, str] = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
}
"""`security-severity`, in the middle of the range that GitHub shows under the same word."""

KINDS: Mapping[Status, str] = {
    Status.FAIL: "fail",
    Status.WAIVED: "fail",
    Status.UNKNOWN: "open",
    Status.PASS: "pass",
    Status.NOT_APPLICABLE: "notApplicable",
}
"""SARIF 2.1.0 §3.27.9: `open` is "insufficient information to decide whether a problem exists"."""

MAX_TAGS = 20
"""GitHub refuses a file in which a rule has more."""


MAX_NOTIFICATIONS = 100
"""Groups of unknown findings that the invocation tells of one by one; the rest is counted."""

MAX_NAMES = 5
"""Resources that such a group names; the rest is counted."""


def render(
    report: Report,
    *,
    show_all: bool = False,
    rule_files: Mapping[str, str] | None = None,
    allow_empty: bool = False,
) -> str:
    """Failures, unknowns and, suppressed, waived failures; with `show_all` passes and the rest.

    Passes are left out by default because GitHub shows every result as an alert. `rule_files`
    gives each rule's file, as it is seen from the root of the repository: results need a file
    to stand at, and a live resource has none. That nothing was judged is no success, unless
    `allow_empty`.
    """
    shown = [f for f in report.findings if show_all or f.status in SHOWN]
    shown.sort(key=lambda f: (-f.severity.rank, f.id))  # viewers with a limit keep the first
    rules = _by_rule(shown)
    index = {rule: number for number, rule in enumerate(rules)}
    files = rule_files or {}
    run = {
        "tool": {
            "driver": {
                "name": "Trailkeeper",
                "semanticVersion": report.version,
                "rules": [_rule(finding) for finding in rules.values()],
            }
        },
        "invocations": [_invocation(report, index, allow_empty)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, index[finding.rule], files) for finding in shown],
        "properties": {"summary": as_json.summary(report)},
    }
    document = {"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


SHOWN = frozenset({Status.FAIL, Status.UNKNOWN, Status.WAIVED})


def _by_rule(findings: Iterable[Finding]) -> dict[str, Finding]:
    """One finding of each rule, in the order of rule ids."""
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.rule, finding)
    return dict(sorted(first.items()))


def _rule(finding: Finding) -> dict[str, Any]:
    """The rule as SARIF describes one, from what its findings carry."""
    controls = [f"{frame}/{c}" for frame, listed in sorted(finding.maps.items()) for c in listed]
    remedy = finding.remedy or "See what the finding says."
    mapped = f"\n\nControls: {', '.join(controls)}" if controls else ""
    return {
        "id": finding.rule,
        "shortDescription": {"text": finding.title or finding.rule},
        "fullDescription": {"text": finding.title or finding.rule},
        "help": {"text": f"{remedy}{mapped}"},
        "defaultConfiguration": {"level": LEVELS[finding.severity]},
        "properties": {
            "tags": list(dict.fromkeys(["security", *controls]))[:MAX_TAGS],
            "precision": "very-high",
            "security-severity": SCORES[finding.severity],
            "severity": finding.severity.value,
            "maps": {frame: list(listed) for frame, listed in sorted(finding.maps.items())},
        },
    }


def _result(finding: Finding, rule_index: int, files: Mapping[str, str]) -> dict[str, Any]:
    kind = KINDS[finding.status]
    fingerprint = hashlib.sha256(finding.id.encode("utf-8", "backslashreplace")).hexdigest()
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "kind": kind,
        # §3.27.10: the level of what is not a failure is "none".
        "level": LEVELS[finding.severity] if kind == "fail" else "none",
        "message": {"text": _message(finding)},
        "locations": [_location(finding, files)],
        # GitHub knows the first name only, and would else take all at one line for the same.
        "partialFingerprints": {
            "primaryLocationLineHash": f"{fingerprint[:16]}:1",
            "trailkeeperFinding/v1": fingerprint,
        },
        "properties": {
            "id": finding.id,
            "status": finding.status.value,
            "severity": finding.severity.value,
            "account": finding.ref.account,
            "region": finding.ref.region,
            "resource": finding.ref.name,
            "facts": as_json.facts(finding),
            "params": {name: plain(value) for name, value in finding.params.items()},
        },
    }
    if finding.status is Status.WAIVED:
        result["suppressions"] = [_suppression(finding.waiver or {})]
    return result


def _message(finding: Finding) -> str:
    ref = finding.ref
    said = [f"{ref.kind} {ref.name} in {ref.account}/{ref.region}: {finding.because}"]
    said += [reason for reason in finding.reasons if reason not in finding.because]
    return "\n".join(said)


def _location(finding: Finding, files: Mapping[str, str]) -> dict[str, Any]:
    ref = finding.ref
    path = files.get(finding.rule, f"rules/{finding.rule}.yaml")
    uri = quote(path.encode("utf-8", "backslashreplace"), safe="/")
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri},
            "region": {"startLine": 1},
        },
        "logicalLocations": [
            {
                "name": ref.name,
                "fullyQualifiedName": ref.arn or ref.id,
                "kind": "resource",
            }
        ],
    }


def _suppression(waiver: Mapping[str, str]) -> dict[str, Any]:
    said = (
        f"{waiver.get('why', '')} (waived by {waiver.get('by', '?')} "
        f"until {waiver.get('until', '?')})"
    )
    return {"kind": "external", "status": "accepted", "justification": said.strip()}


def _invocation(report: Report, index: Mapping[str, int], allow_empty: bool) -> dict[str, Any]:
    """Whether the sweep saw what it was to see, and what it could not.

    Unknown findings are told here too: many viewers hide results that are no failures.
    """
    told = [_blindness(t) for t in report.targets if t.status is not Coverage.COMPLETE]
    told += [_mistake(f, index) for f in report.findings if f.rule_error]
    nothing = nothing_judged(report)
    if nothing:
        level = "warning" if allow_empty else "error"
        told.append({"level": level, "message": {"text": nothing}})
    told += _unknowns(report.findings, index)
    return {
        "executionSuccessful": not any(note["level"] == "error" for note in told),
        "endTimeUtc": moment(report.taken_at),
        "toolExecutionNotifications": told,
    }


def _blindness(target: TargetStatus) -> dict[str, Any]:
    unreadable = target.status is Coverage.UNREADABLE
    how = "could not be read" if unreadable else "was read in part"
    reason = target.reason or "no reason given"
    return {
        "level": "error" if unreadable else "warning",
        "message": {"text": f"{target.account}/{target.region} {how}: {reason}"},
    }


def _unknowns(findings: Iterable[Finding], index: Mapping[str, int]) -> list[dict[str, Any]]:
    """A warning for each rule and reason of unknown findings, the gravest first."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in sorted(findings, key=lambda f: (-f.severity.rank, f.id)):
        if finding.status is Status.UNKNOWN and not finding.rule_error:
            groups.setdefault((finding.rule, finding.because), []).append(finding)
    alike = list(groups.values())
    told = [_unknown(group, index) for group in alike[:MAX_NOTIFICATIONS]]
    rest = sum(len(group) for group in alike[MAX_NOTIFICATIONS:])
    if rest:
        text = f"and {rest} more unknown findings: they are among the results of kind open"
        told.append({"level": "warning", "message": {"text": text}})
    return told


def _unknown(alike: Sequence[Finding], index: Mapping[str, int]) -> dict[str, Any]:
    rule, refs = alike[0].rule, [finding.ref for finding in alike]
    named = [f"{ref.kind} {ref.name} in {ref.account}/{ref.region}" for ref in refs[:MAX_NAMES]]
    more = f" and {len(refs) - MAX_NAMES} more" if len(refs) > MAX_NAMES else ""
    text = f"{rule} is unknown for {', '.join(named)}{more}: {alike[0].because}"
    return {
        "level": "warning",
        "descriptor": {"id": rule},
        "message": {"text": text},
        "associatedRule": {"id": rule, "index": index[rule]},
    }


def _mistake(finding: Finding, index: Mapping[str, int]) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {"text": f"a mistake in rule {finding.rule}: {finding.because}"},
        "associatedRule": {"id": finding.rule, "index": index.get(finding.rule, -1)},
    }
