"""Rows of the activity table as Arrow columns; text that recurs as dictionaries."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from agent.auditlog.activity_rows import (
    Known,
    Marked,
    Sent,
    marked,
    statements_of,
    taken,
    utf8_of,
)
from agent.auditlog.identity import LOCAL, identity_of
from agent.auditlog.records import Fields, arrow_text
from agent.auditlog.schema import ACTIVITY, COLUMNS, SLOT_MS
from agent.auditlog.verbs import class_of

_SERVICE = "rdsdb"
"""The user that Redshift itself is."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where records come from: object and number of each, and what its edges made of it."""

    objects: pa.Array
    ordinals: pa.Array
    stitched: frozenset[int] = frozenset()
    cut: frozenset[int] = frozenset()


def table_of(fields: Fields, origin: Origin, known: Known) -> pa.Table:
    """The rows of some records, in their order, in the columns of the activity table."""
    times, count = fields.at_ms, len(fields.texts)
    sessions = pa.array(fields.sessions, pa.binary()).dictionary_encode()
    distinct: list[bytes] = sessions.dictionary.to_pylist()
    xids = arrow_text(fields.xids)
    sent = Sent(times, xids, distinct, sessions.indices)
    rows = marked(fields.texts, sent, known)
    told = taken(_session_columns(distinct), sessions.indices)
    records = {
        "object_id": origin.objects,
        "ordinal": origin.ordinals,
        "at_ms": times,
        "slot": _slots(times),
        **told,
        "xid": xids.cast(pa.int64()),
        "is_duplicate": _flags(count, rows.duplicate),
        "is_stitched": _flags(count, origin.stitched),
        "is_cut": _flags(count, rows.cut | origin.cut),
        "has_bad_bytes": pc.or_(told["has_bad_bytes"], _flags(count, rows.bad)),
    }
    columns = _with_statements(records, rows)
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
    values = bytearray(count)
    for at in marks:
        values[at] = 1
    return pa.Array.from_buffers(pa.uint8(), count, [None, pa.py_buffer(values)]).cast(pa.bool_())


def _session_columns(raw: Sequence[bytes]) -> dict[str, pa.Array]:
    """The columns that sessions of headers tell, each `db=… user=… pid=… userid=…`, by session.

    is_service: the user is Redshift itself. has_bad_bytes: a name held some that are no UTF-8.
    """
    parts = [one.rsplit(b" ", 2) for one in raw]
    names = {one: at for at, one in enumerate(dict.fromkeys([one[0] for one in parts]))}
    found = [_names(one) for one in names]
    columns = {
        "db_name": _coded([one[0] for one in found]),
        "user_name": _coded([one[1] for one in found]),
        "identity": _coded([one[2] for one in found]),
        "has_bad_bytes": pa.array([one[3] for one in found], pa.bool_()),
        "is_service": pa.array([one[1:3] == (_SERVICE, LOCAL) for one in found], pa.bool_()),
    }
    return {
        **taken(columns, pa.array([names[one[0]] for one in parts], pa.int32())),
        "pid": _integers([one[1].removeprefix(b"pid=") for one in parts]),
        "user_id": _integers([one[2].removeprefix(b"userid=") for one in parts]),
    }


@lru_cache(maxsize=4096)
def _names(raw: bytes) -> tuple[str, str, str, bool]:
    """Database, user and identity in `db=… user=…`, and whether they held bytes that are no
    UTF-8."""
    db, _, user = raw.removeprefix(b"db=").partition(b" user=")
    clean, name = utf8_of(db), utf8_of(user)
    is_bad = clean is not db or name is not user
    return clean.decode(), *identity_of(name.decode()), is_bad


def _integers(texts: Sequence[bytes]) -> pa.Array:
    return arrow_text(texts).cast(pa.int64())


def _coded(texts: Sequence[str]) -> pa.DictionaryArray:
    """A dictionary column of these texts."""
    return pa.array(texts, pa.string()).dictionary_encode()


def _with_statements(records: dict[str, pa.Array], rows: Marked) -> dict[str, pa.Array]:
    """All columns, a row a statement."""
    found = statements_of(rows)
    columns = records
    if found.records is None:
        numbers = counts = pa.repeat(pa.scalar(1, pa.int64()), len(found.codes))
    else:
        columns = taken(records, found.records)
        numbers, counts = found.numbers, found.counts
    verbs = [one.verb for one in found.tolds]
    told = {
        "verb": _coded(verbs),
        "verb_class": _coded([class_of(verb) for verb in verbs]),
        "fingerprint": _coded([one.fingerprint for one in found.tolds]),
        "is_internal": pa.array([one.is_internal for one in found.tolds], pa.bool_()),
        "is_unfiltered": pa.array([one.is_unfiltered for one in found.tolds], pa.bool_()),
    }
    told = taken(told, found.codes)
    values = pa.array(list(found.distinct), pa.string())
    return {
        **columns,
        **told,
        "statement_no": numbers,
        "statements": counts,
        "object_name": pa.DictionaryArray.from_arrays(found.names, values),
        "is_internal": pc.or_(told["is_internal"], columns["is_service"]),
        "query_text": found.texts.cast(pa.string(), safe=False),
    }
