"""Killed at any point: the next run closes what was open by looking, and ends what was begun."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from controls.remedy import Outcome
from tests.agent_process import eventually
from tests.sandbox_server import Sandbox
from tests.wire.conftest import Ran, Run
from tests.wire.estate import A, cluster
from tests.wire.fixes.remediation import CASES, Case, journal, settings_for, writes

LIFECYCLE = CASES["audit-logs-expire-in-time"]
CLONE = Case(
    "redshift-user-activity-logged",
    "enable_user_activity_logging",
    "redshift:ModifyCluster",
    fails=[cluster(parameter_group="default.redshift-1.0")],
    outcome="awaiting",
)
"""Three calls: a group of its own is created, set, and attached."""

FIXER = f"arn:aws:iam::{A}:role/Fixer"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{A}:root"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ROLE = {"do": "role", "account": A, "name": "Fixer", "trust": TRUST}


def settings(case: Case, folder: Path) -> dict[str, Any]:
    """With a role to write, which is assumed between the journal and the first call."""
    return settings_for(
        case,
        folder,
        workers=1,
        remediation={"role": FIXER, "verify_seconds": 5},
    )


def arguments(case: Case) -> Sequence[str]:
    return ("--check", "--remediate", "--rule", case.rule, "--format", "json")


def killed_while_hanging(
    sandbox: Sandbox, case: Case, folder: Path, point: Mapping[str, Any]
) -> None:
    """A real process, killed once its request of that kind hangs; the request goes on after it."""
    config = folder / "killed.yaml"
    config.write_text(yaml.safe_dump(settings(case, folder)), encoding="utf-8")
    sandbox.fault({"kind": "hang", "seconds": 60, **point})
    child = subprocess.Popen(
        [sys.executable, "-m", "agent", *arguments(case), "--config", str(config)],
        env=sandbox.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: sandbox.faults()[0]["met"] or child.poll() is not None, "the hang")
        assert child.poll() is None, "it ended before it came to that point"
    finally:
        child.kill()
        child.wait()
    sandbox.clear_faults()


def again(run: Run, case: Case, folder: Path) -> Ran:
    return run(*arguments(case), settings=settings(case, folder))


def ended_well(sandbox: Sandbox, run: Run, case: Case, folder: Path) -> list[Outcome | None]:
    """The next run, and one more that makes nothing; how the entries of the journal ended."""
    ran = again(run, case, folder)
    found = [entry.outcome for entry in journal(folder)]
    assert ran.code == (0 if case.outcome == "applied" else 1), (ran.out, ran.err)
    assert None not in found
    assert found[-1] == case.outcome
    made = writes(sandbox)
    again(run, case, folder)
    assert writes(sandbox) == made
    return found


@pytest.mark.parametrize(
    ("point", "left", "ends"),
    [
        pytest.param(
            {"service": "sts", "operation": "AssumeRole", "resource": "Fixer"},
            [None],
            ["refused", "applied"],
            id="after the line in the journal, before the call",
        ),
        pytest.param(
            {"service": "s3", "operation": "PutBucketLifecycleConfiguration"},
            [None],
            ["applied"],
            id="during the call",
        ),
    ],
)
def test_killed_around_the_call(
    point: Mapping[str, Any],
    left: list[None],
    ends: list[str],
    sandbox: Sandbox,
    run: Run,
    now: datetime,
    tmp_path: Path,
) -> None:
    LIFECYCLE.plant(sandbox, now)
    sandbox.plant([ROLE])
    sandbox.forget_calls()

    killed_while_hanging(sandbox, LIFECYCLE, tmp_path, point)

    assert [entry.outcome for entry in journal(tmp_path)] == left
    assert ended_well(sandbox, run, LIFECYCLE, tmp_path) == ends
    assert writes(sandbox) == {LIFECYCLE.write: 1}


def test_killed_at_any_request_from_the_plan_to_the_end(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """One worker asks in a fixed order: each request around the write hangs in its turn."""
    LIFECYCLE.plant(sandbox, now)
    sandbox.plant([ROLE])
    sandbox.forget_calls()
    again(run, LIFECYCLE, tmp_path / "whole")
    asked = [call["operation"] for call in sandbox.calls()]
    write = asked.index("PutBucketLifecycleConfiguration")
    seen: set[tuple[Outcome | None, ...]] = set()
    for number in (write - 3, write + 1, write + 4, write + 12, len(asked) - 2):
        sandbox.reset()
        LIFECYCLE.plant(sandbox, now)
        sandbox.plant([ROLE])
        sandbox.forget_calls()
        folder = tmp_path / str(number)
        folder.mkdir()
        killed_while_hanging(sandbox, LIFECYCLE, folder, {"after": number})
        seen.add(tuple(entry.outcome for entry in journal(folder)))
        ended_well(sandbox, run, LIFECYCLE, folder)
        assert writes(sandbox) == {LIFECYCLE.write: 1}, number
    assert seen >= {(), (None,)}


@pytest.mark.parametrize(
    ("operation", "ends"),
    [
        pytest.param(
            "CreateClusterParameterGroup", ["partial", "awaiting"], id="during the first call"
        ),
        pytest.param(
            "ModifyClusterParameterGroup", ["partial", "awaiting"], id="during the second"
        ),
        pytest.param("ModifyCluster", ["awaiting"], id="during the last"),
    ],
)
def test_killed_in_the_middle_of_several_calls(
    operation: str, ends: list[str], sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """What was made is not made again; the rest is planned anew and made."""
    CLONE.plant(sandbox, now)
    sandbox.plant([ROLE])
    sandbox.forget_calls()

    point = {"service": "redshift", "operation": operation}
    killed_while_hanging(sandbox, CLONE, tmp_path, point)

    assert [entry.outcome for entry in journal(tmp_path)] == [None]
    assert ended_well(sandbox, run, CLONE, tmp_path) == ends
    assert writes(sandbox) == {
        "redshift:CreateClusterParameterGroup": 1,
        "redshift:ModifyClusterParameterGroup": 1,
        "redshift:ModifyCluster": 1,
    }
