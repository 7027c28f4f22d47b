"""S3 lifecycle the slow way: concrete logs, one midnight after the other, until the bytes go.

Shares no code with what it judges. Hours count from an epoch; midnight UTC is every 24th. A log
that outlives LIMIT days counts as never deleted, as every number of days written in the
configurations under test is far below that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Rules = list[Mapping[str, Any]]

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
TODAY = 100
NOW = EPOCH + timedelta(days=TODAY, hours=12)
LIMIT = 20

P = "logs/"
KEYS = ("logs/a", "logs/ab", "logs/b", "logs/z")
SIZES = (1, 998, 999, 1000, 1001, 5 * 1024**4)
TAGS = frozenset({("team", "a"), ("team", "b"), ("keep", "no")})
"""All that somebody could tag a log with, one after the other."""


@dataclass(frozen=True)
class Log:
    """A log as it lies in the bucket. `versioned`: it has a version id, not null."""

    key: str
    size: int
    tags: frozenset[tuple[str, str]]
    versioned: bool
    born: int  # hours


# ---------------------------------------------------------------- the answers


def latest(configuration: Mapping[str, Any], versioning: str) -> int | None:
    """The greatest age at which an untagged log's bytes are deleted; None if some stay."""
    ages = list(_ages(configuration, versioning, tags=(frozenset(),)))
    return None if None in ages else max(age for age in ages if age is not None)


def earliest(configuration: Mapping[str, Any], versioning: str) -> int | None:
    """The least age at which any log's bytes are deleted, be it tagged; None if all stay."""
    ages = _ages(configuration, versioning, tags=(frozenset(), TAGS))
    return min((age for age in ages if age is not None), default=None)


def uploads(configuration: Mapping[str, Any]) -> int | None:
    """The greatest age at which an incomplete upload is aborted; None if some stay."""
    ages = [_aborted(configuration["Rules"], key) for key in KEYS]
    return None if None in ages else max(age for age in ages if age is not None)


def without_doubtful(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The world in which a rule nobody can read does nothing."""
    return {"Rules": [rule for rule in configuration["Rules"] if rule == _readable(rule)]}


def with_doubtful(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The world in which it does all it names."""
    return {"Rules": [_readable(rule) for rule in configuration["Rules"]]}


def _readable(rule: Mapping[str, Any]) -> dict[str, Any]:
    clear = dict(rule)
    if clear["Status"] == "Paused":
        clear["Status"] = "Enabled"
    if "StorageClass" in clear.get("Filter", {}):
        clear["Filter"] = {k: v for k, v in clear["Filter"].items() if k != "StorageClass"}
    return clear


# ---------------------------------------------------------------- the bucket


def _ages(
    configuration: Mapping[str, Any],
    versioning: str,
    *,
    tags: tuple[frozenset[tuple[str, str]], ...],
) -> Iterator[int | None]:
    """The ages at which the logs that are there today, or will be, lose their bytes."""
    for key in KEYS:
        for size in SIZES:
            for tagged in tags:
                rules = [
                    rule
                    for rule in configuration["Rules"]
                    if rule["Status"] == "Enabled" and _applies(rule, key, size, tagged)
                ]
                for versioned, born in _births(versioning):
                    log = Log(key, size, tagged, versioned, born)
                    gone = _gone(rules, versioning, log)
                    if gone is not None and gone <= TODAY * 24 + 12:
                        continue
                    age = None if gone is None else (gone - born) // 24
                    yield None if age is None or age > LIMIT else age


def _births(versioning: str) -> Iterator[tuple[bool, int]]:
    """Version id or null, and when: long ago, on each of the last days, and on days to come.

    The last days matter where a date is near: what is due by its age before that date.
    """
    past = [(TODAY - day) * 24 + 10 for day in (LIMIT + 5, 4, 3, 2, 1)]
    future = [(TODAY + day) * 24 + hour for day, hour in ((1, 0), (1, 10), (2, 10), (5, 23))]
    if versioning == "Off":
        yield from ((False, born) for born in past + future)
    if versioning == "Enabled":
        yield from ((False, born) for born in past)  # written before versioning was enabled
        yield from ((True, born) for born in past + future)
    if versioning == "Suspended":
        yield from ((True, born) for born in past)  # written while it was enabled
        yield from ((False, born) for born in past + future)


def _gone(rules: Rules, versioning: str, log: Log) -> int | None:
    """The midnight at which S3 deletes the bytes of a log, going through them one by one."""
    became_noncurrent: int | None = None
    midnight = -(-log.born // 24) * 24
    while midnight <= (TODAY + LIMIT + 10) * 24:
        if became_noncurrent is None:
            if any(_expires(rule, log.born, midnight) for rule in rules):
                if versioning == "Off":
                    return midnight
                if versioning == "Suspended" and not log.versioned:
                    return midnight  # the null delete marker takes the null version's place
                became_noncurrent = midnight
        elif any(_expires_noncurrent(rule, became_noncurrent, midnight) for rule in rules):
            return midnight
        midnight += 24
    return None


def _expires(rule: Mapping[str, Any], born: int, midnight: int) -> bool:
    expiration = rule.get("Expiration", {})
    if "Days" in expiration:
        return bool(midnight >= -(-(born + expiration["Days"] * 24) // 24) * 24)
    if "Date" in expiration:
        return bool(EPOCH + timedelta(hours=midnight) >= expiration["Date"])
    return False  # ExpiredObjectDeleteMarker removes markers, which hold no bytes


def _expires_noncurrent(rule: Mapping[str, Any], since: int, midnight: int) -> bool:
    action = rule.get("NoncurrentVersionExpiration")
    if action is None:
        return False
    newer_noncurrent_versions = 0  # the key was written once: nothing is newer but the marker
    kept = newer_noncurrent_versions < action.get("NewerNoncurrentVersions", 0)
    return not kept and midnight >= since + action["NoncurrentDays"] * 24


def _aborted(rules: Rules, key: str) -> int | None:
    """The age in days at which an upload to a key is aborted."""
    for age in range(LIMIT):
        for rule in rules:
            action = rule.get("AbortIncompleteMultipartUpload")
            if (
                action is not None
                and rule["Status"] == "Enabled"
                and _applies(rule, key, 1, frozenset())
                and age >= action["DaysAfterInitiation"]
            ):
                return age
    return None


# ---------------------------------------------------------------- filters


def _applies(
    rule: Mapping[str, Any], key: str, size: int, tags: frozenset[tuple[str, str]]
) -> bool:
    """Whether the rule's filter admits the object: each predicate is asked by itself."""
    if "Prefix" in rule:
        return key.startswith(rule["Prefix"])
    return all(
        _admits(name, wanted, key, size, tags) for name, wanted in rule.get("Filter", {}).items()
    )


def _admits(name: str, wanted: Any, key: str, size: int, tags: frozenset[tuple[str, str]]) -> bool:
    match name:
        case "Prefix":
            return key.startswith(wanted)
        case "ObjectSizeGreaterThan":
            return size > int(wanted)
        case "ObjectSizeLessThan":
            return size < int(wanted)
        case "Tag":
            return (wanted["Key"], wanted["Value"]) in tags
        case "Tags":
            return all((tag["Key"], tag["Value"]) in tags for tag in wanted)
        case "And":
            return all(_admits(part, want, key, size, tags) for part, want in wanted.items())
        case _:
            raise ValueError(f"the model knows no predicate {name}")
