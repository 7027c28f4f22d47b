"""Where a sweep goes: regions and accounts, and what of them cannot be seen."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest

from agent.sandbox.accounts import long_term_key
from tests.sandbox_server import Sandbox
from tests.wire.clear import judged, one_line
from tests.wire.conftest import Ran, Run
from tests.wire.estate import REGION, A, bucket_policy, deny, lifecycle, logging, right

ARCHIVE, OTHER = "999988887777", "444455556666"
ROLES = {one: f"arn:aws:iam::{one}:role/TrailkeeperObserver" for one in (A, ARCHIVE, OTHER)}
JSON = ("--check", "--format", "json")


def targets(ran: Ran) -> dict[str, str]:
    """`account/region` to coverage."""
    return {f"{one['account']}/{one['region']}": one["status"] for one in ran.report["targets"]}


def reason(ran: Ran, region: str) -> str:
    """Why a region was not wholly read."""
    (found,) = [one["reason"] for one in ran.report["targets"] if one["region"] == region]
    return str(found)


def cluster(account: str, region: str, name: str) -> dict[str, Any]:
    """A cluster that logs nowhere."""
    return {"do": "cluster", "account": account, "region": region, "identifier": name}


# ---------------------------------------------------------------- credentials, profile, region


def test_no_credentials_at_all(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2, and the ways to have some."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    said = one_line(run("--check"), 2)

    assert "no AWS credentials found: set AWS_PROFILE or AWS_ACCESS_KEY_ID" in said


def test_half_of_the_credentials(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2, and which half is missing."""
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    assert "AWS_SECRET_ACCESS_KEY" in one_line(run("--check"), 2).upper()


def test_an_unknown_profile(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2; it is named."""
    monkeypatch.setenv("AWS_PROFILE", "nobody-here")

    said = one_line(run("--check"), 2)

    assert "nobody-here" in said
    assert "check AWS_PROFILE" in said


def test_no_region_at_all(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2, and the three ways to name one."""
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    said = one_line(run("--check"), 2)

    assert "no region: name one with --region" in said


def test_every_region_needs_none_to_begin_in(
    sandbox: Sandbox, run: Run, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--region all` says where to look, so the partition's home is where the asking begins."""
    sandbox.plant(right(now))
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    ran = run(*JSON, "--region", "all", "--rule", "redshift-audit-logging-on")

    assert judged(ran, 0)["pass"] == 2


@pytest.mark.parametrize(
    ("arguments", "environment", "source"),
    [
        pytest.param(["--region", "eu-west1"], {}, "--region names 'eu-west1'", id="option"),
        pytest.param([], {"AWS_REGION": "Ireland"}, "AWS_REGION", id="environment"),
    ],
)
def test_a_region_with_a_typo(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    source: str,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit 2 at once: it would only show as an endpoint that nobody answers at."""
    if environment:
        monkeypatch.delenv("AWS_DEFAULT_REGION")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    said = one_line(run("--check", *arguments), 2)

    assert source in said
    assert "no region such as eu-west-1" in said


def test_an_expired_token(sandbox: Sandbox, run: Run) -> None:
    """Exit 3, and what the code may mean."""
    sandbox.fault({"kind": "expired"})

    said = one_line(run("--check"), 3)

    assert "cannot tell whose credentials these are" in said
    assert "expired" in said


def test_a_token_that_expires_on_the_way(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """What was read before it did is judged; the rest is unknown."""
    sandbox.plant(right(now))
    sandbox.fault({"kind": "expired", "service": "s3"})

    counts = judged(run(*JSON), 3)

    assert counts["unknown"]
    assert counts["pass"]


@pytest.mark.parametrize("listens", [False, True], ids=["refuses", "closes the connection"])
def test_an_endpoint_that_nobody_answers_at(
    listens: bool, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 3 within seconds."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        began = time.monotonic()
        if listens:
            server.listen(0)
            settings: Mapping[str, Any] = {
                "call_timeouts": {"connect_seconds": 1, "read_seconds": 0.3},
                "target_deadline_seconds": 2,
            }
        else:
            settings = {}

        said = one_line(run("--check", settings=settings), 3)

    assert "sts:GetCallerIdentity" in said
    assert time.monotonic() - began < 8


# ---------------------------------------------------------------- regions


def test_one_region_that_cannot_be_reached(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """The others are judged; the region says why not; exit 3, though nothing fails."""
    sandbox.plant(right(now))
    sandbox.fault({"kind": "hang", "region": "us-east-2", "service": "redshift", "seconds": 60})

    ran = run(
        *JSON,
        *("--region", "us-east-2", "--region", REGION, "--rule", "redshift-audit-logging-on"),
        settings={"call_timeouts": {"read_seconds": 0.3}, "target_deadline_seconds": 3},
    )

    assert judged(ran, 3)["pass"] == 2
    assert targets(ran) == {f"{A}/us-east-2": "unreadable", f"{A}/{REGION}": "complete"}
    assert "redshift:DescribeClusters Timeout" in reason(ran, "us-east-2")


@pytest.mark.parametrize("at_home", [False, True], ids=["a target", "where the agent lives"])
def test_a_region_that_is_not_enabled(
    at_home: bool, sandbox: Sandbox, run: Run, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its credentials are not known there; the other regions do not suffer."""
    sandbox.plant(right(now))
    if at_home:
        monkeypatch.setenv("AWS_REGION", "me-south-1")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "me-south-1")

    ran = run(*JSON, "--region", "me-south-1", "--region", REGION)

    assert judged(ran, 3)["pass"] > 20
    assert targets(ran) == {f"{A}/me-south-1": "unreadable", f"{A}/{REGION}": "complete"}
    assert "the region is not enabled for this account" in reason(ran, "me-south-1")


def test_every_enabled_region(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """`--region all` is every region that is enabled and no other."""
    sandbox.plant([*right(now), cluster(A, "eu-central-1", "far"), cluster(A, "us-east-1", "no")])
    sandbox.plant([{"do": "enabled_regions", "account": A, "regions": [REGION, "eu-central-1"]}])

    ran = run(*JSON, "--region", "all", "--rule", "redshift-audit-logging-on")

    assert targets(ran) == {f"{A}/{REGION}": "complete", f"{A}/eu-central-1": "complete"}
    assert ran.verdicts("redshift-audit-logging-on")["far"] == "fail"
    assert ran.code == 1


def test_which_regions_are_enabled_cannot_be_seen(sandbox: Sandbox, run: Run) -> None:
    """A target of its own that is unreadable: never a sweep of nothing."""
    sandbox.fault(deny("DescribeRegions", "ec2"))

    ran = run(*JSON, "--region", "all")

    assert judged(ran, 3)["pass"] == 0
    assert targets(ran) == {f"{A}/all": "unreadable"}
    assert "ec2:DescribeRegions denied" in reason(ran, "all")


def test_buckets_are_listed_in_a_region_that_is_looked_at(
    sandbox: Sandbox, run: Run, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where the agent happens to live: an organization may close that to the account."""
    sandbox.plant(right(now))
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    run(*JSON, "--region", REGION)

    listed = [call["region"] for call in sandbox.calls() if call["operation"] == "ListBuckets"]
    assert listed == [REGION]


def test_text_names_the_regions_that_were_not_looked_at(
    sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """A cluster elsewhere is not seen, and the report says where nobody looked."""
    sandbox.plant(right(now))

    out = run("--check").out

    assert "Not looked at: " in out
    assert "us-east-1" in out


# ---------------------------------------------------------------- nothing there


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param([], 3, id="is no verdict"),
        pytest.param(["--allow-empty"], 0, id="is fine where it is allowed"),
        pytest.param(["--allow-unknown"], 3, id="is not what allow-unknown is for"),
    ],
)
def test_an_empty_account(options: Sequence[str], code: int, run: Run) -> None:
    """Nothing to judge never reads as all is well."""
    ran = run(*JSON, *options)

    assert judged(ran, code)["pass"] == 0
    assert ran.report["findings"] == []


def test_an_empty_account_says_so_in_text(run: Run) -> None:
    """In a sentence of its own."""
    assert "Nothing was judged: nothing was found that a rule is for." in run("--check").out


@pytest.mark.parametrize("options", [(), ("--allow-unknown", "--allow-empty")])
def test_clusters_that_may_not_be_listed(
    options: Sequence[str], sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """Exit 3 whatever is allowed: nothing excuses a target that could not be read."""
    sandbox.plant(right(now))
    sandbox.fault(deny("DescribeClusters", "redshift"))

    ran = run(*JSON, *options)

    assert judged(ran, 3)["pass"] > 0  # Serverless was seen
    assert ran.verdicts("redshift-audit-logging-on") == {"*": "unknown"}
    assert targets(ran) == {f"{A}/{REGION}": "unreadable"}
    assert "redshift:DescribeClusters denied" in reason(ran, REGION)


# ---------------------------------------------------------------- accounts


def estate_of(account: str, region: str, *, bucket_of: str, now: datetime) -> list[dict[str, Any]]:
    """A cluster that delivers to a central bucket of another account."""
    there = {"account": account, "region": region}
    return [
        {**cluster(account, region, f"c-{account}"), "created_at": now.isoformat()},
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
            *(cluster(a, r, f"{a}-{r}") for a in (A, OTHER) for r in (REGION, "us-east-1")),
        ]
    )

    ran = run(*JSON, settings=of_roles(A, OTHER, regions=[REGION, "us-east-1"]))

    assert judged(ran, 1)["fail"] > 0
    assert set(targets(ran)) == {
        f"{account}/{region}" for account in (A, OTHER) for region in (REGION, "us-east-1")
    }
    assert set(targets(ran).values()) == {"complete"}
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
    assert targets(ran) == {f"{A}/{REGION}": "complete", f"{OTHER}/{REGION}": "unreadable"}
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
    sandbox.plant([cluster(OTHER, REGION, "there")])
    target = {"role": ROLES[OTHER], **({"external_id": external_id} if external_id else {})}

    ran = run(*JSON, settings={"targets": [target]})

    assert ran.code == (1 if status == "complete" else 3)
    assert targets(ran) == {f"{OTHER}/{REGION}": status}
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

    assert targets(ran) == {f"{A}/{REGION}": "complete"}
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
    assert targets(ran) == {f"{A}/{REGION}": "partial"}
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
