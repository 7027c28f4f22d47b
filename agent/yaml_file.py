"""YAML that a person wrote: the place of every value, and every problem at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

T = TypeVar("T")

Where = tuple[str | int, ...]
"""The path to a value inside a document: `("targets", 0, "role")`."""


class ConfigProblems(Exception):  # noqa: N818 - several problems, each a line for a person
    """All that is wrong with what was written: one line each, with its place."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Written(BaseModel):
    """Anything a person wrote: no unknown keys, no later edits."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(slots=True)
class Document:
    """A document as plain values, with the place of each value and key (`file:line:column`)."""

    name: str
    value: Any = None
    values: dict[Where, str] = field(default_factory=dict)
    keys: dict[Where, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def place(self, where: Where, *, of_key: bool = False) -> str:
        """The place of the value (or its key), or of the closest one around it."""
        if of_key and where in self.keys:
            return self.keys[where]
        for length in range(len(where), -1, -1):
            if where[:length] in self.values:
                return self.values[where[:length]]
        return self.name


# ---------------------------------------------------------------- reading


class _Loader(yaml.SafeLoader):
    """YAML 1.2's plain scalars: `on` is a text, and so are 012345670123 and 2026-12-31."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own name and way


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(null|~|)$"), ["n", "~", ""])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^-?(0|[1-9][0-9]{0,30})$"), list("-0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^-?(0|[1-9][0-9]{0,30})\.[0-9]+$"), list("-0123456789")
)


def read_document(path: Path) -> Document:
    """The YAML file. What cannot be read or parsed stands in its `problems`."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return Document(str(path), problems=[f"{path}: not a text file in UTF-8"])
    except OSError as error:
        return Document(str(path), problems=[f"{path}: cannot be read: {error.strerror}"])
    return parse(text, str(path))


def parse(text: str, name: str) -> Document:
    """The text as YAML. Duplicate keys, empty values and what YAML refuses are problems."""
    document = Document(name)
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is not None:
            document.value = _Builder(document, loader).plain(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        document.problems.append(f"{at}: not valid YAML: {error.problem or error.context}")
    except yaml.YAMLError as error:
        document.problems.append(f"{name}: not valid YAML: {' '.join(str(error).split())}")
    except RecursionError:
        document.problems.append(f"{name}: not valid YAML: nested too deeply")
    return document


class _Builder:
    """Makes plain values of YAML's nodes; places and problems go to the document."""

    def __init__(self, document: Document, loader: _Loader) -> None:
        self.document = document
        self.loader = loader
        self.seen: set[int] = set()

    def plain(self, node: yaml.Node, where: Where) -> Any:
        at = self.document.values[where] = self._at(node)
        if id(node) in self.seen:
            self._note(at, "a YAML alias; write the value out")
            return None
        self.seen.add(id(node))
        match node:
            case yaml.MappingNode():
                return self._mapping(node, where)
            case yaml.SequenceNode():
                return [self.plain(item, (*where, i)) for i, item in enumerate(node.value)]
        value = self.loader.construct_object(node)
        if value is None and where:
            self._note(at, f"{shown(where)} has no value; write one or take it out")
        return value

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            at = self._at(key_node)
            inside = (*where, str(key_node.value))
            if not isinstance(key_node, yaml.ScalarNode):
                self._note(at, "a key must be a text")
            elif inside[-1] in found:
                first = self.document.keys[inside]
                self._note(at, f"duplicate key {shown(inside)!r}, first written at {first}")
            else:
                self.document.keys[inside] = at
                found[key_node.value] = self.plain(value_node, inside)
        return found

    def _at(self, node: yaml.Node) -> str:
        return f"{self.document.name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"

    def _note(self, at: str, message: str) -> None:
        self.document.problems.append(f"{at}: {message}")


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
    kind: type[T], value: object, document: Document, also: Iterable[tuple[Where, str]] = ()
) -> T:
    """The value as `kind`.

    Raises:
        ConfigProblems: the document's problems, all that is wrong with the value, and `also`.
    """
    problems = [*document.problems, *(_line(document, where, said) for where, said in also)]
    try:
        checked = TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        problems += _lines(error, kind, document)
    else:
        if not problems:
            return checked
    raise ConfigProblems(sorted(dict.fromkeys(problems), key=_place_of))


def _place_of(problem: str) -> tuple[int, int]:
    """Line and column that a problem begins with: they are told in the order of the file."""
    found = re.search(r":(\d+):(\d+): ", problem)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _lines(error: ValidationError, kind: type, document: Document) -> Iterator[str]:
    for detail in error.errors(include_url=False):
        where = detail["loc"]
        if detail["type"] == "several":
            for below, message in detail["ctx"]["found"]:
                yield _line(document, (*where, *below), message)
        elif not _told_already(detail):
            of_key = detail["type"] == "extra_forbidden"
            yield f"{document.place(where, of_key=of_key)}: {_message(detail, kind)}"


def _line(document: Document, where: Where, message: str) -> str:
    return f"{document.place(where)}: {shown(where)} {message}"


def _told_already(detail: ErrorDetails) -> bool:
    """A value left empty is a problem of the document, told when it was parsed."""
    return detail["input"] is None


def _message(detail: ErrorDetails, kind: type) -> str:
    where = detail["loc"]
    match detail["type"]:
        case "extra_forbidden":
            known = _known_keys(kind, where[:-1])
            close = get_close_matches(str(where[-1]), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            return f"unknown key {shown(where)!r}; {hint}"
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


def overlay(below: Document, above: Mapping[Where, Document]) -> None:
    """Put each of the documents above into the one below, at its place."""
    for where, document in above.items():
        below.problems += document.problems
        inner = below.value
        for part in where[:-1]:
            inner = inner.setdefault(part, {}) if isinstance(inner, dict) else None
        if not isinstance(inner, dict):
            below.problems.append(f"{document.name}: {shown(where[:-1])} has no keys to set one in")
            continue
        inner[where[-1]] = document.value
        for places in (below.values, below.keys):
            for inside in [w for w in places if w[: len(where)] == where]:
                del places[inside]
        below.values[where] = below.keys[where] = document.name
