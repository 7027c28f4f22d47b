"""Records of an activity log into rows: one a statement, classified.

What is costly is done once for each shape of a text (`agent.auditlog.told`) and each session; what
is left for every record are a few steps that Python does within loops of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress

import pyarrow as pa
import pyarrow.compute as pc

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


@dataclass(frozen=True, slots=True)
class Statements:
    """Rows: the columns that differ between the statements of a record.

    codes: which of the tolds, by row. names: code of each object's name, in `distinct`. records:
    index of each row's record, with number and count of its statements; None where all have one.
    """

    texts: list[bytes]
    codes: pa.Array
    names: pa.Array
    distinct: dict[bytes, int]
    records: pa.Array | None = None
    numbers: pa.Array | None = None
    counts: pa.Array | None = None


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
    for at in [at for at, text in enumerate(out.texts) if not text.isascii()]:
        text = out.texts[at]
        if (clean := utf8_of(text)) is not text:
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
    """The rows that the records come to; the parts of records are added to the tolds."""
    ends = [one.end for one in rows.tolds]
    texts = [
        text if end is None else text[:end]
        for text, end in zip(rows.texts, map(ends.__getitem__, rows.codes), strict=True)
    ]
    codes = pa.array(rows.codes, pa.int32())
    several = _where([bool(one.parts) for one in rows.tolds], rows.codes)
    if not several:
        return Statements(texts, codes, *_names(rows.tolds, codes, texts))
    counts, firsts = [], []
    for code, one in enumerate(rows.tolds[:]):
        counts.append(len(one.parts) or 1)
        firsts.append(len(rows.tolds) if one.parts else code)
        rows.tolds += one.parts
    count = pa.array(counts, pa.int32()).take(codes)
    end = pc.cumulative_sum(count)
    each = pa.array(range(len(codes)), pa.int32())
    records = pc.run_end_decode(pa.RunEndEncodedArray.from_arrays(end, each))
    number = pa.array(range(len(records)), pa.int32())
    number = pc.subtract(number, pc.subtract(end, count).take(records))
    codes = pc.add(pa.array(firsts, pa.int32()).take(codes).take(records), number)
    texts = _spliced(rows, texts, several)
    return Statements(
        texts,
        codes,
        *_names(rows.tolds, codes, texts),
        records,
        pc.add(number, 1).cast(pa.int64()),
        count.take(records).cast(pa.int64()),
    )


def _spliced(rows: Marked, texts: list[bytes], several: list[int]) -> list[bytes]:
    """The texts; of records with several statements these."""
    out: list[bytes] = []
    kept = 0
    for at in several:
        whole = rows.texts[at]
        out += texts[kept:at]
        out += [whole[one.start : one.end] for one in rows.tolds[rows.codes[at]].parts]
        kept = at + 1
    out += texts[kept:]
    return out


def _names(
    tolds: list[Told], codes: pa.Array, texts: list[bytes]
) -> tuple[pa.Array, dict[bytes, int]]:
    """The code of the object's name in each row, and the names by code."""
    distinct: dict[bytes, int] = {}
    named = pa.array([distinct.setdefault(one.name, len(distinct)) for one in tolds], pa.int32())
    names = named.take(codes)
    is_made = [bool(one.made_of) for one in tolds]
    if not any(is_made):
        return names, distinct
    every = names.to_pylist()
    where = pc.indices_nonzero(pa.array(is_made, pa.bool_()).take(codes))
    for at, code in zip(where.to_pylist(), codes.take(where).to_pylist(), strict=True):
        name = name_in(texts[at], tolds[code])
        every[at] = distinct.setdefault(name, len(distinct))
    return pa.array(every, pa.int32()), distinct


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
