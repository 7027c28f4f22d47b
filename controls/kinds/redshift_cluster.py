"""Provisioned Redshift clusters: logging, the user activity parameter, delivery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from controls.kinds.kind import Fact, Item, Kind
from controls.model import (
    Absent,
    Answer,
    AwsError,
    CannotTellError,
    Maybe,
    Reader,
    Ref,
    Said,
    Unknown,
)
from controls.semantics import logging_status, parameters
from controls.semantics.delivery import Writer
from controls.semantics.delivery import delivery_admitted as policy_admits
from controls.semantics.log_keys import LOG_TYPES
from controls.semantics.logging_status import LoggingStatus, parse_logging_status

NAME = "redshift_cluster"
LOGGING = "redshift:DescribeLoggingStatus"


def list_clusters(aws: Reader) -> Iterable[Item]:
    """Every cluster of the target, in whatever state it is."""
    for cluster in aws.pages("redshift", "DescribeClusters", "Clusters"):
        name = str(cluster["ClusterIdentifier"])
        arn = f"arn:{aws.partition}:redshift:{aws.region}:{aws.account}:cluster:{name}"
        tags = {tag["Key"]: tag.get("Value", "") for tag in cluster.get("Tags", ()) if "Key" in tag}
        ref = Ref(NAME, aws.account, aws.region, name, arn, aws.account)
        yield Item(ref, cluster, tags, "redshift:DescribeClusters")


def cluster_status(aws: Reader, cluster: Item) -> Answer[str]:
    """The cluster's status in AWS's words, such as `available`, `paused` or `resizing`."""
    status = cluster.data.get("ClusterStatus")
    return str(status) if status else Unknown("DescribeClusters shows no ClusterStatus")


def available(aws: Reader, cluster: Item) -> Answer[bool]:
    """Whether the cluster is up: `available`, or such as `available, prep-for-resize`."""
    status = str(cluster.data.get("ClusterStatus") or "")
    if not status:
        return Unknown("DescribeClusters shows no ClusterStatus")
    return Said(status.split(",", maxsplit=1)[0].strip() == "available", f"the cluster is {status}")


def created_at(aws: Reader, cluster: Item) -> Maybe[datetime]:
    """When the cluster was created."""
    time = cluster.data.get("ClusterCreateTime")
    return time if isinstance(time, datetime) else Absent("the cluster shows no creation time yet")


def logging_enabled(aws: Reader, cluster: Item) -> Answer[bool]:
    """Whether audit logging is on, to S3, CloudWatch or S3 Tables."""
    found = logging_status.logging_on(_logging(aws, cluster))
    if isinstance(found, Said) and not found.value and _is_being_created(cluster):
        return Unknown(
            "the cluster is being created; logging can be turned on when it is available"
        )
    return found


def log_destinations(aws: Reader, cluster: Item) -> Answer[list[str]]:
    """Where audit logs go: `s3`, `cloudwatch`, `s3table`; empty when logging is off."""
    return logging_status.destinations(_logging(aws, cluster))


def log_exports(aws: Reader, cluster: Item) -> Answer[list[str]]:
    """Which of connectionlog, userlog and useractivitylog are exported."""
    return logging_status.exported_types(_logging(aws, cluster))


def log_types_complete(aws: Reader, cluster: Item) -> Answer[bool]:
    """Whether all three audit logs are exported."""
    exported = logging_status.exported_types(_logging(aws, cluster))
    if isinstance(exported, Unknown):
        return exported
    missing = [log_type for log_type in LOG_TYPES if log_type not in exported]
    if missing:
        return Said(False, f"not exported: {', '.join(missing)}")
    return Said(True, "connectionlog, userlog and useractivitylog are exported")


def log_bucket(aws: Reader, cluster: Item) -> Maybe[str]:
    """The S3 bucket that audit logs are delivered to."""
    return _logging(aws, cluster).bucket or Absent("audit logs are not delivered to S3")


def log_key_prefix(aws: Reader, cluster: Item) -> Maybe[str]:
    """The configured key prefix in the bucket: empty, or ending in one slash."""
    status = _logging(aws, cluster)
    return status.prefix if status.bucket else Absent("audit logs are not delivered to S3")


def last_delivery_at(aws: Reader, cluster: Item) -> Maybe[datetime]:
    """When logs were last delivered, as DescribeLoggingStatus says."""
    time = _logging(aws, cluster).last_success
    return time or Absent("no successful delivery is recorded")


def last_failure_at(aws: Reader, cluster: Item) -> Maybe[datetime]:
    """When a delivery last failed, as DescribeLoggingStatus says."""
    time = _logging(aws, cluster).last_failure
    return time or Absent("no delivery failure is recorded")


def ingestion_times(aws: Reader, cluster: Item) -> Maybe[dict[str, str]]:
    """When each system table published to S3 Tables last received data (ISO 8601), by its name."""
    return logging_status.ingestion_times(_logging(aws, cluster))


def delivery_failing(aws: Reader, cluster: Item) -> Answer[bool]:
    """Whether a delivery failed since the last one that succeeded."""
    return logging_status.delivery_failing(_logging(aws, cluster))


def ever_delivered(aws: Reader, cluster: Item) -> Answer[bool]:
    """Whether any delivery is recorded as successful."""
    return _logging(aws, cluster).last_success is not None


def user_activity_logging(aws: Reader, cluster: Item) -> Answer[bool]:
    """Whether the attached parameter group sets enable_user_activity_logging to true."""
    group = _parameter_group(cluster)
    if isinstance(group, Unknown):
        return group
    found = aws.pages(
        "redshift",
        "DescribeClusterParameters",
        "Parameters",
        ParameterGroupName=group,
        Source="user",
    )
    return parameters.user_activity_value(found, group)


def user_activity_in_force(aws: Reader, cluster: Item) -> Answer[bool]:
    """Whether the cluster runs with its group's enable_user_activity_logging (in-sync)."""
    groups = cluster.data.get("ClusterParameterGroups", ())
    return parameters.in_force(groups, parameters.USER_ACTIVITY)


def delivery_admitted(aws: Reader, cluster: Item) -> Maybe[bool]:
    """Whether the bucket's policy lets Redshift deliver this cluster's logs to its prefix."""
    status = _logging(aws, cluster)
    if not status.bucket:
        return Absent("audit logs are not delivered to S3")
    owner = aws.of_bucket(status.bucket)
    try:
        answer = owner.call(
            "s3", "GetBucketPolicy", absent=("NoSuchBucketPolicy",), Bucket=status.bucket
        )
    except AwsError as error:
        if error.code == "NoSuchBucket":
            return Said(False, f"bucket {status.bucket} does not exist")
        raise
    policy = answer.get("Policy")

    def admits(organization: str | None) -> Said[bool] | Unknown:
        name, place = cluster.ref.name, (aws.account, aws.region)
        return policy_admits(
            policy,
            bucket=status.bucket,
            prefix=status.prefix,
            writer=Writer(*place, name, aws.partition, organization),
            owner_account=owner.account,
        )

    found = admits(None)
    if isinstance(found, Unknown) and "sourceorgid" in str(policy).lower():
        return admits(_organization(aws))
    return found


def _organization(aws: Reader) -> str | None:
    """The id of the account's organization; asked only where a policy's verdict hangs on it."""
    answer = aws.call(
        "organizations", "DescribeOrganization", absent=("AWSOrganizationsNotInUseException",)
    )
    found = answer.get("Organization", {}).get("Id")
    return str(found) if found else None


def role_arns(aws: Reader, cluster: Item) -> Answer[list[str]]:
    """The IAM roles attached to the cluster; one that is being removed no longer counts."""
    return sorted(
        str(role["IamRoleArn"])
        for role in cluster.data.get("IamRoles", ())
        if role.get("ApplyStatus") != "removing"
    )


def _is_being_created(cluster: Item) -> bool:
    return str(cluster.data.get("ClusterStatus", "")).split(",")[0].strip() == "creating"


def _logging(aws: Reader, cluster: Item) -> LoggingStatus:
    """What the cluster logs. Raises CannotTellError where the answer cannot be understood."""
    answer: Mapping[str, Any] = aws.call(
        "redshift", "DescribeLoggingStatus", ClusterIdentifier=cluster.ref.name
    )
    status = parse_logging_status(answer)
    if status.problem:
        raise CannotTellError(status.problem)
    return status


def _parameter_group(cluster: Item) -> str | Unknown:
    groups = cluster.data.get("ClusterParameterGroups", ())
    if len(groups) != 1:
        return Unknown(f"DescribeClusters shows {len(groups)} parameter groups, expected one")
    name = groups[0].get("ParameterGroupName")
    return str(name) if name else Unknown("DescribeClusters shows a parameter group without a name")


REDSHIFT_CLUSTER = Kind(
    NAME,
    "A provisioned Redshift cluster.",
    facts=(
        Fact(cluster_status),
        Fact(available),
        Fact(created_at),
        Fact(logging_enabled, needs=(LOGGING,)),
        Fact(log_destinations, needs=(LOGGING,)),
        Fact(log_exports, needs=(LOGGING,)),
        Fact(log_types_complete, needs=(LOGGING,)),
        Fact(log_bucket, needs=(LOGGING,)),
        Fact(log_key_prefix, needs=(LOGGING,)),
        Fact(last_delivery_at, needs=(LOGGING,)),
        Fact(last_failure_at, needs=(LOGGING,)),
        Fact(ingestion_times, needs=(LOGGING,)),
        Fact(delivery_failing, needs=(LOGGING,)),
        Fact(ever_delivered, needs=(LOGGING,)),
        Fact(user_activity_logging, needs=("redshift:DescribeClusterParameters",)),
        Fact(user_activity_in_force),
        Fact(
            delivery_admitted,
            needs=(
                LOGGING,
                "s3:GetBucketPolicy",
                "s3:ListBuckets",
                "organizations:DescribeOrganization",
            ),
        ),
        Fact(role_arns),
    ),
    lists=list_clusters,
    needs=("redshift:DescribeClusters",),
)
