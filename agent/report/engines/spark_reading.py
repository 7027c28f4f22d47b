"""Raw logs read on Spark's executors, in place of the pool of processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from py4j.protocol import Py4JError  # type: ignore[import-untyped]  # it has no types

from agent.auditlog.objects import LogObject, ObjectResult, Source
from agent.auditlog.reading import unreadable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

AT_ONCE = 8
"""Objects of one job for each core: what is said of progress, and lost when a job fails."""
LOST = "the executors that read it were lost (most often: out of memory)"


def load_raw(
    session: SparkSession, source: Source, items: Sequence[LogObject], curated: Path
) -> Iterator[ObjectResult]:
    """Reads raw objects on the executors, one task each, into a folder that all of them share.

    For `run` of `agent.auditlog.loading.load`. Where a job fails, each of its objects is read once
    more in a job of its own; one that ends that too is unreadable.
    """
    step = AT_ONCE * max(session.sparkContext.defaultParallelism, 1)
    for first in range(0, len(items), step):
        some = items[first : first + step]
        try:
            yield from _job(session, source, some, curated)
        except Py4JError:
            for item in some:
                yield _alone(session, source, item, curated)


def _alone(session: SparkSession, source: Source, item: LogObject, curated: Path) -> ObjectResult:
    try:
        (result,) = _job(session, source, [item], curated)
    except Py4JError:
        return unreadable(item, LOST)
    return result


def _job(
    session: SparkSession, source: Source, items: Sequence[LogObject], curated: Path
) -> list[ObjectResult]:
    def read(item: LogObject) -> ObjectResult:
        from agent.auditlog.reading import read_object  # noqa: PLC0415 - imported on the executor

        return read_object(source, item, curated)

    return session.sparkContext.parallelize(items, len(items)).map(read).collect()
