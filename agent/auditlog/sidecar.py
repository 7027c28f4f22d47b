"""What was made of an object, kept beside its Parquet files: so that a month is read once.

One JSON file an object, `<curated>/objects/<digest>.json`, mode 0600: heads and tails hold SQL.
It is written last: an object without one was not read, whatever else of it lies there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from agent.auditlog.objects import Fragment, LogObject, ObjectResult, ObjectStatus, Writer

SCHEMA = "trailkeeper.log-object/2"
OBJECTS = "objects"

_COUNTERS = ("plain_bytes", "records", "statements", "bad", "tail_ordinal")


@dataclass(frozen=True, slots=True)
class Kept:
    """One sidecar: the result as it was, and the SHA-256 of each of its files."""

    result: ObjectResult
    hashes: Mapping[str, str]

    def is_whole(self, curated: Path) -> bool:
        """Whether every file is there as it was written: a machine that lost its power may have
        left it full of zeros, and a disk may forget."""
        try:
            return all(_hash(curated / path) == known for path, known in self.hashes.items())
        except OSError:
            return False


def may_be_kept(result: ObjectResult) -> bool:
    """Whether another look would find the same: not what could not be read to its end."""
    if result.status is ObjectStatus.UNREADABLE:
        return False
    return bool(result.sha256) or result.status is ObjectStatus.EMPTY


def keep(result: ObjectResult, curated: Path) -> None:
    """Write the sidecar, at once or not at all. Raises OSError."""
    hashes = {path: _hash(curated / path) for path in sorted(result.files.values())}
    document = {"schema": SCHEMA, "hashes": hashes, **_document(result)}
    target = path_of(result.object, curated)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(document, file, sort_keys=True)
    temporary.replace(target)


def path_of(item: LogObject, curated: Path) -> Path:
    """Where the object's sidecar lies."""
    return curated / OBJECTS / f"{item.digest}.json"


def all_kept(curated: Path) -> dict[str, list[Kept]]:
    """Every readable sidecar, by object key. One that is broken counts as none."""
    found: dict[str, list[Kept]] = {}
    for path in sorted((curated / OBJECTS).glob("*.json")):
        kept = _read(path)
        if kept is not None:
            found.setdefault(kept.result.object.key, []).append(kept)
    return found


def forget(kept: Kept, path: Path, curated: Path) -> None:
    """Remove an object's files, then its sidecar."""
    for name in kept.result.files.values():
        (curated / name).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _read(path: Path) -> Kept | None:
    try:
        document = json.loads(path.read_bytes())
        if document["schema"] != SCHEMA:
            return None
        hashes = {_inside(name): str(known) for name, known in document["hashes"].items()}
        return Kept(_result(document), hashes)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        log = structlog.get_logger("agent.auditlog")
        log.warning("sidecar not used", file=path.name, error=type(error).__name__)
        return None


def _inside(name: str) -> str:
    """A path that does not leave the curated folder, for it may come to be removed."""
    if name.startswith("/") or ".." in name.split("/"):
        raise ValueError("leads out of the folder")
    return name


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _document(result: ObjectResult) -> dict[str, Any]:
    item = result.object
    return {
        "object": {
            **{name: getattr(item, name) for name in ("key", "log_type", "size", "etag")},
            "writer": [item.writer.account, item.writer.region, item.writer.cluster],
            "stamp": item.stamp.isoformat(),
            "last_modified": item.last_modified.isoformat(),
        },
        "status": result.status.value,
        "reason": result.reason,
        "sha256": result.sha256,
        **{name: getattr(result, name) for name in _COUNTERS},
        "first_ms": result.first_ms,
        "last_ms": result.last_ms,
        "head": result.head and asdict(result.head),
        "tail": result.tail and asdict(result.tail),
        "files": dict(result.files),
    }


def _result(document: Mapping[str, Any]) -> ObjectResult:
    told = document["object"]
    account, region, cluster = told["writer"]
    item = LogObject(
        key=told["key"],
        log_type=told["log_type"],
        writer=Writer(account, region, cluster),
        stamp=datetime.fromisoformat(told["stamp"]),
        size=int(told["size"]),
        etag=told["etag"],
        last_modified=datetime.fromisoformat(told["last_modified"]),
    )
    return ObjectResult(
        object=item,
        status=ObjectStatus(document["status"]),
        reason=document["reason"],
        sha256=document["sha256"],
        **{name: int(document[name]) for name in _COUNTERS},
        first_ms=document["first_ms"],
        last_ms=document["last_ms"],
        head=Fragment(**document["head"]) if document["head"] else None,
        tail=Fragment(**document["tail"]) if document["tail"] else None,
        files={table: _inside(name) for table, name in document["files"].items()},
    )
