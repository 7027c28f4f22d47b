"""Redshift Serverless namespaces: which audit logs they export (to CloudWatch only)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from controls.kinds.kind import Fact, Item, Kind
from controls.model import Answer, Reader, Ref, Said, Unknown
from controls.semantics.log_keys import LOG_TYPES

NAME = "redshift_serverless_namespace"
ROLE_ARN = re.compile(r"arn:[a-z0-9-]+:iam::\d{12}:role/[\w+=,.@/-]+?(?=,\s*\w+=|,?\s|,?\)|$)")
"""Up to the next `name=`, a blank, a bracket or the end: a role's own name may hold a comma."""


def list_namespaces(aws: Reader) -> Iterable[Item]:
    """Every namespace of the target."""
    for namespace in aws.pages("redshift-serverless", "ListNamespaces", "namespaces"):
        name, arn = str(namespace["namespaceName"]), str(namespace.get("namespaceArn", ""))
        ref = Ref(NAME, aws.account, aws.region, name, arn, aws.account)
        yield Item(ref, namespace, source="redshift-serverless:ListNamespaces")


def log_exports(aws: Reader, namespace: Item) -> Answer[list[str]]:
    """Which of connectionlog, userlog and useractivitylog are exported to CloudWatch."""
    exported = set(namespace.data.get("logExports") or ())
    return [log_type for log_type in LOG_TYPES if log_type in exported]


def log_types_complete(aws: Reader, namespace: Item) -> Answer[bool]:
    """Whether all three audit logs are exported to CloudWatch."""
    exported = set(namespace.data.get("logExports") or ())
    missing = [log_type for log_type in LOG_TYPES if log_type not in exported]
    if missing and _publishes(namespace):
        return Unknown(
            f"not exported to CloudWatch: {', '.join(missing)}; whether the S3 Tables that the "
            "namespace publishes hold them is not modelled"
        )
    if missing:
        return Said(False, f"not exported: {', '.join(missing)}")
    return Said(True, "connectionlog, userlog and useractivitylog are exported")


def role_arns(aws: Reader, namespace: Item) -> Answer[list[str]]:
    """The IAM roles of the namespace.

    The API may give `IamRole(applyStatus=…, iamRoleArn=arn:…)` instead of a bare ARN.
    """
    found: set[str] = set()
    for entry in map(str, namespace.data.get("iamRoles") or ()):
        arns = ROLE_ARN.findall(entry)
        if not arns:
            return Unknown(f"no role's ARN is found in the iamRoles entry {entry!r}")
        if "applyStatus=removing" not in entry:
            found.update(arns)
    return sorted(found)


def _publishes(namespace: Item) -> bool:
    """Whether system tables go to S3 Tables. The status stays when publishing is off again."""
    status = namespace.data.get("s3TablePublishStatus") or {}
    return bool(status.get("enabledAll") or status.get("s3Tables"))


REDSHIFT_SERVERLESS_NAMESPACE = Kind(
    NAME,
    "A Redshift Serverless namespace.",
    facts=(Fact(log_exports), Fact(log_types_complete), Fact(role_arns)),
    lists=list_namespaces,
    needs=("redshift-serverless:ListNamespaces",),
    optional=True,
)
