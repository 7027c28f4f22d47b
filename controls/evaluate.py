"""Rules and a snapshot become findings: pass, fail, unknown or not applicable, and because."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol, TypeAlias

from controls import because
from controls.because import Falsity
from controls.condition import Condition, Undecided, accepts, check_value
from controls.model import Finding, Reading, Ref, Resource, Snapshot, State, Status, Value
from controls.rule import Rule, Verdict, bind, judge, mistakes

EVERY = "*"
"""The resource name of a finding about resources that could not be listed."""

MAX_REMEMBERED = 1000
"""Answers kept per rule: where values hardly repeat, remembering them all would cost more."""


class Disagrees(Protocol):
    """Parameters that cannot be had for a resource, and why (`controls.params.Disagreement`)."""

    @property
    def reason(self) -> str: ...


ParamsOf: TypeAlias = Callable[[Rule, Resource], Mapping[str, Value] | Disagrees]


def own_params(rule: Rule, _resource: Resource) -> Mapping[str, Value]:
    """The rule's own defaults."""
    return rule.params


def evaluate(
    rules: Iterable[Rule], snapshot: Snapshot, params_of: ParamsOf = own_params
) -> tuple[Finding, ...]:
    """A finding for each rule and resource of its kind, in order of the rules, then of the ids.

    A kind that could not be listed in a target gives one unknown per rule, resource `*`; so does
    every target for a kind that was not collected.
    Waivers are not applied here. `params_of` gives a rule's parameters on a resource; where it
    disagrees with itself, and the rule applies, the finding is a fail.
    """
    found: list[Finding] = []
    resources: dict[str, list[Resource]] = {}
    for resource in snapshot.resources:
        resources.setdefault(resource.ref.kind, []).append(resource)
    for listed in resources.values():
        listed.sort(key=lambda resource: resource.ref.id)
    for rule in rules:
        judged = _Judge(rule, snapshot.taken_at)
        of_rule = [judged.finding(each, params_of) for each in resources.get(rule.kind, ())]
        of_rule += _unseen(rule, snapshot) + _not_collected(rule, snapshot)
        found += sorted(of_rule, key=lambda finding: finding.ref.id)
    return tuple(found)


def _unseen(rule: Rule, snapshot: Snapshot) -> list[Finding]:
    """One unknown for each target where the rule's kind, or one resource of it, was not seen."""
    reasons: dict[tuple[str, str, str], dict[str, None]] = {}
    for gap in snapshot.gaps:
        if gap.kind == rule.kind:
            place = (gap.account, gap.region, gap.resource)
            reasons.setdefault(place, {})[gap.reason] = None
    return [
        _blind(rule, Ref(rule.kind, account, region, resource), _told(rule, resource, why), why)
        for (account, region, resource), why in reasons.items()
    ]


def _not_collected(rule: Rule, snapshot: Snapshot) -> list[Finding]:
    """One unknown for each target where nobody looked for the rule's kind."""
    if rule.kind in snapshot.collected:
        return []
    why = f"the snapshot holds no {rule.kind}: take it with the rules it is to be judged by"
    places = dict.fromkeys((target.account, target.region) for target in snapshot.targets)
    return [_blind(rule, Ref(rule.kind, *place, EVERY), why, (why,)) for place in places]


def _blind(rule: Rule, ref: Ref, told: str, reasons: Iterable[str]) -> Finding:
    return Finding(
        rule=rule.id,
        title=rule.title,
        severity=rule.severity,
        status=Status.UNKNOWN,
        ref=ref,
        because=told,
        remedy=rule.remedy,
        reasons=tuple(reasons),
        params=rule.params,
        maps=rule.maps,
    )


def _told(rule: Rule, resource: str, reasons: Iterable[str]) -> str:
    why = because.why_unknown(reasons)
    return f"{rule.kind} could not be listed: {why}" if resource == EVERY else why


class _Judge:
    """One rule over many resources."""

    __slots__ = ("ask", "falsities", "now", "passes", "reads", "rule")

    def __init__(self, rule: Rule, now: datetime) -> None:
        self.rule = rule
        self.now = now
        self.reads = tuple((name, accepts(rule.types[name])) for name in sorted(rule.reads))
        self.passes = because.why_pass(rule)
        self.ask = _Memory()
        self.falsities: dict[tuple[int, ...], Falsity] = {}

    def finding(self, resource: Resource, params_of: ParamsOf) -> Finding:
        readings = self._readings(resource)
        given = params_of(self.rule, resource)
        if not isinstance(given, Mapping):
            return self._disagreed(resource, readings, given.reason)
        return self._judged(resource, readings, given)

    def _judged(
        self, resource: Resource, readings: Mapping[str, Reading], params: Mapping[str, Value]
    ) -> Finding:
        bound = bind(_values(readings), params, self.now)
        verdict = judge(self.rule, bound, self.ask)
        if verdict.status is Status.PASS:
            return self._result(resource, readings, params, Status.PASS, self.passes)
        if verdict.status is Status.UNKNOWN:
            return self._unknown(resource, readings, params, verdict)
        why = because.why_false(self._falsity(verdict, bound), readings, params)
        return self._result(resource, readings, params, verdict.status, why)

    def _falsity(self, verdict: Verdict, bound: Mapping[str, Value]) -> Falsity:
        parts = because.false_parts(verdict, bound, self.ask)
        key = tuple(id(each) for each in (*verdict.false, *parts))
        if key not in self.falsities:
            self.falsities[key] = because.falsity(verdict, parts)
        return self.falsities[key]

    def _readings(self, resource: Resource) -> dict[str, Reading]:
        """What the rule reads; unknown where there is nothing, or not of the declared type."""
        readings: dict[str, Reading] = {}
        for name, fits in self.reads:
            reading = resource.facts.get(name)
            if reading is None:
                why = f"{name} was not collected"
                reading = Reading(State.UNKNOWN, None, why, "", self.now)
            elif reading.state is State.KNOWN:
                if not fits(reading.value):
                    error = check_value(self.rule.types[name], reading.value)
                    why = f"what was read {error}"
                    reading = replace(reading, state=State.UNKNOWN, value=None, reason=why)
            elif reading.value is not None:
                reading = replace(reading, value=None)
            readings[name] = reading
        return readings

    def _disagreed(
        self, resource: Resource, readings: Mapping[str, Reading], reason: str
    ) -> Finding:
        """A fail, unless the rule does not apply, or it cannot be seen whether it does."""
        rule, where = self.rule, self.rule.where
        bound = bind(_values(readings), {}, self.now)
        if where is None or where.reads_params or where.judge(bound) is True:
            return self._result(resource, readings, {}, Status.FAIL, reason)
        return self._judged(resource, readings, rule.params)

    def _unknown(
        self,
        resource: Resource,
        readings: Mapping[str, Reading],
        params: Mapping[str, Value],
        verdict: Verdict,
    ) -> Finding:
        facts = frozenset[str]().union(*(each.reads for each, _ in verdict.undecided))
        unseen = because.unknown_texts({name: readings[name] for name in sorted(facts)})
        wrong = mistakes(verdict.undecided, lambda name: readings[name].state)
        reasons = (*unseen, *wrong)
        found = self._result(
            resource, readings, params, Status.UNKNOWN, because.why_unknown(reasons), reasons
        )
        return replace(found, rule_error=True) if wrong else found

    def _result(
        self,
        resource: Resource,
        readings: Mapping[str, Reading],
        params: Mapping[str, Value],
        status: Status,
        why: str,
        reasons: Sequence[str] = (),
    ) -> Finding:
        rule = self.rule
        return Finding(
            rule=rule.id,
            title=rule.title,
            severity=rule.severity,
            status=status,
            ref=resource.ref,
            because=why,
            remedy=rule.remedy,
            reasons=tuple(reasons),
            facts=readings,
            params=params,
            maps=rule.maps,
            tags=resource.tags,
        )


def _values(readings: Mapping[str, Reading]) -> dict[str, Value | None]:
    return {name: reading.value for name, reading in readings.items()}


class _Memory:
    """Asks a condition once for the same values: its answer depends on nothing else.

    Most facts of most resources have one of a few values, and CEL is the slow part.
    """

    __slots__ = ("answers", "names")

    def __init__(self) -> None:
        self.names: dict[int, tuple[str, ...]] = {}
        self.answers: dict[object, bool | Undecided] = {}

    def __call__(self, condition: Condition, bound: Mapping[str, Value]) -> bool | Undecided:
        names = self.names.get(id(condition))
        if names is None:
            names = self.names[id(condition)] = _names(condition)
        key: tuple[object, ...] = (id(condition), *map(bound.get, names))
        try:
            answer = self.answers.get(key)
        except TypeError:  # a list or map among them
            key = (id(condition), *[_hashable(bound.get(name)) for name in names])
            answer = self.answers.get(key)
        if answer is None:
            needed = {name: bound[name] for name in names if name in bound}  # binding costs
            answer = condition.judge(needed)
            if len(self.answers) < MAX_REMEMBERED:
                self.answers[key] = answer
        return answer


def _names(condition: Condition) -> tuple[str, ...]:
    """All that the condition reads, as it is bound."""
    params = (f"params.{name}" for name in condition.reads_params)
    return (*condition.reads, *params, *(("now",) if condition.reads_now else ()))


def _hashable(value: Value | None) -> object:
    if isinstance(value, list):
        return tuple(value)
    return frozenset(value.items()) if isinstance(value, dict) else value
