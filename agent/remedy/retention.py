"""What a fix is told of how long logs are to be kept, beyond what its own rule says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from controls.kinds import s3_log_location
from controls.model import Finding, Snapshot, Status, Value
from controls.semantics.log_keys import log_prefix

DAYS = ("min_days", "max_days")
"""The two sides of a retention class."""

FORMER = "AWSLogs/"
"""How a place ends that is named by all it covers."""


def with_both_days(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, each with min_days and max_days where another rule on its resource has them.

    One rule says how long logs are kept at most, another at least: what puts one right must not
    break the other. Nor what is said of a place in a bucket below it: what expires the one expires
    the other, so the longest that any logs there are to be kept counts for both.
    """
    listed = tuple(findings)
    days: dict[str, dict[str, Value]] = {}
    for one in listed:
        told = {name: one.params[name] for name in DAYS if name in one.params}
        days.setdefault(one.ref.id, {}).update(told)
    below = _kept_below(listed)
    return tuple(
        replace(one, params={**days[one.ref.id], **one.params, **below.get(one.ref.id, {})})
        if days[one.ref.id]
        else one
        for one in listed
    )


def _kept_below(findings: Sequence[Finding]) -> dict[str, dict[str, Value]]:
    """min_days by the id of each place below which logs are to be kept longer than in itself.

    Where no rule says how long at least, the strictest that a class could ask for is taken.
    """
    places = [one for one in findings if one.ref.kind == s3_log_location.NAME]
    told = any("min_days" in one.params for one in places)
    kept: dict[str, dict[str, int]] = {}
    for one in places:
        least = one.params.get("min_days" if told else "max_days")
        if one.ref.name != "*" and type(least) is int:
            below = kept.setdefault(one.ref.name.partition("/")[0], {})
            below[_keys(one)] = max(below.get(_keys(one), 0), least)
    found: dict[str, dict[str, Value]] = {}
    for one in places:
        bucket, _, named = one.ref.name.partition("/")
        if not named.endswith(FORMER):
            continue
        days = [least for keys, least in kept.get(bucket, {}).items() if keys.startswith(named)]
        if days:
            found[one.ref.id] = {"min_days": max(days)}
    return found


def _keys(finding: Finding) -> str:
    """What all keys of the place start with; of a whole bucket there is no other place in it."""
    _, _, named = finding.ref.name.partition("/")
    if named.endswith(FORMER):
        return named
    return log_prefix(named, finding.ref.account, finding.ref.region)


def unless_hidden(finding: Finding, snapshot: Snapshot) -> Finding:
    """The finding; unknown, where clusters that may write to its place could not be seen.

    A place without a writer is everybody's below it: a former prefix, or a bucket as a whole.
    While an account cannot be read, a bucket in use looks just like that, and would be expired by
    a class that is not that of the logs in it.
    """
    if finding.ref.kind != s3_log_location.NAME or finding.status is not Status.FAIL:
        return finding
    unseen = [gap for gap in snapshot.gaps if gap.kind == finding.ref.kind and gap.resource == "*"]
    place = next((one for one in snapshot.resources if one.ref.id == finding.ref.id), None)
    if not unseen or (place is not None and place.writer_tags):
        return finding
    where = ", ".join(dict.fromkeys(f"{gap.account}/{gap.region}" for gap in unseen))
    why = (
        f"no cluster is seen that writes to {finding.ref.name}, but those of {where} cannot be "
        f"seen: {unseen[0].reason}"
    )
    return replace(finding, status=Status.UNKNOWN, because=why)
