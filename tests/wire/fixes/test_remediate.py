"""`--check --remediate` over HTTP: each fix from drift to proof, and what goes wrong meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agent.store.keeper import Keeper
from controls.remedy import Outcome
from tests.sandbox_server import Sandbox
from tests.wire.conftest import Ran, Run
from tests.wire.estate import SCENARIOS
from tests.wire.fixes.remediation import CASES, Case, journal, settings_for, writes

LIFECYCLE = CASES["audit-logs-expire-in-time"]


def remediate(run: Run, case: Case, folder: Path, *more: str, **changes: Any) -> Ran:
    """One pass for the case's rule."""
    return run(
        "--check",
        "--remediate",
        "--rule",
        case.rule,
        "--format",
        "json",
        *more,
        settings=settings_for(case, folder, **changes),
    )


def outcome(ran: Ran, case: Case) -> str:
    """What came of the case's fix."""
    found = [change["outcome"] for change in ran.report["changes"] if change["fix"] == case.fix]
    assert len(found) == 1, ran.report["changes"]
    return str(found[0])


def fault(case: Case, kind: str, **more: Any) -> Mapping[str, Any]:
    """One that meets the case's write."""
    service, _, operation = case.write.partition(":")
    return {"kind": kind, "service": service, "operation": operation, **more}


@pytest.mark.parametrize("rule", CASES)
def test_it_is_put_right_once(
    rule: str, sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """With the consents it is applied and proven; a second run makes no call."""
    case = CASES[rule]
    case.plant(sandbox, now)

    sandbox.forget_calls()
    first = remediate(run, case, tmp_path)
    assert outcome(first, case) == case.outcome, first.report["changes"]
    assert first.code == (0 if case.outcome == "applied" else 1)
    assert writes(sandbox) == {case.write: 1}
    assert [entry.outcome for entry in journal(tmp_path)] == [case.outcome]

    sandbox.forget_calls()
    second = remediate(run, case, tmp_path)
    assert writes(sandbox) == {}
    assert second.code == first.code
    assert len(journal(tmp_path)) == 1


@pytest.mark.parametrize("rule", [case.rule for case in CASES.values() if case.costs])
def test_without_its_consent_it_is_held_and_the_consent_is_named(
    rule: str, sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    case = CASES[rule]
    case.plant(sandbox, now)
    sandbox.forget_calls()

    ran = remediate(run, case, tmp_path, remediation={"consents": []})

    (change,) = ran.report["changes"]
    assert (ran.code, change["outcome"], writes(sandbox)) == (1, "held", {})
    assert "consent" in change["why"]
    assert case.fix in change["why"]
    assert case.resource in change["why"]


@pytest.mark.parametrize("rule", CASES)
def test_what_fails_on_the_wire_ends_as_the_world_is(
    rule: str, sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """Refused, a server error, an answer cut off; then a throttle, which is waited out."""
    case = CASES[rule]
    case.plant(sandbox, now)
    for kind, ends in (("deny", "refused"), ("error", "ineffective"), ("malformed", "ineffective")):
        folder = tmp_path / kind
        sandbox.forget_calls()
        sandbox.fault(fault(case, kind))
        ran = remediate(run, case, folder, remediation={"verify_seconds": 1})
        sandbox.clear_faults()

        assert (outcome(ran, case), ran.code) == (ends, 1), kind
        assert writes(sandbox) == {case.write: 1}, kind
        assert [entry.outcome for entry in journal(folder)] == [ends]

    sandbox.forget_calls()
    sandbox.fault(fault(case, "throttle", times=1))
    ran = remediate(run, case, tmp_path / "throttle")
    assert outcome(ran, case) == case.outcome
    assert writes(sandbox) == {case.write: 2}


@pytest.mark.parametrize("rule", CASES)
def test_a_write_that_is_carried_out_after_nobody_waits_any_more_is_seen(
    rule: str, sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """The answer comes after the timeout: it is looked for, and not asked for again."""
    case = CASES[rule]
    case.plant(sandbox, now)
    sandbox.forget_calls()
    sandbox.fault(fault(case, "hang", seconds=2.5, times=1))

    ran = remediate(run, case, tmp_path, call_timeouts={"read_seconds": 1.5})

    assert outcome(ran, case) == case.outcome, ran.report["changes"]
    assert writes(sandbox) == {case.write: 1}


# ---------------------------------------------------------------- eventual consistency


@pytest.mark.parametrize(
    "rule",
    [
        "audit-logs-expire-in-time",
        "log-bucket-private",
        "log-group-retention",
        "redshift-audit-logging-on",
        "serverless-log-types-complete",
    ],
)
def test_old_answers_are_waited_out(
    rule: str, sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    case = CASES[rule]
    case.plant(sandbox, now)
    sandbox.forget_calls()
    sandbox.fault({"kind": "stale", "service": case.write.partition(":")[0], "times": 3})

    ran = remediate(run, case, tmp_path)

    assert sandbox.faults()[0]["met"] == 3
    assert (outcome(ran, case), ran.code) == ("applied", 0)
    assert writes(sandbox) == {case.write: 1}


def test_old_answers_to_the_end_are_ineffective_and_right_the_next_time(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    LIFECYCLE.plant(sandbox, now)
    sandbox.forget_calls()
    sandbox.fault({"kind": "stale", "service": "s3"})

    first = remediate(run, LIFECYCLE, tmp_path, remediation={"verify_seconds": 2})
    sandbox.clear_faults()
    second = remediate(run, LIFECYCLE, tmp_path)

    assert (outcome(first, LIFECYCLE), first.code) == ("ineffective", 1)
    assert (second.report["changes"], second.code) == ([], 0)
    assert writes(sandbox) == {LIFECYCLE.write: 1}


# ---------------------------------------------------------------- several at once


def test_two_fixes_of_one_document_in_one_round_both_stand(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """Each writes the whole configuration: the second must not take back the first."""
    LIFECYCLE.plant(sandbox, now)
    abort = CASES["audit-logs-uploads-aborted"]
    consents = [
        {"to": "destroys", "fix": case.fix, "resource": case.resource, "by": "Ann"}
        for case in (LIFECYCLE, abort)
    ]

    ran = remediate(
        run, LIFECYCLE, tmp_path, "--rule", abort.rule, remediation={"consents": consents}
    )

    assert [change["outcome"] for change in ran.report["changes"]] == ["applied", "applied"]
    assert ran.code == 0


def test_the_limit_of_a_sweep_counts_what_this_sweep_made(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    private, retention = CASES["log-bucket-private"], CASES["log-group-kept-long-enough"]
    private.plant(sandbox, now)
    retention.plant(sandbox, now)
    sandbox.plant(SCENARIOS["log-bucket-private"].fails(now))
    sandbox.forget_calls()

    ran = remediate(
        run,
        private,
        tmp_path,
        "--rule",
        retention.rule,
        remediation={"limits": {"per_sweep": 1}},
    )

    ended = sorted(change["outcome"] for change in ran.report["changes"])
    assert ended == ["applied", "held"]
    assert sum(writes(sandbox).values()) == 1


# ---------------------------------------------------------------- plans


def test_a_plan_changes_nothing_and_is_carried_out_later_as_it_stands(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    LIFECYCLE.plant(sandbox, now)
    sandbox.forget_calls()
    plan = tmp_path / "plan.json"
    given = ("--remediate", "--rule", LIFECYCLE.rule, "--format", "json")
    settings = settings_for(LIFECYCLE, tmp_path)

    run(*given, "--dry-run", "--output", str(plan), settings=settings)
    assert writes(sandbox) == {}
    assert not (tmp_path / "state").exists() or journal(tmp_path) == []

    ran = run(*given, "--apply-plan", str(plan), settings=settings)
    assert (outcome(ran, LIFECYCLE), ran.code) == ("applied", 0)


def test_a_plan_that_the_world_has_left_behind_is_held(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    LIFECYCLE.plant(sandbox, now)
    plan = tmp_path / "plan.json"
    given = ("--remediate", "--rule", LIFECYCLE.rule, "--format", "json")
    settings = settings_for(LIFECYCLE, tmp_path)
    run(*given, "--dry-run", "--output", str(plan), settings=settings)
    sandbox.client("s3").put_bucket_lifecycle_configuration(
        Bucket="audit-logs",
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "theirs",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "other/"},
                    "Expiration": {"Days": 9},
                }
            ]
        },
    )
    sandbox.forget_calls()

    ran = run(*given, "--apply-plan", str(plan), settings=settings)

    (change,) = ran.report["changes"]
    assert (change["outcome"], ran.code, writes(sandbox)) == ("held", 1, {})
    assert "moved on" in change["why"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="no JSON"),
        pytest.param("[" * 100_000, id="nested without end"),
        pytest.param("[]", id="a list"),
        pytest.param('{"schema": "trailkeeper.plan/99", "steps": []}', id="another schema"),
        pytest.param('{"schema": "trailkeeper.plan/1"}', id="no steps"),
        pytest.param('{"schema": "trailkeeper.plan/1", "steps": "x"}', id="steps of text"),
        pytest.param(
            '{"schema": "trailkeeper.plan/1", "steps": [{"verdict": "would make"}]}', id="half"
        ),
    ],
)
def test_a_damaged_plan_is_wrong_use(
    text: str, sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(text, encoding="utf-8")

    ran = run("--remediate", "--apply-plan", str(plan), settings=settings_for(LIFECYCLE, tmp_path))

    assert ran.code == 2, ran.err
    assert "plan" in ran.err
    assert writes(sandbox) == {}


def test_a_plan_whose_steps_were_edited_against_each_other_is_wrong_use(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    LIFECYCLE.plant(sandbox, now)
    plan = tmp_path / "plan.json"
    given = ("--remediate", "--rule", LIFECYCLE.rule, "--format", "json")
    settings = settings_for(LIFECYCLE, tmp_path)
    run(*given, "--dry-run", "--output", str(plan), settings=settings)
    document = json.loads(plan.read_text(encoding="utf-8"))
    document["steps"][0]["change"]["resource"]["name"] = "another/prod/"
    plan.write_text(json.dumps(document), encoding="utf-8")

    ran = run(*given, "--apply-plan", str(plan), settings=settings)

    assert ran.code == 2, ran.err
    assert "damaged" in ran.err


def test_a_plan_for_what_is_not_there_any_more_is_wrong_use(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    LIFECYCLE.plant(sandbox, now)
    plan = tmp_path / "plan.json"
    given = ("--remediate", "--rule", LIFECYCLE.rule, "--format", "json")
    settings = settings_for(LIFECYCLE, tmp_path)
    run(*given, "--dry-run", "--output", str(plan), settings=settings)
    sandbox.client("redshift").delete_cluster(
        ClusterIdentifier="orders", SkipFinalClusterSnapshot=True
    )
    sandbox.forget_calls()

    ran = run(*given, "--apply-plan", str(plan), settings=settings)

    assert (ran.code, writes(sandbox)) == (2, {}), ran.err
    assert "plan anew" in ran.err


# ---------------------------------------------------------------- wrong use


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--dry-run"], "--dry-run goes with --remediate", id="a plan of nothing"),
        pytest.param(["--apply-plan", "x"], "goes with --remediate", id="a plan without consent"),
        pytest.param(
            ["--remediate", "--dry-run", "--apply-plan", "x"], "choose one", id="both at once"
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    arguments: list[str], says: str, run: Run
) -> None:
    ran = run(*arguments)

    assert ran.code == 2
    assert says in ran.err


def test_nothing_allowed_is_wrong_use(run: Run, tmp_path: Path) -> None:
    ran = remediate(run, LIFECYCLE, tmp_path, remediation={"fixes": []})

    assert ran.code == 2
    assert "remediation.fixes" in ran.err


def test_without_a_role_to_write_it_is_held_and_says_what_to_configure(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    LIFECYCLE.plant(sandbox, now)
    sandbox.forget_calls()
    ran = remediate(run, LIFECYCLE, tmp_path, remediation={"role": None})

    (change,) = ran.report["changes"]
    assert (change["outcome"], ran.code, writes(sandbox)) == ("held", 1, {})
    assert "remediation_role" in change["why"]
    assert journal(tmp_path) == []


def test_a_store_in_use_by_an_agent_is_wrong_use(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """Two actors on one estate would not see each other's changes."""
    LIFECYCLE.plant(sandbox, now)
    sandbox.forget_calls()
    (tmp_path / "state").mkdir()
    keeper = Keeper(f"sqlite:///{tmp_path}/state/trailkeeper.db", history_days=400)
    keeper.open()
    try:
        ran = remediate(run, LIFECYCLE, tmp_path)
    finally:
        keeper.close()

    assert ran.code == 2, ran.err
    assert writes(sandbox) == {}


def test_the_kill_switch_file_holds_everything(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    LIFECYCLE.plant(sandbox, now)
    sandbox.forget_calls()
    switch = tmp_path / "stop"
    switch.touch()

    ran = remediate(run, LIFECYCLE, tmp_path, remediation={"kill_switch": str(switch)})
    assert (outcome(ran, LIFECYCLE), writes(sandbox)) == (Outcome.HELD, {})

    switch.unlink()
    ran = remediate(run, LIFECYCLE, tmp_path, remediation={"kill_switch": str(switch)})
    assert outcome(ran, LIFECYCLE) == Outcome.APPLIED


def test_a_kill_switch_that_nobody_could_throw_counts_as_thrown(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    LIFECYCLE.plant(sandbox, now)
    switch = tmp_path / "not mounted" / "stop"

    ran = remediate(run, LIFECYCLE, tmp_path, remediation={"kill_switch": str(switch)})

    assert outcome(ran, LIFECYCLE) == Outcome.HELD
    assert "cannot be reached" in ran.report["changes"][0]["why"]
