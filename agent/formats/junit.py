"""The report as JUnit XML: a suite for each target, a case for each rule and resource."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable

from agent.verdict import nothing_judged
from controls.json_values import moment
from controls.model import Coverage, Finding, Report, Status, TargetStatus

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 §2.2 cannot hold, not even escaped."""


def render(report: Report, *, allow_empty: bool = False) -> str:
    """Every finding: fail is a failure, unknown an error, waived and not applicable skipped.

    A target that could not be read, wholly or in part, is an error too, and a sweep that found
    nothing to judge has an error that says so: no suite is green by being empty. With
    `allow_empty`, for accounts that are meant to be empty, that case is skipped.
    """
    cases: dict[tuple[str, str], list[ET.Element]] = {}
    for target in sorted(report.targets, key=lambda t: (t.account, t.region)):
        cases.setdefault((target.account, target.region), []).extend(_target_cases(target))
    for finding in sorted(report.findings, key=lambda f: f.id):
        cases.setdefault((finding.ref.account, finding.ref.region), []).append(_case(finding))
    root = ET.Element("testsuites", name="trailkeeper")
    for account, region in sorted(cases):
        _suite(root, f"{account}/{region}", report, cases[account, region])
    nothing = nothing_judged(report)
    if nothing:
        _suite(root, "sweep", report, [_nothing_case(nothing, allow_empty)])
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _suite(root: ET.Element, name: str, report: Report, cases: Iterable[ET.Element]) -> None:
    suite = ET.SubElement(root, "testsuite", name=_clean(name))
    suite.extend(cases)
    suite.set("tests", str(len(suite)))
    for count, outcome in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(len(suite.findall(f"testcase/{outcome}"))))
    suite.set("timestamp", moment(report.taken_at).removesuffix("Z").partition(".")[0])
    suite.set("time", "0")


def _case(finding: Finding) -> ET.Element:
    case = _empty_case(finding.rule, f"{finding.ref.kind} {finding.ref.name}")
    match finding.status:
        case Status.FAIL:
            _outcome(case, "failure", finding.because, _details(finding), finding.severity)
        case Status.UNKNOWN:
            kind = "rule_error" if finding.rule_error else "unknown"
            _outcome(case, "error", finding.because, _details(finding), kind)
        case Status.WAIVED:
            waiver = finding.waiver or {}
            said = f"waived by {waiver.get('by')} until {waiver.get('until')}: {waiver.get('why')}"
            _outcome(case, "skipped", said)
        case Status.NOT_APPLICABLE:
            _outcome(case, "skipped", f"not applicable: {finding.because}")
    return case


def _details(finding: Finding) -> str:
    lines = [finding.title, finding.because, *finding.reasons]
    if finding.remedy:
        lines.append(f"Remedy: {finding.remedy}")
    lines.append(f"Resource: {finding.ref.arn or finding.ref.id}")
    return "\n".join(dict.fromkeys(line for line in lines if line))


def _target_cases(target: TargetStatus) -> list[ET.Element]:
    """An error for a target of which something was not read."""
    if target.status is Coverage.COMPLETE:
        return []
    how = "could not be read" if target.status is Coverage.UNREADABLE else "was read in part"
    case = _empty_case("target", f"{target.account}/{target.region}")
    _outcome(case, "error", f"{how}: {target.reason or 'no reason given'}", kind=target.status)
    return [case]


def _nothing_case(message: str, allow_empty: bool) -> ET.Element:
    case = _empty_case("sweep", "something to judge")
    if allow_empty:
        _outcome(case, "skipped", message)
    else:
        _outcome(case, "error", message, kind="nothing_judged")
    return case


def _empty_case(group: str, name: str) -> ET.Element:
    return ET.Element("testcase", classname=_clean(group), name=_clean(name), time="0")


def _outcome(case: ET.Element, name: str, message: str, details: str = "", kind: str = "") -> None:
    outcome = ET.SubElement(case, name, message=_clean(message))
    if kind:
        outcome.set("type", kind)
    if details:
        outcome.text = _clean(details)


def _clean(text: str) -> str:
    """The text without the characters that no XML can hold."""
    return _ILLEGAL.sub("", text)
