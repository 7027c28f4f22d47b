"""Tracked findings and targets to and from JSON-able values, for the store: nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from controls.history import LastKnown, Tracked, TrackedTarget
from controls.json_values import moment, plain, target
from controls.model import (
    Coverage,
    Finding,
    Reading,
    Ref,
    Severity,
    State,
    Status,
    TargetStatus,
    Value,
)

T = TypeVar("T")

_TYPES: tuple[type, ...] = (bool, int, float, str, datetime, list, dict)
"""A boolean is an int too, so it comes first."""


class DamagedError(ValueError):
    """The document is not what this version, or one before it, wrote."""


# ---------------------------------------------------------------- to JSON


def tracked_to_json(tracked: Tracked) -> dict[str, Any]:
    """A finding as it stands; every value carries its type, for JSON tells no time from a text."""
    known = tracked.last_known
    return {
        "finding": finding_to_json(tracked.finding),
        "since": moment(tracked.since),
        "first_seen": moment(tracked.first_seen),
        "seen_at": moment(tracked.seen_at),
        "last_known": {"status": known.status.value, "at": moment(known.at)} if known else None,
        "stale": tracked.stale,
    }


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """The finding alone."""
    ref = finding.ref
    return {
        "rule": finding.rule,
        "title": finding.title,
        "severity": finding.severity.value,
        "status": finding.status.value,
        "kind": ref.kind,
        "account": ref.account,
        "region": ref.region,
        "resource": ref.name,
        "arn": ref.arn,
        "owner_account": ref.owner_account,
        "because": finding.because,
        "remedy": finding.remedy,
        "reasons": list(finding.reasons),
        "facts": {name: _reading_json(reading) for name, reading in finding.facts.items()},
        "params": {name: _typed(value) for name, value in finding.params.items()},
        "maps": {name: list(controls) for name, controls in finding.maps.items()},
        "tags": dict(finding.tags),
        "waiver": None if finding.waiver is None else dict(finding.waiver),
        "rule_error": finding.rule_error,
    }


def target_to_json(tracked: TrackedTarget) -> dict[str, Any]:
    """A target as the last sweep found it."""
    success = tracked.last_success
    return {
        **target(tracked.status),
        "seen_at": moment(tracked.seen_at),
        "last_success": None if success is None else moment(success),
    }


def _reading_json(reading: Reading) -> dict[str, Any]:
    return {
        "state": reading.state.value,
        "value": None if reading.value is None else _typed(reading.value),
        "reason": reading.reason,
        "source": reading.source,
        "read_at": moment(reading.read_at),
    }


def _typed(value: Value) -> list[Any]:
    """`[name of its type, the value as JSON can hold it]`."""
    return [next(of.__name__ for of in _TYPES if isinstance(value, of)), plain(value)]


# ---------------------------------------------------------------- from JSON


def tracked_from_json(document: Mapping[str, Any]) -> Tracked:
    """What `tracked_to_json` wrote. Keys that are not known are passed over.

    Raises:
        DamagedError: it is not that.
    """
    return _read(document, _tracked)


def finding_from_json(document: Mapping[str, Any]) -> Finding:
    """What `finding_to_json` wrote. Raises DamagedError."""
    return _read(document, _finding)


def target_from_json(document: Mapping[str, Any]) -> TrackedTarget:
    """What `target_to_json` wrote. Raises DamagedError."""
    return _read(document, _target)


def _read(document: Mapping[str, Any], read: Callable[[Mapping[str, Any]], T]) -> T:
    try:
        return read(document)
    except KeyError as error:
        raise DamagedError(f"the stored document is damaged: {error} is missing") from error
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise DamagedError(f"the stored document is damaged: {error}") from error


def _tracked(document: Mapping[str, Any]) -> Tracked:
    known = document["last_known"]
    return Tracked(
        finding=_finding(document["finding"]),
        since=_time(document["since"]),
        first_seen=_time(document["first_seen"]),
        seen_at=_time(document["seen_at"]),
        last_known=LastKnown(Status(known["status"]), _time(known["at"])) if known else None,
        stale=bool(document["stale"]),
    )


def _finding(document: Mapping[str, Any]) -> Finding:
    waiver = document["waiver"]
    return Finding(
        rule=document["rule"],
        title=document["title"],
        severity=Severity(document["severity"]),
        status=Status(document["status"]),
        ref=Ref(
            kind=document["kind"],
            account=document["account"],
            region=document["region"],
            name=document["resource"],
            arn=document["arn"],
            owner_account=document["owner_account"],
        ),
        because=document["because"],
        remedy=document["remedy"],
        reasons=tuple(document["reasons"]),
        facts={name: _reading(reading) for name, reading in document["facts"].items()},
        params={name: _value(typed) for name, typed in document["params"].items()},
        maps={name: tuple(controls) for name, controls in document["maps"].items()},
        tags=dict(document["tags"]),
        waiver=None if waiver is None else dict(waiver),
        rule_error=bool(document["rule_error"]),
    )


def _target(document: Mapping[str, Any]) -> TrackedTarget:
    success = document["last_success"]
    return TrackedTarget(
        status=TargetStatus(
            account=document["account"],
            region=document["region"],
            status=Coverage(document["status"]),
            reason=document["reason"],
            resources=document["resources"],
        ),
        seen_at=_time(document["seen_at"]),
        last_success=None if success is None else _time(success),
    )


def _reading(document: Mapping[str, Any]) -> Reading:
    typed = document["value"]
    return Reading(
        state=State(document["state"]),
        value=None if typed is None else _value(typed),
        reason=document["reason"],
        source=document["source"],
        read_at=_time(document["read_at"]),
    )


def _value(typed: list[Any]) -> Value:
    of, value = typed
    return _READERS[of](value)


def _time(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError(f"the time {text} has no zone")
    return read.astimezone(UTC)


_READERS: Mapping[str, Callable[[Any], Value]] = {
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "datetime": _time,
    "list": list,
    "dict": dict,
}
