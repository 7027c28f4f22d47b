"""Apache Spark: the same questions on a cluster, or in this process with a local master.

The session's settings make it read SQL as the other engines do: double quotes name columns, times
are UTC. Literals are written anew for it (`spoken`). It also reads raw objects on executors:
`load_raw`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import SparkSession
from pyspark.sql.types import BooleanType, LongType, StringType, StructField, StructType

from agent.auditlog.objects import LogObject, ObjectResult, Source
from agent.auditlog.schema import COLUMNS, CONNECTION
from agent.report.derived import EARLIER, RAW, VIEWS, derived, reads
from agent.report.engines import EngineSettings
from agent.report.engines.ordering import counted, names_of, ordered, renamed, rows
from agent.report.model import Query, Row
from agent.report.sql import FUNCTIONS
from agent.report.tables import HELPERS, Tables, helper_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.caseSensitive": "false",
    # The checksum file system makes `.name.crc` beside a file, and stumbles over `:` in names.
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
}
_LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")
_USUAL = {
    "spark.log.level": "ERROR",
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile=file:{_LOG_SETTINGS}",
    "spark.sql.shuffle.partitions": "8",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def open_session(settings: EngineSettings) -> SparkSession:
    """A session, quiet on the console; `settings.spark` overrides what is not about meaning.

    Raises pyspark.errors.PySparkRuntimeError where there is no Java.
    """
    logging.getLogger("py4j").setLevel(logging.ERROR)
    builder = SparkSession.builder.master(settings.spark_master).appName("trailkeeper-report")
    local = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    usual = local if settings.spark_master.startswith("local") else {}
    # What decides the meaning of SQL comes last: it is not to be configured away.
    options = _USUAL | usual | dict(settings.spark) | _SETTINGS
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


_LITERAL = re.compile(r"'(?:[^']|'')*'")


def spoken(sql: str) -> str:
    """Shared SQL as Spark reads it, its functions and its literals.

    With Spark's own option for literal backslashes, a doubled quote stays doubled: so each is
    written with backslashes instead.
    """

    def escaped(found: re.Match[str]) -> str:
        text = found[0][1:-1].replace("''", "'")
        inside = text.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{inside}'"

    return _LITERAL.sub(escaped, renamed(sql, FUNCTIONS["spark"]))


class Spark:
    """An `agent.report.engines.Engine`. Curated files lie where every executor reads them."""

    name = "spark"

    def __init__(self, settings: EngineSettings) -> None:
        self.session = open_session(settings)
        self._derived: dict[str, str] = {}
        self._made: list[str] = []

    def prepare(self, tables: Tables) -> None:
        """See `Engine`."""
        for name, found in helper_rows(tables).items():
            # From memory: `tables.work` is this machine's, executors may be on others.
            data = [tuple(row[column] for column, _ in HELPERS[name]) for row in found]
            frame = self.session.createDataFrame(data, _schema(HELPERS[name]))
            frame.coalesce(1).cache().createOrReplaceTempView(name)
        for name in RAW:
            paths = tables.earlier_paths() if name == EARLIER else tables.paths(name)
            self._raw(name, paths).createOrReplaceTempView(name)
        self._derived = derived(tables.month)

    def rows(self, query: Query) -> tuple[list[Row], int]:
        """See `Engine`."""
        found = self.select(ordered(query, most=query.limit + 1))
        if found and list(found[0]) != names_of(query):
            raise ValueError(f"{query.name} has other columns than it says")
        if len(found) <= query.limit:
            return found, 0
        (whole,) = self.select(counted(query))
        return found[: query.limit], int(whole["n"] or 0) - query.limit

    def select(self, sql: str) -> list[Row]:
        """See `Engine`."""
        self._make(sql)
        frame = self.session.sql(spoken(sql))
        return rows(frame.columns, frame.collect())

    def close(self) -> None:
        """See `Engine`. The session ends with it."""
        self.session.stop()

    def _make(self, sql: str) -> None:
        for name in reads(sql, self._derived):
            if name not in self._made:
                frame = self.session.sql(spoken(self._derived[name]))
                (frame if name in VIEWS else frame.cache()).createOrReplaceTempView(name)
                self._made.append(name)

    def _raw(self, name: str, paths: list[str]) -> DataFrame:
        """A raw table of these files; of none, an empty one."""
        schema = _schema(COLUMNS[CONNECTION if name == EARLIER else name])
        if not paths:
            return self.session.createDataFrame([], schema)
        return self.session.read.schema(schema).parquet(*map(_url, paths))


def load_raw(
    session: SparkSession, source: Source, objects: Sequence[LogObject], curated: str
) -> tuple[ObjectResult, ...]:
    """Reads raw objects on the executors, each into curated files below a folder that they share.

    One task an object; the results come back in the order of the objects. What cannot be read is a
    result that says so (`agent.auditlog.loading.read_object`).
    """

    def read(item: LogObject) -> ObjectResult:
        from agent.auditlog.loading import read_object  # noqa: PLC0415 - imported on the executor

        return read_object(source, item, Path(curated))

    if not objects:
        return ()
    found: Any = session.sparkContext.parallelize(objects, len(objects)).map(read).collect()
    return tuple(found)


def _schema(columns: Sequence[tuple[str, str]]) -> StructType:
    types = {"int64": LongType(), "text": StringType(), "bool": BooleanType()}
    return StructType([StructField(name, types[kind]) for name, kind in columns])


def _url(path: str) -> str:
    """As Hadoop names it: a local path with its scheme, whatever the default file system is.

    Not as a URL: Hadoop does not decode `%3D`.
    """
    return path if "://" in path else f"file://{Path(path).resolve()}"
