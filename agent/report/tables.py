"""What an engine is handed: the curated files of one cluster and month, and small helper tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.auditlog.objects import LogObject, Writer
from agent.auditlog.schema import CONNECTION
from agent.report.calendar import COLUMNS as CALENDAR_COLUMNS
from agent.report.calendar import bounds, calendar
from agent.report.model import Month, Questions, Row

if TYPE_CHECKING:
    import pyarrow as pa

OBJECT_LIST = "object_list"
CALENDAR = "calendar"
SENSITIVE = "sensitive"
SETTING = "setting"

HELPERS: dict[str, tuple[tuple[str, str], ...]] = {
    OBJECT_LIST: (
        ("object_id", "int64"),
        ("object_no", "int64"),
        ("source_key", "text"),
        ("log_type", "text"),
        ("stamp_ms", "int64"),
    ),
    CALENDAR: CALENDAR_COLUMNS,
    SENSITIVE: (("pattern", "text"), ("name", "text")),
    SETTING: (
        ("burst_failures", "int64"),
        ("burst_ms", "int64"),
        ("month_start_ms", "int64"),
        ("month_end_ms", "int64"),
    ),
}
"""The helper tables: column and type, as in `agent.auditlog.schema.COLUMNS`."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The curated files that one report is made of.

    curated: the folder, or the URL, that every file is relative to. files: this month's, by raw
    table. earlier: connection files of earlier months. objects: those that were read and count.
    work: a folder for helper tables and what an engine spills.
    """

    curated: Path | str
    writer: Writer
    month: Month
    files: Mapping[str, tuple[str, ...]]
    earlier: tuple[str, ...]
    objects: Sequence[LogObject]
    questions: Questions
    work: Path

    def paths(self, table: str) -> list[str]:
        """Where this month's files of a raw table are."""
        return [self._at(name) for name in self.files.get(table, ())]

    def earlier_paths(self) -> list[str]:
        """Where the earlier months' connection files are; one that is this month's too is not
        among them."""
        own = set(self.files.get(CONNECTION, ()))
        return [self._at(name) for name in self.earlier if name not in own]

    def _at(self, name: str) -> str:
        return f"{str(self.curated).rstrip('/')}/{name}"


def numbered(objects: Iterable[LogObject]) -> dict[int, LogObject]:
    """The objects by the number that evidence names them by: from 1, by stamp, log and key."""
    in_order = sorted(objects, key=lambda one: (one.stamp, one.log_type, one.key))
    return dict(enumerate(in_order, start=1))


def helper_rows(tables: Tables) -> dict[str, list[Row]]:
    """The rows of every helper table."""
    asked = tables.questions
    first, end = bounds(tables.month)
    objects: list[Row] = [
        {
            "object_id": item.object_id,
            "object_no": number,
            "source_key": item.key.encode("utf-8", "backslashreplace").decode(),
            "log_type": item.log_type,
            "stamp_ms": round(item.stamp.timestamp() * 1000),
        }
        for number, item in numbered(tables.objects).items()
    ]
    setting: Row = {
        "burst_failures": asked.burst_failures,
        "burst_ms": asked.burst_minutes * 60_000,
        "month_start_ms": first,
        "month_end_ms": end,
    }
    return {
        OBJECT_LIST: objects,
        CALENDAR: list(calendar(tables.month, asked)),
        SENSITIVE: [{"pattern": pattern(name), "name": name} for name in asked.sensitive],
        SETTING: [setting],
    }


def helper_tables(tables: Tables) -> dict[str, pa.Table]:
    """The helper tables in memory."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    return {
        name: pa.Table.from_pylist(rows, schema=_schema(name))
        for name, rows in helper_rows(tables).items()
    }


def write_helpers(tables: Tables) -> dict[str, Path]:
    """The helper tables as Parquet in the folder `tables.work`: each table's file."""
    from pyarrow import parquet  # noqa: PLC0415 - an extra

    tables.work.mkdir(parents=True, exist_ok=True)
    found: dict[str, Path] = {}
    for name, table in helper_tables(tables).items():
        found[name] = tables.work / f"{name}.parquet"
        parquet.write_table(table, found[name], compression="zstd")
    return found


def _schema(name: str) -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415 - an extra

    types = {"int64": pa.int64(), "text": pa.string(), "bool": pa.bool_()}
    return pa.schema([pa.field(column, types[kind]) for column, kind in HELPERS[name]])


_OUTSIDE = r"\x00-\x23\x25-\x2f\x3a-\x5e\x60\x7b-\x7f"
"""What ends an identifier in lower-case text: every ASCII character but letters, digits, _ and $
(Amazon Redshift Database Developer Guide, Names and identifiers). Beyond ASCII all may be in it."""
_SPACE = r"[\x09-\x0d ]*"


def pattern(name: str) -> str:
    """A configured name as a pattern of RE2 over lower-case text, without look-around.

    It matches `schema.table`, quoted or not, with space around the dot, and not inside a longer
    identifier. `*` and `?` stand for characters of one identifier.
    """
    parts = name.lower().split(".")
    last = len(parts) - 1
    return rf"{_SPACE}\.{_SPACE}".join(
        _part(part, is_first=index == 0, is_last=index == last) for index, part in enumerate(parts)
    )


def _part(part: str, *, is_first: bool, is_last: bool) -> str:
    """One identifier, bare or in quotes; the edges of a bare one are neither letter nor quote."""
    bare, quoted = _glob(part, rf"[^{_OUTSIDE}]"), _glob(part, r'[^"]')
    before = rf"(?:^|[{_NO_QUOTE}]|{_DOLLARS})" if is_first else ""
    after = rf"(?:$|[{_NO_QUOTE}]|{_DOLLARS})" if is_last else ""
    return f'(?:{before}{bare}{after}|"{quoted}")'


_NO_QUOTE = r"\x00-\x21\x23\x25-\x2f\x3a-\x5e\x60\x7b-\x7f"
"""`_OUTSIDE` without the quotation mark."""

_DOLLARS = r"[$][a-z0-9_]*[$]"
"""Where a text in dollar quotes begins or ends: `unload ($$select * from a.b$$)`."""


def _glob(part: str, one: str) -> str:
    """A name with `*` and `?` as a pattern, where `one` matches one character."""
    wild = {"*": f"{one}*", "?": one}
    return "".join(wild.get(char) or (re.escape(char) if char.isascii() else char) for char in part)
