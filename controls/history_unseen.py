"""Why a finding that a sweep did not bring cannot be said to be gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from controls.history import Tracked
from controls.kinds.catalog import KINDS
from controls.model import Coverage, Finding, Gap, Ref, Status, TargetStatus

EVERY = "*"
"""The resource name of a gap that hides a whole kind in a target."""

DERIVED = frozenset(kind.name for kind in KINDS if kind.derives)
"""Kinds that are listed from what clusters and namespaces say."""

AT_THEIR_WRITER = frozenset(
    {"audit_log", "audit_report", "s3_log_location", "cloudwatch_log_group"}
)
"""Derived kinds that stand in the account and region of what they are listed from: in a target,
only a gap there can hide one. Of every other derived kind (a bucket stands with its owner, a role
in its account and region `global`) a gap anywhere may hide any."""

ANYWHERE = DERIVED - AT_THEIR_WRITER

REGIONS_UNKNOWN = "all"
"""The region of a target that stands for an account whose regions could not be listed."""

SHOWN = 3
"""Reasons given for one finding; a gap anywhere may have one from every target."""

Place: TypeAlias = tuple[str, str]
"""(account, region)."""


def with_hidden_targets(
    targets: Sequence[TargetStatus], known: Iterable[Place]
) -> tuple[TargetStatus, ...]:
    """The targets of a sweep, and those `known` that it lacks for it could not list the regions.

    They are as unreadable as the account is, not gone.
    """
    unlisted = {
        one.account: one
        for one in targets
        if one.region == REGIONS_UNKNOWN and one.status is Coverage.UNREADABLE
    }
    there = {(one.account, one.region) for one in targets}
    missing = sorted(place for place in known if place[0] in unlisted and place not in there)
    return (*targets, *(replace(unlisted[account], region=name) for account, name in missing))


@dataclass(frozen=True, slots=True)
class Unseen:
    """What a sweep could not see, ready to be asked about thousands of findings."""

    targets: Mapping[Place, TargetStatus]
    hidden: Mapping[tuple[str, Place], tuple[str, ...]]
    hidden_anywhere: Mapping[str, tuple[str, ...]]
    twins: Mapping[tuple[str, str], Finding]
    """Findings of kinds in ANYWHERE by (rule, ARN)."""


def what_is_unseen(
    targets: Iterable[TargetStatus], gaps: Iterable[Gap], findings: Iterable[Finding]
) -> Unseen:
    """Made once per sweep, from its targets, gaps and findings.

    A gap with a name of its own hides nothing else: that resource is known to be there.
    """
    hidden: dict[tuple[str, Place], dict[str, None]] = {}
    anywhere: dict[str, dict[str, None]] = {}
    for gap in gaps:
        if gap.resource == EVERY:
            hidden.setdefault((gap.kind, (gap.account, gap.region)), {})[gap.reason] = None
            if gap.kind in DERIVED:
                told = f"{gap.account}/{gap.region}: {gap.reason}"
                anywhere.setdefault(gap.kind, {})[told] = None
    twins = {
        (finding.rule, finding.ref.arn): finding
        for finding in findings
        if finding.ref.kind in ANYWHERE and finding.ref.arn
    }
    return Unseen(
        {(one.account, one.region): one for one in targets},
        {where: _some(tuple(reasons)) for where, reasons in hidden.items()},
        {kind: _some(tuple(reasons)) for kind, reasons in anywhere.items()},
        twins,
    )


def why_hidden(tracked: Tracked, unseen: Unseen) -> tuple[str, ...]:
    """Why it may still be there though the sweep brought no such finding; empty if it is gone."""
    ref, place = tracked.finding.ref, _place(tracked.finding.ref)
    if is_gap(tracked) or _target_removed(ref, unseen):
        return ()
    twin = _twin(tracked.finding, unseen)
    if twin is not None:
        return (twin.because,) if twin.status is Status.UNKNOWN else ()
    target = unseen.targets.get(place)
    if reasons := unseen.hidden.get((ref.kind, place)):
        return reasons
    anywhere = unseen.hidden_anywhere.get(ref.kind, ())
    if anywhere and (ref.kind in ANYWHERE or target is None):
        return anywhere
    if target is not None and target.status is Coverage.UNREADABLE:
        return (target.reason or "the target could not be read",)
    return ()


def why_gone(tracked: Tracked, unseen: Unseen) -> str:
    """What a history says of a finding that is withdrawn."""
    ref = tracked.finding.ref
    where = f"{ref.account}/{ref.region}"
    if ref.region == REGIONS_UNKNOWN:
        return f"the regions of {ref.account} could be listed again, or are not asked for any more"
    if _target_removed(ref, unseen) or (ref.name == EVERY and _place(ref) not in unseen.targets):
        return f"{where} is no longer among the targets"
    if ref.name == EVERY:
        return f"{ref.kind} in {where} could be listed again"
    twin = _twin(tracked.finding, unseen)
    if twin is not None:
        return f"{ref.kind} {ref.name} is judged as {twin.ref.id} now"
    return f"{ref.kind} {ref.name} was not found any more"


def is_gap(tracked: Tracked) -> bool:
    """Whether it stood for what could not be seen, and never for a resource that was judged."""
    finding = tracked.finding
    never_known = finding.status is Status.UNKNOWN and tracked.last_known is None
    return never_known and not finding.facts


def gaps_of(findings: Iterable[Finding]) -> list[Gap]:
    """The gaps that hide whole kinds, as the findings tell of them."""
    return [
        Gap(each.ref.kind, each.ref.account, each.ref.region, reason)
        for each in findings
        if each.ref.name == EVERY and each.status is Status.UNKNOWN
        for reason in each.reasons or (each.because,)
    ]


def _target_removed(ref: Ref, unseen: Unseen) -> bool:
    """Whether nobody looks any more where it stands. A derived kind may stand outside targets."""
    return ref.kind not in DERIVED and _place(ref) not in unseen.targets


def _twin(finding: Finding, unseen: Unseen) -> Finding | None:
    """The same resource under another id, of a finding that the sweep did not bring.

    A bucket whose owner cannot be told stands in its writer's account, else in its owner's.
    """
    return unseen.twins.get((finding.rule, finding.ref.arn))


def _place(ref: Ref) -> Place:
    return ref.account, ref.region


def _some(reasons: Sequence[str]) -> tuple[str, ...]:
    more = len(reasons) - SHOWN
    return (*reasons[:SHOWN], *((f"and {more} more",) if more > 0 else ()))
