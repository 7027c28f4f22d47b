"""Logs in a local folder: a copy of a bucket, at any depth."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO, TypeAlias

from agent.auditlog.names import foreign, is_missed, parse_name, wanted, writer_of
from agent.auditlog.objects import Listing, LogObject, Refused
from agent.stop import StopError


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored object, whatever it holds. `size` in bytes."""

    key: str
    size: int
    etag: str
    last_modified: datetime


Everything: TypeAlias = tuple[list[Stored], list[Refused]]
"""All files of a source, whatever they hold, and what could not be listed."""


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A folder. Symbolic links that lead out of it are not followed, but listed as refused."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name, without the path that leads to it."""
        return self.folder.resolve().name or str(self.folder)

    def list(
        self, first: date, last: date, *, clusters: Sequence[str] = (), types: Iterable[str] = ()
    ) -> Listing:
        """See `agent.auditlog.objects.Source.list`."""
        is_wanted = wanted(first, last, clusters, types)
        stored, refused = self.every()
        objects = []
        for one in stored:
            item = log_object(one)
            if item is None:
                refused.append(foreign(one.key))
            elif is_wanted(item):
                objects.append(item)
        return Listing(tuple(objects), tuple(sorted(refused, key=lambda one: one.key)))

    def every(self) -> Everything:
        """Every file below the folder, sorted by key. Raises StopError if it cannot be listed."""
        root = self.folder.resolve()
        if not root.is_dir():
            raise StopError(2, f"{self.folder} is not a folder: name one that holds audit logs")
        refused: list[Refused] = []
        stored = sorted(_files(root, root, refused), key=lambda one: one.key)
        if not stored and any(one.key == "." for one in refused):
            raise StopError(2, f"{self.folder} cannot be listed: {refused[0].reason}")
        return stored, sorted(refused, key=lambda one: one.key)

    @contextmanager
    def open(self, item: LogObject) -> Iterator[BinaryIO]:
        """See `agent.auditlog.objects.Source.open`; only what was listed, as a bucket does it."""
        with self.open_key(item.key) as stream:
            if _etag(os.fstat(stream.fileno())) != item.etag:
                raise OSError(errno.ESTALE, "changed since it was listed")
            yield stream
            if _etag(os.fstat(stream.fileno())) != item.etag:
                raise OSError(errno.ESTALE, "changed while it was read")

    @contextmanager
    def open_key(self, key: str) -> Iterator[BinaryIO]:
        """The bytes of the file of that key. Raises OSError."""
        root = self.folder.resolve()
        path = (root / key).resolve(strict=True)
        if not path.is_relative_to(root):
            raise PermissionError(f"{key} leads out of the folder")
        # Not blocking: a file may have been replaced by a pipe that nobody writes to.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise PermissionError(f"{key} is no regular file")
            yield stream


def log_object(one: Stored) -> LogObject | None:
    """The log object that its name says it is; None: it is another file."""
    found = parse_name(one.key)
    if found is None:
        return None
    return LogObject(
        one.key,
        found.log_type,
        writer_of(found),
        found.stamped_at,
        one.size,
        one.etag,
        one.last_modified,
    )


def _files(root: Path, folder: Path, refused: list[Refused]) -> Iterator[Stored]:
    """The files below a folder; what cannot be listed goes to `refused`."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        refused.append(Refused(_key(root, folder), f"cannot be listed: {error.strerror}"))
        return
    for entry in found:
        path = folder / entry.name
        key = _key(root, path)
        if not _is_text(str(path.relative_to(root))):
            refused.append(Refused(key, "its name is not UTF-8"))
        elif entry.is_symlink():
            yield from _link(root, path, refused)
        elif entry.is_dir():
            yield from _files(root, path, refused)
        else:
            yield from _file(key, path, refused)


def _link(root: Path, path: Path, refused: list[Refused]) -> Iterator[Stored]:
    """A symbolic link: a file below the folder is taken, for its name may be what says its type."""
    key = _key(root, path)
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(root):
        counts = target.is_dir() or parse_name(key) is not None or is_missed(key)
        refused.append(Refused(key, "a symbolic link that leads out of the folder", counts))
    elif target.is_dir():
        reason = "a symbolic link to a folder that is listed itself"
        refused.append(Refused(key, reason, counts=False))
    else:
        yield from _file(key, path, refused)


def _file(key: str, path: Path, refused: list[Refused]) -> Iterator[Stored]:
    try:
        found = path.stat()
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "cannot be followed"
        refused.append(Refused(key, f"cannot be read: {reason}"))
        return
    if not stat.S_ISREG(found.st_mode):
        counts = parse_name(key) is not None or is_missed(key)
        refused.append(Refused(key, "no regular file", counts))
        return
    modified = datetime.fromtimestamp(found.st_mtime, UTC)
    yield Stored(key, found.st_size, _etag(found), modified)


def _etag(found: os.stat_result) -> str:
    return f"{found.st_size}-{found.st_mtime_ns}"


def _key(root: Path, path: Path) -> str:
    """The path below the root, with `/`; bytes that are no UTF-8 as `\\xNN`; `.` for the root."""
    return os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "backslashreplace")


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
