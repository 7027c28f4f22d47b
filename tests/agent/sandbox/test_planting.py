"""Planting steps that the other tests of the sandbox do not take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from agent.sandbox.planting.times import every, when
from tests.sandbox_server import REGION, Sandbox, code_of

ACCOUNT = "111122223333"
HERE = {"account": ACCOUNT, "region": REGION}


@pytest.mark.parametrize(
    ("planted", "what", "name", "service", "operation", "asked", "code"),
    [
        pytest.param(
            {"do": "cluster", **HERE, "identifier": "x"},
            "cluster",
            "x",
            "redshift",
            "describe_logging_status",
            {"ClusterIdentifier": "x"},
            "ClusterNotFound",
            id="cluster",
        ),
        pytest.param(
            {"do": "role", "account": ACCOUNT, "name": "x"},
            "role",
            "x",
            "iam",
            "get_role",
            {"RoleName": "x"},
            "NoSuchEntity",
            id="role",
        ),
        pytest.param(
            {"do": "log_group", **HERE, "name": "/x"},
            "log_group",
            "/x",
            "logs",
            "describe_log_streams",
            {"logGroupName": "/x"},
            "ResourceNotFoundException",
            id="log group",
        ),
    ],
)
def test_what_is_removed_is_gone(
    sandbox: Sandbox,
    planted: dict[str, Any],
    what: str,
    name: str,
    service: str,
    operation: str,
    asked: dict[str, str],
    code: str,
) -> None:
    call = getattr(sandbox.client(service), operation)
    sandbox.plant([planted])
    call(**asked)
    sandbox.plant([{"do": "remove", "what": what, **HERE, "name": name}])

    with pytest.raises(ClientError) as refused:
        call(**asked)

    assert code_of(refused) == code


def test_an_aws_policy_may_be_made_to_say_something_else(sandbox: Sandbox) -> None:
    document = {"Version": "2012-10-17", "Statement": []}
    policy = {"do": "aws_policy", "account": ACCOUNT, "name": "AmazonS3FullAccess"}
    sandbox.plant([{**policy, "document": document}])
    arn = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
    iam = sandbox.client("iam")

    default = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=default)["PolicyVersion"]

    assert version["Document"] == document


def test_a_cluster_changes_only_where_it_is_planted_again(sandbox: Sandbox) -> None:
    again = {"do": "cluster", **HERE, "identifier": "x"}
    logging = {"bucket": "b", "last_success": "2026-11-01T00:00:00+00:00"}
    sandbox.plant([{**again, "tags": {"a": "b"}, "pending": {"NodeType": "ra3.4xlarge"}}])
    sandbox.plant([{**again, "status": "paused", "logging": logging}])
    redshift = sandbox.client("redshift")

    [cluster] = redshift.describe_clusters()["Clusters"]
    status = redshift.describe_logging_status(ClusterIdentifier="x")

    assert (cluster["ClusterStatus"], cluster["Tags"]) == ("paused", [{"Key": "a", "Value": "b"}])
    assert cluster["PendingModifiedValues"] == {"NodeType": "ra3.4xlarge"}
    assert (status["LoggingEnabled"], status["BucketName"]) == (True, "b")


def test_a_workgroup_may_be_planted_in_any_state(sandbox: Sandbox) -> None:
    sandbox.plant(
        [
            {"do": "namespace", **HERE, "name": "sales"},
            {
                "do": "workgroup",
                **HERE,
                "name": "reporting",
                "namespace": "sales",
                "status": "MODIFYING",
                "created_at": "2026-01-01T00:00:00+00:00",
            },
        ]
    )

    [found] = sandbox.client("redshift-serverless").list_workgroups()["workgroups"]

    assert found["status"] == "MODIFYING"
    assert found["creationDate"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert found["configParameters"] == []


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        when("2026-01-01T00:00:00")


def test_times_run_up_to_and_including_the_end() -> None:
    times = every("2026-01-01T23:00:00+00:00", "2026-01-02T00:00:00+00:00", 30)

    assert [f"{time:%d %H:%M}" for time in times] == ["01 23:00", "01 23:30", "02 00:00"]
