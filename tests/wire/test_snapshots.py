"""A snapshot judged offline: what it does not hold is unknown, and that it is old is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.cli import build_parser
from agent.commands import check, explain
from agent.commands.snapshot import age_warning
from tests.rules.packs import shipped_rules
from tests.sandbox_server import Sandbox
from tests.wire.conftest import Run
from tests.wire.estate import REPORTED, A, right

JSON = ("--check", "--format", "json")
RULES = {rule.id: rule.kind for rule in shipped_rules()}
ONE_OF_EACH_KIND = sorted({kind: rule for rule, kind in RULES.items()}.values())
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the snapshot goes."""
    return tmp_path / "snapshot.json"


def rewritten(file: Path, change: Callable[[dict[str, Any]], object]) -> str:
    """The file once its document was changed."""
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))
    return str(file)


# ---------------------------------------------------------------- what it does not hold


@pytest.mark.parametrize("taken_for", ONE_OF_EACH_KIND)
def test_rules_that_a_snapshot_was_not_taken_for_are_unknown(
    taken_for: str, sandbox: Sandbox, run: Run, now: datetime, file: Path
) -> None:
    """Every rule says something, and no rule passes of whose kind nothing was collected; exit 3."""
    sandbox.plant(right(now))
    taken = run("snapshot", "--rule", taken_for, "--output", str(file), settings=REPORTED)
    assert taken.code == 0
    collected = set(json.loads(file.read_text())["collected"])

    ran = run(*JSON, "--snapshot", str(file))

    assert ran.code == 3
    for rule, kind in RULES.items():
        verdicts = ran.verdicts(rule)
        assert verdicts, f"{rule} says nothing"
        if kind not in collected:
            assert verdicts == {"*": "unknown"}
            told = f"the snapshot holds no {kind}: take it with the rules it is to be judged by"
            assert ran.finding(rule, "*")["because"] == told


def test_the_rule_that_it_was_taken_for_is_judged_as_ever(
    sandbox: Sandbox, run: Run, now: datetime, file: Path
) -> None:
    """Nothing of the others is missed where nobody asks for them."""
    sandbox.plant(right(now))
    only = ("--rule", "audit-logs-expire-in-time")
    run("snapshot", *only, "--output", str(file))

    ran = run(*JSON, *only, "--snapshot", str(file))

    assert ran.code == 0
    assert set(ran.verdicts(only[1]).values()) == {"pass"}


def test_explain_of_a_kind_that_it_does_not_hold(
    sandbox: Sandbox, run: Run, now: datetime, file: Path
) -> None:
    """The resource may well be there: exit 3, and how to see it."""
    sandbox.plant(right(now))
    run("snapshot", "--rule", "redshift-audit-logging-on", "--output", str(file))

    ran = run("explain", "audit-logs-expire-in-time", "audit-logs/prod/", "--snapshot", str(file))

    assert ran.code == 3
    assert "the snapshot holds no s3_log_location: take it with the rules" in ran.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda it: it.pop("collected"), "of an older version", id="older version"),
        pytest.param(lambda it: it.update(targets=[]), "has no targets", id="no targets"),
        pytest.param(
            lambda it: it.update(resources=it["resources"][1:]),
            f"{A}/eu-west-1 should have",
            id="a resource less",
        ),
    ],
)
def test_a_snapshot_that_was_cut_is_refused(
    change: Any, said: str, sandbox: Sandbox, run: Run, now: datetime, file: Path
) -> None:
    """Exit 2 and one line, not a verdict on what is left of it."""
    sandbox.plant(right(now))
    rule = ("--rule", "redshift-audit-logging-on")
    run("snapshot", *rule, "--output", str(file))

    ran = run(*JSON, "--snapshot", rewritten(file, change))

    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err


# ---------------------------------------------------------------- its age


@pytest.mark.parametrize(
    ("age", "said"),
    [
        pytest.param(timedelta(), "", id="just taken"),
        pytest.param(timedelta(hours=24), "", id="a day is not yet old"),
        pytest.param(
            timedelta(hours=24, seconds=1), "taken 1 day ago, on 2026-11-21:", id="more than a day"
        ),
        pytest.param(timedelta(days=400), "taken 400 days ago, on 2025-10-18:", id="a year"),
        pytest.param(timedelta(days=-1), "", id="a clock that is behind"),
    ],
)
def test_how_old_a_snapshot_is(age: timedelta, said: str) -> None:
    """One line, or nothing where it is of today."""
    warning = age_warning(NOW - age, NOW)

    assert said in warning
    assert bool(said) == bool(warning)
    assert "\n" not in warning


def test_an_old_snapshot_is_judged_with_a_warning(
    sandbox: Sandbox, run: Run, now: datetime, file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """On stderr for check and explain; the exit code stays."""
    sandbox.plant(right(now))
    run("snapshot", "--output", str(file))
    text = build_parser().parse_args(["--check", "--snapshot", str(file)])
    told = build_parser().parse_args(
        ["explain", "redshift-audit-logging-on", "orders", "--snapshot", str(file)]
    )
    capfd.readouterr()

    said = []
    for command, args in ((check, text), (explain, told)):
        assert command.run(args, now=now + timedelta(days=3, hours=1)) == 0
        said.append(capfd.readouterr().err)
    fresh = run("--check", "--snapshot", str(file))

    assert [err.count("\n") for err in said] == [1, 1]
    assert all(
        "this snapshot was taken 3 days ago" in err and "what follows is about then" in err
        for err in said
    )
    assert fresh.err == ""


def test_the_text_says_in_its_heading_that_it_is_about_long_ago(
    sandbox: Sandbox, run: Run, now: datetime, file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whoever is handed the report has not seen stderr."""
    sandbox.plant(right(now))
    run("snapshot", "--output", str(file))
    args = build_parser().parse_args(["--check", "--snapshot", str(file)])
    capfd.readouterr()

    check.run(args, now=now + timedelta(days=3, hours=1))

    heading = capfd.readouterr().out.splitlines()[1]
    assert heading.startswith("This snapshot was taken 3 days ago, on ")
