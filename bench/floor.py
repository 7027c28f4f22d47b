"""What bare boto3 costs for the facts of the pack, asked once each: the floor, for orientation.

The list of calls is written down here, not recorded, so that it stands whatever Trailkeeper does.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.estate_account import SHARED_POLICY
from bench.estate_redshift import ACCOUNT, PAGE, REGION, Size, bucket_name, cluster_name, role_name
from bench.estate_s3 import LOG_ROOT, LOG_TYPES
from bench.harness import Row, markdown, replay, scratch

OF_BUCKET = (
    "GetBucketEncryption",
    "GetBucketLifecycleConfiguration",
    "GetBucketVersioning",
    "GetBucketPolicy",
    "GetPublicAccessBlock",
    "GetObjectLockConfiguration",
)
THREADS = 32


def calls(size: Size, now: datetime) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every fact of every resource, one call each, in no better way than its API offers."""
    yield "sts", "GetCallerIdentity", {}
    yield "s3", "ListBuckets", {}
    yield "s3control", "GetPublicAccessBlock", {"AccountId": ACCOUNT}
    for start in range(0, size.clusters, PAGE):
        yield "redshift", "DescribeClusters", {"Marker": str(start)} if start else {}
    for group in range(size.groups):
        yield (
            "redshift",
            "DescribeClusterParameters",
            {"ParameterGroupName": f"audited-{group:04d}"},
        )
    for index in range(size.clusters):
        name, bucket = cluster_name(index), bucket_name(index % size.buckets)
        yield "redshift", "DescribeLoggingStatus", {"ClusterIdentifier": name}
        file = f"{LOG_ROOT}{now:%Y/%m/%d}/{ACCOUNT}_redshift_{REGION}_{name}_"
        for log_type in LOG_TYPES[:2]:
            yield "s3", "ListObjectsV2", {"Bucket": bucket, "Prefix": f"{file}{log_type}_"}
    for index in range(size.buckets):
        for operation in OF_BUCKET:
            yield "s3", operation, {"Bucket": bucket_name(index)}
    yield from _of_roles(size)


def _of_roles(size: Size) -> Iterator[tuple[str, str, dict[str, Any]]]:
    roles = [role_name(index) for index in range(size.roles)]
    for role in roles:
        yield "iam", "GetRole", {"RoleName": role}
        yield "iam", "ListAttachedRolePolicies", {"RoleName": role}
        yield "iam", "ListRolePolicies", {"RoleName": role}
        yield "iam", "GetRolePolicy", {"RoleName": role, "PolicyName": "staging"}
    for policy in (SHARED_POLICY, *roles):
        arn = f"arn:aws:iam::{ACCOUNT}:policy/{policy}"
        yield "iam", "GetPolicy", {"PolicyArn": arn}
        yield "iam", "GetPolicyVersion", {"PolicyArn": arn, "VersionId": "v1"}


def measure(size: Size, latency_ms: float, folder: Path) -> Row:
    """Replay the list against the endpoint."""
    record = folder / "floor.jsonl"
    with record.open("w") as lines:
        for service, operation, params in calls(size, datetime.now(UTC)):
            call = {"service": service, "operation": operation, "params": params}
            lines.write(json.dumps(call) + "\n")
    used = replay(size, latency_ms, record, THREADS, folder)
    each = 1000 * used["cpu_s"] / used["calls"]
    return Row(
        f"bare boto3, the same facts: {size.clusters:,} clusters, {size.buckets:,} buckets, "
        f"{latency_ms:g} ms",
        f"{used['calls']:,} calls, {used['cpu_s']:.2f} s CPU ({each:.2f} ms each), "
        f"{used['wall_s']:.2f} s wall; each cost the endpoint {used['server_ms']:.2f} ms CPU",
    )


def main() -> None:
    """Measure one size, or the two of the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.floor", description=__doc__)
    parser.add_argument("--clusters", type=int, default=200)
    parser.add_argument("--latency-ms", type=float, default=30)
    options = parser.parse_args()
    with scratch() as folder:
        size = Size(options.clusters, options.clusters)
        print(markdown([measure(size, options.latency_ms, folder)]))


if __name__ == "__main__":
    main()
