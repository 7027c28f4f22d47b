"""What the fixes of a log bucket share: calls in its owner's account, its tags, who is shut out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controls.change import Call, Held, Json
from controls.model import AwsError, CannotTellError, Reader

Switches = Mapping[str, Any]

OWNER_READS = ("s3:ListBuckets", "s3:GetBucketTagging")
"""What finding the owner and reading the tags takes."""


def call_on(owner: Reader, bucket: str, operation: str, **params: Json) -> Call:
    """A write to the bucket, refused by S3 should the bucket be somebody else's by then."""
    whole = {"Bucket": bucket, **params, "ExpectedBucketOwner": owner.account}
    return Call("s3", operation, whole, owner.account, owner.region)


def tags_of(owner: Reader, bucket: str) -> dict[str, str] | Held:
    """The bucket's tags; held where they may not be read, as they say whose configuration it is."""
    try:
        answer = owner.call("s3", "GetBucketTagging", absent=("NoSuchTagSet",), Bucket=bucket)
    except AwsError as error:
        if not error.denied:
            raise
        return Held(
            f"whether CloudFormation or Terraform owns bucket {bucket} cannot be told: {error}; "
            "allow it, for the bucket's tags say so"
        )
    return {tag["Key"]: tag.get("Value", "") for tag in answer.get("TagSet", ())}


def blocks(owner: Reader, bucket: str) -> tuple[Switches | None, Switches | None]:
    """The public access block of the bucket and of its owner's account; None is not configured."""
    absent = ("NoSuchPublicAccessBlockConfiguration",)
    own = owner.call("s3", "GetPublicAccessBlock", absent=absent, Bucket=bucket)
    whole = owner.call("s3control", "GetPublicAccessBlock", absent=absent, AccountId=owner.account)
    name = "PublicAccessBlockConfiguration"
    return own.get(name), whole.get(name)


def policy_is_public(owner: Reader, bucket: str) -> bool:
    """Whether S3 deems the bucket's policy public; a bucket without one is not.

    Raises:
        CannotTellError: S3's answer does not say.
    """
    try:
        answer = owner.call("s3", "GetBucketPolicyStatus", Bucket=bucket)
    except AwsError as error:
        if error.code == "NoSuchBucketPolicy":
            return False
        raise
    public = answer.get("PolicyStatus", {}).get("IsPublic")
    if not isinstance(public, bool):
        raise CannotTellError(f"S3 does not say whether the policy of bucket {bucket} is public")
    return public
