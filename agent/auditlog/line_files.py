"""What the connection log and the user log share: lines in, Parquet out, and their edges.

A line is everything up to a newline; its number in the object, from 1, is its ordinal. Blank lines
are counted as lines and are no records. Bytes that are no UTF-8 are written as \\xNN and flagged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from agent.auditlog.blocks import DamagedError, Digest, plain_blocks
from agent.auditlog.objects import Fragment, LogObject, ObjectResult, ObjectStatus
from agent.auditlog.schema import BAD_LINE, COLUMNS, TABLE_OF, arrow_schema, file_of

if TYPE_CHECKING:
    import pyarrow as pa

MAX_LINE = 1 << 16
"""Bytes of the longest line: the documented widths of all columns come to less than 4 KiB."""
SHOWN = 2_000
"""Characters that are kept of a line that is no record."""
TOO_LONG = f"longer than {MAX_LINE:,} bytes"
BLOCK = 6 << 20
"""Plain bytes that are worked on at once,"""
FEW = 1 << 16
"""but no more lines than these: a block of the shortest lines has a million."""
PLAIN = frozenset({"session_id", "line"})
"""Text that hardly repeats; all other is written as dictionaries."""
SEARCHED = ("ordinal", "at_ms", "slot")
"""Columns with statistics in the files: only in these do values that lie near lie together."""

Value = int | str | bool | None
Row = dict[str, Value]
"""A record by column name, without object_id and ordinal."""


class LineError(Exception):
    """A line that is no record of its log. `reason` says why in one clause, without its text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of an object that follow each other; `first` is the number of the first of them.

    flagged: indexes of the lines that held bytes that are no UTF-8.
    """

    first: int
    texts: Sequence[str]
    flagged: frozenset[int] = frozenset()
    is_ended: bool = True


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that is no record."""

    ordinal: int
    reason: str
    text: str
    is_flagged: bool


@dataclass(slots=True)
class Decoded:
    """What lines came to: a table in the order of the log (None: no record), and bad lines.

    layout: how many columns most of the records have, 0 without any.
    """

    table: pa.Table | None = None
    bad: list[Bad] = field(default_factory=list)
    layout: int = 0


Decode = Callable[[Lines, LogObject, int], Decoded]
"""Lines of an object to records; the number is the layout of the lines before, 0 where unknown."""


MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_MINUTE = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2})"
)
_TIME = re.compile(rf"({_MINUTE.pattern}):([0-9]{{2}}):([0-9]{{1,3}}) ?")


@lru_cache(maxsize=4096)
def minute_ms(text: str) -> int | None:
    """`Mon, 7 Dec 2020 20:01` in milliseconds since 1970; None for what is no time.

    The weekday may be wrong (it is, in a published sample); the day may be padded or not.
    """
    found = _MINUTE.fullmatch(text)
    if found is None or found[2] not in MONTHS:
        return None
    day, month, year, hour, minute = found.groups()
    try:
        when = datetime(int(year), MONTHS[month], int(day), int(hour), int(minute), tzinfo=UTC)
    except ValueError:
        return None
    return int(when.timestamp()) * 1000


def time_ms(text: str) -> int | None:
    """`Mon, 7 Dec 2020 20:01:55:177` in milliseconds since 1970; None for what is no time.

    What follows the last colon is an integer: `:5` is five milliseconds.
    """
    found = _TIME.fullmatch(text)
    minute = minute_ms(found[1]) if found else None
    if found is None or minute is None or int(found[7]) > 59:
        return None
    return minute + int(found[7]) * 1000 + int(found[8])


def _text_of(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _lines(first: int, raw: bytes, *, is_ended: bool = True) -> Lines:
    """Whole lines, the last one without its newline. A CR before a newline is not part of them."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return _damaged_lines(first, raw, is_ended)
    if "\r" in text:
        text = text.replace("\r\n", "\n").removesuffix("\r")
    return Lines(first, text.split("\n"), frozenset(), is_ended)


def _damaged_lines(first: int, raw: bytes, is_ended: bool) -> Lines:
    texts, flagged = [], set()
    for index, each in enumerate(raw.split(b"\n")):
        line = each.removesuffix(b"\r")
        try:
            texts.append(line.decode("utf-8"))
        except UnicodeDecodeError:
            texts.append(_text_of(line))
            flagged.add(index)
    return Lines(first, texts, frozenset(flagged), is_ended)


def _few(lines: Lines) -> Iterator[Lines]:
    """The lines, FEW at a time."""
    if len(lines.texts) <= FEW:
        yield lines
        return
    for start in range(0, len(lines.texts), FEW):
        texts = lines.texts[start : start + FEW]
        flagged = {at - start for at in lines.flagged if start <= at < start + FEW}
        yield Lines(lines.first + start, texts, frozenset(flagged))


def whole_lines(blocks: Iterable[bytes]) -> Iterator[Lines]:
    """The lines of a stream, block by block; an unended last one comes by itself.

    Of a line longer than MAX_LINE only the beginning is held, which is longer than MAX_LINE too.
    """
    carry, number, is_skipping = b"", 1, False
    for block in blocks:
        rest = block
        if is_skipping:
            _, newline, rest = block.partition(b"\n")
            if not newline:
                continue
            is_skipping = False
        end = rest.rfind(b"\n")
        if end >= 0:
            for lines in _few(_lines(number, carry + rest[:end])):
                yield lines
                number += len(lines.texts)
            carry, rest = b"", rest[end + 1 :]
        carry += rest
        if len(carry) > MAX_LINE + 1:  # a CR at its end is not part of it
            yield _lines(number, carry[: MAX_LINE + 2])
            carry, number, is_skipping = b"", number + 1, True
    if carry:
        yield _lines(number, carry, is_ended=False)


class TableFile:
    """Rows of one table on their way into a Parquet file, which stands under its name when whole.

    Row groups are as they come. Nothing is written where there are no rows.
    """

    def __init__(self, table: str, name: str, curated: Path) -> None:
        self.table = table
        self.name = name
        self.rows = 0
        self._path = curated / name
        self._part = self._path.with_name(f".{self._path.name}.part")
        self._sink: pa.NativeFile | None = None
        self._writer: pa.parquet.ParquetWriter | None = None

    def __enter__(self) -> TableFile:
        return self

    def write(self, rows: pa.Table) -> None:
        """Append; the table has the columns of its schema, text but for PLAIN as dictionaries."""
        if self._writer is None:
            import pyarrow as pa  # noqa: PLC0415 - an extra
            import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

            self._part.parent.mkdir(parents=True, exist_ok=True)
            self._sink = pa.OSFile(str(self._part), "wb")  # no search for a file system
            # Without the Arrow schema in the file, dictionaries are read as text again.
            self._writer = pq.ParquetWriter(
                self._sink,
                rows.schema,
                compression="zstd",
                use_dictionary=_repeating(self.table),
                write_statistics=list(SEARCHED),
                store_schema=False,
            )
        self._writer.write_table(rows)
        self.rows += rows.num_rows

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is None or self._sink is None:
            return
        is_left = True
        try:
            with self._sink:
                self._writer.close()
            if error is None:
                self._part.replace(self._path)
                is_left = False
        finally:
            if is_left:
                self._part.unlink(missing_ok=True)


def _repeating(table: str) -> list[str]:
    """The table's columns that are dictionaries."""
    return [name for name, kind in COLUMNS[table] if kind == "text" and name not in PLAIN]


def rows_table(table: str, item: LogObject, rows: Sequence[tuple[int, Row]]) -> pa.Table:
    """A table of rows with their ordinals, its text but for PLAIN as dictionaries."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    schema = arrow_schema(table)
    arrays = []
    for each in schema:
        values: list[Value]
        if each.name == "object_id":
            values = [item.object_id] * len(rows)
        elif each.name == "ordinal":
            values = [ordinal for ordinal, _ in rows]
        else:
            values = [row[each.name] for _, row in rows]
        array = pa.array(values, each.type)
        arrays.append(array.dictionary_encode() if each.name in _repeating(table) else array)
    return pa.Table.from_arrays(arrays, names=schema.names)


def bad_table(item: LogObject, bad: Iterable[Bad]) -> pa.Table:
    """Rows of BAD_LINE."""
    rows: list[tuple[int, Row]] = [
        (
            each.ordinal,
            {
                "at_ms": None,
                "slot": None,
                "log_type": item.log_type,
                "reason": each.reason,
                "line": each.text[:SHOWN],
            },
        )
        for each in bad
    ]
    return rows_table(BAD_LINE, item, rows)


@dataclass(slots=True)
class _Reading:
    """An object being read: its files and what was seen so far."""

    item: LogObject
    good: TableFile
    bad: TableFile
    layout: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    head: Fragment | None = None
    tail: Fragment | None = None
    tail_ordinal: int = 0
    records: int = 0

    def take(self, decoded: Decoded) -> None:
        """Write what lines came to."""
        if decoded.table is not None:
            self._times(decoded.table)
            self.good.write(decoded.table)
            self.records += decoded.table.num_rows
            self.layout = decoded.layout
        bad = decoded.bad
        if bad and bad[0].ordinal == 1 and bad[0].reason != TOO_LONG:
            self.head = Fragment(bad[0].text, bad[0].is_flagged)
            bad = bad[1:]
        if bad:
            self.bad.write(bad_table(self.item, bad))

    def withhold(self, lines: Lines) -> None:
        """Keep an unended line for what the next object begins with."""
        self.tail = Fragment(lines.texts[0], bool(lines.flagged))
        self.tail_ordinal = lines.first
        self.records += 1

    def _times(self, table: pa.Table) -> None:
        import pyarrow.compute as pc  # noqa: PLC0415 - an extra

        span: Mapping[str, int] = pc.min_max(table["at_ms"]).as_py()
        self.first_ms = span["min"] if self.first_ms is None else min(self.first_ms, span["min"])
        self.last_ms = span["max"] if self.last_ms is None else max(self.last_ms, span["max"])


def read_lines(
    stream: BinaryIO,
    item: LogObject,
    curated: Path,
    decode: Decode,
    is_whole: Callable[[str, int, str], bool],
) -> ObjectResult:
    """Read one object of a log of lines into its Parquet files.

    is_whole: whether an unended last line is a complete record, by the layout of those before it
    and the very last of them.
    Raises OSError when the stream does.
    """
    seen, damage = Digest(), list[str]()
    with ExitStack() as stack:
        table = TABLE_OF[item.log_type]
        good = stack.enter_context(TableFile(table, file_of(table, item), curated))
        bad = stack.enter_context(TableFile(BAD_LINE, file_of(BAD_LINE, item), curated))
        reading = _Reading(item, good, bad)
        before = ""
        for lines in whole_lines(_salvaged(stream, seen, damage)):
            last = lines.texts[-1]
            if lines.is_ended or not last.strip() or is_whole(last, reading.layout, before):
                reading.take(decode(lines, item, reading.layout))
            else:
                reading.withhold(lines)
            before = last
    return _result(reading, seen, damage)


def _salvaged(stream: BinaryIO, seen: Digest, damage: list[str]) -> Iterator[bytes]:
    """The plain bytes; how they end before their time is told in `damage`."""
    try:
        yield from plain_blocks(stream, seen, BLOCK)
    except DamagedError as error:
        damage.append(error.reason)


def _result(reading: _Reading, seen: Digest, damage: Sequence[str]) -> ObjectResult:
    status = ObjectStatus.READ if seen.plain else ObjectStatus.EMPTY
    if damage:
        status = ObjectStatus.DAMAGED if seen.plain else ObjectStatus.UNREADABLE
    files = {each.table: each.name for each in (reading.good, reading.bad) if each.rows}
    return ObjectResult(
        object=reading.item,
        status=status,
        reason="; ".join(damage),
        sha256=seen.sha256,
        plain_bytes=seen.plain,
        records=reading.records,
        bad=reading.bad.rows,
        first_ms=reading.first_ms,
        last_ms=reading.last_ms,
        head=reading.head,
        tail=reading.tail,
        tail_ordinal=reading.tail_ordinal,
        files=files,
    )
