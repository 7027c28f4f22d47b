"""A SQLite store: whether its file may be used, the lock beside it, and how it is opened."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import sqlite3
import time
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event

from agent.store.address import Address
from agent.store.records import StoreRefusedError

MOUNTS = Path("/proc/self/mountinfo")

_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|afs|ceph|glusterfs|lustre|gpfs|beegfs|ncpfs|orangefs|ocfs2|gfs2|"
    r"fuse\.(sshfs|glusterfs|ceph.*|s3fs|goofys|mount-s3|gcsfuse|blobfuse2?|rclone|juicefs|davfs.*)"
)
_HEADER = b"SQLite format 3\x00"


def refuse_network(path: Path, mounts: Path = MOUNTS) -> None:
    """Raises StoreRefusedError where the file lies (or would lie) on a network file system.

    Locks and shared memory, which SQLite's log needs, are not to be relied on there. `mounts` has
    the form of Linux' /proc/self/mountinfo; where there is none, nothing is known and nothing
    refused.
    """
    found = file_system(path, mounts)
    if found is not None and _NETWORK.fullmatch(found[1]):
        raise StoreRefusedError(
            f"The store {path} is on a network file system ({found[1]} at {found[0]}), where "
            "SQLite loses data. Put it on a local or block volume, or use PostgreSQL: "
            "store.url: postgresql://USER@HOST/DATABASE."
        )


def file_system(path: Path, mounts: Path) -> tuple[str, str] | None:
    """Where the file system that holds the path is mounted, and its type."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    real = path.resolve()
    best: tuple[str, str] | None = None
    for line in lines:
        fields, _, rest = line.partition(" - ")
        words, kind = fields.split(" "), rest.split(" ")[0]
        if len(words) < 5 or not kind:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), words[4])
        # Of two mounts at one place the later line covers the earlier.
        if real.is_relative_to(point) and (best is None or len(point) >= len(best[0])):
            best = (point, kind)
    return best


def prepare(path: Path, mounts: Path = MOUNTS) -> None:
    """Create folder (0700) and file (0600) where they are not there; look at what is.

    Raises:
        StoreRefusedError: what stands there is no SQLite file, or may not be written.
        OSError: what may pass, such as a full disk.
    """
    refuse_network(path, mounts)
    refuse_folder(path)
    try:
        _make_folder(path.parent)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise _not_writable(path, error) from error
    except OSError as error:
        if error.errno in {errno.EROFS, errno.ELOOP, errno.EISDIR}:  # waiting heals none of these
            raise _not_writable(path, error) from error
        raise
    with os.fdopen(handle, "rb") as file:
        refuse_strange(path, file.read(len(_HEADER)))


def refuse_folder(path: Path) -> None:
    """Raises StoreRefusedError where a folder stands in the place of the file."""
    if path.is_dir():
        raise StoreRefusedError(
            f"The store {path} is a folder; it has to be a file. "
            f"Write store.url: sqlite:///{path}/trailkeeper.db."
        )


def _make_folder(folder: Path) -> None:
    """The folder and its parents, each for the agent alone."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _not_writable(path: Path, error: OSError) -> StoreRefusedError:
    return StoreRefusedError(
        f"The store {path} cannot be written: {error.strerror}. Make the file and its folder "
        "writable for the agent, or name another place in store.url."
    )


def refuse_strange(path: Path, beginning: bytes) -> None:
    """Raises StoreRefusedError where a file begins as no SQLite file does; an empty one is new."""
    if beginning and beginning != _HEADER:
        raise StoreRefusedError(
            f"The store {path} is not a SQLite database; it was left as it is. "
            "Move it away, or name another file in store.url."
        )


def take_lock(path: Path) -> int:
    """The lock that one agent holds on the file for as long as it runs, as a file descriptor.

    It is the kernel's: it ends with the process, however that ends.

    Raises:
        StoreRefusedError: another agent holds it.
    """
    beside = lock_path(path)
    try:
        handle = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise _not_writable(beside, error) from error
    try:
        taken = _flock(handle)
        if taken:
            os.ftruncate(handle, 0)
            os.pwrite(handle, b"%d\n" % os.getpid(), 0)
    except OSError:
        os.close(handle)
        raise
    if not taken:
        os.close(handle)
        raise StoreRefusedError(
            f"The store {path} is in use by another agent{_holder(beside)}. Stop that one, or name "
            "another file in store.url; one file has one writer."
        )
    return handle


def _flock(handle: int) -> bool:
    """Whether the lock is ours. The doctor's look holds it for an instant: so there are tries."""
    for _ in range(10):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.02)
    return False


def lock_path(path: Path) -> Path:
    """The lock file beside a store. It stays there: removing it would let two agents in."""
    return path.with_name(f"{path.name}.lock")


def locked_by(path: Path) -> str | None:
    """` (pid N)` of who holds the lock, or None where nobody does. Waits for nothing."""
    beside = lock_path(path)
    try:
        handle = os.open(beside, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return _holder(beside)
    finally:
        os.close(handle)


def _holder(beside: Path) -> str:
    text = beside.read_text(encoding="ascii", errors="replace").strip()
    return f" (pid {text})" if text.isdigit() else ""


def connect(address: Address, *, reading: bool = False) -> Engine:
    """The engine. `reading`: nothing can be written through it."""
    engine = create_engine(address.url, hide_parameters=True, pool_size=4, max_overflow=8)

    @event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _: object) -> None:
        # The driver's own idea of transactions leaves schema changes outside them; ours begin
        # below.
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA foreign_keys = ON")
        if reading:
            connection.execute("PRAGMA query_only = ON")
            return
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL, not NORMAL: NORMAL survives the death of the process, but a power cut may take the
        # last commits. What was published is evidence, and a sweep is one commit in minutes.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 67108864")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # The writer takes the file's lock at once: a reader that turns writer would fail.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
