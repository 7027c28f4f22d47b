"""Several accounts: each read with its own credentials, a bucket with its owner's."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

import pytest

from agent.sandbox.accounts import long_term_key
from tests.sandbox_server import Sandbox
from tests.wire.clear import bare_cluster, coverage, judged, one_line, reason
from tests.wire.conftest import Run
from tests.wire.estate import REGION, A, bucket_policy, lifecycle, logging, right

ARCHIVE, OTHER = "999988887777", "444455556666"
ROLES = {one: f"arn:aws:iam::{one}:role/TrailkeeperObserver" for one in (A, ARCHIVE, OTHER)}
JSON = ("--check", "--format", "json")


# ---------------------------------------------------------------- accounts


def estate_of(account: str, region: str, *, bucket_of: str, now: datetime) -> list[dict[str, Any]]:
    """A cluster that delivers to a central bucket of another account."""
    there = {"account": account, "region": region}
    return [
        {**bare_cluster(account, region, f"c-{account}"), "created_at": now.isoformat()},
        {
            **logging(now, **there),
            "cluster": f"c-{account}",
            "bucket": "central",
            "prefix": "prod/",
        },
        {
            "do": "bucket",
            "account": bucket_of,
            "region": "us-east-1",
            "name": "central",
            "policy": bucket_policy("central"),
            "lifecycle": lifecycle(),
        },
    ]


def of_roles(*accounts: str, **more: Any) -> dict[str, Any]:
    """Configuration: these accounts by their roles."""
    return {"targets": [{"role": ROLES[one]} for one in accounts], **more}


def test_several_accounts_and_regions(sandbox: Sandbox, run: Run) -> None:
    """Each account in each region, by its own role."""
    sandbox.plant(
        [
            *({"do": "account", "account": one} for one in (A, OTHER)),
            *(bare_cluster(a, r, f"{a}-{r}") for a in (A, OTHER) for r in (REGION, "us-east-1")),
        ]
    )

    ran = run(*JSON, settings=of_roles(A, OTHER, regions=[REGION, "us-east-1"]))

    assert judged(ran, 1)["fail"] > 0
    assert set(coverage(ran)) == {
        f"{account}/{region}" for account in (A, OTHER) for region in (REGION, "us-east-1")
    }
    assert set(coverage(ran).values()) == {"complete"}
    found = {
        (each["account"], each["region"], each["resource"])
        for each in ran.report["findings"]
        if each["rule"] == "redshift-audit-logging-on"
    }
    assert found == {
        (a, r, f"{a}-{r}") for a in (A, OTHER) for r in (REGION, "us-east-1")
    }  # nothing was read with another account's credentials


def test_a_role_that_cannot_be_assumed(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """That account is unreadable and says what to check; the other one is judged; exit 3."""
    sandbox.plant([*right(now), {"do": "account", "account": OTHER, "trusted": [ARCHIVE]}])

    ran = run(*JSON, settings=of_roles(A, OTHER))

    assert judged(ran, 3)["pass"] > 20
    assert coverage(ran) == {f"{A}/{REGION}": "complete", f"{OTHER}/{REGION}": "unreadable"}
    (why,) = [one["reason"] for one in ran.report["targets"] if one["account"] == OTHER]
    assert f"cannot assume {ROLES[OTHER]}" in why
    assert "check that the role exists" in why


@pytest.mark.parametrize(
    ("external_id", "status", "says"),
    [
        pytest.param("trail-1", "complete", "", id="right"),
        pytest.param("trail-2", "unreadable", "that external_id is the one it demands", id="wrong"),
        pytest.param(None, "unreadable", "none is configured", id="missing"),
    ],
)
def test_an_external_id(
    external_id: str | None, status: str, says: str, sandbox: Sandbox, run: Run
) -> None:
    """The right one opens; else the reason names it."""
    sandbox.plant([{"do": "account", "account": OTHER, "external_id": "trail-1"}])
    sandbox.plant([bare_cluster(OTHER, REGION, "there")])
    target = {"role": ROLES[OTHER], **({"external_id": external_id} if external_id else {})}

    ran = run(*JSON, settings={"targets": [target]})

    assert ran.code == (1 if status == "complete" else 3)
    assert coverage(ran) == {f"{OTHER}/{REGION}": status}
    assert says in (reason(ran, REGION) or "")


def test_an_account_that_is_a_target_twice(run: Run) -> None:
    """Two ways in: which one answers must be sure, so neither is taken; exit 2."""
    said = one_line(run("--check", settings={"targets": ["current", {"role": ROLES[A]}]}), 2)

    assert f"account {A} is a target twice" in said


def test_an_account_that_is_no_target(run: Run) -> None:
    """Exit 2, and where to add it."""
    said = one_line(run("--check", "--account", OTHER), 2)

    assert f"account {OTHER} is not among the targets: add its role under targets" in said


# ---------------------------------------------------------------- whose bucket


def test_a_central_bucket_is_read_once_by_its_owner(
    sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """Two accounts deliver there: it is judged once, with the owner's credentials."""
    sandbox.plant([{"do": "account", "account": one} for one in (A, OTHER, ARCHIVE)])
    for one in (A, OTHER):
        sandbox.plant(estate_of(one, REGION, bucket_of=ARCHIVE, now=now))

    ran = run(*JSON, settings=of_roles(A, OTHER, ARCHIVE))

    found = ran.finding("log-bucket-encrypted", "central")
    assert (found["status"], found["account"], found["owner_account"]) == ("pass", ARCHIVE, ARCHIVE)
    places = [
        (each["account"], each["owner_account"], each["status"])
        for each in ran.report["findings"]
        if each["rule"] == "audit-logs-expire-in-time"
    ]
    assert places == [(A, ARCHIVE, "pass"), (OTHER, ARCHIVE, "pass")]
    on_bucket = [call for call in sandbox.calls() if call["resource"] == "central"]
    assert {call["account"] for call in on_bucket} == {ARCHIVE}
    once = [call["operation"] for call in on_bucket if call["operation"] != "ListObjectsV2"]
    assert sorted(once) == sorted(set(once))


def test_an_owner_left_out_by_account_still_lends_its_credentials(
    sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """`--account` says what is judged, not who may read a bucket."""
    sandbox.plant([{"do": "account", "account": one} for one in (A, ARCHIVE)])
    sandbox.plant(estate_of(A, REGION, bucket_of=ARCHIVE, now=now))

    ran = run(*JSON, "--account", A, settings=of_roles(A, ARCHIVE))

    assert coverage(ran) == {f"{A}/{REGION}": "complete"}
    assert ran.finding("log-bucket-encrypted", "central")["status"] == "pass"


def test_a_bucket_of_an_account_that_is_no_target(
    sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """Unknown, and whom to add: its emptiness is never taken for an answer."""
    sandbox.plant(estate_of(A, REGION, bucket_of=ARCHIVE, now=now))

    ran = run(*JSON)

    for rule, resource in (
        ("log-bucket-encrypted", "central"),
        ("log-bucket-tls-only", "central"),
        ("audit-logs-expire-in-time", "central/prod/"),
        ("redshift-log-delivery-admitted", f"c-{A}"),
    ):
        found = ran.finding(rule, resource)
        assert found["status"] == "unknown"
        assert "add its owner as a target" in found["because"]
    assert coverage(ran) == {f"{A}/{REGION}": "partial"}
    assert not [call for call in sandbox.calls() if call["resource"] == "central"]


def test_keys_and_tokens_are_never_printed(
    sandbox: Sandbox, run: Run, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in a result, not in a refusal, not in AWS's own account of what was signed."""
    secrets = {
        "AWS_SECRET_ACCESS_KEY": "s3cr3t-Key/Of+Ours",
        "AWS_SESSION_TOKEN": "T0ken-0f-0urs==",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    sandbox.plant(right(now))
    said = [run(*JSON), run("doctor"), run("snapshot")]
    signed = (
        "The request signature we calculated does not match the signature you provided. "
        f"The Canonical String for this request should have been 'x-amz-security-token:"
        f"{secrets['AWS_SESSION_TOKEN']}'"
    )
    sandbox.fault(
        {"kind": "error", "code": "SignatureDoesNotMatch", "message": signed, "status": 403}
    )
    refused = [run(*JSON), run("doctor")]
    said += refused

    assert "SignatureDoesNotMatch" in one_line(refused[0], 3)
    assert all("a key is wrong, or this machine's clock" in one.out + one.err for one in refused)
    assert long_term_key(A) == os.environ["AWS_ACCESS_KEY_ID"]
    for ran in said:
        for secret in secrets.values():
            assert secret not in ran.out + ran.err
