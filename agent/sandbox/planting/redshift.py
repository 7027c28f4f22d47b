"""Plants Redshift: clusters, parameter groups, logging, events, namespaces and workgroups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moto.redshift.models import redshift_backends

from agent.sandbox.extension import redshift_parameters
from agent.sandbox.extension.redshift import PAUSING, REBOOTED, RESUMED, add_event
from agent.sandbox.extension.serverless import role_text, serverless_backends
from agent.sandbox.planting.times import Time, when

_EVENTS = {"resumed": RESUMED, "paused": PAUSING, "rebooted": REBOOTED}


def parameter_group(
    account: str,
    region: str,
    name: str,
    *,
    family: str = "redshift-2.0",
    values: Mapping[str, str] | None = None,
) -> None:
    """A group with user-set `values`. Planted again it changes the values: what runs waits."""
    backend = redshift_backends[account][region]
    if name not in backend.parameter_groups:
        backend.create_cluster_parameter_group(name, family, f"Parameters of {name}", region, [])
    group: Any = backend.parameter_groups[name]
    own = group.values
    own.clear()
    own.update(values or {})


def cluster(account: str, region: str, identifier: str, **settings: Any) -> None:
    """A cluster, or changes to one that exists: only the settings given are touched.

    Settings: status, created_at, parameter_group, started_with (values it booted with where they
    differ from the group's now), parameter_status ({parameter: state}, "" for the group's own),
    roles (ARNs, or {ARN: ApplyStatus}), tags, node_type, nodes, version, encrypted, kms_key,
    maintenance_window, publicly_accessible, enhanced_vpc_routing, username, database,
    pending (PendingModifiedValues), logging (fields of the step `logging`).
    """
    backend = redshift_backends[account][region]
    wanted = dict(settings)
    group = wanted.pop("parameter_group", None)
    if identifier not in backend.clusters:
        _create(backend, identifier, group)
    elif group is not None:
        backend.modify_cluster(cluster_identifier=identifier, cluster_parameter_group_name=group)
    found = backend.clusters[identifier]
    details = wanted.pop("logging", None)
    _set(found, wanted)
    if details is not None:
        logging(account, region, identifier, **details)


def _create(backend: Any, identifier: str, group: str | None) -> None:
    nothing = dict.fromkeys(
        ("cluster_subnet_group_name", "availability_zone", "port", "number_of_nodes")
    )
    backend.create_cluster(
        cluster_identifier=identifier,
        node_type="ra3.xlplus",
        master_username="admin",
        master_user_password="",
        db_name="dev",
        cluster_type="single-node",
        cluster_security_groups=[],
        vpc_security_group_ids=[],
        preferred_maintenance_window="sat:03:00-sat:03:30",
        cluster_parameter_group_name=group,
        automated_snapshot_retention_period=1,
        cluster_version="1.0",
        allow_version_upgrade=True,
        publicly_accessible=False,
        encrypted=True,
        region_name=backend.region_name,
        **nothing,
    )


_PLAIN = {
    "status": "status",
    "node_type": "node_type",
    "nodes": "number_of_nodes",
    "version": "cluster_version",
    "encrypted": "encrypted",
    "kms_key": "kms_key_id",
    "maintenance_window": "preferred_maintenance_window",
    "publicly_accessible": "publicly_accessible",
    "enhanced_vpc_routing": "enhanced_vpc_routing",
    "username": "master_username",
    "database": "db_name",
    "parameter_status": "parameter_status",
    "pending": "pending",
}


def _set(found: Any, settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        match name:
            case "created_at":
                found.create_time = when(value)
            case "roles":
                found.iam_roles_arn = list(value)
                found.iam_role_status = dict(value) if isinstance(value, Mapping) else {}
            case "tags":
                found.tags = [{"Key": key, "Value": text} for key, text in value.items()]
            case "started_with":
                group, values = found.started_with
                found.started_with = (group, values | value)
            case _ if name in _PLAIN:
                setattr(found, _PLAIN[name], value)
            case _:
                raise ValueError(f"a cluster has no setting {name}")


def logging(  # noqa: PLR0913 - the fields of a planting step
    account: str,
    region: str,
    cluster: str,
    *,
    destination: str | None = "s3",
    enabled: bool = True,
    bucket: str | None = None,
    prefix: str | None = None,
    exports: Sequence[str] | None = None,
    last_success: Time | None = None,
    last_failure: Time | None = None,
    message: str | None = None,
    s3_tables: Mapping[str, Any] | None = None,
) -> None:
    """What DescribeLoggingStatus shall say, unchecked: so drift can be planted. None is omitted."""
    said: dict[str, Any] = {
        "LoggingEnabled": enabled,
        "LogDestinationType": destination,
        "BucketName": bucket,
        "S3KeyPrefix": prefix,
        "LogExports": list(exports) if exports is not None else None,
        "LastSuccessfulDeliveryTime": when(last_success) if last_success else None,
        "LastFailureTime": when(last_failure) if last_failure else None,
        "LastFailureMessage": message,
        "S3Tables": _tables(s3_tables) if s3_tables is not None else None,
    }
    found = redshift_backends[account][region].describe_clusters(cluster)[0]
    found.logging_details = {name: value for name, value in said.items() if value is not None}


def _tables(said: Mapping[str, Any]) -> dict[str, Any]:
    """The API's own member names; times of ingestion may be ISO text."""
    times = {name: when(time) for name, time in said.get("LastIngestionTimes", {}).items()}
    return dict(said) | ({"LastIngestionTimes": times} if times else {})


def event(
    account: str,
    region: str,
    cluster: str,
    *,
    what: str,
    at: Time,
    message: str | None = None,
    source_type: str = "cluster",
) -> None:
    """An event of DescribeEvents; `what` is resumed, paused, rebooted or an event identifier."""
    other = {"SourceType": source_type} | ({"Message": message} if message else {})
    identifier = _EVENTS.get(what, what)
    add_event(redshift_backends[account][region], cluster, identifier, when(at), **other)


# ---------------------------------------------------------------- serverless


def namespace(
    account: str,
    region: str,
    name: str,
    *,
    exports: Sequence[str] = (),
    roles: Sequence[str] = (),
    created_at: Time | None = None,
    **members: Any,
) -> None:
    """A namespace, replaced if it exists; `members` are the API's own (status, kmsKeyId ...)."""
    backend = serverless_backends[account][region]
    backend.namespaces.pop(name, None)
    backend.add_namespace(
        name,
        logExports=list(exports),
        iamRoles=[role_text(arn) for arn in roles],
        **({"creationDate": when(created_at)} if created_at else {}),
        **members,
    )


def workgroup(
    account: str,
    region: str,
    name: str,
    namespace: str,
    *,
    parameters: Mapping[str, str] | None = None,
    created_at: Time | None = None,
    **members: Any,
) -> None:
    """A workgroup, replaced if it exists; `members` are the API's own (status, port ...)."""
    backend = serverless_backends[account][region]
    backend.workgroups.pop(name, None)
    shown = [
        {"parameterKey": key, "parameterValue": value} for key, value in (parameters or {}).items()
    ]
    backend.add_workgroup(
        name,
        namespace,
        configParameters=shown,
        **({"creationDate": when(created_at)} if created_at else {}),
        **members,
    )


DEFAULT_GROUP = redshift_parameters.DEFAULT_GROUP
