"""Because: the sentence of a finding, made from conditions, values and the facts' own reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from controls.condition import Condition
from controls.model import Reading, State, Status, Value
from controls.rule import Ask, Rule, Verdict

MAX_ITEMS = 10
MAX_TEXT = 200


def value_text(value: Value) -> str:
    """A value for a person: `true`, `7`, `'text'`, `2026-01-31T00:00:00Z`, `['a', 'b']`."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            cut = value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}…"
            return f"'{cut}'"
        case datetime():
            return value.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
        case list():
            return f"[{_some([value_text(item) for item in value])}]"
        case dict():
            pairs = [f"{key}: {value_text(item)}" for key, item in sorted(value.items())]
            return f"{{{_some(pairs)}}}"
        case _:
            return str(value)


def fact_text(name: str, reading: Reading) -> str:
    """`logs_expire is false: <the fact's own reason>`."""
    reason = f": {_clause(reading.reason)}" if reading.reason else ""
    match reading.state:
        case State.UNKNOWN:
            return f"{name} is unknown{reason}"
        case State.ABSENT:
            return f"{name} has no value{reason}"
        case _:
            return f"{name} is {'' if reading.value is None else value_text(reading.value)}{reason}"


def unknown_texts(readings: Mapping[str, Reading]) -> list[str]:
    """`a and b are unknown: <why>`: one text a reason, for facts often have the same one.

    Facts that are not unknown are passed over. In order of the first fact of each reason.
    """
    names: dict[str, list[str]] = {}
    for name, reading in readings.items():
        if reading.state is State.UNKNOWN:
            names.setdefault(_clause(reading.reason), []).append(name)
    return [
        f"{_listed(alike)} {'are' if len(alike) > 1 else 'is'} unknown{f': {why}' if why else ''}"
        for why, alike in names.items()
    ]


def why_pass(rule: Rule) -> str:
    """The same for every resource that passes: which conditions hold."""
    shown = " and ".join(f"`{condition}`" for condition in rule.must)
    return f"{shown} {'hold' if len(rule.must) > 1 else 'holds'}"


@dataclass(frozen=True, slots=True)
class Falsity:
    """What a fail or a not-applicable rests on: the false conditions, and what they read."""

    head: str
    facts: tuple[str, ...]
    params: tuple[str, ...]


def false_parts(
    verdict: Verdict, bound: Mapping[str, Value], ask: Ask = Condition.judge
) -> tuple[Condition, ...]:
    """The operands that make the verdict's false conjunctions false; else these themselves."""
    found: list[Condition] = []
    for condition in verdict.false:
        false = [part for part in condition.parts if ask(part, bound) is False]
        found += false or [condition]
    return tuple(found)


def falsity(verdict: Verdict, parts: Sequence[Condition]) -> Falsity:
    """The verdict's false conditions, and what their false parts read."""
    word = "must" if verdict.status is Status.FAIL else "does not apply: where"
    return Falsity(
        " and ".join(f"{word} `{condition}`" for condition in verdict.false),
        tuple(sorted(frozenset[str]().union(*(each.reads for each in parts)))),
        tuple(sorted(frozenset[str]().union(*(each.reads_params for each in parts)))),
    )


def why_false(found: Falsity, readings: Mapping[str, Reading], params: Mapping[str, Value]) -> str:
    """The false conditions, and the values that make them so."""
    facts = [fact_text(name, readings[name]) for name in found.facts]
    given = [f"params.{name} is {value_text(params[name])}" for name in found.params]
    return "; ".join([found.head, *facts, *given])


def why_unknown(reasons: Iterable[str]) -> str:
    """All that is in the way of a verdict."""
    return "; ".join(_clause(reason) for reason in reasons)


def _listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _some(items: Sequence[str]) -> str:
    more = len(items) - MAX_ITEMS
    return ", ".join([*items[:MAX_ITEMS], *([f"… and {more} more"] if more > 0 else [])])


def _clause(text: str) -> str:
    """A reason as part of a sentence: without its full stop."""
    return text.strip().rstrip(".")
