"""Settings that a person wrote in YAML: every value at its place, every problem at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from controls.near import near
from controls.written import (
    Document,
    ListNode,
    MapNode,
    Node,
    Problem,
    ScalarNode,
    Sort,
    node_at,
    plain,
    read_document,
)

T = TypeVar("T")

Where = tuple[str | int, ...]
"""The path to a value inside a document: `("targets", 0, "role")`."""

_SETTINGS_FILE = Sort(
    "a text that starts with `!`, `&`, `*` or a bracket is written in quotes", 4 * 1024 * 1024
)


class ConfigProblems(Exception):  # noqa: N818 - several problems, each told to a person
    """All that is wrong with what was written, each with its place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Written(BaseModel):
    """Anything a person wrote: no unknown keys, no later edits."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(slots=True)
class Source:
    """What a file or variable says: its value, the nodes it was read from, and what is wrong.

    `above` are the variables that stand over parts of it, by their place in it.
    """

    document: Document
    root: Node | None = None
    value: Any = None
    problems: list[Problem] = field(default_factory=list)
    above: dict[Where, str] = field(default_factory=dict)

    def problem(self, where: Where, message: str, *, of_key: bool = False) -> Problem:
        """A problem at the value (or its key), or at the closest one around it."""
        for length in range(len(where), -1, -1):
            if where[:length] in self.above:
                return Problem(self.above[where[:length]], 0, 0, message)
        if self.root is None:
            return Problem(self.document.path, 0, 0, message)
        node, key = node_at(self.root, where)
        return self.document.problem(key.start if of_key and key else node.start, message)

    def place(self, where: Where, *, of_key: bool = False) -> str:
        """`file:line:column` of the value (or its key), or the variable it comes from."""
        return self.problem(where, "", of_key=of_key).place

    def refused(self, where: Where) -> bool:
        """Whether what stands here is a problem already: what was meant cannot be known."""
        node = node_at(self.root, where)[0] if self.root else None
        return isinstance(node, ScalarNode) and node.refused


# ---------------------------------------------------------------- reading


def read_text(path: Path, name: str) -> Document | Problem:
    """The text of a file, shown to people under this name, or why there is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return Problem(name, 0, 0, f"this file cannot be read: {error.strerror or error}")
    try:
        return Document(name, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        readable = Document(name, data[: error.start].decode("utf-8"))
        message = f"byte 0x{data[error.start]:02X} is not UTF-8: save the file as UTF-8"
        return readable.problem(len(readable.text), message)


def read(path: Path) -> Source:
    """The YAML file. What cannot be read or parsed stands in its `problems`."""
    text = read_text(path, str(path))
    if isinstance(text, Problem):
        return Source(Document(str(path), ""), problems=[text])
    return parse(text)


def parse(document: Document) -> Source:
    """The text as YAML. What YAML refuses and values left empty are problems."""
    root, problems = read_document(document, _SETTINGS_FILE)
    if root is None:
        return Source(document, problems=list(problems))
    source = Source(document, root, plain(root), list(problems))
    for where in _left_empty(root, ()):
        message = f"{shown(where)} has no value; write one or take it out"
        source.problems.append(source.problem(where, message))
    return source


def _left_empty(node: Node, where: Where) -> Iterator[Where]:
    """The places below the top that have no value."""
    match node:
        case MapNode(entries=entries):
            for key, value in entries:
                yield from _left_empty(value, (*where, key.text))
        case ListNode(items=items):
            for index, item in enumerate(items):
                yield from _left_empty(item, (*where, index))
        case _ if where and plain(node) is None:
            yield where


# ---------------------------------------------------------------- checking

_PLAIN_WORDS = (
    (re.compile(r"^Input should be"), "should be"),
    (re.compile(r"^(String|Tuple|Dictionary|Value) should"), "should"),
    (re.compile(r"a valid (tuple|list)"), "a list"),
    (re.compile(r"a valid dictionary.*"), "a mapping of keys to values"),
    (re.compile(r"a valid string"), "a text (put it in quotes)"),
    (re.compile(r"a valid integer"), "a whole number"),
    (re.compile(r" after validation, not \d+"), ""),
)
"""What pydantic says, and what a person who writes YAML calls it."""


def several(found: Iterable[tuple[Where, str]]) -> None:
    """Raise, inside a pydantic validator, all the problems found at places below its value."""
    listed = list(found)
    if listed:
        raise PydanticCustomError("several", "several problems", {"found": listed})


def check(
    kind: type[T], value: object, source: Source, also: Iterable[tuple[Where, str]] = ()
) -> T:
    """The value as `kind`.

    Raises:
        ConfigProblems: the source's problems, all that is wrong with the value, and `also`.
    """
    problems = [*source.problems, *_told(source, also)]
    try:
        checked = TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        problems += _problems(error, kind, source)
    else:
        if not problems:
            return checked
    raise ConfigProblems(sorted(dict.fromkeys(problems), key=lambda p: (p.line, p.column)))


def _problems(error: ValidationError, kind: type, source: Source) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        where = detail["loc"]
        if detail["type"] == "several":
            found = detail["ctx"]["found"]
            yield from _told(source, (((*where, *below), message) for below, message in found))
        elif not _told_already(detail, source):
            of_key = detail["type"] == "extra_forbidden"
            yield source.problem(where, _message(detail, kind), of_key=of_key)


def _told(source: Source, found: Iterable[tuple[Where, str]]) -> Iterator[Problem]:
    for where, message in found:
        if not source.refused(where):
            yield source.problem(where, f"{shown(where)} {message}")


def _told_already(detail: ErrorDetails, source: Source) -> bool:
    """What is left empty or refused is a problem of the source, told when it was parsed."""
    return (detail["input"] is None and bool(detail["loc"])) or source.refused(detail["loc"])


def _message(detail: ErrorDetails, kind: type) -> str:
    where = detail["loc"]
    match detail["type"]:
        case "extra_forbidden":
            known = _known_keys(kind, where[:-1])
            hint = near(str(where[-1]), known) or f"; known are {', '.join(known)}"
            return f"unknown key {shown(where)!r}{hint}"
        case "missing":
            return f"{shown(where)} is missing"
        case _:
            text = detail["msg"]
            for theirs, ours in _PLAIN_WORDS:
                text = theirs.sub(ours, text)
            found = repr(detail["input"])
            short = found if len(found) <= 60 else f"{found[:57]}..."
            return f"{shown(where) or 'the document'} {text}, not {short}"


def _known_keys(kind: type, where: Where) -> list[str]:
    """The keys of the model that stands at this place."""
    models = _models(kind)
    for part in where:
        fields = [f for model in models for f in [_field(model, part)] if f is not None]
        models = [inner for f in fields for inner in _models(f)] or models
    return [f.alias or name for model in models for name, f in model.model_fields.items()]


def _field(model: type[BaseModel], key: str | int) -> Any:
    """The annotation of the field with this key."""
    for name, info in model.model_fields.items():
        if key in (name, info.alias):
            return info.annotation
    return None


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models that an annotation names, inside tuples, mappings and unions too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def shown(where: Where) -> str:
    """`("targets", 0, "role")` as `targets[0].role`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return text.lstrip(".")


def overlay(below: Source, above: Mapping[Where, Source]) -> None:
    """Put each of the variables above into the source below, at its place, the deepest last."""
    for where, variable in sorted(above.items(), key=lambda item: len(item[0])):
        name = variable.document.path
        below.problems += [replace(each, line=0, column=0) for each in variable.problems]
        inner = below.value
        for part in where[:-1]:
            inner = inner.setdefault(part, {}) if isinstance(inner, dict) else None
        if not isinstance(inner, dict):
            message = f"{shown(where[:-1])} has no keys to set one in"
            below.problems.append(Problem(name, 0, 0, message))
            continue
        inner[where[-1]] = variable.value
        below.above[where] = name
