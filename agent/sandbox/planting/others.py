"""Plants what stands around the clusters: accounts, roles, policies, log groups and metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from moto.cloudwatch.models import MetricDatum, cloudwatch_backends
from moto.iam.models import ManagedPolicy, PolicyVersion, iam_backends
from moto.logs.models import logs_backends

from agent.sandbox.accounts import ACCOUNTS
from agent.sandbox.extension.iam import aws_managed_policy
from agent.sandbox.planting.times import Time, every, milliseconds, when

READER = "TrailkeeperObserver"


def enabled_regions(account: str, regions: Sequence[str]) -> None:
    """The only regions the account has enabled; elsewhere its credentials are not known."""
    ACCOUNTS.enabled[account] = tuple(regions)


def role(
    account: str,
    name: str,
    *,
    path: str = "/",
    trust: Mapping[str, Any] | None = None,
    managed: Sequence[str] = (),
    inline: Mapping[str, Any] | None = None,
    boundary: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """A role, replaced if it exists. Without `trust` Redshift may assume it.

    `managed` holds ARNs of planted customer policies, or names or ARNs of AWS managed ones;
    `inline` policy documents by name; `boundary` the ARN of the permissions boundary.
    """
    backend = iam_backends[account]["aws"]
    for old in [r.id for r in backend.roles.values() if r.name == name]:
        del backend.roles[old]
    made = backend.create_role(
        role_name=name,
        assume_role_policy_document=json.dumps(trust or _redshift_trust()),
        path=path,
        permissions_boundary=None,
        description="",
        tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        max_session_duration="3600",
    )
    made.permissions_boundary_arn = boundary
    for policy in managed:
        arn = policy if policy.startswith("arn:") else aws_managed_policy(backend, policy).arn
        backend.attach_role_policy(arn, name)
    for policy_name, document in (inline or {}).items():
        made.put_policy(policy_name, _text(document))


def account(
    account: str,
    *,
    reader: str = READER,
    trusted: Sequence[str] | None = None,
    external_id: str | None = None,
    reads_only: bool = False,
) -> None:
    """An account with a role, `reader`, that `trusted` accounts may assume (else the default).

    With `reads_only` it is refused whatever changes anything.
    """
    who = trusted if trusted is not None else [ACCOUNTS.default]
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{one}:root" for one in who]},
        "Action": "sts:AssumeRole",
    }
    if external_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    role(account, reader, trust={"Version": "2012-10-17", "Statement": [statement]})
    arn = f"arn:aws:iam::{account}:role/{reader}"
    ACCOUNTS.readers.discard(arn)
    if reads_only:
        ACCOUNTS.readers.add(arn)


def _redshift_trust() -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "redshift.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def managed_policy(account: str, name: str, document: Any, *, path: str = "/") -> None:
    """A customer managed policy, unchecked; planted again it gets a new default version."""
    backend = iam_backends[account]["aws"]
    make: Any = ManagedPolicy  # abstract by its annotations only
    made = make(name, account_id=account, region="us-east-1", path=path, document=_text(document))
    if made.arn not in backend.managed_policies:
        backend.managed_policies[made.arn] = made
        return
    policy: Any = backend.managed_policies[made.arn]
    version = f"v{policy.next_version_num}"
    policy.next_version_num += 1
    policy.versions.append(PolicyVersion(made.arn, _text(document), False, version))
    policy.update_default_version(version)


def aws_policy(account: str, name: str, *, document: Any = None) -> None:
    """An AWS managed policy in an account; with `document` it says that instead."""
    policy = aws_managed_policy(iam_backends[account]["aws"], name)
    if document is not None:
        version = next(v for v in policy.versions if v.version_id == policy.default_version_id)
        version.document = _text(document)


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def log_group(  # noqa: PLR0913 - the fields of a planting step
    account: str,
    region: str,
    name: str,
    *,
    retention: int | None = None,
    kms_key: str | None = None,
    streams: Mapping[str, Time | None] | None = None,
    created_at: Time | None = None,
    log_group_class: str = "STANDARD",
    deletion_protection: bool = False,
) -> None:
    """A log group, replaced if it exists; `streams` gives each stream its last event's time."""
    backend = logs_backends[account][region]
    backend.groups.pop(name, None)
    made: Any = backend.create_log_group(name, {}, kmsKeyId=kms_key)
    made.retention_in_days = retention
    made.log_group_class = log_group_class
    made.deletion_protection = deletion_protection
    if created_at:
        made.creation_time = when(created_at).replace(tzinfo=None)
    for stream, last in (streams or {}).items():
        made.create_log_stream(stream)
        if last is not None:
            time = milliseconds(last)
            made.streams[stream].planted = {
                "firstEventTimestamp": time,
                "lastEventTimestamp": time,
                "lastIngestionTime": time + 1000,
            }


def metric(
    account: str,
    region: str,
    cluster: str,
    *,
    start: Time,
    end: Time,
    value: float = 0,
    interval: float = 5,
    name: str = "DatabaseConnections",
) -> None:
    """Datapoints of a cluster's metric in AWS/Redshift, one every `interval` minutes."""
    backend = cloudwatch_backends[account][region]
    backend.metric_data.extend(
        MetricDatum(
            namespace="AWS/Redshift",
            name=name,
            value=value,
            dimensions=[{"Name": "ClusterIdentifier", "Value": cluster}],
            timestamp=time.replace(tzinfo=None),  # as moto keeps those that are put
            unit="Count",
        )
        for time in every(start, end, interval)
    )
