"""Redshift audit logging in the sandbox: unset is unsaid, and what AWS refuses is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox_server import ARCHIVE_ACCOUNT, REGION, Sandbox, code_of

ACCOUNT = "111122223333"
HERE = {"account": ACCOUNT, "region": REGION}


def admitting(principal: str = "redshift.amazonaws.com", *actions: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": principal},
                "Action": list(actions or ("s3:PutObject", "s3:GetBucketAcl")),
                "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"],
            }
        ],
    }


def bucket(name: str, **settings: Any) -> dict[str, Any]:
    wanted = {"account": ACCOUNT, "region": REGION, "policy": admitting()} | settings
    return {"do": "bucket", "name": name, **wanted}


def said(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def status(sandbox: Sandbox) -> dict[str, Any]:
    return said(sandbox.client("redshift").describe_logging_status(ClusterIdentifier="prod"))


@pytest.fixture
def redshift(sandbox: Sandbox) -> Any:
    sandbox.plant(
        [
            {"do": "cluster", **HERE, "identifier": "prod"},
            {"do": "cluster", **HERE, "identifier": "asleep", "status": "paused"},
            bucket("logs"),
            bucket("archive", account=ARCHIVE_ACCOUNT),
            bucket("mute", policy=None),
            bucket("no-acl", policy=admitting("redshift.amazonaws.com", "s3:PutObject")),
            bucket("far", region="us-east-1"),
            bucket("other-service", policy=admitting("logging.s3.amazonaws.com")),
        ]
    )
    return sandbox.client("redshift")


def test_a_new_cluster_says_only_that_logging_is_off(sandbox: Sandbox, redshift: Any) -> None:
    assert status(sandbox) == {"LoggingEnabled": False}


@pytest.mark.parametrize("name", ["logs", "archive"])
def test_logging_to_s3_says_bucket_and_prefix(sandbox: Sandbox, redshift: Any, name: str) -> None:
    redshift.enable_logging(ClusterIdentifier="prod", BucketName=name, S3KeyPrefix="prod")

    assert {
        "LoggingEnabled": True,
        "LogDestinationType": "s3",
        "BucketName": name,
        "S3KeyPrefix": "prod/",
    } == status(sandbox)


def test_logging_to_cloudwatch_drops_the_bucket(sandbox: Sandbox, redshift: Any) -> None:
    redshift.enable_logging(ClusterIdentifier="prod", BucketName="logs")
    redshift.enable_logging(
        ClusterIdentifier="prod", LogDestinationType="cloudwatch", LogExports=["userlog"]
    )

    assert status(sandbox) == {
        "LoggingEnabled": True,
        "LogDestinationType": "cloudwatch",
        "LogExports": ["userlog"],
    }


def test_logging_to_s3_tables_shows_in_the_cluster_too(sandbox: Sandbox, redshift: Any) -> None:
    redshift.enable_logging(
        ClusterIdentifier="prod", LogDestinationType="s3table", LogExports=["all"]
    )

    tables = status(sandbox)["S3Tables"]
    [found] = redshift.describe_clusters(ClusterIdentifier="prod")["Clusters"]

    assert (tables["EnabledAll"], tables["S3TableGranularity"]) == (True, "cluster")
    assert {"S3Tables": tables} == found["LoggingPublishStatus"]


def test_disabling_leaves_nothing_behind(sandbox: Sandbox, redshift: Any) -> None:
    redshift.enable_logging(ClusterIdentifier="prod", BucketName="logs")
    redshift.disable_logging(ClusterIdentifier="prod")

    assert status(sandbox) == {"LoggingEnabled": False}


def test_disabling_tables_leaves_delivery_to_s3(sandbox: Sandbox, redshift: Any) -> None:
    logging = {"do": "logging", **HERE, "cluster": "prod", "bucket": "logs"}
    sandbox.plant([logging | {"s3_tables": {"EnabledAll": True}}])

    redshift.disable_logging(ClusterIdentifier="prod", LogDestinationType="s3table")

    assert status(sandbox) == {
        "LoggingEnabled": True,
        "LogDestinationType": "s3",
        "BucketName": "logs",
    }


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        pytest.param({"BucketName": "none"}, "BucketNotFoundFault", id="no such bucket"),
        pytest.param({"BucketName": "Bad_Name"}, "InvalidS3BucketNameFault", id="a bad name"),
        pytest.param({}, "InvalidS3BucketNameFault", id="no bucket at all"),
        pytest.param({"BucketName": "mute"}, "InsufficientS3BucketPolicyFault", id="no policy"),
        pytest.param(
            {"BucketName": "no-acl"}, "InsufficientS3BucketPolicyFault", id="without GetBucketAcl"
        ),
        pytest.param(
            {"BucketName": "other-service"},
            "InsufficientS3BucketPolicyFault",
            id="another service's policy",
        ),
        pytest.param({"BucketName": "far"}, "InsufficientS3BucketPolicyFault", id="far away"),
        pytest.param(
            {"BucketName": "logs", "S3KeyPrefix": "a'b"}, "InvalidS3KeyPrefixFault", id="a quote"
        ),
        pytest.param(
            {"LogDestinationType": "cloudwatch"}, "InvalidParameterValue", id="no exports"
        ),
        pytest.param(
            {"LogDestinationType": "cloudwatch", "LogExports": ["querylog"]},
            "InvalidParameterValue",
            id="an unknown export",
        ),
        pytest.param(
            {"ClusterIdentifier": "asleep", "BucketName": "logs"},
            "InvalidClusterState",
            id="paused",
        ),
        pytest.param({"ClusterIdentifier": "none"}, "ClusterNotFound", id="no such cluster"),
    ],
)
def test_enable_logging_refuses(redshift: Any, asked: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        redshift.enable_logging(**{"ClusterIdentifier": "prod"} | asked)

    assert code == code_of(refused)


def test_a_paused_cluster_can_be_read_and_not_written(redshift: Any) -> None:
    redshift.describe_logging_status(ClusterIdentifier="asleep")

    with pytest.raises(ClientError) as refused:
        redshift.disable_logging(ClusterIdentifier="asleep")

    assert code_of(refused) == "InvalidClusterState"


def test_planted_logging_is_said_word_for_word(sandbox: Sandbox, redshift: Any) -> None:
    delivered, failed = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    sandbox.plant(
        [
            {
                "do": "logging",
                **HERE,
                "cluster": "prod",
                "destination": "firehose",
                "bucket": "gone",
                "prefix": "p",
                "exports": ["userlog"],
                "last_success": delivered,
                "last_failure": failed,
                "message": "The bucket owner has changed.",
            }
        ]
    )

    assert {
        "LoggingEnabled": True,
        "LogDestinationType": "firehose",
        "BucketName": "gone",
        "S3KeyPrefix": "p",
        "LogExports": ["userlog"],
        "LastSuccessfulDeliveryTime": delivered,
        "LastFailureTime": failed,
        "LastFailureMessage": "The bucket owner has changed.",
    } == status(sandbox)
