"""One object, read into the curated tables: the unit of work of a pool, or of Spark's executors."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from traceback import extract_tb
from typing import Any, BinaryIO, cast

import structlog

from agent.auditlog.bucket import reason_of
from agent.auditlog.objects import LogObject, ObjectResult, ObjectStatus, Source
from controls.model import AwsError

WORK = ".work"
"""Where Parquet files are written before they are renamed, below the curated folder."""
TRIES = 3
"""Of an object whose bytes break off under way."""

Reader = Callable[[BinaryIO, LogObject, Path], ObjectResult]


def read_object(
    source: Source,
    item: LogObject,
    curated: Path,
    readers: Mapping[str, Reader] | None = None,
) -> ObjectResult:
    """Read one object from its start; again, a few times, if its bytes break off under way.

    What breaks off each time is damaged: what came before is in the tables. Never raises because of
    the object: it is unreadable then, and says why. Its files appear whole, under their own names.
    """
    try:
        reader = (readers or _own_readers())[item.log_type]
        for left in reversed(range(TRIES)):
            result, broke = _read_once(source, item, curated, reader, is_last=not left)
            if not broke:
                return result
    except AwsError as error:
        return unreadable(item, reason_of(error))
    except FileNotFoundError:
        return unreadable(item, "gone since it was listed")
    except OSError as error:
        return unreadable(item, f"cannot be read: {error.strerror or type(error).__name__}")
    except Exception as error:  # noqa: BLE001 - one object must not cost the others
        log = structlog.get_logger("agent.auditlog")
        # Where, and not the message: it may quote what users wrote.
        frames = [f"{one.filename}:{one.lineno}" for one in extract_tb(error.__traceback__)]
        log.error("object not read", key=item.key, error=type(error).__name__, at=frames[-3:])  # noqa: TRY400
        return unreadable(item, f"cannot be read: {type(error).__name__}")
    return result


def unreadable(item: LogObject, reason: str) -> ObjectResult:
    """The result of an object of which nothing could be read."""
    return ObjectResult(item, ObjectStatus.UNREADABLE, reason)


def _read_once(
    source: Source, item: LogObject, curated: Path, reader: Reader, *, is_last: bool
) -> tuple[ObjectResult, str]:
    """One try; with why the bytes broke off, if they did. Files are kept of the try that counts."""
    # Of the process, not of the object: a day's folders are made once for all its objects.
    scratch = curated / WORK / f"{os.uname().nodename}-{os.getpid()}"
    whole = False
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        with source.open(item) as stream:
            steady = Steady(stream)
            result = reader(cast("BinaryIO", steady), item, scratch)
        if steady.broke:
            if not is_last:
                whole = True  # what is left there, the next try writes over
                return result, steady.broke
            status = ObjectStatus.DAMAGED if result.plain_bytes else ObjectStatus.UNREADABLE
            reason = f"{steady.broke} (tried {TRIES} times)"
            result = replace(result, status=status, reason=reason, sha256="")
        for path in result.files.values():
            target = curated / path
            target.parent.mkdir(parents=True, exist_ok=True)
            (scratch / path).replace(target)
        whole = True
        return result, steady.broke
    finally:
        if not whole:
            shutil.rmtree(scratch, ignore_errors=True)


class Steady(io.RawIOBase):
    """A stream that ends where it breaks, so that a reader keeps what came before.

    `broke`: why, for a person; empty: it ended as it should.
    """

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self.broke = ""

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """So many bytes at most; none at the end, and after a break."""
        if size < 0:
            return self.readall()
        if self.broke:
            return b""
        try:
            return self._stream.read(size)
        except OSError as error:
            self.broke = str(error.strerror or error)[:200] or type(error).__name__
            return b""

    def readinto(self, buffer: Any, /) -> int:
        """As `read`, into a buffer."""
        chunk = self.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _own_readers() -> Mapping[str, Reader]:
    from agent.auditlog.activity import read_activity  # noqa: PLC0415 - an extra
    from agent.auditlog.connection import read_connection  # noqa: PLC0415 - an extra
    from agent.auditlog.userlog import read_userlog  # noqa: PLC0415 - an extra

    return {
        "useractivitylog": read_activity,
        "connectionlog": read_connection,
        "userlog": read_userlog,
    }
