"""Expire the logs of a place, keep them long enough, clear its uploads: by one rule of our own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from controls.change import Call, Change, Cost, Document, Fix, Held, Planned, Right, Task
from controls.fixes import lifecycle_merge as merge
from controls.fixes.lifecycle_days import Limits, expiry, lengthened, limits
from controls.fixes.lifecycle_losses import losses
from controls.fixes.lifecycle_merge import Own
from controls.fixes.lifecycle_place import LOCK, READS, Place, find_place, forbidden, locked, tags
from controls.model import Absent, Reader, Said, Unknown
from controls.semantics import lifecycle
from controls.semantics.lifecycle_reasons import limits as reach
from controls.semantics.lifecycle_reasons import meets
from controls.semantics.lifecycle_rules import Action

KIND: Final = "s3_log_location"
WRITES: Final = ("s3:PutBucketLifecycleConfiguration", "s3:DeleteBucketLifecycle")
USUAL_ABORT_DAYS: Final = 7
GONE: Final = "Undoing it brings back the configuration, not what was deleted meanwhile."


# ---------------------------------------------------------------- due in time


def expire_logs(aws: Reader, task: Task) -> Planned:
    """Expire the logs here, by a lifecycle rule of our own, when max_days have passed."""
    wanted = limits(task.params, "max_days")
    if isinstance(wanted, Held):
        return wanted
    place = find_place(aws, task)
    due = place.due(place.configuration)
    if isinstance(due, Said) and due.value <= wanted.max_days:
        return locked(place, due.value) or _right(place, due)
    if isinstance(due, Unknown):
        return Held(due.reason)
    held = forbidden(place) or locked(place, wanted.max_days) or _longer_below(place, wanted)
    return held or _expiring(place, wanted)


def _expiring(place: Place, wanted: Limits) -> Planned:
    own = expiry(place.beside, wanted)
    if isinstance(own, Held):
        return own
    current = merge.find_own(place.configuration.get("Rules", ()), place.prefix) or Own()
    after = _with(place, replace(own, abort=current.abort))
    due, first = place.due(after), _first_day(place, after)
    earliest = min(wanted.min_days, _first_day(place, place.configuration))
    if not isinstance(due, Said) or due.value > wanted.max_days or first < earliest:
        return Held(
            f"no rule for {place.where} would delete every log after {wanted.max_days} days and "
            f"none before {wanted.min_days}, beside the rules that are there: {due.reason}"
        )
    summary = (
        f"Add to bucket {place.bucket} a rule that expires the logs under "
        f"{place.prefix or 'the whole bucket'} {_steps(own)}. {GONE}"
    )
    cost = f"every log under {place.where} is deleted {_steps(own)}, for good; "
    cost += losses(place, own.expire or 0) + _versions(place, own)
    return _change(
        "expire_logs", place, after, summary, {Cost.DESTROYS: cost}, _overruled(place, own)
    )


def _first_day(place: Place, configuration: Mapping[str, Any]) -> int:
    """The earliest day; far off where nothing deletes, and 0 where it cannot be told."""
    match place.first(configuration):
        case Said(days):
            return days
        case Absent():
            return 10**9
        case _:
            return 0


def _steps(own: Own) -> str:
    if own.noncurrent is None:
        return f"after {_days(own.expire)}"
    return f"after {_days(own.expire)} and {_days(own.noncurrent)} more as a noncurrent version"


def _days(days: int | None) -> str:
    return f"{days} day{'' if days == 1 else 's'}"


def _versions(place: Place, own: Own) -> str:
    if place.versioning == "Off":
        return ""
    return f"; noncurrent versions go after {_days(own.noncurrent)} as such, and are not counted"


def _longer_below(place: Place, wanted: Limits) -> Held | None:
    """Whether Trailkeeper keeps a part of the place longer: the shorter rule would win."""
    for below, own in merge.own_elsewhere(place.configuration.get("Rules", ()), place.prefix):
        if own.expire and own.expire + (own.noncurrent or 0) > wanted.max_days:
            return Held(
                f"Trailkeeper's own rule for {below} keeps its logs longer than the "
                f"{wanted.max_days} days that {place.where} above it is to have, and S3 goes by "
                "the shorter: give the two retention classes that agree, or name the former "
                "prefix more narrowly in log_buckets"
            )
    return None


def _overruled(place: Place, own: Own) -> Iterator[str]:
    """The rules of others that meant to keep something of this for longer."""
    ours: tuple[tuple[Action, int | None], ...] = (
        (lifecycle.CURRENT, own.expire),
        (lifecycle.NONCURRENT, own.noncurrent),
    )
    for rule in place.beside.rules:
        for action, days in ours:
            deletion = rule.actions.get(action)
            if deletion is None or days is None or not rule.enabled:
                continue
            if not meets(rule.scope, place.prefix):
                continue
            name = reach(rule, deletion, place.prefix)
            if deletion.keeps:
                kept = f"the newest {deletion.keeps} noncurrent versions"
                yield f"{name}, which keeps {kept}: under {place.where} those go too"
            elif deletion.days > days:
                yield f"{name}, which keeps for {_days(deletion.days)}: ours is shorter and wins"


# ---------------------------------------------------------------- kept long enough


def keep_logs(aws: Reader, task: Task) -> Planned:
    """Lengthen our own lifecycle rule here until it deletes no log before min_days."""
    wanted = limits(task.params, "min_days")
    if isinstance(wanted, Held):
        return wanted
    place = find_place(aws, task)
    first = place.first(place.configuration)
    if isinstance(first, Absent) or (isinstance(first, Said) and first.value >= wanted.min_days):
        return _right(place, first)
    if isinstance(first, Unknown):
        return Held(first.reason)
    without = place.first(merge.without_own(place.configuration, place.prefix))
    if isinstance(without, Said) and without.value < wanted.min_days:
        return Held(
            f"{without.reason}, and that is not Trailkeeper's own rule for {place.where}: its "
            f"owner should lengthen it to {wanted.min_days} days or more, or narrow it so that "
            "it covers none of these logs. Trailkeeper changes no rule but its own"
        )
    return forbidden(place) or _lengthening(place, wanted)


def _lengthening(place: Place, wanted: Limits) -> Planned:
    current = merge.find_own(place.configuration.get("Rules", ()), place.prefix) or Own()
    own = lengthened(place.beside, current, wanted)
    after = _with(place, own)
    first, due, before = _first_day(place, after), place.due(after), place.due(place.configuration)
    if first < wanted.min_days:
        return Held(f"our rule for {place.where} cannot be lengthened to {wanted.min_days} days")
    if _days_of(before) > 0 and _days_of(due) > max(wanted.max_days, _days_of(before)):
        return Held(
            f"kept for {wanted.min_days} days, logs under {place.where} would be due after "
            f"{_days_of(due)} only, more than their {wanted.max_days}: rules of others bring "
            "their two steps apart, which their owners should put right"
        )
    summary = (
        f"Lengthen Trailkeeper's rule for {place.where}: logs go {_steps(own)}, and none "
        f"before {_days(wanted.min_days)}."
    )
    return _change("keep_logs", place, after, summary, {}, ())


def _days_of(due: Said[int] | Absent | Unknown) -> int:
    return due.value if isinstance(due, Said) else 0


# ---------------------------------------------------------------- incomplete uploads


def abort_uploads(aws: Reader, task: Task) -> Planned:
    """Abort incomplete multipart uploads here after a week, by a lifecycle rule of our own."""
    within = task.params.get("abort_within_days")
    if type(within) is not int or within < 1:
        return Held(f"abort_within_days must be a whole number from 1 up; told was {within!r}")
    place = find_place(aws, task)
    now = lifecycle.uploads_aborted(place.configuration, place.prefix)
    if isinstance(now, Said) and now.value <= within:
        return _right(place, now)
    if held := forbidden(place):
        return held
    current = merge.find_own(place.configuration.get("Rules", ()), place.prefix) or Own()
    days = min(USUAL_ABORT_DAYS, within)
    after = _with(place, replace(current, abort=days))
    summary = (
        f"Abort incomplete multipart uploads under {place.where} {_days(days)} after they began."
        f" {GONE}"
    )
    cost = (
        f"the parts of every multipart upload under {place.where} that is not complete "
        f"{_days(days)} after it began are deleted for good, those that lie there today among "
        "them; how many there are is not counted. Complete objects are not touched"
    )
    return _change("abort_uploads", place, after, summary, {Cost.DESTROYS: cost}, ())


# ---------------------------------------------------------------- the change


def _right(place: Place, why: Said[int] | Absent) -> Right:
    return Right(why.reason, documents=(_document(place, place.configuration),))


def _document(place: Place, after: Mapping[str, Any]) -> Document:
    return Document(
        f"lifecycle configuration of bucket {place.bucket}",
        merge.plain(place.configuration),
        merge.plain(after),
    )


def _with(place: Place, own: Own) -> dict[str, Any]:
    return merge.with_own(place.configuration, place.prefix, own)


def _change(
    fix: str,
    place: Place,
    after: Mapping[str, Any],
    summary: str,
    costs: Mapping[Cost, str],
    affects: Iterable[str],
) -> Planned:
    """One call that writes the whole configuration; undone by writing the one that was there."""
    if len(after["Rules"]) > merge.MOST_RULES:
        return Held(
            f"bucket {place.bucket} has {merge.MOST_RULES} lifecycle rules, the most that S3 "
            "takes: its owner must merge or remove some"
        )
    marks = tags(place)
    if isinstance(marks, Held):
        return marks
    stuck = place.configuration and merge.mixed(place.configuration)
    return Change(
        fix=fix,
        ref=place.ref,
        summary=summary,
        calls=(_put(place, after),),
        documents=(_document(place, after),),
        undo=() if stuck else (_restore(place),),
        no_undo="AWS does not take back what it showed: rules with and without Filter"
        if stuck
        else "",
        undo_costs=_undo_costs(place, after),
        costs=costs,
        affects=tuple(affects),
        bucket_wide="" if place.prefix else place.bucket,
        tags=marks,
    )


def _undo_costs(place: Place, after: Mapping[str, Any]) -> dict[Cost, str]:
    """Putting back a rule that deletes sooner deletes what has been kept since."""
    days, then = _first_day(place, after), _first_day(place, place.configuration)
    if then >= days:
        return {}
    return {
        Cost.DESTROYS: f"logs under {place.where} may be deleted after {_days(then)} again: what "
        "is older by then goes at once, for good"
    }


def _put(place: Place, configuration: Mapping[str, Any]) -> Call:
    params = merge.put_params(place.bucket, place.owner.account, configuration)
    return _call(place, "PutBucketLifecycleConfiguration", params)


def _restore(place: Place) -> Call:
    """Never an empty list: AWS has an operation of its own for no configuration."""
    if place.configuration.get("Rules"):
        return _put(place, place.configuration)
    owner = {"Bucket": place.bucket, "ExpectedBucketOwner": place.owner.account}
    return _call(place, "DeleteBucketLifecycle", owner)


def _call(place: Place, operation: str, params: Mapping[str, Any]) -> Call:
    return Call("s3", operation, params, place.owner.account, place.owner.region)


FIXES = (
    Fix(expire_logs, KIND, reads=(*READS, LOCK), writes=WRITES),
    Fix(keep_logs, KIND, reads=READS, writes=WRITES),
    Fix(abort_uploads, KIND, reads=READS, writes=WRITES),
)
