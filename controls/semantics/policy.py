"""IAM policy documents: parsed strictly, and what one statement says of an action and a resource.

Public libraries expand policies against lists of known actions; none of them answers in three
values, so the matching is our own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controls.model import CannotTellError, Unknown
from controls.semantics.truth import Truth, negate
from controls.semantics.wildcards import (
    Elements,
    Part,
    Pattern,
    divide,
    literal,
    matches,
    parse_pattern,
)

VERSIONS = ("2008-10-17", "2012-10-17")
"""The first is what a document without a version means."""

_POLICY_ELEMENTS = {"Version", "Id", "Statement"}
_STATEMENT_ELEMENTS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
_PRINCIPAL_TYPES = {"AWS", "Service", "Federated", "CanonicalUser"}


@dataclass(frozen=True, slots=True)
class Principals:
    """Whom a statement names: `anyone` is a bare "*"; else names by type ("AWS", "Service" …)."""

    anyone: bool
    names: tuple[tuple[str, str], ...]
    negated: bool

    def of(self, sort: str) -> tuple[str, ...]:
        """The names of one type."""
        return tuple(name for kind, name in self.names if kind == sort)


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition: operator, key, values. `variables`: whether `${…}` is a policy variable."""

    operator: str
    key: str
    values: tuple[str, ...]
    variables: bool

    def __str__(self) -> str:
        values = self.values[0] if len(self.values) == 1 else f"[{', '.join(self.values)}]"
        return f"{self.operator} {self.key} {values}"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. Patterns of actions are in lower case: IAM ignores their case."""

    position: int
    sid: str
    allows: bool
    principals: Principals | None
    actions: tuple[Elements, ...]
    not_actions: bool
    resources: tuple[Pattern, ...]
    not_resources: bool
    clauses: tuple[Clause, ...]

    @property
    def name(self) -> str:
        """How a reason calls it: by its Sid, else by its position, counted from 1."""
        return f"statement {self.sid}" if self.sid else f"statement {self.position} (no Sid)"

    def names_action(self, action: str) -> bool:
        """Whether Action or NotAction selects this action (`s3:PutObject`, any case)."""
        found = any(matches(pattern, action.lower()) for pattern in self.actions)
        return found is not self.not_actions


@dataclass(frozen=True, slots=True)
class Slice:
    """Resources of one universe that all statements treat alike: one of them, and how."""

    example: str
    named: tuple[Truth, ...]
    """By statement, in the order given: whether Resource or NotResource selects these."""


def parse_policy(text: str | Mapping[str, Any]) -> tuple[Statement, ...]:
    """The statements of a policy, as JSON text or as boto3 decodes it.

    Strict on purpose: AWS refuses what is refused here, so such text means that something else
    than IAM's policy language was read, and guessing could turn it into a pass.

    Raises:
        CannotTellError: not JSON, a key twice, an element or version that IAM does not define.
    """
    document = _read_json(text) if isinstance(text, str) else text
    if not isinstance(document, Mapping):
        raise CannotTellError("the policy is not a JSON object")
    _refuse_unknown(document, _POLICY_ELEMENTS, "the policy")
    version = document.get("Version", VERSIONS[0])
    if version not in VERSIONS:
        raise CannotTellError(f"the policy has the unknown version {version!r}")
    listed = document.get("Statement", None)
    if isinstance(listed, Mapping):
        listed = [listed]
    if not isinstance(listed, list | tuple):
        raise CannotTellError("the policy has no list of statements")
    variables = version == "2012-10-17"
    return tuple(_statement(raw, i, variables=variables) for i, raw in enumerate(listed, start=1))


def slices(universe: Elements, statements: Sequence[Statement]) -> tuple[Slice, ...]:
    """Every way in which resources of the universe (a set of ARNs) meet the statements.

    Raises:
        CannotTellError: the patterns are too intricate to be followed to the end.
    """
    patterns = list({pattern: None for s in statements for pattern in s.resources})
    found = divide(universe, [pattern.elements for pattern in patterns])
    number = {pattern: i for i, pattern in enumerate(patterns)}
    return tuple(
        Slice(part.example, tuple(_selects(s, part, number) for s in statements)) for part in found
    )


def action_set(action: str) -> Elements:
    """One action as a universe for `divide`."""
    return literal(action.lower())


def _selects(statement: Statement, part: Part, number: Mapping[Pattern, int]) -> Truth:
    """Whether Resource or NotResource selects the resources of this part."""
    hit = [pattern for pattern in statement.resources if number[pattern] in part.matched]
    truth: Truth = bool(hit)
    if hit and not any(pattern.exact for pattern in hit):
        truth = Unknown(f"it depends on the policy variable in {hit[0].text}")
    return negate(truth) if statement.not_resources else truth


def _read_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise CannotTellError(f"the policy is not valid JSON ({error})") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; which of two equal keys AWS would keep is not known."""
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise CannotTellError(f"the policy gives {twice!r} twice in one object")
    return made


def _refuse_unknown(document: Mapping[str, Any], known: set[str], what: str) -> None:
    odd = sorted(str(name) for name in document if name not in known)
    if odd:
        raise CannotTellError(f"{what} has the unknown element {odd[0]!r}")


def _statement(raw: Any, position: int, *, variables: bool) -> Statement:
    what = f"statement {position} of the policy"
    if not isinstance(raw, Mapping):
        raise CannotTellError(f"{what} is not an object")
    _refuse_unknown(raw, _STATEMENT_ELEMENTS, what)
    sid, effect = raw.get("Sid", ""), raw.get("Effect")
    if not isinstance(sid, str) or effect not in ("Allow", "Deny"):
        raise CannotTellError(f"{what} has no valid Effect or Sid")
    actions, not_actions = _either(raw, "Action", "NotAction", what)
    resources, not_resources = _either(raw, "Resource", "NotResource", what)
    return Statement(
        position,
        sid,
        effect == "Allow",
        _principals(raw, what),
        tuple(parse_pattern(a.lower(), variables=False).elements for a in actions),
        not_actions,
        tuple(parse_pattern(r, variables=variables) for r in resources),
        not_resources,
        _clauses(raw.get("Condition", {}), what, variables=variables),
    )


def _either(raw: Mapping[str, Any], name: str, negated: str, what: str) -> tuple[list[str], bool]:
    """The strings of the one element of the two that is there, and whether it is the negated."""
    if (name in raw) == (negated in raw):
        raise CannotTellError(f"{what} must have one of {name} and {negated}")
    element = name if name in raw else negated
    return _strings(raw[element], f"{element} of {what}"), element == negated


def _strings(value: Any, what: str) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    if not values or not all(isinstance(item, str) for item in values):
        raise CannotTellError(f"{what} is neither a string nor a list of strings")
    return list(values)


def _principals(raw: Mapping[str, Any], what: str) -> Principals | None:
    if "Principal" in raw and "NotPrincipal" in raw:
        raise CannotTellError(f"{what} has both Principal and NotPrincipal")
    negated = "NotPrincipal" in raw
    value = raw.get("NotPrincipal" if negated else "Principal")
    if value is None:
        return None
    if value == "*":
        return Principals(anyone=True, names=(), negated=negated)
    if not isinstance(value, Mapping):
        raise CannotTellError(f"the principal of {what} is neither '*' nor an object")
    _refuse_unknown(value, _PRINCIPAL_TYPES, f"the principal of {what}")
    names = tuple(
        (sort, name)
        for sort, listed in value.items()
        for name in _strings(listed, f"the {sort} principal of {what}")
    )
    return Principals(anyone=False, names=names, negated=negated)


def _clauses(raw: Any, what: str, *, variables: bool) -> tuple[Clause, ...]:
    if not isinstance(raw, Mapping) or not all(isinstance(keys, Mapping) for keys in raw.values()):
        raise CannotTellError(f"the condition of {what} is not an object of objects")
    return tuple(
        Clause(operator, key, _values(value, what), variables)
        for operator, keys in raw.items()
        for key, value in keys.items()
    )


def _values(value: Any, what: str) -> tuple[str, ...]:
    """Condition values as text: JSON booleans and numbers stand for themselves."""
    values = value if isinstance(value, list | tuple) else [value]
    if not values or not all(isinstance(item, str | bool | int | float) for item in values):
        raise CannotTellError(f"a condition of {what} has no values, or nested ones")
    return tuple(str(item).lower() if isinstance(item, bool) else str(item) for item in values)
