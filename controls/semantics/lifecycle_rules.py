"""Read the rules of an S3 lifecycle configuration; what cannot be read becomes a doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

Action: TypeAlias = Literal[
    "Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"
]
"""The three actions of a rule that remove bytes, in the words of the S3 API."""

ACTIONS: Final[tuple[Action, ...]] = (
    "Expiration",
    "NoncurrentVersionExpiration",
    "AbortIncompleteMultipartUpload",
)
TRANSITIONS: Final = {
    "Transition",
    "Transitions",
    "NoncurrentVersionTransition",
    "NoncurrentVersionTransitions",
}
MEMBERS: Final = {"ID", "Status", "Prefix", "Filter", *ACTIONS, *TRANSITIONS}
PREDICATES: Final = {"Prefix", "Tag", "Tags", "ObjectSizeGreaterThan", "ObjectSizeLessThan"}


@dataclass(frozen=True, slots=True)
class Scope:
    """The objects a rule applies to: all of these must hold.

    Sizes in bytes, both ends included; 0 and None where the filter sets no bound. S3's bounds
    are strict: ObjectSizeGreaterThan 999 starts at 1000 bytes (S3 User Guide,
    intro-lifecycle-filters).
    """

    prefix: str = ""
    tags: tuple[str, ...] = ()
    smallest: int = 0
    largest: int | None = None

    @property
    def sized(self) -> bool:
        """Whether the filter names a size, be it ObjectSizeGreaterThan 0."""
        return self.smallest > 0 or self.largest is not None

    def holds(self, size: int) -> bool:
        """Whether an object of so many bytes lies within the bounds."""
        return self.smallest <= size and (self.largest is None or size <= self.largest)


@dataclass(frozen=True, slots=True)
class Deletion:
    """One deleting action: after `days`, or, with 0 days, for every object from `date` on.

    `keeps` is NewerNoncurrentVersions. With a `doubt` the action may do anything from nothing
    to deleting after `days`.
    """

    days: int
    date: datetime | None = None
    keeps: int = 0
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as read. With a `doubt` it may do anything from nothing to all it names."""

    name: str
    enabled: bool
    scope: Scope
    actions: Mapping[Action, Deletion]
    tidies_markers: bool = False
    transitions: bool = False
    doubt: str = ""


def read_rules(configuration: Mapping[str, Any] | None) -> tuple[Rule, ...]:
    """The rules of a GetBucketLifecycleConfiguration answer, in its order; none for {} or None.

    Nothing is raised and nothing dropped: a part that cannot be read is a rule, or an action,
    with a doubt.
    """
    written = (configuration or {}).get("Rules", ())
    if not isinstance(written, list | tuple):
        return (_anything("the lifecycle configuration", "its Rules are not a list"),)
    return tuple(_rule(raw, number) for number, raw in enumerate(written, start=1))


def _rule(raw: object, number: int) -> Rule:
    if not isinstance(raw, Mapping):
        return _anything(f"rule #{number}", f"it reads {raw!r}")
    status = raw.get("Status")
    scope, unread = _scope(raw)
    doubts = [*_unknown(raw, MEMBERS, "the rule"), *unread]
    if status not in ("Enabled", "Disabled"):
        doubts.append(f"its Status is {status!r}, neither Enabled nor Disabled")
    actions = _actions(raw)
    if set(raw) - MEMBERS:
        # A member we do not know may be an action: then it may delete anything at any age.
        actions = {action: actions.get(action, Deletion(0)) for action in ACTIONS}
    expiration = raw.get("Expiration")
    return Rule(
        name=f"rule {raw['ID']}" if raw.get("ID") else f"rule #{number}",
        enabled=status != "Disabled",
        scope=scope,
        actions=actions,
        tidies_markers=isinstance(expiration, Mapping)
        and expiration.get("ExpiredObjectDeleteMarker") is True,
        transitions=bool(set(raw) & TRANSITIONS),
        doubt=", and ".join(doubts),
    )


def _anything(name: str, doubt: str) -> Rule:
    return Rule(name, True, Scope(), {action: Deletion(0) for action in ACTIONS}, doubt=doubt)


def _unknown(found: Mapping[str, Any], known: set[str], where: str) -> list[str]:
    """A doubt for each member that this version does not know."""
    return [
        f"{where} has a member {name} that Trailkeeper does not know"
        for name in sorted(set(found) - known)
    ]


# ---------------------------------------------------------------- filters


def _scope(raw: Mapping[str, Any]) -> tuple[Scope, list[str]]:
    """Legacy rules have a Prefix of their own and no Filter; with neither, all objects."""
    if "Prefix" in raw and "Filter" in raw:
        return Scope(), ["it has both a Prefix and a Filter"]
    if "Prefix" in raw:
        return _predicates({"Prefix": raw["Prefix"]})
    written = raw.get("Filter", {})
    if isinstance(written, Mapping) and set(written) == {"And"}:
        written = written["And"]
    if not isinstance(written, Mapping):
        return Scope(), [f"its Filter reads {written!r}"]
    return _predicates(written)


def _predicates(written: Mapping[str, Any]) -> tuple[Scope, list[str]]:
    doubts = _unknown(written, PREDICATES, "its Filter")
    prefix = written.get("Prefix", "")
    if not isinstance(prefix, str):
        doubts.append(f"its Prefix is {prefix!r}")
        prefix = ""
    above, below = (_bound(written, name) for name in ("GreaterThan", "LessThan"))
    tags = [written["Tag"]] if "Tag" in written else []
    listed = written.get("Tags", ())
    tags += listed if isinstance(listed, list | tuple) else [listed]
    scope = Scope(
        prefix=prefix,
        tags=tuple(_tag(tag) for tag in tags),
        smallest=above + 1 if isinstance(above, int) else 0,
        largest=below - 1 if isinstance(below, int) else None,
    )
    return scope, doubts + [doubt for doubt in (above, below) if isinstance(doubt, str)]


def _bound(written: Mapping[str, Any], which: str) -> int | str | None:
    """A size bound in bytes, None where there is none, or the doubt about it."""
    name = f"ObjectSize{which}"
    size = written.get(name)
    if name not in written or (type(size) is int and size >= 0):
        return size
    return f"its {name} is {size!r}"


def _tag(tag: object) -> str:
    return f"{tag.get('Key')}={tag.get('Value')}" if isinstance(tag, Mapping) else repr(tag)


# ---------------------------------------------------------------- actions


def _actions(raw: Mapping[str, Any]) -> dict[Action, Deletion]:
    """The deleting actions of a rule. An Expiration that only tidies markers is none."""
    read: dict[Action, Deletion | None] = {
        "Expiration": _expiration(raw.get("Expiration", {})),
        "NoncurrentVersionExpiration": _noncurrent(raw.get("NoncurrentVersionExpiration")),
        "AbortIncompleteMultipartUpload": _abort(raw.get("AbortIncompleteMultipartUpload")),
    }
    for action in ACTIONS:
        if action in raw and not isinstance(raw[action], Mapping):
            read[action] = Deletion(0, doubt=f"its {action} reads {raw[action]!r}")
    return {action: deletion for action, deletion in read.items() if deletion is not None}


def _expiration(written: object) -> Deletion | None:
    if not isinstance(written, Mapping):
        return None
    unknown = _unknown(written, {"Days", "Date", "ExpiredObjectDeleteMarker"}, "its Expiration")
    if unknown:
        return Deletion(0, doubt=", and ".join(unknown))
    match "Days" in written, "Date" in written:
        case True, True:
            return Deletion(0, doubt="its Expiration has both Days and Date")
        case True, False:
            return _after(written, "Expiration", "Days")
        case False, True:
            return _from(written["Date"])
    return None


def _from(date: object) -> Deletion:
    if isinstance(date, datetime) and date.utcoffset() is not None:
        return Deletion(0, date=date)
    return Deletion(0, doubt=f"its Expiration.Date is {date!r}, not a time with a time zone")


def _noncurrent(written: object) -> Deletion | None:
    if not isinstance(written, Mapping):
        return None
    name = "NoncurrentVersionExpiration"
    unknown = _unknown(written, {"NoncurrentDays", "NewerNoncurrentVersions"}, f"its {name}")
    if unknown:
        return Deletion(0, doubt=", and ".join(unknown))
    after = _after(written, name, "NoncurrentDays")
    keeps = written.get("NewerNoncurrentVersions", 0)
    if "NewerNoncurrentVersions" not in written:
        return after
    if type(keeps) is not int or keeps < 1:
        return Deletion(0, doubt=f"its {name}.NewerNoncurrentVersions is {keeps!r}")
    return Deletion(after.days, keeps=keeps, doubt=after.doubt)


def _abort(written: object) -> Deletion | None:
    if not isinstance(written, Mapping):
        return None
    name = "AbortIncompleteMultipartUpload"
    unknown = _unknown(written, {"DaysAfterInitiation"}, f"its {name}")
    if unknown:
        return Deletion(0, doubt=", and ".join(unknown))
    return _after(written, name, "DaysAfterInitiation")


def _after(written: Mapping[str, Any], action: str, member: str) -> Deletion:
    """S3 accepts whole numbers from 1 up only (S3 API, LifecycleExpiration)."""
    days = written.get(member)
    if type(days) is int and days >= 1:
        return Deletion(days)
    return Deletion(0, doubt=f"its {action}.{member} is {days!r}, not a whole number from 1 up")
