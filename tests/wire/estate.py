"""A small estate in which every shipped rule passes, and how each rule is brought to fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

A = "111122223333"
REGION = "eu-west-1"
ROLE = f"arn:aws:iam::{A}:role/RedshiftLoad"
TYPES = ["connectionlog", "userlog", "useractivitylog"]

Step = Mapping[str, Any]


def bucket_policy(bucket: str) -> dict[str, Any]:
    """Admits Redshift's delivery, refuses requests without TLS."""
    arn = f"arn:aws:s3:::{bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "RedshiftDelivers",
                "Effect": "Allow",
                "Principal": {"Service": "redshift.amazonaws.com"},
                "Action": ["s3:GetBucketAcl", "s3:PutObject"],
                "Resource": [arn, f"{arn}/*"],
            },
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def lifecycle(days: int = 180, **rule: Any) -> list[dict[str, Any]]:
    """One rule for the whole bucket."""
    return [
        {
            "ID": "audit-logs",
            "Status": "Enabled",
            "Filter": {"Prefix": "prod/"},
            "Expiration": {"Days": days},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            **rule,
        }
    ]


def right(now: datetime) -> list[Step]:
    """One cluster on S3, one on CloudWatch, one serverless pair, one role: all as it should be."""
    long_ago = now - timedelta(days=90)
    here: dict[str, Any] = {"account": A, "region": REGION}
    return [
        {"do": "account", "account": A},
        {
            "do": "bucket",
            **here,
            "name": "audit-logs",
            "policy": bucket_policy("audit-logs"),
            "lifecycle": lifecycle(),
        },
        {
            "do": "parameter_group",
            **here,
            "name": "audited",
            "values": {"enable_user_activity_logging": "true"},
        },
        {
            "do": "role",
            "account": A,
            "name": "RedshiftLoad",
            "inline": {
                "load": {
                    "Version": "2012-10-17",
                    "Statement": {
                        "Effect": "Allow",
                        "Action": ["s3:GetObject", "s3:ListBucket"],
                        "Resource": ["arn:aws:s3:::lake", "arn:aws:s3:::lake/*"],
                    },
                }
            },
        },
        {
            "do": "cluster",
            **here,
            "identifier": "orders",
            "parameter_group": "audited",
            "created_at": long_ago,
            "roles": [ROLE],
        },
        logging(now),
        {
            "do": "log_objects",
            **here,
            "bucket": "audit-logs",
            "prefix": "prod",
            "cluster": "orders",
            "start": now - timedelta(days=2),
            "end": now - timedelta(minutes=30),
        },
        {
            "do": "cluster",
            **here,
            "identifier": "streamed",
            "parameter_group": "audited",
            "created_at": long_ago,
        },
        {
            "do": "logging",
            **here,
            "cluster": "streamed",
            "destination": "cloudwatch",
            "exports": TYPES,
            "last_success": now - timedelta(minutes=20),
        },
        *(log_group(now, log_type) for log_type in TYPES),
        {"do": "namespace", **here, "name": "lakehouse", "exports": TYPES},
        {
            "do": "workgroup",
            **here,
            "name": "adhoc",
            "namespace": "lakehouse",
            "parameters": {"enable_user_activity_logging": "true"},
        },
        *(
            {
                "do": "log_group",
                **here,
                "name": f"/aws/redshift/lakehouse/{log_type}",
                "retention": 180,
            }
            for log_type in TYPES
        ),
        {"do": "bucket", **here, "name": "audit-reports"},
        *reports(now),
    ]


REPORTED = {
    "report": {"destination": "s3://audit-reports/"},
    "params": {"audit-report-produced": {"due_days": 0}},
}
"""The configuration under which last month's reports are due at once."""


def reports(now: datetime) -> list[Step]:
    """Last month's reports of both clusters, as the job leaves them."""
    month = now.replace(day=1) - timedelta(days=1)
    return [
        {
            "do": "object",
            "bucket": "audit-reports",
            "key": f"{month:%Y-%m}/{A}_{REGION}_{name}/{file}",
            "size": 0,
            "modified": now - timedelta(hours=1),
        }
        for name in ("orders", "streamed")
        for file in ("manifest.json", "verdict-complete")
    ]


def logging(now: datetime, **changes: Any) -> Step:
    """The logging status of the cluster on S3."""
    return {
        "do": "logging",
        "account": A,
        "region": REGION,
        "cluster": "orders",
        "destination": "s3",
        "bucket": "audit-logs",
        "prefix": "prod/",
        "last_success": now - timedelta(minutes=40),
        **changes,
    }


def log_group(now: datetime, log_type: str, **changes: Any) -> Step:
    """One log group of the cluster on CloudWatch."""
    return {
        "do": "log_group",
        "account": A,
        "region": REGION,
        "name": f"/aws/redshift/cluster/streamed/{log_type}",
        "retention": 180,
        "streams": {"streamed": now - timedelta(minutes=20)},
        **changes,
    }


def bucket(**changes: Any) -> Step:
    """A change to the log bucket."""
    return {"do": "bucket", "account": A, "name": "audit-logs", "region": REGION, **changes}


def cluster(**changes: Any) -> Step:
    """A change to the cluster on S3."""
    return {"do": "cluster", "account": A, "region": REGION, "identifier": "orders", **changes}


def deny(operation: str, service: str = "s3") -> Step:
    """A fault: that operation is denied."""
    return {"kind": "deny", "service": service, "operation": operation}


@dataclass(frozen=True)
class Scenario:
    """What makes one rule fail on a resource, and what makes it unknown there."""

    resource: str
    fails: Callable[[datetime], Sequence[Step]]
    blinded_by: Sequence[Step]
    says: str
    """Words that the failure's sentence must hold."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Configuration beside the targets."""
    answers: Sequence[Step] = ()
    """Faults that make AWS answer as the failing state does, where it cannot be planted."""


def _stale(now: datetime) -> Sequence[Step]:
    return [
        {"do": "remove", "what": "bucket", "account": A, "name": "audit-logs"},
        bucket(policy=bucket_policy("audit-logs"), lifecycle=lifecycle()),
        logging(now, last_success=now - timedelta(days=5)),
        {
            "do": "log_objects",
            "account": A,
            "region": REGION,
            "bucket": "audit-logs",
            "prefix": "prod",
            "cluster": "orders",
            "start": now - timedelta(days=9),
            "end": now - timedelta(days=5),
        },
    ]


GROUP = "/aws/redshift/cluster/streamed/userlog"
NO_LOGGING_STATUS = [deny("DescribeLoggingStatus", "redshift")]
NO_LIFECYCLE = [deny("GetBucketLifecycleConfiguration")]
NO_GROUPS = [deny("DescribeLogGroups", "logs")]
KMS = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"

SCENARIOS: Mapping[str, Scenario] = {
    "audit-report-produced": Scenario(
        "orders",
        lambda now: [
            {"do": "remove", "what": "bucket", "account": A, "name": "audit-reports"},
            {"do": "bucket", "account": A, "region": REGION, "name": "audit-reports"},
        ],
        [deny("ListObjectsV2")],
        "no report of",
        settings=REPORTED,
    ),
    "redshift-audit-logging-on": Scenario(
        "orders",
        lambda now: [logging(now, enabled=False, destination=None, bucket=None, prefix=None)],
        NO_LOGGING_STATUS,
        "LoggingEnabled is false",
    ),
    "redshift-log-types-complete": Scenario(
        "streamed",
        lambda now: [
            {
                "do": "logging",
                "account": A,
                "region": REGION,
                "cluster": "streamed",
                "destination": "cloudwatch",
                "exports": ["connectionlog", "useractivitylog"],
            }
        ],
        NO_LOGGING_STATUS,
        "not exported: userlog",
    ),
    "redshift-user-activity-logged": Scenario(
        "orders",
        lambda now: [
            {
                "do": "parameter_group",
                "account": A,
                "region": REGION,
                "name": "late",
                "values": {"enable_user_activity_logging": "true"},
            },
            cluster(parameter_group="late"),
        ],
        [deny("DescribeClusterParameters", "redshift")],
        "pending-reboot",
    ),
    "redshift-log-delivery-healthy": Scenario(
        "orders",
        lambda now: [
            logging(
                now,
                last_success=now - timedelta(hours=9),
                last_failure=now - timedelta(minutes=9),
                message="the bucket's owner has changed",
            )
        ],
        NO_LOGGING_STATUS,
        "the bucket's owner has changed",
    ),
    "redshift-log-delivery-admitted": Scenario(
        "orders",
        lambda now: [bucket(policy=None)],
        [deny("GetBucketPolicy")],
        "has no policy",
    ),
    "redshift-logs-fresh": Scenario(
        "orders/connectionlog", _stale, [deny("ListObjectsV2")], "last_record_at is"
    ),
    "log-bucket-encrypted": Scenario(
        "audit-logs",
        lambda now: [],
        [deny("GetBucketEncryption")],
        "no default encryption",
        # AWS gives every bucket SSE-S3 since 2023; S3 of before, and look-alikes, answer so:
        answers=[
            {
                "kind": "error",
                "service": "s3",
                "operation": "GetBucketEncryption",
                "code": "ServerSideEncryptionConfigurationNotFoundError",
                "status": 404,
            }
        ],
    ),
    "log-bucket-encryption-deliverable": Scenario(
        "audit-logs",
        lambda now: [
            bucket(encryption="aws:kms"),
            logging(
                now, last_success=now - timedelta(hours=9), last_failure=now - timedelta(minutes=9)
            ),
        ],
        [deny("GetBucketEncryption"), *NO_LOGGING_STATUS],
        "aws:kms",
    ),
    "log-bucket-private": Scenario(
        "audit-logs",
        lambda now: [bucket(public_access_block=None)],
        [deny("GetPublicAccessBlock")],
        "public",
    ),
    "log-bucket-tls-only": Scenario(
        "audit-logs",
        lambda now: [bucket(policy={**bucket_policy("audit-logs"), "Statement": []})],
        [deny("GetBucketPolicy")],
        "tls_required is false",
    ),
    "log-bucket-unlocked": Scenario(
        "audit-logs",
        lambda now: [bucket(object_lock=True)],
        [deny("GetObjectLockConfiguration")],
        "Object Lock is on",
    ),
    "audit-logs-expire-in-time": Scenario(
        "audit-logs/prod/",
        lambda now: [
            bucket(
                lifecycle=[
                    {
                        "ID": "remove-6month-old-file",
                        "Status": "Enabled",
                        "Filter": {"Prefix": ""},
                        "NoncurrentVersionExpiration": {"NoncurrentDays": 180},
                    }
                ]
            )
        ],
        NO_LIFECYCLE,
        "rule remove-6month-old-file deletes noncurrent versions only, and the bucket has no "
        "versions",
    ),
    "audit-logs-kept-long-enough": Scenario(
        "audit-logs/prod/",
        lambda now: [bucket(lifecycle=lifecycle(days=30))],
        NO_LIFECYCLE,
        "30",
    ),
    "audit-logs-uploads-aborted": Scenario(
        "audit-logs/prod/",
        lambda now: [
            bucket(
                lifecycle=[
                    {
                        "ID": "expire",
                        "Status": "Enabled",
                        "Filter": {"Prefix": ""},
                        "Expiration": {"Days": 180},
                    }
                ]
            )
        ],
        NO_LIFECYCLE,
        "uploads_aborted is false",
    ),
    "log-group-retention": Scenario(
        GROUP,
        lambda now: [log_group(now, "userlog", retention=None)],
        NO_GROUPS,
        "never expire",
    ),
    "log-group-kept-long-enough": Scenario(
        GROUP,
        lambda now: [log_group(now, "userlog", retention=30)],
        NO_GROUPS,
        "retention_days is 30",
    ),
    "log-group-encrypted": Scenario(
        GROUP,
        lambda now: [log_group(now, "userlog", kms_key=None)],
        NO_GROUPS,
        "no KMS key",
        settings={"params": {"log-group-encrypted": {"require_kms": True}}},
    ),
    "serverless-log-types-complete": Scenario(
        "lakehouse",
        lambda now: [
            {
                "do": "namespace",
                "account": A,
                "region": REGION,
                "name": "lakehouse",
                "exports": ["connectionlog"],
            }
        ],
        [deny("ListNamespaces", "redshift-serverless")],
        "not exported: userlog, useractivitylog",
    ),
    "serverless-user-activity-logged": Scenario(
        "adhoc",
        lambda now: [
            {
                "do": "workgroup",
                "account": A,
                "region": REGION,
                "name": "adhoc",
                "namespace": "lakehouse",
                "parameters": {"enable_user_activity_logging": "false"},
            }
        ],
        [deny("ListWorkgroups", "redshift-serverless")],
        "enable_user_activity_logging is false",
    ),
    "redshift-role-least-privilege": Scenario(
        "RedshiftLoad",
        lambda now: [
            {
                "do": "role",
                "account": A,
                "name": "RedshiftLoad",
                "managed": ["AmazonS3FullAccess"],
            }
        ],
        [deny("ListAttachedRolePolicies", "iam")],
        "AmazonS3FullAccess",
    ),
    "redshift-role-exists": Scenario(
        "RedshiftLoad",
        lambda now: [{"do": "remove", "what": "role", "account": A, "name": "RedshiftLoad"}],
        [deny("GetRole", "iam")],
        "no longer exists",
    ),
}
