"""The IAM policy of the role that changes things: a statement for each fix, and no more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from agent.aws.hands import iam_actions
from controls.change import Fix

_RESOURCES: Mapping[str, tuple[str, ...]] = {
    "redshift:EnableLogging": ("arn:{partition}:redshift:*:*:cluster:*",),
    "redshift:ModifyCluster": ("arn:{partition}:redshift:*:*:cluster:*",),
    "redshift:RebootCluster": ("arn:{partition}:redshift:*:*:cluster:*",),
    "redshift": ("arn:{partition}:redshift:*:*:parametergroup:*",),
    "redshift-serverless:UpdateNamespace": ("arn:{partition}:redshift-serverless:*:*:namespace/*",),
    "redshift-serverless:UpdateWorkgroup": ("arn:{partition}:redshift-serverless:*:*:workgroup/*",),
    "logs": ("arn:{partition}:logs:*:*:log-group:/aws/redshift/*",),
}
"""What an action is granted on, else what its service's are (Service Authorization Reference)."""

_BESIDES: Mapping[str, tuple[str, ...]] = {
    "redshift:EnableLogging": ("s3:PutObject",),
    "redshift:CreateClusterParameterGroup": ("redshift:CreateTags",),
}
"""What AWS asks of the caller besides: who turns logging on must be allowed to write where it goes
(Redshift Management Guide, db-auditing), who tags must be allowed to."""


def write_policy(
    fixes: Iterable[Fix], buckets: Collection[str], partition: str = "aws"
) -> dict[str, Any]:
    """An identity policy for these fixes; what concerns S3 on these buckets alone.

    Without buckets it is on every one: which are in use was not known.
    """
    statements = [
        _statement(fix, number, actions, on, buckets, partition)
        for fix in fixes
        for number, (on, actions) in enumerate(sorted(_grants(fix).items()), start=1)
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _grants(fix: Fix) -> dict[str, list[str]]:
    """The actions of a fix by what they are granted on: a key of `_RESOURCES`, bucket or object."""
    found: dict[str, set[str]] = {}
    for operation in fix.writes:
        for action in (*iam_actions(operation), *_BESIDES.get(operation, ())):
            found.setdefault(_on(action), set()).add(action)
    return {on: sorted(actions) for on, actions in found.items()}


def _on(action: str) -> str:
    if action == "s3:PutObject":
        return "objects"
    service = action.split(":", maxsplit=1)[0]
    if service == "s3":
        return "buckets"
    return action if action in _RESOURCES else service


def _statement(
    fix: Fix,
    number: int,
    actions: list[str],
    on: str,
    buckets: Collection[str],
    partition: str,
) -> dict[str, Any]:
    named = sorted(buckets) or ["*"]
    if on == "buckets":
        resources = [f"arn:{partition}:s3:::{bucket}" for bucket in named]
    elif on == "objects":
        resources = [f"arn:{partition}:s3:::{bucket}/*" for bucket in named]
    else:
        resources = [one.format(partition=partition) for one in _RESOURCES[on]]
    name = "".join(part.capitalize() for part in fix.name.split("_"))
    return {"Sid": f"{name}{number}", "Effect": "Allow", "Action": actions, "Resource": resources}
