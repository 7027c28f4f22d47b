"""Records of an activity log into rows: one a statement, classified, as Arrow columns.

Most records are one statement that its first word tells: those never leave their bytes. The others
(several statements, a comment first, INTO, anything that grants, defines or moves) go through
`agent.auditlog.statements`. A test holds both ways to the same answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.auditlog.blocks import MAX_RECORD
from agent.auditlog.records import Fields
from agent.auditlog.statements import Statement, classify
from agent.auditlog.verbs import PLAIN

SLOW = -1
"""The code of a first word that does not tell everything."""

_FAST = {**{verb: verb for verb in PLAIN}, "SELECT": "SELECT", "INSERT": "INSERT"}
_INSERT = re.compile(
    rb"\s*INSERT\s+INTO\s+([A-Za-z_][\w.$#]*)\s*(?:\(|VALUES|SELECT|DEFAULT)", re.IGNORECASE
)
_MOST_WORDS = 10_000
_MOST_SESSIONS = 100_000
"""How many are remembered: one forgotten costs at worst a duplicate that is not marked."""
_KEPT = 2_000
"""Bytes of the longest text that is kept as it is for the comparison."""
_END = b"; \t\r\n\f\v"

_INTERNAL = (b"INTERNAL QUERY */", b"context: SQL", b"CONTEXT:  SQL")
_NOTES = ("Undoing transaction", "Undo on")

_NEVER_TWICE = PLAIN | {"CALL", "EXECUTE", "PREPARE", "SHOW", ""}
"""Verbs that are sent again in earnest: the next rows of a cursor, a procedure."""


@dataclass(slots=True)
class Known:
    """What the rows of one object share: codes of verbs and names, the last record of a session.

    verbs, names: code by text. words: the code of a verb by first word, as written.
    last: text (a longer one as its hash), time and transaction of the last record, by session.
    """

    verbs: dict[str, int] = field(default_factory=dict)
    names: dict[bytes, int] = field(default_factory=lambda: {b"": 0})
    words: dict[bytes, int] = field(default_factory=dict)
    last: dict[bytes, tuple[bytes | int, int, bytes]] = field(default_factory=dict)

    def verb(self, text: str) -> int:
        """The code of a verb."""
        return self.verbs.setdefault(text, len(self.verbs))

    def name(self, text: bytes) -> int:
        """The code of an object name."""
        return self.names.setdefault(text, len(self.names))

    def word(self, raw: bytes) -> int:
        """The code of the verb that a first word tells; SLOW where it does not."""
        if len(self.words) >= _MOST_WORDS:
            self.words.clear()
        verb = _FAST.get(raw.decode("latin-1").upper()) if raw.isascii() else None
        code = self.words[raw] = SLOW if verb is None else self.verb(verb)
        return code


@dataclass(slots=True)
class Marked:
    """The first statement of each record, by column; `more` has the others, by record index."""

    verbs: list[int]
    names: list[int]
    texts: list[bytes]
    unfiltered: set[int] = field(default_factory=set)
    internal: set[int] = field(default_factory=set)
    duplicate: set[int] = field(default_factory=set)
    cut: set[int] = field(default_factory=set)
    bad: set[int] = field(default_factory=set)
    more: list[tuple[int, tuple[Statement, ...]]] = field(default_factory=list)


def marks_in(whole: bytes) -> list[bytes]:
    """The marks of the service's own queries that occur in these records at all."""
    return [mark for mark in _INTERNAL if mark in whole]


def marked(
    fields: Fields,
    times: Sequence[int],
    known: Known,
    *,
    is_utf8: bool,
    marks: Sequence[bytes],
) -> Marked:
    """The records, classified. times: milliseconds since 1970, of each."""
    texts = fields.texts
    out = Marked([], [0] * len(texts), texts)
    _shorten(out)
    if not is_utf8:
        _sanitise(out)
    _duplicates(fields, times, known, out)
    _classify(fields.words, known, out)
    _internal(marks, known, out)
    _confirm_duplicates(known, out)
    return out


def _shorten(out: Marked) -> None:
    """Leave out what is beyond the longest record, at a character's edge."""
    if max(map(len, out.texts), default=0) <= MAX_RECORD:
        return
    for at, text in enumerate(out.texts):
        if len(text) > MAX_RECORD:
            end = MAX_RECORD
            while end > MAX_RECORD - 4 and text[end] & 0xC0 == 0x80:
                end -= 1
            out.texts[at] = text[:end]
            out.cut.add(at)


def _sanitise(out: Marked) -> None:
    """Write bytes that are no UTF-8 as \\xNN."""
    for at, text in enumerate(out.texts):
        if not text.isascii() and (clean := utf8_of(text)) is not text:
            out.texts[at] = clean
            out.bad.add(at)


def is_utf8(raw: bytes) -> bool:
    """Whether these bytes are UTF-8."""
    if raw.isascii():
        return True
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def utf8_of(raw: bytes) -> bytes:
    """The same bytes where they are UTF-8, else with every wrong one written as \\xNN."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "backslashreplace").encode("utf-8")
    return raw


def _classify(words: list[bytes], known: Known, out: Marked) -> None:
    """Verb, name and text of every record's first statement."""
    codes, texts = known.words, out.texts
    select, insert = known.verb("SELECT"), known.verb("INSERT")
    verbs, slow = out.verbs, []
    for at, word in enumerate(words):
        code = codes.get(word)
        if code is None:
            code = known.word(word)
        if code >= 0:
            text = texts[at]
            end = text.find(b";")
            if (end >= 0 and not _is_its_end(text, end)) or (
                code == select and b"into" in text.lower()
            ):
                code = SLOW
            elif code == insert:
                code = _inserted(at, text, known, out)
            if code >= 0 and end >= 0:
                texts[at] = text[:end]
        if code < 0:
            slow.append(at)
        verbs.append(code)
    for at in slow:
        _look_closely(at, known, out)


def _inserted(at: int, text: bytes, known: Known, out: Marked) -> int:
    """The code of INSERT where its name is told plainly, else SLOW."""
    found = _INSERT.match(text)
    if found is None:
        return SLOW
    out.names[at] = known.name(found.group(1))
    return known.verb("INSERT")


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


def _look_closely(at: int, known: Known, out: Marked) -> None:
    found = classify(out.texts[at].decode("utf-8"))
    first = found[0]
    out.verbs[at] = known.verb(first.verb)
    if first.object_name:
        out.names[at] = known.name(first.object_name.encode())
    if first.is_unfiltered:
        out.unfiltered.add(at)
    if len(found) > 1:
        out.more.append((at, found))
    elif first.verb == "OTHER" and first.text.startswith(_NOTES):
        out.internal.add(at)
    out.texts[at] = first.text.encode()


def _internal(marks: Sequence[bytes], known: Known, out: Marked) -> None:
    """Mark what the service asks in a user's name.

    Anyone can write such a mark into a comment: it hides no more than reading, and `$1` is none,
    for drivers write it where a user's value stands.
    """
    several = {at for at, _ in out.more}
    reading = (known.verb("OTHER"), known.verb("SELECT"))
    for mark in marks:
        for at, text in enumerate(out.texts):
            if mark in text and out.verbs[at] in reading and at not in several:
                out.internal.add(at)


def _duplicates(fields: Fields, times: Sequence[int], known: Known, out: Marked) -> None:
    """Mark records whose session sent the same a moment ago in the same transaction.

    JDBC drivers do: without the semicolon, or behind a comment (test-drive's `is_duplicate`).
    """
    last = known.last
    if len(last) > _MOST_SESSIONS:
        last.clear()
    for at, (text, session, xid, when) in enumerate(
        zip(out.texts, fields.sessions, fields.xids, times, strict=True)
    ):
        before = last.get(session)
        kept: bytes | int = text if len(text) <= _KEPT else hash(_bare(text))
        if before and before[2] == xid and 0 <= when - before[1] <= 1000:
            kept = hash(_bare(text))
            prior = before[0]
            if kept == (prior if isinstance(prior, int) else hash(_bare(prior))):
                out.duplicate.add(at)
        last[session] = (kept, when, xid)


def _bare(text: bytes) -> bytes:
    """A text without a comment before it, its semicolon, and white space."""
    bare = text.strip(_END)
    if bare[:2] == b"/*" and (end := bare.find(b"*/")) > 0:
        return bare[end + 2 :].strip(_END)
    return bare


def _confirm_duplicates(known: Known, out: Marked) -> None:
    """Unmark what is sent twice in earnest."""
    if out.duplicate:
        earnest = {known.verb(verb) for verb in _NEVER_TWICE}
        out.duplicate = {at for at in out.duplicate if out.verbs[at] not in earnest}
