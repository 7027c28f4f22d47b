"""Wrong readings of S3 lifecycle, kept so that the model can be seen to refute each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controls.model import Absent, Said, Unknown
from controls.semantics.lifecycle import due_for_deletion, first_deletion, uploads_aborted
from tests.controls.semantics.lifecycle_model import NOW, P

Configuration = Mapping[str, Any]
Written = dict[str, Any]
Change = Callable[[Written], Written | None]
"""Rewrites one rule before the subject reads it; None drops the rule."""

LONG_AGO = datetime.fromisoformat("2020-01-01T00:00:00+00:00")


@dataclass(frozen=True)
class Reading:
    """One way to read lifecycle: the three questions, each of (configuration, versioning)."""

    due: Callable[[Configuration, str], Said[int] | Absent | Unknown]
    first: Callable[[Configuration, str], Said[int] | Absent | Unknown]
    uploads: Callable[[Configuration, str], Said[int] | Absent | Unknown]


SUBJECT = Reading(
    due=lambda configuration, versioning: due_for_deletion(configuration, versioning, P, NOW),
    first=lambda configuration, versioning: first_deletion(configuration, versioning, P, NOW),
    uploads=lambda configuration, versioning: uploads_aborted(configuration, P),
)


def rules_changed(change: Change) -> Reading:
    """The subject, shown other rules than those written."""

    def rewritten(configuration: Configuration) -> Configuration:
        rules = [change(dict(rule)) for rule in configuration["Rules"]]
        return {"Rules": [rule for rule in rules if rule is not None]}

    return Reading(
        due=lambda configuration, versioning: SUBJECT.due(rewritten(configuration), versioning),
        first=lambda configuration, versioning: SUBJECT.first(rewritten(configuration), versioning),
        uploads=lambda configuration, _: SUBJECT.uploads(rewritten(configuration), ""),
    )


def versioning_read_as(other: Mapping[str, str]) -> Reading:
    """The subject, shown another state of versioning."""
    return Reading(
        due=lambda rules, versioning: SUBJECT.due(rules, other.get(versioning, versioning)),
        first=lambda rules, versioning: SUBJECT.first(rules, other.get(versioning, versioning)),
        uploads=SUBJECT.uploads,
    )


def _ignore_disabled(rule: Written) -> Written:
    return rule | {"Status": "Enabled"}


def _without_predicates(rule: Written, *names: str) -> Written:
    """The rule with a filter that lacks some predicates, in And too."""

    def kept(written: Mapping[str, Any]) -> Written:
        return {name: value for name, value in written.items() if name not in names}

    if "Filter" not in rule:
        return rule
    bare = kept(rule["Filter"])
    return rule | {"Filter": bare | ({"And": kept(bare["And"])} if "And" in bare else {})}


def _prefix_changed(rule: Written, change: Callable[[str], str]) -> Written:
    if "Prefix" in rule:
        return rule | {"Prefix": change(rule["Prefix"])}
    written = rule.get("Filter", {})
    if "And" in written:
        inner = written["And"]
        return rule | {"Filter": {"And": inner | {"Prefix": change(inner.get("Prefix", ""))}}}
    return rule | {"Filter": written | {"Prefix": change(written.get("Prefix", ""))}}


def _noncurrent_is_deletion(rule: Written) -> Written:
    noncurrent = rule.get("NoncurrentVersionExpiration")
    if noncurrent is None or "Expiration" in rule:
        return rule
    return rule | {"Expiration": {"Days": noncurrent["NoncurrentDays"]}}


def _newer_versions_ignored(rule: Written) -> Written:
    noncurrent = rule.get("NoncurrentVersionExpiration")
    if noncurrent is None:
        return rule
    days = {"NoncurrentDays": noncurrent["NoncurrentDays"]}
    return rule | {"NoncurrentVersionExpiration": days}


def _legacy_prefix_ignored(rule: Written) -> Written:
    return {name: value for name, value in rule.items() if name != "Prefix"}


def _no_filter_is_no_object(rule: Written) -> Written | None:
    return rule if rule.get("Filter") or "Prefix" in rule else None


def _marker_is_deletion(rule: Written) -> Written:
    marker = rule.get("Expiration", {}).get("ExpiredObjectDeleteMarker")
    return rule | {"Expiration": {"Days": 1}} if marker else rule


def _containment_backwards(rule: Written) -> Written:
    return _prefix_changed(rule, lambda prefix: P if prefix.startswith(P) else "elsewhere/")


def _longer_prefix_covers(rule: Written) -> Written:
    return _prefix_changed(rule, lambda prefix: P if prefix.startswith(P) else prefix)


def _date_is_past(rule: Written) -> Written:
    has_date = "Date" in rule.get("Expiration", {})
    return rule | {"Expiration": {"Date": LONG_AGO}} if has_date else rule


def _date_ignored(rule: Written) -> Written:
    if "Date" not in rule.get("Expiration", {}):
        return rule
    return {name: value for name, value in rule.items() if name != "Expiration"}


def _transition_is_deletion(rule: Written) -> Written:
    if "Transitions" not in rule or "Expiration" in rule:
        return rule
    return rule | {"Expiration": {"Days": rule["Transitions"][0]["Days"]}}


def _size_bounds_inclusive(rule: Written) -> Written:
    written = rule.get("Filter", {})
    below = written.get("ObjectSizeLessThan")
    return rule if below is None else rule | {"Filter": written | {"ObjectSizeLessThan": below + 1}}


def _tagged_never_touch(rule: Written) -> Written | None:
    written = rule.get("Filter", {})
    return None if "Tag" in written or "Tags" in written.get("And", {}) else rule


def _and_ignored(rule: Written) -> Written:
    return rule | {"Filter": {}} if "And" in rule.get("Filter", {}) else rule


def _unknown_predicate_ignored(rule: Written) -> Written:
    return _without_predicates(rule, "StorageClass")


def _unknown_status_is_disabled(rule: Written) -> Written:
    return rule | {"Status": "Disabled"} if rule["Status"] == "Paused" else rule


def _first_rule_decides() -> Reading:
    return Reading(
        due=lambda rules, versioning: SUBJECT.due({"Rules": rules["Rules"][:1]}, versioning),
        first=lambda rules, versioning: SUBJECT.first({"Rules": rules["Rules"][:1]}, versioning),
        uploads=SUBJECT.uploads,
    )


def _earliest_for_latest() -> Reading:
    return Reading(due=SUBJECT.first, first=SUBJECT.first, uploads=SUBJECT.uploads)


def _latest_for_earliest() -> Reading:
    return Reading(due=SUBJECT.due, first=SUBJECT.due, uploads=SUBJECT.uploads)


MUTANTS: Mapping[str, Reading] = {
    "takes Disabled rules for Enabled": rules_changed(_ignore_disabled),
    "ignores tags": rules_changed(lambda rule: _without_predicates(rule, "Tag", "Tags")),
    "ignores sizes": rules_changed(
        lambda rule: _without_predicates(rule, "ObjectSizeGreaterThan", "ObjectSizeLessThan")
    ),
    "takes size bounds as inclusive": rules_changed(_size_bounds_inclusive),
    "ignores And": rules_changed(_and_ignored),
    "ignores versioning": versioning_read_as({"Enabled": "Off", "Suspended": "Off"}),
    "takes Suspended for Enabled": versioning_read_as({"Suspended": "Enabled"}),
    "counts noncurrent-only rules as deletion": rules_changed(_noncurrent_is_deletion),
    "ignores NewerNoncurrentVersions": rules_changed(_newer_versions_ignored),
    "ignores a legacy Prefix": rules_changed(_legacy_prefix_ignored),
    "takes no Filter for no object": rules_changed(_no_filter_is_no_object),
    "takes ExpiredObjectDeleteMarker for deletion": rules_changed(_marker_is_deletion),
    "turns prefix containment round": rules_changed(_containment_backwards),
    "lets a longer prefix cover all": rules_changed(_longer_prefix_covers),
    "takes a date to come for one that has passed": rules_changed(_date_is_past),
    "ignores dates": rules_changed(_date_ignored),
    "takes a transition for deletion": rules_changed(_transition_is_deletion),
    "says no tagged rule can touch a log": rules_changed(_tagged_never_touch),
    "ignores a predicate it does not know": rules_changed(_unknown_predicate_ignored),
    "takes a status it does not know for Disabled": rules_changed(_unknown_status_is_disabled),
    "reads the first rule only": _first_rule_decides(),
    "takes the earliest where the latest is asked": _earliest_for_latest(),
    "takes the latest where the earliest is asked": _latest_for_earliest(),
}
