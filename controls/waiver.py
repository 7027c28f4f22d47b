"""Dated exceptions: a failure somebody accepted, why, who, and until when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

from controls.model import Coverage, Finding, Ref, Status, TargetStatus, WaiverNote
from controls.near import near

UNSEEN = "*"
"""The name that a finding has when the resources of its kind could not be listed."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """Accepts the failures of one rule on the resources that a glob names, for a time.

    A glob is case-sensitive and matches the whole name: `prod` is not `prod-dwh`. `until` is the
    last day (UTC) on which it holds. `at` says where it was written.
    """

    rule: str
    resources: tuple[str, ...]
    why: str
    by: str
    until: date
    account: str | None = None
    region: str | None = None
    at: str = field(default="", compare=False)


def apply(
    findings: Iterable[Finding],
    waivers: Sequence[Waiver],
    now: datetime,
    targets: Iterable[TargetStatus] = (),
) -> tuple[tuple[Finding, ...], tuple[WaiverNote, ...]]:
    """The findings with accepted failures marked waived, and the waivers that did nothing.

    Only a failure is waived. An unknown stays unknown, for nobody can have accepted what nobody
    has seen; a pass needs no waiver. A waiver that meets only unknowns, or whose target was not
    wholly read, is not called unused: what it is for may still be there. Pass only waivers for
    rules that were judged. The first waiver that matches is the one a finding shows.
    """
    today = now.astimezone(UTC).date()
    living = [waiver for waiver in waivers if waiver.until >= today]
    judged = tuple(findings)
    unread = [target for target in targets if target.status is not Coverage.COMPLETE]
    notes = [_note("expired", waiver) for waiver in waivers if waiver.until < today]
    notes += [
        _note("unused", waiver)
        for waiver in living
        if not any(_may_concern(waiver, finding) for finding in judged)
        and not any(_reaches(waiver, target.account, target.region) for target in unread)
    ]
    return tuple(_waived(finding, living) for finding in judged), tuple(notes)


def problems(waivers: Iterable[Waiver], rules: Collection[str]) -> tuple[str, ...]:
    """A line for each waiver that names a rule that does not exist."""
    return tuple(
        f"{f'{waiver.at}: ' if waiver.at else ''}no rule {waiver.rule!r} to waive"
        f"{near(waiver.rule, rules)}"
        for waiver in waivers
        if waiver.rule not in rules
    )


def _waived(finding: Finding, living: Iterable[Waiver]) -> Finding:
    if finding.status is not Status.FAIL:
        return finding
    for waiver in living:
        if waiver.rule == finding.rule and _names(waiver, finding.ref):
            accepted = {"why": waiver.why, "by": waiver.by, "until": waiver.until.isoformat()}
            return replace(finding, status=Status.WAIVED, waiver=accepted)
    return finding


def _may_concern(waiver: Waiver, finding: Finding) -> bool:
    """Whether there is, or behind an unknown may be, a failure that the waiver is for."""
    if waiver.rule != finding.rule or finding.status not in (Status.FAIL, Status.UNKNOWN):
        return False
    if finding.ref.name == UNSEEN:
        return _reaches(waiver, finding.ref.account, finding.ref.region)
    return _names(waiver, finding.ref)


def _names(waiver: Waiver, ref: Ref) -> bool:
    return _reaches(waiver, ref.account, ref.region) and any(
        fnmatchcase(ref.name, glob) for glob in waiver.resources
    )


def _reaches(waiver: Waiver, account: str, region: str) -> bool:
    return waiver.account in (None, account) and waiver.region in (None, region)


def _note(state: str, waiver: Waiver) -> WaiverNote:
    until = waiver.until.isoformat()
    return WaiverNote(state, waiver.rule, waiver.resources, waiver.why, waiver.by, until)
