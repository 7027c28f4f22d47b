"""The condition block of a policy statement, answered in three values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from controls.model import Unknown
from controls.semantics.policy import Clause
from controls.semantics.truth import Truth, every, negate, some
from controls.semantics.wildcards import matches, parse_pattern

Known: TypeAlias = tuple[str | None, ...] | Unknown
"""What is known of a request's key: the values it may have (None: it is absent), or nothing.

Several alternatives mean that it has one of them and AWS does not say which. All keys that we
give values are single-valued, so a set operator sees a set of one, or of none when absent.
"""

Context: TypeAlias = Callable[[str], Known]
"""What is known of a request, by condition key in lower case (IAM ignores the case of keys)."""

Match: TypeAlias = Callable[[Clause, str, str], Truth]
"""(clause, value in the request, value in the policy) -> whether they match."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A condition operator taken apart: `ForAnyValue:StringNotLikeIfExists`."""

    quantifier: str
    match: Match | None
    negated: bool
    if_exists: bool
    null: bool = False


def conditions_hold(clauses: Iterable[Clause], context: Context) -> Truth:
    """Whether all clauses hold for the request: they are joined by AND."""
    return every(clause_holds(clause, context) for clause in clauses)


def clause_holds(clause: Clause, context: Context) -> Truth:
    """Whether one clause holds for the request.

    Source: IAM User Guide, reference_policies_elements_condition_operators and
    reference_policies_multi-value-conditions: values are joined by OR, under a negated operator
    by NOR; an absent key satisfies a negated operator, `IfExists` and `ForAllValues`, and nothing
    else. What these pages leave open, and any operator that we do not model, is unknown.
    """
    operator = _operator(clause.operator)
    if operator is None:
        return Unknown(f"the condition operator {clause.operator} is not modelled")
    known = context(clause.key.lower())
    if isinstance(known, Unknown):
        return known
    answers = [_answer(clause, operator, value) for value in known]
    if all(answer == answers[0] for answer in answers):
        return answers[0]
    doubts = [answer for answer in answers if isinstance(answer, Unknown)]
    if doubts:
        return doubts[0]
    return Unknown(f"AWS does not document the value of {clause.key} in such a request")


def _answer(clause: Clause, operator: Operator, value: str | None) -> Truth:
    """Whether the clause holds if the key has that value, or is absent."""
    if operator.null:
        return some(_is_null(expected, value) for expected in clause.values)
    if value is None:
        return _absent(clause, operator)
    if operator.match is None:
        return Unknown(f"the condition operator {clause.operator} is not modelled")
    match = operator.match
    found = some(match(clause, value, expected) for expected in clause.values)
    return negate(found) if operator.negated else found


def _absent(clause: Clause, operator: Operator) -> Truth:
    """The answer for a key that the request does not carry."""
    if operator.quantifier == "ForAllValues":
        return True
    matching = operator.negated or operator.if_exists
    if operator.quantifier == "ForAnyValue" and matching:
        # The two rules (an empty set has no such value; negation and IfExists match) conflict.
        return Unknown(f"AWS leaves open what {clause.operator} says of an absent {clause.key}")
    return matching


def _is_null(expected: str, value: str | None) -> Truth:
    if expected.lower() not in ("true", "false"):
        return Unknown(f"the condition Null compares with {expected!r}")
    return (value is None) is (expected.lower() == "true")


def _operator(text: str) -> Operator | None:
    """The operator taken apart; None if it is not one of IAM's, or not so combined."""
    quantifier, colon, name = text.rpartition(":")
    if colon and quantifier not in ("ForAnyValue", "ForAllValues"):
        return None
    base = name.removesuffix("IfExists")
    if base == "Null":
        plain = not quantifier and name == base
        return Operator("", None, negated=False, if_exists=False, null=True) if plain else None
    if base not in _MATCHES:
        return None
    match, negated = _MATCHES[base]
    return Operator(quantifier, match, negated, if_exists=name != base)


def _compare(clause: Clause, value: str, expected: str, *, wild: bool) -> Truth:
    """Text against a pattern; a policy variable that could make them match is unknown."""
    pattern = parse_pattern(expected, variables=clause.variables, wild=wild)
    if not matches(pattern.elements, value):
        return False
    return True if pattern.exact else Unknown(f"it depends on the policy variable in {expected}")


def _equals(clause: Clause, value: str, expected: str) -> Truth:
    return _compare(clause, value, expected, wild=False)


def _equals_ignoring_case(clause: Clause, value: str, expected: str) -> Truth:
    return _compare(clause, value.lower(), expected.lower(), wild=False)


def _like(clause: Clause, value: str, expected: str) -> Truth:
    return _compare(clause, value, expected, wild=True)


def _arn_like(clause: Clause, value: str, expected: str) -> Truth:
    """Each of the six parts of an ARN for itself; ArnEquals and ArnLike are the same."""
    whole = _like(clause, value, expected)
    wanted, given = expected.split(":", 5), value.split(":", 5)
    if whole is not True:
        return whole
    if len(wanted) < 6 or len(given) < 6:
        return Unknown(f"{expected} is not a whole ARN")
    return every(_like(clause, g, w) for g, w in zip(given, wanted, strict=True))


def _same_bool(clause: Clause, value: str, expected: str) -> Truth:
    if expected.lower() not in ("true", "false"):
        return Unknown(f"the condition {clause} compares with no boolean")
    return value.lower() == expected.lower()


def _number(compare: Callable[[Decimal, Decimal], bool]) -> Match:
    def match(clause: Clause, value: str, expected: str) -> Truth:
        try:
            return compare(Decimal(value), Decimal(expected))
        except InvalidOperation:
            return Unknown(f"the condition {clause} compares what is no number")

    return match


_MATCHES: dict[str, tuple[Match | None, bool]] = {
    "StringEquals": (_equals, False),
    "StringNotEquals": (_equals, True),
    "StringEqualsIgnoreCase": (_equals_ignoring_case, False),
    "StringNotEqualsIgnoreCase": (_equals_ignoring_case, True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "ArnEquals": (_arn_like, False),
    "ArnLike": (_arn_like, False),
    "ArnNotEquals": (_arn_like, True),
    "ArnNotLike": (_arn_like, True),
    "Bool": (_same_bool, False),
    "NumericEquals": (_number(lambda a, b: a == b), False),
    "NumericNotEquals": (_number(lambda a, b: a == b), True),
    "NumericLessThan": (_number(lambda a, b: a < b), False),
    "NumericLessThanEquals": (_number(lambda a, b: a <= b), False),
    "NumericGreaterThan": (_number(lambda a, b: a > b), False),
    "NumericGreaterThanEquals": (_number(lambda a, b: a >= b), False),
    # No key to which we give a value is an address, a date or binary: only absence decides.
    "IpAddress": (None, False),
    "NotIpAddress": (None, True),
    "DateEquals": (None, False),
    "DateNotEquals": (None, True),
    "DateLessThan": (None, False),
    "DateLessThanEquals": (None, False),
    "DateGreaterThan": (None, False),
    "DateGreaterThanEquals": (None, False),
    "BinaryEquals": (None, False),
}
"""Operator -> how values match (None: not modelled), and whether it is negated."""
