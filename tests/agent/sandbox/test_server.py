"""The sandbox's process, its admin API, and its record of calls."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from agent.sandbox.accounts import Accounts, long_term_key, session_key
from agent.sandbox.server import start_server
from tests.sandbox_server import OTHER_ACCOUNT, REGION, Sandbox, code_of

ACCOUNT = "111122223333"


def seed_one_cluster() -> None:
    """What a demo's estate would do: plant inside the server's process."""
    from agent.sandbox.planting import cluster

    cluster(OTHER_ACCOUNT, REGION, "seeded")


def test_a_server_starts_seeded_for_an_account_and_ends_when_told() -> None:
    seed = f"{__name__}:seed_one_cluster"
    with start_server(account=OTHER_ACCOUNT, seed=seed) as server:
        sandbox = Sandbox(server)
        [cluster] = sandbox.client("redshift").describe_clusters()["Clusters"]
        who = sandbox.client("sts").get_caller_identity()["Account"]

    assert (cluster["ClusterIdentifier"], who) == ("seeded", OTHER_ACCOUNT)
    assert server.process.returncode == 0
    with pytest.raises(urllib.error.URLError):
        Sandbox(server).calls()


def test_a_server_that_cannot_start_says_so() -> None:
    with pytest.raises(RuntimeError, match="did not start"):
        start_server(seed="no.such.module:seed")


def test_a_server_ends_with_the_process_that_started_it() -> None:
    starter = (
        "from agent.sandbox.server import start_server; import sys, time; s = start_server();"
        "print(s.process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and is_running(child):
        time.sleep(0.02)

    assert not is_running(child)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process}/stat") as stat:
        return stat.read().split()[2] != "Z"


def test_a_reset_empties_everything_at_once(sandbox: Sandbox) -> None:
    here = {"account": ACCOUNT, "region": REGION}
    sandbox.plant(
        [
            {"do": "cluster", **here, "identifier": "prod"},
            {"do": "bucket", "account": ACCOUNT, "name": "logs", "region": REGION},
            {"do": "account", "account": OTHER_ACCOUNT},
            {"do": "namespace", **here, "name": "sales"},
            {"do": "log_group", **here, "name": "/a"},
            {"do": "enabled_regions", "account": ACCOUNT, "regions": [REGION, "us-east-1"]},
        ]
    )
    sandbox.fault({"kind": "deny", "service": "iam"})
    sandbox.client("redshift").describe_clusters()
    started = time.perf_counter()
    sandbox.reset()
    took = time.perf_counter() - started

    assert sandbox.calls() == []
    assert sandbox.client("redshift").describe_clusters()["Clusters"] == []
    assert sandbox.client("s3").list_buckets()["Buckets"] == []
    assert sandbox.client("iam", account=OTHER_ACCOUNT).list_roles()["Roles"] == []
    assert sandbox.client("redshift-serverless").list_namespaces()["namespaces"] == []
    assert sandbox.client("logs").describe_log_groups()["logGroups"] == []
    assert len(sandbox.client("ec2").describe_regions()["Regions"]) == 17
    assert took < 0.5  # measured: 2 ms


def test_every_call_is_recorded_with_its_account_and_name(sandbox: Sandbox) -> None:
    bucket = {"do": "bucket", "account": OTHER_ACCOUNT, "name": "logs", "region": REGION}
    sandbox.plant([bucket])
    sandbox.fault({"kind": "deny", "service": "logs"})
    sandbox.client("s3", account=OTHER_ACCOUNT).list_objects_v2(Bucket="logs", Prefix="a")
    sandbox.client("redshift").describe_clusters()
    with pytest.raises(ClientError):
        sandbox.client("logs").describe_log_groups()

    assert [
        (c["account"], c["service"], c["operation"], c["resource"], c["fault"], c["status"])
        for c in sandbox.calls()
    ] == [
        (OTHER_ACCOUNT, "s3", "ListObjectsV2", "logs", None, 200),
        (ACCOUNT, "redshift", "DescribeClusters", "", None, 200),
        (ACCOUNT, "logs", "DescribeLogGroups", "", "deny", 400),
    ]
    sandbox.forget_calls()
    assert sandbox.counts() == {}


def test_many_connections_at_once_each_see_their_own_account(sandbox: Sandbox) -> None:
    accounts = [f"{number:012}" for number in range(1, 9)]
    sandbox.plant(
        [
            {"do": "cluster", "account": account, "region": REGION, "identifier": f"of-{account}"}
            for account in accounts
        ]
    )
    clients = [(account, sandbox.client("redshift", account=account)) for account in accounts * 16]

    def ask(pair: tuple[str, Any]) -> bool:
        account, client = pair
        [cluster] = client.describe_clusters()["Clusters"]
        return bool(cluster["ClusterIdentifier"] == f"of-{account}")

    with ThreadPoolExecutor(32) as pool:
        right = list(pool.map(ask, clients * 2))

    assert all(right)
    assert len(right) == 256 == sandbox.counts()["redshift:DescribeClusters"]


S3_CALLS: dict[str, dict[str, Any]] = {
    "GetBucketLifecycleConfiguration": {},
    "GetBucketEncryption": {},
    "GetBucketPolicy": {},
    "GetBucketPolicyStatus": {},
    "GetPublicAccessBlock": {},
    "GetBucketVersioning": {},
    "GetBucketAcl": {},
    "GetBucketLocation": {},
    "GetBucketTagging": {},
    "GetObjectLockConfiguration": {},
    "GetBucketOwnershipControls": {},
    "GetBucketRequestPayment": {},
    "ListMultipartUploads": {},
    "ListObjectVersions": {},
    "ListObjectsV2": {},
    "HeadBucket": {},
    "DeleteBucketLifecycle": {},
    "DeleteBucketEncryption": {},
    "DeletePublicAccessBlock": {},
    "HeadObject": {"Key": "a/b"},
    "GetObject": {"Key": "a/b"},
    "DeleteObject": {"Key": "a/b"},
    "PutObject": {"Key": "a/b", "Body": b"x"},
    "PutBucketVersioning": {"VersioningConfiguration": {"Status": "Enabled"}},
    "PutBucketPolicy": {"Policy": "{}"},
}


@pytest.mark.parametrize("operation", S3_CALLS)
def test_s3_operations_are_named_as_the_api_names_them(sandbox: Sandbox, operation: str) -> None:
    from botocore import xform_name

    sandbox.fault({"kind": "deny"})

    with pytest.raises(ClientError):
        getattr(sandbox.client("s3"), xform_name(operation))(Bucket="logs", **S3_CALLS[operation])

    assert {f"s3:{operation}": 1} == sandbox.counts()


def test_what_the_sandbox_cannot_do_is_not_taken_for_aws(sandbox: Sandbox) -> None:
    with pytest.raises(ClientError) as refused:
        sandbox.client("redshift").describe_usage_limits()

    assert code_of(refused) == "NotImplemented"


def admin(sandbox: Sandbox, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    connection = http.client.HTTPConnection(sandbox.endpoint.removeprefix("http://"), timeout=10)
    connection.request(method, f"/_sandbox/{path}", data)
    reply = connection.getresponse()
    answer = json.load(reply)
    connection.close()
    return reply.status, answer


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        pytest.param("GET", "health", None, 200, "ok", id="health"),
        pytest.param("GET", "nothing", None, 404, "has no GET", id="no such path"),
        pytest.param("POST", "plant", [{"do": "x"}], 400, "step 0: no step 'x'", id="no step"),
        pytest.param("POST", "plant", {"do": "bucket"}, 400, "step 0 (bucket)", id="one step"),
        pytest.param(
            "POST",
            "plant",
            [{"do": "cluster", "account": ACCOUNT, "region": REGION, "identifier": "a", "b": 1}],
            400,
            "a cluster has no setting b",
            id="an unknown setting",
        ),
        pytest.param(
            "POST",
            "plant",
            [
                {
                    "do": "cluster",
                    "account": ACCOUNT,
                    "region": REGION,
                    "identifier": "a",
                    "parameter_group": "none",
                }
            ],
            400,
            "ClusterParameterGroupNotFound",
            id="a missing group",
        ),
        pytest.param("POST", "faults", {"kind": "x"}, 400, "a fault's kind", id="no such fault"),
    ],
)
def test_the_admin_api_says_what_is_wrong(
    sandbox: Sandbox, method: str, path: str, body: Any, status: int, said: str
) -> None:
    got, answer = admin(sandbox, method, path, body)

    assert status == got
    assert said in json.dumps(answer)


@pytest.mark.parametrize(
    ("key", "account"),
    [
        pytest.param(long_term_key("444455556666"), "444455556666", id="a user's key"),
        pytest.param(session_key("444455556666"), "444455556666", id="a session's key"),
        pytest.param("AKIAIOSFODNN7EXAMPLE", "111122223333", id="anybody's key"),
        pytest.param("test", "111122223333", id="hardly a key"),
    ],
)
def test_keys_carry_their_account(key: str, account: str) -> None:
    assert account == Accounts("111122223333").of_key(key)
