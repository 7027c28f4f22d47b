"""A source and readers small enough to hand to other processes."""

from __future__ import annotations

import hashlib
import io
import os
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from agent.auditlog.ends import Ends
from agent.auditlog.loading import Stitches, read_object
from agent.auditlog.objects import (
    Fragment,
    Listing,
    LogObject,
    ObjectResult,
    ObjectStatus,
    Source,
    Writer,
)
from agent.auditlog.schema import TABLE_OF, file_of

START = datetime(2026, 10, 1, tzinfo=UTC)
C1 = Writer("111122223333", "eu-west-1", "c1")
C2 = Writer("111122223333", "eu-west-1", "c2")


def item_of(
    hour: int = 0, log_type: str = "useractivitylog", writer: Writer = C1, etag: str = "e"
) -> LogObject:
    stamp = START + timedelta(hours=hour)
    name = f"{writer.account}_redshift_{writer.region}_{writer.cluster}_{log_type}"
    return LogObject(f"{name}_{stamp:%Y-%m-%dT%H:%M}.gz", log_type, writer, stamp, 1, etag, stamp)


class Breaking(io.BytesIO):
    """Breaks off after some bytes."""

    def __init__(self, data: bytes, after: int) -> None:
        super().__init__(data[:after])

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        if not chunk:
            raise ConnectionResetError("the peer went away")
        return chunk


@dataclass(frozen=True)
class Memory:
    """Objects by key. `breaks`: how often the bytes of a key break off, counted down."""

    bodies: Mapping[str, bytes | Exception]
    breaks: dict[str, int] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)

    name = "memory"

    def list(
        self, first: date, last: date, *, clusters: Sequence[str] = (), types: Iterable[str] = ()
    ) -> Listing:
        raise NotImplementedError

    @contextmanager
    def open(self, item: LogObject) -> Iterator[BinaryIO]:
        self.opened.append(item.key)
        body = self.bodies[item.key]
        if isinstance(body, Exception):
            raise body
        if self.breaks.get(item.key, 0) > 0:
            self.breaks[item.key] -= 1
            yield Breaking(body, len(body) // 2)
        else:
            yield io.BytesIO(body)


def read_lines(stream: BinaryIO, item: LogObject, curated: Path) -> ObjectResult:
    """As many records as lines, and a file that holds them. `KILL` and `RAISE` do as they say."""
    data = stream.read()
    if b"KILL" in data:
        os.kill(os.getpid(), signal.SIGKILL)
    name = file_of(TABLE_OF[item.log_type], item)
    (curated / name).parent.mkdir(parents=True, exist_ok=True)
    (curated / name).write_bytes(data + b"PAR1")
    if b"RAISE" in data:
        raise RuntimeError("select 'secret'")
    return ObjectResult(
        item,
        ObjectStatus.READ if data else ObjectStatus.EMPTY,
        sha256=hashlib.sha256(data).hexdigest(),
        plain_bytes=len(data),
        records=data.count(b"\n"),
        tail=Fragment("last"),
        files={TABLE_OF[item.log_type]: name},
    )


def read_whole(source: Source, item: LogObject, curated: Path) -> ObjectResult:
    """`read_object` with the stand-in for every log."""
    return read_object(source, item, curated, dict.fromkeys(TABLE_OF, read_lines))


@dataclass
class Seen:
    """What was handed to the writers of ends."""

    calls: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def stitches(self) -> Stitches:
        def stitch(kind: str) -> Any:
            def write(results: Sequence[ObjectResult], curated: Path) -> Ends:
                keys = tuple(one.object.key for one in results)
                self.calls.append((kind, keys))
                return Ends(orphans=keys)

            return write

        return Stitches(stitch("activity"), stitch("lines"))


def changed(item: LogObject, etag: str) -> LogObject:
    return replace(item, etag=etag)
