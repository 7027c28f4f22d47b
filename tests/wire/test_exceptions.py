"""Waivers, overrides, retention classes and --fail-on, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sandbox_server import Sandbox
from tests.wire.clear import judged
from tests.wire.conftest import Run
from tests.wire.estate import A, bucket, cluster, deny, lifecycle, right

JSON = ("--check", "--format", "json")
LOCATION = "audit-logs/prod/"


# ---------------------------------------------------------------- waivers, overrides, classes


def waived(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    """Configuration with one waiver of the failing lifecycle."""
    file = tmp_path / "waivers.yaml"
    entry = {
        "rule": "audit-logs-expire-in-time",
        "resources": ["audit-logs/*"],
        "why": "the archive moves in spring",
        "by": "ops@example.com",
        "until": f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}",
        **changes,
    }
    file.write_text(yaml.safe_dump([entry]), encoding="utf-8")
    return {"waivers": str(file)}


ONLY = ("--rule", "audit-logs-expire-in-time")


def test_a_waived_finding(sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path) -> None:
    """It is shown with who and until when; exit 0."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])

    ran = run(*JSON, *ONLY, settings=waived(tmp_path))

    assert judged(ran, 0)["waived"] == 1
    waiver = ran.finding("audit-logs-expire-in-time", LOCATION)["waiver"]
    assert waiver["by"] == "ops@example.com"


def test_an_expired_waiver(sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path) -> None:
    """It waives nothing any more, and is listed; exit 1."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])

    ran = run(*JSON, *ONLY, settings=waived(tmp_path, until="2026-01-31"))

    assert judged(ran, 1)["fail"] == 1
    assert [one["until"] for one in ran.report["waivers"]["expired"]] == ["2026-01-31"]


def test_an_unused_waiver(sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path) -> None:
    """What it waived is right by now: listed, so that somebody takes it away; exit 0."""
    sandbox.plant(right(now))

    ran = run(*JSON, *ONLY, settings=waived(tmp_path))

    assert judged(ran, 0)["pass"] == 1
    assert len(ran.report["waivers"]["unused"]) == 1


def test_an_unknown_finding_is_not_waived_into_a_pass(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """Blindness stays blindness; exit 3."""
    sandbox.plant(right(now))
    sandbox.fault(deny("GetBucketLifecycleConfiguration"))

    assert judged(run(*JSON, *ONLY, settings=waived(tmp_path)), 3)["unknown"] == 1


def test_a_waiver_of_no_rule(run: Run, tmp_path: Path) -> None:
    """Exit 2, with the place."""
    ran = run(*JSON, settings=waived(tmp_path, rule="audit-logs-expire"))

    assert ran.code == 2
    assert "waivers.yaml:" in ran.err


PCI = {"retention": {"assign": [{"class": "pci", "tag": "class=pci"}]}}


def test_a_retention_class_by_tag(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """A year must be kept where the cluster is tagged so: 180 days are too short there."""
    sandbox.plant([*right(now), cluster(tags={"class": "pci"})])

    ran = run(*JSON, settings=PCI)

    kept = ran.finding("audit-logs-kept-long-enough", LOCATION)
    assert (kept["status"], kept["params"]) == ("fail", {"min_days": 365})
    expire = ran.finding("audit-logs-expire-in-time", LOCATION)
    assert (expire["status"], expire["params"]) == ("pass", {"max_days": 400})
    assert judged(ran, 1)["fail"] == 1


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        pytest.param({"resource": LOCATION}, "pass", id="the resource"),
        pytest.param({"account": A}, "pass", id="its account"),
        pytest.param({"region": "eu-west-1"}, "pass", id="its region"),
        pytest.param({"account": "000000000000"}, "fail", id="another account"),
        pytest.param({"tag": "team=ops"}, "fail", id="another tag"),
    ],
)
def test_an_override(
    scope: Mapping[str, str], status: str, sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """A parameter for some resources, and no others."""
    rule = "audit-logs-uploads-aborted"
    late = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 200}}
    sandbox.plant([*right(now), bucket(lifecycle=lifecycle(**late))])
    override = {"rule": rule, "params": {"abort_within_days": 200}, **scope}

    ran = run(*JSON, "--rule", rule, settings={"overrides": [override]})

    assert ran.finding(rule, LOCATION)["status"] == status


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param(["--fail-on", "critical"], 0, id="graver ones only"),
        pytest.param(["--fail-on", "low"], 1, id="any"),
    ],
)
def test_fail_on(
    options: Sequence[str], code: int, sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """What is less grave is shown and does not count."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])

    assert judged(run(*JSON, *options), code)["fail"] > 0


def test_a_check_that_no_rule_can_fail_is_refused(run: Run) -> None:
    """Nothing is asked of AWS: the option and the rules contradict each other."""
    ran = run("--check", "--rule", "log-bucket-tls-only", "--fail-on", "critical")

    assert (ran.code, ran.out) == (2, "")
    assert "no rule in use is of severity critical or above" in ran.err
