"""The place that a lifecycle fix is for, read anew: keys, the bucket's lifecycle, what forbids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from controls.change import Held, Task
from controls.fixes.lifecycle_days import Bucket
from controls.fixes.lifecycle_merge import others, unwritable
from controls.model import Absent, AwsError, CannotTellError, Reader, Ref, Said, Unknown
from controls.semantics import lifecycle
from controls.semantics.lifecycle_rules import read_rules
from controls.semantics.log_keys import log_prefix
from controls.semantics.logging_status import parse_logging_status

READS: Final = (
    "redshift:DescribeClusters",
    "redshift:DescribeLoggingStatus",
    "s3:GetBucketLifecycleConfiguration",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:ListBuckets",
    "s3:ListObjectsV2",
)
LOCK: Final = "s3:GetObjectLockConfiguration"
WRITERS: Final = "AWSLogs/"


@dataclass(frozen=True, slots=True)
class Place:
    """Keys of a bucket, and the lifecycle they are under. `owner` reads the bucket."""

    ref: Ref
    owner: Reader
    bucket: str
    prefix: str
    configuration: Mapping[str, Any]
    versioning: str
    mfa_delete: bool
    now: datetime

    @property
    def where(self) -> str:
        """For sentences."""
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def beside(self) -> Bucket:
        """What our rule is to get on with."""
        rules = others(self.configuration.get("Rules", ()), self.prefix)
        return Bucket(read_rules({"Rules": rules}), self.versioning, self.prefix, self.now)

    def due(self, configuration: Mapping[str, Any]) -> Said[int] | Absent | Unknown:
        """When the last log is due to go under such a configuration."""
        return lifecycle.due_for_deletion(configuration, self.versioning, self.prefix, self.now)

    def first(self, configuration: Mapping[str, Any]) -> Said[int] | Absent | Unknown:
        """When the first log may go under such a configuration."""
        return lifecycle.first_deletion(configuration, self.versioning, self.prefix, self.now)


def find_place(aws: Reader, task: Task) -> Place:
    """The place the task names, with its bucket's documents.

    Raises:
        AwsError: something cannot be read.
        CannotTellError: whose bucket it is, or which keys are meant, cannot be told.
    """
    bucket, _, named = task.ref.name.partition("/")
    owner = aws.of_bucket(bucket)
    prefix = _keys(aws, task.ref, bucket, named)
    configuration = owner.call(
        "s3",
        "GetBucketLifecycleConfiguration",
        absent=("NoSuchLifecycleConfiguration",),
        Bucket=bucket,
    )
    versioning = owner.call("s3", "GetBucketVersioning", Bucket=bucket)
    return Place(
        task.ref,
        owner,
        bucket,
        prefix,
        configuration,
        versioning.get("Status", "Off"),
        versioning.get("MFADelete") == "Enabled",
        aws.now,
    )


# ---------------------------------------------------------------- which keys


def _keys(aws: Reader, ref: Ref, bucket: str, named: str) -> str:
    """What all keys of the place start with.

    A place is named by a writer's key prefix, below which are that account's and region's logs;
    or, where it is a former one, by all it covers: `…AWSLogs/`, or nothing for the whole bucket.
    What both could mean is the writer's, and only that, if a cluster there writes so: a rule for
    a whole bucket in place of a writer's part would delete what is everybody's.
    """
    if named and not named.endswith(f"/{WRITERS}") and named != WRITERS:
        return log_prefix(named, ref.account, ref.region)
    for cluster in aws.pages("redshift", "DescribeClusters", "Clusters"):
        status = parse_logging_status(
            aws.call(
                "redshift",
                "DescribeLoggingStatus",
                ClusterIdentifier=cluster["ClusterIdentifier"],
            )
        )
        if status.problem:
            raise CannotTellError(
                f"whether {ref.name} is where cluster {cluster['ClusterIdentifier']} writes "
                f"cannot be told: {status.problem}"
            )
        if (status.bucket, status.prefix) == (bucket, named):
            return log_prefix(named, ref.account, ref.region)
    return named


# ---------------------------------------------------------------- what forbids


def forbidden(place: Place) -> Held | None:
    """Why no rule of ours may be put into this bucket's lifecycle, or nothing."""
    if place.bucket.endswith("--x-s3"):
        return Held(
            f"{place.bucket} is a directory bucket: Redshift does not deliver to those, and "
            "their lifecycle is another"
        )
    if place.mfa_delete:
        return Held(
            f"MFA delete is on in bucket {place.bucket}, and S3 allows no lifecycle beside it: "
            "its owner must turn one of them off"
        )
    if why := unwritable(place.configuration, place.prefix):
        return Held(why)
    return _foreign(place)


def _foreign(place: Place) -> Held | None:
    """Whether other things than Redshift's logs lie under a former prefix, which names them all.

    CloudTrail and others write to `AWSLogs/` too. The whole bucket is for its owner to declare.
    """
    if not place.prefix.endswith(WRITERS):
        return None
    found = _listed(place, place.prefix)
    strange = [key for key in found if not re.fullmatch(r"\d{12}/", key)]
    for account in sorted(set(found) - set(strange)):
        inside = _listed(place, place.prefix + account)
        strange += [account + key for key in inside if key != "redshift/"]
    if not strange:
        return None
    return Held(
        f"not only Redshift's logs lie under {place.where}, but {', '.join(strange[:3])} too, "
        "which a rule for it would delete: name the former prefix more narrowly in log_buckets, "
        "or let the bucket's owner add rules"
    )


def _listed(place: Place, folder: str) -> list[str]:
    """The names right below a folder; one page of a thousand, or CannotTellError."""
    page = place.owner.call(
        "s3", "ListObjectsV2", Bucket=place.bucket, Prefix=folder, Delimiter="/"
    )
    if page.get("IsTruncated"):
        raise CannotTellError(f"more than 1000 names lie in s3://{place.bucket}/{folder}")
    keys = [one["Prefix"] for one in page.get("CommonPrefixes") or ()]
    keys += [one["Key"] for one in page.get("Contents") or () if one["Key"] != folder]
    return [key.removeprefix(folder) for key in keys]


def locked(place: Place, days: int) -> Held | None:
    """Whether Object Lock keeps new objects longer than that: lifecycle cannot delete those.

    It only adds delete markers (S3 User Guide, object-lock-managing).
    """
    answer = place.owner.call(
        "s3",
        "GetObjectLockConfiguration",
        absent=("ObjectLockConfigurationNotFoundError",),
        Bucket=place.bucket,
    )
    lock = answer.get("ObjectLockConfiguration", {})
    default = lock.get("Rule", {}).get("DefaultRetention") or {}
    if not lock or lock.get("ObjectLockEnabled") == "Disabled":
        return None
    kept = default.get("Days") or 365 * (default.get("Years") or 0)
    known = lock.get("ObjectLockEnabled") == "Enabled"
    if known and (not default or 0 < kept <= days):
        return None
    return Held(
        f"Object Lock keeps each new object in {place.bucket} for "
        f"{f'{kept} days' if kept else 'a time that is not known here'}, and lifecycle does not "
        f"delete what is locked: nothing is gone after {days} days while that stands. Redshift "
        "delivers only to buckets without Object Lock"
    )


def tags(place: Place) -> Mapping[str, str] | Held:
    """The bucket's tags, by which infrastructure as code shows; held where they may not be read."""
    try:
        answer = place.owner.call(
            "s3", "GetBucketTagging", absent=("NoSuchTagSet",), Bucket=place.bucket
        )
    except AwsError as error:
        if not error.denied:
            raise
        return Held(f"whether CloudFormation or Terraform owns {place.bucket} is unseen: {error}")
    return {tag["Key"]: tag.get("Value", "") for tag in answer.get("TagSet", ())}
