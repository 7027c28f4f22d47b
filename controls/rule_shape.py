"""The shape of a rule file: which keys it has, of which types, and what to say where it differs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from controls.near import near
from controls.written import (
    Document,
    MapNode,
    Node,
    Problem,
    ScalarNode,
    Sort,
    node_at,
    plain,
    read_document,
)

MAX_CHARACTERS = 64 * 1024

BLOCK_HINT = (
    "a condition that starts with `!`, `&`, `*`, a quote or a bracket, or contains `: ` or ` #`, "
    "is written as a block: `|` after the key, the condition on the next line"
)

_RULE_FILE = Sort(BLOCK_HINT, MAX_CHARACTERS, re.compile(r"^(?:-|(?:where|must)\b)"))

Text = Annotated[str, Field(min_length=1)]
WrittenExample = dict[str, Any]


class Written(BaseModel):
    """Anything a person wrote: no unknown keys, no types bent to fit, no later edits."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class WrittenFix(Written):
    """`fix: {do: name}`, or several: the first that has something to do is taken."""

    do: Annotated[list[Text], BeforeValidator(_as_list), Field(min_length=1)]


class WrittenExamples(Written):
    """Facts by verdict; at least one that passes and one that fails."""

    pass_: list[WrittenExample] = Field(alias="pass", min_length=1)
    fail: list[WrittenExample] = Field(min_length=1)
    unknown: list[WrittenExample] = []
    not_applicable: list[WrittenExample] = []


class WrittenRule(Written):
    """A rule file."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
    title: Text
    why: Text
    severity: Literal["critical", "high", "medium", "low"]
    resource: Text
    where: Text | None = None
    must: Annotated[list[Text], BeforeValidator(_as_list), Field(min_length=1)]
    params: dict[str, Any] = {}
    remedy: Text
    fix: WrittenFix | None = None
    maps: dict[str, list[Text]] = {}
    false_positives: str = ""
    examples: WrittenExamples


def read_rule_file(document: Document) -> tuple[MapNode | None, tuple[Problem, ...]]:
    """The file's mapping, or None where there is none, and what is wrong with its YAML."""
    root, problems = read_document(document, _RULE_FILE)
    if isinstance(root, MapNode) or (root is None and problems):
        return root, problems
    at, message = (root.start, "the file is no mapping") if root else (0, "the file is empty")
    return None, (*problems, document.problem(at, f"{message}: it needs `id`, `title`, …"))


def read_shape(document: Document, root: MapNode) -> tuple[WrittenRule | None, list[Problem]]:
    """The rule as written, or every way in which its shape is wrong."""
    written: WrittenRule | None = None
    errors: Sequence[Any] = ()
    try:
        written = WrittenRule.model_validate(plain(root))
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=True)
    found = (_shape_problem(document, root, error) for error in errors)
    problems = [problem for problem in found if problem is not None]
    for key in ("where", "fix"):  # `where:` with nothing behind it is a slip, not "no where"
        node = root.get(key)
        if isinstance(node, ScalarNode) and not node.refused and plain(node) is None:
            problems.append(document.problem(_place(root, (key,)), f"`{key}` is empty"))
    return (None if problems else written), problems


def _shape_problem(document: Document, root: MapNode, error: Mapping[str, Any]) -> Problem | None:
    """The error at its place; None where the node was refused already."""
    location = tuple(step for step in error["loc"] if step != "[key]")
    node, _ = node_at(root, location)
    if isinstance(node, ScalarNode) and node.refused:
        return None
    place = _place(root, location)
    if error["type"] == "extra_forbidden":
        _, key = node_at(root, location)
        place = key.start if key else place
    return document.problem(place, _message(error, location, node))


def _place(root: MapNode, location: Sequence[int | str]) -> int:
    """Where to point: at a scalar, else at its key."""
    node, key = node_at(root, location)
    if isinstance(node, ScalarNode) and node.text:
        return node.start
    return key.start if key else node.start


_SAID = {
    "missing": "`{name}` is missing",
    "literal_error": "`{name}` is one of critical, high, medium, low, not {text!r}{near_severity}",
    "extra_forbidden": "unknown key `{last}`{near_key}",
    "string_pattern_mismatch": "an id is lower-case words with hyphens between, not {text!r}",
    "too_short": "`{name}` needs at least one entry",
    "string_too_short": "`{name}` is empty",
    "string_type": "`{name}` is a text, not {sort}{quote}",
    "list_type": "`{name}` is a list, not {sort}",
    "dict_type": "`{name}` is a mapping, not {sort}",
    "model_type": "`{name}` is a mapping, not {sort}",
}


def _message(error: Mapping[str, Any], location: Sequence[int | str], node: Node) -> str:
    kind = error["type"]
    if location[0] in ("where", "must") and not isinstance(node, ScalarNode) and kind in _NO_TEXT:
        return f"YAML reads {_sort(node)} here, not a condition; {BLOCK_HINT}"
    if kind.endswith("_type") and isinstance(node, ScalarNode) and plain(node) is None:
        kind = "string_too_short"
    last = str(location[-1])
    text = node.text if isinstance(node, ScalarNode) else ""
    return _SAID.get(kind, "`{name}`: {error}").format(
        name=".".join(step for step in location if isinstance(step, str)),
        last=last,
        text=text,
        sort=_sort(node),
        quote=_quote(node),
        near_key=near(last, _keys(location[:-1])),
        near_severity=near(text, ("critical", "high", "medium", "low")),
        error=error["msg"],
    )


_NO_TEXT = ("string_type", "list_type")


_SORTS: Mapping[type, str] = {bool: "the truth value", int: "the number", float: "the number"}


def _sort(node: Node) -> str:
    match node:
        case MapNode():
            return "a mapping"
        case ScalarNode():
            return f"{_SORTS.get(type(plain(node)), 'the text')} {node.text}"
        case _:
            return "a list"


def _quote(node: Node) -> str:
    """A version such as 10.2 is a number to YAML, and loses its last zero."""
    number = isinstance(node, ScalarNode) and isinstance(plain(node), int | float)
    return f": write it in quotes, '{node.text}'" if number else ""  # type: ignore[union-attr]


def _keys(location: Sequence[int | str]) -> Iterable[str]:
    """The keys that a mapping at this place may have."""
    models: Mapping[str, type[BaseModel]] = {"examples": WrittenExamples, "fix": WrittenFix}
    model = models.get(str(location[0]), WrittenRule) if location else WrittenRule
    return [field.alias or name for name, field in model.model_fields.items()]
