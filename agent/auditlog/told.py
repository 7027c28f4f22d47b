"""What a record's text tells of its statements: found once for all texts of one shape.

Most texts differ from others in their digits alone. Nothing that is found out depends on which
digits they are but names that hold some, conditions such as `1 = 1`, and the tags of dollar quotes:
what is found of a shape says where the name stands, and where there is no telling, the text itself
is looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from agent.auditlog.statements import Statement, placed
from agent.auditlog.verbs import OTHER, PLAIN

LONGEST_SHAPE = 2_000
"""Bytes of the longest text that is likely to have the shape of another."""

MOST_PARTS = 16
"""Statements of the longest record that is looked at by its shape, and remembered."""

ZERO = bytes.maketrans(b"123456789", b"000000000")
"""From a text to its shape, which is as long."""

_FAST = {**{verb: verb for verb in PLAIN}, "SELECT": "SELECT", "INSERT": "INSERT"}
_WORD = re.compile(rb"[ \t\r\n]*+([\w\x80-\xff]*+)")
_INSERT = re.compile(
    rb"\s*INSERT\s+INTO\s+([A-Za-z_][\w.$#]*)\s*(?:\(|VALUES|SELECT|DEFAULT)", re.IGNORECASE
)
_END = b"; \t\r\n\f\v"
_INTERNAL = (b"INTERNAL QUERY */", b"context: SQL", b"CONTEXT:  SQL")
_NOTES = ("Undoing transaction", "Undo on")
_BETWEEN = re.compile(rb"([., \t\r\n]+)")
_MOST_WORDS = 4
_TRIES = 3
_FINGERPRINT = 200
"""Characters."""
_QUOTED = re.compile(r"'(?:[^'\\]|''|\\.)*+(?:'|\\?\Z)", re.DOTALL)
_FIGURE = re.compile(r"[0-9]+")
_TAG = re.compile(rb"\$[^\s$]*0[^\s$]*\$")


@dataclass(frozen=True, slots=True)
class Told:
    """A statement of a record, or the first of several.

    name: the object's. made_of: what to make it of instead, if it holds digits: parts of its own
    text, and what is between them. fingerprint: see `fingerprint_of`.
    start, end: its own text; end None: to the end. parts: of a record with several statements, all.
    """

    verb: str
    name: bytes = b""
    is_unfiltered: bool = False
    is_internal: bool = False
    start: int = 0
    end: int | None = None
    made_of: tuple[slice | bytes, ...] = ()
    parts: tuple[Told, ...] = ()
    fingerprint: str = ""


@lru_cache(maxsize=8192)
def of_shape(shape: bytes) -> Told | None:
    """What all texts of a shape tell; None where that depends on their digits, or where there are
    so many statements that to find their names would cost more than it saves."""
    if shape.count(b";") > MOST_PARTS:
        return None
    told = told_of(shape)
    if b"0" not in shape:
        return told
    if b"$" in shape and _TAG.search(shape):
        return None
    if not told.parts:
        return _placed(shape, told, 0)
    parts = [_placed(shape, part, number) for number, part in enumerate(told.parts)]
    found = tuple(part for part in parts if part is not None)
    if len(found) < len(parts):
        return None
    return replace(told, parts=found)


def _placed(shape: bytes, told: Told, number: int) -> Told | None:
    """The same with the place of a name that holds digits; None where there is no telling."""
    if told.is_unfiltered and b"where" in shape.lower():
        return None  # perhaps 1 = 1, perhaps 1 = 2
    if b"0" not in told.name:
        return told
    made_of = _made_of(shape, told, number)
    return replace(told, made_of=made_of) if made_of else None


def _made_of(shape: bytes, told: Told, number: int) -> tuple[slice | bytes, ...]:
    """Which parts of the text a name is made of; empty where there is no telling.

    A name is some of the text's own characters in their order: if other digits somewhere change
    just these digits of it, there they stand.
    """
    words = _BETWEEN.split(told.name)
    if sum(b"0" in word for word in words) > _MOST_WORDS:
        return ()
    made: list[slice | bytes] = []
    start = told.start
    for nth, word in enumerate(words):
        if b"0" not in word:
            made.append(word)
            continue
        other = word.replace(b"0", b"1")
        name = b"".join((*words[:nth], other, *words[nth + 1 :]))
        for _ in range(_TRIES):
            at = shape.find(word, start)
            if at < 0:
                return ()
            start = at + len(word)
            probed = tell(shape[:at] + other + shape[start:])
            if (probed.parts[number] if probed.parts else probed).name == name:
                made.append(slice(at - told.start, start - told.start))
                break
        else:
            return ()
    return tuple(made)


def name_in(text: bytes, told: Told) -> bytes:
    """The object's name in a statement's own text."""
    if not told.made_of:
        return told.name
    return b"".join([text[one] if isinstance(one, slice) else one for one in told.made_of])


@lru_cache(maxsize=4096)
def of_text(text: bytes) -> Told:
    """The same as `told_of`, remembered."""
    return told_of(text)


def told_of(text: bytes) -> Told:
    """What a text tells, with fingerprints."""
    told = tell(text)
    parts = tuple(
        replace(one, fingerprint=fingerprint_of(text[one.start : one.end])) for one in told.parts
    )
    return replace(told, parts=parts, fingerprint=fingerprint_of(text[: told.end]))


def fingerprint_of(text: bytes) -> str:
    """A statement as one of many that are alike: its beginning, without literals and figures.

    The beginning is enough to know it by. A literal that is cut there has no end.
    """
    begins = text[: 4 * _FINGERPRINT].decode("utf-8", "ignore")[:_FINGERPRINT]
    return _FIGURE.sub("?", _QUOTED.sub("?", begins))


def tell(text: bytes) -> Told:
    """What a text tells; it is UTF-8.

    Most are one statement that its first word tells. The others (several statements, a comment
    first, INTO, anything that grants, defines or moves) go through `agent.auditlog.statements`. A
    test holds both ways to the same answers.
    """
    word = _WORD.match(text)
    raw = word.group(1) if word else b""
    verb = _FAST.get(raw.decode("latin-1").upper()) if raw.isascii() else None
    if verb is None:
        return _look_closely(text)
    end = text.find(b";")
    if end >= 0 and not _is_its_end(text, end):
        return _look_closely(text)
    if verb == "SELECT" and b"into" in text.lower():
        return _look_closely(text)
    name = b""
    if verb == "INSERT":
        found = _INSERT.match(text)
        if found is None:
            return _look_closely(text)
        name = found.group(1)
    till = end if end >= 0 else None
    is_internal = verb == "SELECT" and _is_marked(text[:till])
    return Told(verb, name, is_internal=is_internal, end=till)


def _is_its_end(text: bytes, end: int) -> bool:
    """Whether the first semicolon surely ends the only statement: nothing that could be a literal
    or comment around it is open."""
    if end + 1 < len(text) and text[end:].strip(_END):
        return False
    return not (
        text.count(b"'") & 1
        or text.count(b'"') & 1
        or b"--" in text
        or b"/*" in text
        or b"\\" in text
        or b"$" in text
    )


def _look_closely(text: bytes) -> Told:
    whole = text.decode("utf-8")
    is_same = len(whole) == len(text)  # a character a byte
    found = [
        (at if is_same else len(whole[:at].encode()), one, one.text.encode())
        for at, one in placed(whole)
    ]
    if len(found) > 1:
        parts = tuple(_told(one, at, at + len(raw)) for at, one, raw in found)
        return replace(parts[0], parts=parts)
    _, first, raw = found[0]
    is_note = first.verb == OTHER and first.text.startswith(_NOTES)
    is_internal = is_note or (first.verb in (OTHER, "SELECT") and _is_marked(raw))
    return replace(_told(first, 0, len(raw)), is_internal=is_internal)


def _told(one: Statement, start: int, end: int) -> Told:
    name = one.object_name.encode()
    return Told(one.verb, name, one.is_unfiltered, start=start, end=end)


def _is_marked(text: bytes) -> bool:
    """Whether the service asks this in a user's name.

    Anyone can write such a mark into a comment: it hides no more than reading, and `$1` is none,
    for drivers write it where a user's value stands.
    """
    return any(mark in text for mark in _INTERNAL)
