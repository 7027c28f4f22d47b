"""Log objects as Redshift delivers them: their keys, their gzip, and where they are put."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.auditlog.objects import Writer

Put = Callable[[str, bytes, datetime], None]
"""Takes an object: its key, its bytes, and when it was last modified."""

DELAY = timedelta(minutes=5)
"""Between the time in an object's name and its arrival."""


def key_of(writer: Writer, prefix: str, log_type: str, stamp: datetime, *, colon: str = ":") -> str:
    """The key under which Redshift delivers (Management Guide, db-auditing)."""
    name = (
        f"{writer.account}_redshift_{writer.region}_{writer.cluster}_{log_type}_"
        f"{stamp:%Y-%m-%dT%H}{colon}{stamp:%M}.gz"
    )
    return f"{folder_of(writer, prefix, stamp)}/{name}"


def folder_of(writer: Writer, prefix: str, stamp: datetime) -> str:
    """The date folder."""
    head = f"{prefix.rstrip('/')}/" if prefix else ""
    return f"{head}AWSLogs/{writer.account}/redshift/{writer.region}/{stamp:%Y/%m/%d}"


def stamp_of(hour: int, minute: int) -> datetime:
    """The time in the name of the object with the records of an hour since 1970."""
    return datetime.fromtimestamp((hour + 1) * 3600 + minute * 60, UTC)


def zipped(data: bytes, level: int) -> bytes:
    """One gzip member, without a time in it: the same for the same data."""
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def cut_off(data: bytes, level: int) -> bytes:
    """A gzip whose end is missing: exactly `data` can be had of it, whoever unpacks it."""
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)


def into(folder: Path) -> Put:
    """Puts objects below a folder; modification times are those of the objects."""
    made: set[str] = set()

    def put(key: str, body: bytes, modified: datetime) -> None:
        parent, _, name = key.rpartition("/")
        if parent not in made:
            (folder / parent).mkdir(parents=True, exist_ok=True)
            made.add(parent)
        path = folder / parent / name
        path.write_bytes(body)
        os.utime(path, (modified.timestamp(), modified.timestamp()))

    return put
