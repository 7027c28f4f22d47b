"""Put one rule of ours into a lifecycle configuration and leave every other as it was meant.

PutBucketLifecycleConfiguration replaces everything there is, so what is not carried over is lost
(S3 API, PutBucketLifecycleConfiguration).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from controls.change import Json
from controls.semantics.lifecycle_rules import Rule, read_rules

MOST_RULES: Final = 1000
LONGEST_SLUG: Final = 120

_TAG: Final = {"Key": None, "Value": None}
_SIZES: Final = {"ObjectSizeGreaterThan": None, "ObjectSizeLessThan": None}
RULE_MEMBERS: Final[Mapping[str, Any]] = {
    "ID": None,
    "Status": None,
    "Prefix": None,
    "Filter": {
        "Prefix": None,
        "Tag": _TAG,
        **_SIZES,
        "And": {"Prefix": None, "Tags": [_TAG], **_SIZES},
    },
    "Expiration": {"Date": None, "Days": None, "ExpiredObjectDeleteMarker": None},
    "Transitions": [{"Date": None, "Days": None, "StorageClass": None}],
    "NoncurrentVersionTransitions": [
        {"NoncurrentDays": None, "StorageClass": None, "NewerNoncurrentVersions": None}
    ],
    "NoncurrentVersionExpiration": {"NoncurrentDays": None, "NewerNoncurrentVersions": None},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": None},
}
"""What PutBucketLifecycleConfiguration can carry in a rule (S3 service model, LifecycleRule)."""

MINIMUM_SIZE: Final = "TransitionDefaultMinimumObjectSize"
USUAL_MINIMUM: Final = "all_storage_classes_128K"
"""What S3 takes where a first configuration does not say (S3 API); said, so as to be known."""


@dataclass(frozen=True, slots=True)
class Own:
    """What our rule for a prefix does, each in days; None for what it does not do."""

    expire: int | None = None
    noncurrent: int | None = None
    abort: int | None = None


# ---------------------------------------------------------------- our rule


def own_id(prefix: str) -> str:
    """The ID of our rule for a prefix: readable, unique by a hash, and shorter than S3's 255."""
    slug = re.sub(r"[^0-9A-Za-z]+", "-", prefix).strip("-")[-LONGEST_SLUG:] or "whole-bucket"
    return f"trailkeeper-{slug}-{sha256(prefix.encode()).hexdigest()[:12]}"


def own_rule(prefix: str, own: Own) -> dict[str, Json]:
    """Our rule in the API's words. Size, tags and NewerNoncurrentVersions would leave logs out."""
    actions = {
        "Expiration": ("Days", own.expire),
        "NoncurrentVersionExpiration": ("NoncurrentDays", own.noncurrent),
        "AbortIncompleteMultipartUpload": ("DaysAfterInitiation", own.abort),
    }
    return {
        "ID": own_id(prefix),
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        **{name: {member: n} for name, (member, n) in actions.items() if n is not None},
    }


def find_own(rules: Sequence[Mapping[str, Any]], prefix: str) -> Own | None:
    """What our rule for the prefix does now; nothing while it is Disabled; None without one.

    It is ours by its ID and by having the shape that we give it.
    """
    for rule in map(in_filter_form, rules):
        if rule.get("ID") != own_id(prefix):
            continue
        own = _read_own(rule)
        if own_rule(prefix, own) == {**rule, "Status": "Enabled"}:
            return own if rule.get("Status") == "Enabled" else Own()
    return None


def _read_own(rule: Mapping[str, Any]) -> Own:
    def days(action: str, member: str) -> int | None:
        written = rule.get(action)
        return written.get(member) if isinstance(written, Mapping) else None

    return Own(
        days("Expiration", "Days"),
        days("NoncurrentVersionExpiration", "NoncurrentDays"),
        days("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
    )


def others(rules: Sequence[Mapping[str, Any]], prefix: str) -> list[Mapping[str, Any]]:
    """Every rule but ours for the prefix."""
    return [rule for rule in rules if rule.get("ID") != own_id(prefix)]


def own_elsewhere(rules: Sequence[Mapping[str, Any]], prefix: str) -> Iterator[tuple[str, Own]]:
    """Our rules for longer prefixes below this one, with those prefixes."""
    for rule in map(in_filter_form, rules):
        below = rule.get("Filter", {}).get("Prefix", "")
        if below != prefix and below.startswith(prefix) and rule.get("ID") == own_id(below):
            yield below, find_own([rule], below) or Own()


# ---------------------------------------------------------------- everybody's rules


def in_filter_form(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The same rule with its legacy `Prefix` in a Filter: one configuration cannot mix the two.

    An empty Prefix stays an empty prefix and a rule that has a Filter stays as it is.
    """
    if "Prefix" not in rule:
        return dict(rule)
    return {
        "Filter" if name == "Prefix" else name: {"Prefix": value} if name == "Prefix" else value
        for name, value in rule.items()
    }


def with_own(configuration: Mapping[str, Any], prefix: str, own: Own) -> dict[str, Any]:
    """The configuration with our rule in its place, or at the end, and all else as it was meant."""
    rules = [in_filter_form(rule) for rule in configuration.get("Rules", ())]
    ours = own_rule(prefix, own)
    places = [n for n, rule in enumerate(rules) if rule.get("ID") == ours["ID"]]
    if places:
        rules[places[0]] = ours
    else:
        rules.append(ours)
    first = {} if configuration else {MINIMUM_SIZE: USUAL_MINIMUM}
    return {**configuration, **first, "Rules": rules}


def without_own(configuration: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The configuration without our rule; {} if there is nothing else."""
    rules = others(configuration.get("Rules", ()), prefix)
    return {**configuration, "Rules": rules} if rules else {}


def mixed(configuration: Mapping[str, Any]) -> bool:
    """Whether legacy rules stand beside others, which AWS would not take back as they are."""
    return len({"Prefix" in rule for rule in configuration.get("Rules", ())}) > 1


def unwritable(configuration: Mapping[str, Any], prefix: str) -> str:
    """Why the configuration cannot be written back with our rule in it; empty if it can.

    A member that is not known here would be dropped or refused; a rule that cannot be read may
    mean something else once rewritten; a rule with our ID and another shape is somebody's work.
    """
    strange = sorted(set(configuration) - {"Rules", MINIMUM_SIZE})
    if strange:
        return f"the lifecycle configuration has a member {strange[0]} that is not known here"
    rules = configuration.get("Rules", ())
    for read, rule in zip(read_rules(configuration), rules, strict=False):
        if why := _unreadable(read, rule):
            return f"{read.name} cannot be carried over for certain: {why}"
    named = [rule for rule in rules if rule.get("ID") == own_id(prefix)]
    if named and (len(named) > 1 or find_own(named, prefix) is None):
        return (
            f"rule {own_id(prefix)} has the name of Trailkeeper's own rule, but somebody changed "
            "what it does: give it another ID if it is to stay, or remove it"
        )
    return ""


def _unreadable(read: Rule, rule: object) -> str:
    if not isinstance(rule, Mapping):
        return read.doubt
    doubts = [read.doubt, *(deletion.doubt for deletion in read.actions.values())]
    said = next((doubt for doubt in doubts if doubt), "")
    if not said and not {"Prefix", "Filter"} & set(rule):
        said = "it has neither a Prefix nor a Filter"
    return said or next(_unknown(rule, RULE_MEMBERS, "it"), "")


def _unknown(value: Any, known: Any, where: str) -> Iterator[str]:
    """What stands in a rule that the API's model cannot hold."""
    match known:
        case None:
            if isinstance(value, Mapping | list | tuple):
                yield f"its {where} reads {value!r}"
        case [below]:
            for item in value if isinstance(value, list | tuple) else [value]:
                yield from _unknown(item, below, where)
        case _ if not isinstance(value, Mapping):
            yield f"its {where} reads {value!r}"
        case _:
            for name, item in value.items():
                if name not in known:
                    yield f"{where} has a member {name} that is not known here"
                else:
                    yield from _unknown(item, known[name], name)


# ---------------------------------------------------------------- as JSON


def plain(configuration: Mapping[str, Any]) -> Json:
    """The configuration as JSON-able values: dates become ISO 8601 text, which boto3 takes too."""
    return _plain(configuration) if configuration else None


def _plain(value: Any) -> Json:
    match value:
        case Mapping():
            return {name: _plain(below) for name, below in value.items()}
        case list() | tuple():
            return [_plain(below) for below in value]
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case _:
            return value


def put_params(bucket: str, owner: str, configuration: Mapping[str, Any]) -> dict[str, Json]:
    """The parameters of PutBucketLifecycleConfiguration that write just this configuration."""
    said = plain(configuration)
    params = {
        "Bucket": bucket,
        "ExpectedBucketOwner": owner,
        "LifecycleConfiguration": {"Rules": said["Rules"]},
    }
    return params | ({MINIMUM_SIZE: said[MINIMUM_SIZE]} if MINIMUM_SIZE in said else {})
