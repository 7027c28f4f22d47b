"""The bench estate's S3 side: the log buckets, right in every respect, and today's log objects."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import NamedTuple
from xml.sax.saxutils import escape

from bench.answer import Answer, Handler, Handlers, Params, answer, rest, rest_error
from bench.estate_redshift import (
    ACCOUNT,
    LOG_PREFIX,
    REGION,
    Size,
    bucket_name,
    cluster_name,
    stamp,
)

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
LOG_ROOT = f"{LOG_PREFIX}AWSLogs/{ACCOUNT}/redshift/{REGION}/"
LOG_TYPES = ("connectionlog", "useractivitylog", "userlog")
MAX_KEYS = 1000

ENCRYPTION = (
    f'<ServerSideEncryptionConfiguration xmlns="{NAMESPACE}"><Rule>'
    "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
    "</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>"
    "</ServerSideEncryptionConfiguration>"
)
LIFECYCLE = (
    f'<LifecycleConfiguration xmlns="{NAMESPACE}"><Rule><ID>expire-audit-logs</ID>'
    f"<Filter><Prefix>{LOG_PREFIX}</Prefix></Filter><Status>Enabled</Status>"
    "<Expiration><Days>180</Days></Expiration></Rule><Rule><ID>abort-uploads</ID><Filter/>"
    "<Status>Enabled</Status><AbortIncompleteMultipartUpload><DaysAfterInitiation>7"
    "</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>"
)
ACCESS_BLOCK = (
    f'<PublicAccessBlockConfiguration xmlns="{NAMESPACE}"><BlockPublicAcls>true</BlockPublicAcls>'
    "<IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy>"
    "<RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>"
)
OWNERSHIP = (
    f'<OwnershipControls xmlns="{NAMESPACE}"><Rule><ObjectOwnership>BucketOwnerEnforced'
    "</ObjectOwnership></Rule></OwnershipControls>"
)
ACL = (
    f'<AccessControlPolicy xmlns="{NAMESPACE}"><Owner><ID>0123456789abcdef</ID></Owner>'
    "<AccessControlList></AccessControlList></AccessControlPolicy>"
)


class Listed(NamedTuple):
    """One log object of the listing, with its time of delivery as XML has it."""

    key: str
    modified: str


def s3(size: Size, now: datetime) -> Handlers:
    """How S3 answers, the account's public access block included."""
    names = tuple(bucket_name(index) for index in range(size.buckets))
    buckets = frozenset(names)
    same = {
        "GetBucketAcl": rest(ACL),
        "GetBucketEncryption": rest(ENCRYPTION),
        "GetBucketLifecycleConfiguration": rest(LIFECYCLE),
        "GetBucketLocation": rest(
            f'<LocationConstraint xmlns="{NAMESPACE}">{REGION}</LocationConstraint>'
        ),
        "GetBucketOwnershipControls": rest(OWNERSHIP),
        "GetBucketVersioning": rest(f'<VersioningConfiguration xmlns="{NAMESPACE}"/>'),
        "GetObjectLockConfiguration": rest_error("ObjectLockConfigurationNotFoundError"),
        "GetPublicAccessBlock": rest(ACCESS_BLOCK),
    }
    handlers: Handlers = {
        ("s3", operation): _of_bucket(buckets, reply) for operation, reply in same.items()
    }
    handlers["s3", "GetBucketPolicy"] = _policies(names)
    handlers["s3", "HeadBucket"] = _of_bucket(buckets, _head())
    handlers["s3", "ListBuckets"] = _list_buckets(names)
    handlers["s3", "ListObjectsV2"] = _list_objects(size, now)
    handlers["s3control", "GetPublicAccessBlock"] = lambda _: same["GetPublicAccessBlock"]
    return handlers


def _of_bucket(buckets: frozenset[str], reply: Answer) -> Handler:
    missing = rest_error("NoSuchBucket")
    return lambda params: reply if params["Bucket"] in buckets else missing


def _head() -> Answer:
    head, body = answer(b"", content_type="application/xml")
    return Answer(head + f"x-amz-bucket-region: {REGION}\r\n".encode(), body)


def _policies(buckets: tuple[str, ...]) -> Handler:
    replies = {
        name: answer(_policy(name).encode(), content_type="application/json") for name in buckets
    }
    missing = rest_error("NoSuchBucket")
    return lambda params: replies.get(params["Bucket"], missing)


def _policy(bucket: str) -> str:
    """Delivery as the Redshift Management Guide admits it; everything without TLS denied."""
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    admit = {
        "Sid": "RedshiftAuditLogs",
        "Effect": "Allow",
        "Principal": {"Service": "redshift.amazonaws.com"},
        "Action": ["s3:GetBucketAcl", "s3:PutObject"],
        "Resource": arns,
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    refuse = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": arns,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [admit, refuse]})


def _list_buckets(names: tuple[str, ...]) -> Handler:
    """The continuation token is the index of the page's first bucket."""
    rows = [
        f"<Bucket><Name>{name}</Name><CreationDate>2025-01-01T00:00:00.000Z</CreationDate>"
        f"<BucketRegion>{REGION}</BucketRegion>"
        f"<BucketArn>arn:aws:s3:::{name}</BucketArn></Bucket>"
        for name in names
    ]

    def handler(params: Params) -> Answer:
        start = int(params.get("ContinuationToken") or 0)
        end = start + int(params.get("MaxBuckets") or 10_000)
        more = f"<ContinuationToken>{end}</ContinuationToken>" if end < len(rows) else ""
        return rest(
            f'<ListAllMyBucketsResult xmlns="{NAMESPACE}"><Owner><ID>0123456789abcdef</ID></Owner>'
            f"<Buckets>{''.join(rows[start:end])}</Buckets>{more}</ListAllMyBucketsResult>"
        )

    return handler


def _list_objects(size: Size, now: datetime) -> Handler:
    """Only the date folders of logs can be listed; anything wider is not there (501)."""
    writers: dict[str, list[str]] = {}
    for index in range(size.clusters):
        writers.setdefault(bucket_name(index % size.buckets), []).append(cluster_name(index))
    days = {f"{now - timedelta(days=ago):%Y/%m/%d}/": ago for ago in range(180)}
    times = {day: _times(now - timedelta(days=ago), now) for day, ago in days.items()}

    def handler(params: Params) -> Answer:
        prefix, bucket = params.get("Prefix", ""), params["Bucket"]
        if bucket not in writers:
            return rest_error("NoSuchBucket")
        day = prefix[len(LOG_ROOT) : len(LOG_ROOT) + 11]
        if not prefix.startswith(LOG_ROOT) or day.count("/") != 3:
            return rest_error("NotImplemented", 501)
        since = params.get("ContinuationToken") or params.get("StartAfter", "")
        found = _of_day(_named(writers[bucket], prefix), prefix, day, times.get(day, ()))
        return _listing(params, [item for item in found if item.key > since])

    return handler


def _times(day: datetime, now: datetime) -> tuple[tuple[str, str], ...]:
    """End of the key and time of delivery, 20 minutes past each hour of the day that is over."""
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    hours = [midnight + timedelta(hours=hour, minutes=20) for hour in range(24)]
    return tuple((f"{hour:%Y-%m-%dT%H}:01.gz", stamp(hour)) for hour in hours if hour <= now)


def _named(clusters: list[str], prefix: str) -> list[str]:
    """The only cluster whose keys can begin so, or all of them."""
    _, found, rest_of_name = prefix.rpartition(f"{ACCOUNT}_redshift_{REGION}_")
    name, complete, _ = rest_of_name.partition("_")
    return [name] if found and complete and name in clusters else clusters


def _of_day(
    clusters: list[str], prefix: str, day: str, times: tuple[tuple[str, str], ...]
) -> list[Listed]:
    """One object an hour of each log type, as far as keys begin with the prefix, in their order."""
    stems = [
        f"{LOG_ROOT}{day}{ACCOUNT}_redshift_{REGION}_{cluster}_{log_type}_"
        for cluster in clusters
        for log_type in LOG_TYPES
    ]
    return [
        Listed(f"{stem}{time}", modified)
        for stem in stems
        if stem.startswith(prefix) or prefix.startswith(stem)
        for time, modified in times
        if len(prefix) <= len(stem) or f"{stem}{time}".startswith(prefix)
    ]


def _url_encoded(key: str) -> str:
    """Enough for the keys of logs, and ten times as fast as the general way."""
    return key.replace(":", "%3A")


def _listing(params: Params, listed: list[Listed]) -> Answer:
    limit = int(params.get("MaxKeys") or MAX_KEYS)
    shown = listed[:limit]
    by_url = params.get("EncodingType") == "url"
    write = _url_encoded if by_url else escape
    more = len(listed) > limit
    token = (
        f"<NextContinuationToken>{escape(shown[-1].key)}</NextContinuationToken>" if more else ""
    )
    contents = "".join(
        f"<Contents><Key>{write(key)}</Key><LastModified>{modified}</LastModified>"
        "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>14820</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
        for key, modified in shown
    )
    encoding = "<EncodingType>url</EncodingType>" if by_url else ""
    return rest(
        f'<ListBucketResult xmlns="{NAMESPACE}"><Name>{params["Bucket"]}</Name>'
        f"<Prefix>{write(params.get('Prefix', ''))}</Prefix><KeyCount>{len(shown)}</KeyCount>"
        f"<MaxKeys>{limit}</MaxKeys>{encoding}<IsTruncated>{str(more).lower()}</IsTruncated>"
        f"{token}{contents}</ListBucketResult>"
    )
