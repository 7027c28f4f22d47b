"""What the commands of remediation print and end with: plans, results, undo, the write policy."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agent.aws.hands import FIXER, iam_actions
from controls.fixes.catalog import FIXES
from tests.sandbox_server import Sandbox
from tests.wire.conftest import Ran, Run
from tests.wire.estate import A, right
from tests.wire.fixes.remediation import CASES, journal, settings_for, writes

LIFECYCLE = CASES["audit-logs-expire-in-time"]
LOGS = CASES["log-group-kept-long-enough"]
ROLE = CASES["redshift-user-activity-logged"]


def command(run: Run, folder: Path, *arguments: str, **changes: Any) -> Ran:
    """A run for the lifecycle's rule, with every fix allowed and its consent."""
    settings = settings_for(LIFECYCLE, folder, **changes)
    return run(*arguments, "--rule", LIFECYCLE.rule, settings=settings)


@pytest.fixture
def drift(sandbox: Sandbox, now: datetime) -> Sandbox:
    """A lifecycle that keeps logs too long; the planting's calls forgotten."""
    LIFECYCLE.plant(sandbox, now)
    sandbox.forget_calls()
    return sandbox


# ---------------------------------------------------------------- the plan


def test_the_plan_in_text_tells_why_what_with_which_calls_and_how_it_is_undone(
    drift: Sandbox, run: Run, tmp_path: Path
) -> None:
    ran = command(run, tmp_path, "--remediate", "--dry-run")

    assert ran.code == 1, "what the plan is for fails still"
    assert writes(drift) == {}
    heads = ("would make ", "    why ", "    what ", "    destroys ", "    call ", "    undo ")
    places = [ran.out.index(f"\n{head}") for head in heads]
    assert places == sorted(places)
    assert "    --- lifecycle configuration of bucket audit-logs (now)" in ran.out
    assert "s3:PutBucketLifecycleConfiguration in 111122223333/eu-west-1" in ran.out
    assert ran.out.startswith("1 step: 1 would be made, 0 not. Nothing was changed.\n")


def test_a_plan_that_is_held_says_so_first_and_shows_the_change_for_its_owner(
    drift: Sandbox, run: Run, tmp_path: Path
) -> None:
    ran = command(run, tmp_path, "--remediate", "--dry-run", remediation={"consents": []})

    assert "1 step: 0 would be made, 1 not." in ran.out
    assert ran.out.index("    held ") < ran.out.index("    call ")
    assert f"fix: expire_logs, resource: {LIFECYCLE.resource})" in ran.out


def test_the_plan_in_json_holds_every_call_and_reason(
    drift: Sandbox, run: Run, tmp_path: Path
) -> None:
    ran = command(run, tmp_path, "--remediate", "--dry-run", "--format", "json")

    [step] = ran.report["steps"]
    assert (ran.code, ran.report["schema"]) == (1, "trailkeeper.plan/1")
    assert (step["rule"], step["fix"], step["verdict"]) == (
        LIFECYCLE.rule,
        LIFECYCLE.fix,
        "would make",
    )
    assert [call["operation"] for call in step["change"]["calls"]] == [
        "PutBucketLifecycleConfiguration"
    ]
    assert step["change"]["costs"].keys() == {"destroys"}
    assert step["reasons"] == []


def test_a_plan_is_made_without_a_role_or_a_store_and_says_what_lacks(
    drift: Sandbox, run: Run, tmp_path: Path
) -> None:
    """Whoever only wants to know needs nothing but to read."""
    ran = command(run, tmp_path, "--remediate", "--dry-run", remediation={"role": None})

    assert ran.code == 1
    assert "remediation_role" in ran.out
    assert not (tmp_path / "state" / "trailkeeper.db").exists()


def test_a_plan_where_nothing_fails_ends_with_0(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    sandbox.plant(right(now))

    ran = command(run, tmp_path, "--remediate", "--dry-run")

    assert (ran.code, ran.out) == (0, "Nothing that fails has a fix.\n")


def test_where_it_cannot_be_seen_there_is_no_plan_and_no_verdict(
    drift: Sandbox, run: Run, tmp_path: Path
) -> None:
    drift.fault({"kind": "deny", "service": "s3", "operation": "GetBucketLifecycleConfiguration"})

    ran = command(run, tmp_path, "--remediate", "--dry-run", "--format", "json")

    assert (ran.code, ran.report["steps"]) == (3, [])


def test_a_plan_that_is_applied_twice_does_nothing_the_second_time(
    drift: Sandbox, run: Run, tmp_path: Path
) -> None:
    plan = str(tmp_path / "plan.json")
    command(run, tmp_path, "--remediate", "--dry-run", "--format", "json", "--output", plan)

    first = command(run, tmp_path, "--remediate", "--apply-plan", plan)
    second = command(run, tmp_path, "--remediate", "--apply-plan", plan)

    assert [first.code, second.code] == [0, 0]
    assert writes(drift) == {LIFECYCLE.write: 1}
    assert "already_right" in second.out


# ---------------------------------------------------------------- what is printed after acting


@pytest.mark.parametrize(
    ("form", "reads"),
    [
        pytest.param("sarif", json.loads, id="sarif"),
        pytest.param("junit", ET.fromstring, id="junit"),
    ],
)
def test_formats_for_other_programs_are_whole_and_what_was_done_is_told_beside(
    form: str, reads: Any, drift: Sandbox, run: Run, tmp_path: Path
) -> None:
    ran = command(run, tmp_path, "--check", "--remediate", "--format", form)

    assert ran.code == 0
    reads(ran.out)
    assert "1 step of remediation:\n  applied       expire_logs  audit-logs/prod/" in ran.err


def test_text_tells_what_was_done_and_then_what_is_so(
    drift: Sandbox, run: Run, tmp_path: Path
) -> None:
    ran = command(run, tmp_path, "--check", "--remediate", "--all")
    [entry] = journal(tmp_path)

    assert ran.code == 0
    assert ran.out.index(f"(change {entry.id})") < ran.out.index("PASS")


def test_json_lists_the_changes_beside_the_findings(
    drift: Sandbox, run: Run, tmp_path: Path
) -> None:
    output = tmp_path / "report.json"
    ran = command(
        run, tmp_path, "--check", "--remediate", "--format", "json", "--output", str(output)
    )
    [entry] = journal(tmp_path)
    document = json.loads(output.read_text())

    assert (ran.code, ran.out) == (0, "")
    assert document["changes"] == [
        {
            "id": entry.id,
            "finding": entry.finding,
            "rule": LIFECYCLE.rule,
            "fix": LIFECYCLE.fix,
            "outcome": "applied",
            "why": entry.why,
        }
    ]
    assert {one["status"] for one in document["findings"]} == {"pass"}


def test_what_fails_without_a_fix_is_named_as_a_person_s(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    sandbox.plant([*right(now), {"do": "remove", "what": "role", "account": A, "name": ROLE_NAME}])

    ran = run(
        "--check",
        "--remediate",
        "--rule",
        "redshift-role-exists",
        settings=settings_for(LIFECYCLE, tmp_path),
    )

    assert ran.code == 1
    assert "1 finding fails and has no fix; only a person can mend it:" in ran.out
    assert f"  redshift-role-exists  {ROLE_NAME}  (" in ran.out


ROLE_NAME = "RedshiftLoad"


def test_what_was_refused_by_a_report_that_cannot_be_written_is_in_the_journal(
    drift: Sandbox, run: Run, tmp_path: Path
) -> None:
    ran = command(run, tmp_path, "--check", "--remediate", "--output", str(tmp_path / "no" / "x"))

    assert ran.code == 2
    assert [entry.outcome for entry in journal(tmp_path)] == ["applied"]


# ---------------------------------------------------------------- one change after the other


def test_one_run_goes_on_to_what_the_first_change_made_possible(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """The parameter, then the reboot that puts it in force: which is held without its consent."""
    ROLE.plant(sandbox, now)

    ran = run(
        "--check",
        "--remediate",
        "--format",
        "json",
        "--rule",
        ROLE.rule,
        settings=settings_for(ROLE, tmp_path),
    )

    assert [(one["fix"], one["outcome"]) for one in ran.report["changes"]] == [
        ("enable_user_activity_logging", "awaiting"),
        ("reboot_cluster", "held"),
    ]


# ---------------------------------------------------------------- undo


def undo(run: Run, folder: Path, change: str, **changes: Any) -> Ran:
    return run("undo", change, settings=settings_for(LOGS, folder, **changes))


def applied(run: Run, folder: Path) -> str:
    """The id of a change that can be undone only at a cost: retention made longer."""
    settings = settings_for(LOGS, folder)
    ran = run("--check", "--remediate", "--rule", LOGS.rule, settings=settings)
    assert ran.code == 0, ran.out
    [entry] = journal(folder)
    return entry.id


def test_a_change_is_undone_once_and_by_name_only(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    LOGS.plant(sandbox, now)
    consents = [{"to": "destroys", "fix": LOGS.fix, "resource": LOGS.resource, "by": "Ann"}]
    change = applied(run, tmp_path)

    unknown = undo(run, tmp_path, "000000000000")
    refused = undo(run, tmp_path, change)
    undone = undo(run, tmp_path, change, remediation={"consents": consents})
    again = undo(run, tmp_path, change, remediation={"consents": consents})
    [newest, _] = reversed(journal(tmp_path))
    back = undo(run, tmp_path, newest.id, remediation={"consents": consents})

    assert [one.code for one in (unknown, refused, undone, again, back)] == [2, 2, 0, 2, 2]
    assert "there is no change 000000000000 in the store" in unknown.err
    assert f"(to: destroys, fix: {LOGS.fix}, resource: {LOGS.resource})" in refused.err
    assert undone.out.startswith(f"undone  change {change} by change {newest.id}: ")
    assert f"it was undone already, by {newest.id}" in again.err
    assert f"it is itself the undoing of {change}" in back.err
    assert writes(sandbox) == {"logs:PutRetentionPolicy": 2}


def test_after_an_undo_the_agent_does_not_do_it_again(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """Who asks for it by name has a reason."""
    LOGS.plant(sandbox, now)
    consents = [{"to": "destroys", "fix": LOGS.fix, "resource": LOGS.resource, "by": "Ann"}]
    limits = {"cool_down_seconds": 0.001}
    undo(run, tmp_path, applied(run, tmp_path), remediation={"consents": consents})

    settings = settings_for(LOGS, tmp_path, remediation={"limits": limits})
    given = ("--check", "--remediate", "--rule", LOGS.rule, "--format", "json")
    ran = run(*given, settings=settings)

    [change] = ran.report["changes"]
    assert (change["outcome"], ran.code) == ("held", 1)
    assert "it was undone at" in change["why"]


def test_what_somebody_changed_since_is_theirs(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    LOGS.plant(sandbox, now)
    consents = [{"to": "destroys", "fix": LOGS.fix, "resource": LOGS.resource, "by": "Ann"}]
    change = applied(run, tmp_path)
    sandbox.client("logs").put_retention_policy(logGroupName=LOGS.resource, retentionInDays=400)

    ran = undo(run, tmp_path, change, remediation={"consents": consents})

    assert ran.code == 2
    assert "was changed by somebody since" in ran.err


def test_an_undo_that_aws_refuses_ends_with_1_and_says_why(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    LOGS.plant(sandbox, now)
    consents = [{"to": "destroys", "fix": LOGS.fix, "resource": LOGS.resource, "by": "Ann"}]
    change = applied(run, tmp_path)
    sandbox.fault({"kind": "deny", "service": "logs", "operation": "PutRetentionPolicy"})

    ran = undo(run, tmp_path, change, remediation={"consents": consents})

    assert ran.code == 1
    assert ran.out.startswith(f"refused  change {change} ")
    assert "logs:PutRetentionPolicy" in ran.out


def test_undo_without_a_store_says_that_there_is_no_such_change(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    sandbox.plant(right(now))

    ran = undo(run, tmp_path, "0123456789ab")

    assert ran.code == 2
    assert "there is no change 0123456789ab" in ran.err


# ---------------------------------------------------------------- the policy of who writes


@pytest.mark.parametrize("fix", FIXES)
def test_the_policy_for_one_fix_grants_what_it_may_call_and_nothing_else(
    fix: str, run: Run, tmp_path: Path
) -> None:
    settings = settings_for(LIFECYCLE, tmp_path, remediation={"fixes": [fix], "consents": []})

    ran = run("iam", "--remediate", settings=settings)

    granted = {a for statement in json.loads(ran.out)["Statement"] for a in statement["Action"]}
    may = {action for name in FIXES[fix].writes for action in iam_actions(name)}
    assert granted - may <= {"s3:PutObject", "redshift:CreateTags"}
    assert may <= granted


def test_no_policy_grants_anything_beyond_the_writing_hand(run: Run, tmp_path: Path) -> None:
    ran = run("iam", "--remediate", settings=settings_for(LIFECYCLE, tmp_path))

    granted = {a for statement in json.loads(ran.out)["Statement"] for a in statement["Action"]}
    may = {action for name in FIXER for action in iam_actions(name)}
    assert granted - may == {"s3:PutObject", "redshift:CreateTags"}
    assert not [action for action in granted if "*" in action or "DisableLogging" in action]


def test_where_buckets_in_use_are_not_known_the_policy_says_what_it_does_not_cover(
    run: Run, tmp_path: Path
) -> None:
    ran = run("iam", "--remediate", settings=settings_for(LIFECYCLE, tmp_path))

    assert "The buckets are those that the configuration names." in ran.err
    assert '"arn:aws:s3:::audit-logs"' in ran.out
