"""Rows of the activity table as Arrow columns; text that recurs as dictionaries."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import pyarrow as pa

from agent.auditlog.activity_rows import Known, Marked, is_utf8, marked, marks_in, utf8_of
from agent.auditlog.identity import LOCAL, identity_of
from agent.auditlog.records import Fields
from agent.auditlog.schema import ACTIVITY, COLUMNS, SLOT_MS
from agent.auditlog.statements import Statement
from agent.auditlog.verbs import class_of

_SERVICE = "rdsdb"
"""The user that Redshift itself is."""

_SESSION = re.compile(rb"db=(.*?) user=(.*) pid=(\d+) userid=(-?\d+)", re.DOTALL)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where records come from: object and number of each, and what its edges made of it."""

    objects: Sequence[int]
    ordinals: Sequence[int]
    stitched: frozenset[int] = frozenset()
    cut: frozenset[int] = frozenset()


@lru_cache(maxsize=256)
def _day_ms(text: bytes) -> int:
    year, month, day = map(int, text.split(b"-"))
    return calendar.timegm((year, month, day, 0, 0, 0, 0, 0, 0)) * 1000


def time_ms(text: bytes) -> int:
    """`2026-10-01T00:00:00` as milliseconds since 1970. A day past the month's end rolls over."""
    minutes = int(text[11:13]) * 60 + int(text[14:16])
    return _day_ms(text[:10]) + (minutes * 60 + int(text[17:19])) * 1000


def table_of(whole: bytes, fields: Fields, origin: Origin, known: Known) -> pa.Table:
    """The rows of some records, in their order, in the columns of the activity table.

    whole: the bytes that the fields were taken from.
    """
    known.names = {b"": 0}
    at = {text: time_ms(text) for text in set(fields.times)}
    times = [at[text] for text in fields.times]
    rows = marked(fields, times, known, is_utf8=is_utf8(whole), marks=marks_in(whole))
    rows.cut |= origin.cut
    sessions = _sessions(fields.sessions, rows)
    records = pa.table(
        {
            "object_id": pa.array(origin.objects, pa.int64()),
            "ordinal": pa.array(origin.ordinals, pa.int64()),
            "at_ms": pa.array(times, pa.int64()),
            "slot": pa.array([one // SLOT_MS for one in times], pa.int64()),
            **sessions,
            "xid": pa.array(list(map(int, fields.xids)), pa.int64()),
            "is_duplicate": _flags(len(times), rows.duplicate),
            "is_stitched": _flags(len(times), origin.stitched),
            "is_cut": _flags(len(times), rows.cut),
            "has_bad_bytes": _flags(len(times), rows.bad),
        }
    )
    statements = _statements(rows, known)
    if rows.more:
        every = _spliced(list(range(len(times))), rows, lambda at, one: [at] * len(one))
        records = records.take(pa.array(every, pa.int64()))
    columns = {name: records[name] for name in records.column_names} | statements
    names = [name for name, _ in COLUMNS[ACTIVITY]]
    return pa.Table.from_arrays([columns[name] for name in names], names=names)


def _spliced(
    column: list[_T], rows: Marked, of: Callable[[int, tuple[Statement, ...]], list[_T]]
) -> list[_T]:
    """A column of records as one of statements: where a record has several, those of `of`."""
    if not rows.more:
        return column
    out: list[_T] = []
    kept = 0
    for at, statements in rows.more:
        out += column[kept:at]
        out += of(at, statements)
        kept = at + 1
    out += column[kept:]
    return out


def _flags(count: int, marks: Sequence[int] | set[int] | frozenset[int]) -> pa.Array:
    if not marks:
        return pa.repeat(pa.scalar(False), count)
    values = [False] * count
    for at in marks:
        values[at] = True
    return pa.array(values, pa.bool_())


def _sessions(sessions: Sequence[bytes], rows: Marked) -> dict[str, pa.Array]:
    """The columns that a header tells of its session, each distinct one read once."""
    codes: dict[bytes, int] = {one: at for at, one in enumerate(dict.fromkeys(sessions))}
    index = pa.array([codes[one] for one in sessions], pa.int32())
    told = [_session(raw) for raw in codes]
    if bad := {at for at, one in enumerate(told) if one.is_bad}:
        rows.bad |= {at for at, raw in enumerate(sessions) if codes[raw] in bad}
    if internal := {at for at, one in enumerate(told) if one.is_internal}:
        rows.internal |= {at for at, raw in enumerate(sessions) if codes[raw] in internal}
    return {
        "db_name": _coded([one.db_name for one in told], index),
        "user_name": _coded([one.user_name for one in told], index),
        "identity": _coded([one.identity for one in told], index),
        "user_id": pa.array([one.user_id for one in told], pa.int64()).take(index),
        "pid": pa.array([one.pid for one in told], pa.int64()).take(index),
    }


@dataclass(frozen=True, slots=True)
class _Session:
    db_name: str
    user_name: str
    identity: str
    user_id: int
    pid: int
    is_internal: bool
    is_bad: bool


def _session(raw: bytes) -> _Session:
    """A session of a header; it was matched as one."""
    clean = utf8_of(raw)
    found = _SESSION.fullmatch(clean)
    if found is None:
        raise ValueError("not the session of a header")
    name, identity = identity_of(found.group(2).decode())
    return _Session(
        found.group(1).decode(),
        name,
        identity,
        int(found.group(4)),
        int(found.group(3)),
        name == _SERVICE and identity == LOCAL,
        clean is not raw,
    )


def _coded(texts: Sequence[str], index: pa.Array) -> pa.DictionaryArray:
    """A dictionary column: the text of each code, equal ones once."""
    distinct = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    codes = pa.array([distinct[text] for text in texts], pa.int32())
    return pa.DictionaryArray.from_arrays(codes.take(index), pa.array(distinct, pa.string()))


def _statements(rows: Marked, known: Known) -> dict[str, pa.Array]:
    """The columns that differ between the statements of a record."""
    texts = _spliced(rows.texts, rows, lambda _, all_: [one.text.encode() for one in all_])
    verbs = _spliced(rows.verbs, rows, lambda _, all_: [known.verb(one.verb) for one in all_])
    names = _spliced(
        rows.names, rows, lambda _, all_: [known.name(one.object_name.encode()) for one in all_]
    )
    count = len(texts)
    internal, unfiltered = _flag_lists(rows)
    numbers = (
        (pa.repeat(pa.scalar(1, pa.int64()), count),) * 2
        if not rows.more
        else tuple(pa.array(values, pa.int64()) for values in _numbers(rows))
    )
    index = pa.array(verbs, pa.int32())
    return {
        "statement_no": numbers[0],
        "statements": numbers[1],
        "verb": _coded(list(known.verbs), index),
        "verb_class": _coded([class_of(verb) for verb in known.verbs], index),
        "object_name": _names(names, known),
        "is_internal": internal,
        "is_unfiltered": unfiltered,
        "query_text": pa.array(texts, pa.binary()).cast(pa.string()),
    }


def _names(codes: Sequence[int], known: Known) -> pa.DictionaryArray:
    values = pa.array(list(known.names), pa.binary()).cast(pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), values)


def _flag_lists(rows: Marked) -> tuple[pa.Array, pa.Array]:
    """is_internal and is_unfiltered, of each statement."""
    count = len(rows.texts)
    if not rows.more:
        return _flags(count, rows.internal), _flags(count, rows.unfiltered)
    internal = [at in rows.internal for at in range(count)]
    unfiltered = [at in rows.unfiltered for at in range(count)]
    return (
        pa.array(_spliced(internal, rows, lambda at, all_: [internal[at]] * len(all_))),
        pa.array(_spliced(unfiltered, rows, lambda _, all_: [x.is_unfiltered for x in all_])),
    )


def _numbers(rows: Marked) -> tuple[list[int], list[int]]:
    """statement_no and statements, of each statement."""
    ones = [1] * len(rows.texts)
    return (
        _spliced(ones, rows, lambda _, all_: list(range(1, len(all_) + 1))),
        _spliced(ones, rows, lambda _, all_: [len(all_)] * len(all_)),
    )
