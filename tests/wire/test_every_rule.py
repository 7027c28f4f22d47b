"""Every shipped rule over HTTP: pass, fail and unknown."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.rules.packs import shipped_rules
from tests.sandbox_server import Sandbox
from tests.wire.conftest import Run
from tests.wire.estate import REPORTED, SCENARIOS, right

RULES = sorted(rule.id for rule in shipped_rules())


def test_every_shipped_rule_has_a_scenario() -> None:
    """A rule without pass, fail and unknown over the wire fails the run."""
    assert sorted(SCENARIOS) == RULES


def test_the_right_estate_passes_every_rule(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Each rule passes on the resource that its scenario will break; exit code 0."""
    sandbox.plant(right(now))

    ran = run("--check", "--format", "json", settings=REPORTED)

    passed = {rule: ran.finding(rule, SCENARIOS[rule].resource)["status"] for rule in RULES}
    assert passed == dict.fromkeys(RULES, "pass")
    assert ran.report["summary"]["fail"] == 0
    assert ran.report["summary"]["unknown"] == 0
    assert ran.code == 0


@pytest.mark.parametrize("rule", RULES)
def test_it_fails_where_it_should(rule: str, sandbox: Sandbox, run: Run, now: datetime) -> None:
    """One thing is wrong; the rule says so, and why, with evidence and exit code 1."""
    scenario = SCENARIOS[rule]
    sandbox.plant([*right(now), *scenario.fails(now)])
    sandbox.fault(*scenario.answers)

    ran = run("--check", "--rule", rule, "--format", "json", settings=scenario.settings)

    finding = ran.finding(rule, scenario.resource)
    assert finding["status"] == "fail"
    assert scenario.says in finding["because"]
    assert all(fact["source"] for fact in finding["facts"].values())
    assert ran.code == 1


@pytest.mark.parametrize("rule", RULES)
def test_it_is_unknown_where_it_cannot_see(
    rule: str, sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """Denied is unknown: never a pass, never a failure, never an absence; exit code 3."""
    scenario = SCENARIOS[rule]
    sandbox.plant(right(now))
    sandbox.fault(*scenario.blinded_by)

    ran = run("--check", "--rule", rule, "--format", "json", settings=scenario.settings)

    statuses = set(ran.verdicts(rule).values())
    assert "unknown" in statuses
    assert statuses <= {"unknown", "pass", "not_applicable"}
    assert ran.verdicts(rule).get(scenario.resource, "unknown") == "unknown"
    denied = [each for each in ran.report["findings"] if each["status"] == "unknown"]
    assert all("denied" in each["because"] for each in denied)
    assert ran.code == 3
