"""Activity logs for the tests: headers, objects, and what was read as plain rows."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from agent.auditlog.activity import read_activity, write_activity_ends
from agent.auditlog.ends import Ends
from agent.auditlog.objects import LogObject, ObjectResult, Writer

WRITER = Writer("111122223333", "eu-central-1", "lark")
START = datetime(2026, 10, 5, 0, 10, tzinfo=UTC)

Row = dict[str, Any]


def header(
    xid: int = 7, *, user: str = "bob", db: str = "prod", pid: int = 1073979586, second: int = 3
) -> str:
    """The beginning of a record."""
    return (
        f"'2026-10-05T00:00:{second:02d}Z UTC [ db={db} user={user} pid={pid} userid=104 "
        f"xid={xid} ]' LOG: "
    )


def item(hour: int = 0, key: str = "") -> LogObject:
    """An object of the activity log, stamped so many hours after the start."""
    stamp = START + timedelta(hours=hour)
    name = key or f"useractivitylog_{hour:03d}.gz"
    return LogObject(name, "useractivitylog", WRITER, stamp, 1, "etag", stamp)


def read(plain: bytes | str, curated: Path, hour: int = 0, *, stored: bytes | None = None) -> Any:
    """Read an object of these plain bytes, or of these stored ones."""
    raw = plain.encode() if isinstance(plain, str) else plain
    return read_activity(
        io.BytesIO(gzip.compress(raw) if stored is None else stored), item(hour), curated
    )


def rows(curated: Path, files: Sequence[str]) -> list[Row]:
    """The rows of these files, in their order."""
    return [row for name in files for row in pq.read_table(curated / name).to_pylist()]


def everything(
    curated: Path, *parts: bytes | str, table: str = "activity"
) -> tuple[list[Row], Ends, list[ObjectResult]]:
    """Objects of consecutive hours, read and joined: rows by object and number."""
    results = [read(part, curated, hour) for hour, part in enumerate(parts)]
    ends = write_activity_ends(results, curated)
    names = [result.files[table] for result in results if table in result.files]
    found = rows(curated, [*names, *(one for one in ends.files if one.startswith(f"{table}/"))])
    order = {result.object.object_id: hour for hour, result in enumerate(results)}
    found.sort(
        key=lambda row: (order[row["object_id"]], row["ordinal"], row.get("statement_no", 0))
    )
    return found, ends, results


def texts(curated: Path, *parts: bytes | str) -> list[str]:
    """The SQL of every statement."""
    return [row["query_text"] for row in everything(curated, *parts)[0]]
