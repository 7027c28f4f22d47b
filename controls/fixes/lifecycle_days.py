"""After how many days our rule acts, so that no log goes too late, nor any too early.

In a versioned bucket a log goes in two steps, each by any rule that reaches it. What another rule
does to logs counts with what ours does: the sum of each pair must stay within the limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from controls.change import Held
from controls.fixes.lifecycle_merge import Own
from controls.model import Value
from controls.semantics.lifecycle import CURRENT, NONCURRENT
from controls.semantics.lifecycle_reasons import filtered, later, missing
from controls.semantics.lifecycle_rules import Action, Rule

NEVER: Final = 10**9


@dataclass(frozen=True, slots=True)
class Limits:
    """Between how many days logs are to go. `sure` is whether both ends were told."""

    min_days: int
    max_days: int
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Bucket:
    """What stands beside our rule: the other rules, and what the bucket does with versions."""

    rules: Sequence[Rule]
    versioning: str
    prefix: str
    now: datetime


def limits(params: Mapping[str, Value], wanted: str) -> Limits | Held:
    """The limits of a place, `wanted` of which must be told.

    A rule is judged with one of the two. Of the other the strictest that a retention class could
    ask for is taken: then what is done for one rule never breaks the other.
    """
    told = {name: params[name] for name in ("min_days", "max_days") if name in params}
    days = {name: n for name, n in told.items() if type(n) is int and n >= 1}
    if wanted not in days or len(days) < len(told):
        return Held(f"{wanted} must be a whole number of days from 1 up; told was {told or None}")
    chosen = Limits(
        days.get("min_days", days[wanted]), days.get("max_days", days[wanted]), len(days) == 2
    )
    if chosen.min_days > chosen.max_days:
        return Held(
            f"logs cannot be kept for {chosen.min_days} days and be gone after {chosen.max_days}: "
            "put the retention class right"
        )
    return chosen


# ---------------------------------------------------------------- what others do


def touching(bucket: Bucket, action: Action) -> list[tuple[int, str]]:
    """Days and name of each other rule that does this to some log, be it tagged or by a date."""
    return sorted(_hits(bucket, action, every=False))


def _whole(bucket: Bucket, action: Action) -> int:
    """After how many days another rule does this to every log; NEVER if none does."""
    return min((days for days, _ in _hits(bucket, action, every=True)), default=NEVER)


def _hits(bucket: Bucket, action: Action, *, every: bool) -> Iterable[tuple[int, str]]:
    for rule in bucket.rules:
        if missing(rule, action, bucket.versioning) or filtered(
            rule, action, bucket.prefix, every=every
        ):
            continue
        deletion = rule.actions[action]
        bounded = rule.scope.smallest > 1 or rule.scope.largest is not None
        if not every or not (bounded or later(rule, deletion, bucket.now)):
            yield deletion.days, rule.name


# ---------------------------------------------------------------- expiring


def expiry(bucket: Bucket, wanted: Limits) -> Own | Held:
    """Days for our rule with which the last log goes after max_days and none before min_days."""
    match bucket.versioning:
        case "Off":
            return Own(expire=wanted.max_days)
        case "Suspended":
            return _expiry_suspended(wanted)
        case _:
            return _expiry_versioned(bucket, wanted)


def _expiry_suspended(wanted: Limits) -> Own | Held:
    """New logs go at once when they expire; those from before go one step later."""
    expire = wanted.max_days - 1
    if expire >= max(1, wanted.min_days):
        return Own(expire=expire, noncurrent=1)
    return Held(
        "versioning is Suspended: what was written before goes at least a day after what is "
        f"written now, so not all can be kept for {wanted.min_days} days and be gone after "
        f"{wanted.max_days}. {_slack(wanted)}, or enable versioning again"
    )


def _slack(wanted: Limits) -> str:
    if wanted.sure:
        return "Give these logs a retention class with a day or more between min_days and max_days"
    return "The other end of the retention class was not told, so the strictest was taken"


def _expiry_versioned(bucket: Bucket, wanted: Limits) -> Own | Held:
    """As late as can be as the current version; then the fewest days as a noncurrent one."""
    if wanted.max_days < 2:
        return Held("versioning is Enabled: a log takes two steps of a day each to go, not one")
    expiring, following = touching(bucket, CURRENT), touching(bucket, NONCURRENT)
    noncurrent = max([1, *(wanted.min_days - days for days, _ in expiring)])
    expire = wanted.max_days - noncurrent
    least = max([1, *(wanted.min_days - days for days, _ in following)])
    if expire < least:
        names = _names([*expiring[:1], *following[:1]])
        return Held(
            f"{names} would, together with ours, delete logs before {wanted.min_days} days or "
            f"after {wanted.max_days}: its owner should lengthen it, or narrow it so that it "
            f"covers no key under {bucket.prefix or 'the bucket'}"
        )
    already = _whole(bucket, CURRENT)
    usual = wanted.max_days - max(1, wanted.min_days - already)
    if expire < min(wanted.min_days, already, usual):
        return Held(
            f"{_names(expiring[:1])} expires some logs after {expiring[0][0]} days, so for none "
            f"to be deleted before {wanted.min_days} days all would have to become noncurrent, "
            f"and so go out of sight, after {expire} days: its owner should lengthen it"
        )
    return Own(expire=expire, noncurrent=noncurrent)


def _names(hits: Sequence[tuple[int, str]]) -> str:
    return " and ".join(dict.fromkeys(name for _, name in hits)) or "no rule"


# ---------------------------------------------------------------- keeping


def lengthened(bucket: Bucket, own: Own, wanted: Limits) -> Own:
    """Our rule's days, none less than now, with which no log goes before min_days by it."""
    expiring, following = touching(bucket, CURRENT), touching(bucket, NONCURRENT)
    least_expire = {
        "Off": wanted.max_days,
        "Suspended": max(wanted.min_days, wanted.max_days - (own.noncurrent or 0)),
    }.get(bucket.versioning, max([1, *(wanted.min_days - days for days, _ in following)]))
    noncurrent, expire = own.noncurrent, own.expire
    if noncurrent is not None and bucket.versioning == "Enabled":
        noncurrent = max([noncurrent, *(wanted.min_days - days for days, _ in expiring)])
    if expire is not None:
        total = wanted.max_days - (noncurrent or 0) if bucket.versioning == "Enabled" else 0
        expire = max(expire, least_expire, total)
    return Own(expire, noncurrent, own.abort)
