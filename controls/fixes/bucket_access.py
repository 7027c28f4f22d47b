"""The public access block of a log bucket, and who loses access by it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from controls.change import Call, Change, Cost, Document, Fix, Held, Planned, Right, Task
from controls.fixes.log_bucket import OWNER_READS, blocks, call_on, policy_is_public, tags_of
from controls.model import Reader
from controls.semantics.access_block import SWITCHES, public_access_blocked

_PUBLIC_GROUPS = ("/AllUsers", "/AuthenticatedUsers")
"""How the URIs of the two public groups of an ACL end: anyone, and anyone with an AWS account."""


def block_public_access(aws: Reader, task: Task) -> Planned:
    """Turns on all four switches of the bucket's own public access block."""
    bucket = task.ref.name
    owner = aws.of_bucket(bucket)
    own, whole = blocks(owner, bucket)
    found = public_access_blocked(own, whole)
    what = f"public access block of bucket {bucket}"
    if found.value:
        now = None if own is None else dict(own)
        return Right(found.reason, documents=(Document(what, now, now),))
    odd = sorted(set(own or {}) - set(SWITCHES))
    if odd:
        return Held(
            f"the public access block of bucket {bucket} has the unknown switch {odd[0]}, which "
            "would be lost: turn on the four by hand"
        )
    tags = tags_of(owner, bucket)
    if isinstance(tags, Held):
        return tags
    after = dict.fromkeys(SWITCHES, True)
    newly = [s for s in SWITCHES if not any((b or {}).get(s) is True for b in (own, whole))]
    shut_out = "; ".join(_shut_out(owner, bucket, newly))
    return Change(
        "block_public_access",
        task.ref,
        f"turn on {', '.join(newly)} for bucket {bucket}, all four switches being on at the "
        f"bucket then; the block of account {owner.account} stays as it is",
        (call_on(owner, bucket, "PutPublicAccessBlock", PublicAccessBlockConfiguration=after),),
        documents=(Document(what, None if own is None else dict(own), after),),
        undo=(_as_before(owner, bucket, own),),
        undo_costs={Cost.WEAKENS: f"bucket {bucket} could be made public again"},
        costs={Cost.INTERRUPTS: shut_out} if shut_out else {},
        bucket_wide=bucket,
        tags=tags,
    )


def _as_before(owner: Reader, bucket: str, own: Mapping[str, bool] | None) -> Call:
    if own is None:
        return call_on(owner, bucket, "DeletePublicAccessBlock")
    switches = {**dict.fromkeys(SWITCHES, False), **own}
    return call_on(owner, bucket, "PutPublicAccessBlock", PublicAccessBlockConfiguration=switches)


def _shut_out(owner: Reader, bucket: str, newly: Collection[str]) -> Iterator[str]:
    """What ends when these switches come on (S3 API, PublicAccessBlockConfiguration).

    AWS services, and with them Redshift's delivery, keep their access whatever is on.
    """
    if {"RestrictPublicBuckets", "BlockPublicPolicy"} & set(newly) and policy_is_public(
        owner, bucket
    ):
        if "RestrictPublicBuckets" in newly:
            yield (
                f"the policy of bucket {bucket} is public: everyone outside account "
                f"{owner.account} loses what it grants, the public and other accounts alike"
            )
        if "BlockPublicPolicy" in newly:
            yield "S3 refuses that policy when it is put again, as a deployment may do"
    if {"IgnorePublicAcls", "BlockPublicAcls"} & set(newly) and not _without_acls(owner, bucket):
        yield from _shut_out_by_acl(owner, bucket, newly)


def _shut_out_by_acl(owner: Reader, bucket: str, newly: Collection[str]) -> Iterator[str]:
    if "IgnorePublicAcls" in newly:
        for group, permission in _public_grants(owner, bucket):
            yield f"the ACL of bucket {bucket} grants {permission} to {group}, who lose it"
        yield (
            f"objects of bucket {bucket} with a public ACL of their own are no longer public "
            "(whether there are any is not looked at)"
        )
    if "BlockPublicAcls" in newly:
        yield f"uploads to bucket {bucket} that ask for a public ACL are refused"


def _without_acls(owner: Reader, bucket: str) -> bool:
    """Whether ACLs are disabled (BucketOwnerEnforced): then none grants anything."""
    answer = owner.call(
        "s3",
        "GetBucketOwnershipControls",
        absent=("OwnershipControlsNotFoundError",),
        Bucket=bucket,
    )
    rules = answer.get("OwnershipControls", {}).get("Rules", ())
    return any(rule.get("ObjectOwnership") == "BucketOwnerEnforced" for rule in rules)


def _public_grants(owner: Reader, bucket: str) -> Iterator[tuple[str, str]]:
    """(group, permission) of each public grant of the bucket's ACL."""
    for grant in owner.call("s3", "GetBucketAcl", Bucket=bucket).get("Grants", ()):
        group = str(grant.get("Grantee", {}).get("URI", ""))
        if group.endswith(_PUBLIC_GROUPS):
            yield group.rpartition("/")[2], str(grant.get("Permission"))


FIXES = (
    Fix(
        block_public_access,
        "s3_log_bucket",
        (
            *OWNER_READS,
            "s3:GetPublicAccessBlock",
            "s3control:GetPublicAccessBlock",
            "s3:GetBucketPolicyStatus",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketAcl",
        ),
        ("s3:PutPublicAccessBlock", "s3:DeletePublicAccessBlock"),
        bucket_wide=True,
    ),
)
