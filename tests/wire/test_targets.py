"""Where a sweep goes: credentials and regions, and what of them cannot be seen."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest

from tests.sandbox_server import Sandbox
from tests.wire.clear import bare_cluster, coverage, judged, one_line, reason
from tests.wire.conftest import Run
from tests.wire.estate import REGION, A, deny, right

ARCHIVE, OTHER = "999988887777", "444455556666"
JSON = ("--check", "--format", "json")


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
    sandbox.fault({"kind": "hang", "region": "us-east-2", "service": "redshift", "seconds": 2})

    ran = run(
        *JSON,
        *("--region", "us-east-2", "--region", REGION, "--rule", "redshift-audit-logging-on"),
        settings={"call_timeouts": {"read_seconds": 0.8}, "target_deadline_seconds": 4},
    )

    assert judged(ran, 3)["pass"] == 2
    assert coverage(ran) == {f"{A}/us-east-2": "unreadable", f"{A}/{REGION}": "complete"}
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
    assert coverage(ran) == {f"{A}/me-south-1": "unreadable", f"{A}/{REGION}": "complete"}
    assert "the region is not enabled for this account" in reason(ran, "me-south-1")


def test_every_enabled_region(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """`--region all` is every region that is enabled and no other."""
    sandbox.plant(
        [*right(now), bare_cluster(A, "eu-central-1", "far"), bare_cluster(A, "us-east-1", "no")]
    )
    sandbox.plant([{"do": "enabled_regions", "account": A, "regions": [REGION, "eu-central-1"]}])

    ran = run(*JSON, "--region", "all", "--rule", "redshift-audit-logging-on")

    assert coverage(ran) == {f"{A}/{REGION}": "complete", f"{A}/eu-central-1": "complete"}
    assert ran.verdicts("redshift-audit-logging-on")["far"] == "fail"
    assert ran.code == 1


def test_which_regions_are_enabled_cannot_be_seen(sandbox: Sandbox, run: Run) -> None:
    """A target of its own that is unreadable: never a sweep of nothing."""
    sandbox.fault(deny("DescribeRegions", "ec2"))

    ran = run(*JSON, "--region", "all")

    assert judged(ran, 3)["pass"] == 0
    assert coverage(ran) == {f"{A}/all": "unreadable"}
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
    every = run("--check", "--all").out

    assert re.search(r"Not looked at: \d+ regions where Redshift exists \(af-south-1, .*, …\)", out)
    assert "us-east-1" in every


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
    assert coverage(ran) == {f"{A}/{REGION}": "unreadable"}
    assert "redshift:DescribeClusters denied" in reason(ran, REGION)
