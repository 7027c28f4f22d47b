"""The parameters of a rule file: their defaults, their types, and between which bounds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from controls.bounds import Bounds, outside
from controls.condition import KEYWORDS, check_value, type_name
from controls.model import Value
from controls.near import near
from controls.written import MapNode, Node, ScalarNode, plain

Note: TypeAlias = Callable[[int, str], None]
"""Takes down a problem: where it stands, and the sentence."""

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")
_TYPES: tuple[Any, ...] = (bool, int, float, str, list[str])
_DEFAULT, _LEAST, _MOST = _KEYS = ("default", "least", "most")


@dataclass(frozen=True, slots=True)
class ReadParams:
    """Each parameter's default and type; the bounds of those that have any."""

    values: dict[str, Value] = field(default_factory=dict)
    types: dict[str, Any] = field(default_factory=dict)
    bounds: dict[str, Bounds] = field(default_factory=dict)


def read_params(node: Node | None, note: Note) -> ReadParams:
    """`params:` of a rule: `name: default`, or `name: {default: 24, least: 3, most: 72}`.

    What is wrong goes to `note`; a parameter stays known by its name, so that conditions that
    read it are not called wrong as well.
    """
    found = ReadParams()
    for key, value in node.entries if isinstance(node, MapNode) else ():
        if not _IDENTIFIER.fullmatch(key.text) or key.text in KEYWORDS:
            note(key.start, f"a parameter is lower_case letters and digits, not {key.text!r}")
            continue
        written = _default(key, value, note) if isinstance(value, MapNode) else value
        read: Any = None if written is None else plain(written)
        of = next((of for of in _TYPES if not check_value(of, read)), object)
        if of is object and written is not None:
            message = (
                f"the parameter {key.text} is a number, a text, true, false or a list of texts"
            )
            note(start_of(key, written), message)
        found.values[key.text], found.types[key.text] = read, of
        if isinstance(value, MapNode) and written is not None and of is not object:
            bounds = _bounds(key.text, value, of, note)
            found.bounds[key.text] = bounds
            if broken := outside(read, bounds):
                note(
                    start_of(key, written),
                    f"the parameter {key.text} is {broken}, and its default is {read}",
                )
    return found


def start_of(key: ScalarNode, value: Node) -> int:
    """Where a value stands; an empty one at its key."""
    return value.start if not isinstance(value, ScalarNode) or value.text else key.start


def _default(key: ScalarNode, node: MapNode, note: Note) -> Node | None:
    """The default among a parameter's keys; there is no other than these."""
    for each, _ in node.entries:
        if each.text not in _KEYS:
            known = near(each.text, _KEYS) or f"; a parameter has {', '.join(_KEYS)}"
            note(each.start, f"unknown key `{each.text}`{known}")
    default = node.get(_DEFAULT)
    if default is None:
        note(key.start, f"the parameter {key.text} has no `{_DEFAULT}`")
    return default


def _bounds(name: str, node: MapNode, of: Any, note: Note) -> Bounds:
    """The least and the most, of the default's type."""
    found: dict[str, Any] = {}
    for key, value in node.entries:
        if key.text not in (_LEAST, _MOST):
            continue
        read: Any = plain(value)
        if of not in (int, float):
            note(key.start, f"only a number has bounds, and {name} is {type_name(of)}")
        elif error := check_value(of, read):
            note(start_of(key, value), f"`{key.text}` of the parameter {name} {error}")
        else:
            found[key.text] = read
    return found.get(_LEAST), found.get(_MOST)
