"""Which facts the rules in use ask for, and which operations that takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from controls.kinds.kind import Fact, Kind
from controls.rule import Rule


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which facts to read, by kind. A kind that stands here is listed."""

    facts: Mapping[str, frozenset[str]]

    def of(self, kind: Kind) -> tuple[Fact, ...]:
        """The kind's wanted facts in the kind's own order."""
        names = self.facts.get(kind.name, frozenset())
        return tuple(fact for fact in kind.facts if fact.name in names)


def wanted_facts(rules: Iterable[Rule], kinds: Sequence[Kind]) -> Wanted:
    """What the rules read, and what their kinds are listed from. Nothing else is collected."""
    facts: dict[str, set[str]] = {}
    for rule in rules:
        facts.setdefault(rule.kind, set()).update(rule.reads)
    for kind in reversed(kinds):
        if kind.name in facts:
            for source, names in kind.sources.items():
                facts.setdefault(source, set()).update(names)
    return Wanted({name: frozenset(names) for name, names in facts.items()})


def operations(rules: Iterable[Rule], kinds: Sequence[Kind]) -> frozenset[str]:
    """Every operation a sweep for these rules may call."""
    wanted, needed = wanted_facts(rules, kinds), set[str]()
    for kind in kinds:
        if kind.name in wanted.facts:
            needed.update(kind.needs)
            needed.update(need for fact in wanted.of(kind) for need in fact.needs)
    return frozenset(needed)
