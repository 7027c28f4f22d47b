"""Whatever a person gets wrong, in arguments and files: exit 2, what, where, and what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_server import Sandbox
from tests.wire.clear import judged, one_line
from tests.wire.conftest import Run
from tests.wire.estate import (
    bucket,
    right,
)

JSON = ("--check", "--format", "json")


# ---------------------------------------------------------------- what a person wrote


def test_a_configuration_shows_every_mistake_at_once(run: Run, tmp_path: Path) -> None:
    """Unknown keys, wrong types, duplicate keys: each with file, line and column; exit 2."""
    file = tmp_path / "wrong.yaml"
    file.write_text(
        "regoins: [eu-west-1]\n"
        "workers: many\n"
        "targets:\n"
        "  - role: arn:aws:iam::1:role/x\n"
        "retention: {default: forever}\n",
        encoding="utf-8",
    )

    ran = run("--check", "--config", str(file))

    assert ran.code == 2
    assert ran.out == ""
    assert "problems in the configuration:" in ran.err
    for place in ("1:1", "2:10", "4:11", "5:22"):
        assert f"{file}:{place}: " in ran.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("workers: 4\nworkers: 5\n", ":2:1: ", id="a key twice"),
        pytest.param("workers: [1\n", "wrong.yaml:", id="no YAML"),
        pytest.param("- a\n- b\n", "wrong.yaml:1:1: ", id="a list"),
        pytest.param("\x00", "wrong.yaml", id="binary"),
    ],
)
def test_a_configuration_that_cannot_be_read(
    text: str, says: str, run: Run, tmp_path: Path
) -> None:
    """Exit 2 and the place."""
    file = tmp_path / "wrong.yaml"
    file.write_text(text, encoding="utf-8")

    ran = run("--check", "--config", str(file))

    assert ran.code == 2
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_a_configuration_that_is_not_there(run: Run, tmp_path: Path) -> None:
    """Exit 2; it is named."""
    assert "nowhere.yaml" in run("--check", "--config", str(tmp_path / "nowhere.yaml")).err


MISTAKEN = """\
id: typos
title: Logging is on
why: It must be.
severity: hihg
resource: redshift_cluster
must: loging_enabled
remedy: Switch it on.
false_positives: none known
examples:
  pass: [{logging_enabled: true}]
  fail: [{logging_enabled: false}]
"""


def test_rules_show_every_mistake_at_once(run: Run, tmp_path: Path) -> None:
    """Two files, several mistakes: file, line, column and a caret each; no AWS call; exit 2."""
    pack = tmp_path / "mine"
    pack.mkdir()
    (pack / "typos.yaml").write_text(MISTAKEN, encoding="utf-8")
    (pack / "other-name.yaml").write_text(MISTAKEN.replace("hihg", "high"), encoding="utf-8")

    ran = run("--check", "--rules", str(pack))

    assert ran.code == 2
    assert ran.out == ""
    assert "typos.yaml:4:11: " in ran.err
    assert "typos.yaml:6:7: " in ran.err
    assert "other-name.yaml:" in ran.err
    assert "logging_enabled" in ran.err  # what was meant
    assert "^" in ran.err


def test_no_call_is_made_before_everything_written_is_right(
    sandbox: Sandbox, run: Run, tmp_path: Path
) -> None:
    """What is wrong is known before AWS is asked anything."""
    (tmp_path / "typos.yaml").write_text(MISTAKEN, encoding="utf-8")

    run("--check", "--rules", str(tmp_path))

    assert sandbox.calls() == []


def test_waivers_and_rules_are_told_together(run: Run, tmp_path: Path) -> None:
    """A mistake in one file does not hide those in another."""
    pack, waivers = tmp_path / "mine", tmp_path / "waivers.yaml"
    pack.mkdir()
    (pack / "typos.yaml").write_text(MISTAKEN, encoding="utf-8")
    waivers.write_text("- rule: x\n  until: tomorrow\n", encoding="utf-8")

    ran = run("--check", "--rules", str(pack), settings={"waivers": str(waivers)})

    assert ran.code == 2
    assert "typos.yaml:4:11: " in ran.err
    assert "waivers.yaml:2:10: " in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(
            ["--check", "--rule", "no-such-rule"],
            "no rule no-such-rule: `trailkeeper rules list` names them all",
            id="a rule that is not there",
        ),
        pytest.param(
            ["--check", "--rules", "/no/such/folder"], "/no/such/folder", id="a folder likewise"
        ),
        pytest.param(["--check", "--format", "yaml"], "invalid choice: 'yaml'", id="format"),
        pytest.param(["--check", "--fail-on", "dire"], "invalid choice: 'dire'", id="severity"),
        pytest.param(["--check", "rules", "list"], "are two commands", id="two commands"),
        pytest.param(["--check", "snapshot"], "are two commands", id="check and snapshot"),
        pytest.param(["--format", "json", "snapshot"], "--format says nothing", id="no format"),
        pytest.param(["--fail-on", "high", "rules", "list"], "--fail-on says", id="no severity"),
        pytest.param(["--region", "eu-west-1", "demo"], "--region says", id="demo's own"),
        pytest.param(["--chekc"], "unrecognized arguments: --chekc", id="unknown option"),
        pytest.param(["--che"], "unrecognized arguments: --che", id="no abbreviations"),
        pytest.param(["--shard=1/2"], "unrecognized arguments", id="what does not exist yet"),
        pytest.param(["rules"], "required: ACTION", id="rules without an action"),
        pytest.param(["explain", "x"], "required: RESOURCE", id="explain without a resource"),
        pytest.param(["frobnicate"], "invalid choice: 'frobnicate'", id="unknown command"),
        pytest.param(
            ["--check", "--snapshot", "s.json", "--region", "eu-west-1"],
            "a snapshot is judged whole",
            id="a snapshot and a region",
        ),
    ],
)
def test_wrong_use(arguments: Sequence[str], says: str, run: Run) -> None:
    """Exit 2 and one message, at once."""
    ran = run(*arguments)

    assert ran.code == 2
    assert ran.out == ""
    assert says in ran.err
    assert "Traceback" not in ran.err


# ---------------------------------------------------------------- where results go


def test_output_that_cannot_be_written(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Exit 2, nothing on stdout."""
    sandbox.plant(right(now))

    said = one_line(run(*JSON, "--output", "/proc/no/such/folder/report.json"), 2)

    assert said.startswith("cannot write /proc/no/such/folder/report.json: ")


def test_output_into_a_file(sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path) -> None:
    """The result is in the file, whole; stdout stays empty; the exit code is the check's."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])
    file = tmp_path / "report.json"

    ran = run(*JSON, "--output", str(file))

    assert (ran.code, ran.out) == (1, "")
    assert json.loads(file.read_text())["summary"]["fail"] > 0
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


# ---------------------------------------------------------------- snapshots


@pytest.fixture
def taken(sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path) -> Path:
    """A good snapshot in a file."""
    sandbox.plant(right(now))
    file = tmp_path / "snapshot.json"
    assert run("snapshot", "--output", str(file)).code == 0
    return file


def rewritten(file: Path, **changes: Any) -> str:
    """The file's text with some members replaced."""
    return json.dumps({**json.loads(file.read_text()), **changes})


def test_a_snapshot_that_is_wrong(taken: Path, run: Run) -> None:
    """Cut off, of another version, damaged, of something else: exit 2, what and where."""
    document = json.loads(taken.read_text())
    document["resources"][0]["facts"]["cluster_status"]["state"] = "maybe"
    cases = {
        taken.read_text()[:500]: "is not JSON",
        "": "is not JSON",
        "1" * 5000: "",
        "[]": "",
        "{}": "",
        "[" * 100_000: "",
        rewritten(taken, schema="trailkeeper.snapshot/99"): "trailkeeper.snapshot/99",
        json.dumps(document): "resources",
        rewritten(taken, taken_at="yesterday"): "taken_at",
    }
    for text, says in cases.items():
        taken.write_text(text, encoding="utf-8")

        said = one_line(run("--check", "--snapshot", str(taken)), 2)

        assert says in said
        assert str(taken) in said


@pytest.mark.parametrize(
    "content", [None, b"\xff\xfe\x00snapshot"], ids=["is not there", "is no text"]
)
def test_a_snapshot_that_cannot_be_read(content: bytes | None, run: Run, tmp_path: Path) -> None:
    """Exit 2; it is named."""
    file = tmp_path / "snapshot.json"
    if content is not None:
        file.write_bytes(content)

    assert str(file) in one_line(run("--check", "--snapshot", str(file)), 2)


def test_a_snapshot_of_fewer_facts_is_unknown_beyond_them(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """What was not collected then is not passed now."""
    sandbox.plant(right(now))
    file = tmp_path / "snapshot.json"
    run("snapshot", "--rule", "redshift-audit-logging-on", "--output", str(file))

    ran = run(*JSON, "--snapshot", str(file), "--rule", "redshift-user-activity-logged")

    assert judged(ran, 3)["unknown"] == 2
    assert "was not collected" in ran.finding("redshift-user-activity-logged", "orders")["because"]


def test_the_error_inside_is_ours(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 4, one line with the place, and how to see more; never a traceback by itself."""

    def broken(_: object) -> int:
        raise RuntimeError("a mistake of ours")

    run("rules", "list")
    monkeypatch.setattr(sys.modules["agent.commands.rules"], "run", broken)

    said = one_line(run("rules", "list"), 4)

    assert "an error inside Trailkeeper" in said
    assert "RuntimeError: a mistake of ours" in said
    assert f"{Path(__file__).name}:" in said
    monkeypatch.setenv("TRAILKEEPER_DEBUG", "1")
    assert "Traceback" in run("rules", "list").err
