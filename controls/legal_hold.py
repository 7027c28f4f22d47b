"""A bucket on legal hold loses nothing: which buckets a change concerns, and what it may do there.

It does not rely on what the change says of its own costs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from controls.change import Call, Change, Json

_NO_DELETION = frozenset(
    {"ID", "Status", "Filter", "Prefix", "Transitions", "NoncurrentVersionTransitions"}
)
"""The members of a lifecycle rule that delete nothing."""

_DAYS = {
    "Expiration": "Days",
    "NoncurrentVersionExpiration": "NoncurrentDays",
    "AbortIncompleteMultipartUpload": "DaysAfterInitiation",
}


def why_on_hold(change: Change, legal_hold: Collection[str]) -> Iterator[str]:
    """Why the change must not be made, for each bucket on legal hold that it concerns.

    What needs a consent has none there; and without any, nothing may be deleted sooner than now.
    """
    for bucket in sorted(buckets_of(change) & set(legal_hold)):
        said = f"bucket {bucket} is on legal hold"
        if change.costs:
            what = " and ".join(sorted(cost.value for cost in change.costs))
            yield f"{said}: what {what} is not done to it, whatever is agreed"
        for call in change.calls:
            if not _harmless(call, change):
                yield f"{said}: {call.name} may take something away from it"


def buckets_of(change: Change) -> set[str]:
    """Every bucket that the change may concern, under whatever name its calls carry it."""
    found = {change.bucket_wide}
    if change.ref.kind.startswith("s3_"):
        found.add(change.ref.name.partition("/")[0])
    for call in change.calls:
        found |= {_bucket(text) for text in texts_in(call.params)}
    return found - {""}


def texts_in(value: Json) -> Iterator[str]:
    """Every text in the value; the keys of mappings are none."""
    match value:
        case str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from texts_in(inner)
        case list() | tuple():
            for inner in value:
                yield from texts_in(inner)


def _bucket(text: str) -> str:
    """The bucket, if it is one: `logs`, `logs/prod/`, `s3://logs/`, `arn:aws:s3:::logs/*`."""
    return text.rpartition(":::")[2].removeprefix("s3://").partition("/")[0]


# ---------------------------------------------------------------- lifecycle


def _harmless(call: Call, change: Change) -> bool:
    """Whether the call can be seen to delete nothing sooner than it is deleted now."""
    if "Lifecycle" not in call.operation:
        return not call.operation.startswith("Delete")
    if call.operation == "DeleteBucketLifecycle":
        return True  # without rules nothing is deleted
    after = call.params.get("LifecycleConfiguration", {}).get("Rules")
    if not isinstance(after, list | tuple):
        return False
    befores = [
        list((one.before or {}).get("Rules", ()))
        for one in change.documents
        if isinstance(one.after, Mapping) and one.after.get("Rules") == after
    ]
    return len(befores) == 1 and all(_no_sooner(rule, befores[0]) for rule in after)


def _no_sooner(rule: Mapping[str, Any], before: Collection[Mapping[str, Any]]) -> bool:
    """Whether one rule there was, of the same objects, deletes all that this one does as soon."""
    deletes = {name: rule[name] for name in rule if name not in _NO_DELETION}
    if rule.get("Status") != "Enabled" or not deletes:
        return True
    return any(
        one.get("Status") == "Enabled"
        and _scope(one) == _scope(rule)
        and all(_later(name, step, one.get(name)) for name, step in deletes.items())
        for one in before
    )


def _scope(rule: Mapping[str, Any]) -> Json:
    """Which objects; the prefix of old times says the same as the filter's."""
    scope = rule.get("Filter", {"Prefix": rule.get("Prefix")})
    return {"Prefix": ""} if scope == {} else scope


def _later(name: str, step: Json, before: Json) -> bool:
    """Whether a step of a rule is what it was, or the same with more days."""
    if step == before:
        return True
    days = _DAYS.get(name, "")
    if not (isinstance(step, Mapping) and isinstance(before, Mapping) and {days} <= set(before)):
        return False
    new, old = dict(step), dict(before)
    return bool(new.pop(days, 0) >= old.pop(days)) and new == old
