"""The normalised logs of the month as Parquet beside the report, without any statement's text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from agent.auditlog.line_files import PLAIN, SEARCHED
from agent.auditlog.objects import LogObject
from agent.auditlog.schema import BAD_LINE, TABLES, arrow_schema
from agent.report.calendar import bounds
from agent.report.model import Month

HIDDEN = {"activity": ("query_text", "fingerprint"), "bad_line": ("line",)}
"""The columns that hold text as it was logged."""

GROUP = 131_072
"""Rows of a row group, at least, but for the last one."""

FEW = frozenset({"user_id", "statement_no", "statements", "columns"})
"""Numbers that recur, and are smaller as dictionaries; others hardly do, or are all the same."""


@dataclass(frozen=True, slots=True)
class Curated:
    """The Parquet files of one writer, relative to the folder; those of the records at the edges
    of objects (`ends`) hold rows of many objects, the others of one. objects: in order."""

    folder: Path
    objects: Sequence[LogObject]
    files: Mapping[str, Mapping[str, str]]
    """By object key and table."""
    ends: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Table:
    """One table on its way. schema: without the hidden columns. coded: the text that recurs, which
    is read, held and written as dictionaries. first, end: the month, in milliseconds since 1970."""

    name: str
    schema: pa.Schema
    coded: tuple[str, ...]
    first: int
    end: int


def write_tables(curated: Curated, month: Month, folder: Path) -> None:
    """`<table>.parquet` for every table: rows by object, in the order of their stamps, then by
    record number; a record of another month is in none. The same files give the same bytes.

    One row group of one object is held at a time, and what is gathered for one that is written.
    Raises OSError and pyarrow's errors.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        table = _table(name, month)
        with _writer(table, folder / f"{name}.parquet") as writer:
            for batch in _grouped(_rows(curated, table), table.schema):
                writer.write_table(batch, row_group_size=max(len(batch), 1))


def _table(name: str, month: Month) -> _Table:
    fields = [field for field in arrow_schema(name) if field.name not in HIDDEN.get(name, ())]
    texts = [one.name for one in fields if pa.types.is_string(one.type)]
    coded = tuple(one for one in texts if one not in PLAIN)
    kind = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([one.with_type(kind) if one.name in coded else one for one in fields])
    return _Table(name, schema, coded, *bounds(month))


def _writer(table: _Table, path: Path) -> pq.ParquetWriter:
    few = [name for name in table.schema.names if name in FEW]
    return pq.ParquetWriter(
        path,
        table.schema,
        compression="zstd",
        use_dictionary=[*table.coded, *few],
        write_statistics=list(SEARCHED),
        # Without the Arrow schema in the file, dictionaries are read as text again.
        store_schema=False,
    )


def _rows(curated: Curated, table: _Table) -> Iterator[pa.Table]:
    """What there is of each object, its last record (which the edges may hold) at its end."""
    ends = _ends(curated, table)
    for item in curated.objects:
        name = curated.files.get(item.key, {}).get(table.name)
        if name is not None:
            yield from _file(curated.folder / name, table)
        if ends and (rows := ends.get(item.object_id)) is not None:
            yield rows


def _ends(curated: Curated, table: _Table) -> dict[int, pa.Table]:
    """The rows of the edges, by object: few, one record an object."""
    mine = [name for name in curated.ends if name.startswith(f"{table.name}/")]
    if not mine:
        return {}
    parts = [part for name in mine for part in _file(curated.folder / name, table)]
    rows = pa.concat_tables([table.schema.empty_table(), *parts])
    known = pa.array([item.object_id for item in curated.objects], pa.int64())
    rows = _recoded(rows.filter(pc.is_in(rows["object_id"], known)), table)
    rows = rows.sort_by([("object_id", "ascending"), ("ordinal", "ascending")])
    found, start = dict[int, pa.Table](), 0
    for object_id, same in groupby(rows["object_id"].to_pylist()):
        found[object_id] = rows.slice(start, len(list(same)))
        start += len(found[object_id])
    return found


def _file(path: Path, table: _Table) -> Iterator[pa.Table]:
    """The rows of a curated file that are of the month, by row group."""
    names = table.schema.names
    with (
        pa.OSFile(str(path)) as stored,
        pq.ParquetFile(stored, read_dictionary=list(table.coded)) as file,
    ):
        for number in range(file.num_row_groups):
            # Threads cost more than they gain on columns this small.
            rows = file.read_row_group(number, columns=names, use_threads=False).select(names)
            yield rows if table.name == BAD_LINE else _of_month(rows, table)


def _of_month(rows: pa.Table, table: _Table) -> pa.Table:
    """The rows of the month: mostly all of them, which are then handed on as they are."""
    at = rows["at_ms"]
    least, most = pc.min_max(at, skip_nulls=False).as_py().values()
    if least is not None and table.first <= least and most < table.end:
        return rows
    is_own = pc.and_(pc.greater_equal(at, table.first), pc.less(at, table.end))
    return _recoded(rows.filter(is_own), table)


def _recoded(rows: pa.Table, table: _Table) -> pa.Table:
    """Some rows of many, with dictionaries anew: theirs hold the text of the other rows too, which
    would stand in the file."""
    for name in table.coded:
        column = rows[name].cast(pa.string()).dictionary_encode()
        rows = rows.set_column(rows.schema.get_field_index(name), name, column)
    return rows


def _grouped(parts: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Small parts put together: hundreds of tiny row groups make a file large and slow."""
    held: list[pa.Table] = []
    count = 0
    for part in parts:
        if len(part):
            held.append(part)
            count += len(part)
        if count >= GROUP:
            yield pa.concat_tables(held).unify_dictionaries()
            held, count = [], 0
    yield pa.concat_tables([schema.empty_table(), *held]).unify_dictionaries()
