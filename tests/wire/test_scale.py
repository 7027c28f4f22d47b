"""How many calls a sweep takes, that none is missed, and that a slow account slows no other."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from agent.aws.hands import iam_actions
from tests.sandbox_server import Sandbox
from tests.wire.clear import judged
from tests.wire.conftest import Run
from tests.wire.estate import REGION, ROLE, SCENARIOS, A, bucket, bucket_policy, lifecycle, right

JSON = ("--check", "--format", "json")
OTHER = "444455556666"
HERE = {"account": A, "region": REGION}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/*"},
    ],
}


def everything(now: datetime) -> list[Any]:
    """An estate in which a sweep has reason to make every call that it can make."""
    arn = f"arn:aws:iam::{A}:policy/Lake"
    policy = bucket_policy("audit-logs")
    policy["Statement"][0]["Condition"] = {"StringEquals": {"aws:SourceOrgID": "o-exampleorg1"}}
    return [
        *right(now),
        *SCENARIOS["redshift-logs-fresh"].fails(now),  # events and connections are asked about
        # so the account's block matters, and which organization the account is in
        bucket(public_access_block=None, policy=policy),
        {"do": "managed_policy", "account": A, "name": "Lake", "document": POLICY},
        {
            "do": "role",
            "account": A,
            "name": "RedshiftLoad",
            "inline": {"load": POLICY},
            "managed": [arn, "AmazonRedshiftAllCommandsFullAccess"],
            "boundary": arn,
        },
        {"do": "enabled_regions", "account": A, "regions": [REGION, "us-east-1"]},
    ]


def test_what_is_called_is_what_the_policy_grants(
    sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """Both ways: no call without its action, and no action that nothing calls."""
    sandbox.plant(everything(now))

    run(*JSON, "--region", "all")

    called = {
        action
        for operation in sandbox.counts()
        if operation != "sts:GetCallerIdentity"  # cannot be denied, so needs no grant
        for action in iam_actions(operation)
    }
    document = json.loads(run("iam", "--region", "all").out)
    granted = {action for statement in document["Statement"] for action in statement["Action"]}
    assert called == granted


def shared_estate(now: datetime, clusters: int) -> list[Any]:
    """Clusters that share one bucket, parameter group, role and policy."""
    long_ago = now - timedelta(days=90)
    return [
        {
            "do": "bucket",
            **HERE,
            "name": "audit-logs",
            "policy": bucket_policy("audit-logs"),
            "lifecycle": lifecycle(),
        },
        {
            "do": "parameter_group",
            **HERE,
            "name": "audited",
            "values": {"enable_user_activity_logging": "true"},
        },
        {"do": "managed_policy", "account": A, "name": "Lake", "document": POLICY},
        {
            "do": "role",
            "account": A,
            "name": "RedshiftLoad",
            "managed": [f"arn:aws:iam::{A}:policy/Lake"],
        },
        *(
            {
                "do": "cluster",
                **HERE,
                "identifier": f"c{number}",
                "parameter_group": "audited",
                "created_at": long_ago,
                "roles": [ROLE],
                "logging": {
                    "bucket": "audit-logs",
                    "prefix": "prod/",
                    "last_success": (now - timedelta(minutes=40)).isoformat(),
                },
            }
            for number in range(clusters)
        ),
        *(
            {
                "do": "log_objects",
                **HERE,
                "bucket": "audit-logs",
                "prefix": "prod",
                "cluster": f"c{number}",
                "start": now - timedelta(hours=2),
                "end": now - timedelta(minutes=30),
            }
            for number in range(clusters)
        ),
    ]


def test_what_is_shared_is_read_once(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """A bucket, group, role and policy cost the same for twelve clusters as for one."""
    sandbox.plant(shared_estate(now, 1))
    run(*JSON)
    of_one = Counter(sandbox.counts())
    sandbox.reset()
    sandbox.plant(shared_estate(now, 12))

    ran = run(*JSON)

    of_twelve = Counter(sandbox.counts())
    assert judged(ran, 0)["pass"] > 12 * 6
    more = {name for name, number in (of_twelve - of_one).items() if number}
    assert more == {"redshift:DescribeLoggingStatus", "s3:ListObjectsV2"}
    for operation in (
        "s3:GetBucketPolicy",
        "s3:GetBucketLifecycleConfiguration",
        "redshift:DescribeClusterParameters",
        "iam:GetRole",
        "iam:GetPolicyVersion",
    ):
        assert of_twelve[operation] == 1


def test_calls_stay_within_the_budget(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """4 a cluster, 8 a bucket, 8 a role, 2 a parameter group, 1 a policy, 15 a target."""
    clusters = 12
    sandbox.plant(shared_estate(now, clusters))

    run(*JSON)

    assert sum(sandbox.counts().values()) <= 4 * clusters + 8 + 8 + 2 + 1 + 15


def test_250_clusters_are_all_seen(sandbox: Sandbox, run: Run) -> None:
    """The API pages at 100."""
    sandbox.plant(
        [{"do": "cluster", **HERE, "identifier": f"c{number:03}"} for number in range(250)]
    )

    ran = run(*JSON, "--rule", "redshift-audit-logging-on")

    assert judged(ran, 1)["fail"] == 250
    assert set(ran.verdicts("redshift-audit-logging-on")) == {f"c{n:03}" for n in range(250)}
    assert sandbox.counts()["redshift:DescribeClusters"] == 3


CLUSTERS = 40


@pytest.fixture
def two_accounts(sandbox: Sandbox) -> dict[str, Any]:
    """The same clusters in both, every other one logging; the first account allows 5 calls/s."""
    sandbox.plant([{"do": "account", "account": OTHER}])
    sandbox.plant(
        [
            {
                "do": "cluster",
                "account": account,
                "region": REGION,
                "identifier": f"c{number}",
                "logging": {"destination": "cloudwatch", "exports": []} if number % 2 else None,
            }
            for account in (A, OTHER)
            for number in range(CLUSTERS)
        ]
    )
    sandbox.fault({"kind": "throttle", "account": A, "service": "redshift", "per_second": 5})
    role = f"arn:aws:iam::{OTHER}:role/TrailkeeperObserver"
    return {"targets": ["current", {"role": role}]}


def test_an_api_that_allows_5_calls_a_second(
    two_accounts: dict[str, Any], sandbox: Sandbox, run: Run
) -> None:
    """All verdicts are right, only slow; the other account is not slowed by it."""
    ran = run(*JSON, "--rule", "redshift-audit-logging-on", settings=two_accounts)

    assert judged(ran, 1)["unknown"] == 0
    verdicts = {
        (each["account"], each["resource"]): each["status"] for each in ran.report["findings"]
    }
    assert verdicts == {
        (account, f"c{number}"): "pass" if number % 2 else "fail"
        for account in (A, OTHER)
        for number in range(CLUSTERS)
    }
    times: dict[str, list[datetime]] = {A: [], OTHER: []}
    for each in ran.report["findings"]:
        (fact,) = each["facts"].values()
        times[each["account"]].append(datetime.fromisoformat(fact["read_at"]))
    began = min(min(some) for some in times.values())
    assert max(times[A]) - began > timedelta(seconds=5)
    assert max(times[OTHER]) - began < timedelta(seconds=3)


def test_an_account_that_throttles_to_the_end_costs_no_other(
    two_accounts: dict[str, Any], sandbox: Sandbox, run: Run
) -> None:
    """It uses up its own time; the other one, long listed by then, is judged all the same."""
    sandbox.fault({"kind": "throttle", "account": A, "service": "redshift"})

    ran = run(
        *JSON,
        *("--rule", "redshift-audit-logging-on"),
        settings={**two_accounts, "target_deadline_seconds": 3},
    )

    assert ran.code == 1
    verdicts = {(each["account"], each["status"]) for each in ran.report["findings"]}
    assert verdicts == {(A, "unknown"), (OTHER, "pass"), (OTHER, "fail")}
    assert {one["account"]: one["status"] for one in ran.report["targets"]} == {
        A: "unreadable",
        OTHER: "complete",
    }
