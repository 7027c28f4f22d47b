"""The edges of the logs of lines: an unended last line, and what the next object begins with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from agent.auditlog import connection_line, userlog
from agent.auditlog.ends import Ends
from agent.auditlog.line_files import Bad, LineError, Row, TableFile, bad_table, rows_table
from agent.auditlog.objects import Fragment, LogObject, ObjectResult, ObjectStatus
from agent.auditlog.schema import BAD_LINE, TABLE_OF, partition

ORPHAN = "the end of a line whose beginning is in no object"
CUT = "the beginning of a line whose end is in no object"

Parse = Callable[..., Row]
_PARSERS: dict[str, Parse] = {"connectionlog": connection_line.parse, "userlog": userlog.parse}

_ESCAPED = r"(?:\\x[89a-f][0-9a-f])+"
_SEAM_LEFT = re.compile(rf"{_ESCAPED}$")
_SEAM_RIGHT = re.compile(rf"^{_ESCAPED}")


@dataclass(slots=True)
class _Found:
    """What came of the edges: rows and bad lines with the object they belong to."""

    rows: list[tuple[LogObject, int, Row]] = field(default_factory=list)
    bad: list[tuple[LogObject, Bad]] = field(default_factory=list)
    orphans: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)


def write_line_ends(results: Sequence[ObjectResult], curated: Path) -> Ends:
    """Write the withheld lines of one writer's connection log, or user log, or both.

    results: its objects in the order of their stamps, whatever became of them. A tail is glued to
    the next object's head; what is no record then is listed in `bad_line`. The end of a damaged
    object is not glued: what follows it is lost. Files are `ends-<log>.parquet` in the partitions
    of the objects; one that an earlier run left and that is no longer due is removed.
    """
    found = _Found()
    for key, group in groupby(
        sorted(results, key=_log), key=_log
    ):  # a stable sort: the order of stamps stays
        _join(list(group), _PARSERS[key[1]], found)
    due = [*_record_files(found, curated), *_bad_files(found, curated)]
    for name in {each for result in results for each in _names(result.object)} - set(due):
        (curated / name).unlink(missing_ok=True)
    return Ends(
        files=tuple(sorted(due)),
        statements=len(found.rows),
        orphans=tuple(sorted(found.orphans)),
        cut=tuple(sorted(found.cut)),
        bad=len(found.bad),
    )


def _log(result: ObjectResult) -> tuple[object, str]:
    return result.object.writer, result.object.log_type


def _join(results: Sequence[ObjectResult], parse: Parse, found: _Found) -> None:
    """Go through the objects of one log, holding the tail that waits for its end."""
    waiting: ObjectResult | None = None
    for result in results:
        if result.status in (ObjectStatus.DUPLICATE, ObjectStatus.EMPTY):
            continue
        _meet(waiting, result, parse, found)
        waiting = None
        if result.tail is not None and result.status == ObjectStatus.READ:
            waiting = result
        elif result.tail is not None:
            _cut(result, result.tail, found)
    _meet(waiting, None, parse, found)


def _meet(
    waiting: ObjectResult | None, then: ObjectResult | None, parse: Parse, found: _Found
) -> None:
    """A waiting tail meets the next object: with its head, by itself, or neither is a record."""
    head = then.head if then is not None else None
    if waiting is not None and waiting.tail is not None:
        whole = joined(waiting.tail, head) if head else waiting.tail
        if _is_record(waiting, whole, parse, found):
            return
        if not (head and _is_record(waiting, waiting.tail, parse, found)):
            _cut(waiting, waiting.tail, found)
    if then is not None and head is not None:
        found.orphans.add(then.object.key)
        found.bad.append((then.object, Bad(1, ORPHAN, head.text, head.bad_bytes)))


def joined(tail: Fragment, head: Fragment) -> Fragment:
    """Two parts of a line as one; a character cut in two between them is whole again."""
    left, right = _SEAM_LEFT.search(tail.text), _SEAM_RIGHT.search(head.text)
    text = tail.text + head.text
    if left and right and tail.bad_bytes and head.bad_bytes:
        seam = bytes.fromhex((left[0] + right[0]).replace("\\x", ""))
        middle = seam.decode("utf-8", "backslashreplace")
        text = tail.text[: left.start()] + middle + head.text[right.end() :]
    is_flagged = (tail.bad_bytes or head.bad_bytes) and re.search(_ESCAPED, text) is not None
    return Fragment(text, is_flagged)


def _is_record(result: ObjectResult, whole: Fragment, parse: Parse, found: _Found) -> bool:
    try:
        row = parse(whole.text, is_flagged=whole.bad_bytes)
    except LineError:
        return False
    found.rows.append((result.object, result.tail_ordinal, row))
    return True


def _cut(result: ObjectResult, tail: Fragment, found: _Found) -> None:
    found.cut.add(result.object.key)
    bad = Bad(result.tail_ordinal, CUT, tail.text, tail.bad_bytes)
    found.bad.append((result.object, bad))


def _names(item: LogObject) -> tuple[str, str]:
    """Its partition's files of edges: of records, and of bad lines."""
    return _name(TABLE_OF[item.log_type], item), _name(BAD_LINE, item)


def _name(table: str, item: LogObject) -> str:
    return f"{partition(table, item)}/ends-{item.log_type}.parquet"


def _record_files(found: _Found, curated: Path) -> Iterator[str]:
    """Write the records; yield the names of the files."""
    names = {_name(TABLE_OF[item.log_type], item) for item, _, _ in found.rows}
    for name in sorted(names):
        rows = [each for each in found.rows if _name(TABLE_OF[each[0].log_type], each[0]) == name]
        with TableFile(TABLE_OF[rows[0][0].log_type], name, curated) as file:
            _write(file, (rows_table(file.table, item, [(at, row)]) for item, at, row in rows))
        yield name


def _bad_files(found: _Found, curated: Path) -> Iterator[str]:
    """Write the bad lines; yield the names of the files."""
    for name in sorted({_name(BAD_LINE, item) for item, _ in found.bad}):
        bad = [each for each in found.bad if _name(BAD_LINE, each[0]) == name]
        with TableFile(BAD_LINE, name, curated) as file:
            _write(file, (bad_table(item, [each]) for item, each in bad))
        yield name


def _write(file: TableFile, tables: Iterable[object]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra

    file.write(pa.concat_tables(list(tables)).unify_dictionaries().combine_chunks())
