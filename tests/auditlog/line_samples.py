"""Lines of the connection log as it writes them, and objects of them, for the tests."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from hypothesis import strategies as st

from agent.auditlog.objects import LogObject, ObjectResult, Writer
from agent.auditlog.schema import BAD_LINE, TABLE_OF

WRITER = Writer("123456789012", "eu-west-1", "sales")
START = datetime(2026, 10, 1, 12, tzinfo=UTC)
LAYOUTS = (15, 16, 19, 21, 22)
BARE = {1, 4, 8, 11, 19}
COLUMNS = [
    "authenticated",
    "Thu, 01 Oct 2026 10:20:30:456",
    "::ffff:10.1.2.3",
    "53211",
    "1073741850",
    "dev",
    "alice",
    "password",
    "0",
    "TLSv1.2",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "0",
    "",
    "",
    "5e1b2c3d-0000-4000-8000-00000000abcd",
    "psql",
    "Linux 5.4 amd64",
    "Amazon Redshift JDBC Driver 2.1.0.9",
    "none",
    "0",
    "03e74c8e-c3cb-4a98-a3d9-0f7f1f0a2b3c",
    "zstd",
]
AT_MS = 1790850030456


def written(columns: Sequence[str]) -> str:
    """The columns as Redshift writes them: a space behind text, none behind the last."""
    last = len(columns) - 1
    return "|".join(
        text if at in BARE or at == last else f"{text} " for at, text in enumerate(columns)
    )


def line(layout: int = 21, **changed: str) -> str:
    """A well-formed line of a layout; columns are named c1, c2, …"""
    columns = COLUMNS[:layout]
    for name, text in changed.items():
        columns[int(name[1:]) - 1] = text
    return written(columns)


def item(log: str = "connectionlog", number: int = 0) -> LogObject:
    """A log object; those of higher numbers are stamped later, an hour each."""
    stamp = START + timedelta(hours=number)
    key = f"AWSLogs/x_{log}_{stamp:%Y-%m-%dT%H:%M}.gz"
    return LogObject(key, log, WRITER, stamp, 1, f"etag{number}", stamp)


def stored(plain: bytes | str) -> io.BytesIO:
    """The object's stored bytes."""
    raw = plain.encode() if isinstance(plain, str) else plain
    return io.BytesIO(gzip.compress(raw, 1))


def rows(curated: Path, *names: str) -> list[dict[str, Any]]:
    """The rows of Parquet files, in their order."""
    return [row for name in names for row in pq.ParquetFile(curated / name).read().to_pylist()]


def records(result: ObjectResult, curated: Path) -> list[dict[str, Any]]:
    """The records that an object's file holds."""
    name = result.files.get(TABLE_OF[result.object.log_type])
    return rows(curated, name) if name else []


def bad(result: ObjectResult, curated: Path) -> list[dict[str, Any]]:
    """The bad lines that an object's file holds."""
    name = result.files.get(BAD_LINE)
    return rows(curated, name) if name else []


_WORD = st.text(st.characters(exclude_characters="|\n\r", exclude_categories=("Cs",)), max_size=12)
_NUMBER = st.integers(0, 10**18 - 1).map(str)
_TIME = st.builds(
    lambda when, pad: (
        f"{when:%a}, {when.day:{'02' if pad else ''}} {when:%b %Y %H:%M:%S}:"
        f"{when.microsecond // 1000:03d}"
    ),
    st.datetimes(datetime(1970, 1, 1), datetime(2199, 1, 1)),  # noqa: DTZ001 - drawn naive
    st.booleans(),
)
_BY_COLUMN = {
    0: st.sampled_from(["authenticated", "set application_name", "Terminating backend on x's r"]),
    1: _TIME,
    3: st.one_of(st.just(""), _NUMBER),
    4: _NUMBER,
    8: _NUMBER,
    11: _NUMBER,
    19: _NUMBER,
    20: st.text("0123456789abcdef-", max_size=36),
}


@st.composite
def well_formed(draw: st.DrawFn) -> list[str]:
    """The columns of any well-formed line."""
    layout = draw(st.sampled_from(LAYOUTS))
    return [draw(_BY_COLUMN.get(column, _WORD)) for column in range(layout)]
