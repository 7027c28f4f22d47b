"""Log objects: where they lie, who wrote them, and what became of each when it was read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import BinaryIO, Protocol

LOADER_VERSION = 1
"""Part of every digest: a loader that reads differently must not find what an older one wrote."""

FOLDERS_AFTER = 2
"""Date folders after the month in which its records may still arrive (late by up to a day)."""


@dataclass(frozen=True, slots=True, order=True)
class Writer:
    """The cluster that wrote a log: account, region, cluster identifier.

    Raw files that do not say so (a CloudWatch export) have `unknown` for account and region.
    """

    account: str
    region: str
    cluster: str


@dataclass(frozen=True, slots=True)
class LogObject:
    """One stored object of one audit log. `stamp` is the time in its name (UTC, of delivery)."""

    key: str
    """Its key in the bucket, or its path below the source's folder, with `/`."""
    log_type: str
    """connectionlog | userlog | useractivitylog"""
    writer: Writer
    stamp: datetime
    size: int
    """Stored bytes."""
    etag: str
    """Changes when the content does: S3's ETag; of a file its size and modification time."""
    last_modified: datetime

    @property
    def digest(self) -> str:
        """Names what was made of it: 16 hexadecimal digits."""
        text = f"{LOADER_VERSION}\n{self.key}\n{self.etag}"
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]

    @property
    def object_id(self) -> int:
        """The same as a positive 63-bit number, for joins."""
        return int(self.digest, 16) >> 1

    @property
    def day(self) -> str:
        """The partition it goes to: the day of its stamp, `YYYY-MM-DD`."""
        return f"{self.stamp:%Y-%m-%d}"


class ObjectStatus(StrEnum):
    """What became of an object."""

    READ = "read"
    DAMAGED = "damaged"
    """Part of it could be read (a truncated gzip); what could be is in the tables."""
    UNREADABLE = "unreadable"
    """Nothing of it could be read: denied, gone, no gzip."""
    EMPTY = "empty"
    """No byte, or a gzip of nothing."""
    DUPLICATE = "duplicate"
    """Byte for byte another object of the same log; counted once."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """Text at the edge of an object that belongs to a record cut by it. Never shown unredacted."""

    text: str
    bad_bytes: bool = False


@dataclass(frozen=True, slots=True)
class ObjectResult:
    """One object, read: counters, edges, and the files that hold its records.

    records: complete records, the one in `tail` among them; bad: lines that are no record.
    first_ms, last_ms: earliest and latest record time, milliseconds since 1970, None without any.
    head: what precedes the first record, and continues the previous object's last one.
    tail: the last record of an activity log (header and text), or an unended last line of another
    log; `stitch` writes it, with the next object's head if there is one.
    files: Parquet files by table name, relative to the curated folder.
    """

    object: LogObject
    status: ObjectStatus
    reason: str = ""
    sha256: str = ""
    """Of the stored bytes, hexadecimal; empty where they could not be read to the end."""
    plain_bytes: int = 0
    records: int = 0
    statements: int = 0
    bad: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    head: Fragment | None = None
    tail: Fragment | None = None
    tail_ordinal: int = 0
    files: Mapping[str, str] = None  # type: ignore[assignment]  # set in __post_init__

    def __post_init__(self) -> None:
        if self.files is None:
            object.__setattr__(self, "files", {})


@dataclass(frozen=True, slots=True)
class Refused:
    """An object or folder that was not taken, and why: nothing is left out silently."""

    key: str
    reason: str
    counts: bool = True
    """Whether evidence is missing for it (denied), or it is simply another's (a foreign file)."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source holds of some days."""

    objects: tuple[LogObject, ...]
    refused: tuple[Refused, ...] = ()


class Source(Protocol):
    """Where log objects lie. Implementations are picklable: workers open objects themselves."""

    @property
    def name(self) -> str:
        """As it was asked for: `s3://bucket/prefix/` or the folder's name."""
        ...

    def list(
        self, first: date, last: date, *, clusters: Sequence[str] = (), types: Iterable[str] = ()
    ) -> Listing:
        """The objects stamped in these days (both included); of these clusters and logs, if any
        are named. Raises StopError where nothing can be listed at all."""
        ...

    def open(self, item: LogObject) -> AbstractContextManager[BinaryIO]:
        """Its stored bytes as a stream. Raises OSError, or AwsError, when it cannot be read."""
        ...


def by_writer(objects: Iterable[LogObject]) -> Iterator[tuple[Writer, list[LogObject]]]:
    """The objects of each writer, in the order of log, stamp and key."""
    found: dict[Writer, list[LogObject]] = {}
    for item in objects:
        found.setdefault(item.writer, []).append(item)
    for writer in sorted(found):
        yield (
            writer,
            sorted(found[writer], key=lambda one: (one.log_type, one.stamp, one.key)),
        )
