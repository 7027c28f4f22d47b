"""The text of a condition: where its operands end, and what is wrong with it in plain words."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from controls.near import near

NOW = "now"
PARAMS = "params"

_FUNCTIONS = (
    *("all", "contains", "days", "double", "duration", "endsWith", "exists", "exists_one"),
    *("filter", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear"),
    *("getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds", "has", "hours"),
    *("int", "map", "matches", "size", "startsWith", "string", "timestamp"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a condition, and where in its text (both count from 1)."""

    line: int
    column: int
    message: str
    syntax: bool = False
    """The text cannot be read at all: perhaps it is not what its author wrote."""


@dataclass(frozen=True, slots=True)
class _Known:
    subject: str
    facts: tuple[str, ...]
    params: tuple[str, ...]


_TOKEN = re.compile(
    r"""(?P<text>[rR]?(?:'''[\s\S]*?'''|\"\"\"[\s\S]*?\"\"\"))"""
    r"""|(?P<raw>[rR](?:'[^'\n]*'|"[^"\n]*"))"""
    r"""|(?P<quoted>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")"""
    r"""|(?P<comment>//)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<and>&&)"""
)


def conjuncts(source: str) -> tuple[str, ...]:
    """The operands of a topmost `&&` chain as text; one where they cannot be told apart."""
    depth, begin = 0, 0
    found: list[str] = []
    for token in _TOKEN.finditer(source):
        match token.lastgroup:
            case "open":
                depth += 1
            case "close":
                depth -= 1
            case "comment":
                return (source,)
            case "and" if depth == 0:
                found.append(source[begin : token.start()].strip())
                begin = token.end()
    return (*found, source[begin:].strip())


_ERROR = re.compile(r"^(?:INVALID_ARGUMENT: )?ERROR: <input>:(\d+):(\d+): (.*)$", re.MULTILINE)
_UNDECLARED = re.compile(r"undeclared reference to '(.*)' \(in container ''\)")
_NO_OVERLOAD = re.compile(r"found no matching overload for '(.*)' applied to '(.*)'")


def fault_at(source: str, offset: int, message: str) -> Fault:
    """The fault at an offset of the text."""
    before = source[:offset]
    return Fault(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1, message)


def explain(
    error: str, source: str, subject: str, facts: Collection[str], params: Collection[str]
) -> tuple[Fault, ...]:
    """cel-cpp's compile errors as sentences about `subject` (a kind's name), each at its place."""
    found = [(int(line), int(column), text) for line, column, text in _ERROR.findall(error)]
    if not found:
        reason = "it is nested too deep" if "recursion" in error else error
        return (Fault(1, 1, f"the condition cannot be read: {reason}"),)
    broken = [each for each in found if each[2].startswith("Syntax error")]
    if broken:  # what follows the first is confusion
        line, column, text = broken[0]
        return (Fault(line, column, _syntax(text), syntax=True),)
    known = _Known(subject, tuple(facts), tuple(params))
    found = [each for each in found if "*error*" not in each[2]] or found  # what follows from one
    return tuple(_explain_one(source, line, column, text, known) for line, column, text in found)


def _explain_one(source: str, line: int, column: int, text: str, known: _Known) -> Fault:
    if undeclared := _UNDECLARED.fullmatch(text):
        name = undeclared[1]
        written = source.split("\n")[line - 1]
        if written[column - 1 : column] == "(":
            begin = written.rfind(name, 0, column - 1) + 1 or column
            return Fault(line, begin, f"no function {name!r}{near(name, _FUNCTIONS)}")
        if written[column - 1 : column] == ".":  # a dotted name is reported at its dot
            column = max(1, column - name.rfind("."))
        return Fault(line, column, _no_name(name, known))
    if mismatch := _NO_OVERLOAD.fullmatch(text):
        operator = mismatch[1].strip("_@")
        types = mismatch[2].strip("()").replace(", ", " and ").replace("google.protobuf.", "")
        return Fault(line, column, f"`{operator}` does not go with {types}")
    return Fault(line, column, text)


def _no_name(name: str, known: _Known) -> str:
    first, _, rest = name.partition(".")
    if first == PARAMS and rest:
        return f"the rule has no parameter {rest!r}{near(rest, known.params)}"
    if first == PARAMS:
        return "parameters are written params.<name>"
    return f"{known.subject} has no fact {name!r}{near(name, (*known.facts, NOW, 'true', 'false'))}"


_NOT_CEL = (("'and'", "&&"), ("'or'", "||"), ("'= '", "=="))


def _syntax(text: str) -> str:
    detail = text.removeprefix("Syntax error: ").partition(" expecting ")[0]
    for written, meant in _NOT_CEL:
        if detail.endswith(written):
            return f"CEL writes `{meant}`, not {written.strip()}"
    if detail.endswith("'<EOF>'"):
        return "the condition ends where a value is expected"
    return f"this is not CEL: {detail}"
