"""What a fact used, when it was read, and what it may not do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.aws.access import AccountAccess
from agent.aws.clock import system_clock
from agent.aws.door import Aws
from agent.aws.hands import CREDENTIALS, OBSERVER, action_of, iam_actions
from agent.aws.trace import trace
from controls.model import AwsError
from tests.agent.aws.conftest import BASE, Open
from tests.agent.aws.fake_wire import Reply, Seen, buckets, identity, logging_status, versioning

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def answer(seen: Seen) -> Reply:
    """An account with one bucket and a cluster."""
    if seen.operation == "ListBuckets":
        return buckets(logs="eu-west-1")
    return identity(seen) or (versioning() if seen.service == "s3" else logging_status("logs"))


def test_the_source_is_the_iam_actions_and_the_time_that_of_the_earliest_answer(
    open_aws: Open,
) -> None:
    moment = NOW
    _, _ = open_aws(answer)
    aws = Aws(clock=replace(system_clock(), utc=lambda: moment))
    reader = aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1")
    reader.of_bucket("logs")
    moment = NOW + timedelta(seconds=7)
    first = trace(reader, ["s3:GetBucketVersioning"])
    first.of_bucket("logs").call("s3", "GetBucketVersioning", Bucket="logs")
    moment = NOW + timedelta(seconds=9)
    second = trace(reader, ["redshift:DescribeLoggingStatus"])
    second.call("redshift", "DescribeLoggingStatus", ClusterIdentifier="c")

    assert first.trace.source == "s3:ListAllMyBuckets, s3:GetBucketVersioning"
    assert (NOW, NOW + timedelta(seconds=9)) == (first.trace.read_at, second.trace.read_at)
    assert second.trace.actions == ["redshift:DescribeLoggingStatus"]
    aws.close()


def test_a_remembered_answer_keeps_its_time_and_its_source(open_aws: Open) -> None:
    aws, wire = open_aws(answer)
    reader = aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1")
    traces = [trace(reader, ["s3:GetBucketVersioning"]) for _ in range(2)]
    for one in traces:
        one.of_bucket("logs").call("s3", "GetBucketVersioning", Bucket="logs")

    assert traces[0].trace == traces[1].trace
    assert (wire.count("s3:ListBuckets"), wire.count("s3:GetBucketVersioning")) == (1, 1)


def test_a_fact_that_makes_no_call_has_neither_source_nor_time(open_aws: Open) -> None:
    aws, _ = open_aws(answer)
    traced = trace(aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1"), [])

    assert (traced.trace.source, traced.trace.read_at) == ("", None)
    assert (
        traced.account,
        traced.region,
        traced.partition,
        traced.now,
    ) == (BASE, "eu-west-1", "aws", NOW)


def test_what_a_fact_does_not_declare_never_reaches_the_wire(open_aws: Open) -> None:
    aws, wire = open_aws(answer)
    reader = aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1")
    traced = trace(reader, ["s3:GetBucketPolicy"])
    owner = traced.of_bucket("logs")
    before = len(wire.seen)

    with pytest.raises(AwsError, match="Refused"):
        traced.call("s3", "GetBucketVersioning", Bucket="logs")
    with pytest.raises(AwsError, match="Refused"):
        traced.pages("s3", "ListBuckets", "Buckets")
    with pytest.raises(AwsError, match="Refused"):
        owner.call("s3", "GetBucketVersioning", Bucket="logs")
    assert before == len(wire.seen)


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("s3", "GetObject", {"Bucket": "logs", "Key": "k"}),
        ("s3", "PutBucketPolicy", {"Bucket": "logs", "Policy": "{}"}),
        ("redshift", "DisableLogging", {"ClusterIdentifier": "c"}),
        ("sts", "AssumeRole", {"RoleArn": "arn", "RoleSessionName": "x"}),
    ],
)
def test_what_is_in_no_hand_never_reaches_the_wire_whoever_asks(
    open_aws: Open, service: str, operation: str, params: dict[str, Any]
) -> None:
    aws, wire = open_aws(answer)
    reader = aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1")

    with pytest.raises(AwsError) as caught:
        reader.call(service, operation, **params)
    with pytest.raises(AwsError) as traced:
        trace(reader, [f"{service}:{operation}"]).call(service, operation, **params)

    assert (caught.value.code, traced.value.code, wire.seen) == ("Refused", "Refused", [])


def test_a_call_that_botocore_makes_of_its_own_accord_is_refused_too(open_aws: Open) -> None:
    def moved(seen: Seen) -> Reply:
        redirect = "<Error><Code>PermanentRedirect</Code><Message>m</Message></Error>"
        return identity(seen) or Reply(redirect, 301)

    aws, wire = open_aws(moved)
    reader = aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1")

    with pytest.raises(AwsError) as caught:
        reader.call("s3", "GetBucketVersioning", Bucket="logs")

    assert (caught.value.code, wire.count("s3:HeadBucket")) == ("Refused", 0)


class Paper:
    """Any other reader, without a wire."""

    account, region, partition, now = BASE, "eu-west-1", "aws", NOW

    def call(self, *_: Any, **__: Any) -> Mapping[str, Any]:
        return {"a": 1}

    def pages(self, *_: Any, **__: Any) -> tuple[Mapping[str, Any], ...]:
        return ({"a": 1},)

    def digest(self, *_: Any, **__: Any) -> Any:
        return 1

    def memo(self, _: Any, compute: Any) -> Any:
        return compute()

    def of_bucket(self, bucket: str) -> Paper:
        return self


def test_any_reader_can_be_traced_with_the_time_of_the_sweep() -> None:
    traced = trace(Paper(), ["s3:ListObjectsV2"])
    traced.of_bucket("logs").pages("s3", "ListObjectsV2", "Contents", Bucket="logs")
    traced.digest(len, "s3", "ListObjectsV2", "Contents", Bucket="logs")

    assert (traced.trace.source, traced.trace.read_at) == ("s3:ListBucket", NOW)


def test_the_observer_reads_no_object_and_changes_nothing() -> None:
    verbs = {name.partition(":")[2] for name in OBSERVER}

    assert "s3:GetObject" not in OBSERVER
    assert [verb for verb in verbs if not verb.startswith(("Describe", "Get", "List"))] == []
    assert "sts:AssumeRole" in CREDENTIALS - OBSERVER


@pytest.mark.parametrize(
    ("operation", "actions"),
    [
        ("s3:ListObjectsV2", ("s3:ListBucket",)),
        ("s3:ListBuckets", ("s3:ListAllMyBuckets",)),
        ("s3:GetBucketLifecycleConfiguration", ("s3:GetLifecycleConfiguration",)),
        ("s3:GetBucketEncryption", ("s3:GetEncryptionConfiguration",)),
        ("s3:GetPublicAccessBlock", ("s3:GetBucketPublicAccessBlock",)),
        ("s3:GetObjectLockConfiguration", ("s3:GetBucketObjectLockConfiguration",)),
        ("s3control:GetPublicAccessBlock", ("s3:GetAccountPublicAccessBlock",)),
        ("redshift:DescribeClusters", ("redshift:DescribeClusters",)),
        ("redshift-serverless:ListWorkgroups", ("redshift-serverless:ListWorkgroups",)),
        ("cloudwatch:GetMetricStatistics", ("cloudwatch:GetMetricStatistics",)),
        ("sts:GetCallerIdentity", ()),
    ],
)
def test_operations_and_the_actions_to_grant(operation: str, actions: tuple[str, ...]) -> None:
    assert actions == iam_actions(operation)
    assert action_of(operation) == (actions[0] if actions else operation)
