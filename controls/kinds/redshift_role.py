"""IAM roles attached to clusters and namespaces, judged from what their policies say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from controls.kinds.kind import Fact, Found, Item, Kind
from controls.kinds.writers import hidden
from controls.model import Answer, Gap, Reader, Ref, Resource, Said, State, Unknown
from controls.semantics.role_reach import PolicyDocument, RoleReach, role_reach

NAME = "redshift_role"
NEEDS = (
    "iam:GetRole",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:GetRolePolicy",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
)
SOURCES = ("redshift_cluster", "redshift_serverless_namespace")


def derive_roles(found: Found) -> Iterable[Item | Gap]:
    """Each attached role once, in its own account, region `global`."""
    users: dict[str, list[Resource]] = defaultdict(list)
    for kind in SOURCES:
        for resource in found.of(kind):
            reading, where = resource.facts["role_arns"], resource.ref
            if reading.state is State.UNKNOWN:
                why = f"the roles of {where.name} are unknown: {reading.reason}"
                yield Gap(NAME, where.account, where.region, why)
            for arn in reading.value if isinstance(reading.value, list) else ():
                users[arn].append(resource)
    buckets, unseen = _log_buckets(found), hidden(found, "log_bucket")
    alike = Counter(_account_and_name(arn) for arn in users)
    for arn, holders in sorted(users.items()):
        account, name = arn.split(":")[4], _name(arn, alike)
        first = holders[0].ref
        yield Item(
            Ref(NAME, account, "global", name, arn, account),
            {"log_buckets": buckets, "unseen_buckets": unseen},
            source="redshift:DescribeClusters",
            read_in=(account, first.region),
        )


def _account_and_name(arn: str) -> tuple[str, str]:
    return arn.split(":")[4], arn.rsplit("/", 1)[-1]


def _name(arn: str, alike: Mapping[tuple[str, str], int]) -> str:
    """The role's name; with its path where another ARN differs in that alone.

    One of such two at the most is alive, and the other must not stand in for it.
    """
    account, name = _account_and_name(arn)
    return name if alike[account, name] == 1 else arn.partition(":role/")[2]


def _log_buckets(found: Found) -> tuple[str, ...]:
    """Every known log bucket."""
    names = {entry.bucket for entry in found.log_buckets}
    for cluster in found.of("redshift_cluster"):
        if (reading := cluster.facts["log_bucket"]).state is State.KNOWN:
            names.add(str(reading.value))
    return tuple(sorted(names))


def role_exists(aws: Reader, role: Item) -> Answer[bool]:
    """Whether the role attached to the cluster still exists."""
    exists = _get_role(aws, role) is not None
    return exists or Said(False, "the role is attached to a cluster but no longer exists in IAM")


def full_s3_access(aws: Reader, role: Item) -> Answer[bool]:
    """Whether the role may do everything in S3, judged from its policy documents."""
    return _reach(aws, role).full_s3


def writes_every_bucket(aws: Reader, role: Item) -> Answer[bool]:
    """Whether the role may write to, delete from or reconfigure every bucket."""
    return _reach(aws, role).writes_every_bucket


def writes_log_bucket(aws: Reader, role: Item) -> Answer[bool]:
    """Whether the role may write to, delete from or reconfigure a bucket of audit logs."""
    answer = _reach(aws, role).writes_log_bucket
    unseen = role.data["unseen_buckets"]
    if unseen and not (isinstance(answer, Said) and answer.value):
        return Unknown(f"not every log bucket is known: {unseen}")
    return answer


def changes_own_permissions(aws: Reader, role: Item) -> Answer[bool]:
    """Whether the role may change its own permissions, and so give itself any of the others."""
    return _reach(aws, role).changes_itself


def _iam_name(role: Item) -> str:
    """What IAM's calls want: the last segment of the ARN, without the path."""
    return role.ref.name.rsplit("/", 1)[-1]


def _get_role(aws: Reader, role: Item) -> Mapping[str, Any] | None:
    """The role, or None if it is gone. Another one of its name, under another path, is not it."""
    answer = aws.call("iam", "GetRole", absent=("NoSuchEntity",), RoleName=_iam_name(role))
    found: Mapping[str, Any] | None = answer.get("Role")
    return None if found is None or found.get("Arn", role.ref.arn) != role.ref.arn else found


def _reach(aws: Reader, role: Item) -> RoleReach:
    found = _get_role(aws, role)
    if found is None:
        gone = Said(False, "the role no longer exists in IAM, so it allows nothing")
        return RoleReach(gone, gone, gone, gone)
    name = _iam_name(role)
    attached = aws.pages("iam", "ListAttachedRolePolicies", "AttachedPolicies", RoleName=name)
    policies = [_managed(aws, str(policy["PolicyArn"])) for policy in attached]
    for inline in _inline_names(aws, name):
        answer = aws.call("iam", "GetRolePolicy", RoleName=name, PolicyName=inline)
        policies.append(PolicyDocument(inline, answer["PolicyDocument"], "inline"))
    boundary = (found.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
    limit = _managed(aws, str(boundary)) if boundary else None

    def judged() -> RoleReach:
        buckets = role.data["log_buckets"]
        return role_reach(
            policies,
            boundary=limit,
            log_buckets=buckets,
            partition=aws.partition,
            role_arn=role.ref.arn,
        )

    return aws.memo((NAME, role.ref.id), judged)


def _inline_names(aws: Reader, role: str) -> tuple[str, ...]:
    return tuple(
        str(name) for name in aws.pages("iam", "ListRolePolicies", "PolicyNames", RoleName=role)
    )


def _managed(aws: Reader, arn: str) -> PolicyDocument:
    policy = aws.call("iam", "GetPolicy", PolicyArn=arn)["Policy"]
    version = aws.call(
        "iam", "GetPolicyVersion", PolicyArn=arn, VersionId=policy["DefaultVersionId"]
    )
    name, document = arn.rpartition(":policy/")[-1], version["PolicyVersion"]["Document"]
    if ":iam::aws:policy/" in arn:
        return PolicyDocument(name, document, "aws-managed")
    return PolicyDocument(name, document, "customer-managed")


REDSHIFT_ROLE = Kind(
    NAME,
    "An IAM role attached to a cluster or namespace.",
    facts=(
        Fact(role_exists, needs=("iam:GetRole",)),
        Fact(full_s3_access, needs=NEEDS),
        Fact(writes_every_bucket, needs=NEEDS),
        Fact(writes_log_bucket, needs=NEEDS),
        Fact(changes_own_permissions, needs=NEEDS),
    ),
    derives=derive_roles,
    sources={
        "redshift_cluster": ("role_arns", "log_bucket"),
        "redshift_serverless_namespace": ("role_arns",),
    },
)
