"""Real Spark: every question's rows as DuckDB has them, and a whole report from raw logs."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pyarrow import parquet

from agent.cli import main
from agent.report import running
from agent.report.derived import derived
from agent.report.engines import DUCKDB, SPARK, Engine, EngineSettings, open_engine
from agent.report.engines.spark import open_session
from agent.report.sections import SECTIONS
from agent.report.tables import Tables
from tests.report.engines.month import MONTH, random_month

SETTINGS = EngineSettings(jobs=1, spark_master="local[1]", spark_small=True)
ALWAYS_SAID = "WARNING: Using incubator modules: jdk.incubator.vector"
"""By Java itself, of an option that Spark's launcher adds."""


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A session, and the files that what its Java writes goes to: standard output, and errors.

    Skipped without Java, but not where the tests must be complete.
    """
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        assert not os.environ.get("CI"), "Spark needs Java 17"
        pytest.skip("Spark needs Java 17: there is no java on the path")
    folder = tmp_path_factory.mktemp("console")
    out, err = folder / "out", folder / "err"
    with descriptor(1, out), descriptor(2, err):
        session = open_session(SETTINGS)
    yield out, err
    session.stop()


@contextmanager
def descriptor(number: int, file: Path) -> Iterator[None]:
    """What is started meanwhile writes there."""
    kept = os.dup(number)
    with file.open("wb") as other:
        os.dup2(other.fileno(), number)
    yield
    os.dup2(kept, number)
    os.close(kept)


@dataclass(frozen=True)
class Pair:
    """Two engines over the same files."""

    duckdb: Engine
    spark: Engine


@pytest.fixture(scope="module")
def pair(console: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both, prepared."""
    tables = in_few_files(random_month(tmp_path_factory.mktemp("month"), 120, 6))
    found = Pair(open_engine(DUCKDB, SETTINGS), open_engine(SPARK, SETTINGS))
    found.duckdb.prepare(tables)
    found.spark.prepare(tables)
    yield found
    found.spark.close()
    found.duckdb.close()


def in_few_files(tables: Tables) -> Tables:
    """The same rows, a raw table's in two files: to open a file is what takes Spark's time."""
    found = {}
    for name in tables.files:
        first, *others = tables.paths(name)
        found[name] = tuple(each.removeprefix(f"{tables.curated}/") for each in (first, *others))
        if others:
            rest = Path(tables.curated) / name / "rest.parquet"
            parquet.write_table(parquet.read_table(others), rest)
            found[name] = (found[name][0], f"{name}/rest.parquet")
    return replace(tables, files=found)


def test_every_question_has_the_same_answer_on_both_engines(pair: Pair) -> None:
    answers = 0
    for section in SECTIONS:
        for query in section.queries:
            expected = pair.duckdb.rows(query)
            assert pair.spark.rows(query) == expected, f"{section.id}: {query.name}"
            answers += bool(expected[0])

    assert answers > 50


def test_what_is_beyond_the_limit_is_counted(pair: Pair) -> None:
    query = replace(SECTIONS[0].queries[0], limit=1)

    assert pair.spark.rows(query) == pair.duckdb.rows(query)
    assert pair.spark.rows(query)[1] > 0


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


BELOW = "AWSLogs/111122223333/redshift/eu-west-1/2026/10/01"
NAME = "111122223333_redshift_eu-west-1_dwh_{log}_2026-10-01T{stamp}.gz"
RECORD = "'2026-10-01T00:{minute:02d}:00Z UTC [ db=dev user=ann pid=7 userid=101 xid={xid} ]' LOG: "
CONNECTION = (
    "{event} |Thu, 1 Oct 2026 00:05:00:123|::ffff:10.0.0.7 |4000 |7|dev |ann |password |0|TLSv1.2 "
    "|ECDHE-RSA-AES256-GCM-SHA384 |0| | |\n"
)
LOGS = {
    ("connectionlog", "00:50"): CONNECTION.format(event="authenticated")
    + CONNECTION.format(event="initiating session"),
    ("userlog", "00:50"): "102|carl||create|0|0|0||0|7|3|Thu, 1 Oct 2026 00:07:00:500\n",
    ("useractivitylog", "00:30"): RECORD.format(minute=6, xid=2)
    + "begin;\ngrant select on sales.cards\n",
    ("useractivitylog", "00:50"): "  to carl; commit\n"
    + RECORD.format(minute=7, xid=3)
    + "create user carl password '***'\n",
}
"""By log and stamp. The first activity record goes on in the second object."""


def reported(folder: Path, engine: str) -> dict[str, bytes]:
    """The report's files by name, but the one that differs from run to run."""
    place, work = folder / engine, folder / f"{engine}-work"
    asked = ["--month", "2026-10", "--source", str(folder / "logs"), "--engine", engine]
    ended = main(["report", *asked, "--output", str(place), "--work", str(work)])
    assert ended == 3, "a month of two hours is not complete"
    files = {each.relative_to(place).as_posix(): each for each in place.rglob("*.*")}
    return {name: each.read_bytes() for name, each in files.items() if "run.json" not in name}


def test_a_report_from_raw_logs_has_the_same_bytes_on_both_engines(
    console: object,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = tuple(section for section in SECTIONS if section.id in ("logins", "users", "privileges"))
    monkeypatch.setattr(running, "SECTIONS", few)  # of all the answers are compared above
    below = tmp_path / "logs" / BELOW
    below.mkdir(parents=True)
    for (log, stamp), text in LOGS.items():
        name = NAME.format(log=log, stamp=stamp)
        (below / name).write_bytes(gzip.compress(text.encode(), mtime=0))

    expected = reported(tmp_path, DUCKDB)
    said = capsys.readouterr().out
    found = reported(tmp_path, SPARK)

    assert found == expected
    assert capsys.readouterr().out == said.replace(f"/{DUCKDB}/", f"/{SPARK}/")
    (told,) = (text for name, text in found.items() if name.endswith("report.json"))
    assert b"grant select on sales.cards" in told
    assert b'"unreadable"' not in told
    assert "could not be answered" not in said


def test_java_says_nothing_but_what_cannot_be_silenced(
    console: tuple[Path, Path], pair: Pair
) -> None:
    pair.spark.select("SELECT 1 AS one")
    out, err = (each.read_text() for each in console)

    assert out == ""
    assert [line for line in err.splitlines() if line != ALWAYS_SAID] == []
    assert os.environ["PYSPARK_PYTHON"] == sys.executable
