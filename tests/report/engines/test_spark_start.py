"""How Spark is started, and what becomes of an executor's failure. Nothing here starts Java."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from py4j.protocol import Py4JError  # type: ignore[import-untyped]  # it has no types

from agent.auditlog.local import LocalSource
from agent.auditlog.objects import LogObject, ObjectStatus
from agent.cli import main
from agent.report.engines import EngineSettings
from agent.report.engines.spark import options_of
from agent.report.engines.spark_reading import LOST, load_raw
from tests.report.engines.month import log_object


def options(master: str, *, small: bool = True, submitted: bool = False) -> dict[str, str]:
    settings = EngineSettings(
        spark_master=master, spark_small=small, spark={"spark.sql.ansi.enabled": "false"}
    )
    return options_of(settings, is_submitted=submitted)


def test_only_little_data_on_this_machine_goes_without_generated_code() -> None:
    generated = "spark.sql.codegen.wholeStage"

    assert options("local[1]")[generated] == "false"
    assert generated not in options("local[*]", small=False)
    assert generated not in options("local-cluster[1,1,1024]")
    assert generated not in options("spark://host:7077")
    assert generated not in options("local[1]", submitted=True)


def test_the_master_is_spark_submits_where_that_started_us() -> None:
    assert options("spark://host:7077")["spark.master"] == "spark://host:7077"
    assert "spark.master" not in options("local[*]", submitted=True)


@pytest.mark.parametrize("submitted", [False, True])
def test_what_sql_means_cannot_be_configured_away(submitted: bool) -> None:
    assert options("local[1]", submitted=submitted)["spark.sql.ansi.enabled"] == "true"


@pytest.mark.parametrize("home", ["", "/nowhere"])
def test_without_java_the_command_says_so_and_ends_with_2(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", home)
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    work, out = str(tmp_path / "work"), str(tmp_path / "out")
    asked = ["--month", "2026-10", "--source", str(tmp_path), "--engine", "spark"]

    assert main(["report", *asked, "--work", work, "--output", out]) == 2
    assert "Spark needs Java 17" in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


class Cluster:
    """A session whose executors die over some objects."""

    def __init__(self, deadly: Sequence[LogObject]) -> None:
        self.jobs: list[int] = []
        self._deadly = deadly
        self.sparkContext = SimpleNamespace(defaultParallelism=1, parallelize=self._spread)

    def _spread(self, items: Sequence[LogObject], slices: int) -> Any:
        assert slices == len(items)
        self.jobs.append(slices)

        def mapped(read: Callable[[LogObject], Any]) -> Any:
            def collect() -> list[Any]:
                if any(item in self._deadly for item in items):
                    raise Py4JError("the executor is gone")
                return list(map(read, items))

            return SimpleNamespace(collect=collect)

        return SimpleNamespace(map=mapped)


def test_executors_that_die_cost_the_object_that_they_read_alone(tmp_path: Path) -> None:
    hours = [datetime(2026, 10, 1, hour, tzinfo=UTC) for hour in range(10)]
    items = [log_object("userlog", hour) for hour in hours]
    cluster = Cluster(items[8:9])
    found = list(load_raw(cast("Any", cluster), LocalSource(tmp_path), items, tmp_path / "curated"))

    assert [each.object for each in found] == items
    assert [each.reason == LOST for each in found] == [item == items[8] for item in items]
    assert {each.status for each in found} == {ObjectStatus.UNREADABLE}  # there are no files
    assert cluster.jobs == [8, 2, 1, 1]
