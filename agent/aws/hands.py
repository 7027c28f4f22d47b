"""What each hand may do to AWS: explicit lists of operations, and the IAM actions they take."""

from __future__ import annotations

OBSERVER: frozenset[str] = frozenset(
    {
        "cloudwatch:GetMetricStatistics",
        "ec2:DescribeRegions",
        "iam:GetPolicy",
        "iam:GetPolicyVersion",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
        "organizations:DescribeOrganization",
        "redshift-serverless:ListNamespaces",
        "redshift-serverless:ListWorkgroups",
        "redshift:DescribeClusterParameters",
        "redshift:DescribeClusters",
        "redshift:DescribeEvents",
        "redshift:DescribeLoggingStatus",
        "s3:GetBucketEncryption",
        "s3:GetBucketLifecycleConfiguration",
        "s3:GetBucketPolicy",
        "s3:GetBucketVersioning",
        "s3:GetObjectLockConfiguration",
        "s3:GetPublicAccessBlock",
        "s3:ListBuckets",
        "s3:ListObjectsV2",
        "s3control:GetPublicAccessBlock",
        "sts:GetCallerIdentity",
    }
)
"""Every call of the observer, by the API's names. Never `s3:GetObject`: there is customers' SQL."""

PLANNER: frozenset[str] = OBSERVER | {
    "logs:ListTagsForResource",
    "redshift-serverless:GetNamespace",
    "redshift-serverless:GetWorkgroup",
    "redshift-serverless:ListTagsForResource",
    "redshift:DescribeClusterParameterGroups",
    "redshift:DescribeDefaultClusterParameters",
    "s3:GetBucketAcl",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicyStatus",
    "s3:GetBucketTagging",
}
"""What is read to judge, and to plan changes."""

FIXER: frozenset[str] = frozenset(
    {
        "logs:CreateLogGroup",
        "logs:DeleteRetentionPolicy",
        "logs:PutRetentionPolicy",
        "redshift-serverless:UpdateNamespace",
        "redshift-serverless:UpdateWorkgroup",
        "redshift:CreateClusterParameterGroup",
        "redshift:EnableLogging",
        "redshift:ModifyCluster",
        "redshift:ModifyClusterParameterGroup",
        "redshift:RebootCluster",
        "redshift:ResetClusterParameterGroup",
        "s3:DeleteBucketEncryption",
        "s3:DeleteBucketLifecycle",
        "s3:DeleteBucketPolicy",
        "s3:DeletePublicAccessBlock",
        "s3:PutBucketEncryption",
        "s3:PutBucketLifecycleConfiguration",
        "s3:PutBucketPolicy",
        "s3:PutPublicAccessBlock",
    }
)
"""Every call that changes anything, none that reads. Never DisableLogging, never an object."""

REPORT_READER: frozenset[str] = frozenset(
    {"s3:GetObject", "s3:ListObjectsV2", "sts:GetCallerIdentity"}
)
"""Of the monthly report, a job of its own with a role of its own: it reads the logs themselves."""

REPORT_WRITER: frozenset[str] = frozenset({"s3:PutObject"})
"""What the monthly report's job may write: files of a report, and tables for Athena to read."""

CREDENTIALS: frozenset[str] = frozenset({"sts:AssumeRole", "sts:GetCallerIdentity"})
"""What the door itself calls to become an account; readers cannot ask for AssumeRole."""

_NAMED_OTHERWISE: dict[str, tuple[str, ...]] = {
    "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "s3:GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
    "s3:GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
    "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
    "s3:DeleteBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:DeleteBucketLifecycle": ("s3:PutLifecycleConfiguration",),
    "s3:DeletePublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3control:GetPublicAccessBlock": ("s3:GetAccountPublicAccessBlock",),
    "sts:GetCallerIdentity": (),
}


def iam_actions(operation: str) -> tuple[str, ...]:
    """The IAM actions that `service:Operation` takes; none where it cannot be denied.

    Source: Amazon S3 API Reference (permissions of each operation), IAM Service Authorization
    Reference; everywhere else the action has the operation's name.
    """
    return _NAMED_OTHERWISE.get(operation, (operation,))


def action_of(operation: str) -> str:
    """One name for messages: the IAM action to grant, else the operation itself."""
    return next(iter(iam_actions(operation)), operation)
