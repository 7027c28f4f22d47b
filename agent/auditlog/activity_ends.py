"""The records of the activity log that stand at the edges of objects.

An object ends within a record as often as not: the rest is what the next object of the same writer
begins with. So every object's last record is written here, with what follows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import pyarrow as pa

from agent.auditlog.activity_file import ActivityFile
from agent.auditlog.activity_rows import Known
from agent.auditlog.activity_table import Origin, table_of
from agent.auditlog.blocks import MAX_RECORD
from agent.auditlog.ends import Ends
from agent.auditlog.line_files import Bad, TableFile, bad_table
from agent.auditlog.objects import Fragment, LogObject, ObjectResult, ObjectStatus
from agent.auditlog.records import Fields, fields_of
from agent.auditlog.schema import ACTIVITY, BAD_LINE, partition
from agent.auditlog.statements import is_open

ORPHAN = "the end of a record whose beginning is nowhere"
_SHOWN_BYTES = 8_000
"""More than the characters of a bad line that are kept."""


@dataclass(slots=True)
class _End:
    """The last record of an object, as far as it has been put together.

    is_ended: a newline at its end is the object's and none of the text. is_lost: its object is
    damaged behind it.
    """

    result: ObjectResult
    raw: bytes
    is_ended: bool = True
    is_stitched: bool = False
    is_lost: bool = False

    @property
    def whole(self) -> bytes:
        """As a block of records."""
        raw = self.raw.removesuffix(b"\n") if self.is_ended else self.raw
        return b"\n" + raw


@dataclass(slots=True)
class _Joined:
    ends: list[_End] = field(default_factory=list)
    orphans: list[tuple[LogObject, bytes]] = field(default_factory=list)


def write_activity_ends(results: Sequence[ObjectResult], curated: Path) -> Ends:
    """Write the last record of each of a writer's objects, with what the next one begins with.

    The next object is that of the next stamp, then key; copies and objects without a byte are
    passed over; behind one that cannot be read to its end nothing is joined. One file a day of the
    objects' stamps, `ends.parquet`; orphans are bad lines. Files of days without any are removed.
    """
    joined = _joined(sorted(results, key=lambda one: (one.object.stamp, one.object.key)))
    files, cut = [], []
    statements = records = 0
    for name, day in _by_partition(results, ACTIVITY, "ends.parquet"):
        ends = [one for one in joined.ends if one.result.object.day == day]
        with ActivityFile(curated / name) as file:
            if ends:
                lost, more = _write(ends, file)
                cut += lost
                records += more
        statements += file.rows
        files += _kept(curated, name, file.rows)
    for name, day in _by_partition(results, BAD_LINE, "ends-useractivitylog.parquet"):
        orphans = [one for one in joined.orphans if one[0].day == day]
        with TableFile(BAD_LINE, name, curated) as bad:
            for item, raw in orphans:
                bad.write(bad_table(item, [_orphan(raw)]))
        files += _kept(curated, name, bad.rows)
    return Ends(
        files=tuple(sorted(files)),
        statements=statements,
        orphans=tuple(item.key for item, _ in joined.orphans),
        cut=tuple(cut),
        bad=len(joined.orphans),
        records=records,
    )


def _joined(results: Iterable[ObjectResult]) -> _Joined:
    """Every last record with what continues it, and what continues none."""
    out = _Joined()
    open_: _End | None = None
    for result in results:
        if result.status in (ObjectStatus.DUPLICATE, ObjectStatus.EMPTY):
            continue
        head = _bytes(result.head)
        if head is not None and open_ is not None and not _is_closed(open_.raw):
            open_.raw += head
            open_.is_stitched |= bool(head.strip())
            open_.is_ended = result.tail is None
        elif head is not None and head.strip():
            out.orphans.append((result.object, head))
        tail = _bytes(result.tail)
        if tail is not None:
            open_ = _End(result, tail)
            out.ends.append(open_)
        if result.status in (ObjectStatus.DAMAGED, ObjectStatus.UNREADABLE):
            if open_ is not None and result.status is ObjectStatus.DAMAGED:
                open_.is_lost = True
            open_ = None
    return out


def _is_closed(raw: bytes) -> bool:
    """Whether a record ends with a semicolon and a newline, outside of any literal. What stands
    before the next object's first header is then taken for another record's, of an object that is
    missing: joined, it would falsify this one and hide that."""
    _, _, text = raw.partition(b" LOG: ")
    return text.endswith(b"\n") and text.rstrip().endswith(b";") and not _is_open(text)


def _bytes(fragment: Fragment | None) -> bytes | None:
    return fragment.text.encode("utf-8", "surrogateescape") if fragment else None


def _by_partition(results: Sequence[ObjectResult], table: str, file: str) -> list[tuple[str, str]]:
    """The file of ends of each day that the objects have, and the day."""
    found = {f"{partition(table, one.object)}/{file}": one.object.day for one in results}
    return sorted(found.items())


def _kept(curated: Path, name: str, rows: int) -> list[str]:
    """The file's name where there is one; an older one of that name is removed where not."""
    if rows:
        return [name]
    (curated / name).unlink(missing_ok=True)
    return []


def _write(ends: Sequence[_End], file: ActivityFile) -> tuple[list[str], int]:
    """Write these ends; the keys of those that are cut, and how many records came to light."""
    parts = [fields_of(end.whole) for end in ends]
    objects: list[int] = []
    ordinals: list[int] = []
    cut: set[int] = set()
    stitched: set[int] = set()
    keys = []
    for end, part in zip(ends, parts, strict=True):
        first, count = len(objects), len(part.texts)
        objects += [end.result.object.object_id] * count
        ordinals += range(end.result.tail_ordinal, end.result.tail_ordinal + count)
        if end.is_stitched:
            stitched |= set(range(first, first + count))
        if end.is_lost or len(part.texts[-1]) > MAX_RECORD or _is_open(part.texts[-1]):
            cut.add(first + count - 1)
            keys.append(end.result.object.key)
    numbered = pa.array(objects, pa.int64()), pa.array(ordinals, pa.int64())
    origin = Origin(*numbered, frozenset(stitched), frozenset(cut))
    file.write(table_of(_together(parts), origin, Known()))
    return keys, len(objects) - len(ends)


def _is_open(text: bytes) -> bool:
    return is_open(text.decode("utf-8", "backslashreplace"))


def _together(parts: Sequence[Fields]) -> Fields:
    return Fields(
        list(chain.from_iterable(one.times for one in parts)),
        pa.concat_arrays([one.at_ms for one in parts]),
        list(chain.from_iterable(one.sessions for one in parts)),
        list(chain.from_iterable(one.xids for one in parts)),
        list(chain.from_iterable(one.texts for one in parts)),
    )


def _orphan(raw: bytes) -> Bad:
    text = raw[:_SHOWN_BYTES].decode("utf-8", "backslashreplace")
    return Bad(0, ORPHAN, text, is_flagged=False)
