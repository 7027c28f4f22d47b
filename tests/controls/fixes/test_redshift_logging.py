"""Turning audit logging on: where, with what, and all that is looked at before AWS is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.change import Change, Cost, Destination, Held, Planned, Right, Task
from controls.fixes.redshift_destination import key_prefix
from controls.fixes.redshift_logging import FIXES
from controls.model import AwsError, CannotTellError, Ref
from tests.fakes import ACCOUNT, ARCHIVE, NOW, REGION, FakeAws, denied, failing

(FIX,) = FIXES
REF = Ref("redshift_cluster", ACCOUNT, REGION, "prod")
ALL = ["connectionlog", "userlog", "useractivitylog"]
OFF = {"LoggingEnabled": False}
S3 = Destination("s3", "logs", "redshift/{account}/{region}/{cluster}")
PREFIX = f"redshift/{ACCOUNT}/{REGION}/prod"


def admitting(**changes: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "redshift.amazonaws.com"},
        "Action": ["s3:PutObject", "s3:GetBucketAcl"],
        "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"],
    } | changes
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def encrypted_by(algorithm: str) -> dict[str, Any]:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
    return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


def cluster(**changes: Any) -> dict[str, Any]:
    tags = [{"Key": "env", "Value": "prod"}]
    found = {"ClusterIdentifier": "prod", "ClusterStatus": "available", "Tags": tags}
    return {"Clusters": [found | changes]}


def world(answers: Mapping[str, Any], **changes: Any) -> FakeAws:
    usual: dict[str, Any] = {
        "redshift:DescribeClusters": cluster(),
        "redshift:DescribeLoggingStatus": OFF,
        "s3:GetBucketPolicy": {"Policy": admitting()},
        "s3:GetBucketEncryption": encrypted_by("AES256"),
        "s3:GetObjectLockConfiguration": failing("ObjectLockConfigurationNotFoundError"),
        "organizations:DescribeOrganization": {"Organization": {"Id": "o-1"}},
    }
    buckets = {"logs": (ARCHIVE, REGION)}
    return FakeAws(usual | dict(answers), **{"buckets": buckets, **changes})


def plan(
    answers: Mapping[str, Any] | None = None, destination: Destination | None = S3, **changes: Any
) -> Planned:
    aws = world(answers or {}, **changes).allowing(FIX.reads)
    return FIX.plan(aws, Task(REF, NOW, destination=destination))


def on(kind: str | None = "s3", **fields: Any) -> dict[str, Any]:
    s3 = {"BucketName": "logs", "S3KeyPrefix": "old/"} if kind == "s3" else {}
    kind_said = {"LogDestinationType": kind} if kind else {}
    return {"redshift:DescribeLoggingStatus": {"LoggingEnabled": True} | kind_said | s3 | fields}


def test_a_cluster_that_is_off_logs_all_to_the_configured_bucket_with_every_field() -> None:
    change = plan()

    assert isinstance(change, Change)
    (call,) = change.calls
    assert (call.name, call.account, call.region) == ("redshift:EnableLogging", ACCOUNT, REGION)
    assert call.params == {
        "ClusterIdentifier": "prod",
        "LogDestinationType": "s3",
        "BucketName": "logs",
        "S3KeyPrefix": PREFIX,
        "LogExports": ALL,
    }
    (document,) = change.documents
    assert document.before == {"LoggingEnabled": False}
    assert document.after["S3KeyPrefix"] == f"{PREFIX}/"
    assert not change.undo
    assert "DisableLogging" in change.no_undo
    assert change.tags == {"env": "prod"}


def test_to_cloudwatch_no_bucket_is_looked_at() -> None:
    aws = world({}).allowing(FIX.reads)

    change = FIX.plan(aws, Task(REF, NOW, destination=Destination("cloudwatch")))

    assert isinstance(change, Change)
    assert change.calls[0].params == {
        "ClusterIdentifier": "prod",
        "LogDestinationType": "cloudwatch",
        "LogExports": ALL,
    }
    assert not aws.calls("s3:GetBucketPolicy")


def test_an_empty_prefix_is_not_sent() -> None:
    change = plan(destination=Destination("s3", "logs"))

    assert isinstance(change, Change)
    assert "S3KeyPrefix" not in change.calls[0].params


@pytest.mark.parametrize(
    ("answers", "where"),
    [
        pytest.param(on(), "s3", id="S3 with no list of exports exports all"),
        pytest.param(on("s3", LogExports=ALL), "s3", id="S3 with all three named"),
        pytest.param(on(None, BucketName="logs"), "s3", id="a legacy cluster without the type"),
        pytest.param(on("cloudwatch", LogExports=ALL[::-1]), "cloudwatch", id="CloudWatch"),
        pytest.param(on("s3table", S3Tables={"EnabledAll": True}), "s3table", id="S3 Tables, all"),
    ],
)
def test_a_cluster_that_logs_all_elsewhere_is_right_and_never_moved(
    answers: dict[str, Any], where: str
) -> None:
    elsewhere = Destination("s3", "another", "x")

    right = plan(answers, elsewhere)

    assert isinstance(right, Right)
    assert where in right.why
    assert all(document.before == document.after for document in right.documents)


@pytest.mark.parametrize(
    ("answers", "fields"),
    [
        pytest.param(
            on("s3", LogExports=["userlog"]),
            {"LogDestinationType": "s3", "BucketName": "logs", "S3KeyPrefix": "old"},
            id="to its bucket and prefix",
        ),
        pytest.param(
            on("s3", LogExports=["userlog"], S3KeyPrefix=None),
            {"LogDestinationType": "s3", "BucketName": "logs"},
            id="to its bucket without a prefix",
        ),
        pytest.param(
            on("cloudwatch", LogExports=["userlog"]),
            {"LogDestinationType": "cloudwatch"},
            id="to CloudWatch",
        ),
    ],
)
def test_what_lacks_is_added_where_the_cluster_logs_now(
    answers: dict[str, Any], fields: dict[str, Any]
) -> None:
    change = plan(answers, Destination("s3", "another", "x"))

    assert isinstance(change, Change)
    whole = {"ClusterIdentifier": "prod"} | fields
    assert change.calls[0].params == whole | {"LogExports": ALL}
    assert change.undo[0].params == whole | {"LogExports": ["userlog"]}
    assert "connectionlog, useractivitylog" in change.undo_costs[Cost.WEAKENS]
    assert not change.costs


def test_the_document_after_is_what_is_read_then() -> None:
    change = plan()
    assert isinstance(change, Change)
    told = {name: value for name, value in change.calls[0].params.items() if name != "LogExports"}

    for exports in ({}, {"LogExports": ALL}):
        said = {"LoggingEnabled": True} | told | {"S3KeyPrefix": f"{PREFIX}/"} | exports
        right = plan({"redshift:DescribeLoggingStatus": said})

        assert isinstance(right, Right)
        assert right.documents[0].before == change.documents[0].after


@pytest.mark.parametrize(
    ("answers", "destination", "why", "later"),
    [
        pytest.param({}, None, f"no destination configured for {ACCOUNT}/{REGION}", False, id="no"),
        pytest.param({}, Destination("s3table"), "'s3table'", False, id="to S3 Tables"),
        pytest.param({}, Destination("s3"), "names no bucket", False, id="no bucket"),
        pytest.param({}, Destination("s3", "far"), "only within a region", False, id="far"),
        pytest.param({}, Destination("s3", "lost"), "cannot be checked", False, id="whose"),
        pytest.param(
            {"s3:GetBucketPolicy": failing("NoSuchBucketPolicy")},
            S3,
            "`admit_delivery` comes first",
            True,
            id="no policy",
        ),
        pytest.param(
            {"s3:GetBucketPolicy": {"Policy": admitting(Action="s3:PutObject")}},
            S3,
            "`admit_delivery` comes first",
            True,
            id="a policy that admits half",
        ),
        pytest.param(
            {
                "s3:GetBucketPolicy": {
                    "Policy": admitting(Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})
                }
            },
            S3,
            "`admit_delivery` comes first",
            True,
            id="a policy for a network alone",
        ),
        pytest.param(
            {
                "s3:GetBucketPolicy": {
                    "Policy": admitting(Condition={"StringEquals": {"aws:strange": "1"}})
                }
            },
            S3,
            "cannot be told",
            False,
            id="a policy that is not understood",
        ),
        pytest.param(
            {"s3:GetBucketPolicy": failing("NoSuchBucket")}, S3, "does not exist", False, id="none"
        ),
        pytest.param(
            {"s3:GetBucketEncryption": encrypted_by("aws:kms")},
            S3,
            "`use_sse_s3` comes first",
            True,
            id="a KMS key",
        ),
        pytest.param(
            {
                "s3:GetObjectLockConfiguration": {
                    "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}
                }
            },
            S3,
            "Object Lock",
            False,
            id="Object Lock",
        ),
        pytest.param(
            {"redshift:DescribeClusters": cluster(ClusterStatus="paused")}, S3, "paused", True,
            id="a paused cluster",
        ),
        pytest.param(
            {"redshift:DescribeClusters": failing("ClusterNotFound")}, S3, "not exist", False,
            id="a cluster that is gone",
        ),
        pytest.param(
            on("s3table", S3Tables={"EnabledAll": False}), S3, "S3 Tables", False,
            id="a cluster that publishes some tables",
        ),
        pytest.param(
            on("s3", LogExports=["userlog"], S3Tables={"EnabledAll": False}), S3, "S3 Tables",
            False, id="a cluster that publishes tables besides",
        ),
        pytest.param(
            on("s3", LogExports=["userlog"], BucketName="lost"), S3, "cannot be checked", False,
            id="a cluster that logs to nobody knows whose bucket",
        ),
    ],
)  # fmt: skip
def test_it_is_held(
    answers: dict[str, Any], destination: Destination | None, why: str, later: bool
) -> None:
    buckets = {"logs": (ARCHIVE, REGION), "far": (ACCOUNT, "us-east-1")}

    held = plan(answers, destination, buckets=buckets)

    assert isinstance(held, Held)
    assert why in held.why
    assert held.later is later


@pytest.mark.parametrize(
    "status", ["available, prep-for-resize", "available, resize-cleanup", "available"]
)
def test_available_in_any_form_is_available(status: str) -> None:
    assert isinstance(plan({"redshift:DescribeClusters": cluster(ClusterStatus=status)}), Change)


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(on("elsewhere"), id="an unheard-of destination"),
        pytest.param(on("cloudwatch"), id="CloudWatch without exports"),
        pytest.param(on("cloudwatch", LogExports=["userlog", "newlog"]), id="a strange log"),
        pytest.param({"redshift:DescribeLoggingStatus": {}}, id="no word on whether it is on"),
        pytest.param(
            {"redshift:DescribeLoggingStatus": OFF | {"S3Tables": {"EnabledAll": True}}},
            id="off, and yet publishing tables",
        ),
        pytest.param({"redshift:DescribeLoggingStatus": denied("x")}, id="a denied status"),
        pytest.param({"s3:GetBucketPolicy": denied("x")}, id="a denied policy"),
        pytest.param({"s3:GetBucketEncryption": denied("x")}, id="a denied encryption"),
        pytest.param({"s3:GetObjectLockConfiguration": denied("x")}, id="a denied lock"),
    ],
)
def test_what_cannot_be_seen_is_raised(answers: dict[str, Any]) -> None:
    with pytest.raises((CannotTellError, AwsError)):
        plan(answers)


def test_a_policy_for_the_organization_is_judged_with_its_id() -> None:
    for organization, expected in (("o-1", Change), ("o-2", Held)):
        condition = {"StringEquals": {"aws:SourceOrgID": organization}}

        planned = plan({"s3:GetBucketPolicy": {"Policy": admitting(Condition=condition)}})

        assert isinstance(planned, expected)


@pytest.mark.parametrize(("account", "expected"), [(ARCHIVE, Change), (ACCOUNT, Held)])
def test_a_policy_is_judged_for_the_account_that_owns_the_bucket(
    account: str, expected: type
) -> None:
    condition = {"StringEquals": {"aws:ResourceAccount": account}}

    planned = plan({"s3:GetBucketPolicy": {"Policy": admitting(Condition=condition)}})

    assert isinstance(planned, expected)


@pytest.mark.parametrize(
    "prefix", ["/x", "x//y", "x//", "a b", "ä", 'x"', "x\\y", "{vpc}", "x" * 256, "a\n"]
)
def test_a_prefix_that_either_documented_set_refuses_is_held(prefix: str) -> None:
    held = plan(destination=Destination("s3", "logs", prefix))

    assert isinstance(held, Held)
    assert "prefix" in held.why


@settings(deadline=None)
@given(st.text(max_size=300))
def test_a_prefix_is_held_or_plain(template: str) -> None:
    prefix = key_prefix(Destination("s3", "logs", template), REF)

    if isinstance(prefix, str):
        plain = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/=+@-")
        assert set(prefix) <= plain
        assert len(prefix) <= 255
        assert not prefix.endswith("/")


def test_the_fix_names_what_it_writes_and_never_disables() -> None:
    assert FIX.writes == ("redshift:EnableLogging",)
    assert FIX.name == "enable_logging"
