"""The embedded engine: DuckDB over the curated files, in this process and without a network."""

# ruff: noqa: S608 - names of tables and columns are ours; paths are quoted

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from agent.auditlog.schema import COLUMNS, CONNECTION
from agent.report.derived import EARLIER, RAW, VIEWS, derived, reads
from agent.report.engines import EngineSettings
from agent.report.engines.ordering import counted, ordered, rows
from agent.report.model import Query, Row
from agent.report.tables import Tables, pattern, write_helpers

_TYPES = {"int64": "BIGINT", "text": "VARCHAR", "bool": "BOOLEAN"}
_MACROS = (
    "CREATE OR REPLACE TEMP MACRO regexp_like(t, p) AS regexp_matches(t, p)",
    "CREATE OR REPLACE TEMP MACRO replace_all(t, p, r) AS regexp_replace(t, p, r, 'g')",
)

_EVERY_TEXT = {"statement": ""}
_IN_ONE_FILE = "connect"
"""Asked some fifty times: to open a month's hundreds of files each time costs half a second."""


class DuckDb:
    """An `agent.report.engines.Engine`. A derived table is made when it is first asked for."""

    name = "duckdb"

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._connection: Any = None
        self._derived: dict[str, str] = {}
        self._made: set[str] = set()
        self._work = Path()

    def prepare(self, tables: Tables) -> None:
        """See `Engine`. Raises ValueError where the curated files are not in a folder."""
        if "://" in str(tables.curated):
            raise ValueError("DuckDB reads curated files from a folder; Athena and Spark from S3")
        helpers = write_helpers(tables)
        self._connection = _connect(self._settings, tables)
        self._work = tables.work.resolve()
        for macro in _MACROS:
            self._connection.execute(macro)
        self._connection.execute(_sensitive_like(tables.questions.sensitive))
        for name, path in helpers.items():
            self._connection.execute(
                f"CREATE TEMP TABLE {name} AS SELECT * FROM {_parquet([str(path)])}"
            )
        for name in RAW:
            paths = tables.earlier_paths() if name == EARLIER else tables.paths(name)
            self._connection.execute(f"CREATE TEMP VIEW {name} AS {_raw(name, paths)}")
        self._derived = derived(tables.month)

    def rows(self, query: Query) -> tuple[list[Row], int]:
        """See `Engine`."""
        self._make(query.sql)
        asked = self._held(query) if reads(query.sql, _EVERY_TEXT) else query
        found = self._rows(ordered(asked, most=query.limit + 1))
        if len(found) <= query.limit:
            return found, 0
        (whole,) = self._rows(counted(asked))
        return found[: query.limit], int(whole["n"] or 0) - query.limit

    def select(self, sql: str) -> list[Row]:
        """See `Engine`."""
        self._make(sql)
        return self._rows(sql)

    def close(self) -> None:
        """See `Engine`."""
        if self._connection is not None:
            self._connection.close()

    def _rows(self, sql: str) -> list[Row]:
        cursor = self._connection.execute(sql)
        names = [each[0] for each in cursor.description]
        return rows(names, cursor.fetchall())

    def _make(self, sql: str) -> None:
        for name in reads(sql, self._derived):
            if name not in self._made:
                kind = "VIEW" if name in VIEWS else "TABLE"
                source = self._as_one_file(name) if name == _IN_ONE_FILE else self._derived[name]
                self._connection.execute(f"CREATE TEMP {kind} {name} AS {source}")
                self._made.add(name)

    def _held(self, query: Query) -> Query:
        """A question whose answer is at hand: over every statement it is not asked twice."""
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE held AS {query.sql}")
        return replace(query, sql="SELECT * FROM held")

    def _as_one_file(self, name: str) -> str:
        """The table written once, and a query that reads it: for questions it is one file."""
        path = str(self._work / f"{name}.parquet")
        self._connection.execute(
            f"COPY ({self._derived[name]}) TO {_quoted(path)} (FORMAT parquet, COMPRESSION zstd)"
        )
        return f"SELECT * FROM {_parquet([path])}"


def _connect(settings: EngineSettings, tables: Tables) -> Any:
    """A database in memory that reads the two folders and nothing else, and loads no extension."""
    spill = tables.work / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": str(settings.jobs),
            "memory_limit": settings.memory,
            "temp_directory": str(spill),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
        },
    )
    folders = ", ".join(
        _quoted(f"{Path(each).resolve()}/") for each in (tables.curated, tables.work)
    )
    connection.execute(f"SET allowed_directories = [{folders}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _sensitive_like(names: Sequence[str]) -> str:
    """A macro with the patterns as constants: one that is none is compiled anew for every row
    (34 CPU seconds a million statements, against 2)."""
    known = " ".join(
        f"WHEN {_quoted(each)} THEN regexp_matches(t, {_quoted(each)})"
        for each in dict.fromkeys(pattern(name) for name in names)
    )
    chosen = f"CASE p {known} ELSE regexp_matches(t, p) END" if known else "regexp_matches(t, p)"
    return f"CREATE OR REPLACE TEMP MACRO sensitive_like(t, p) AS {chosen}"


def _raw(name: str, paths: list[str]) -> str:
    """A raw table of these files; of none, an empty one."""
    columns = COLUMNS[CONNECTION if name == EARLIER else name]
    if not paths:
        empty = ", ".join(f'CAST(NULL AS {_TYPES[kind]}) AS "{each}"' for each, kind in columns)
        return f"SELECT {empty} WHERE false"
    chosen = ", ".join(f'"{each}"' for each, _ in columns)
    return f"SELECT {chosen} FROM {_parquet([str(Path(path).resolve()) for path in paths])}"


def _parquet(paths: list[str]) -> str:
    files = ", ".join(_quoted(path) for path in paths)
    return f"read_parquet([{files}], hive_partitioning = false)"


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
