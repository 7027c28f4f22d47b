"""When an S3 lifecycle configuration deletes the logs under a prefix: at the latest, the earliest.

Days are counted as S3 words them: `Days` from the creation of an object, `NoncurrentDays` from
the moment it became noncurrent. S3 rounds each up to the next midnight UTC and removes within
about a day after that (S3 User Guide, intro-lifecycle-rules), so bytes may outlive the number
by a day or two: it says when they are due. A log is an object of at least one byte under the
prefix, written once, without tags. The answers are those of the steady state: what stood in a
versioned bucket before a rule came into force goes NoncurrentDays after that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product, takewhile
from typing import Any, Final, Literal, TypeAlias

from controls.model import Absent, Said, Unknown
from controls.semantics.lifecycle_reasons import (
    after,
    filtered,
    later,
    limits,
    listed,
    meets,
    missing,
    names,
    sizes,
)
from controls.semantics.lifecycle_rules import Action, Deletion, Rule, Scope, read_rules

Versioning: TypeAlias = Literal["Off", "Enabled", "Suspended"]
"""GetBucketVersioning's Status; Off where it has none, that is, was never enabled."""

CURRENT: Final[Action] = "Expiration"
NONCURRENT: Final[Action] = "NoncurrentVersionExpiration"
UPLOADS: Final[Action] = "AbortIncompleteMultipartUpload"
SIZED: Final = "it filters by size, and an incomplete upload has none yet"


@dataclass(frozen=True, slots=True)
class _Hit:
    """One action of one rule that removes logs."""

    rule: Rule
    deletion: Deletion

    @property
    def scope(self) -> Scope:
        return self.rule.scope

    @property
    def doubt(self) -> str:
        return self.rule.doubt or self.deletion.doubt


@dataclass(frozen=True, slots=True)
class _Path:
    """How a log loses its bytes: by one hit, or, where versions are kept, by one after another."""

    hits: tuple[_Hit, ...]

    @property
    def days(self) -> int:
        return sum(hit.deletion.days for hit in self.hits)

    @property
    def doubt(self) -> str:
        return "; ".join(f"{hit.rule.name}: {hit.doubt}" for hit in self.hits if hit.doubt)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of a configuration: does it remove `every` log under a prefix, or any?

    A date after `now` is still to come; without `now` dates do not matter.
    """

    rules: tuple[Rule, ...]
    prefix: str
    versioning: str
    every: bool
    now: datetime | None = None

    def hits(self, action: Action) -> list[_Hit]:
        """The rules that do it, at least for some sizes, doubtful ones among them."""
        return [
            _Hit(rule, rule.actions[action]) for rule in self.rules if not self.why(rule, action)
        ]

    def why(self, rule: Rule, action: Action) -> str:
        """Why the rule does not do it, or nothing."""
        return (
            missing(rule, action, self.versioning)
            or filtered(rule, action, self.prefix, every=self.every)
            or later(rule, rule.actions[action], self.now)
        )

    def whys(self, action: Action) -> list[str]:
        """Why each rule does not do it; for one that does, of which sizes, and what is in doubt."""
        return [
            self.why(rule, action) or _in_part(_Hit(rule, rule.actions[action]))
            for rule in self.rules
        ]


# ---------------------------------------------------------------- at the latest


def due_for_deletion(
    configuration: Mapping[str, Any] | None, versioning: str, prefix: str, now: datetime
) -> Said[int] | Absent | Unknown:
    """Days after which every byte of every log under `prefix`, now and later, is due to go.

    The smallest such number that is proven. Absent if some log is never deleted. A rule that
    cannot be read for certain is not counted; Unknown if everything rests on it. `configuration`
    is GetBucketLifecycleConfiguration's answer, None or {} where there is none; 0 days means at
    once (a date that has passed). Where versions are kept, Expiration only makes a version
    noncurrent, so its days and NoncurrentDays add up; in a bucket with versioning Suspended
    that holds for what was written before (S3 User Guide, intro-lifecycle-rules).
    """
    question = _Question(read_rules(configuration), prefix, versioning, every=True, now=now)
    if unclear := _no_question(configuration, question):
        return unclear
    actions = (CURRENT,) if versioning == "Off" else (CURRENT, NONCURRENT)
    stages = [question.hits(action) for action in actions]
    proven = _by_size([[hit for hit in hits if not hit.doubt] for hits in stages])
    if all(len(path.hits) == len(actions) for path in proven):
        return _said_due(proven, stages)
    if all(len(path.hits) == len(actions) for path in _by_size(stages)):
        doubts = [_Path((hit,)).doubt for hits in stages for hit in hits]
        return Unknown(f"whether all logs are deleted cannot be told: {listed(doubts)}")
    return Absent(_why_kept(question, proven))


def _by_size(stages: Sequence[Sequence[_Hit]]) -> list[_Path]:
    """The quickest path of one byte, and of each size that a rule just no longer reaches.

    Among these is the slowest of all sizes: from one of them to the next, rules only come in.
    Prefixes need no such care: of the keys under a prefix infinitely many lie outside every
    longer prefix that a rule could name, and those are deleted last.
    """
    ends = [hit.scope.largest for hits in stages for hit in hits if hit.scope.largest is not None]
    return [_Path(_quickest(stages, size)) for size in sorted({1, *(end + 1 for end in ends)})]


def _quickest(stages: Sequence[Sequence[_Hit]], size: int) -> tuple[_Hit, ...]:
    """The shortest hit of each stage, up to the first stage that has none for the size."""
    fitting = ([hit for hit in hits if hit.scope.holds(size)] for hits in stages)
    return tuple(min(hits, key=lambda hit: hit.deletion.days) for hits in takewhile(bool, fitting))


def _said_due(proven: Sequence[_Path], stages: Sequence[Sequence[_Hit]]) -> Said[int]:
    last = max(proven, key=lambda path: path.days)
    quickest = {hit.rule.name for path in proven for hit in path.hits}
    used = names(_dated(hit) for hits in stages for hit in hits if hit.rule.name in quickest)
    reason = f"{used}: due for deletion {after(last.days)}"
    if len(last.hits) == 2:
        current, noncurrent = (hit.deletion.days for hit in last.hits)
        reason += f" ({current} as the current version, {noncurrent} more as a noncurrent one)"
    unsure = [f"{hit.rule.name}: {hit.doubt}" for hits in stages for hit in hits if hit.doubt]
    return Said(last.days, reason + (f"; not counted: {listed(unsure)}" if unsure else ""))


def _dated(hit: _Hit) -> str:
    date = hit.deletion.date
    return f"{hit.rule.name} (in force since {date:%Y-%m-%d})" if date else hit.rule.name


def _in_part(hit: _Hit) -> str:
    if hit.doubt:
        return f"{hit.rule.name}: {hit.doubt}"
    bounded = hit.scope.smallest > 1 or hit.scope.largest is not None
    return f"{hit.rule.name} covers objects of {sizes(hit.scope)} only" if bounded else ""


def _why_kept(question: _Question, proven: Sequence[_Path]) -> str:
    """The first stage that not all logs pass, and why no rule lets them."""
    if not all(path.hits for path in proven):
        return listed(question.whys(CURRENT))
    expiring = names(_dated(path.hits[0]) for path in proven)
    whys = listed(question.whys(NONCURRENT))
    logs = "every log" if question.versioning == "Enabled" else "logs from before it was suspended"
    return (
        f"with versioning {question.versioning}, expiry by {expiring} leaves {logs} behind as"
        f" noncurrent versions, and not all of those are deleted: {whys}"
    )


# ---------------------------------------------------------------- at the earliest


def first_deletion(
    configuration: Mapping[str, Any] | None, versioning: str, prefix: str, now: datetime
) -> Said[int] | Absent | Unknown:
    """Days after which at the earliest bytes of any log under `prefix` may be deleted.

    Absent if nothing deletes any. Everything that could touch a log counts: a rule for a longer
    prefix, for some sizes, from a date to come, and one for tags, as somebody may tag a log.
    Unknown if a rule that cannot be read could bring the day forward. A delete marker is no
    loss: in a bucket with versioning Enabled bytes go with their noncurrent version, while a
    Suspended bucket keeps no version of what is written to it (S3 User Guide,
    intro-lifecycle-rules).
    """
    # A date to come counts as one that has passed: logs written on its eve go at no age at all.
    question = _Question(read_rules(configuration), prefix, versioning, every=False)
    if unclear := _no_question(configuration, question):
        return unclear
    paths = list(_paths(question))
    proven = min((path for path in paths if not path.doubt), key=_days, default=None)
    sooner = [path for path in paths if path.doubt and (not proven or path.days < proven.days)]
    if sooner:
        doubts = listed([path.doubt for path in sooner])
        return Unknown(f"how early a log may be deleted cannot be told: {doubts}")
    if proven is None:
        return Absent(_why_untouched(question))
    # Keyed by name and the expiring hit last, so that one rule doing both is named once.
    each = {hit.rule.name: limits(hit.rule, hit.deletion, prefix) for hit in proven.hits[::-1]}
    used = names(list(each.values())[::-1])
    return Said(proven.days, f"{used}: may delete a log {after(proven.days)}")


def _days(path: _Path) -> int:
    return path.days


def _paths(question: _Question) -> Iterator[_Path]:
    """The ways in which some log may lose its bytes; of those that begin alike, the quickest."""
    expiring = question.hits(CURRENT)
    if question.versioning != "Enabled":
        yield from (_Path((hit,)) for hit in expiring)
        return
    following = sorted(question.hits(NONCURRENT), key=lambda hit: hit.deletion.days)
    proven = [hit for hit in following if not hit.doubt]
    for first, others in product(expiring, (proven, following)):
        then = next((hit for hit in others if _share(first.scope, hit.scope)), None)
        if then is not None:
            yield _Path((first, then))


def _share(one: Scope, other: Scope) -> bool:
    """Whether one log may be in both scopes; its tags may change in between."""
    ends = [end for end in (one.largest, other.largest) if end is not None]
    sized = not ends or min(ends) >= max(one.smallest, other.smallest)
    return sized and meets(one, other.prefix)


def _why_untouched(question: _Question) -> str:
    expiring = question.hits(CURRENT)
    if not expiring:
        return listed(question.whys(CURRENT))
    used = names(hit.rule.name for hit in expiring)
    whys = listed(question.whys(NONCURRENT)) or "the rules that delete those cover other objects"
    return (
        f"with versioning Enabled, expiry by {used} leaves a log behind as a noncurrent version,"
        f" which nothing deletes: {whys}"
    )


# ---------------------------------------------------------------- incomplete uploads


def uploads_aborted(
    configuration: Mapping[str, Any] | None, prefix: str
) -> Said[int] | Absent | Unknown:
    """Days after which every incomplete multipart upload under `prefix` is aborted.

    Expiration never removes parts, this action removes nothing else (S3 User Guide,
    mpu-abort-incomplete-mpu-lifecycle-config). An upload has no size yet and what a size filter
    does with it is not documented: such a rule alone is Unknown.
    """
    question = _Question(read_rules(configuration), prefix, "Off", every=True)
    if unclear := _no_question(configuration, question):
        return unclear
    hits = question.hits(UPLOADS)
    proven = [hit for hit in hits if not hit.doubt and not hit.scope.sized]
    if proven:
        first = min(proven, key=lambda hit: hit.deletion.days)
        days = first.deletion.days
        return Said(days, f"{first.rule.name}: incomplete uploads are aborted {after(days)}")
    if hits:
        doubts = [f"{hit.rule.name}: {hit.doubt or SIZED}" for hit in hits]
        return Unknown(f"whether incomplete uploads are aborted cannot be told: {listed(doubts)}")
    return Absent(listed(question.whys(UPLOADS)))


# ---------------------------------------------------------------- what needs no rules


def _no_question(
    configuration: Mapping[str, Any] | None, question: _Question
) -> Absent | Unknown | None:
    """The answer where there is nothing to weigh."""
    if not configuration:
        return Absent("the bucket has no lifecycle configuration")
    if question.versioning not in ("Off", "Enabled", "Suspended"):
        status = question.versioning
        return Unknown(f"the bucket's versioning is {status!r}, which Trailkeeper does not know")
    if not question.rules:
        return Absent("the bucket's lifecycle configuration has no rules")
    return None
