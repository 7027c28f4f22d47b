"""Records of an activity log into rows: one a statement, classified.

What is costly is done once for each shape of a text (`agent.auditlog.told`) and each session; what
is left for every record are a few steps that Python does within loops of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress

from agent.auditlog.blocks import MAX_RECORD
from agent.auditlog.records import Fields
from agent.auditlog.told import LONGEST_SHAPE, ZERO, Told, name_in, of_shape, of_text, tell
from agent.auditlog.verbs import PLAIN

_MOST_SESSIONS = 100_000
"""How many are remembered: one forgotten costs at worst a duplicate that is not marked."""
_KEPT = 2_000
"""Bytes of the longest text that is kept as it is for the comparison."""
_END = b"; \t\r\n\f\v"
_NEVER_TWICE = PLAIN | {"CALL", "EXECUTE", "PREPARE", "SHOW", ""}
"""Verbs that are sent again in earnest: the next rows of a cursor, a procedure."""


@dataclass(slots=True)
class Known:
    """What the rows of one object share: text (a longer one as its hash), time and transaction of
    the last record, by session."""

    last: dict[bytes, tuple[bytes | int, int, bytes]] = field(default_factory=dict)


@dataclass(slots=True)
class Marked:
    """Records with what was found. Sets are indexes of records.

    tolds: what was found, each once. codes: which of them, by record.
    """

    texts: list[bytes]
    tolds: list[Told] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    duplicate: set[int] = field(default_factory=set)
    cut: set[int] = field(default_factory=set)
    bad: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Statements:
    """Rows: the columns that differ between the statements of a record.

    names: code of each object's name, in `distinct`. records: the index of each row's record, with
    number and count of its statements; None where every record has one.
    """

    texts: list[bytes]
    codes: list[int]
    names: list[int]
    distinct: dict[bytes, int]
    records: list[int] | None = None
    numbers: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)


def marked(
    fields: Fields,
    times: Sequence[int],
    sessions: tuple[Sequence[bytes], Sequence[int]],
    known: Known,
    *,
    is_utf8: bool,
) -> Marked:
    """The records, classified.

    times: milliseconds since 1970, of each. sessions: the distinct ones, and which each has.
    """
    out = Marked(fields.texts)
    _shorten(out)
    if not is_utf8:
        _sanitise(out)
    _duplicates(fields.xids, times, sessions, known, out)
    _tell(out)
    if out.duplicate:  # what is sent twice in earnest is none
        verbs = [one.verb for one in out.tolds]
        out.duplicate = {at for at in out.duplicate if verbs[out.codes[at]] not in _NEVER_TWICE}
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


def _tell(out: Marked) -> None:
    """What each text tells, found once for each shape."""
    # A long text is its own shape: hardly ever has another the same.
    shapes = [text.translate(ZERO) if len(text) <= LONGEST_SHAPE else text for text in out.texts]
    tolds = out.tolds
    codes: dict[bytes, int] = {}
    is_unclear = []
    for code, shape in enumerate(dict.fromkeys(shapes)):
        told = of_shape(shape) if len(shape) <= LONGEST_SHAPE else tell(shape)
        codes[shape] = code
        is_unclear.append(told is None)
        tolds.append(told or Told(""))
    out.codes = list(map(codes.__getitem__, shapes))
    for at in _where(is_unclear, out.codes):
        out.codes[at] = len(tolds)
        tolds.append(of_text(out.texts[at]))


def _where(is_one: Sequence[bool], codes: Sequence[int]) -> list[int]:
    """The indexes of the records whose code is one of these."""
    if not any(is_one):
        return []
    return list(compress(range(len(codes)), map(is_one.__getitem__, codes)))


def statements_of(rows: Marked) -> Statements:
    """The rows that the records come to."""
    distinct: dict[bytes, int] = {}
    ends = [one.end for one in rows.tolds]
    named = [distinct.setdefault(one.name, len(distinct)) for one in rows.tolds]
    texts, codes = rows.texts, rows.codes
    names = list(map(named.__getitem__, codes))
    for at in _where([bool(one.made_of) for one in rows.tolds], codes):
        name = name_in(texts[at], rows.tolds[codes[at]])
        names[at] = distinct.setdefault(name, len(distinct))
    several = _where([bool(one.parts) for one in rows.tolds], codes)
    if not several:
        cut = [text[:end] for text, end in zip(texts, map(ends.__getitem__, codes), strict=True)]
        return Statements(cut, codes, names, distinct)
    return _spliced(rows, names, distinct, several)


def _spliced(
    rows: Marked, names: list[int], distinct: dict[bytes, int], several: list[int]
) -> Statements:
    """The same where some records have several statements: these are put in their places."""
    ends = [one.end for one in rows.tolds]
    whole = [
        text[:end] for text, end in zip(rows.texts, map(ends.__getitem__, rows.codes), strict=True)
    ]
    out = Statements([], [], [], distinct, [])
    records = out.records or []
    part_codes: dict[int, range] = {}
    kept = 0
    for at in several:
        code = rows.codes[at]
        parts = rows.tolds[code].parts
        if code not in part_codes:
            part_codes[code] = range(len(rows.tolds), len(rows.tolds) + len(parts))
            rows.tolds += parts
        text, count = rows.texts[at], at - kept
        out.texts += whole[kept:at]
        out.texts += [text[one.start : one.end] for one in parts]
        out.codes += rows.codes[kept:at]
        out.codes += part_codes[code]
        out.names += names[kept:at]
        out.names += [distinct.setdefault(name_in(text, one), len(distinct)) for one in parts]
        records += range(kept, at)
        records += [at] * len(parts)
        out.numbers += [1] * count
        out.numbers += range(1, len(parts) + 1)
        out.counts += [1] * count
        out.counts += [len(parts)] * len(parts)
        kept = at + 1
    rest = len(whole) - kept
    out.texts += whole[kept:]
    out.codes += rows.codes[kept:]
    out.names += names[kept:]
    out.numbers += [1] * rest
    out.counts += [1] * rest
    out.records = [*records, *range(kept, len(whole))]
    return out


def _duplicates(
    xids: Sequence[bytes],
    times: Sequence[int],
    sessions: tuple[Sequence[bytes], Sequence[int]],
    known: Known,
    out: Marked,
) -> None:
    """Mark records whose session sent the same a moment ago in the same transaction.

    JDBC drivers do: without the semicolon, or behind a comment (test-drive's `is_duplicate`).
    """
    last, texts = known.last, out.texts
    if len(last) > _MOST_SESSIONS:
        last.clear()
    distinct, codes = sessions
    latest = [-1] * len(distinct)
    for at, code in enumerate(codes):
        prior = latest[code]
        latest[code] = at
        if prior < 0:
            before = last.get(distinct[code])
            if (
                before
                and before[2] == xids[at]
                and 0 <= times[at] - before[1] <= 1000
                and _hash(before[0]) == hash(_bare(texts[at]))
            ):
                out.duplicate.add(at)
        elif (
            xids[prior] == xids[at]
            and 0 <= times[at] - times[prior] <= 1000
            and _bare(texts[prior]) == _bare(texts[at])
        ):
            out.duplicate.add(at)
    for session, at in zip(distinct, latest, strict=True):
        text = texts[at]
        last[session] = (text if len(text) <= _KEPT else _hash(text), times[at], xids[at])


def _hash(kept: bytes | int) -> int:
    """Of a text for the comparison, where it is not one already."""
    return kept if isinstance(kept, int) else hash(_bare(kept))


def _bare(text: bytes) -> bytes:
    """A text without a comment before it, its semicolon, and white space."""
    bare = text.strip(_END)
    if bare[:2] == b"/*" and (end := bare.find(b"*/")) > 0:
        return bare[end + 2 :].strip(_END)
    return bare
