"""Rows of the activity table as Arrow columns; text that recurs as dictionaries."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from agent.auditlog.activity_rows import Known, Marked, is_utf8, marked, statements_of, utf8_of
from agent.auditlog.identity import LOCAL, identity_of
from agent.auditlog.records import Fields
from agent.auditlog.schema import ACTIVITY, COLUMNS, SLOT_MS
from agent.auditlog.verbs import class_of

_SERVICE = "rdsdb"
"""The user that Redshift itself is."""

_SESSION = re.compile(rb"db=(.*?) user=(.*) pid=(\d+) userid=(-?\d+)")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where records come from: object and number of each, and what its edges made of it."""

    objects: Sequence[int]
    ordinals: Sequence[int]
    stitched: frozenset[int] = frozenset()
    cut: frozenset[int] = frozenset()


def table_of(whole: bytes, fields: Fields, origin: Origin, known: Known) -> pa.Table:
    """The rows of some records, in their order, in the columns of the activity table.

    whole: the bytes that the fields were taken from.
    """
    times = fields.at_ms
    codes: dict[bytes, int] = {one: at for at, one in enumerate(dict.fromkeys(fields.sessions))}
    which = list(map(codes.__getitem__, fields.sessions))
    rows = marked(fields, times.to_pylist(), (list(codes), which), known, is_utf8=is_utf8(whole))
    told = [_session(raw) for raw in codes]
    if any(one.is_bad for one in told):
        rows.bad |= {at for at, code in enumerate(which) if told[code].is_bad}
    count, index = len(which), pa.array(which, pa.int32())
    records = {
        "object_id": pa.array(origin.objects, pa.int64()),
        "ordinal": pa.array(origin.ordinals, pa.int64()),
        "at_ms": times,
        "slot": _slots(times),
        **_sessions(told, index),
        "xid": pa.array(fields.xids, pa.string()).cast(pa.int64()),
        "is_duplicate": _flags(count, rows.duplicate),
        "is_stitched": _flags(count, origin.stitched),
        "is_cut": _flags(count, rows.cut | origin.cut),
        "has_bad_bytes": _flags(count, rows.bad),
    }
    is_service = pa.array([one.is_internal for one in told], pa.bool_()).take(index)
    columns = _with_statements(records, is_service, rows)
    names = [name for name, _ in COLUMNS[ACTIVITY]]
    return pa.Table.from_arrays([columns[name] for name in names], names=names)


def _slots(times: pa.Array) -> pa.Array:
    """The slot of each time; no time is before 1970, or division would round the wrong way."""
    if len(times) and pc.min(times).as_py() < 0:
        return pa.array([one // SLOT_MS for one in times.to_pylist()], pa.int64())
    return pc.divide(times, SLOT_MS)


def _flags(count: int, marks: Collection[int]) -> pa.Array:
    if not marks:
        return pa.repeat(pa.scalar(False), count)
    values = [False] * count
    for at in marks:
        values[at] = True
    return pa.array(values, pa.bool_())


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
    found = _SESSION.fullmatch(raw)
    if found is None:
        raise ValueError("not the session of a header")
    db, user, pid, userid = found.groups()
    db_name, user_name, identity, is_bad = _names(db, user)
    is_internal = user_name == _SERVICE and identity == LOCAL
    return _Session(db_name, user_name, identity, int(userid), int(pid), is_internal, is_bad)


@lru_cache(maxsize=4096)
def _names(db: bytes, user: bytes) -> tuple[str, str, str, bool]:
    """Database, user and identity, and whether they held bytes that are no UTF-8."""
    clean, name = utf8_of(db), utf8_of(user)
    is_bad = clean is not db or name is not user
    return clean.decode(), *identity_of(name.decode()), is_bad


def _sessions(told: Sequence[_Session], index: pa.Array) -> dict[str, pa.Array]:
    """The columns that a header tells of its session, each distinct one read once."""
    return {
        "db_name": _coded([one.db_name for one in told], index),
        "user_name": _coded([one.user_name for one in told], index),
        "identity": _coded([one.identity for one in told], index),
        "user_id": pa.array([one.user_id for one in told], pa.int64()).take(index),
        "pid": pa.array([one.pid for one in told], pa.int64()).take(index),
    }


def _coded(texts: Sequence[str], index: pa.Array) -> pa.DictionaryArray:
    """A dictionary column: the text of each code, equal ones once."""
    distinct = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    codes = pa.array([distinct[text] for text in texts], pa.int32())
    return pa.DictionaryArray.from_arrays(codes.take(index), pa.array(distinct, pa.string()))


def _with_statements(
    records: dict[str, pa.Array], is_service: pa.Array, rows: Marked
) -> dict[str, pa.Array]:
    """All columns, a row a statement."""
    found = statements_of(rows)
    count, index = len(found.texts), pa.array(found.codes, pa.int32())
    columns = records
    if found.records is None:
        numbers = counts = pa.repeat(pa.scalar(1, pa.int64()), count)
    else:
        every = pa.array(found.records, pa.int32())
        columns = {name: column.take(every) for name, column in records.items()}
        is_service = is_service.take(every)
        numbers, counts = pa.array(found.numbers, pa.int64()), pa.array(found.counts, pa.int64())
    is_internal = pa.array([one.is_internal for one in rows.tolds], pa.bool_()).take(index)
    is_unfiltered = pa.array([one.is_unfiltered for one in rows.tolds], pa.bool_()).take(index)
    verbs = [one.verb for one in rows.tolds]
    values = pa.array(list(found.distinct), pa.string())
    return columns | {
        "statement_no": numbers,
        "statements": counts,
        "verb": _coded(verbs, index),
        "verb_class": _coded([class_of(verb) for verb in verbs], index),
        "object_name": pa.DictionaryArray.from_arrays(pa.array(found.names, pa.int32()), values),
        "is_internal": pc.or_(is_internal, is_service),
        "is_unfiltered": is_unfiltered,
        "query_text": pa.array(found.texts, pa.string()),
    }
