"""Toy kinds and rules for tests of the engine: a new AWS kind never edits an engine test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from controls.kinds.kind import Fact, Item, Kind
from controls.model import (
    Absent,
    Answer,
    Gap,
    Maybe,
    Reader,
    Reading,
    Ref,
    Resource,
    Said,
    Snapshot,
    State,
    TargetStatus,
    Unknown,
    Value,
)
from controls.rule import Rule
from controls.rule_file import RuleText, parse_rules

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def locked(aws: Reader, box: Item) -> Answer[bool]:
    """Whether the lid is locked."""
    return bool(box.data["locked"])


def painted(aws: Reader, box: Item) -> Answer[bool]:
    """Whether there is paint on it."""
    return bool(box.data["painted"])


def emptied_after_days(aws: Reader, box: Item) -> Maybe[int]:
    """After how many days it is emptied; absent where nobody empties it."""
    return int(box.data["days"]) if "days" in box.data else Absent("nobody empties it")


def weight(aws: Reader, box: Item) -> Answer[float]:
    """In kilograms."""
    return float(box.data["weight"])


def label(aws: Reader, box: Item) -> Answer[str]:
    """What is written on it."""
    return Said(str(box.data["label"]), "read from the lid")


def toys(aws: Reader, box: Item) -> Answer[list[str]]:
    """What is in it."""
    return list(box.data["toys"])


def stickers(aws: Reader, box: Item) -> Answer[dict[str, str]]:
    """What is stuck on it, by place."""
    return dict(box.data["stickers"])


def closed_at(aws: Reader, box: Item) -> Maybe[datetime]:
    """When it was last closed."""
    return Unknown("nobody looked")


BOX = Kind(
    name="toy_box",
    doc="A box of toys.",
    facts=tuple(
        Fact(each)
        for each in (locked, painted, emptied_after_days, weight, label, toys, stickers, closed_at)
    ),
)
SHELF = Kind(name="toy_shelf", doc="A shelf of boxes.", facts=(Fact(label),))
KINDS: Mapping[str, Kind] = {BOX.name: BOX, SHELF.name: SHELF}
FIXES = ("lock_box", "paint_box")

TYPES: Mapping[str, object] = {fact.name: fact.type for fact in BOX.facts}


def rule_text(
    must: str = "locked",
    *,
    name: str = "box-locked",
    where: str = "",
    params: str = "{}",
    examples: str = "{pass: [{locked: true}], fail: [{locked: false}]}",
    more: str = "",
) -> str:
    """A rule file over toy boxes; conditions are written as blocks."""
    lines = [
        f"id: {name}",
        "title: Boxes are locked",
        "why: What is not locked is soon gone.",
        "severity: high",
        "resource: toy_box",
        *((f"where: |\n  {where}",) if where else ()),
        f"must: |\n  {must}",
        f"params: {params}",
        "remedy: Lock it.",
        f"examples: {examples}",
        *((more,) if more else ()),
    ]
    return "\n".join(lines) + "\n"


def parsed(text: str, path: str = "rules/toys/box-locked.yaml") -> Rule:
    """The rule in a text that must be right."""
    rules, problems = parse_rules([RuleText(path, text, "toys")], KINDS, FIXES)
    assert problems == ()
    return rules[0]


def known(value: Value, reason: str = "") -> Reading:
    """A fact with a value."""
    return Reading(State.KNOWN, value, reason, "toys:Look", NOW)


def absent(reason: str = "") -> Reading:
    """A fact known to have no value."""
    return Reading(State.ABSENT, None, reason, "toys:Look", NOW)


def unknown(reason: str) -> Reading:
    """A fact that could not be read."""
    return Reading(State.UNKNOWN, None, reason, "toys:Look", NOW)


def box(name: str = "red", /, **facts: Reading | Value) -> Resource:
    """A toy box with these facts."""
    read = {
        fact: each if isinstance(each, Reading) else known(each) for fact, each in facts.items()
    }
    return Resource(Ref("toy_box", "111122223333", "eu-west-1", name), read, {"team": "play"})


def snapshot(
    *resources: Resource,
    gaps: tuple[Gap, ...] = (),
    targets: tuple[TargetStatus, ...] = (),
    collected: Sequence[str] = (BOX.name,),
) -> Snapshot:
    """What one sweep saw."""
    return Snapshot(NOW, targets, resources, gaps, {kind: tuple(TYPES) for kind in collected})
