"""`trailkeeper doctor`: every line of it is seen to fail, and to say what to do."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.aws.hands import action_of
from agent.commands.doctor import clock_line
from agent.doctor_probes import PROBES
from agent.wanted import operations
from controls.kinds.catalog import KINDS
from tests.rules.packs import shipped_rules
from tests.sandbox_server import Sandbox
from tests.wire.clear import one_line
from tests.wire.conftest import Ran, Run
from tests.wire.estate import REGION, A, right

OTHER, ARCHIVE = "444455556666", "999988887777"
ROLE = f"arn:aws:iam::{OTHER}:role/TrailkeeperObserver"


def lines(ran: Ran) -> dict[str, str]:
    """What was looked at, to `ok`, `BAD` or `unknown`; the advice, where there is one, joined."""
    found: dict[str, str] = {}
    what = ""
    for line in ran.out.splitlines():
        if line.startswith("    "):
            found[what] += f": {line.strip()}"
        else:
            state, _, what = line.partition("  ")
            what = what.strip()
            found[what] = state.strip()
    return found


def bad(ran: Ran) -> dict[str, str]:
    """The lines that are not ok."""
    return {what: state for what, state in lines(ran).items() if state != "ok"}


def test_every_operation_of_the_rules_has_a_probe() -> None:
    """And no other has: a new rule that calls something new must be tried too."""
    assert set(PROBES) == operations(shipped_rules(), KINDS)


def test_all_is_well(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """A line for each thing, each ok; exit 0."""
    sandbox.plant(right(now))

    ran = run("doctor")

    assert bad(ran) == {}
    assert ran.code == 0
    assert len(lines(ran)) == 4 + len(PROBES)


def test_a_store_that_cannot_be_used_is_told(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    sandbox.plant(right(now))
    (tmp_path / "no.db").write_text("this is no database, but it is long enough to look like one")

    ran = run("doctor", settings={"store": {"url": f"sqlite:///{tmp_path / 'no.db'}"}})

    ((what, said),) = bad(ran).items()
    assert what.startswith("agent: ")
    assert said.startswith("BAD: ")
    assert ran.code == 3


def test_secrets_that_are_not_there_are_told(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    sandbox.plant(right(now))

    ran = run("doctor", settings={"http": {"token_file": str(tmp_path / "none")}})

    assert list(bad(ran)) == ["files of the agent"]
    assert ran.code == 3


def test_its_calls_change_nothing(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Reading verbs only, and none that opens an object."""
    sandbox.plant(right(now))

    run("doctor")

    verbs = {operation.split(":")[1] for operation in sandbox.counts()}
    assert all(verb.startswith(("Get", "List", "Describe")) for verb in verbs)
    assert "GetObject" not in verbs


@pytest.mark.parametrize("operation", sorted(PROBES))
def test_a_denied_operation(operation: str, sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Its line is bad, names the IAM action to allow, and is the only one that is; exit 3."""
    sandbox.plant(right(now))
    service, name = operation.split(":")
    sandbox.fault({"kind": "deny", "service": service, "operation": name})

    ran = run("doctor")

    denied = {what: state for what, state in bad(ran).items() if state.startswith("BAD")}
    (what,) = denied
    assert what.startswith(f"{action_of(operation)} in {A}/{REGION}")
    assert f"denied: allow {action_of(operation)}" in denied[what]
    assert ran.code == 3


def test_no_log_bucket_is_known(run: Run) -> None:
    """In an empty account nothing shows whether buckets can be read: unknown, and what to name."""
    ran = run("doctor")

    assert {what.split()[0] for what in bad(ran)} == {
        action_of(operation) for operation, probe in PROBES.items() if probe.on_bucket
    }
    assert all("name one under log_buckets" in state for state in bad(ran).values())
    assert ran.code == 3


def test_a_bucket_of_another_account(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """The line says in whose account the permission is needed."""
    sandbox.plant(right(now))
    sandbox.plant([{"do": "account", "account": one} for one in (A, ARCHIVE)])
    sandbox.plant([{"do": "bucket", "account": ARCHIVE, "name": "central", "region": "us-east-1"}])
    sandbox.plant(
        [
            {
                "do": "logging",
                "account": A,
                "region": REGION,
                "cluster": "orders",
                "bucket": "central",
            }
        ]
    )
    sandbox.fault({"kind": "deny", "operation": "GetBucketVersioning", "account": ARCHIVE})
    roles = [f"arn:aws:iam::{one}:role/TrailkeeperObserver" for one in (A, ARCHIVE)]

    ran = run("doctor", "--account", A, settings={"targets": [{"role": one} for one in roles]})

    (what,) = bad(ran)
    assert what == f"s3:GetBucketVersioning in {ARCHIVE}/us-east-1 (bucket central)"


# ---------------------------------------------------------------- credentials, regions


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        pytest.param(
            {"kind": "not_found", "code": "NoSuchBucket", "status": 404},
            "log to a bucket that exists",
            id="the bucket is gone",
        ),
        pytest.param(
            {"kind": "error", "code": "InvalidRequest", "status": 400},
            "ask AWS about",
            id="an error that is not known here",
        ),
    ],
)
def test_what_is_not_ok_says_what_to_do(
    fault: dict[str, Any], says: str, sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """Neither permitted nor denied: unknown, with what to do about it."""
    sandbox.plant(right(now))
    sandbox.fault({"service": "s3", "operation": "GetBucketEncryption", **fault})

    ran = run("doctor")

    assert ran.code == 3
    assert says in ran.out


def test_a_role_that_cannot_be_assumed(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """One bad line with what to check; no line for what could not be tried; others go on."""
    sandbox.plant(right(now))
    settings = {"targets": ["current", {"role": ROLE}]}

    ran = run("doctor", settings=settings)

    (what,) = bad(ran)
    assert what == f"credentials: role {ROLE}"
    assert "check that the role exists" in bad(ran)[what]
    assert ran.code == 3


def test_expired_credentials(sandbox: Sandbox, run: Run) -> None:
    """A bad line; the clock is told all the same: a refusal has a date."""
    sandbox.fault({"kind": "expired", "service": "sts"})

    ran = run("doctor")

    assert "BAD" in bad(ran)["credentials"]
    assert "expired" in bad(ran)["credentials"]
    assert any(what.startswith("clock: within 60 s") for what in lines(ran))
    assert ran.code == 3


def test_no_credentials(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As everywhere: exit 2, and how to have some."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    assert "no AWS credentials found" in one_line(run("doctor"), 2)


def test_nobody_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One bad line within seconds."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    began = time.monotonic()

    ran = run("doctor")

    assert list(bad(ran)) == ["credentials"]
    assert "Unreachable" in bad(ran)["credentials"]
    assert time.monotonic() - began < 8


def test_one_service_that_does_not_answer(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Waited for once, not for each of its operations."""
    sandbox.plant(right(now))
    sandbox.fault({"kind": "hang", "service": "iam", "seconds": 2})
    settings: dict[str, Any] = {
        "call_timeouts": {"read_seconds": 0.8},
        "target_deadline_seconds": 3,
    }
    began = time.monotonic()

    ran = run("doctor", settings=settings)

    states = [state for what, state in bad(ran).items() if what.startswith("iam:")]
    assert len([state for state in states if state.startswith("BAD: ")]) == 1
    assert len([state for state in states if "iam gave no answer just now" in state]) == 5
    assert time.monotonic() - began < 10


def test_a_region_that_is_not_enabled(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Its services are bad, once each; the home region is fine."""
    sandbox.plant(right(now))

    ran = run("doctor", "--region", "me-south-1", "--region", REGION)

    wrong = bad(ran)
    assert all(f"{A}/me-south-1" in what for what in wrong)
    first, *others = [state for what, state in wrong.items() if what.startswith("redshift:")]
    assert "the region is not enabled" in first
    assert all("redshift gave no answer just now" in state for state in others)
    assert ran.code == 3


def test_regions_that_may_not_be_listed(sandbox: Sandbox, run: Run) -> None:
    """The line names the action."""
    sandbox.fault({"kind": "deny", "service": "ec2"})

    ran = run("doctor", "--region", "all")

    assert "ec2:DescribeRegions denied" in bad(ran)[f"region {A}/all"]
    assert ran.code == 3


def test_a_configuration_that_is_wrong(run: Run) -> None:
    """Nothing is asked: exit 2 with every problem."""
    assert "problem" in run("doctor", settings={"wrokers": 3}).err
    assert run("doctor", settings={"wrokers": 3}).code == 2


# ---------------------------------------------------------------- the clock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ours", "state", "says"),
    [
        pytest.param(NOON, "ok", "within 60 s of AWS", id="right"),
        pytest.param(NOON + timedelta(seconds=60), "ok", "within 60 s", id="a minute off"),
        pytest.param(NOON + timedelta(minutes=6), "bad", "360 s ahead of AWS", id="ahead"),
        pytest.param(NOON - timedelta(minutes=2), "bad", "120 s behind AWS", id="behind"),
    ],
)
def test_a_clock(ours: datetime, state: str, says: str) -> None:
    """Ages of logs are judged by it, and signatures refused five minutes off."""
    line = clock_line(ours, NOON, A)

    assert line.state == state
    assert says in line.what
    assert ("set the clock by NTP" in line.advice) == (state == "bad")
