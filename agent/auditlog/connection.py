"""The connection log into Parquet, a block of lines at a time.

Arrow splits the lines and checks the columns of all that have the same number of them, be it that
a stray `|` was masked before. What does not come out there (a few in a thousand) is read by
`connection_line.parse`, which the fast way must agree with: tests compare them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from agent.auditlog import connection_line as grammar
from agent.auditlog.connection_line import LAYOUTS, LONGEST, MASK, SHORTEST
from agent.auditlog.connection_table import Group, plain_table
from agent.auditlog.line_files import (
    MAX_LINE,
    Bad,
    Decoded,
    LineError,
    Lines,
    Row,
    read_lines,
    rows_table,
)
from agent.auditlog.objects import LogObject, ObjectResult
from agent.auditlog.schema import CONNECTION

if TYPE_CHECKING:
    import pyarrow as pa

MASKABLE = 1 << 12
"""Characters of the longest line with a stray `|` that goes the fast way: those are remembered."""


def read_connection(stream: BinaryIO, item: LogObject, curated: Path) -> ObjectResult:
    """Read one connection log object; see `line_files.read_lines`."""
    return read_lines(stream, item, curated, decode, grammar.is_whole)


class _Block(NamedTuple):
    """Lines on their way."""

    lines: Lines
    counts: Sequence[int]
    """How many columns each has, taking every `|` for a separator."""
    whole: Collection[int]
    """Such numbers that a line may have without a stray."""
    layout: int
    """What the lines before have; 0 if unknown."""
    likely: int
    """What most of them seem to have, by which strays are judged."""


class _Part(NamedTuple):
    """What a group came to: the rows that are well-formed beyond doubt, and which they are."""

    table: pa.Table
    group: Group

    @property
    def usual(self) -> tuple[int, int]:
        """How many rows needed no repair, and their columns; (0, 0) for none."""
        plain = self.group.plain
        return (plain, self.group.columns) if plain else (0, 0)


def decode(lines: Lines, item: LogObject, layout: int) -> Decoded:
    """Lines to records, in the order of the log; layout: that of the lines before, 0 if unknown."""
    counts = [text.count("|") + 1 for text in lines.texts]
    whole = {
        count
        for count in set(counts)
        if count in LAYOUTS or (count == layout and SHORTEST <= count <= LONGEST)
    }
    likely = max([(0, layout), *((counts.count(count), count) for count in whole)])[1]
    block = _Block(lines, counts, whole, layout, likely)
    parts = _fast(block, item, has_masks=True)
    usual = max([(0, layout), *(part.usual for part in parts)])[1]
    if usual != likely:  # by which strays were judged
        parts = _fast(block, item, has_masks=False)
    left: Sequence[int] = ()
    if sum(len(part.group.rows) for part in parts) < len(lines.texts):
        taken = {row for part in parts for row in part.group.rows}
        left = [index for index in range(len(lines.texts)) if index not in taken]
    decoded = _slow(lines, left, item, usual)
    tables = [part.table for part in parts]
    if decoded.table is not None:
        tables.append(decoded.table)
    return Decoded(_in_order(tables), decoded.bad, usual or decoded.layout)


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


def _fast(block: _Block, item: LogObject, *, has_masks: bool) -> list[_Part]:
    """The lines that are plainly well-formed, but for strays if they are masked, by layout."""
    texts, placed = _placed(block, has_masks=has_masks)
    parts = []
    for columns in sorted(set(placed) - {0}):
        group = Group(columns, list(range(len(texts))), texts, block.counts)
        if placed.count(columns) < len(placed):
            group = group.only([each == columns for each in placed])
        table, group = plain_table(group, block.lines, item)
        if table is not None:
            parts.append(_Part(table, group))
    return parts


def _placed(block: _Block, *, has_masks: bool) -> tuple[Sequence[str], Sequence[int]]:
    """The lines, strays masked, and how many columns each is read with; 0: not the fast way."""
    texts, placed = list(block.lines.texts), list(block.counts)
    odd = [index for index, count in enumerate(placed) if count != block.likely]
    has_masks = has_masks and bool(odd) and MASK not in "".join(texts)
    for index in odd:
        count, text = placed[index], texts[index]
        is_told = count == block.layout or count < SHORTEST or len(text) > MASKABLE
        if has_masks and not is_told:
            left, *right = text.rsplit("|", count - grammar.GUID)
            tail = "|".join(right)
            placed[index], tail = grammar.masked(tail, block.likely) or (0, tail)
            texts[index] = f"{left}|{tail}"
        elif count not in block.whole:
            placed[index] = 0
    if max(map(len, texts), default=0) > MAX_LINE // 4:  # no more bytes than 4 a character
        for index, text in enumerate(texts):
            if len(text.encode("utf-8", "surrogatepass")) > MAX_LINE:
                placed[index] = 0
    return texts, placed
