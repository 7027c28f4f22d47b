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
from agent.auditlog.records import Fields, arrow_text
from agent.auditlog.schema import ACTIVITY, COLUMNS, SLOT_MS
from agent.auditlog.verbs import class_of

_SERVICE = "rdsdb"
"""The user that Redshift itself is."""

_SESSION = re.compile(rb"^db=(.*?) user=(.*) pid=(\d+) userid=(-?\d+)$", re.MULTILINE)


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
    told = _sessions_of(list(codes))
    if any(one[3] for one in told.names):
        rows.bad |= {at for at, code in enumerate(which) if told.names[code][3]}
    count, index = len(which), pa.array(which, pa.int32())
    records = {
        "object_id": pa.array(origin.objects, pa.int64()),
        "ordinal": pa.array(origin.ordinals, pa.int64()),
        "at_ms": times,
        "slot": _slots(times),
        **_session_columns(told, index),
        "xid": _integers(fields.xids),
        "is_duplicate": _flags(count, rows.duplicate),
        "is_stitched": _flags(count, origin.stitched),
        "is_cut": _flags(count, rows.cut | origin.cut),
        "has_bad_bytes": _flags(count, rows.bad),
    }
    services = [one[1] == _SERVICE and one[2] == LOCAL for one in told.names]
    is_service = pa.array(services, pa.bool_()).take(index)
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
class _Sessions:
    """Distinct sessions of headers, by column. names: database, user, identity, and whether they
    held bytes that are no UTF-8."""

    names: list[tuple[str, str, str, bool]]
    pids: list[bytes]
    users: list[bytes]


def _sessions_of(raw: Sequence[bytes]) -> _Sessions:
    """They were matched as such, and hold no newline."""
    found = _SESSION.findall(b"\n".join(raw))
    if len(found) != len(raw):
        raise ValueError("not the session of a header")
    return _Sessions(
        [_names(db, user) for db, user, _, _ in found],
        [one[2] for one in found],
        [one[3] for one in found],
    )


@lru_cache(maxsize=4096)
def _names(db: bytes, user: bytes) -> tuple[str, str, str, bool]:
    """Database, user and identity, and whether they held bytes that are no UTF-8."""
    clean, name = utf8_of(db), utf8_of(user)
    is_bad = clean is not db or name is not user
    return clean.decode(), *identity_of(name.decode()), is_bad


def _session_columns(told: _Sessions, index: pa.Array) -> dict[str, pa.Array]:
    """The columns that a header tells of its session, each distinct one read once."""
    db_names, user_names, identities, _ = zip(*told.names, strict=True)
    return {
        "db_name": _coded(db_names, index),
        "user_name": _coded(user_names, index),
        "identity": _coded(identities, index),
        "user_id": _integers(told.users).take(index),
        "pid": _integers(told.pids).take(index),
    }


def _integers(texts: Sequence[bytes]) -> pa.Array:
    return arrow_text(texts).cast(pa.int64())


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
    count, index, columns = len(found.texts), found.codes, records
    if found.records is None:
        numbers = counts = pa.repeat(pa.scalar(1, pa.int64()), count)
    else:
        columns = {name: column.take(found.records) for name, column in records.items()}
        is_service = is_service.take(found.records)
        numbers, counts = found.numbers, found.counts
    is_internal = pa.array([one.is_internal for one in rows.tolds], pa.bool_()).take(index)
    is_unfiltered = pa.array([one.is_unfiltered for one in rows.tolds], pa.bool_()).take(index)
    verbs = [one.verb for one in rows.tolds]
    values = pa.array(list(found.distinct), pa.string())
    return columns | {
        "statement_no": numbers,
        "statements": counts,
        "verb": _coded(verbs, index),
        "verb_class": _coded([class_of(verb) for verb in verbs], index),
        "object_name": pa.DictionaryArray.from_arrays(found.names, values),
        "is_internal": pc.or_(is_internal, is_service),
        "is_unfiltered": is_unfiltered,
        "query_text": arrow_text(found.texts),
    }
