"""Policies of cluster roles, and how far each set of them reaches into S3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controls.semantics.role_reach import PolicyDocument

LOGS = "audit-logs"
LOG_OBJECTS = "arn:aws:s3:::audit-logs/*"


def allow(action: Any = "s3:*", resource: Any = "*", **elements: Any) -> dict[str, Any]:
    """An Allow; `NotAction`, `NotResource` and `Condition` may be given, None takes one away."""
    made = {"Effect": "Allow", "Action": action, "Resource": resource, **elements}
    return {name: value for name, value in made.items() if value is not None}


def deny(action: Any = "s3:*", resource: Any = "*", **elements: Any) -> dict[str, Any]:
    """The same as a Deny."""
    return {**allow(action, resource, **elements), "Effect": "Deny"}


def inline(*statements: dict[str, Any], name: str = "unload") -> PolicyDocument:
    """An inline policy of the current version."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return PolicyDocument(name, document, "inline")


WRITES = ["s3:PutObject", "s3:DeleteObject"]
WHEN_OURS = {"StringEquals": {"aws:ResourceAccount": "111122223333"}}
OVER_TLS = {"Bool": {"aws:SecureTransport": "true"}}
OWN = ["arn:aws:s3:::unload", "arn:aws:s3:::unload/*"]
POINT = "arn:aws:s3:eu-west-1:111122223333:accesspoint/p/object/*"

REDSHIFT_DEFAULT = PolicyDocument(
    "AmazonRedshiftAllCommandsFullAccess",
    {
        "Version": "2012-10-17",
        "Statement": [
            allow(
                [
                    "s3:GetObject",
                    "s3:GetBucketAcl",
                    "s3:ListBucket",
                    "s3:PutObject",
                    "s3:PutBucketAcl",
                    "s3:DeleteObject",
                    "s3:AbortMultipartUpload",
                    "s3:CreateBucket",
                ],
                [
                    "arn:aws:s3:::redshift-downloads",
                    "arn:aws:s3:::redshift-downloads/*",
                    "arn:aws:s3:::*redshift*",
                    "arn:aws:s3:::*redshift*/*",
                ],
            )
        ],
    },
    "aws-managed",
)
"""The S3 part of the policy that the console attaches."""

NONE = inline(deny("iam:*"), name="nothing")


@dataclass(frozen=True, slots=True)
class Case:
    """Policies, boundary, and (full S3, every bucket, log bucket), None for unknown."""

    sentence: str
    policies: tuple[PolicyDocument, ...]
    reach: tuple[bool | None, bool | None, bool | None]
    words: str = ""
    boundary: PolicyDocument | None = None


YES, NO, OPEN = (True, True, True), (False, False, False), (None, None, None)

CASES = [
    Case("no policy reaches nothing", (), NO),
    Case("all of S3", (inline(allow()),), YES, "of the inline policy unload allows s3:*"),
    Case("everything", (inline(allow("*")),), YES),
    Case("AdministratorAccess under another name", (inline(allow("*:*")),), YES),
    Case("PowerUserAccess by NotAction", (inline(allow(None, NotAction="iam:*")),), YES),
    Case("NotAction that names S3", (inline(allow(None, NotAction=["iam:*", "s3:*"])),), NO),
    Case(
        "NotAction that names writes",
        (inline(allow(None, NotAction=["s3:Put*", "s3:Delete*", "s3:Replicate*", "s3:Abort*"])),),
        (False, True, True),
        "s3:BypassGovernanceRetention",
    ),
    Case("all of S3 by its ARN", (inline(allow("s3:*", "arn:aws:s3:::*")),), YES),
    Case("the case of actions does not matter", (inline(allow("S3:*")),), YES),
    Case("an inner wildcard", (inline(allow("s?:*Object")),), (False, True, True)),
    Case("the wrong partition", (inline(allow("s3:*", "arn:aws-cn:s3:::*")),), NO),
    Case("a partition wildcard", (inline(allow("s3:*", "arn:*:s3:::*")),), YES),
    Case("reading everything", (inline(allow(["s3:Get*", "s3:List*"])),), NO),
    Case("writing everywhere", (inline(allow(WRITES)),), (False, True, True)),
    Case("deleting every version", (inline(allow("s3:DeleteObjectV*")),), (False, True, True)),
    Case(
        "changing every lifecycle",
        (inline(allow("s3:PutLifecycleConfiguration")),),
        (False, True, True),
        "s3:PutLifecycleConfiguration",
    ),
    Case("opening every bucket", (inline(allow("s3:PutBucketPolicy")),), (False, True, True)),
    Case("its own bucket only", (inline(allow("s3:*", OWN)),), NO),
    Case(
        "the log bucket",
        (inline(allow("s3:PutObject", LOG_OBJECTS)),),
        (False, False, True),
        "allows s3:PutObject on arn:aws:s3:::audit-logs/x",
    ),
    Case(
        "the log bucket itself",
        (inline(allow("s3:DeleteBucket", "arn:aws:s3:::audit-logs")),),
        (False, False, True),
    ),
    Case(
        "one folder of the log bucket",
        (inline(allow("s3:PutObject", "arn:aws:s3:::audit-logs/tmp/*")),),
        (False, False, True),
        "audit-logs/tmp/",
    ),
    Case(
        "a name pattern that meets the log bucket",
        (inline(allow("s3:PutObject", "arn:aws:s3:::audit-*/*")),),
        (False, False, True),
    ),
    Case("reading the log bucket", (inline(allow("s3:Get*", LOG_OBJECTS)),), NO),
    Case("a bucket whose name goes on", (inline(allow("s3:*", "arn:aws:s3:::audit-logs2*")),), NO),
    Case("bucket names have case", (inline(allow("s3:*", "arn:aws:s3:::Audit-Logs/*")),), NO),
    Case(
        "the console's default policy reaches redshift/ in any bucket",
        (REDSHIFT_DEFAULT,),
        (False, True, True),
        "aws-managed policy AmazonRedshiftAllCommandsFullAccess allows s3:PutObject",
    ),
    Case(
        "NotResource of the log bucket leaves the others",
        (inline(allow(WRITES, None, NotResource="arn:aws:s3:::audit-logs*")),),
        (False, True, None),  # access points are among the others
    ),
    Case(
        "NotResource of its own bucket leaves the logs",
        (inline(allow(WRITES, None, NotResource=OWN)),),
        (False, True, True),
    ),
    Case(
        "every first letter is every bucket",
        (
            inline(
                allow(
                    "s3:PutObject",
                    [f"arn:aws:s3:::{c}*" for c in "abcdefghijklmnopqrstuvwxyz0123456789-"],
                )
            ),
        ),
        (False, True, True),
        "together allow s3:PutObject on every bucket",
    ),
    Case("a Deny takes all", (inline(allow(), deny()),), NO),
    Case("a Deny of another policy counts", (inline(allow()), inline(deny(), name="fence")), NO),
    Case(
        "a Deny for the log bucket does not hide the other buckets",
        (inline(allow(), deny("s3:*", ["arn:aws:s3:::audit-logs", LOG_OBJECTS])),),
        (True, True, None),  # an access point may lead round the Deny
        "S3 access point",
    ),
    Case(
        "a Deny for the log bucket and for access points",
        (inline(allow(), deny("s3:*", ["arn:aws:s3:::audit-logs*", "arn:aws:s3:*:*:access*"])),),
        (True, True, False),
    ),
    Case(
        "a Deny for all but its own bucket",
        (inline(allow(), deny("s3:*", None, NotResource=OWN)),),
        NO,
    ),
    Case(
        "a Deny for objects leaves the bucket",
        (inline(allow(), deny("s3:*", LOG_OBJECTS)),),
        (True, True, True),
        "",
    ),
    Case(
        "a Deny for one folder leaves the others",
        (inline(allow(), deny("s3:*", "arn:aws:s3:::audit-logs/2026/*")),),
        YES,
    ),
    Case(
        "a Deny of deletion leaves writing",
        (inline(allow(), deny("s3:Delete*")),),
        (False, True, True),
    ),
    Case("a Deny with an open condition", (inline(allow(), deny(Condition=WHEN_OURS)),), OPEN),
    Case(
        "a Deny that holds only without TLS takes nothing",
        (inline(allow(), deny(Condition={"Bool": {"aws:SecureTransport": "false"}})),),
        YES,
    ),
    Case("an Allow with an open condition", (inline(allow(Condition=WHEN_OURS)),), OPEN, "resourc"),
    Case("an Allow over TLS", (inline(allow(Condition=OVER_TLS)),), YES),
    Case(
        "an open condition where it does not matter",
        (inline(allow("s3:*", OWN, Condition=WHEN_OURS)),),
        NO,
    ),
    Case(
        "an open condition beside a plain Allow",
        (inline(allow(Condition=WHEN_OURS), allow()),),
        YES,
    ),
    Case(
        "a variable in a resource",
        (inline(allow("s3:PutObject", "arn:aws:s3:::${aws:PrincipalTag/team}/*")),),
        (False, None, None),
        "policy variable",
    ),
    Case(
        "a boundary limits what is allowed",
        (inline(allow()),),
        NO,
        boundary=inline(allow("s3:Get*"), name="limit"),
    ),
    Case("a boundary allows nothing by itself", (NONE,), NO, boundary=inline(allow(), name="wide")),
    Case("a wide boundary", (inline(allow()),), YES, boundary=inline(allow("*"), name="wide")),
    Case(
        "a Deny in the boundary counts",
        (inline(allow("s3:*", "arn:aws:s3:::*")),),
        (True, True, False),
        boundary=inline(allow("*"), deny("*", "arn:aws:s3:::audit-logs*"), name="limit"),
    ),
    Case(
        "a boundary with an open condition",
        (inline(allow()),),
        OPEN,
        boundary=inline(allow(Condition=WHEN_OURS), name="limit"),
    ),
    Case(
        "a boundary that cannot be read",
        (inline(allow()),),
        OPEN,
        "the inline policy limit cannot be judged",
        boundary=PolicyDocument("limit", "{", "inline"),
    ),
    Case(
        "one policy that cannot be read may deny",
        (inline(allow()), PolicyDocument("odd", "{", "customer-managed")),
        OPEN,
        "the customer-managed policy odd cannot be judged: the policy is not valid JSON",
    ),
    Case(
        "a policy with a principal is none of a role",
        (inline(allow(Principal="*")),),
        OPEN,
        "names a principal",
    ),
    Case(
        "an access point leads to a bucket that we cannot see",
        (inline(allow("s3:PutObject", POINT)),),
        (False, False, None),
        "access point",
    ),
    Case("reading through an access point", (inline(allow("s3:GetObject", POINT)),), NO),
]
