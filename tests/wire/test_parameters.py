"""Parameters cannot switch a rule off: refused out of bounds, told in the report within them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_server import Sandbox
from tests.wire.clear import judged
from tests.wire.conftest import Run
from tests.wire.estate import cluster, right

JSON = ("--check", "--format", "json")
FRESH, HEALTHY = "redshift-logs-fresh", "redshift-log-delivery-healthy"
EXPIRE, KEPT = "audit-logs-expire-in-time", "audit-logs-kept-long-enough"
GROUP, GROUP_KEPT = "log-group-retention", "log-group-kept-long-enough"
ABORT = "audit-logs-uploads-aborted"
BY_CLASS = "comes from the retention class of the logs"


@pytest.mark.parametrize("written", ["params", "overrides", "environment"])
@pytest.mark.parametrize(
    ("rule", "name", "value", "said"),
    [
        pytest.param(FRESH, "max_age_hours", 87600, "is at most 72, not 87600", id="ten years"),
        pytest.param(FRESH, "max_age_hours", 2, "is at least 3, not 2", id="sooner than it can"),
        pytest.param(HEALTHY, "grace_hours", 100000, "is at most 24, not 100000", id="grace"),
        pytest.param(HEALTHY, "grace_hours", -1, "is at least 0, not -1", id="negative grace"),
        pytest.param(ABORT, "abort_within_days", 9999, "is at most 365, not 9999", id="uploads"),
        pytest.param(ABORT, "max_days", 7, "has no parameter 'max_days'", id="uploads by class"),
        pytest.param(EXPIRE, "max_days", 99999999, BY_CLASS, id="never deleted"),
        pytest.param(EXPIRE, "max_days", 180, BY_CLASS, id="days that are right"),
        pytest.param(KEPT, "min_days", -5, BY_CLASS, id="kept for less than nothing"),
        pytest.param(GROUP, "max_days", -3, BY_CLASS, id="a group deleted before it is written"),
        pytest.param(GROUP_KEPT, "min_days", 1, BY_CLASS, id="a group kept for a day"),
    ],
)
def test_a_parameter_that_would_switch_a_rule_off_is_refused(
    rule: str,
    name: str,
    value: int,
    said: str,
    written: str,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit 2 before anything is asked of AWS, with rule, parameter, bound and place."""
    file = f"{tmp_path / 'trailkeeper.yaml'}:"
    variable = f"TRAILKEEPER_PARAMS__{rule.upper()}__{name.upper()}"
    settings: Mapping[str, Any] = {}
    match written:
        case "params":
            settings = {"params": {rule: {name: value}}}
        case "overrides":
            settings = {
                "overrides": [{"rule": rule, "params": {name: value}, "region": "eu-west-1"}]
            }
        case _:
            monkeypatch.setenv(variable, str(value))

    ran = run(*JSON, settings=settings)

    assert (ran.code, ran.out) == (2, "")
    (line,) = ran.err.splitlines()[1:]
    assert line.startswith(f"{variable}: " if written == "environment" else file)
    assert rule in line
    assert name in line
    assert said in line


def test_a_retention_class_that_would_switch_a_rule_off_is_refused(
    run: Run, tmp_path: Path
) -> None:
    """A class of twenty years is an override by another name: exit 2."""
    forever = {"classes": {"forever": {"min_days": 1, "max_days": 7300}}, "default": "forever"}

    ran = run(*JSON, settings={"retention": forever})

    assert ran.code == 2
    assert f"{tmp_path / 'trailkeeper.yaml'}:3:5: retention class forever" in ran.err
    assert f"parameter max_days of rule {EXPIRE} is at most 3653" in ran.err


SETTINGS: Mapping[str, Any] = {
    "params": {FRESH: {"max_age_hours": 12}},
    "overrides": [
        {"rule": HEALTHY, "params": {"grace_hours": 4}, "tag": "env=prod"},
        {"rule": HEALTHY, "params": {"grace_hours": 5}, "resource": "order"},
    ],
    "retention": {
        "assign": [
            {"class": "pci", "location": "audit-logs/*"},
            {"class": "pci", "tag": "scope=none"},
        ]
    },
}
TOLD = [
    f"{FRESH}: max_age_hours 12 instead of 24, for all",
    f"{HEALTHY}: grace_hours 4 instead of 2, for tag env=prod",
    f"the override of {HEALTHY} for resource order matches nothing",
    (
        "retention class pci (365 to 400 days) instead of six-months (180 to 180 days), "
        "for location audit-logs/*"
    ),
    "the retention class pci for tag scope=none matches nothing",
]


def test_what_differs_from_the_rules_own_stands_in_every_report(
    sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """In force, or written for what the sweep did not see: both are said."""
    sandbox.plant([*right(now), cluster(tags={"env": "prod"})])

    assert run(*JSON, settings=SETTINGS).report["deviations"] == TOLD
    text = run("--check", settings=SETTINGS).out.splitlines()
    at = text.index("Parameters that differ from the rules' own:")
    assert text[at + 1 : at + 6] == [f"  {line}" for line in TOLD]
    assert run(*JSON).report["deviations"] == []


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        pytest.param("env=prod", "instead of 180", id="the writer's"),
        pytest.param("env=dev", "matches nothing", id="nobody's"),
    ],
)
def test_an_override_by_tag_reaches_the_logs_of_the_cluster(
    tag: str, told: str, sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """A location has no tags of its own: those of the cluster that writes there count."""
    sandbox.plant([*right(now), cluster(tags={"env": "prod"})])
    override = {"rule": ABORT, "params": {"abort_within_days": 6}, "tag": tag}

    ran = run(*JSON, "--rule", ABORT, settings={"overrides": [override]})

    reached = told == "instead of 180"
    assert judged(ran, 1 if reached else 0)["fail"] == reached
    assert told in ran.report["deviations"][0]


HOLLOW = """\
id: cluster-has-an-owner
title: Every cluster is available
why: One that is not cannot be asked about.
severity: low
resource: redshift_cluster
must: available || !available
remedy: Look at the cluster's events.
examples:
  pass: [{available: true}]
  fail: [{available: false}]
"""


@pytest.mark.parametrize(
    "command", [("--check",), ("explain", "cluster-has-an-owner", "orders"), ("rules", "list")]
)
def test_a_rule_whose_own_examples_fail_is_not_judged(
    command: tuple[str, ...], run: Run, tmp_path: Path
) -> None:
    """It would have passed everything: exit 2, at the example."""
    (tmp_path / "cluster-has-an-owner.yaml").write_text(HOLLOW, encoding="utf-8")

    ran = run(*command, "--rules", str(tmp_path))

    assert (ran.code, ran.out) == (2, "")
    assert "cluster-has-an-owner.yaml:10:10: " in ran.err
    assert "this example is to be fail, and is pass" in ran.err
