"""Whether the bucket that audit logs are to go to can take them: asked before AWS is."""

from __future__ import annotations

import re

from controls.change import Destination, Held
from controls.model import AwsError, CannotTellError, Reader, Ref, Said, Unknown
from controls.semantics.delivery import Writer, delivery_admitted

READS = (
    "s3:ListBuckets",
    "s3:GetBucketPolicy",
    "s3:GetBucketEncryption",
    "s3:GetObjectLockConfiguration",
    "organizations:DescribeOrganization",
)

_PREFIX = re.compile(r"[A-Za-z0-9_.:/=+@-]*", re.ASCII)
"""What both documented sets of characters admit (Management Guide, db-auditing; API reference,
EnableLogging): no blanks, no letters but ASCII's, no backslash."""

_LONGEST = 255
"""One less than the API takes: AWS adds the slash at the end."""


def key_prefix(destination: Destination, ref: Ref) -> str | Held:
    """The prefix for this cluster, without a slash at its end; held where AWS may refuse it."""
    prefix = destination.prefix
    for name, value in (("account", ref.account), ("region", ref.region), ("cluster", ref.name)):
        prefix = prefix.replace(f"{{{name}}}", value)
    prefix = prefix.removesuffix("/")
    why = ""
    if not _PREFIX.fullmatch(prefix):
        why = "may hold ASCII letters, digits and _ . : / = + - @ and the names account, region "
        why += "and cluster in curly brackets"
    elif len(prefix) > _LONGEST:
        why = f"may be {_LONGEST} characters long"
    elif prefix.startswith("/") or prefix.endswith("/") or "//" in prefix:
        why = "may have no slash in front and no two slashes in a row"
    if why:
        return Held(f"the configured prefix {destination.prefix!r} gives {prefix!r}: it {why}")
    return prefix


def why_undeliverable(aws: Reader, ref: Ref, bucket: str, prefix: str) -> Held | None:
    """Held where Redshift could not deliver this cluster's logs to the bucket, with what to do."""
    try:
        owner = aws.of_bucket(bucket)
    except CannotTellError as error:
        return Held(f"the destination of cluster {ref.name} cannot be checked: {error}")
    if owner.region != ref.region:
        return Held(
            f"bucket {bucket} is in {owner.region}, cluster {ref.name} in {ref.region}: Redshift "
            "delivers only within a region"
        )
    try:
        return (
            _unadmitted(aws, owner, ref, (bucket, prefix))
            or _wrongly_encrypted(owner, bucket)
            or _locked(owner, bucket)
        )
    except AwsError as error:
        if error.code == "NoSuchBucket":
            return Held(f"bucket {bucket} does not exist: create it first")
        raise


def _unadmitted(aws: Reader, owner: Reader, ref: Ref, place: tuple[str, str]) -> Held | None:
    bucket, prefix = place
    answer = owner.call("s3", "GetBucketPolicy", absent=("NoSuchBucketPolicy",), Bucket=bucket)
    policy = answer.get("Policy")

    def judged(organization: str | None) -> Said[bool] | Unknown:
        writer = Writer(ref.account, ref.region, ref.name, aws.partition, organization)
        return delivery_admitted(
            policy, bucket=bucket, prefix=prefix, writer=writer, owner_account=owner.account
        )

    found = judged(None)
    if isinstance(found, Unknown) and "sourceorgid" in str(policy).lower():
        found = judged(_organization(aws))
    if isinstance(found, Unknown):
        return Held(f"whether Redshift may deliver to {bucket} cannot be told: {found.reason}")
    if not found.value:
        return Held(f"`admit_delivery` comes first: {found.reason}", later=True)
    return None


def _organization(aws: Reader) -> str | None:
    answer = aws.call(
        "organizations", "DescribeOrganization", absent=("AWSOrganizationsNotInUseException",)
    )
    found = answer.get("Organization", {}).get("Id")
    return str(found) if found else None


def _wrongly_encrypted(owner: Reader, bucket: str) -> Held | None:
    """Redshift delivers to SSE-S3 buckets alone (Management Guide, db-auditing)."""
    answer = owner.call(
        "s3",
        "GetBucketEncryption",
        absent=("ServerSideEncryptionConfigurationNotFoundError",),
        Bucket=bucket,
    )
    for rule in answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", ()):
        default = rule.get("ApplyServerSideEncryptionByDefault") or {}
        algorithm = str(default.get("SSEAlgorithm") or "AES256")
        if algorithm != "AES256":
            return Held(
                f"`use_sse_s3` comes first: bucket {bucket} is encrypted by {algorithm}, and "
                "Redshift documents delivery to SSE-S3 (AES256) only",
                later=True,
            )
    return None


def _locked(owner: Reader, bucket: str) -> Held | None:
    answer = owner.call(
        "s3",
        "GetObjectLockConfiguration",
        absent=("ObjectLockConfigurationNotFoundError",),
        Bucket=bucket,
    )
    if answer.get("ObjectLockConfiguration"):
        return Held(
            f"bucket {bucket} has Object Lock, and Redshift documents delivery to buckets without "
            "it only: configure another bucket"
        )
    return None
