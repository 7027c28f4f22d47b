"""What the accounts of the simulated estate are made of: clusters, their logs, bucket policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

ANALYTICS = "111122223333"
"""Runs most clusters; the demo's base credentials belong to it."""
FINANCE = "444455556666"
ARCHIVE = "999988887777"
"""Runs nothing; owns the central buckets that the clusters of the other two deliver to."""

EU, US = "eu-west-1", "us-east-1"
REGIONS = (EU, US)

READER, FIXER = "TrailkeeperReader", "TrailkeeperFixer"
"""One may change nothing, the other is taken on for changes alone."""
REPORTER = "TrailkeeperReporter"
"""Reads the logs' objects, which the reader never may, and writes the report."""
FINANCE_EXTERNAL_ID = "larkfield-finance-7c1e"
ORGANIZATION = "o-4k9larkfld"

CONNECTION, USER, ACTIVITY = LOGS = ("connectionlog", "userlog", "useractivitylog")
PARAMETER = "enable_user_activity_logging"

Step = dict[str, Any]

DELAY = timedelta(minutes=5)
"""Between the time in a log file's name and its delivery."""


# ---------------------------------------------------------------- clusters and their logs


@dataclass(frozen=True, slots=True)
class Trail:
    """Where one cluster delivers its log files, and how often: `every` divides an hour."""

    account: str
    region: str
    cluster: str
    bucket: str
    prefix: str = ""
    every: int = 60

    def newest(self, before: datetime) -> datetime:
        """The time in the name of the last file that was delivered before a moment.

        Each cluster has its own minute of the hour, as in life.
        """
        latest = (before - DELAY).replace(second=0, microsecond=0)
        minute = sum(self.cluster.encode()) % self.every
        return latest - timedelta(minutes=(latest.minute - minute) % self.every)

    def delivered(self, before: datetime) -> datetime:
        """When that file was delivered."""
        return self.newest(before) + DELAY

    def files(
        self, until: datetime, days: float, kinds: Sequence[str] = LOGS, kilobytes: int = 600
    ) -> list[Step]:
        """Steps for `days` of log files up to `until`: the user log only on changes.

        `kilobytes` is the usual size of an activity log file; the others are far smaller.
        """
        end = self.newest(until)
        start = end - timedelta(days=days)
        usual = {CONNECTION: (self.every, 14_000), USER: (60 * 53, 900)}
        usual[ACTIVITY] = (self.every, kilobytes * 1024)
        steps = []
        for kind in kinds:
            interval, size = usual[kind]
            steps.append(
                {
                    "do": "log_objects",
                    "bucket": self.bucket,
                    "account": self.account,
                    "region": self.region,
                    "cluster": self.cluster,
                    "prefix": self.prefix,
                    "types": [kind],
                    "start": start,
                    "end": end,
                    "interval": interval,
                    "delay": DELAY / timedelta(minutes=1),
                    "size": size,
                }
            )
        return steps

    def status(self, last_success: datetime, **others: Any) -> Step:
        """Logging to S3 as DescribeLoggingStatus tells it: the prefix ends in a slash."""
        prefix = {"prefix": f"{self.prefix}/"} if self.prefix else {}
        exports = {"destination": "s3", "exports": list(LOGS)}
        return exports | {"bucket": self.bucket, "last_success": last_success} | prefix | others


def cluster(
    account: str,
    region: str,
    name: str,
    *,
    logging: Step | None,
    activity: str | None = "true",
    **settings: Any,
) -> list[Step]:
    """A cluster with a parameter group of its own; `activity` None leaves the default, false."""
    group = f"{name}-params"
    values = {"require_ssl": "true"} | ({PARAMETER: activity} if activity else {})
    where = {"account": account, "region": region}
    usual = {"node_type": "ra3.4xlarge", "database": "dev", "username": "larkadmin"}
    told = {} if logging is None else {"logging": logging}
    return [
        {"do": "parameter_group", "name": group, "values": values} | where,
        {"do": "cluster", "identifier": name, "parameter_group": group}
        | (where | usual | settings | told),
    ]


def window(now: datetime) -> str:
    """A maintenance window that is open at `now` and for some hours, as AWS writes it."""
    ends = (now - timedelta(hours=1), now + timedelta(hours=5))
    return "-".join(f"{end:%a:%H:%M}".lower() for end in ends)


def cloudwatch(exports: Sequence[str] = LOGS) -> Step:
    """Logging to CloudWatch as DescribeLoggingStatus tells it."""
    return {"destination": "cloudwatch", "exports": list(exports)}


def log_groups(
    account: str,
    region: str,
    writer: str,
    now: datetime,
    kinds: Sequence[str] = LOGS,
    retention: int | None = 180,
) -> list[Step]:
    """The log groups of one writer: `cluster/NAME`, or the name of a namespace.

    None is how Redshift creates a group: its events never expire.
    """
    ages = {CONNECTION: 11, USER: 2_900, ACTIVITY: 4}
    stream = writer.removeprefix("cluster/")
    return [
        {
            "do": "log_group",
            "account": account,
            "region": region,
            "name": f"/aws/redshift/{writer}/{kind}",
            "retention": retention,
            "created_at": now - timedelta(days=311),
            "streams": {stream: now - timedelta(minutes=ages[kind])},
        }
        for kind in kinds
    ]


# ---------------------------------------------------------------- buckets


def bucket(
    account: str, region: str, name: str, statements: Sequence[Step] = (), **settings: Any
) -> Step:
    """A bucket with all public access blocked, as AWS makes it, and a policy if there is one."""
    usual: Step = {"do": "bucket", "account": account, "name": name, "region": region}
    usual |= {"public_access_block": True}
    return usual | ({"policy": policy(*statements)} if statements else {}) | settings


def expires(prefix: str = "", days: int = 180, **others: Any) -> Step:
    """A lifecycle rule that is right: everything under a prefix goes, failed uploads too."""
    return {
        "ID": f"audit-logs-{days}-days",
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Expiration": {"Days": days},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    } | others


def policy(*statements: Step) -> Step:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def admits_redshift(bucket: str, *writers: str) -> list[Step]:
    """What delivery needs, for clusters of the `writers` only (Management Guide, db-auditing)."""
    only: Step = {"Condition": {"StringEquals": {"aws:SourceAccount": list(writers)}}}
    who: Step = {"Effect": "Allow", "Principal": {"Service": "redshift.amazonaws.com"}}
    arn = f"arn:aws:s3:::{bucket}"
    check = who | {"Sid": "RedshiftAclCheck", "Action": "s3:GetBucketAcl", "Resource": arn}
    write = who | {"Sid": "RedshiftWrite", "Action": "s3:PutObject", "Resource": f"{arn}/*"}
    return [one | (only if writers else {}) for one in (check, write)]


def denies(sid: str, bucket: str, condition: Step) -> Step:
    """Everybody, everything in the bucket, under a condition."""
    arn = f"arn:aws:s3:::{bucket}"
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": condition,
    }


def tls_only(bucket: str) -> Step:
    """Redshift delivers over TLS, so this stops nobody who should not be stopped."""
    return denies("DenyInsecureTransport", bucket, {"Bool": {"aws:SecureTransport": "false"}})


# ---------------------------------------------------------------- roles


def loader(account: str, name: str, reads: str, writes: str) -> list[Step]:
    """A role as it should be: one bucket to COPY from, another to UNLOAD to, no log bucket."""
    load, unload = f"arn:aws:s3:::{reads}", f"arn:aws:s3:::{writes}"
    document = policy(
        {
            "Sid": "Load",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:GetBucketLocation", "s3:ListBucket"],
            "Resource": [load, f"{load}/*"],
        },
        {
            "Sid": "Unload",
            "Effect": "Allow",
            "Action": ["s3:PutObject", "s3:AbortMultipartUpload"],
            "Resource": f"{unload}/*",
        },
    )
    made = f"{name}Policy"
    return [
        {"do": "managed_policy", "account": account, "name": made, "document": document},
        role(account, name, managed=[f"arn:aws:iam::{account}:policy/{made}"]),
    ]


def role(account: str, name: str, **settings: Any) -> Step:
    """A role that Redshift may assume."""
    return {"do": "role", "account": account, "name": name} | settings


def role_arn(account: str, name: str, path: str = "/") -> str:
    """Its ARN."""
    return f"arn:aws:iam::{account}:role{path}{name}"
