"""A harmless call for each operation: enough to tell whether it is permitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from controls.kinds.kind import LogBucket
from controls.model import AwsError, Reader

NOBODY = "trailkeeper-doctor"
"""The name of a cluster, group, role or policy that does not exist; asking for it harms nothing.
IAM decides before the service looks, so "not found" means permitted."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Real names to ask about, where the target has any; empty otherwise."""

    bucket: str = ""


Params = Callable[[Sample, Reader], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Probe:
    """How to try one operation. `params` gives None where there is nothing to try it on.

    `harmless` are the error codes that still mean: permitted.
    """

    params: Params
    harmless: tuple[str, ...] = ()
    on_bucket: bool = False
    lacks: str = "no log bucket is known here yet; name one under log_buckets"


def find_sample(reader: Reader, log_buckets: Iterable[LogBucket]) -> Sample:
    """A log bucket: one configured as the account's own, else where some cluster here logs.

    With neither, any that is configured.
    """
    configured = sorted(log_buckets, key=lambda entry: entry.account != reader.account)
    if configured and configured[0].account == reader.account:
        return Sample(configured[0].bucket)
    return _logged_to(reader) or Sample(configured[0].bucket if configured else "")


def _logged_to(reader: Reader) -> Sample | None:
    try:
        clusters = reader.pages("redshift", "DescribeClusters", "Clusters")
        for cluster in clusters[:20]:
            name = cluster["ClusterIdentifier"]
            status = reader.call("redshift", "DescribeLoggingStatus", ClusterIdentifier=name)
            if status.get("LoggingEnabled") and status.get("BucketName"):
                return Sample(str(status["BucketName"]))
    except AwsError:
        return None  # the lines for these operations will say why
    return None


def _always(**params: Any) -> Params:
    return lambda sample, reader: params


def _of_bucket(sample: Sample, reader: Reader) -> Mapping[str, Any] | None:
    return {"Bucket": sample.bucket} if sample.bucket else None


def _listing(sample: Sample, reader: Reader) -> Mapping[str, Any] | None:
    prefix = f"AWSLogs/{reader.account}/redshift/{reader.region}/"
    return {"Bucket": sample.bucket, "Prefix": prefix, "MaxKeys": 1} if sample.bucket else None


def _account(sample: Sample, reader: Reader) -> Mapping[str, Any]:
    return {"AccountId": reader.account}


def _metric(sample: Sample, reader: Reader) -> Mapping[str, Any]:
    return {
        "Namespace": "AWS/Redshift",
        "MetricName": "DatabaseConnections",
        "Dimensions": [{"Name": "ClusterIdentifier", "Value": NOBODY}],
        "StartTime": reader.now - timedelta(hours=1),
        "EndTime": reader.now,
        "Period": 3600,
        "Statistics": ["Maximum"],
    }


def _policy(sample: Sample, reader: Reader) -> Mapping[str, Any]:
    return {"PolicyArn": f"arn:{reader.partition}:iam::{reader.account}:policy/{NOBODY}"}


def _version(sample: Sample, reader: Reader) -> Mapping[str, Any]:
    return {**_policy(sample, reader), "VersionId": "v1"}


def _bucket_probe(*harmless: str) -> Probe:
    return Probe(_of_bucket, harmless, on_bucket=True)


_NO_CLUSTER = ("ClusterNotFound", "ClusterNotFoundFault")
_NO_ENTITY = ("NoSuchEntity",)

PROBES: Mapping[str, Probe] = {
    "cloudwatch:GetMetricStatistics": Probe(_metric),
    "iam:GetPolicy": Probe(_policy, _NO_ENTITY),
    "iam:GetPolicyVersion": Probe(_version, _NO_ENTITY),
    "iam:GetRole": Probe(_always(RoleName=NOBODY), _NO_ENTITY),
    "iam:GetRolePolicy": Probe(_always(RoleName=NOBODY, PolicyName=NOBODY), _NO_ENTITY),
    "iam:ListAttachedRolePolicies": Probe(_always(RoleName=NOBODY), _NO_ENTITY),
    "iam:ListRolePolicies": Probe(_always(RoleName=NOBODY), _NO_ENTITY),
    "logs:DescribeLogGroups": Probe(_always(logGroupNamePrefix="/aws/redshift/", limit=1)),
    "logs:DescribeLogStreams": Probe(
        _always(logGroupName=f"/aws/redshift/cluster/{NOBODY}/connectionlog"),
        ("ResourceNotFoundException",),
    ),
    "organizations:DescribeOrganization": Probe(_always(), ("AWSOrganizationsNotInUseException",)),
    "redshift-serverless:ListNamespaces": Probe(_always(maxResults=1)),
    "redshift-serverless:ListWorkgroups": Probe(_always(maxResults=1)),
    "redshift:DescribeClusterParameters": Probe(
        _always(ParameterGroupName=NOBODY, Source="user"),
        ("ClusterParameterGroupNotFound", "ClusterParameterGroupNotFoundFault"),
    ),
    "redshift:DescribeClusters": Probe(_always(MaxRecords=20)),
    "redshift:DescribeEvents": Probe(
        _always(SourceIdentifier=NOBODY, SourceType="cluster", Duration=60),
        (*_NO_CLUSTER, "SourceNotFound"),
    ),
    "redshift:DescribeLoggingStatus": Probe(_always(ClusterIdentifier=NOBODY), _NO_CLUSTER),
    "s3:GetBucketEncryption": _bucket_probe("ServerSideEncryptionConfigurationNotFoundError"),
    "s3:GetBucketLifecycleConfiguration": _bucket_probe("NoSuchLifecycleConfiguration"),
    "s3:GetBucketPolicy": _bucket_probe("NoSuchBucketPolicy"),
    "s3:GetBucketVersioning": _bucket_probe(),
    "s3:GetObjectLockConfiguration": _bucket_probe("ObjectLockConfigurationNotFoundError"),
    "s3:GetPublicAccessBlock": _bucket_probe("NoSuchPublicAccessBlockConfiguration"),
    "s3:ListBuckets": Probe(_always(MaxBuckets=1)),
    "s3:ListObjectsV2": Probe(_listing, on_bucket=True),
    "s3control:GetPublicAccessBlock": Probe(_account, ("NoSuchPublicAccessBlockConfiguration",)),
}
