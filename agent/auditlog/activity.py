"""The activity log: every object's records into rows, and the records that objects cut in two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from agent.auditlog.activity_ends import write_activity_ends
from agent.auditlog.activity_file import ActivityFile
from agent.auditlog.activity_rows import Known, counted, is_utf8
from agent.auditlog.activity_table import Origin, table_of
from agent.auditlog.blocks import MAX_RECORD, DamagedError, Digest, plain_blocks
from agent.auditlog.line_files import Bad, TableFile, bad_table
from agent.auditlog.objects import Fragment, LogObject, ObjectResult, ObjectStatus
from agent.auditlog.records import HEADER, Edges, Fields, fields_of, time_ms, whole_records
from agent.auditlog.schema import ACTIVITY, BAD_LINE, file_of

__all__ = ["read_activity", "write_activity_ends"]

BLOCK = 4 << 20
"""Plain bytes that are worked on at once."""

TOO_LONG = f"a record is longer than {MAX_RECORD >> 20} MiB, and its rest is left out"
HEAD_TOO_LONG = f"longer than {MAX_RECORD >> 20} MiB without the header of a record; cut here"


@dataclass(slots=True)
class _Seen:
    """What came of an object's records so far."""

    records: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    is_cut: bool = False
    """One was too long to be held."""

    def take(self, first: int, last: int) -> None:
        """Widen the span to these times."""
        self.first_ms = first if self.first_ms is None else min(first, self.first_ms)
        self.last_ms = last if self.last_ms is None else max(last, self.last_ms)

    def take_block(self, fields: Fields, rows: pa.Table) -> None:
        """What these records' times and rows tell."""
        span = pc.min_max(fields.at_ms).as_py()
        self.take(span["min"], span["max"])
        self.is_cut |= pc.any(rows["is_cut"]).as_py()


def read_activity(stream: BinaryIO, item: LogObject, curated: Path) -> ObjectResult:
    """Read one object of the activity log into its Parquet file.

    The last record is withheld as `tail`, for its end may stand in the next object; what precedes
    the first is `head`. Raises what `stream.read` does: no file stands then.
    """
    digest, edges, seen, damage = Digest(), Edges(), _Seen(), list[str]()
    with ActivityFile(curated / file_of(ACTIVITY, item)) as file:
        known = Known()
        blocks = _salvaged(plain_blocks(stream, digest, BLOCK), damage)
        for whole in whole_records(blocks, edges):
            fields = fields_of(whole)
            del whole  # it may be long, and is in the fields
            count = len(fields.texts)
            rows = table_of(fields, _origin(item, seen.records + 1, count), known)
            file.write(rows)
            seen.records += count
            seen.take_block(fields, rows)
    if edges.tail is not None:
        found = HEADER.match(b"\n" + edges.tail[:2048])
        if found:
            at = time_ms(found.group(1))
            seen.take(at, at)
    files = {ACTIVITY: file_of(ACTIVITY, item)} if file.rows else {}
    if edges.is_head_cut:
        _write_bad_head(edges.head or b"", item, curated)
        files[BAD_LINE] = file_of(BAD_LINE, item)
    status, reason = _status(digest, edges, damage, is_cut=seen.is_cut)
    return ObjectResult(
        object=item,
        status=status,
        reason=reason,
        sha256=digest.sha256,
        plain_bytes=digest.plain,
        records=seen.records + (edges.tail is not None),
        statements=file.rows,
        bad=int(edges.is_head_cut),
        first_ms=seen.first_ms,
        last_ms=seen.last_ms,
        head=_fragment(edges.head if status is not ObjectStatus.UNREADABLE else None),
        tail=_fragment(edges.tail),
        tail_ordinal=seen.records + 1 if edges.tail is not None else 0,
        files=files,
    )


def _origin(item: LogObject, first: int, count: int) -> Origin:
    """Of so many records of an object, from this number on."""
    objects = pa.repeat(pa.scalar(item.object_id, pa.int64()), count)
    return Origin(objects, counted(count, first))


def _salvaged(blocks: Iterator[bytes], damage: list[str]) -> Iterator[bytes]:
    """The plain bytes; how they end before their time is told in `damage`."""
    try:
        yield from blocks
    except DamagedError as error:
        damage.append(error.reason)


def _status(
    digest: Digest, edges: Edges, damage: Sequence[str], *, is_cut: bool
) -> tuple[ObjectStatus, str]:
    if damage:
        status = ObjectStatus.DAMAGED if digest.plain else ObjectStatus.UNREADABLE
        return status, "; ".join(damage)
    if not digest.plain:
        return ObjectStatus.EMPTY, ""
    if not digest.is_gzip and edges.tail is None and b"\0" in (edges.head or b""):
        return ObjectStatus.UNREADABLE, "neither a gzip nor a log"
    return ObjectStatus.READ, TOO_LONG if is_cut else ""


def _write_bad_head(head: bytes, item: LogObject, curated: Path) -> None:
    bad = Bad(0, HEAD_TOO_LONG, head[:8000].decode("utf-8", "backslashreplace"), is_flagged=False)
    with TableFile(BAD_LINE, file_of(BAD_LINE, item), curated) as file:
        file.write(bad_table(item, [bad]))


def _fragment(raw: bytes | None) -> Fragment | None:
    """Bytes that are no UTF-8 become lone surrogates, so that two fragments of a character join."""
    if raw is None:
        return None
    return Fragment(raw.decode("utf-8", "surrogateescape"), not is_utf8(raw))
