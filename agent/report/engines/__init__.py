"""The engines that answer the report's questions: one list of questions, the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from agent.report.model import Query, Row
from agent.report.tables import Tables

DUCKDB, SPARK, ATHENA = NAMES = ("duckdb", "spark", "athena")

Upload = Callable[[str, str, Path], None]
"""(bucket, key, file): puts a file into a bucket. `agent.aws.files.put_file`, bound to a door."""


class Engine(Protocol):
    """Answers questions over one cluster's month. Not for several threads at once."""

    @property
    def name(self) -> str:
        """One of NAMES."""
        ...

    def prepare(self, tables: Tables) -> None:
        """Make the tables at hand; once. Raises OSError, or the engine's own error."""
        ...

    def rows(self, query: Query) -> tuple[list[Row], int]:
        """The query's rows in its order, and how many more there are beyond its limit.

        Raises the engine's own error, or ValueError where the query is not as it says.
        """
        ...

    def select(self, sql: str) -> list[Row]:
        """The rows of any text over the tables of `agent.report.sql`, in no order of ours."""
        ...

    def close(self) -> None:
        """Give back what it holds; remove tables it made elsewhere."""
        ...


@dataclass(frozen=True, slots=True)
class AthenaSettings:
    """Where Athena is asked, and where it finds and leaves things.

    location: `s3://bucket/prefix`, where curated files are (or are uploaded to) and helper tables
    and derived ones are written. output: where Athena leaves results; None: the workgroup says.
    """

    location: str
    database: str = "trailkeeper"
    workgroup: str = "primary"
    output: str | None = None
    region: str | None = None
    profile: str | None = None
    role: str | None = None
    """Whose ARN is taken on to ask; None: the credentials at hand."""
    external_id: str | None = None
    endpoint: str | None = None
    """Another than AWS's own: of a test."""
    poll_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """jobs: threads. memory: DuckDB's limit, as DuckDB reads it. spark: its options, by name.

    spark_small: there is little data; a local Spark then leaves out what pays only over much.
    """

    jobs: int = 2
    memory: str = "1GiB"
    spark_master: str = "local[*]"
    spark_small: bool = False
    spark: Mapping[str, str] = field(default_factory=dict)
    athena: AthenaSettings | None = None


def open_engine(name: str, settings: EngineSettings, upload: Upload | None = None) -> Engine:
    """The engine of that name; `upload` is what Athena needs.

    Raises:
        ValueError: there is no such engine, or its settings are missing.
        ImportError: its extra is not installed.
    """
    if name == DUCKDB:
        from agent.report.engines.duckdb import DuckDb  # noqa: PLC0415 - an extra

        return DuckDb(settings)
    if name == SPARK:
        from agent.report.engines.spark import Spark  # noqa: PLC0415 - an extra

        return Spark(settings)
    if name == ATHENA:
        from agent.report.engines.athena import Athena  # noqa: PLC0415 - an extra

        if settings.athena is None or upload is None:
            raise ValueError("Athena needs its settings: a database and a location")
        return Athena(settings.athena, upload)
    raise ValueError(f"{name!r} is no engine: {', '.join(NAMES)}")


__all__: Sequence[str] = (
    "ATHENA",
    "DUCKDB",
    "NAMES",
    "SPARK",
    "AthenaSettings",
    "Engine",
    "EngineSettings",
    "Upload",
    "open_engine",
)
