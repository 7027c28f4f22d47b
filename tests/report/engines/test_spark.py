"""Every question of the report, on DuckDB and on real Spark: the same rows, in the same order."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from agent.report.derived import derived
from agent.report.engines import DUCKDB, SPARK, Engine, EngineSettings, open_engine
from agent.report.sections import SECTIONS
from tests.report.engines.month import MONTH, random_month

_QUICK = {
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
"""For a hundred rows, compiling a query costs more than running it."""


@dataclass(frozen=True)
class Pair:
    """Two engines over the same files."""

    duckdb: Engine
    spark: Engine


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both, prepared; skipped without Java, but not where the tests must be complete."""
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        assert os.environ.get("CI") != "true", "Spark needs Java 17"
        pytest.skip("Spark needs Java 17: there is no java on the path")
    tables = random_month(tmp_path_factory.mktemp("month"), sessions=120, statements=6)
    settings = EngineSettings(jobs=1, spark_master="local[1]", spark=_QUICK)
    found = Pair(open_engine(DUCKDB, settings), open_engine(SPARK, settings))
    found.duckdb.prepare(tables)
    found.spark.prepare(tables)
    yield found
    found.spark.close()
    found.duckdb.close()


def test_every_question_has_the_same_answer_on_both_engines(pair: Pair) -> None:
    answers = 0
    for section in SECTIONS:
        for query in section.queries:
            expected = pair.duckdb.rows(query)
            assert pair.spark.rows(query) == expected, f"{section.id}: {query.name}"
            answers += bool(expected[0])

    assert answers > 50


@pytest.mark.parametrize("name", derived(MONTH))
def test_a_derived_table_is_the_same_on_both_engines(pair: Pair, name: str) -> None:
    text = f"SELECT * FROM {name}"  # noqa: S608 - names of ours

    assert sorted(map(repr, pair.spark.select(text))) == sorted(map(repr, pair.duckdb.select(text)))


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param(r"regexp_like('a.b', 'a\.b')", id="a backslash is a backslash"),
        pytest.param("replace_all('it''s', '''', '\"')", id="a doubled quote is a quote"),
        pytest.param("length('Zoë''s')", id="length is in characters"),
        pytest.param("'replace_all(x)' || 'ä'", id="a function's name in quotes stays"),
    ],
)
def test_an_expression_has_one_value(pair: Pair, expression: str) -> None:
    text = f"SELECT {expression} AS found"

    assert pair.spark.select(text) == pair.duckdb.select(text)
