"""The normalised logs of the month as Parquet beside the report, without any statement's text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from agent.auditlog.objects import LogObject
from agent.auditlog.schema import BAD_LINE, TABLES, arrow_schema
from agent.report.model import Month

HIDDEN = {"activity": "query_text", "bad_line": "line"}
"""The columns that hold text as it was logged."""

GROUP = 131_072
"""Rows of a row group, at least, but for the last one."""


@dataclass(frozen=True, slots=True)
class Curated:
    """The Parquet files of one writer, relative to the folder; those of the records at the edges
    of objects (`ends`) hold rows of many objects, the others of one. objects: in order."""

    folder: Path
    objects: Sequence[LogObject]
    files: Mapping[str, Mapping[str, str]]
    """By object key and table."""
    ends: Sequence[str] = ()


def write_tables(curated: Curated, month: Month, folder: Path) -> None:
    """`<table>.parquet` for every table: rows by object, in the order of their stamps, then by
    record number; a record of another month is in none. The same rows give the same bytes.

    One row group of one object is held at a time. Raises OSError and pyarrow's errors.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        hidden = HIDDEN.get(table, "")
        schema = pa.schema([field for field in arrow_schema(table) if field.name != hidden])
        with pq.ParquetWriter(folder / f"{table}.parquet", schema, compression="zstd") as writer:
            for batch in _grouped(_rows(curated, table, schema, month), schema):
                writer.write_table(batch, row_group_size=max(len(batch), 1))


def _rows(curated: Curated, table: str, schema: pa.Schema, month: Month) -> Iterator[pa.Table]:
    """What there is of each object, its last record (which the edges may hold) at its end."""
    ends = _ends(curated, table, schema, month)
    for item in curated.objects:
        name = curated.files.get(item.key, {}).get(table)
        if name is not None:
            yield from _file(curated.folder / name, schema, month, table)
        if len(ends):
            mine = ends.filter(pc.equal(ends["object_id"], item.object_id))
            yield mine.sort_by([("ordinal", "ascending")]) if len(mine) else mine


def _ends(curated: Curated, table: str, schema: pa.Schema, month: Month) -> pa.Table:
    """The rows of the edges, of all objects: few, one record an object."""
    mine = [name for name in curated.ends if name.startswith(f"{table}/")]
    parts = [part for name in mine for part in _file(curated.folder / name, schema, month, table)]
    return pa.concat_tables([schema.empty_table(), *parts])


def _file(path: Path, schema: pa.Schema, month: Month, table: str) -> Iterator[pa.Table]:
    first, end = (int(at.timestamp()) * 1000 for at in (month.start, month.end))
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number, columns=schema.names).select(schema.names)
            rows = rows.cast(schema)
            if table != BAD_LINE:  # such a line has no time
                at = rows["at_ms"]
                rows = rows.filter(pc.and_(pc.greater_equal(at, first), pc.less(at, end)))
            yield rows


def _grouped(parts: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Small parts put together: hundreds of tiny row groups make a file large and slow."""
    held: list[pa.Table] = []
    count = 0
    for part in parts:
        if len(part):
            held.append(part)
            count += len(part)
        if count >= GROUP:
            yield pa.concat_tables(held).combine_chunks()
            held, count = [], 0
    yield pa.concat_tables([schema.empty_table(), *held]).combine_chunks()
