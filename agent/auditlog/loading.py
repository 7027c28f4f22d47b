"""From a listing to curated tables: each object read once, in processes of their own.

Whatever happens to one object costs that object alone. A curated folder belongs to one source.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from agent.auditlog import sidecar
from agent.auditlog.ends import Ends
from agent.auditlog.objects import (
    Listing,
    LogObject,
    ObjectResult,
    ObjectStatus,
    Source,
    Writer,
    by_writer,
)
from agent.auditlog.reading import WORK, read_object, unreadable
from agent.stop import StopError

__all__ = ["Loaded", "Stitches", "load", "pooled", "read_object"]

ACTIVITY_LOG = "useractivitylog"
AHEAD = 2
"""Objects handed out for each worker: one it reads, one it may begin at once."""
DIED = "the process that read it was ended from outside, twice (most often: out of memory)"

Run = Callable[[Source, Sequence[LogObject], Path], Iterable[ObjectResult]]
"""Reads objects, in any order, each into exactly one result: a pool here, Spark elsewhere."""
Stitch = Callable[[Sequence[ObjectResult], Path], Ends]
"""Writes the records at the edges of one writer's objects, in stamp order."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Every object of the listing, by writer, log, stamp and key; and each writer's ends."""

    results: tuple[ObjectResult, ...]
    ends: Mapping[Writer, tuple[Ends, ...]]


@dataclass(frozen=True, slots=True)
class Stitches:
    """How ends are written: of the activity log, and of the logs whose records are lines."""

    activity: Stitch
    lines: Stitch


def load(
    source: Source,
    listing: Listing,
    curated: Path,
    *,
    jobs: int,
    said: Callable[[int, int], None],
    run: Run | None = None,
    stitches: Stitches | None = None,
    first_day: str = "",
) -> Loaded:
    """Read what is new or changed in the listing, take the rest from what was kept.

    jobs: processes; 1: this one. said: told of (objects done, objects in all). first_day: what was
    kept of earlier days, as YYYY-MM-DD, is removed; empty: all is kept. Raises StopError
    where another run uses the folder, OSError where it cannot be written.
    """
    run = run or partial(pooled, jobs=jobs)
    items = listing.objects
    with _sole_user(curated):
        known = sidecar.all_kept(curated)
        results = _taken(items, known, curated)
        said(len(results), len(items))

        def read(some: Sequence[LogObject]) -> None:
            for result in run(source, some, curated):
                results[result.object.digest] = result
                if sidecar.may_be_kept(result):
                    sidecar.keep(result, curated)
                said(len(results), len(items))

        read([item for item in items if item.digest not in results])
        again = [group[0].object for group in _same(results.values()) if _is_copy(group[0])]
        # A copy whose original has gone from the listing, and with it what was read of it.
        read(again)
        _forget_old(items, known, curated)
        _forget_past(first_day, items, known, curated)
        for group in _same(results.values()):
            for copy in group[1:]:
                results[copy.object.digest] = _as_copy(copy, group[0], curated)
        ordered = tuple(results[item.digest] for _, some in by_writer(items) for item in some)
        return Loaded(ordered, _ends(ordered, curated, stitches or _own_stitches()))


def pooled(
    source: Source,
    items: Sequence[LogObject],
    curated: Path,
    *,
    jobs: int,
    read: Callable[[Source, LogObject, Path], ObjectResult] = read_object,
) -> Iterator[ObjectResult]:
    """Read the objects in so many processes. A process that dies costs the object it had.

    The objects under way when a process dies are read once more, one at a time in a process beside
    no other; one that ends that process too is unreadable.
    """
    if jobs <= 1:
        for item in items:
            yield read(source, item, curated)
        return
    waiting = deque(items)
    while waiting:
        lost = yield from _until_broken(partial(read, source), waiting, curated, jobs, AHEAD)
        alone = deque(lost)
        while alone:
            died = yield from _until_broken(partial(read, source), alone, curated, 1, 1)
            for item in died:
                yield unreadable(item, DIED)


def _until_broken(
    read: Callable[[LogObject, Path], ObjectResult],
    waiting: deque[LogObject],
    curated: Path,
    jobs: int,
    ahead: int,
) -> Generator[ObjectResult, None, list[LogObject]]:
    """Results until all are read, or the pool breaks; returns the objects then under way."""
    running: dict[Future[ObjectResult], LogObject] = {}
    lost: list[LogObject] = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        while (waiting and not lost) or running:
            while waiting and not lost and len(running) < ahead * jobs:
                try:
                    running[pool.submit(read, waiting[0], curated)] = waiting[0]
                except BrokenProcessPool:
                    # Broken by one that is under way, and soon in `lost`.
                    break
                waiting.popleft()
            if not running:
                break
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                item = running.pop(future)
                error = future.exception()
                if error is None:
                    yield future.result()
                elif isinstance(error, BrokenProcessPool):
                    lost.append(item)
                else:
                    yield unreadable(item, f"its result was lost: {type(error).__name__}")
    return lost


@contextmanager
def _sole_user(curated: Path) -> Iterator[None]:
    """The folder, made if need be, locked against other runs, and free of their half-done work."""
    curated.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(curated / ".lock", "wb", opener=partial(os.open, mode=0o600)) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"another run is loading into {curated}: wait for its end"
            raise StopError(2, message) from error
        shutil.rmtree(curated / WORK, ignore_errors=True)
        for half in (curated / sidecar.OBJECTS).glob("*.tmp"):
            half.unlink()
        yield
        shutil.rmtree(curated / WORK, ignore_errors=True)


def _taken(
    items: Iterable[LogObject], known: Mapping[str, Sequence[sidecar.Kept]], curated: Path
) -> dict[str, ObjectResult]:
    """What was kept of these very objects and is whole, by digest."""
    return {
        item.digest: replace(kept.result, object=item)
        for item in items
        for kept in known.get(item.key, ())
        if kept.result.object.digest == item.digest and kept.is_whole(curated)
    }


def _same(results: Iterable[ObjectResult]) -> list[list[ObjectResult]]:
    """Objects of one writer and log that are byte for byte the same, the first by stamp first."""
    groups: dict[tuple[Writer, str, str], list[ObjectResult]] = {}
    for result in results:
        if result.sha256 and result.status not in (ObjectStatus.EMPTY, ObjectStatus.UNREADABLE):
            key = (result.object.writer, result.object.log_type, result.sha256)
            groups.setdefault(key, []).append(result)
    for group in groups.values():
        group.sort(key=lambda one: (one.object.stamp, one.object.key))
    return list(groups.values())


def _is_copy(result: ObjectResult) -> bool:
    return result.status is ObjectStatus.DUPLICATE


def _as_copy(result: ObjectResult, original: ObjectResult, curated: Path) -> ObjectResult:
    """Counted with its original: nothing of its own remains, in the tables or in the counters."""
    copy = ObjectResult(
        result.object,
        ObjectStatus.DUPLICATE,
        f"byte for byte the same as {original.object.key}",
        result.sha256,
        result.plain_bytes,
    )
    if copy != result:
        for name in result.files.values():
            (curated / name).unlink(missing_ok=True)
        sidecar.keep(copy, curated)
    return copy


def _forget_old(
    items: Iterable[LogObject], known: Mapping[str, Sequence[sidecar.Kept]], curated: Path
) -> None:
    """Remove what was made of objects that have changed since."""
    for item in items:
        for kept in known.get(item.key, ()):
            if kept.result.object.digest != item.digest:
                sidecar.forget(kept, sidecar.path_of(kept.result.object, curated), curated)


def _forget_past(
    first_day: str,
    items: Sequence[LogObject],
    known: Mapping[str, Sequence[sidecar.Kept]],
    curated: Path,
) -> None:
    """Remove what was made of objects of days before the first: logs that their bucket's lifecycle
    deletes must not live on here. What is listed all the same stays."""
    listed, days = {item.digest for item in items}, {item.day for item in items}
    for kept in (one for some in known.values() for one in some):
        item = kept.result.object
        if item.day < first_day and item.digest not in listed:
            sidecar.forget(kept, sidecar.path_of(item, curated), curated)
    for folder in curated.glob("*/account=*/region=*/cluster=*/day=*"):
        day = folder.name.removeprefix("day=")
        if day < first_day and day not in days:  # what is left are the records at edges
            shutil.rmtree(folder, ignore_errors=True)


def _ends(
    results: Sequence[ObjectResult], curated: Path, stitches: Stitches
) -> dict[Writer, tuple[Ends, ...]]:
    """The ends of each writer's logs."""
    by: dict[Writer, list[ObjectResult]] = {}
    for result in results:
        by.setdefault(result.object.writer, []).append(result)
    found = {}
    for writer, some in by.items():
        activity = [one for one in some if one.object.log_type == ACTIVITY_LOG]
        lines = [one for one in some if one.object.log_type != ACTIVITY_LOG]
        found[writer] = tuple(
            stitch(part, curated)
            for stitch, part in ((stitches.activity, activity), (stitches.lines, lines))
            if part
        )
    return found


def _own_stitches() -> Stitches:
    from agent.auditlog.activity_ends import write_activity_ends  # noqa: PLC0415 - an extra
    from agent.auditlog.lines import write_line_ends  # noqa: PLC0415 - an extra

    return Stitches(write_activity_ends, write_line_ends)
