"""The default encryption of a log bucket: SSE-S3, the only one that Redshift documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controls.change import Change, Cost, Document, Fix, Held, Planned, Right, Task
from controls.fixes.log_bucket import OWNER_READS, call_on, tags_of
from controls.model import Reader

SSE_S3 = "AES256"
_KMS = ("aws:kms", "aws:kms:dsse")

_KNOWN: Mapping[str, frozenset[str]] = {
    "": frozenset(
        {"ApplyServerSideEncryptionByDefault", "BucketKeyEnabled", "BlockedEncryptionTypes"}
    ),
    "ApplyServerSideEncryptionByDefault": frozenset({"SSEAlgorithm", "KMSMasterKeyID"}),
    "BlockedEncryptionTypes": frozenset({"EncryptionType"}),
}
"""The members of a rule, and of its structures: what else there is would be lost or misread."""


def use_sse_s3(aws: Reader, task: Task) -> Planned:
    """Sets the bucket's default encryption to SSE-S3, in the place of KMS."""
    bucket = task.ref.name
    owner = aws.of_bucket(bucket)
    before = _read(owner, bucket)
    if before is None:
        own = "the bucket has no default encryption of its own, so S3 applies AES256"
        return Right(own, documents=(_document(bucket, None, None),))
    rule = _only_rule(before, bucket)
    if isinstance(rule, Held):
        return rule
    default = rule.get("ApplyServerSideEncryptionByDefault") or {}
    algorithm = default.get("SSEAlgorithm")
    if algorithm == SSE_S3:
        return Right("the default is AES256", documents=(_document(bucket, before, before),))
    if algorithm is None:
        return Right("the rule names no algorithm, so S3 applies AES256")
    if algorithm not in _KMS:
        return Held(f"what else depends on the default {algorithm} of bucket {bucket} is not known")
    key = default.get("KMSMasterKeyID") or "the AWS managed key aws/s3"
    layers = "two layers of encryption with" if algorithm == "aws:kms:dsse" else ""
    weakens = (
        f"new objects in bucket {bucket} are encrypted with keys that S3 holds (SSE-S3), no longer "
        f"with {layers}{' ' if layers else ''}KMS key {key}: no key policy guards them and "
        "CloudTrail shows no use of the key. Objects that are there stay encrypted under the KMS "
        "key: keep it as long as they are"
    )
    summary = f"set the default encryption of bucket {bucket} from {algorithm} to SSE-S3 (AES256)"
    wished = Change("use_sse_s3", task.ref, summary, (), costs={Cost.WEAKENS: weakens})
    return _put(owner, before, _with_sse_s3(rule), wished)


def encrypt_bucket(aws: Reader, task: Task) -> Planned:
    """Gives a bucket that names no default encryption SSE-S3."""
    bucket = task.ref.name
    owner = aws.of_bucket(bucket)
    before = _read(owner, bucket)
    summary = f"set the default encryption of bucket {bucket} to SSE-S3 (AES256)"
    if before is None:
        interrupts = (
            f"whether uploads to bucket {bucket} with keys of the caller's own (SSE-C) are still "
            "taken is S3's default then: since April 2026 it refuses them on new buckets"
        )
        wished = Change(
            "encrypt_bucket", task.ref, summary, (), costs={Cost.INTERRUPTS: interrupts}
        )
        return _put(owner, None, _with_sse_s3({}), wished)
    rule = _only_rule(before, bucket)
    if isinstance(rule, Held):
        return rule
    algorithm = (rule.get("ApplyServerSideEncryptionByDefault") or {}).get("SSEAlgorithm")
    if algorithm in (SSE_S3, *_KMS):
        return Right(f"the default is {algorithm}", documents=(_document(bucket, before, before),))
    if algorithm is not None:
        return Held(f"the default encryption {algorithm} of bucket {bucket} is not known here")
    return _put(owner, before, _with_sse_s3(rule), Change("encrypt_bucket", task.ref, summary, ()))


def _read(owner: Reader, bucket: str) -> dict[str, Any] | None:
    """The whole configuration; None where the bucket has none, as before 2023."""
    answer = owner.call(
        "s3",
        "GetBucketEncryption",
        absent=("ServerSideEncryptionConfigurationNotFoundError",),
        Bucket=bucket,
    )
    found = answer.get("ServerSideEncryptionConfiguration")
    return dict(found) if found is not None else None


def _only_rule(configuration: Mapping[str, Any], bucket: str) -> dict[str, Any] | Held:
    """The one rule there is, if all of it is known here."""
    where = f"the default encryption of bucket {bucket}"
    rules = list(configuration.get("Rules") or ())
    if len(rules) != 1 or set(configuration) != {"Rules"}:
        return Held(f"{where} has {len(rules)} rules, or more than rules, and one is expected")
    rule = dict(rules[0])
    for name, known in _KNOWN.items():
        part = rule.get(name) or {} if name else rule
        odd = sorted(set(part) - known)
        if odd:
            return Held(f"{where} has the unknown setting {odd[0]}: it might be lost or misread")
    return rule


def _with_sse_s3(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The rule with AES256 as its default, all else as it is: the key goes, for it is of KMS."""
    return {**rule, "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": SSE_S3}}


def _put(
    owner: Reader, before: dict[str, Any] | None, rule: dict[str, Any], wished: Change
) -> Change | Held:
    bucket = wished.ref.name
    blocked = (rule.get("BlockedEncryptionTypes") or {}).get("EncryptionType")
    if before is not None and not blocked:
        return Held(
            f"S3 does not show whether bucket {bucket} blocks SSE-C (BlockedEncryptionTypes), and "
            "what a request without it does is not documented: set it to SSE-C or NONE first"
        )
    tags = tags_of(owner, bucket)
    if isinstance(tags, Held):
        return tags
    after = {"Rules": [rule]}
    name = "ServerSideEncryptionConfiguration"
    undo = (
        call_on(owner, bucket, "DeleteBucketEncryption")
        if before is None
        else call_on(owner, bucket, "PutBucketEncryption", **{name: before})
    )
    return Change(
        wished.fix,
        wished.ref,
        wished.summary,
        (call_on(owner, bucket, "PutBucketEncryption", **{name: after}),),
        documents=(_document(bucket, before, after),),
        undo=(undo,),
        undo_costs={
            Cost.WEAKENS: f"the default encryption of bucket {bucket} would be one that Redshift "
            "may not be able to deliver under, or none"
        },
        costs=wished.costs,
        bucket_wide=bucket,
        tags=tags,
    )


def _document(bucket: str, before: Any, after: Any) -> Document:
    return Document(f"default encryption of bucket {bucket}", before, after)


_READS = (*OWNER_READS, "s3:GetBucketEncryption")
_WRITES = ("s3:PutBucketEncryption", "s3:DeleteBucketEncryption")

FIXES = (
    Fix(use_sse_s3, "s3_log_bucket", _READS, _WRITES, bucket_wide=True),
    Fix(encrypt_bucket, "s3_log_bucket", _READS, _WRITES, bucket_wide=True),
)
