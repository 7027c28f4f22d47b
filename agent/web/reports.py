"""Last month's reports of the audit logs, as the overview links them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from controls.history import Tracked
from controls.kinds import audit_report
from controls.model import Ref


@dataclass(frozen=True, slots=True)
class ShownReport:
    """The report of one cluster: its verdict, where it lies, and the console's page of it."""

    ref: Ref
    verdict: str
    """complete | incomplete | running | empty | missing | unknown"""
    place: str
    """`s3://bucket/key`; empty where there is none."""
    link: str
    """Empty outside the partition `aws`, whose console it is."""
    why: str


def reports(findings: Iterable[Tracked]) -> list[ShownReport]:
    """One for each cluster that a report is expected of, those that lack one first."""
    shown = []
    for tracked in findings:
        finding = tracked.finding
        if finding.ref.kind == audit_report.NAME and finding.status != "not_applicable":
            shown.append(_shown(tracked))
    return sorted(shown, key=lambda one: (one.verdict == "complete", one.ref.name, one.ref.id))


def _shown(tracked: Tracked) -> ShownReport:
    finding = tracked.finding
    last = finding.facts.get(audit_report.last_report.__name__)
    verdict = str(last.value) if last is not None and last.value else "unknown"
    why = last.reason if last is not None else finding.because
    place = why if why.startswith("s3://") else ""
    return ShownReport(finding.ref, verdict, place, _console(finding.ref, place), why)


def _console(ref: Ref, place: str) -> str:
    bucket, _, key = place.removeprefix("s3://").partition("/")
    if not key or not ref.arn.startswith("arn:aws:"):
        return ""
    return f"https://console.aws.amazon.com/s3/object/{quote(bucket)}?prefix={quote(key, safe='')}"
