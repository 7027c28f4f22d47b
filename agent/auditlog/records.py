"""The records of an activity log in its bytes: where each begins, across blocks of any size.

A record begins where a line is a whole header, and reaches to the next. No grammar can tell a
header that a user wrote into a statement from a true one: the report looks for such elsewhere.
Names hold no newline, so that the beginning of a header in someone's statement cannot swallow the
true header behind it.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from agent.auditlog.blocks import MAX_RECORD

HEADER = re.compile(
    # Beginning with a literal that is rare lets the engine skip; `^'` would not.
    rb"\n'([12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)"
    rb"Z UTC \[ (db=[^\n]{0,256}? user=[^\n]{0,512}? pid=\d{1,18} userid=-?\d{1,18})"
    rb" xid=(-?\d{1,18}) \]' LOG: "
)
"""Time, session (db, user, pid, userid) and transaction; the first record needs a newline put
before it."""

_LOOSE = re.compile(
    rb"\n'([12][0-9T:-]{18})Z UTC \[ "
    rb"(db=(?:[!-~]{0,256}+ user=[!-~]{0,512}+|[^\n]{0,256}? user=[^\n]{0,512}?)"
    rb" pid=[0-9]{1,18} userid=-?[0-9]{1,18}) xid=(-?[0-9]{1,18}) \]' LOG: "
)
"""The same, faster: names without blanks are tried first, and the time may be none, which
Arrow tells: it takes no other 19 of these characters than the header above."""

HEADER_ROOM = 1024
"""Bytes of the longest header."""

_INDENT = b" \t\xef\xbb\xbf"
"""What may stand before the first header of an object: blanks, a byte order mark."""


@dataclass(slots=True)
class Edges:
    """What an object has before its first header, and its last record; filled while it is read.

    head: None where it begins with a header. tail: header and text, without the newline before;
    None without a header. is_head_cut: the head is longer than any record; its rest is left out.
    """

    head: bytes | None = None
    tail: bytes | None = None
    is_head_cut: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """The columns of some records, as logged; at_ms: the times, as milliseconds since 1970."""

    times: list[bytes]
    at_ms: pa.Array
    sessions: list[bytes]
    xids: list[bytes]
    texts: list[bytes]


def fields_of(whole: bytes) -> Fields:
    """The columns of whole records; the bytes begin with a newline and a header."""
    parts = _LOOSE.split(whole)
    at_ms = _arrow_times(parts[1::4])
    if at_ms is None:  # a day past the month's end, or no header at all
        parts = HEADER.split(whole)
        at_ms = pa.array([time_ms(one) for one in parts[1::4]], pa.int64())
    return Fields(parts[1::4], at_ms, parts[2::4], parts[3::4], parts[4::4])


def arrow_text(texts: Sequence[bytes]) -> pa.Array:
    """Text of bytes that are known to be UTF-8: they are not looked at again."""
    return pa.array(texts, pa.binary()).cast(pa.string(), safe=False)


def _arrow_times(texts: list[bytes]) -> pa.Array | None:
    """Milliseconds since 1970; None where Arrow finds one that is no time."""
    try:
        seconds = arrow_text(texts).cast(pa.timestamp("s"))
    except pa.ArrowInvalid:
        return None
    return pc.multiply(seconds.cast(pa.int64()), 1000)


@lru_cache(maxsize=256)
def _day_ms(text: bytes) -> int:
    year, month, day = map(int, text.split(b"-"))
    return calendar.timegm((year, month, day, 0, 0, 0, 0, 0, 0)) * 1000


def time_ms(text: bytes) -> int:
    """`2026-10-01T00:00:00` as milliseconds since 1970. A day past the month's end rolls over."""
    minutes = int(text[11:13]) * 60 + int(text[14:16])
    return _day_ms(text[:10]) + (minutes * 60 + int(text[17:19])) * 1000


def whole_records(blocks: Iterable[bytes], edges: Edges) -> Iterator[bytes]:
    """The records but the last, many at a time: each yield begins with a newline and a header.

    Of a record longer than MAX_RECORD a little more than that is yielded, so that it can be told.
    Holds one block and one record, however large the object is.
    """
    longest = MAX_RECORD + HEADER_ROOM
    text = b"\n"  # the open record, or what precedes the first
    behind = b""  # of an open record that is too long: its last bytes, where a header may begin
    is_head = True
    for block in _unindented(blocks):
        data = (behind or text) + block
        start = max(0, len(data) - len(block) - HEADER_ROOM)
        if is_head or behind:
            found = HEADER.search(data, start)
            if found is None:
                text, behind = _held(text, data, behind, longest)
                continue
            if is_head:
                _close_head(edges, text if behind else data[: found.start()])
            else:
                yield text
            is_head, behind, start = False, b"", 0
            data = data[found.start() :]
        last = _last_header(data, start)
        if last > 0:
            whole, data = [data[:last]], data[last:]
            yield whole.pop()  # not held on to here, for it may be long
        text, behind = _held(b"", data, b"", longest)
    if is_head:
        _close_head(edges, text)
    else:
        edges.tail = text[1:]


def _unindented(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks; blanks before a header at the very beginning are no record's text."""
    first: bytes | None = b""
    for block in blocks:
        if first is None:
            yield block
            continue
        first += block
        if len(first) > HEADER_ROOM:
            yield _bare(first)
            first = None
    if first:
        yield _bare(first)


def _bare(first: bytes) -> bytes:
    bare = first.lstrip(_INDENT)
    return bare if HEADER.match(b"\n" + bare[:HEADER_ROOM]) else first


def _held(text: bytes, data: bytes, behind: bytes, longest: int) -> tuple[bytes, bytes]:
    """The open record, at most so long, and the last bytes seen where it is longer."""
    if behind:
        return text, data[-HEADER_ROOM:]
    if len(data) > longest:
        return data[:longest], data[-HEADER_ROOM:]
    return data, b""


def _close_head(edges: Edges, text: bytes) -> None:
    """Keep what precedes the first header; the newline put before it is none of it."""
    edges.is_head_cut = len(text) - 1 > MAX_RECORD
    edges.head = text[1 : MAX_RECORD + 1] if text else None


def _last_header(data: bytes, start: int) -> int:
    """Where the last complete header begins, from `start` on; -1: nowhere."""
    at = len(data)
    while (at := data.rfind(b"\n'", start, at)) >= 0:
        if HEADER.match(data, at):
            return at
    return -1
