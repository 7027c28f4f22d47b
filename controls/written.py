"""What a person wrote in YAML, with the line and column of each part, and problems at them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

MAX_DEPTH = 12

_SHOWN = 160
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's reads 20 times as fast
_NOT_TEXT = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")  # as it prints again: `+1` is a text, as 01 is
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in a file: where (line and column count from 1; 0: the file as a whole)."""

    path: str
    line: int
    column: int
    message: str
    excerpt: str = ""

    @property
    def place(self) -> str:
        """`file:line:column`, or the file alone."""
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path

    @property
    def headline(self) -> str:
        """`file:line:column: message`."""
        return f"{self.place}: {self.message}"

    def __str__(self) -> str:
        """The headline, the line of the file, and a caret below the place."""
        if not self.line or not self.excerpt.strip():
            return self.headline
        cut = max(0, self.column - _SHOWN)
        shown = self.excerpt[cut : cut + _SHOWN + 40]
        indent = "".join("\t" if c == "\t" else " " for c in shown[: self.column - 1 - cut])
        return f"{self.headline}\n    {shown}\n    {indent}^"


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """One value. `style` is YAML's: empty (plain), `'`, `"`, `|` or `>`. Offsets into the text.

    `refused` marks one that is reported already: what it was meant to be cannot be known.
    """

    text: str
    style: str
    start: int
    end: int
    refused: bool = False


@dataclass(frozen=True, slots=True)
class ListNode:
    """A sequence; `flow` where it is written in brackets."""

    items: tuple[Node, ...]
    flow: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping, in the order it was written, each key once."""

    entries: tuple[tuple[ScalarNode, Node], ...]
    start: int
    end: int

    def get(self, key: str) -> Node | None:
        """The value under a key."""
        return next((value for name, value in self.entries if name.text == key), None)

    def key(self, key: str) -> ScalarNode | None:
        """The key itself, for its place."""
        return next((name for name, _ in self.entries if name.text == key), None)


Node: TypeAlias = ScalarNode | ListNode | MapNode


class Document:
    """The text of one file and what its offsets mean."""

    __slots__ = ("_starts", "path", "text")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text.removeprefix("\ufeff")
        self._starts = [0, *(m.end() for m in re.finditer("\r\n|[\n\r]", self.text))]

    def problem(self, offset: int, message: str) -> Problem:
        """A problem at an offset."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self._starts, offset)
        begin = self._starts[line - 1]
        excerpt = re.split("[\n\r]", self.text[begin:], maxsplit=1)[0]
        return Problem(self.path, line, offset - begin + 1, message, excerpt)

    def inside(self, node: ScalarNode, offset: int) -> int:
        """The offset in the file of an offset in a scalar's value: folding and quoting undone."""
        at = node.start
        if node.style in ("|", ">") and node.style:
            at = self.text.find("\n", node.start) + 1 or node.start
        elif node.style:
            at += 1
        for index, character in enumerate(node.text):
            if character.isspace():
                continue
            while at < node.end and self.text[at].isspace():
                at += 1
            if index >= offset:
                return at
            at += self._width(node.style, at, character)
        return at

    def _width(self, style: str, at: int, character: str) -> int:
        """How many characters of the file one character of a value takes."""
        if style == "'" and character == "'":
            return 2
        if style == '"' and self.text[at] == "\\":
            return {"x": 4, "u": 6, "U": 10}.get(self.text[at + 1 : at + 2], 2)
        return 1


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of file: how long it may be, and the advice where YAML takes a text for its own."""

    advice: str
    max_characters: int
    condition_keys: re.Pattern[str] | None = None
    """The lines at the margin below which conditions stand, which YAML easily misreads."""


def read_document(document: Document, sort: Sort) -> tuple[Node | None, tuple[Problem, ...]]:
    """What the file says, or None where it says nothing, and what is wrong with its YAML.

    Stricter than YAML, as it is read by people: one document, each key once, no tags, anchors
    or aliases. `yes`, `on`, `0x1F`, dates and the like are text.
    """
    if len(document.text) > sort.max_characters:
        message = f"the file is longer than {sort.max_characters} characters"
        return None, (document.problem(0, message),)
    if odd := _NOT_TEXT.search(document.text):
        message = f"the character U+{ord(odd[0]):04X} cannot stand in YAML"
        return None, (document.problem(odd.start(), message),)
    builder = _Builder(document, sort.advice)
    try:
        root = builder.build()
    except yaml.MarkedYAMLError as error:
        return None, (*builder.problems, _syntax(document, sort, error))
    except _Stop as stop:
        return None, (*builder.problems, document.problem(stop.offset, stop.message))
    return root, tuple(builder.problems)


def plain(node: Node) -> Any:
    """The value as dicts, lists and scalars."""
    match node:
        case MapNode(entries=entries):
            return {key.text: plain(value) for key, value in entries}
        case ListNode(items=items):
            return [plain(item) for item in items]
        case ScalarNode(text=text, style="", refused=False):
            return _scalar(text)
        case ScalarNode(text=text):
            return text


def node_at(root: Node, location: Sequence[int | str]) -> tuple[Node, ScalarNode | None]:
    """The deepest node on a way down (keys and indexes), with its key; stops where it ends."""
    node: Node = root
    key: ScalarNode | None = None
    for step in location:
        if isinstance(node, MapNode) and (below := node.get(str(step))) is not None:
            key = node.key(str(step))
            node = below
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node, key = node.items[step], None
        else:
            break
    return node, key


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) < 30 else text
    return float(text) if _FLOAT.fullmatch(text) else text


# ---------------------------------------------------------------------------- from events


class _Stop(Exception):  # noqa: N818 - not an error: the reading ends here
    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


def _start(event: Any) -> int:
    return int(event.start_mark.index)


def _end(event: Any) -> int:
    return int(event.end_mark.index)


class _Builder:
    """Builds the nodes of one document from YAML's events, collecting problems."""

    def __init__(self, document: Document, advice: str) -> None:
        self.document = document
        self.advice = advice
        self.problems: list[Problem] = []

    def build(self) -> Node | None:
        events: Iterator[Any] = iter(yaml.parse(self.document.text, Loader=_LOADER))
        root: Node | None = None
        seen = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                seen += 1
                if seen > 1:
                    raise _Stop(_start(event), "one file holds one document, not several")
                root = self._node(next(events), events, 0)
        empty = isinstance(root, ScalarNode) and not root.text
        return None if empty else root

    def _note(self, offset: int, message: str) -> None:
        self.problems.append(self.document.problem(offset, message))

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        start, end = _start(event), _end(event)
        if depth > MAX_DEPTH:
            raise _Stop(start, f"this is nested deeper than {MAX_DEPTH} levels")
        refused = self._refused(event, start)
        match event:
            case yaml.ScalarEvent():
                return ScalarNode(event.value, event.style or "", start, end, refused)
            case yaml.SequenceStartEvent():
                return self._sequence(start, bool(event.flow_style), events, depth)
            case yaml.MappingStartEvent():
                return self._mapping(start, events, depth)
            case _:
                return ScalarNode("", "", start, end, refused=True)

    def _refused(self, event: Any, start: int) -> bool:
        """Whether the node carries what is not read here; says so."""
        if getattr(event, "tag", None):
            what = "a tag"
        elif getattr(event, "anchor", None):
            what = "an alias" if isinstance(event, yaml.AliasEvent) else "an anchor"
        else:
            return False
        word = re.split(r"[\s,\[\]{}]", self.document.text[start : start + 40], maxsplit=1)[0]
        self._note(start, f"YAML reads `{word}` as {what}, which has no place here; {self.advice}")
        return True

    def _sequence(self, start: int, flow: bool, events: Iterator[Any], depth: int) -> ListNode:
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._node(event, events, depth + 1))
        return ListNode(tuple(items), flow, start, _end(event))

    def _mapping(self, start: int, events: Iterator[Any], depth: int) -> MapNode:
        entries: dict[str, tuple[ScalarNode, Node]] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._node(event, events, depth + 1)
            value = self._node(next(events), events, depth + 1)
            if not isinstance(key, ScalarNode):
                self._note(key.start, f"a key is one word, not a list or mapping; {self.advice}")
            elif key.text in entries:
                first = self.document.problem(entries[key.text][0].start, "").line
                self._note(key.start, f"`{key.text}` is written twice (first on line {first})")
            else:
                entries[key.text] = (key, value)
        return MapNode(tuple(entries.values()), start, _end(event))


def _syntax(document: Document, sort: Sort, error: yaml.MarkedYAMLError) -> Problem:
    """A YAML error in plain words, with the way to write a condition where it stands in one."""
    mark: Any = error.problem_mark or error.context_mark
    offset = mark.index if mark else 0
    if document.text[offset : offset + 1] == "\t":
        return document.problem(offset, "a tab cannot indent YAML: use spaces")
    lines = re.split("\r\n|[\n\r]", document.text[:offset] + "$")
    keys = [line for line in lines if line and not line[0].isspace()]
    if keys and sort.condition_keys and sort.condition_keys.match(keys[-1]):
        return document.problem(offset, f"YAML cannot read this condition; {sort.advice}")
    return document.problem(offset, _said(document, error))


def _said(document: Document, error: yaml.MarkedYAMLError) -> str:
    begun: Any = error.context_mark
    line = document.problem(begun.index, "").line if begun else 0
    context, problem = str(error.context), str(error.problem or error.context)
    if "flow" in context:
        return f"the bracket opened on line {line} is not closed"
    if "quoted scalar" in context:
        return f"the quote opened on line {line} is not closed"
    if problem.startswith("mapping values"):
        return "`: ` would start a value here; quote a text that contains it"
    if problem.startswith("found character") and error.problem_mark:
        first = document.text[error.problem_mark.index :][:1]
        return f"`{first}` cannot start a value: quote it"
    return f"this is not YAML: {problem}"
