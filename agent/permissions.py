"""The least-privilege IAM policy for the rules in use, generated from what they call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agent.aws.hands import iam_actions

LISTING = "s3:ListBucket"

_RESOURCES: dict[str, tuple[str, ...]] = {
    "s3:ListAllMyBuckets": ("*",),
    "s3:GetAccountPublicAccessBlock": ("*",),
    LISTING: ("arn:{partition}:s3:::*",),
    "iam:GetPolicy": ("arn:{partition}:iam::*:policy/*",),
    "iam:GetPolicyVersion": ("arn:{partition}:iam::*:policy/*",),
    "logs:DescribeLogStreams": ("arn:{partition}:logs:*:*:log-group:/aws/redshift/*",),
}
"""Where an action takes narrower resources than its service's own, below."""

_SERVICES: dict[str, tuple[str, ...]] = {
    "s3": ("arn:{partition}:s3:::*",),
    "iam": ("arn:{partition}:iam::*:role/*",),
}
"""What a service's actions are granted on; `*` for those whose Describe calls take nothing else."""


def actions(operations: Iterable[str]) -> tuple[str, ...]:
    """The IAM actions for these operations, each once, sorted."""
    return tuple(sorted({action for one in operations for action in iam_actions(one)}))


def policy(
    operations: Iterable[str], partition: str = "aws", reports: str | None = None
) -> dict[str, Any]:
    """An identity policy that allows these operations and nothing else.

    Listing of objects is allowed below audit log prefixes only, and below the prefix of monthly
    reports, if there is one; no object can be read.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for action in actions(operations):
        service = action.split(":")[0]
        resources = _RESOURCES.get(action, _SERVICES.get(service, ("*",)))
        sid = "ListAuditLogs" if action == LISTING else _sid(service)
        groups.setdefault((sid, resources), []).append(action)
    return {
        "Version": "2012-10-17",
        "Statement": [
            _statement(
                sid, number, names, [one.format(partition=partition) for one in resources], reports
            )
            for number, ((sid, resources), names) in enumerate(sorted(groups.items()), start=1)
        ],
    }


def _statement(
    sid: str, number: int, names: list[str], resources: list[str], reports: str | None
) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": f"{sid}{number}",
        "Effect": "Allow",
        "Action": names,
        "Resource": resources,
    }
    if names == [LISTING]:
        prefixes = ["*AWSLogs/*/redshift/*", *([f"{reports}*"] if reports is not None else [])]
        statement["Condition"] = {"StringLike": {"s3:prefix": prefixes}}
    return statement


def _sid(service: str) -> str:
    return "Read" + "".join(part.capitalize() for part in service.split("-"))
