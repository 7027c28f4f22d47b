"""Lines of the connection log with the same number of columns, into a table by columns.

Only what is well-formed beyond doubt: what `connection_line.parse` takes with so many columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import compress
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from agent.auditlog import connection_line as grammar
from agent.auditlog.connection_line import MASK, PROTOCOL, SESSION
from agent.auditlog.identity import identity_of
from agent.auditlog.line_files import Lines, minute_ms
from agent.auditlog.objects import LogObject
from agent.auditlog.schema import CONNECTION, SLOT_MS, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import csv

UNIQUE = frozenset((grammar.TIME, grammar.PORT, grammar.PID, grammar.DURATION, SESSION))
"""Columns whose values hardly repeat; the others are handled value by value, not row by row."""

_BOM = "\ufeff"


class Group(NamedTuple):
    """Lines that are read with the same number of columns."""

    columns: int
    rows: Sequence[int]
    """Their indexes among the lines."""
    texts: Sequence[str]
    """They themselves, with MASK for each stray `|`."""
    counts: Sequence[int]
    """How many columns each has with its strays."""

    @property
    def plain(self) -> int:
        """How many of them have no stray."""
        return self.counts.count(self.columns)

    def only(self, chosen: Sequence[bool]) -> Group:
        """Those of the lines that are chosen."""
        return Group(
            self.columns,
            list(compress(self.rows, chosen)),
            list(compress(self.texts, chosen)),
            list(compress(self.counts, chosen)),
        )


class _Times(NamedTuple):
    """The time column in parts, as arrays of one length."""

    second: pa.Array
    """Milliseconds since 1970 of the second; null: no time."""
    millis: pa.Array
    """What follows it; three digits, if it is a time."""


def plain_table(group: Group, lines: Lines, item: LogObject) -> tuple[pa.Table | None, Group]:
    """Those lines that are well-formed beyond doubt: a table, and which they are; None: none is."""
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    columns = _columns(group)
    times = _times(columns[grammar.TIME])
    good = _good(columns, times)
    if not pc.all(good).as_py():
        kept = group.only(good.to_pylist())
        return plain_table(kept, lines, item) if kept.rows else (None, kept)
    return _table(columns, times, group, lines, item), group


def _columns(group: Group) -> list[pa.Array]:
    """The columns, raw; those whose values repeat as dictionaries."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import csv  # noqa: PLC0415 - an extra

    text = "\n".join([*group.texts, ""])
    if "\r" in text or text.startswith(_BOM):
        return _split(group)
    # One pass over the bytes, without quotes and escapes, in one block: half of what splitting and
    # then taking costs. It ends lines at CR too, and passes over a BOM.
    raw = text.encode()
    names, how = _how(group.columns)
    at_once = csv.ReadOptions(use_threads=False, block_size=len(raw) + 1, column_names=names)
    table = csv.read_csv(pa.BufferReader(raw), at_once, *how)
    return [column.chunk(0) for column in table.columns]


@cache
def _how(columns: int) -> tuple[list[str], tuple[csv.ParseOptions, csv.ConvertOptions]]:
    """The names of so many columns, and how they are read."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import csv  # noqa: PLC0415 - an extra

    repeating = pa.dictionary(pa.int32(), pa.string())
    types = {str(at): pa.string() if at in UNIQUE else repeating for at in range(columns)}
    return list(types), (
        csv.ParseOptions(
            delimiter="|", quote_char=False, escape_char=False, ignore_empty_lines=False
        ),
        csv.ConvertOptions(column_types=types, strings_can_be_null=False, check_utf8=False),
    )


def _split(group: Group) -> list[pa.Array]:
    """The columns of lines that hold what CSV takes its own way."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    pieces = pc.split_pattern(pa.array(group.texts, pa.string()), "|").values
    found = [
        pieces.take(pa.array(range(at, len(pieces), group.columns))) for at in range(group.columns)
    ]
    return [each if at in UNIQUE else each.dictionary_encode() for at, each in enumerate(found)]


def _good(columns: Sequence[pa.Array], times: _Times) -> pa.Array:
    """Which rows are well-formed beyond doubt: what `grammar.parse` takes for so many columns."""
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    last = len(columns) - 1
    good = pc.and_(pc.is_valid(times.second), pc.ascii_is_decimal(times.millis))
    for column in (grammar.PID, grammar.DURATION):
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
    if column in (grammar.MTU, PROTOCOL):
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


def _unspaced(texts: pa.Array) -> pa.Array:
    """Texts without their last byte, which is a space wherever it matters."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    return pc.binary_slice(texts.cast(pa.binary()), 0, -1).cast(pa.string(), safe=False)


def _times(texts: pa.Array) -> _Times:
    """`Mon, 07 Dec 2020 20:` and `01:55:` by value, `177` by digits.

    Hours go with the day: one cannot be wrong by itself. Slices are of bytes: faster than of
    characters, and the same where there is a time.
    """
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    raw = texts.cast(pa.binary())
    hours = pc.binary_slice(raw, 0, -9).dictionary_encode()
    clock = pc.binary_slice(raw, -9, -3).dictionary_encode()
    of_hours = [_hour_ms(each) for each in hours.dictionary.to_pylist()]
    within = list(map(_clocks().get, clock.dictionary.to_pylist()))
    return _Times(
        pc.add(
            pc.take(pa.array(of_hours, pa.int64()), hours.indices),
            pc.take(pa.array(within, pa.int64()), clock.indices),
        ),
        pc.binary_slice(raw, -3).cast(pa.string(), safe=False),
    )


def _hour_ms(text: bytes) -> int | None:
    """`Mon, 07 Dec 2020 20:` in milliseconds since 1970; None for what is none."""
    if len(text) > len("Mon, 07 Dec 2020 20:"):  # is not to be remembered
        return None
    return minute_ms(text.decode("utf-8", "replace") + "00")


@cache
def _clocks() -> dict[bytes, int]:
    """Every `01:55:` of an hour in milliseconds."""
    return {b"%02d:%02d:" % divmod(second, 60): second * 1000 for second in range(3600)}


def _table(
    columns: Sequence[pa.Array], times: _Times, group: Group, lines: Lines, item: LogObject
) -> pa.Table:
    """Well-formed columns as the table's."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    at = pc.add(times.second, pc.cast(times.millis, pa.int64()))
    port = _unspaced(columns[grammar.PORT])
    users = columns[grammar.USER]
    if group.plain < len(group.counts):
        counts = pa.array(group.counts, pa.int64())
    else:
        counts = pa.repeat(pa.scalar(group.columns, pa.int64()), len(group.rows))
    found = {
        "object_id": pa.repeat(pa.scalar(item.object_id, pa.int64()), len(group.rows)),
        "ordinal": pc.add(pa.array(group.rows, pa.int64()), lines.first),
        "at_ms": at,
        "slot": pc.divide(at, SLOT_MS),
        "event": _mapped(columns[grammar.EVENT], lambda text: text[:-1].lower()),
        "remote_host": _mapped(columns[grammar.HOST], lambda text: grammar.host_of(text[:-1])),
        "remote_port": pc.cast(pc.if_else(pc.equal(port, ""), None, port), pa.int64()),
        "pid": pc.cast(columns[grammar.PID], pa.int64()),
        "user_name": _mapped(users, lambda text: identity_of(text[:-1])[0]),
        "identity": _mapped(users, lambda text: identity_of(text[:-1])[1]),
        "duration_us": pc.cast(columns[grammar.DURATION], pa.int64()),
        "columns": counts,
        "is_repaired": pc.not_equal(counts, group.columns),
        "has_bad_bytes": _flags(group, lines),
    } | _texts(columns, group)
    names = arrow_schema(CONNECTION).names
    return pa.Table.from_arrays([found[name] for name in names], names=names)


def _texts(columns: Sequence[pa.Array], group: Group) -> dict[str, pa.Array]:
    """The columns of text as they are, empty where the layout has none."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    empty = pa.repeat(pa.scalar("", pa.string()), len(group.rows))
    empties = empty.dictionary_encode()
    has_strays = group.plain < len(group.counts)
    found = {}
    for name, column in grammar.TEXTS.items():
        end = None if column == len(columns) - 1 or column in grammar.BARE else -1
        if column >= len(columns):
            found[name] = empty if column in UNIQUE else empties
        elif column in UNIQUE:
            found[name] = _unspaced(columns[column]) if end else columns[column]
        else:
            values = _mapped(columns[column], itemgetter(slice(end)))
            found[name] = _mapped(values, _unmasked) if has_strays else values
    return found


def _unmasked(text: str) -> str:
    return text.replace(MASK, "|")


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


def _flags(group: Group, lines: Lines) -> pa.Array:
    """Which rows held bytes that are no UTF-8."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    if not lines.flagged:
        return pa.repeat(pa.scalar(False), len(group.rows))
    return pa.array([row in lines.flagged for row in group.rows], pa.bool_())
