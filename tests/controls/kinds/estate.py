"""A small estate as AWS would answer for it, swept and judged by the shipped rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from agent.collect import Target, collect
from controls.evaluate import evaluate
from controls.fixes.catalog import FIXES
from controls.kinds.catalog import KINDS
from controls.kinds.kind import LogBucket
from controls.model import Finding, Ref, Resource, Snapshot
from controls.rule import Rule
from controls.rule_file import RuleText, parse_rules
from tests.fakes import ACCOUNT, ARCHIVE, NOW, REGION, FakeAws, FakeWorld, Prepared

PACK = Path(__file__).parents[3] / "rules" / "redshift-audit"
BUCKET = "audit-logs"
LOG_TYPES = ("connectionlog", "userlog", "useractivitylog")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@cache
def pack() -> tuple[Rule, ...]:
    """The shipped rules."""
    files = [path for path in sorted(PACK.glob("*.yaml")) if path.name != "pack.yaml"]
    texts = [RuleText(path.name, path.read_text(), "redshift-audit") for path in files]
    rules, problems = parse_rules(texts, {kind.name: kind for kind in KINDS}, FIXES)
    assert not problems
    return rules


# ------------------------------------------------------------------------------ AWS's answers


def cluster(name: str = "c1", **other: Any) -> dict[str, Any]:
    """A cluster of DescribeClusters; `other` replaces members, None leaves one out."""
    members = {
        "ClusterIdentifier": name,
        "ClusterStatus": "available",
        "ClusterCreateTime": NOW - 400 * DAY,
        "ClusterParameterGroups": [
            {
                "ParameterGroupName": "audited",
                "ParameterApplyStatus": "in-sync",
                "ClusterParameterStatusList": [
                    {
                        "ParameterName": "enable_user_activity_logging",
                        "ParameterApplyStatus": "in-sync",
                    }
                ],
            }
        ],
        "IamRoles": [],
        "Tags": [],
    } | other
    return {member: value for member, value in members.items() if value is not None}


def to_s3(**other: Any) -> dict[str, Any]:
    """DescribeLoggingStatus of a cluster that delivered to S3 an hour ago."""
    members = {
        "LoggingEnabled": True,
        "LogDestinationType": "s3",
        "BucketName": BUCKET,
        "S3KeyPrefix": "prod/",
        "LogExports": list(LOG_TYPES),
        "LastSuccessfulDeliveryTime": NOW - HOUR,
    } | other
    return {member: value for member, value in members.items() if value is not None}


def to_cloudwatch(**other: Any) -> dict[str, Any]:
    """DescribeLoggingStatus of a cluster that logs to CloudWatch."""
    members = {
        "LoggingEnabled": True,
        "LogDestinationType": "cloudwatch",
        "LogExports": list(LOG_TYPES),
    }
    return members | other


def to_tables(**other: Any) -> dict[str, Any]:
    """DescribeLoggingStatus of a cluster that publishes all system tables to S3 Tables."""
    tables = {
        "EnabledAll": True,
        "LastIngestionTimes": {
            "sys_connection_log": "2026-11-22T07:00:00Z",
            "sys_query_history": "2026-11-22T07:00:00Z",
        },
    }
    return {"LoggingEnabled": True, "LogDestinationType": "s3table", "S3Tables": tables} | other


def log_object(
    age: timedelta,
    log_type: str = "connectionlog",
    name: str = "c1",
    *,
    now: datetime = NOW,
    modified: datetime | None = None,
    account: str = ACCOUNT,
) -> dict[str, Any]:
    """One log object in AWS's key layout, delivered `age` ago."""
    time = now - age
    key = (
        f"prod/AWSLogs/{account}/redshift/{REGION}/{time:%Y}/{time:%m}/{time:%d}/"
        f"{account}_redshift_{REGION}_{name}_{log_type}_{time:%Y-%m-%dT%H:%M}.gz"
    )
    return {"Key": key, "LastModified": modified or time, "Size": 1000}


def listing(objects: Iterable[Mapping[str, Any]]) -> Prepared:
    """ListObjectsV2 over these objects: by literal prefix."""
    stored = list(objects)

    def answer(params: Mapping[str, Any]) -> Mapping[str, Any]:
        found = [one for one in stored if one["Key"].startswith(params["Prefix"])]
        return {"Contents": found} if found else {}

    return answer


def steady(*, now: datetime = NOW, hours: int = 96, every: int = 1) -> list[dict[str, Any]]:
    """The objects of connection and activity log of a cluster that has logged all the while."""
    return [
        log_object(age * HOUR, log_type, now=now)
        for age in range(1, hours, every)
        for log_type in ("connectionlog", "useractivitylog")
    ]


def streams(age: timedelta | None, *, now: datetime = NOW) -> Prepared:
    """DescribeLogStreams: one stream whose newest event is that old; None is no stream."""
    if age is None:
        return {"logStreams": []}
    stamp = int((now - age).timestamp() * 1000)
    return {"logStreams": [{"logStreamName": "c1", "lastEventTimestamp": stamp}]}


def connections(*points: tuple[timedelta, float], now: datetime = NOW) -> Prepared:
    """GetMetricStatistics: (age, maximum) of each hour."""
    return {"Datapoints": [{"Timestamp": now - age, "Maximum": most} for age, most in points]}


def lifecycle(days: int) -> Prepared:
    """GetBucketLifecycleConfiguration: everything expires after so many days."""
    rule = {
        "ID": "expire",
        "Status": "Enabled",
        "Filter": {},
        "Expiration": {"Days": days},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    return {"Rules": [rule]}


def encryption(algorithm: str) -> Prepared:
    """GetBucketEncryption with that default."""
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
    return {"ServerSideEncryptionConfiguration": {"Rules": [default]}}


ADMITTING = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "redshift.amazonaws.com"},
            "Action": ["s3:GetBucketAcl", "s3:PutObject"],
            "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
        },
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ],
}


def healthy(
    clusters: Sequence[Mapping[str, Any]] = (), logging: Mapping[str, Any] | None = None
) -> dict[str, Prepared]:
    """Every answer for one cluster c1 that logs to S3 as the pack wants it."""
    return {
        "redshift:DescribeClusters": {"Clusters": list(clusters) or [cluster()]},
        "redshift:DescribeLoggingStatus": to_s3() if logging is None else logging,
        "redshift:DescribeClusterParameters": {
            "Parameters": [
                {"ParameterName": "enable_user_activity_logging", "ParameterValue": "true"}
            ]
        },
        "redshift:DescribeEvents": {"Events": []},
        "redshift-serverless:ListNamespaces": {"namespaces": []},
        "redshift-serverless:ListWorkgroups": {"workgroups": []},
        "s3:ListObjectsV2": listing(steady()),
        "s3:GetBucketPolicy": {"Policy": json.dumps(ADMITTING)},
        "s3:GetBucketEncryption": encryption("AES256"),
        "s3:GetPublicAccessBlock": {
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            }
        },
        "s3:GetObjectLockConfiguration": {},
        "s3:GetBucketLifecycleConfiguration": lifecycle(180),
        "s3:GetBucketVersioning": {},
        "s3control:GetPublicAccessBlock": {},
        "logs:DescribeLogStreams": streams(HOUR),
        "logs:DescribeLogGroups": {
            "logGroups": [
                {"logGroupName": f"/aws/redshift/cluster/c1/{log_type}", "retentionInDays": 180}
                for log_type in LOG_TYPES
            ]
        },
        "cloudwatch:GetMetricStatistics": {"Datapoints": []},
    }


# ---------------------------------------------------------------------------- swept and judged

OWNERS = {BUCKET: (ARCHIVE, REGION)}


def swept(
    answers: Mapping[str, Prepared],
    *,
    now: datetime = NOW,
    owners: Mapping[str, tuple[str, str]] = OWNERS,
    log_buckets: Sequence[LogBucket] = (),
    targets: Sequence[Target] = (Target(ACCOUNT, REGION),),
) -> tuple[Snapshot, FakeAws]:
    """What one real collection over these answers sees, and the door that it asked."""
    aws = FakeAws(answers, owners, now=now)
    snapshot = collect(FakeWorld(aws), targets, pack(), KINDS, log_buckets=log_buckets, workers=1)
    return snapshot, aws


def judged(answers: Mapping[str, Prepared], **other: Any) -> dict[tuple[str, str], Finding]:
    """The findings by rule and resource name."""
    snapshot, _ = swept(answers, **other)
    return {(finding.rule, finding.ref.name): finding for finding in evaluate(pack(), snapshot)}


def verdicts(answers: Mapping[str, Prepared], rule: str, **other: Any) -> dict[str, str]:
    """One rule's verdict on each resource, by its name; `*` for what could not be listed."""
    found = judged(answers, **other)
    return {name: finding.status.value for (of, name), finding in found.items() if of == rule}


def resource(kind: str, name: str, **facts: Any) -> Resource:
    """A resource whose facts are given as Readings, for derive functions."""
    arn = f"arn:aws:redshift:{REGION}:{ACCOUNT}:cluster:{name}"
    return Resource(Ref(kind, ACCOUNT, REGION, name, arn, ACCOUNT), facts)
