"""CloudWatch log groups of the audit logs, of clusters and serverless namespaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from controls.kinds.kind import Fact, Found, Item, Kind
from controls.kinds.writers import goes_to
from controls.model import (
    Absent,
    Answer,
    CannotTellError,
    Gap,
    Maybe,
    Reader,
    Ref,
    Resource,
    Said,
    State,
)
from controls.semantics.log_keys import cluster_log_group, serverless_log_group

NAME = "cloudwatch_log_group"
NEEDS = ("logs:DescribeLogGroups",)


def derive_log_groups(found: Found) -> Iterable[Item | Gap]:
    """One group for each exported log of each cluster on CloudWatch and each namespace."""
    for cluster in found.of("redshift_cluster"):
        exports, where = cluster.facts["log_exports"], cluster.ref
        unclear = cluster.facts["log_destinations"]
        if unclear.state is not State.UNKNOWN and goes_to(cluster, "cloudwatch"):
            unclear = exports
        if unclear.state is State.UNKNOWN:
            why = f"which logs cluster {where.name} sends to CloudWatch is unknown: "
            yield Gap(NAME, where.account, where.region, why + unclear.reason)
        elif goes_to(cluster, "cloudwatch") and isinstance(exports.value, list):
            for log_type in exports.value:
                yield _item(found, cluster, cluster_log_group(where.name, log_type))
    for namespace in found.of("redshift_serverless_namespace"):
        exports, where = namespace.facts["log_exports"], namespace.ref
        if exports.state is State.UNKNOWN:
            why = f"which logs namespace {where.name} exports is unknown: {exports.reason}"
            yield Gap(NAME, where.account, where.region, why)
        elif isinstance(exports.value, list):
            for log_type in exports.value:
                yield _item(found, namespace, serverless_log_group(where.name, log_type))


def _item(found: Found, writer: Resource, group: str) -> Item:
    where = writer.ref
    arn = f"arn:{found.partition}:logs:{where.region}:{where.account}:log-group:{group}"
    ref = Ref(NAME, where.account, where.region, group, arn, where.account)
    source = "redshift:DescribeLoggingStatus"
    if where.kind == "redshift_serverless_namespace":
        source = "redshift-serverless:ListNamespaces"
    return Item(ref, {}, source=source, writer_tags=(writer.tags,))


def log_group_exists(aws: Reader, group: Item) -> Answer[bool]:
    """Whether the log group exists; Redshift creates it with the first record, unbounded."""
    if _group(aws, group) is None:
        return Said(False, "the log group does not exist yet")
    return True


def retention_set(aws: Reader, group: Item) -> Answer[bool]:
    """Whether the log group deletes its events some day."""
    found = _group(aws, group)
    if found is None:
        return Said(
            False,
            "the log group does not exist yet; Redshift will create it without retention "
            "(create it now, with one)",
        )
    days = _days(found)
    if days is None:
        return Said(False, "the log group has no retention: its events never expire")
    return Said(True, f"events expire after {days} days")


def retention_days(aws: Reader, group: Item) -> Maybe[int]:
    """Days after which the log group's events expire."""
    found = _group(aws, group)
    days = None if found is None else _days(found)
    return Absent("no retention is set") if days is None else days


def encrypted(aws: Reader, group: Item) -> Answer[bool]:
    """Whether the log group is encrypted at rest, under whichever key.

    CloudWatch Logs encrypts every group (User Guide, encrypt-log-data-kms); it is still looked
    at, so that a group nobody could see does not read as encrypted.
    """
    if _group(aws, group) is None:
        return Said(True, "not created yet; CloudWatch Logs encrypts every log group at rest")
    return Said(True, "CloudWatch Logs encrypts every log group at rest")


def kms_encrypted(aws: Reader, group: Item) -> Answer[bool]:
    """Whether the log group is encrypted under a KMS key of the customer's choice."""
    found = _group(aws, group)
    if found is None:
        return Said(False, "the log group does not exist yet; Redshift will not set a KMS key")
    key = found.get("kmsKeyId")
    return Said(bool(key), f"encrypted under {key}" if key else "no KMS key is associated")


def _days(group: Mapping[str, Any]) -> int | None:
    if group.get("logGroupClass") == "DELIVERY":
        return 1  # that class keeps one day whatever is set (CloudWatch Logs API, LogGroup)
    days = group.get("retentionInDays")
    if days is not None and int(days) < 1:
        raise CannotTellError(f"retentionInDays is {days}, which CloudWatch Logs does not document")
    return None if days is None else int(days)


def _group(aws: Reader, group: Item) -> Mapping[str, Any] | None:
    """One listing for all groups of the target: by prefix, as a pattern search omits retention."""
    groups = aws.digest(
        _by_name, "logs", "DescribeLogGroups", "logGroups", logGroupNamePrefix="/aws/redshift/"
    )
    return groups.get(group.ref.name)


def _by_name(groups: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(group["logGroupName"]): group for group in groups if "logGroupName" in group}


CLOUDWATCH_LOG_GROUP = Kind(
    NAME,
    "A CloudWatch log group that receives audit logs.",
    facts=(
        Fact(log_group_exists, needs=NEEDS),
        Fact(retention_set, needs=NEEDS),
        Fact(retention_days, needs=NEEDS),
        Fact(encrypted, needs=NEEDS),
        Fact(kms_encrypted, needs=NEEDS),
    ),
    derives=derive_log_groups,
    sources={
        "redshift_cluster": ("log_destinations", "log_exports"),
        "redshift_serverless_namespace": ("log_exports",),
    },
)
