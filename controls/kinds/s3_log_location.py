"""Places in log buckets: bucket, prefix, writer account and region; what lifecycle does there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from controls.kinds.kind import Fact, Found, Item, Kind
from controls.kinds.object_lock import object_lock
from controls.kinds.writers import goes_to, unseen
from controls.model import Absent, Answer, Gap, Maybe, Reader, Ref, Resource, Said, Unknown
from controls.semantics import lifecycle
from controls.semantics.log_keys import log_prefix, normalise_prefix

NAME = "s3_log_location"
LOCK = "s3:GetObjectLockConfiguration"
NEEDS = ("s3:GetBucketLifecycleConfiguration", "s3:GetBucketVersioning", "s3:ListBuckets")


def derive_locations(found: Found) -> Iterable[Item | Gap]:
    """Where living clusters write, and what the configuration names beside it.

    That is the former prefixes of a bucket, or the whole of one that no living cluster writes to.
    """
    places: dict[tuple[str, str, str, str], list[Resource]] = defaultdict(list)
    for cluster in found.of("redshift_cluster"):
        yield from unseen(NAME, cluster)
        if goes_to(cluster, "s3"):
            bucket, prefix = (str(cluster.facts[f].value) for f in ("log_bucket", "log_key_prefix"))
            places[bucket, prefix, cluster.ref.account, cluster.ref.region].append(cluster)
    for (bucket_name, key_prefix, account, region), writers in sorted(places.items()):
        full = log_prefix(key_prefix, account, region)
        ref = _ref(found, bucket_name, key_prefix, account, region)
        yield _item(ref, bucket_name, full, writers)
    written = {bucket for bucket, *_ in places}
    for entry in found.log_buckets:
        for former in entry.prefixes:
            # Named by what it covers: it must not be taken for one writer's place below it.
            full = f"{normalise_prefix(former)}AWSLogs/"
            ref = _ref(found, entry.bucket, full, entry.account, entry.region)
            yield _item(ref, entry.bucket, full, [])
        if entry.bucket not in written and not entry.prefixes:
            ref = _ref(found, entry.bucket, "", entry.account, entry.region)
            yield _item(ref, entry.bucket, "", [])


def _ref(found: Found, bucket: str, prefix: str, account: str, region: str) -> Ref:
    owner, _ = found.owners.get(bucket, ("", ""))
    arn = f"arn:{found.partition}:s3:::{bucket}"
    return Ref(NAME, account, region, f"{bucket}/{prefix}", arn, owner)


def _item(ref: Ref, bucket: str, full: str, writers: list[Resource]) -> Item:
    return Item(
        ref,
        {"bucket": bucket, "prefix": full},
        source="redshift:DescribeLoggingStatus",
        writer_tags=tuple(writer.tags for writer in writers),
    )


def logs_expire(aws: Reader, location: Item) -> Answer[bool]:
    """Whether every byte of every log object here is due for deletion some day."""
    return _whether(_due(aws, location))


def deleted_after_days(aws: Reader, location: Item) -> Maybe[int]:
    """Days after which every byte of every log object here is due for deletion."""
    return _due(aws, location)


def deletion_possible(aws: Reader, location: Item) -> Answer[bool]:
    """Whether any lifecycle rule deletes any log object here."""
    return _whether(lifecycle.first_deletion(**_documents(aws, location)))


def deleted_earliest_days(aws: Reader, location: Item) -> Maybe[int]:
    """Days after which, at the earliest, a log object here may be deleted."""
    return lifecycle.first_deletion(**_documents(aws, location))


def uploads_aborted(aws: Reader, location: Item) -> Answer[bool]:
    """Whether every incomplete multipart upload here is aborted some day."""
    documents = _documents(aws, location)
    return _whether(lifecycle.uploads_aborted(documents["configuration"], documents["prefix"]))


def upload_abort_days(aws: Reader, location: Item) -> Maybe[int]:
    """Days after which every incomplete multipart upload here is aborted."""
    documents = _documents(aws, location)
    return lifecycle.uploads_aborted(documents["configuration"], documents["prefix"])


def _due(aws: Reader, location: Item) -> Said[int] | Absent | Unknown:
    """Lifecycle's answer, unless Object Lock keeps the logs for longer.

    Lifecycle does not delete a locked version, it only adds delete markers (S3 User Guide,
    object-lock-managing).
    """
    days = lifecycle.due_for_deletion(**_documents(aws, location))
    if not isinstance(days, Said):
        return days
    bucket = location.data["bucket"]
    lock = object_lock(aws.of_bucket(bucket), bucket)
    if isinstance(lock, Unknown):
        return lock
    if lock.value > days.value:
        return Unknown(
            f"{days.reason}, but {lock.reason}: when lifecycle deletes them then is not modelled"
        )
    return days


def _whether(days: Said[int] | Absent | Unknown) -> Said[bool] | Unknown:
    match days:
        case Said(_, reason):
            return Said(True, reason)
        case Absent(reason):
            return Said(False, reason)
        case unknown:
            return unknown


def _documents(aws: Reader, location: Item) -> dict[str, Any]:
    bucket = location.data["bucket"]
    owner = aws.of_bucket(bucket)
    configuration = owner.call(
        "s3",
        "GetBucketLifecycleConfiguration",
        absent=("NoSuchLifecycleConfiguration",),
        Bucket=bucket,
    )
    versioning = owner.call("s3", "GetBucketVersioning", Bucket=bucket).get("Status", "Off")
    return {
        "configuration": configuration,
        "versioning": versioning,
        "prefix": location.data["prefix"],
        "now": aws.now,
    }


S3_LOG_LOCATION = Kind(
    NAME,
    "A place in a log bucket: bucket, prefix, writer account and region.",
    facts=(
        Fact(logs_expire, needs=(*NEEDS, LOCK)),
        Fact(deleted_after_days, needs=(*NEEDS, LOCK)),
        Fact(deletion_possible, needs=NEEDS),
        Fact(deleted_earliest_days, needs=NEEDS),
        Fact(uploads_aborted, needs=NEEDS),
        Fact(upload_abort_days, needs=NEEDS),
    ),
    derives=derive_locations,
    sources={"redshift_cluster": ("log_bucket", "log_key_prefix", "log_destinations")},
)
