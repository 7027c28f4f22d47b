"""The simulated estate: what Trailkeeper says of it, its configuration, and what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.config import load_settings
from agent.sandbox import estate
from agent.sandbox.accounts import long_term_key
from agent.sandbox.estate_analytics import (
    COMMANDS_ROLE,
    FORMER_BUCKET,
    LOST_BUCKET,
    SHARED_BUCKET,
    WALKTHROUGH_BUCKET,
)
from agent.sandbox.estate_archive import CENTRAL
from agent.sandbox.estate_shapes import (
    ANALYTICS,
    ARCHIVE,
    EU,
    FINANCE,
    FINANCE_EXTERNAL_ID,
    US,
)
from agent.sandbox.server import start_server
from tests.sandbox_server import Sandbox

RULES = Path(__file__).parents[3] / "rules" / "redshift-audit"


@dataclass(frozen=True)
class Checked:
    """What one `trailkeeper --check` ended with."""

    exit_code: int
    findings: list[dict[str, Any]]
    targets: list[dict[str, Any]]

    def verdicts(self, rule: str) -> dict[str, set[str]]:
        """The statuses of a rule's findings by resource; one each, unless names collide."""
        found: dict[str, set[str]] = {}
        for finding in self.findings:
            if finding["rule"] == rule:
                found.setdefault(finding["resource"], set()).add(finding["status"])
        return found

    def because(self, rule: str, resource: str) -> str:
        """Why, in the finding's own words."""
        [text] = [
            finding["because"]
            for finding in self.findings
            if (finding["rule"], finding["resource"]) == (rule, resource)
        ]
        return str(text)


@pytest.fixture(scope="module")
def planted() -> Iterator[Sandbox]:
    """A server of its own, seeded as the demo's is."""
    with start_server(seed="agent.sandbox.estate:seed") as server:
        yield Sandbox(server)


@pytest.fixture(scope="module")
def checked(planted: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """One real check of the estate, by its own configuration, in a process of its own."""
    config = tmp_path_factory.mktemp("estate") / "trailkeeper.yaml"
    config.write_text(estate.configuration(), encoding="utf-8")
    command = [sys.executable, "-m", "agent", "--check", "--config", str(config)]
    done = subprocess.run(
        [*command, "--format", "json", "--all"],
        env=planted.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout, done.stderr
    said = json.loads(done.stdout)
    return Checked(done.returncode, said["findings"], said["targets"])


# ---------------------------------------------------------------- what Trailkeeper says of it


@pytest.mark.parametrize("rule", sorted({rule for rule, _ in estate.EXPECTED}))
def test_every_verdict_of_a_rule_is_the_expected_one(checked: Checked, rule: str) -> None:
    expected = {name: {status} for (of, name), status in estate.EXPECTED.items() if of == rule}

    assert expected == checked.verdicts(rule)


def test_every_rule_of_the_pack_is_expected_to_judge_something() -> None:
    """But the one on monthly reports, which judges where the configuration has a place for them:
    the demo's has (`estate_report`), the estate's own has not."""
    shipped = {path.stem for path in RULES.glob("*.yaml")} - {"pack"}

    assert shipped - {"audit-report-produced"} == {rule for rule, _ in estate.EXPECTED}


def test_the_check_of_an_estate_with_drift_exits_with_one(checked: Checked) -> None:
    assert checked.exit_code == 1


def test_a_reader_sees_more_of_what_is_right_than_of_what_is_wrong() -> None:
    verdicts = list(estate.EXPECTED.values())
    failed, passed = verdicts.count("fail"), verdicts.count("pass")

    assert passed > 3 * failed > 0


def test_every_target_could_be_read(checked: Checked) -> None:
    """What S3 Tables keep cannot be judged, which is not the same as a target not being read."""
    states = {(one["account"], one["region"]): one["status"] for one in checked.targets}

    assert states == dict.fromkeys(
        ((a, r) for a in (ANALYTICS, FINANCE, ARCHIVE) for r in (EU, US)), "complete"
    )


@pytest.mark.parametrize(
    ("rule", "resource", "said"),
    [
        pytest.param(
            "audit-logs-expire-in-time",
            f"{WALKTHROUGH_BUCKET}/",
            "rule remove-6month-old-file deletes noncurrent versions only, and the bucket has no",
            id="the walkthrough's lifecycle deletes nothing",
        ),
        pytest.param(
            "redshift-user-activity-logged",
            "ledger-prod",
            "pending-reboot",
            id="the parameter is true and not in force",
        ),
        pytest.param(
            "redshift-user-activity-logged",
            "redshift-cluster-1",
            "sets enable_user_activity_logging to false",
            id="the walkthrough's parameter is false",
        ),
        pytest.param(
            "audit-logs-expire-in-time",
            f"{SHARED_BUCKET}/warehouse/",
            "'AWSLogs/'",
            id="the lifecycle names another prefix",
        ),
        pytest.param(
            "redshift-log-delivery-admitted",
            "risk-models",
            "aws:PrincipalIsAWSService",
            id="the denial forgot AWS services",
        ),
        pytest.param(
            "redshift-log-delivery-healthy",
            "marketing-attribution",
            "The owner of bucket",
            id="the bucket changed its owner",
        ),
        pytest.param(
            "redshift-role-least-privilege",
            COMMANDS_ROLE,
            "AmazonRedshiftAllCommandsFullAccess",
            id="the console's default role reaches the logs",
        ),
    ],
)
def test_a_finding_names_what_was_planted(
    checked: Checked, rule: str, resource: str, said: str
) -> None:
    assert estate.EXPECTED[rule, resource] == "fail"
    assert said in checked.because(rule, resource)


def test_the_two_findings_to_explain_are_failures() -> None:
    assert [estate.EXPECTED[finding] for finding in estate.WALKTHROUGH] == ["fail", "fail"]


def test_owners_of_central_buckets_are_found_though_not_configured(checked: Checked) -> None:
    owners = {
        finding["resource"]: finding["owner_account"]
        for finding in checked.findings
        if finding["rule"] == "log-bucket-private" and "S3 Tables" not in finding["resource"]
    }

    assert {ARCHIVE} == {owners[bucket] for bucket in CENTRAL.values()}
    assert owners[LOST_BUCKET] == FINANCE


# ---------------------------------------------------------------- the configuration, and the cost


def test_the_configuration_is_one_that_trailkeeper_reads(tmp_path: Path) -> None:
    path = tmp_path / "trailkeeper.yaml"
    path.write_text(estate.configuration(), encoding="utf-8")
    settings = load_settings(path, {})

    assert settings.regions == (EU, US)
    assert [(t.role or "").split(":")[4] for t in settings.targets] == [ANALYTICS, FINANCE, ARCHIVE]
    assert [t.external_id for t in settings.targets] == [None, FINANCE_EXTERNAL_ID, None]


def test_the_configuration_names_no_bucket_that_a_cluster_delivers_to() -> None:
    named = {one["bucket"] for one in yaml.safe_load(estate.configuration())["log_buckets"]}
    used = {
        step["logging"].get("bucket")
        for step in estate.steps(datetime.now(UTC))
        if step["do"] == "cluster" and "logging" in step
    }

    assert {FORMER_BUCKET} == named
    assert not named & used


def test_the_base_credentials_belong_to_analytics(planted: Sandbox) -> None:
    assert planted.environment()["AWS_ACCESS_KEY_ID"] == long_term_key(ANALYTICS)


def test_whoever_wants_the_configuration_only_does_not_load_moto() -> None:
    code = "import sys, agent.sandbox.estate; sys.exit('moto' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the CPU time from /proc")
def test_starting_and_seeding_costs_less_than_six_seconds_of_cpu() -> None:
    with start_server(seed="agent.sandbox.estate:seed") as server:
        fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[-1].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    assert seconds < 6
