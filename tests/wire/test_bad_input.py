"""Whatever AWS gets wrong, late or odd: the documented exit code, and the rest judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from tests.sandbox_server import Sandbox
from tests.wire.clear import judged
from tests.wire.conftest import Run
from tests.wire.estate import (
    bucket,
    bucket_policy,
    cluster,
    deny,
    lifecycle,
    right,
)

JSON = ("--check", "--format", "json")
SOON: Mapping[str, Any] = {"target_deadline_seconds": 3}
"""So that what never answers is given up within the patience of a test."""


# ---------------------------------------------------------------- calls that fail


def test_one_denied_call(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """What rests on it is unknown; everything else is judged; exit 3."""
    sandbox.plant(right(now))
    whole = judged(run(*JSON), 0)
    sandbox.fault(deny("GetBucketVersioning"))

    ran = run(*JSON)

    counts = judged(ran, 3)
    unknown = {each["rule"] for each in ran.report["findings"] if each["status"] == "unknown"}
    assert unknown == {
        "audit-logs-expire-in-time",
        "audit-logs-kept-long-enough",
        "audit-logs-uploads-aborted",
    }
    assert counts["pass"] == whole["pass"] - counts["unknown"]
    assert [one["status"] for one in ran.report["targets"]] == ["partial"]


def test_several_denied_calls(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """A finding names each call that it lacks, by its IAM action."""
    sandbox.plant(right(now))
    sandbox.fault(
        deny("GetBucketLifecycleConfiguration"),
        deny("GetBucketEncryption"),
        deny("GetRole", "iam"),
    )

    ran = run(*JSON)

    assert judged(ran, 3)["pass"] > 0
    said = {
        each["rule"]: each["because"]
        for each in ran.report["findings"]
        if each["status"] == "unknown"
    }
    assert "s3:GetLifecycleConfiguration denied" in said["audit-logs-expire-in-time"]
    assert "s3:GetEncryptionConfiguration denied" in said["log-bucket-encrypted"]
    assert "iam:GetRole denied" in said["redshift-role-least-privilege"]


def test_everything_denied(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Who we are can always be asked; beyond it nothing is seen, and nothing passes."""
    sandbox.plant(right(now))
    sandbox.fault(
        *(
            {"kind": "deny", "service": service}
            for service in ("redshift", "redshift-serverless", "s3", "s3control", "iam", "logs")
        )
    )

    ran = run(*JSON)

    counts = judged(ran, 3)
    assert counts["pass"] == counts["fail"] == counts["not_applicable"] == 0
    assert counts["unknown"] > 10
    assert [one["status"] for one in ran.report["targets"]] == ["unreadable"]


def test_a_failure_outweighs_what_is_unknown(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """1 before 3: a pipeline must not read a failure as a nuisance of permissions."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])
    sandbox.fault(deny("GetRole", "iam"))

    assert judged(run(*JSON), 1)["unknown"] > 0


def test_throttling_that_outlasts_every_try(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Given up at the target's deadline, and said so; the rest is judged."""
    sandbox.plant(right(now))
    sandbox.fault({"kind": "throttle", "service": "iam"})

    ran = run(*JSON, settings=SOON)

    assert judged(ran, 3)["pass"] > 10
    found = ran.finding("redshift-role-exists", "RedshiftLoad")
    assert found["status"] == "unknown"
    assert "Throttling" in found["because"]
    assert "the time for this target is over" in found["because"]


def test_a_call_that_hangs(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """A read timeout, tried again, given up at the deadline; the rest is judged."""
    sandbox.plant(right(now))
    sandbox.fault(
        {"kind": "hang", "service": "s3", "operation": "GetBucketEncryption", "seconds": 2}
    )
    timeouts = {"call_timeouts": {"read_seconds": 0.8}, "target_deadline_seconds": 4}

    ran = run(*JSON, settings=timeouts)
    sandbox.clear_faults()

    assert judged(ran, 3)["pass"] > 10
    assert "Timeout" in ran.finding("log-bucket-encrypted", "audit-logs")["because"]


@pytest.mark.parametrize(
    ("service", "operation", "rule"),
    [
        ("redshift", "DescribeClusters", "redshift-audit-logging-on"),
        ("redshift", "DescribeLoggingStatus", "redshift-audit-logging-on"),
        ("redshift-serverless", "ListNamespaces", "serverless-log-types-complete"),
        ("s3", "GetBucketLifecycleConfiguration", "audit-logs-expire-in-time"),
        ("s3", "ListBuckets", "log-bucket-encrypted"),
        ("iam", "GetRole", "redshift-role-least-privilege"),
        ("logs", "DescribeLogGroups", "log-group-retention"),
    ],
)
def test_an_answer_that_breaks_off(
    service: str, operation: str, rule: str, sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """A success whose body is cut is no empty list: unknown, and no traceback."""
    sandbox.plant(right(now))
    sandbox.fault({"kind": "malformed", "service": service, "operation": operation})

    ran = run(*JSON, settings=SOON)

    assert judged(ran, 3)["pass"] > 0
    assert "unknown" in ran.verdicts(rule).values()
    assert set(ran.verdicts(rule).values()) <= {"unknown", "pass", "not_applicable"}


def test_a_server_that_fails_for_a_while(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Tried again, and then all is seen."""
    sandbox.plant(right(now))
    sandbox.fault({"kind": "error", "service": "redshift", "times": 2})

    assert judged(run(*JSON), 0)["unknown"] == 0


# ---------------------------------------------------------------- things that are odd


def test_a_bucket_deleted_between_two_calls(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """What was read before is judged; from then on it is unknown, or said to be gone."""
    sandbox.plant(right(now))
    sandbox.fault(
        {"kind": "not_found", "service": "s3", "resource": "/audit-logs", "after": 2, "times": None}
    )

    ran = run(*JSON, settings={"workers": 1})

    assert judged(ran, 3)["pass"] > 0
    on_bucket = [each for each in ran.report["findings"] if "audit-logs" in each["resource"]]
    gone = [each for each in on_bucket if each["status"] == "unknown"]
    assert gone
    assert all("NoSuchBucket" in each["because"] for each in gone)
    assert {each["status"] for each in on_bucket} <= {"pass", "unknown"}


@pytest.mark.parametrize(
    "text", ["{not json", '"a text"', '{"Statement": "nobody"}', "[]"], ids=str
)
def test_a_bucket_policy_that_is_no_policy(
    text: str, sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """Unknown, and it says what could not be read."""
    sandbox.plant([*right(now), bucket(policy=text)])

    ran = run(*JSON)

    assert judged(ran, 3)["pass"] > 10
    for rule, resource in (
        ("log-bucket-tls-only", "audit-logs"),
        ("redshift-log-delivery-admitted", "orders"),
    ):
        found = ran.finding(rule, resource)
        assert found["status"] == "unknown"
        assert "policy" in found["because"]


ODD = "<script>alert('x')</script>[bold red]&amp;\u202egnp"
"""As far as XML can carry it."""


def odd_policy() -> dict[str, Any]:
    """A policy whose Deny is named with what JSON can carry: a terminal's control sequence."""
    policy = bucket_policy("audit-logs")
    policy["Statement"][1] |= {"Sid": f"{ODD}\x1b[31m", "Condition": {}}
    return policy


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit"])
def test_names_that_would_be_markup(form: str, sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Tags, prefixes and lifecycle ids are anyone's to choose: printed as text in every format."""
    sandbox.plant(
        [
            *right(now),
            cluster(tags={"<b>team</b>": ODD}),
            bucket(lifecycle=lifecycle(days=30, ID=ODD), policy=odd_policy()),
        ]
    )

    ran = run("--check", "--format", form, "--all")

    assert ran.code == 1
    assert "\x1b" not in ran.out
    assert ("\u202e" in ran.out) == (form == "junit")


def test_names_that_would_be_markup_are_explained_as_text(
    sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """What goes to a terminal carries nobody else's control characters."""
    sandbox.plant([*right(now), bucket(policy=odd_policy())])

    ran = run("explain", "redshift-log-delivery-admitted", "orders")

    assert "<script>" in ran.out
    assert "\\u202egnp\\x1b[31m" in ran.out
    assert "\x1b" not in ran.out
