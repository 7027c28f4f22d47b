"""What a sweep saw of one target: wholly, in part or not at all, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from controls.model import Coverage, Gap, TargetStatus


def status(
    target: tuple[str, str],
    problem: str,
    *,
    roots: Collection[str],
    gaps: Iterable[Gap],
    blind: Iterable[str],
    resources: int,
) -> TargetStatus:
    """Unreadable: its clusters, or all its root kinds, unlisted, or a `problem` known before.

    target: (account, region). roots: the kinds that were listed target by target. gaps: of all
    targets. blind: why single facts of this one could not be read.
    """
    own = [gap for gap in gaps if (gap.account, gap.region, gap.resource) == (*target, "*")]
    unlisted = {gap.kind for gap in own} & set(roots)
    facts = sorted(blind)
    if problem or (unlisted and ("redshift_cluster" in unlisted or unlisted == set(roots))):
        coverage = Coverage.UNREADABLE
    elif own or facts:
        coverage = Coverage.PARTIAL
    else:
        coverage = Coverage.COMPLETE
    reasons = dict.fromkeys([problem, *(gap.reason for gap in own), *facts])
    told = [reason for reason in reasons if reason]
    text = "; ".join(told[:3]) + (f"; and {len(told) - 3} more" if len(told) > 3 else "")
    return TargetStatus(*target, coverage, text or None, resources)
