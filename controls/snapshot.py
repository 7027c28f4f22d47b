"""A snapshot to and from JSON-able values, so that a sweep can be judged again elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from controls.json_values import moment, plain, target
from controls.model import (
    Coverage,
    Gap,
    Reading,
    Ref,
    Resource,
    Snapshot,
    State,
    TargetStatus,
    Value,
)

SCHEMA = "trailkeeper.snapshot/1"

T = TypeVar("T")

_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),  # before int, for a boolean is one
    (int, "int"),
    (float, "float"),
    (str, "string"),
    (datetime, "timestamp"),
    (list, "list"),
    (dict, "map"),
)


class SnapshotError(Exception):
    """The document is no snapshot that this version can read; says where and what to do."""


# ---------------------------------------------------------------- to JSON


def to_json(snapshot: Snapshot) -> dict[str, Any]:
    """The snapshot as dicts, lists, texts, numbers and booleans, ready for `json.dumps`.

    Every known value carries its type, since JSON alone tells a time from a text as little as
    1 from 1.0.
    """
    return {
        "schema": SCHEMA,
        "taken_at": moment(snapshot.taken_at),
        "targets": [target(each) for each in snapshot.targets],
        "counts": dict(sorted(Counter(each.ref.kind for each in snapshot.resources).items())),
        "resources": [_resource_json(resource) for resource in snapshot.resources],
        "gaps": [
            {
                "kind": gap.kind,
                "account": gap.account,
                "region": gap.region,
                "reason": gap.reason,
                "resource": gap.resource,
            }
            for gap in snapshot.gaps
        ],
        "collected": {kind: list(facts) for kind, facts in snapshot.collected.items()},
    }


def _resource_json(resource: Resource) -> dict[str, Any]:
    ref = resource.ref
    return {
        "kind": ref.kind,
        "account": ref.account,
        "region": ref.region,
        "name": ref.name,
        "arn": ref.arn,
        "owner_account": ref.owner_account,
        "tags": dict(resource.tags),
        "writer_tags": [dict(tags) for tags in resource.writer_tags],
        "facts": {name: _reading_json(reading) for name, reading in resource.facts.items()},
    }


def _reading_json(reading: Reading) -> dict[str, Any]:
    document: dict[str, Any] = {"state": reading.state.value}
    if reading.value is not None:
        document["type"], document["value"] = _typed(reading.value)
    document["reason"] = reading.reason
    document["source"] = reading.source
    document["read_at"] = moment(reading.read_at)
    return document


def _typed(value: Value) -> tuple[str, Any]:
    """The name of the value's type, and the value as JSON can hold it."""
    return next(name for of, name in _TYPES if isinstance(value, of)), plain(value)


# ---------------------------------------------------------------- from JSON


def from_json(document: object) -> Snapshot:
    """The snapshot that `to_json` wrote.

    Keys that are not known are passed over: a later version may have added them.

    Raises:
        SnapshotError: another schema version, a shape that is not the snapshot's, or resources
            that are not as many as its targets say.
    """
    top = _Place(document, "")
    if not isinstance(document, Mapping) or "schema" not in document:
        raise SnapshotError(
            "this is no snapshot, it has no schema: `trailkeeper snapshot` takes one"
        )
    if document["schema"] != SCHEMA:
        raise SnapshotError(
            f"the snapshot's schema is {document['schema']!r}, this version reads {SCHEMA!r}: "
            "take it again, or judge it with the version that took it"
        )
    if "collected" not in document:
        raise SnapshotError(
            "the snapshot is of an older version, it does not say what was looked for "
            "(`collected`): take it again"
        )
    snapshot = Snapshot(
        taken_at=top.at("taken_at").time(),
        targets=top.at("targets").each(_target),
        resources=top.at("resources").each(_resource),
        gaps=top.at("gaps").each(_gap),
        collected=top.at("collected").by_name(lambda facts: facts.each(_Place.text)),
    )
    _refuse_what_was_cut(snapshot, top.at("counts").by_name(_Place.whole))
    return snapshot


def _refuse_what_was_cut(snapshot: Snapshot, counts: Mapping[str, int]) -> None:
    """A snapshot of which something was taken away must not be judged as if that were not there.

    This finds what was cut or merged by mistake; it is no proof against somebody who means it.
    """
    if not snapshot.targets:
        raise SnapshotError(
            "the snapshot has no targets, so nothing was looked at: take one of an account"
        )
    places = Counter((each.ref.account, each.ref.region) for each in snapshot.resources)
    for index, one in enumerate(snapshot.targets):
        found = places[one.account, one.region]
        if found != one.resources:
            raise SnapshotError(
                f"the snapshot is damaged at targets[{index}].resources: {one.account}/"
                f"{one.region} should have {one.resources}, {found} stand in it: take it again"
            )
    ids = {each.ref.id for each in snapshot.resources}
    if counts != Counter(each.ref.kind for each in snapshot.resources) or len(ids) != sum(
        counts.values()
    ):
        raise SnapshotError(
            "the snapshot is damaged at resources: some are missing, or stand there twice, by "
            "what `counts` says: take it again"
        )


class _Place:
    """A value inside the document and the path to it, for messages."""

    __slots__ = ("path", "value")

    def __init__(self, value: object, path: str) -> None:
        self.value = value
        self.path = path

    def wrong(self, expected: str) -> SnapshotError:
        found = type(self.value).__name__ if self.value is not None else "null"
        return SnapshotError(f"the snapshot is damaged at {self.path}: {expected}, found {found}")

    def mapping(self) -> Mapping[str, object]:
        if not isinstance(self.value, Mapping):
            raise self.wrong("an object should stand here")
        return self.value

    def has(self, key: str) -> bool:
        return key in self.mapping()

    def at(self, key: str) -> _Place:
        place = _Place(self.mapping().get(key), f"{self.path}.{key}".lstrip("."))
        if not self.has(key):
            raise SnapshotError(f"the snapshot is damaged at {place.path}: it is missing")
        return place

    def each(self, read: Callable[[_Place], T]) -> tuple[T, ...]:
        if not isinstance(self.value, list):
            raise self.wrong("a list should stand here")
        return tuple(
            read(_Place(item, f"{self.path}[{index}]")) for index, item in enumerate(self.value)
        )

    def by_name(self, read: Callable[[_Place], T]) -> dict[str, T]:
        return {str(key): read(self.at(key)) for key in self.mapping()}

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong("a text should stand here")
        return self.value

    def whole(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.wrong("a whole number should stand here")
        return self.value

    def time(self) -> datetime:
        read = _parsed_time(self.text())
        if read is None:
            raise SnapshotError(
                f"the snapshot is damaged at {self.path}: {self.value!r} is no time with a zone "
                "(2026-11-22T08:00:00Z)"
            )
        return read


def _parsed_time(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo is not None else None
    except (ValueError, OverflowError):  # a zone can carry the year out of its range
        return None


def _target(place: _Place) -> TargetStatus:
    reason = place.at("reason")
    return TargetStatus(
        account=place.at("account").text(),
        region=place.at("region").text(),
        status=Coverage(_one_of(place.at("status"), tuple(Coverage))),
        reason=None if reason.value is None else reason.text(),
        resources=place.at("resources").whole(),
    )


def _gap(place: _Place) -> Gap:
    return Gap(
        kind=place.at("kind").text(),
        account=place.at("account").text(),
        region=place.at("region").text(),
        reason=place.at("reason").text(),
        resource=place.at("resource").text(),
    )


def _resource(place: _Place) -> Resource:
    return Resource(
        ref=Ref(
            kind=place.at("kind").text(),
            account=place.at("account").text(),
            region=place.at("region").text(),
            name=place.at("name").text(),
            arn=place.at("arn").text(),
            owner_account=place.at("owner_account").text(),
        ),
        facts=place.at("facts").by_name(_reading),
        tags=place.at("tags").by_name(_Place.text),
        writer_tags=place.at("writer_tags").each(lambda tags: tags.by_name(_Place.text)),
    )


def _reading(place: _Place) -> Reading:
    state = State(_one_of(place.at("state"), tuple(State)))
    if (state is State.KNOWN) != place.has("value"):
        raise SnapshotError(
            f"the snapshot is damaged at {place.path}: a fact that is {state} "
            f"{'needs' if state is State.KNOWN else 'cannot have'} a value"
        )
    return Reading(
        state=state,
        value=_value(place) if state is State.KNOWN else None,
        reason=place.at("reason").text(),
        source=place.at("source").text(),
        read_at=place.at("read_at").time(),
    )


def _value(place: _Place) -> Value:
    """The known value of a fact, of exactly the type it was written with."""
    read = _READERS[_one_of(place.at("type"), tuple(_READERS))]
    return read(place.at("value"))


def _boolean(place: _Place) -> bool:
    if not isinstance(place.value, bool):
        raise place.wrong("true or false should stand here")
    return place.value


def _float(place: _Place) -> float:
    if place.value in ("nan", "inf", "-inf"):
        return float(place.text())
    return place.value if isinstance(place.value, float) else float(place.whole())


def _list(place: _Place) -> list[str]:
    return list(place.each(_Place.text))


def _map(place: _Place) -> dict[str, str]:
    return place.by_name(_Place.text)


_READERS: Mapping[str, Callable[[_Place], Value]] = {
    "bool": _boolean,
    "int": _Place.whole,
    "float": _float,
    "string": _Place.text,
    "timestamp": _Place.time,
    "list": _list,
    "map": _map,
}


def _one_of(place: _Place, known: tuple[str, ...]) -> str:
    text = place.text()
    if text not in known:
        raise SnapshotError(
            f"the snapshot is damaged at {place.path}: {text!r} is none of {', '.join(known)}"
        )
    return text
