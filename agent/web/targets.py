"""The targets: what could be read of each, when, and which permissions are missing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from agent.web.index import Index, score
from agent.web.page import Look, Page
from controls.history import TrackedTarget
from controls.model import Coverage, Status

_DENIED = re.compile(r"([\w-]+:\w+) denied(?: in ([\w-]+)/([\w-]+))?")
"""What a reading says that IAM refused: action, account, region."""

_BLINDEST = (Coverage.UNREADABLE, Coverage.PARTIAL, Coverage.COMPLETE)


@dataclass(frozen=True, slots=True)
class ShownTarget:
    """A target, its findings by status, and the actions that IAM refused there."""

    tracked: TrackedTarget
    counts: Counter[Status]
    share: float | None
    denied: tuple[str, ...]


def targets(look: Look) -> Page:
    """All of them, those that cannot be read first."""
    found = shown_targets(look.index)
    return Page(
        "targets.html",
        "Targets",
        "targets",
        {
            "targets": found,
            "denied": any(each.denied for each in found),
            "elsewhere": len(look.index.findings) - sum(each.counts.total() for each in found),
        },
    )


def shown_targets(index: Index) -> list[ShownTarget]:
    """Each target with what was found and refused there."""
    counts: dict[tuple[str, str], Counter[Status]] = {}
    denied: dict[tuple[str, str], set[str]] = {}
    for tracked in index.findings:
        finding, ref = tracked.finding, tracked.finding.ref
        here = (ref.account, ref.region)
        counts.setdefault(here, Counter())[finding.status] += 1
        if finding.status is Status.UNKNOWN:
            _note(denied, here, (finding.because, *finding.reasons))
    for here, target in index.state.targets.items():
        _note(denied, here, (target.status.reason or "",))
    found = [
        ShownTarget(
            target,
            counts.get(here, Counter()),
            score(counts.get(here, Counter())),
            tuple(sorted(denied.get(here, ()))),
        )
        for here, target in sorted(index.state.targets.items())
    ]
    return sorted(found, key=lambda one: _BLINDEST.index(one.tracked.status.status))


def _note(
    denied: dict[tuple[str, str], set[str]], here: tuple[str, str], reasons: Iterable[str]
) -> None:
    """A bucket is read in its owner's account: the refusal says where it was, and counts there."""
    for reason in reasons:
        if " denied" not in reason:
            continue
        for action, account, region in _DENIED.findall(reason):
            where = (account, region) if account else here
            denied.setdefault(where, set()).add(action)
