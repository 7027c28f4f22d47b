"""Athena's SQL: read by two parsers, and asked of a twin on DuckDB that gets it transpiled.

Athena itself has not been asked. The twin gets every statement that Athena would get, in order.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlfluff.core import FluffConfig, Linter

from agent.report.derived import derived
from agent.report.engines import DUCKDB, AthenaSettings, Engine, EngineSettings, open_engine
from agent.report.engines.athena import Athena
from agent.report.engines.athena_tables import ddl
from agent.report.engines.ordering import ordered, renamed
from agent.report.sections import SECTIONS
from agent.report.sql import FUNCTIONS
from deploy.athena.build import FILE, tables_sql
from tests.report.engines.month import MONTH, random_month

LOCATION = "s3://reports/trailkeeper"
SETTINGS = AthenaSettings(LOCATION)


@dataclass
class Twin:
    """A DB-API connection: what it is told in Athena's dialect it does on DuckDB."""

    bucket: Path
    base: Any = field(default_factory=lambda: duckdb.connect(":memory:", config={"threads": "1"}))
    asked: list[str] = field(default_factory=list)

    def cursor(self) -> Twin:
        return self

    @property
    def description(self) -> Any:
        return self.base.description

    def fetchall(self) -> Any:
        return self.base.fetchall()

    def close(self) -> None:
        self.base.close()

    def put(self, bucket: str, key: str, path: Path) -> None:
        """The upload: the bucket is a folder."""
        target = self.bucket / bucket / key
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)

    def execute(self, sql: str) -> None:
        self.asked.append(sql)
        (tree,) = sqlglot.parse(sql, dialect="athena")
        assert tree is not None
        if sql.startswith("CREATE EXTERNAL TABLE"):
            self._external(tree)
            return
        tree.set("properties", None)
        self.base.execute(tree.sql(dialect="duckdb"))

    def _external(self, tree: Any) -> None:
        """An external table: a view of what lies at its location, if anything does."""
        (location,) = tree.find_all(sqlglot.exp.LocationProperty)
        files = self.bucket / location.this.name.removeprefix("s3://")
        if any(files.rglob("*.parquet")):
            name = tree.this.this.name
            self.base.execute(
                f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{files}/**/*.parquet', "  # noqa: S608 - a test's
                "hive_partitioning = true, hive_types_autocast = false)"
            )


@dataclass(frozen=True)
class Pair:
    """DuckDB over the files, and Athena over its twin."""

    duckdb: Engine
    athena: Athena
    twin: Twin


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    tables = random_month(tmp_path_factory.mktemp("month"), sessions=120, statements=6)
    twin = Twin(tmp_path_factory.mktemp("s3"))
    embedded = open_engine(DUCKDB, EngineSettings(jobs=1))
    athena = Athena(SETTINGS, twin.put, lambda _: twin)
    embedded.prepare(tables)
    athena.prepare(tables)
    yield Pair(embedded, athena, twin)
    embedded.close()


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.id)
def test_athenas_twin_gives_the_rows_that_duckdb_gives(pair: Pair, section: Any) -> None:
    for query in section.queries:
        assert pair.athena.rows(query) == pair.duckdb.rows(query), query.name


def test_what_costs_is_made_once_and_every_question_names_its_cluster(pair: Pair) -> None:
    for _ in range(2):
        pair.athena.select("SELECT count(*) AS n FROM event")
    made = [sql.split()[2] for sql in pair.twin.asked if sql.startswith("CREATE TABLE")]

    assert len(made) == len(set(made))
    for sql in pair.twin.asked:
        tables = sql.count("FROM curated_")
        assert sql.count("cluster = 'orders'") == sql.count("account = '111122223333'") == tables


def test_the_tables_of_a_run_are_dropped_in_the_end(tmp_path: Path) -> None:
    twin = Twin(tmp_path / "s3")
    athena = Athena(SETTINGS, twin.put, lambda _: twin)
    athena.prepare(random_month(tmp_path, sessions=5, statements=2))
    athena.select("SELECT count(*) AS n FROM user_event")
    made = [sql.split()[2] for sql in twin.asked if sql.startswith("CREATE TABLE")]

    athena.close()

    dropped = [sql.split("`")[1] for sql in twin.asked if sql.startswith("DROP TABLE")]
    assert sorted(made) == sorted(dropped) != []


def test_curated_files_elsewhere_in_s3_are_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    twin = Twin(tmp_path / "s3")
    tables = replace(random_month(tmp_path, sessions=5, statements=2), curated="s3://other/curated")

    with pytest.raises(ValueError, match="s3://reports/trailkeeper/curated"):
        Athena(SETTINGS, twin.put, lambda _: twin).prepare(tables)


LINTER = Linter(FluffConfig(overrides={"dialect": "athena", "large_file_skip_byte_limit": 0}))


def unparsable(sql: str) -> list[str]:
    """What sqlfluff cannot read."""
    return [str(each) for each in LINTER.parse_string(sql).violations]


@pytest.mark.parametrize("table", ddl(LOCATION))
def test_a_second_parser_reads_the_ddl(table: str) -> None:
    assert unparsable(ddl(LOCATION)[table] + "\n") == []


@pytest.mark.parametrize("name", derived(MONTH))
def test_a_second_parser_reads_the_derived_tables(name: str) -> None:
    assert unparsable(renamed(derived(MONTH)[name], FUNCTIONS["athena"]) + "\n") == []


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.id)
def test_a_second_parser_reads_the_questions(section: Any) -> None:
    for query in section.queries:
        asked = renamed(ordered(query, most=query.limit + 1), FUNCTIONS["athena"])
        assert unparsable(asked + "\n") == [], query.name


def test_the_second_parser_would_say_so() -> None:
    assert unparsable("SELECT FROM WHERE (\n")


def test_the_file_for_administrators_is_what_the_code_makes() -> None:
    assert FILE.read_text(encoding="utf-8") == tables_sql()
