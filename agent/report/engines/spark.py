"""Apache Spark: the same questions on a cluster, or in this process with a local master.

The session's settings make it read SQL as the other engines do: double quotes name columns, times
are UTC. Literals are written anew for it (`spoken`). Raw logs are read on its executors:
`agent.report.engines.spark_reading`.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession
from pyspark.sql.types import BooleanType, LongType, StringType, StructField, StructType

from agent.auditlog.schema import COLUMNS, CONNECTION
from agent.report.derived import EARLIER, RAW, VIEWS, derived, reads
from agent.report.engines import EngineSettings
from agent.report.engines.ordering import counted, names_of, ordered, renamed, rows
from agent.report.model import Query, Row
from agent.report.sql import FUNCTIONS
from agent.report.tables import Tables, helper_tables
from agent.stop import WRONG_USE, StopError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

NO_JAVA = "Spark needs Java 17: there is none in JAVA_HOME or on the path"
_GATEWAY = "PYSPARK_GATEWAY_PORT"
"""Set by spark-submit for the Python that it starts: Java is there, with its master and options."""

_MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.caseSensitive": "false",
    # The checksum file system makes `.name.crc` beside a file, and stumbles over `:` in names.
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
}
_LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")
_JAVA_OPTIONS = "spark.driver.extraJavaOptions"
_QUIET = {
    "spark.log.level": "ERROR",
    _JAVA_OPTIONS: f'"-Dlog4j2.configurationFile=file:{_LOG_SETTINGS}"',
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_LOCAL = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "8",
}
# Over a few thousand rows a hundred different queries cost what it costs to prepare them: code
# generated and compiled for each, stages, plans reasoned over, described and made anew. Over
# many rows, and on a cluster, all of it pays, so it stays on there. Tables in one partition are
# joined without an exchange; Spark knows no size of theirs and would divide them.
_SMALL = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.ui.explainMode": "simple",
    "spark.sql.maxSinglePartitionBytes": str(2**63 - 1),
    _JAVA_OPTIONS: f"{_QUIET[_JAVA_OPTIONS]} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


def need_java() -> None:
    """Raises StopError where Spark would find no Java."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    if _GATEWAY not in os.environ and shutil.which(java) is None:
        raise StopError(WRONG_USE, NO_JAVA)


@contextmanager
def session_of(settings: EngineSettings) -> Iterator[SparkSession]:
    """The session there is, or one that ends with the block. Raises StopError (`open_session`)."""
    is_own = SparkSession.getActiveSession() is None
    session = open_session(settings)
    try:
        yield session
    finally:
        if is_own:
            session.stop()


def open_session(settings: EngineSettings) -> SparkSession:
    """A session, quiet on the console, with `options_of` these settings.

    Raises StopError where there is no Java, or Spark does not start.
    """
    need_java()
    logging.getLogger("py4j").setLevel(logging.ERROR)
    options = options_of(settings, is_submitted=_GATEWAY in os.environ)
    if _is_local(options.get("spark.master")):
        # Executors on this machine would take whatever `python3` is first in the path.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("trailkeeper-report")
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except PySparkRuntimeError as error:
        raise StopError(WRONG_USE, f"Spark does not start, it needs Java 17: {error}") from error
    session.sparkContext.setLogLevel("ERROR")
    return session


def options_of(settings: EngineSettings, *, is_submitted: bool) -> dict[str, str]:
    """Spark's options; `settings.spark` overrides what is not about meaning.

    is_submitted: spark-submit started this process, and the master is the one that it was told.
    """
    options = dict(_QUIET)
    if not is_submitted:
        options["spark.master"] = settings.spark_master
        if _is_local(settings.spark_master):
            options |= _LOCAL | (_SMALL if settings.spark_small else {})
    # What decides the meaning of SQL comes last: it is not to be configured away.
    return options | dict(settings.spark) | _MEANING


def _is_local(master: str | None) -> bool:
    """All of it in this machine's one Java process; `local-cluster[…]` is none such."""
    return re.match(r"local(\[|$)", master or "") is not None


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
        self._owns = SparkSession.getActiveSession() is None
        self.session = open_session(settings)
        self._is_small = settings.spark_small and _is_local(self.session.sparkContext.master)
        self._derived: dict[str, str] = {}
        self._made: list[str] = []

    def prepare(self, tables: Tables) -> None:
        """See `Engine`."""
        for name, table in helper_tables(tables).items():
            # From memory: `tables.work` is this machine's, executors may be on others.
            self._name(name, self.session.createDataFrame(table), keeps=self._is_small)
        for name in RAW:
            paths = tables.earlier_paths() if name == EARLIER else tables.paths(name)
            self._name(name, self._raw(name, paths), keeps=self._is_small)
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
        """See `Engine`. A session that it opened ends with it; another's is left as it was."""
        if self._owns:
            self.session.stop()
            return
        self.session.catalog.clearCache()
        for name in self._made:
            self.session.catalog.dropTempView(name)

    def _make(self, sql: str) -> None:
        for name in reads(sql, self._derived):
            if name not in self._made:
                frame = self.session.sql(spoken(self._derived[name]))
                self._name(name, frame, keeps=self._is_small or name not in VIEWS)

    def _name(self, name: str, frame: DataFrame, *, keeps: bool) -> None:
        """A table by its name, made once or for each question anew.

        Little data becomes one partition without a past: what is cached is planned again, with all
        it was made from, in every question. An executor that is lost would take it along, so that
        is for one process alone.
        """
        if keeps:
            frame = frame.coalesce(1).localCheckpoint() if self._is_small else frame.cache()
        frame.createOrReplaceTempView(name)
        self._made.append(name)

    def _raw(self, name: str, paths: list[str]) -> DataFrame:
        """A raw table of these files; of none, an empty one."""
        schema = _schema(COLUMNS[CONNECTION if name == EARLIER else name])
        if not paths:
            return self.session.createDataFrame([], schema)
        return self.session.read.schema(schema).parquet(*map(_url, paths))


def _schema(columns: Sequence[tuple[str, str]]) -> StructType:
    types = {"int64": LongType(), "text": StringType(), "bool": BooleanType()}
    return StructType([StructField(name, types[kind]) for name, kind in columns])


def _url(path: str) -> str:
    """As Hadoop names it: a local path with its scheme, whatever the default file system is.

    Not as a URL: Hadoop does not decode `%3D`.
    """
    return path if "://" in path else f"file://{Path(path).resolve()}"
