"""Plants an estate, step by step: plain functions here, `{"do": "cluster", ...}` over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.core.exceptions import ServiceException
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.redshift.models import redshift_backends
from moto.s3.models import s3_backends
from werkzeug.exceptions import HTTPException

from agent.sandbox.month.planted import audit_month
from agent.sandbox.planting.others import (
    account,
    aws_policy,
    enabled_regions,
    log_group,
    managed_policy,
    metric,
    role,
)
from agent.sandbox.planting.redshift import (
    cluster,
    event,
    logging,
    namespace,
    parameter_group,
    workgroup,
)
from agent.sandbox.planting.s3 import (
    account_public_access_block,
    bucket,
    log_key,
    log_objects,
    put_object,
)

__all__ = [
    "STEPS",
    "account",
    "account_public_access_block",
    "audit_month",
    "aws_policy",
    "bucket",
    "cluster",
    "enabled_regions",
    "event",
    "log_group",
    "log_key",
    "log_objects",
    "logging",
    "managed_policy",
    "metric",
    "namespace",
    "parameter_group",
    "plant",
    "put_object",
    "remove",
    "role",
    "workgroup",
]


def remove(what: str, account: str, name: str, *, region: str = "us-east-1") -> None:
    """Takes away a bucket (with its objects), cluster, role or log group."""
    match what:
        case "bucket":
            del s3_backends[account]["aws"].buckets[name]
            del s3_backends.bucket_accounts[name]
        case "cluster":
            del redshift_backends[account][region].clusters[name]
            _drop_snapshots(redshift_backends[account][region].snapshots, name)
        case "role":
            roles = iam_backends[account]["aws"].roles
            del roles[next(key for key, role in roles.items() if role.name == name)]
        case "log_group":
            del logs_backends[account][region].groups[name]
        case _:
            raise ValueError(f"cannot remove a {what}, only bucket, cluster, role, log_group")


def _drop_snapshots(snapshots: Any, cluster: str) -> None:
    """Its automated ones go with it: one of the same name could not be created this minute."""
    for identifier in [one for one in snapshots if one.startswith(f"rs:{cluster}-2")]:
        del snapshots[identifier]


STEPS: Mapping[str, Callable[..., Any]] = {
    "account": account,
    "account_public_access_block": account_public_access_block,
    "audit_month": audit_month,
    "aws_policy": aws_policy,
    "bucket": bucket,
    "cluster": cluster,
    "enabled_regions": enabled_regions,
    "event": event,
    "log_group": log_group,
    "log_objects": log_objects,
    "logging": logging,
    "managed_policy": managed_policy,
    "metric": metric,
    "namespace": namespace,
    "object": put_object,
    "parameter_group": parameter_group,
    "remove": remove,
    "role": role,
    "workgroup": workgroup,
}


_REFUSALS = (
    *(ServiceException, HTTPException),  # moto's two kinds of AWS errors
    *(TypeError, ValueError, LookupError, StopIteration),
)


def plant(steps: Sequence[Mapping[str, Any]]) -> int:
    """Takes the steps in order; returns how many.

    Raises:
        ValueError: a step that does not exist, lacks something or is refused; says which.
    """
    for number, step in enumerate(steps):
        given = dict(step)
        name = given.pop("do", None)
        if name not in STEPS:
            raise ValueError(f"step {number}: no step {name!r}, only {', '.join(STEPS)}")
        try:
            STEPS[name](**given)
        except _REFUSALS as wrong:
            said = f"{type(wrong).__name__}: {wrong}"
            raise ValueError(f"step {number} ({name}): {said}") from wrong
    return len(steps)
