"""CEL behind one adapter: conditions are typed when compiled and three-valued when judged."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cel_expr_python import cel

from controls.condition_text import NOW, PARAMS, Fault, conjuncts, explain, fault_at
from controls.condition_tree import (
    Call,
    Const,
    Loop,
    Node,
    names,
    read_tree,
    start,
    unguarded,
    walk,
)
from controls.model import Value

MAX_LENGTH = 2000
"""Characters in a condition: cel-cpp bounds nesting and iterations, but not growth of strings."""

KEYWORDS = frozenset(
    {
        *("as", "break", "const", "continue", "else", "false", "for", "function", "if", "import"),
        *("in", "let", "loop", "namespace", "null", "package", "return", "true", "var", "void"),
        "while",
    }
)
"""CEL's reserved words: no fact or parameter has such a name."""

_LITERAL_CHECKED = ("duration", "timestamp", "hours", "days", "int", "double", "uint", "matches")
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Undecided:
    """Neither true nor false, with CEL's own text: a name unbound, or an error at run time."""

    error: str


class ConditionError(Exception):
    """A condition that cannot be used: `faults` are all that was found."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition and what it reads.

    `parts` are the operands of a topmost `&&` chain, each a condition, else empty: they say
    which of them is the false one.
    """

    source: str
    reads: frozenset[str]
    reads_params: frozenset[str]
    reads_now: bool
    parts: tuple[Condition, ...] = ()
    _expression: Any = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        """On one line."""
        return " ".join(line.strip() for line in self.source.splitlines()).strip()

    def judge(self, bound: Mapping[str, Value]) -> bool | Undecided:
        """True, false, or undecided, for values by name: facts, `now`, `params.<name>`.

        A name left out is unbound. `&&` and `||` absorb that where their other side decides,
        so the answer never depends on what an unbound name would have been worth.
        Bind only what `check_value` accepts.
        """
        try:
            answer = self._expression.eval(data=bound).value()
        except (RuntimeError, TypeError, ValueError) as error:
            # The iteration budget, and what its binding refuses, are raised; the rest is returned.
            return Undecided(str(error))
        return answer if answer is True or answer is False else Undecided(str(answer))


@dataclass(frozen=True, slots=True)
class Environment:
    """What the conditions of a rule may name: the facts of its kind, `now`, its parameters."""

    subject: str
    facts: frozenset[str]
    params: frozenset[str]
    _env: Any = field(repr=False, compare=False)

    def compile(self, source: str) -> Condition:
        """The condition. Raises ConditionError with every fault that was found."""
        if not source.strip():
            raise ConditionError((Fault(1, 1, "the condition is empty"),))
        if len(source) > MAX_LENGTH:
            message = f"the condition is longer than {MAX_LENGTH} characters: make a fact of it"
            raise ConditionError((Fault(1, 1, message),))
        try:
            expression = self._env.compile(source)
            tree = read_tree(expression.serialize())
            faults = tuple(self._faults(source, tree))
        except RuntimeError as error:
            raise ConditionError(
                explain(str(error), source, self.subject, self.facts, self.params)
            ) from error
        except TypeError:
            message = "the condition holds characters that are no text"
            raise ConditionError((Fault(1, 1, message),)) from None
        kind = expression.return_type().name()
        if kind != "BOOL":
            message = f"a condition is true or false, this is of type {kind.lower()}"
            faults = (fault_at(source, start(tree), message), *faults)
        if faults:
            raise ConditionError(faults)
        return self._condition(source, tree, expression)

    def _condition(self, source: str, tree: Node, expression: Any) -> Condition:
        named = names(tree)
        return Condition(
            source,
            reads=named & self.facts,
            reads_params=frozenset(p for p in self.params if f"{PARAMS}.{p}" in named),
            reads_now=NOW in named,
            parts=self._parts(source, tree),
            _expression=expression,
        )

    def _parts(self, source: str, tree: Node) -> tuple[Condition, ...]:
        """The operands of a topmost `&&` chain; none where the text cannot be cut for certain."""
        if not (isinstance(tree, Call) and tree.function == "_&&_"):
            return ()
        parts = []
        for text in conjuncts(source):
            try:
                expression = self._env.compile(text)
            except RuntimeError:
                return ()
            part = read_tree(expression.serialize())
            if text == source:
                return ()
            parts.append(self._condition(text, part, expression))
        return tuple(parts)

    def _faults(self, source: str, tree: Node) -> Iterator[Fault]:
        """What CEL's own check lets pass and a rule may not have."""
        taken = self.facts | {NOW, PARAMS}
        for node in walk(tree):
            match node:
                case Loop(variables=variables) if taken & set(variables):
                    name = min(taken & set(variables))
                    message = f"the loop variable {name!r} is also the name of a fact: rename it"
                    yield fault_at(source, node.at, message)
                case Call(function="dyn"):
                    yield fault_at(
                        source, node.at, "dyn() takes the types away: compare like types"
                    )
                case Call(function="_/_" | "_%_", args=(_, Const(value=0))):
                    yield fault_at(source, start(node), "this divides by zero")
                case Call(function=function, args=args) if function in _LITERAL_CHECKED:
                    error = _literal_error(function, args)
                    if error:
                        yield fault_at(source, args[-1].at, error)
        for access in unguarded(tree):
            yield fault_at(source, start(access), _UNGUARDED)


_UNGUARDED = (
    "this key or index may be missing: ask first, as in `'k' in m && m['k'] == 'v'` "
    "or `size(l) > 0 && l[0] == 'v'`"
)


def environment(
    subject: str, facts: Mapping[str, Any], params: Mapping[str, Any] | None = None
) -> Environment:
    """The environment of rules over `subject` (a kind's name), with facts and params by type.

    A type is one of `controls.kinds.kind.FACT_TYPES`; `object` is a parameter of any type.
    Beside standard CEL there are `hours(int)` and `days(int)`: CEL's own durations end at `h`.
    """
    types = _types()
    typed = {name: types[fact] for name, fact in facts.items()}
    typed |= {f"{PARAMS}.{name}": types[param] for name, param in (params or {}).items()}
    typed[NOW] = cel.Type.TIMESTAMP
    env = cel.NewEnv(variables=typed, functions=_own_functions())
    return Environment(subject, frozenset(facts), frozenset(params or ()), env)


def _types() -> dict[Any, Any]:
    kind = cel.Type
    return {
        bool: kind.BOOL,
        int: kind.INT,
        float: kind.DOUBLE,
        str: kind.STRING,
        datetime: kind.TIMESTAMP,
        list[str]: kind.List(kind.STRING),
        dict[str, str]: kind.Map(kind.STRING, kind.STRING),
        object: kind.DYN,
    }


def _own_functions() -> list[Any]:
    def declared(name: str, build: Callable[[int], timedelta]) -> Any:
        overload = cel.Overload(
            id=f"{name}_int",
            return_type=cel.Type.DURATION,
            parameters=[cel.Type.INT],
            is_member=False,
            impl=build,
        )
        return cel.FunctionDecl(name, [overload])

    return [
        declared("hours", lambda count: timedelta(hours=count)),
        declared("days", lambda count: timedelta(days=count)),
    ]


# ------------------------------------------------------------------------------ values


def check_value(kind: Any, value: object) -> str | None:
    """Why a value cannot stand for a fact or parameter of this type, or None where it can.

    Stricter than CEL's binding, which takes `True` for a number and reads a naive time in the
    machine's own zone, and where it refuses (a tuple, None) does so only when judging.
    """
    fits, wanted = _CHECKS[kind]
    return None if fits(value) else f"is {_shown(value)}, not {wanted}"


def accepts(kind: Any) -> Callable[[Any], bool]:
    """Whether a value can stand for this type: `check_value` without the sentence, for speed."""
    return _CHECKS[kind][0]


def type_name(kind: Any) -> str:
    """The type for a person: `a whole number`."""
    return _CHECKS[kind][1]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and (value.isascii() or not re.search("[\ud800-\udfff]", value))


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _is_time(value: object) -> bool:
    return isinstance(value, datetime) and value.utcoffset() is not None


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_map(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_text, (*value, *value.values())))


_CHECKS: Mapping[Any, tuple[Callable[[Any], bool], str]] = {
    bool: (lambda value: value is True or value is False, "true or false"),
    int: (lambda value: type(value) is int and value in _INT64, "a whole number"),
    float: (_is_number, "a number"),
    str: (_is_text, "a text"),
    datetime: (_is_time, "a time with its zone, such as 2026-01-31T00:00:00Z"),
    list[str]: (_is_list, "a list of texts"),
    dict[str, str]: (_is_map, "a map of texts"),
    object: (lambda value: value is not None, "a value"),
}


def _shown(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case datetime():
            return f"the time {value.isoformat()}"
        case _:
            text = ascii(value)
            return text if len(text) <= 60 else f"{text[:60]}…"


# ------------------------------------------------------------------ literals and conjuncts


@cache
def _literal_probe(function: str, sort: str) -> Condition | None:
    """`function(x)` over an `x` of that sort; None where there is no such function."""
    kinds = {
        "string_value": cel.Type.STRING,
        "int64_value": cel.Type.INT,
        "uint64_value": cel.Type.UINT,
        "double_value": cel.Type.DOUBLE,
    }
    text = "''.matches(x)" if function == "matches" else f"{function}(x) == {function}(x)"
    if sort not in kinds:
        return None
    try:
        expression = cel.NewEnv(variables={"x": kinds[sort]}, functions=_own_functions()).compile(
            text
        )
    except RuntimeError:
        return None
    return Condition(text, frozenset(), frozenset(), reads_now=False, _expression=expression)


def _literal_error(function: str, args: tuple[Node, ...]) -> str | None:
    """Why a function cannot take the literal it is given: CEL finds out only when it runs."""
    literal = args[-1] if args else None
    if not isinstance(literal, Const):
        return None
    probe = _literal_probe(function, literal.sort)
    answer = probe.judge({"x": literal.value}) if probe else True  # type: ignore[dict-item]
    if not isinstance(answer, Undecided):
        return None
    error = answer.error.partition(": ")[2] or answer.error
    hint = "; days are written days(90)" if function == "duration" else ""
    return f"{function} does not take {_shown(literal.value)}: {error}{hint}"
