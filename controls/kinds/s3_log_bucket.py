"""S3 buckets that hold audit logs, each judged once, in the account that owns it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from controls.kinds import object_lock
from controls.kinds.kind import Fact, Found, Item, Kind
from controls.kinds.writers import goes_to, hidden, unseen
from controls.model import (
    Absent,
    Answer,
    Gap,
    Maybe,
    Reader,
    Ref,
    Resource,
    Said,
    State,
    Unknown,
)
from controls.semantics import access_block, tls

NAME = "s3_log_bucket"
ALGORITHMS = ("AES256", "aws:kms", "aws:kms:dsse", "aws:fsx")
"""Every value of SSEAlgorithm in the S3 model: each is encryption at rest."""

PROVEN_WITHIN = timedelta(hours=3)
"""How fresh a success must be to prove that delivery works under the bucket's encryption now."""

LIST = "s3:ListBuckets"


def derive_buckets(found: Found) -> Iterable[Item | Gap]:
    """The buckets that living clusters deliver to, and those named in the configuration."""
    writers: dict[str, list[Resource]] = defaultdict(list)
    for cluster in found.of("redshift_cluster"):
        yield from unseen(NAME, cluster)
        if goes_to(cluster, "s3"):
            writers[str(cluster.facts["log_bucket"].value)].append(cluster)
    for bucket in sorted({*writers, *(entry.bucket for entry in found.log_buckets)}):
        yield _item(bucket, writers[bucket], found)


def _item(bucket: str, writers: list[Resource], found: Found) -> Item:
    first = writers[0].ref if writers else None
    configured = next((entry for entry in found.log_buckets if entry.bucket == bucket), None)
    account, region = found.owners.get(bucket, ("", ""))
    owner = account or (configured.account if configured else "")
    partition = first.arn.split(":")[1] if first else found.partition
    ref = Ref(
        NAME,
        owner or (first.account if first else ""),
        region or (configured.region if configured else first.region if first else ""),
        bucket,
        f"arn:{partition}:s3:::{bucket}",
        owner,
    )
    deliveries = [
        {
            "cluster": writer.ref.name,
            "failing": writer.facts["delivery_failing"],
            "last_success": writer.facts["last_delivery_at"],
        }
        for writer in writers
    ]
    return Item(
        ref,
        {
            "deliveries": deliveries,
            "partition": partition,
            "hidden": hidden(found, "log_destinations"),
        },
        source="redshift:DescribeLoggingStatus",
        read_in=(first.account, first.region) if first else (ref.account, ref.region),
        writer_tags=tuple(writer.tags for writer in writers),
    )


def encryption_algorithm(aws: Reader, bucket: Item) -> Maybe[str]:
    """The default encryption's SSEAlgorithm: `AES256`, `aws:kms`, `aws:kms:dsse`."""
    name = bucket.ref.name
    answer = aws.of_bucket(name).call(
        "s3",
        "GetBucketEncryption",
        absent=("ServerSideEncryptionConfigurationNotFoundError",),
        Bucket=name,
    )
    rules = answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", ())
    for rule in rules:
        default = rule.get("ApplyServerSideEncryptionByDefault") or {}
        if algorithm := default.get("SSEAlgorithm"):
            return str(algorithm)
    return Absent("the bucket has no default encryption")


def encrypted(aws: Reader, bucket: Item) -> Answer[bool]:
    """Whether default encryption is on, whichever algorithm (SSE-S3, SSE-KMS or DSSE-KMS)."""
    match encryption_algorithm(aws, bucket):
        case Absent(reason):
            return Said(False, reason)
        case str(algorithm) if algorithm in ALGORITHMS:
            return Said(True, f"the default is {algorithm}")
        case other:
            return Unknown(f"the default encryption {other!r} is not known here")


def sse_s3(aws: Reader, bucket: Item) -> Answer[bool]:
    """Whether the default encryption is SSE-S3 (AES256), the only one Redshift documents."""
    match encryption_algorithm(aws, bucket):
        case "AES256":
            return Said(True, "the default is AES256")
        case Absent(reason):
            return Said(True, f"{reason}, so S3 applies AES256")
        case other:
            return Said(False, f"the default is {other}")


def written_to(aws: Reader, bucket: Item) -> Answer[bool]:
    """Whether a living cluster delivers its logs here."""
    clusters = [delivery["cluster"] for delivery in bucket.data["deliveries"]]
    if not clusters and bucket.data["hidden"]:
        return Unknown(f"no cluster was seen to deliver here, but {bucket.data['hidden']}")
    if not clusters:
        return Said(False, "no cluster among the targets delivers here now")
    return Said(True, f"written to by {', '.join(clusters)}")


def delivery_succeeding(aws: Reader, bucket: Item) -> Answer[bool]:
    """Whether every cluster seen to write here delivers: a success in the last 3 hours."""
    if not bucket.data["deliveries"]:
        return Unknown("no cluster is seen to deliver here, so nothing shows that delivery works")
    open_questions: list[str] = []
    for delivery in bucket.data["deliveries"]:
        problem = _unproven(delivery, aws.now)
        if isinstance(problem, Said):
            return problem
        if problem:
            open_questions.append(problem.reason)
    if open_questions:
        return Unknown("; ".join(open_questions))
    return Said(True, "every cluster seen to write here delivered within the last 3 hours")


def _unproven(delivery: Mapping[str, Any], now: datetime) -> Said[bool] | Unknown | None:
    cluster, failing, success = (delivery[k] for k in ("cluster", "failing", "last_success"))
    if failing.state is State.UNKNOWN:
        return Unknown(f"cluster {cluster}: {failing.reason}")
    if failing.value:
        return Said(False, f"cluster {cluster}: {failing.reason}")
    if not isinstance(success.value, datetime):
        return Unknown(f"cluster {cluster} has not delivered yet")
    if now - success.value > PROVEN_WITHIN:
        return Unknown(f"cluster {cluster} last delivered at {success.value:%Y-%m-%d %H:%M}Z")
    return None


def public_access_blocked(aws: Reader, bucket: Item) -> Answer[bool]:
    """Whether bucket and account together block all public access (the stricter setting wins)."""
    owner = aws.of_bucket(bucket.ref.name)
    absent = ("NoSuchPublicAccessBlockConfiguration",)
    own = owner.call("s3", "GetPublicAccessBlock", absent=absent, Bucket=bucket.ref.name)
    ours = own.get("PublicAccessBlockConfiguration")
    alone = access_block.public_access_blocked(ours, None)
    if alone.value:
        return alone
    whole = owner.call("s3control", "GetPublicAccessBlock", absent=absent, AccountId=owner.account)
    return access_block.public_access_blocked(ours, whole.get("PublicAccessBlockConfiguration"))


def tls_required(aws: Reader, bucket: Item) -> Answer[bool]:
    """Whether the bucket's policy denies every request that does not use TLS."""
    name = bucket.ref.name
    answer = aws.of_bucket(name).call(
        "s3", "GetBucketPolicy", absent=("NoSuchBucketPolicy",), Bucket=name
    )
    return tls.tls_required(answer.get("Policy"), name, bucket.data["partition"])


def object_lock_enabled(aws: Reader, bucket: Item) -> Answer[bool]:
    """Whether Object Lock is on; Redshift delivers only to buckets where it is off."""
    return object_lock.enabled(aws.of_bucket(bucket.ref.name), bucket.ref.name)


S3_LOG_BUCKET = Kind(
    NAME,
    "An S3 bucket that holds audit logs, judged in its owner's account.",
    facts=(
        Fact(encryption_algorithm, needs=("s3:GetBucketEncryption", LIST)),
        Fact(encrypted, needs=("s3:GetBucketEncryption", LIST)),
        Fact(sse_s3, needs=("s3:GetBucketEncryption", LIST)),
        Fact(written_to),
        Fact(delivery_succeeding),
        Fact(
            public_access_blocked,
            needs=("s3:GetPublicAccessBlock", "s3control:GetPublicAccessBlock", LIST),
        ),
        Fact(tls_required, needs=("s3:GetBucketPolicy", LIST)),
        Fact(object_lock_enabled, needs=("s3:GetObjectLockConfiguration", LIST)),
    ),
    derives=derive_buckets,
    sources={
        "redshift_cluster": (
            "log_bucket",
            "log_destinations",
            "delivery_failing",
            "last_delivery_at",
        )
    },
)
