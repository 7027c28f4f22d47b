"""Every document of a simulated estate that a fix could touch, and its neighbours, read afresh."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from tests.sandbox_server import Sandbox

Documents = dict[str, Any]
"""By the names that changes give them; whatever has none there has a name of its own."""

SWITCHED = "enable_user_activity_logging"


def documents(sandbox: Sandbox, accounts: tuple[str, ...], regions: tuple[str, ...]) -> Documents:
    """All of them, by plain botocore clients that know nothing of Trailkeeper."""
    found = dict(pair for account in accounts for pair in _of_account(sandbox, account))
    for account in accounts:
        for region in regions:
            found |= dict(_of_clusters(sandbox, account, region))
            found |= dict(_of_serverless(sandbox, account, region))
            found |= dict(_of_log_groups(sandbox, account, region))
    return found


def different(before: Documents, after: Documents) -> set[str]:
    """The names of those that are not what they were, new and lost ones among them."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


# ---------------------------------------------------------------- buckets


def _buckets(s3: Any) -> list[tuple[str, str]]:
    """(name, region) of each bucket of the account."""
    names = [one["Name"] for one in s3.list_buckets()["Buckets"]]
    where = {n: s3.get_bucket_location(Bucket=n).get("LocationConstraint") for n in names}
    return [(name, region or "us-east-1") for name, region in where.items()]


def _of_account(sandbox: Sandbox, account: str) -> Iterator[tuple[str, Any]]:
    control = sandbox.client("s3control", account=account)
    yield (
        f"public access block of account {account}",
        _answer(control, "get_public_access_block", AccountId=account),
    )
    clients = {"us-east-1": sandbox.client("s3", account=account, region="us-east-1")}
    for bucket, region in _buckets(clients["us-east-1"]):
        if region not in clients:
            clients[region] = sandbox.client("s3", account=account, region=region)
        s3 = clients[region]
        for what, operation in (
            ("lifecycle configuration", "get_bucket_lifecycle_configuration"),
            ("default encryption", "get_bucket_encryption"),
            ("public access block", "get_public_access_block"),
            ("tags", "get_bucket_tagging"),
            ("versioning", "get_bucket_versioning"),
            ("access control list", "get_bucket_acl"),
            ("ownership controls", "get_bucket_ownership_controls"),
            ("Object Lock", "get_object_lock_configuration"),
        ):
            yield f"{what} of bucket {bucket}", _answer(s3, operation, Bucket=bucket)
        policy = _answer(s3, "get_bucket_policy", Bucket=bucket)
        yield f"policy of bucket {bucket}", json.loads(policy["Policy"]) if policy else None


def _answer(client: Any, operation: str, **params: Any) -> Any:
    """None where AWS says that there is none."""
    try:
        answer = dict(getattr(client, operation)(**params))
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        return None
    answer.pop("ResponseMetadata")
    return answer


# ---------------------------------------------------------------- Redshift

_OF_LOGGING = ("LoggingEnabled", "LogDestinationType", "BucketName", "S3KeyPrefix", "LogExports")


def _of_clusters(sandbox: Sandbox, account: str, region: str) -> Iterator[tuple[str, Any]]:
    redshift = sandbox.client("redshift", account=account, region=region)
    for cluster in redshift.describe_clusters()["Clusters"]:
        name = cluster["ClusterIdentifier"]
        [group] = cluster.pop("ClusterParameterGroups")
        yield f"parameter group of cluster {name}", group["ParameterGroupName"]
        yield f"what a reboot of cluster {name} applies", group
        yield f"cluster {name}", cluster
        status = redshift.describe_logging_status(ClusterIdentifier=name)
        told = {key: status[key] for key in _OF_LOGGING if key in status}
        if "LogExports" in told:
            told["LogExports"] = sorted(told["LogExports"])
        yield f"audit logging of cluster {name}", told
    for group in redshift.describe_cluster_parameter_groups()["ParameterGroups"]:
        name = group["ParameterGroupName"]
        told = redshift.describe_cluster_parameters(ParameterGroupName=name, Source="user")
        yield (
            f"parameters set in parameter group {name}",
            {one["ParameterName"]: one["ParameterValue"] for one in told["Parameters"]},
        )
        yield f"tags and family of parameter group {name}", group


def _of_serverless(sandbox: Sandbox, account: str, region: str) -> Iterator[tuple[str, Any]]:
    serverless = sandbox.client("redshift-serverless", account=account, region=region)
    for one in serverless.list_namespaces()["namespaces"]:
        name = one["namespaceName"]
        yield f"log exports of namespace {name}", sorted(one.pop("logExports", ()))
        yield f"namespace {name}", one
    for one in serverless.list_workgroups()["workgroups"]:
        name = one["workgroupName"]
        yield (
            f"parameters of workgroup {name}",
            {each["parameterKey"]: each["parameterValue"] for each in one.pop("configParameters")},
        )
        yield f"workgroup {name}", one


def _of_log_groups(sandbox: Sandbox, account: str, region: str) -> Iterator[tuple[str, Any]]:
    logs = sandbox.client("logs", account=account, region=region)
    for page in logs.get_paginator("describe_log_groups").paginate():
        for one in page["logGroups"]:
            name = one["logGroupName"]
            yield f"retention of log group {name}", one.pop("retentionInDays", "for ever")
            yield f"log group {name}", one
