"""Records of an activity log into rows: one a statement, classified.

What is costly is done once for each shape of a text (`agent.auditlog.told`) and each session; what
is left for every record is done by Arrow, but for the few that are unlike the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from agent.auditlog.blocks import MAX_RECORD
from agent.auditlog.told import (
    LONGEST_SHAPE,
    MOST_PARTS,
    ZERO,
    Told,
    name_in,
    of_shape,
    of_text,
    told_of,
)
from agent.auditlog.verbs import PLAIN

_MOST_SESSIONS = 100_000
"""How many are remembered: one forgotten costs at worst a duplicate that is not marked."""
_KEPT = 2_000
"""Bytes of the longest text that is kept as it is for the comparison."""
_END = b"; \t\r\n\f\v"
_NEVER_TWICE = PLAIN | {"CALL", "EXECUTE", "PREPARE", "SHOW", ""}
"""Verbs that are sent again in earnest: the next rows of a cursor, a procedure."""
_NO_TEXT = pa.scalar(None, pa.binary())
_MOMENT_MS = 1000
"""How long after a statement its second copy comes, at most."""


@dataclass(slots=True)
class Known:
    """What the rows of one object share: text (a longer one as its hash), time and transaction of
    the last record, by session."""

    last: dict[bytes, tuple[bytes | int, int, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """When and by whom records were sent. times: milliseconds since 1970. xids: as logged.

    sessions: the distinct ones in their order. which: the index of each record's session.
    """

    times: pa.Array
    xids: pa.Array
    sessions: list[bytes]
    which: pa.Array


@dataclass(frozen=True, slots=True)
class Marked:
    """Records with what was found. Sets are indexes of records.

    column: the texts again. tolds: what was found, each once, of the texts of a shape; bares: hash
    of what `_bare` leaves of that shape. codes: which of them, by record.
    """

    texts: list[bytes]
    column: pa.Array
    tolds: list[Told]
    bares: list[int]
    codes: pa.Array
    duplicate: set[int]
    cut: set[int]
    bad: set[int]


@dataclass(frozen=True, slots=True)
class Statements:
    """Rows: the columns that differ between the statements of a record.

    tolds: what was found, each once. codes: which of them, by row. names: code of each object's
    name, in `distinct`. records: index of each row's record, with number and count of its
    statements; None where all have one.
    """

    tolds: list[Told]
    texts: pa.Array
    codes: pa.Array
    names: pa.Array
    distinct: dict[bytes, int]
    records: pa.Array | None = None
    numbers: pa.Array | None = None
    counts: pa.Array | None = None


def counted(count: int, start: int = 0) -> pa.Array:
    """So many numbers, from `start` on."""
    return pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), count), start=start - 1)


def taken(columns: dict[str, pa.Array], index: pa.Array) -> dict[str, pa.Array]:
    """The values of these columns at an index; of all in one call, for calls are what a small
    object costs."""
    batch = pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
    return dict(zip(columns, batch.take(index).columns, strict=True))


def marked(texts: list[bytes], sent: Sent, known: Known) -> Marked:
    """The records, classified. Texts that are too long, or no UTF-8, are mended in their list."""
    cut = _shorten(texts)
    column = pa.array(texts, pa.binary())
    bad = set() if _is_all_utf8(column) else _sanitise(texts)
    column = pa.array(texts, pa.binary()) if bad else column
    out = Marked(texts, column, *_tell(texts, column), set(), cut, bad)
    _duplicates(sent, known, out)
    return out


def _shorten(texts: list[bytes]) -> set[int]:
    """Leave out what is beyond the longest record, at a character's edge; the indexes of such."""
    if max(map(len, texts), default=0) <= MAX_RECORD:
        return set()
    cut = set()
    for at, text in enumerate(texts):
        if len(text) > MAX_RECORD:
            end = MAX_RECORD
            while end > MAX_RECORD - 4 and text[end] & 0xC0 == 0x80:
                end -= 1
            texts[at] = text[:end]
            cut.add(at)
    return cut


def _sanitise(texts: list[bytes]) -> set[int]:
    """Write bytes that are no UTF-8 as \\xNN; the indexes of the texts that held any."""
    bad = set()
    for at in [at for at, is_plain in enumerate(map(bytes.isascii, texts)) if not is_plain]:
        text = texts[at]
        if (clean := utf8_of(text)) is not text:
            texts[at] = clean
            bad.add(at)
    return bad


def _is_all_utf8(column: pa.Array) -> bool:
    try:
        column.cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


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


def _tell(texts: list[bytes], column: pa.Array) -> tuple[list[Told], list[int], pa.Array]:
    """What the texts tell, found once for each shape: see `Marked`."""
    # A long text is looked at by itself: hardly ever has another the same shape.
    is_short = pc.less_equal(pc.binary_length(column), LONGEST_SHAPE)
    shapes = _shapes(pc.if_else(is_short, column, _NO_TEXT)).dictionary_encode()
    distinct, codes = shapes.dictionary.to_pylist(), shapes.indices
    found = [of_shape(one) for one in distinct]
    tolds = [one or Told("") for one in found]
    bares = [hash(_bare(one)) for one in distinct]
    if None not in found and not codes.null_count:
        return tolds, bares, codes
    is_clear = pa.array([one is not None for one in found], pa.bool_()).take(codes)
    unclear = pc.invert(pc.fill_null(is_clear, False))
    own: dict[bytes, int] = {}
    which = []
    for at in pc.indices_nonzero(unclear).to_pylist():
        text = texts[at]
        code = own.setdefault(text, len(tolds))
        if code == len(tolds):
            may_recur = len(text) <= LONGEST_SHAPE and text.count(b";") <= MOST_PARTS
            tolds.append(of_text(text) if may_recur else told_of(text))
            bares.append(hash(_bare(text.translate(ZERO))))
        which.append(code)
    return tolds, bares, pc.replace_with_mask(codes, unclear, pa.array(which, pa.int32()))


def _shapes(column: pa.Array) -> pa.Array:
    """The shape of each text (`ZERO`): all are made at once, for a shape is as long as its text."""
    valid, offsets, data = column.buffers()
    zeroed = pa.py_buffer(data.to_pybytes().translate(ZERO) if data else b"")
    return pa.Array.from_buffers(pa.binary(), len(column), [valid, offsets, zeroed])


def statements_of(rows: Marked) -> Statements:
    """The rows that the records come to; the parts of records stand behind the tolds of records."""
    codes, tolds = rows.codes, rows.tolds[:]
    if not any(one.parts for one in tolds):
        texts = _texts(rows, tolds, codes, None)
        return Statements(tolds, texts, codes, *_names(tolds, codes, texts))
    counts, firsts = [], []
    for code, one in enumerate(rows.tolds):
        counts.append(len(one.parts) or 1)
        firsts.append(len(tolds) if one.parts else code)
        tolds += one.parts
    count = pa.array(counts, pa.int64()).take(codes)
    end = pc.cumulative_sum(count)
    records = pc.run_end_decode(pa.RunEndEncodedArray.from_arrays(end, counted(len(codes))))
    first = pc.subtract(end, count)
    number = pc.subtract(counted(len(records)), first.take(records))
    codes = pc.add(pa.array(firsts, pa.int64()).take(codes).take(records), number)
    texts = _texts(rows, tolds, codes, records)
    names = _names(tolds, codes, texts)
    numbers = pc.add(number, 1), count.take(records)
    return Statements(tolds, texts, codes, *names, records, *numbers)


def _texts(rows: Marked, tolds: list[Told], codes: pa.Array, records: pa.Array | None) -> pa.Array:
    """The text of each row's statement."""
    texts = rows.column
    if records is not None:
        # To repeat a record's whole text for each of its statements would take its square.
        has_parts = pa.array([bool(one.parts) for one in rows.tolds], pa.bool_())
        texts = pc.if_else(has_parts.take(rows.codes), pa.scalar(b""), texts).take(records)
    # Of parts -2: they are not there, and cut out one by one.
    ends = [one.end for one in rows.tolds] + [-2] * (len(tolds) - len(rows.tolds))
    rest = pc.subtract(pc.binary_length(texts), pa.array(ends, pa.int32()).take(codes))
    rest = pc.fill_null(rest, 0)
    # Most have nothing behind them but a semicolon, which Arrow leaves out of all at once.
    texts = pc.if_else(pc.equal(rest, 1), pc.binary_slice(texts, 0, -1), texts)
    is_odd = pc.greater(rest, 1)
    odd = pc.indices_nonzero(is_odd)
    if not len(odd):
        return texts
    which = odd if records is None else records.take(odd)
    own = []
    for at, code in zip(which.to_pylist(), codes.take(odd).to_pylist(), strict=True):
        own.append(rows.texts[at][tolds[code].start : tolds[code].end])
    return pc.replace_with_mask(texts, is_odd, pa.array(own, pa.binary()))


def _names(
    tolds: list[Told], codes: pa.Array, texts: pa.Array
) -> tuple[pa.Array, dict[bytes, int]]:
    """The code of the object's name in each row, and the names by code."""
    distinct: dict[bytes, int] = {}
    named = pa.array([distinct.setdefault(one.name, len(distinct)) for one in tolds], pa.int32())
    names = named.take(codes)
    is_made = pa.array([bool(one.made_of) for one in tolds], pa.bool_()).take(codes)
    where = pc.indices_nonzero(is_made)
    if not len(where):
        return names, distinct
    made = []
    rows = zip(texts.take(where).to_pylist(), codes.take(where).to_pylist(), strict=True)
    for text, code in rows:
        made.append(distinct.setdefault(name_in(text, tolds[code]), len(distinct)))
    return pc.replace_with_mask(names, is_made, pa.array(made, pa.int32())), distinct


def _duplicates(sent: Sent, known: Known, out: Marked) -> None:
    """Mark records whose session sent the same a moment ago in the same transaction.

    JDBC drivers do: without the semicolon, or behind a comment (test-drive's `is_duplicate`).
    """
    # Texts can only be the same where their shapes are: few others are left to be compared.
    told = {
        "bare": pa.array(out.bares, pa.int64()),
        "may_be": pa.array([one.verb not in _NEVER_TWICE for one in out.tolds], pa.bool_()),
    }
    records = {"which": sent.which, "time": sent.times, "xid": sent.xids, **taken(told, out.codes)}
    order = pc.sort_indices(sent.which)  # stable: the records of a session stay in their order
    before = taken(records, order[:-1])
    after = taken(records, order[1:])
    is_same = pc.equal(after["which"], before["which"])
    gap = pc.subtract(after["time"], before["time"])
    is_soon = pc.and_(pc.greater_equal(gap, 0), pc.less_equal(gap, _MOMENT_MS))
    is_again = pc.and_(pc.and_(is_same, is_soon), after["may_be"])
    for name in ("xid", "bare"):
        is_again = pc.and_(is_again, pc.equal(after[name], before[name]))
    again = pc.indices_nonzero(is_again)
    firsts, seconds = order[:-1].take(again).to_pylist(), order[1:].take(again).to_pylist()
    for prior, at in zip(firsts, seconds, strict=True):
        if _is_copy(out.texts[prior], out.texts[at]):
            out.duplicate.add(at)
    edges = pc.indices_nonzero(pc.invert(is_same))
    if known.last:
        starts = pa.concat_arrays([order[:1], order[1:].take(edges)])
        _since_the_last_block(sent.sessions, taken(records, starts), starts, known, out)
    _remember(sent, known, out.texts, pa.concat_arrays([order[:-1].take(edges), order[-1:]]))


def _since_the_last_block(
    sessions: list[bytes], first: dict[str, pa.Array], starts: pa.Array, known: Known, out: Marked
) -> None:
    """The same for the first record of each session, whose last one was in the block before."""
    columns = [first[name].to_pylist() for name in ("time", "xid", "may_be")]
    for session, at, time, xid, may_be in zip(sessions, starts.to_pylist(), *columns, strict=True):
        last = known.last.get(session) if may_be else None
        if (
            last
            and last[2] == xid
            and 0 <= time - last[1] <= _MOMENT_MS
            and _hash(last[0]) == hash(_bare(out.texts[at]))
        ):
            out.duplicate.add(at)


def _remember(sent: Sent, known: Known, texts: list[bytes], lasts: pa.Array) -> None:
    """The last record of each session, for the next block. lasts: in the order of sessions."""
    if len(known.last) > _MOST_SESSIONS:
        known.last.clear()
    times, xids = sent.times.take(lasts).to_pylist(), sent.xids.take(lasts).to_pylist()
    own = [texts[at] for at in lasts.to_pylist()]
    kept = [one if len(one) <= _KEPT else _hash(one) for one in own]
    known.last.update(zip(sent.sessions, zip(kept, times, xids, strict=True), strict=True))


def _is_copy(one: bytes, other: bytes) -> bool:
    """Whether two texts are the same as sent by a driver."""
    return one == other or _bare(one) == _bare(other)


def _hash(kept: bytes | int) -> int:
    """Of a text for the comparison, where it is not one already."""
    return kept if isinstance(kept, int) else hash(_bare(kept))


def _bare(text: bytes) -> bytes:
    """A text without a comment before it, its semicolon, and white space."""
    bare = text.strip(_END)
    if bare[:2] == b"/*" and (end := bare.find(b"*/")) > 0:
        return bare[end + 2 :].strip(_END)
    return bare
