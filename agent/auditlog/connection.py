"""The connection log into Parquet, a block of lines at a time.

Arrow splits the lines and checks the columns of all that have the same number of them; what does
not come out there (a few in a thousand) is read by `connection_line.parse`, which the fast way
must agree with: a test compares them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from agent.auditlog import connection_line as grammar
from agent.auditlog.connection_line import LAYOUTS, LONGEST, PROTOCOL, SESSION, SHORTEST
from agent.auditlog.identity import identity_of
from agent.auditlog.line_files import (
    MAX_LINE,
    Bad,
    Decoded,
    LineError,
    Lines,
    Row,
    minute_ms,
    read_lines,
    rows_table,
)
from agent.auditlog.objects import LogObject, ObjectResult
from agent.auditlog.schema import CONNECTION, SLOT_MS, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

UNIQUE = frozenset((grammar.TIME, grammar.PORT, *grammar.INTEGERS, SESSION))
"""Columns whose values hardly repeat; the others are handled value by value, not row by row."""


_CLOCK = re.compile(rb"[0-5][0-9]:[0-5][0-9]")


def read_connection(stream: BinaryIO, item: LogObject, curated: Path) -> ObjectResult:
    """Read one connection log object; see `line_files.read_lines`."""
    return read_lines(stream, item, curated, decode, grammar.is_whole)


def decode(lines: Lines, item: LogObject, layout: int) -> Decoded:
    """Lines to records, in the order of the log; layout: that of the lines before, 0 if unknown."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    texts = pa.array(lines.texts, pa.string())
    pieces = pc.split_pattern(texts, "|")
    counts = pc.list_value_length(pieces)
    fits = pc.less_equal(pc.binary_length(texts), MAX_LINE)
    parts: list[pa.Table] = []
    taken: set[int] = set()
    usual = (0, layout)
    for each in pc.value_counts(counts).to_pylist():
        count = each["values"]
        if not (count in LAYOUTS or (count == layout and SHORTEST <= count <= LONGEST)):
            continue
        rows = pc.indices_nonzero(pc.and_(fits, pc.equal(counts, count)))
        table, rows = _fast(pieces, rows, count, lines, item)
        if table is not None:
            parts.append(table)
            usual = max(usual, (len(rows), count))
            taken.update(rows.to_pylist())
    left = []
    if len(taken) < len(lines.texts):
        left = [index for index in range(len(lines.texts)) if index not in taken]
    decoded = _slow(lines, left, item, usual[1])
    if decoded.table is not None:
        parts.append(decoded.table)
    return Decoded(_in_order(parts), decoded.bad, usual[1] or decoded.layout)


def _in_order(parts: Sequence[pa.Table]) -> pa.Table | None:
    """The parts as one table in the order of the log."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    if len(parts) < 2:
        return parts[0] if parts else None
    table = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    return table.sort_by("ordinal")


def _slow(lines: Lines, left: Sequence[int], item: LogObject, layout: int) -> Decoded:
    """The lines that are not plainly well-formed, one by one."""
    rows: list[tuple[int, Row]] = []
    bad: list[Bad] = []
    for index in left:
        text = lines.texts[index]
        ordinal, is_flagged = lines.first + index, index in lines.flagged
        if not text.strip():
            continue
        try:
            rows.append((ordinal, grammar.parse(text, layout, is_flagged=is_flagged)))
        except LineError as error:
            bad.append(Bad(ordinal, error.reason, text, is_flagged))
    if not rows:
        return Decoded(None, bad)
    widths = [int(row["columns"] or 0) for _, row in rows if not row["is_repaired"]]
    usual = max(set(widths), key=lambda width: (widths.count(width), width), default=0)
    return Decoded(rows_table(CONNECTION, item, rows), bad, usual)


class _Times(NamedTuple):
    """The time column in parts, as arrays of one length."""

    second: pa.Array
    """Milliseconds since 1970 of the second; null: no time."""
    rest: pa.Array
    """Whether three digits of milliseconds are there."""
    millis: pa.Array


def _fast(
    pieces: pa.Array, rows: pa.Array, count: int, lines: Lines, item: LogObject
) -> tuple[pa.Table | None, pa.Array]:
    """The rows that are plainly well-formed with so many columns: a table, and their indexes."""
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    columns = _columns(pieces, rows, count)
    times = _times(columns[grammar.TIME])
    good = _good(columns, times)
    if not pc.all(good).as_py():
        rows = rows.filter(good)
        columns = _columns(pieces, rows, count)
        times = _times(columns[grammar.TIME])
    if not len(rows):
        return None, rows
    return _table(columns, times, rows, lines, item), rows


def _columns(pieces: pa.Array, rows: pa.Array, count: int) -> list[pa.Array]:
    """The columns of these rows, raw; those whose values repeat as dictionaries."""
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    starts = pieces.offsets.take(rows)
    found = [pieces.values.take(pc.add(starts, column)) for column in range(count)]
    return [
        each if column in UNIQUE else each.dictionary_encode() for column, each in enumerate(found)
    ]


def _good(columns: Sequence[pa.Array], times: _Times) -> pa.Array:
    """Which rows are well-formed beyond doubt: what `grammar.parse` takes without a repair."""
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    last = len(columns) - 1
    good = pc.and_(pc.is_valid(times.second), times.rest)
    for column in grammar.INTEGERS:
        good = pc.and_(good, _integers(columns[column]))
    port = columns[grammar.PORT]
    is_port = pc.and_(pc.ends_with(port, " "), _integers(_unspaced(port)))
    good = pc.and_(good, pc.or_(pc.equal(port, " "), is_port))
    for column, values in enumerate(columns):
        if column not in UNIQUE:
            test = _test(column, column == last)
            good = pc.and_(good, _each(values, test)) if test else good
        elif column == SESSION:
            pattern = "^[0-9A-Za-z-]*$" if column == last else "^[0-9A-Za-z-]* $"
            good = pc.and_(good, pc.match_substring_regex(values, pattern))
    return good


def _test(column: int, is_last: bool) -> Callable[[str], bool] | None:
    """What a value of a column must be, raw."""
    if column == PROTOCOL:
        return grammar.is_integer
    if column == grammar.EVENT:
        return lambda text: text.endswith(" ") and grammar.is_event(text[:-1])
    return None if is_last else lambda text: text.endswith(" ")


def _each(values: pa.DictionaryArray, test: Callable[[str], bool]) -> pa.Array | bool:
    """A test of every row, made once for each value."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    verdicts = [test(text) for text in values.dictionary.to_pylist()]
    if all(verdicts):
        return True
    return pc.take(pa.array(verdicts, pa.bool_()), values.indices)


def _integers(texts: pa.Array) -> pa.Array:
    """Which are integers, as `grammar.is_integer` has it."""
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    return pc.and_(pc.ascii_is_decimal(texts), pc.less_equal(pc.binary_length(texts), 18))


def _sliced(texts: pa.Array, first: int, end: int | None = None) -> pa.Array:
    """A part of each text, by bytes; null-free and faster than by characters."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    return pc.binary_slice(texts.cast(pa.binary()), first, end)


def _unspaced(texts: pa.Array) -> pa.Array:
    """Texts without their last byte, which is a space wherever it matters."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    return _sliced(texts, 0, -1).cast(pa.string(), safe=False)


def _times(texts: pa.Array) -> _Times:
    """`Mon, 07 Dec 2020 20` and `01:55` by value, `:177` by digits.

    Hours go with the day: one cannot be wrong by itself.
    """
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    hours = _sliced(texts, 0, -10).dictionary_encode()
    found = [
        minute_ms(raw.decode("utf-8", "replace") + ":00") for raw in hours.dictionary.to_pylist()
    ]
    clock = _sliced(texts, -9, -4).dictionary_encode()
    within = [_clock_ms(raw) for raw in clock.dictionary.to_pylist()]
    millis = _sliced(texts, -3).cast(pa.string(), safe=False)
    colons = pc.and_(
        pc.equal(_sliced(texts, -10, -9), b":"), pc.equal(_sliced(texts, -4, -3), b":")
    )
    return _Times(
        pc.add(
            pc.take(pa.array(found, pa.int64()), hours.indices),
            pc.take(pa.array(within, pa.int64()), clock.indices),
        ),
        pc.and_(colons, pc.ascii_is_decimal(millis)),
        millis,
    )


def _clock_ms(text: bytes) -> int | None:
    """`01:55` in milliseconds; None for what is none."""
    if _CLOCK.fullmatch(text) is None:
        return None
    return (int(text[:2]) * 60 + int(text[3:])) * 1000


def _table(
    columns: Sequence[pa.Array], times: _Times, rows: pa.Array, lines: Lines, item: LogObject
) -> pa.Table:
    """Well-formed columns as the table's."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    length, last = len(rows), len(columns) - 1
    at = pc.add(times.second, pc.cast(times.millis, pa.int64()))
    port = _unspaced(columns[grammar.PORT])
    users = columns[grammar.USER]
    found = {
        "object_id": pa.repeat(pa.scalar(item.object_id, pa.int64()), length),
        "ordinal": pc.add(pc.cast(rows, pa.int64()), lines.first),
        "at_ms": at,
        "slot": pc.divide(at, SLOT_MS),
        "event": _mapped(columns[grammar.EVENT], lambda text: text[:-1].lower()),
        "remote_host": _mapped(columns[grammar.HOST], lambda text: grammar.host_of(text[:-1])),
        "remote_port": pc.cast(pc.if_else(pc.equal(port, ""), None, port), pa.int64()),
        "pid": pc.cast(columns[grammar.PID], pa.int64()),
        "user_name": _mapped(users, lambda text: identity_of(text[:-1])[0]),
        "identity": _mapped(users, lambda text: identity_of(text[:-1])[1]),
        "duration_us": pc.cast(columns[grammar.DURATION], pa.int64()),
        "columns": pa.repeat(pa.scalar(len(columns), pa.int64()), length),
        "is_repaired": pa.repeat(pa.scalar(False), length),
        "has_bad_bytes": _flags(rows, lines),
    }
    for name, column in grammar.TEXTS.items():
        is_bare = column == last or column in grammar.BARE
        found[name] = _kept(columns, column, is_bare=is_bare, length=length)
    names = arrow_schema(CONNECTION).names
    return pa.Table.from_arrays([found[name] for name in names], names=names)


def _kept(columns: Sequence[pa.Array], column: int, *, is_bare: bool, length: int) -> pa.Array:
    """A column of text as it is, empty where the layout has none; a dictionary if it repeats."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    if column >= len(columns):
        empty = pa.repeat(pa.scalar("", pa.string()), length)
        return empty if column in UNIQUE else empty.dictionary_encode()
    values = columns[column]
    if column in UNIQUE:
        return values if is_bare else _unspaced(values)
    return values if is_bare else _mapped(values, lambda text: text[:-1])


def _mapped(values: pa.DictionaryArray, change: Callable[[str], str]) -> pa.DictionaryArray:
    """Each value changed, once; what becomes equal becomes one value."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    changed = [change(text) for text in values.dictionary.to_pylist()]
    numbers = {text: number for number, text in enumerate(dict.fromkeys(changed))}
    indices = values.indices
    if len(numbers) < len(changed):
        renumbered = pa.array([numbers[text] for text in changed], pa.int32())
        indices = pc.take(renumbered, indices)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(numbers), pa.string()))


def _flags(rows: pa.Array, lines: Lines) -> pa.Array:
    """Which rows held bytes that are no UTF-8."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    if not lines.flagged:
        return pa.repeat(pa.scalar(False), len(rows))
    return pa.array([index in lines.flagged for index in rows.to_pylist()], pa.bool_())
