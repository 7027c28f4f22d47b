"""A rule as it runs: every resource of its kind, where ..., must ...; and its verdict on one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from controls.bounds import Bounds
from controls.condition import Condition, Undecided
from controls.model import Severity, State, Status, Value

EXAMPLE_NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""The time in an example that names none."""


@dataclass(frozen=True, slots=True)
class Example:
    """Facts of an imagined resource. None is absent; a fact left out is unknown.

    `params` replace the rule's own; `line`, `column` and `excerpt` say where it is written.
    """

    facts: Mapping[str, Value | None]
    now: datetime = EXAMPLE_NOW
    params: Mapping[str, Value] = field(default_factory=dict)
    line: int = 0
    column: int = 0
    excerpt: str = ""

    def state(self, fact: str) -> State:
        """Known, absent or unknown."""
        if fact not in self.facts:
            return State.UNKNOWN
        return State.ABSENT if self.facts[fact] is None else State.KNOWN


@dataclass(frozen=True, slots=True)
class Examples:
    """What a rule says of imagined resources: part of the rule, and run as its tests."""

    pass_: tuple[Example, ...]
    fail: tuple[Example, ...]
    unknown: tuple[Example, ...] = ()
    not_applicable: tuple[Example, ...] = ()

    def __iter__(self) -> Iterator[tuple[Status, Example]]:
        """Each example with the verdict that it is to have."""
        yield from ((Status.PASS, each) for each in self.pass_)
        yield from ((Status.FAIL, each) for each in self.fail)
        yield from ((Status.UNKNOWN, each) for each in self.unknown)
        yield from ((Status.NOT_APPLICABLE, each) for each in self.not_applicable)


@dataclass(frozen=True, slots=True)
class Rule:
    """What must hold of every resource of a kind.

    `fixes` are those that would put it right, in the order in which they are tried; `maps` says, by
    framework, which requirements it covers.
    """

    id: str
    title: str
    why: str
    severity: Severity
    kind: str
    where: Condition | None
    must: tuple[Condition, ...]
    params: Mapping[str, Value]
    remedy: str
    fixes: tuple[str, ...]
    maps: Mapping[str, tuple[str, ...]]
    false_positives: str
    examples: Examples
    path: str
    pack: str
    types: Mapping[str, object] = field(default_factory=dict, repr=False)
    """The declared type of each fact in `reads`."""
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    """Between which numbers a parameter may be set, where the rule says so."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """`where`, if there is one, then each `must`."""
        return self.must if self.where is None else (self.where, *self.must)

    @property
    def reads(self) -> frozenset[str]:
        """The facts that it asks for: what is collected, shown as evidence, and permitted."""
        return frozenset[str]().union(*(condition.reads for condition in self.conditions))


# --------------------------------------------------------------------------------- verdict


Undecideds: TypeAlias = tuple[tuple[Condition, str], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A status and the conditions it rests on.

    `false` are the failing `must`s of a fail, or the `where` that does not apply;
    `undecided`, of an unknown, each with CEL's error.
    """

    status: Status
    false: tuple[Condition, ...] = ()
    undecided: Undecideds = ()


_PASS = Verdict(Status.PASS)


Ask: TypeAlias = Callable[[Condition, Mapping[str, Value]], bool | Undecided]
"""Asks a condition: `Condition.judge`, or something that remembers what it answered."""


def judge(rule: Rule, bound: Mapping[str, Value], ask: Ask = Condition.judge) -> Verdict:
    """The rule's verdict on the values bound by name: facts, `now`, `params.<name>`.

    A pass, a fail or a not-applicable holds whatever the names left out would have been worth.
    """
    undecided: list[tuple[Condition, str]] = []
    if rule.where is not None:
        applies = ask(rule.where, bound)
        if applies is False:
            return Verdict(Status.NOT_APPLICABLE, (rule.where,))
        if applies is not True:
            undecided.append((rule.where, applies.error))
    must_apply = not undecided
    false: list[Condition] = []
    for condition in rule.must:
        holds = ask(condition, bound)
        if holds is False:
            false.append(condition)
        elif holds is not True:
            undecided.append((condition, holds.error))
    if false and must_apply:
        return Verdict(Status.FAIL, tuple(false))
    return Verdict(Status.UNKNOWN, undecided=tuple(undecided)) if undecided else _PASS


def mistakes(undecided: Undecideds, state: Callable[[str], State]) -> tuple[str, ...]:
    """Which conditions are undecided by the rule's own fault, not by what could not be seen.

    `state` says whether a fact is known, absent or unknown. A condition that reads an unknown
    fact is never called mistaken.
    """
    found: list[str] = []
    for condition, error in undecided:
        states = {fact: state(fact) for fact in sorted(condition.reads)}
        absent = [fact for fact, is_ in states.items() if is_ is State.ABSENT]
        if State.UNKNOWN in states.values():
            continue
        if absent:
            which = " and ".join(f"`{fact}`" for fact in absent)
            found.append(f"the rule does not say what an absent {which} means in `{condition}`")
        else:
            found.append(f"`{condition}` cannot be computed: {error.partition(': ')[2] or error}")
    return tuple(found)


def bind(
    values: Mapping[str, Value | None], params: Mapping[str, Value], now: datetime
) -> dict[str, Value]:
    """The names that conditions may use; None is left unbound."""
    bound: dict[str, Value] = {name: each for name, each in values.items() if each is not None}
    for name, value in params.items():
        bound[f"params.{name}"] = value
    bound["now"] = now
    return bound
