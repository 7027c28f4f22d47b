"""`trailkeeper report`: what it refuses, what it writes, and how it ends."""

from __future__ import annotations

import argparse
import gzip
import json
import re
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.cli import build_parser, main
from agent.commands import report
from agent.config import Settings
from agent.config_report import ReportSetting
from agent.report import options
from agent.stop import StopError

NOW = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)


def wanted(*argv: str, setting: dict[str, Any] | None = None) -> report.Wanted:
    args: Namespace = build_parser().parse_args(["report", *argv])
    settings = Settings.model_validate({"report": setting or {}, "state_directory": "/state"})
    return report.wanted(args, settings, NOW)


FULL = ("--month", "2026-10", "--source", "logs", "--output", "out")
REFUSED = [
    pytest.param(("--month", "2026-13", *FULL[2:]), {}, "is no month", id="no month"),
    pytest.param(("--month", "2026-1", *FULL[2:]), {}, "is no month", id="one digit"),
    pytest.param(("--month", "2026-12", *FULL[2:]), {}, "has not begun", id="a month to come"),
    pytest.param(("--month", "2026-10", "--output", "o"), {}, "no source", id="no source"),
    pytest.param(("--month", "2026-10", "--source", "s"), {}, "no output", id="no output"),
    pytest.param((*FULL[:-1], "http://x"), {}, "neither s3://", id="another URL"),
    pytest.param((*FULL, "--source", "s3:///x"), {}, "neither s3://", id="no bucket"),
    pytest.param((*FULL, "--engine", "athena"), {}, "report.athena", id="athena without settings"),
    pytest.param((*FULL, "--jobs", "0"), {}, "--jobs is 0", id="no process"),
    pytest.param((*FULL, "--jobs", "2", "--engine", "spark"), {}, "says nothing", id="spark"),
]


@pytest.mark.parametrize(("argv", "setting", "said"), REFUSED)
def test_wrong_use_is_refused_before_anything_is_read(
    argv: tuple[str, ...], setting: dict[str, Any], said: str
) -> None:
    with pytest.raises(StopError) as stop:
        wanted(*argv, setting=setting)

    assert stop.value.code == 2
    assert said in stop.value.message


def test_options_stand_above_the_configuration() -> None:
    setting = {"sources": ["a"], "destination": "b", "work_directory": "c"}
    bare = wanted("--month", "2026-10", setting=setting)
    given = wanted(*FULL, "--work", "w", setting=setting)

    assert (bare.sources, bare.output, bare.work) == (("a",), "b", Path("c"))
    assert (given.sources, given.output, given.work) == (("logs",), "out", Path("w"))
    assert wanted(*FULL).work == Path("/state/auditlog")


def test_a_month_that_runs_may_be_asked_for() -> None:
    assert str(wanted("--month", "2026-11", *FULL[2:]).month) == "2026-11"


@pytest.mark.parametrize(
    "argv",
    [
        ("--rules", "x", "report", *FULL),
        ("--region", "eu-west-1", "report", *FULL),
        ("--account", "111122223333", "report", *FULL),
        ("--format", "json", "report", *FULL),
        ("--fail-on", "high", "report", *FULL),
        ("--all", "report", *FULL),
        ("report", *FULL, "--engine", "mysql"),
        ("report", "--source", "x"),
    ],
    ids=lambda argv: " ".join(argv[:2]),
)
def test_an_option_that_would_do_nothing_is_refused(
    argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)

    assert stop.value.code == 2
    assert capsys.readouterr().out == ""


def test_what_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "find_spec", lambda name: None)
    with pytest.raises(StopError, match=r"pip install 'trailkeeper\[report\]'") as stop:
        report._needs_extras("duckdb")

    assert stop.value.code == 2
    with pytest.raises(StopError, match=r"pip install 'trailkeeper\[spark\]'"):
        report._needs_extras("spark")


WRONG = [
    pytest.param({"time_zone": "Mars/Olympus"}, id="zone"),
    pytest.param({"time_zone": "../etc/passwd"}, id="a path as a zone"),
    pytest.param({"work_hours": "19:00-07:00"}, id="backwards"),
    pytest.param({"work_hours": "24:30-25:00"}, id="no time"),
    pytest.param({"work_days": ["sonntag"]}, id="day"),
    pytest.param({"change_windows": ["sun 04:00-02:00"]}, id="window"),
    pytest.param({"burst": {"failures": 0}}, id="burst"),
    pytest.param({"destination": "ftp://x"}, id="destination"),
    pytest.param({"external_id": "abc"}, id="an external id without a role"),
    pytest.param({"athena": {"database": "x"}}, id="half of Athena"),
    pytest.param({"allowed_buckets": ["s3://b"]}, id="a URL for a bucket"),
    pytest.param({"unknown": 1}, id="unknown"),
]


@pytest.mark.parametrize("written", WRONG)
def test_a_wrong_setting_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ReportSetting.model_validate(written)


def test_settings_become_questions() -> None:
    questions = ReportSetting.model_validate(
        {
            "time_zone": "Europe/Berlin",
            "work_days": ["sat", "mon", "mon"],
            "work_hours": "08:30-24:00",
            "change_windows": ["sun 02:00-04:00"],
            "sensitive_objects": ["*.cards"],
            "burst": {"failures": 3, "minutes": 20},
        }
    ).to_questions()

    assert questions.work_days == (0, 5)
    assert (questions.work_from, questions.work_to) == (510, 1440)
    assert questions.change_windows == ((6, 120, 240),)
    assert questions.sensitive == ("*.cards",)
    assert (questions.burst_failures, questions.burst_minutes) == (3, 20)


NAME = "111122223333_redshift_eu-west-1_{cluster}_connectionlog_{stamp}.gz"
LINE = (
    "authenticated |Thu, 1 Oct 2026 {hour:02d}:05:00:123|::ffff:10.0.0.7 |4000 |{pid}|dev |{user} |"
    "password |0|TLSv1.2 |ECDHE-RSA-AES256-GCM-SHA384 |0| | |\n"
)


def logs(folder: Path, cluster: str = "dwh") -> Path:
    """Three hours of one cluster's connections, the user an attacker."""
    below = folder / "AWSLogs/111122223333/redshift/eu-west-1/2026/10/01"
    below.mkdir(parents=True, exist_ok=True)
    for hour in range(3):
        name = NAME.format(cluster=cluster, stamp=f"2026-10-01T{hour:02d}:50")
        line = LINE.format(hour=hour, pid=100 + hour, user="<script>\u202e")
        (below / name).write_bytes(gzip.compress(line.encode(), mtime=0))
    return folder


def run(folder: Path, *argv: str) -> int:
    return main(
        [
            "report",
            "--month",
            "2026-10",
            "--source",
            str(folder / "logs"),
            "--jobs",
            "1",
            "--output",
            str(folder / "out"),
            "--work",
            str(folder / "work"),
            *argv,
        ]
    )


def test_a_report_is_written_summed_up_and_the_same_the_second_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs(tmp_path / "logs")
    place = tmp_path / "out/2026-10/111122223333_eu-west-1_dwh"

    assert run(tmp_path) == 3
    said = capsys.readouterr()
    first = (place / "manifest.json").read_bytes()
    assert run(tmp_path, "--allow-incomplete") == 0
    told = json.loads(first)

    assert said.out.startswith("dwh (111122223333, eu-west-1), 2026-10: incomplete\n")
    assert f"report: {place / 'report.html'}" in said.out
    assert "\u202e" not in said.out
    assert "records 3; logins 3;" in said.out
    assert told["records"]["connectionlog"] == 3
    assert told["unanswered"] == []
    assert {"tables/connection.parquet", "report.html"} <= {one["name"] for one in told["files"]}
    assert first == (place / "manifest.json").read_bytes()


def test_no_log_at_all_is_said_and_ends_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs(tmp_path / "logs")

    assert run(tmp_path, "--cluster", "other") == 3
    assert "No audit log of 2026-10" in capsys.readouterr().out
    assert run(tmp_path, "--cluster", "other", "--allow-incomplete") == 0


def test_no_log_beside_what_could_not_be_looked_at_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs(tmp_path / "elsewhere")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/AWSLogs").symlink_to(tmp_path / "elsewhere/AWSLogs")

    assert run(tmp_path, "--allow-incomplete") == 3
    said = capsys.readouterr().err
    assert "no audit log of 2026-10 could be read: AWSLogs (a symbolic link" in said


def test_a_full_disk_names_the_folder_that_is_on_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    logs(tmp_path / "logs")
    monkeypatch.setattr("agent.report.running.load", full)

    assert run(tmp_path) == 2
    said = capsys.readouterr().err
    assert f"cannot write {tmp_path / 'work'}: No space left on device" in said


def test_an_output_that_cannot_be_written_is_refused_before_the_logs_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs(tmp_path / "logs")
    (tmp_path / "out").write_text("a file")

    assert run(tmp_path) == 2
    assert "choose another --output" in capsys.readouterr().err


def test_a_source_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    assert run(tmp_path) == 2


def test_the_configuration_in_the_document_is_one_and_has_every_key() -> None:
    text = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert block is not None
    written = yaml.safe_load(block[1])["report"]

    ReportSetting.model_validate(written)
    assert set(ReportSetting.model_fields) - set(written) == {"external_id"}


def test_every_option_of_the_command_is_in_the_document() -> None:
    text = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    parser = argparse.ArgumentParser()
    options.add_options(lambda *_, **__: parser)

    for action in parser._actions:
        if action.dest not in ("help", "config"):
            assert f"`{action.option_strings[-1]}" in text
