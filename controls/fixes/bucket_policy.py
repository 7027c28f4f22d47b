"""The statements in a log bucket's policy that are ours: Redshift may deliver; all need TLS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from controls.change import Call, Change, Cost, Document, Fix, Held, Json, Planned, Right, Task
from controls.fixes.delivery_statement import DeliveryStatement, not_as_we_write_it
from controls.fixes.log_bucket import OWNER_READS, blocks, call_on, policy_is_public, tags_of
from controls.fixes.policy_text import (
    LIMIT,
    deleted_principals,
    find,
    read_policy,
    with_statement,
    write_policy,
)
from controls.fixes.redshift_destination import key_prefix
from controls.model import AwsError, CannotTellError, Reader, Said, Unknown
from controls.semantics.delivery import Writer, delivery_admitted
from controls.semantics.log_keys import normalise_prefix
from controls.semantics.logging_status import LoggingStatus, parse_logging_status
from controls.semantics.tls import tls_required

TLS_SID = "TrailkeeperTlsOnly"


@dataclass(frozen=True, slots=True)
class _Policy:
    """A bucket's policy as it was read; None where the bucket has none."""

    bucket: str
    text: str | None
    document: dict[str, Any] | None


def admit_delivery(aws: Reader, task: Task) -> Planned:
    """Lets Redshift deliver the account's logs under this cluster's prefix of the bucket."""
    answer = aws.call("redshift", "DescribeLoggingStatus", ClusterIdentifier=task.ref.name)
    status = parse_logging_status(answer)
    if status.problem:
        return Held(status.problem)
    if not status.enabled and task.destination is not None and task.destination.bucket:
        # It is to log there: enabling comes next, and wants to be admitted first.
        prefix = key_prefix(task.destination, task.ref)
        if isinstance(prefix, Held):
            return prefix
        bucket = task.destination.bucket
        status = replace(status, bucket=bucket, prefix=normalise_prefix(prefix))
    if not status.bucket:
        return Right("audit logs are not delivered to S3, so no bucket's policy is concerned")
    owner = aws.of_bucket(status.bucket)
    writer = Writer(aws.account, aws.region, task.ref.name, aws.partition)
    delivery = DeliveryStatement.of(writer, status.bucket)
    folder = f"{status.bucket}/{status.prefix}AWSLogs/{aws.account}/"
    summary = f"let {delivery.principal} deliver to {folder} (statement {delivery.sid})"

    def judge(text: str | None) -> Said[bool] | Unknown:
        return _admitted(aws, text, status, writer, owner.account)

    def ours(policy: _Policy) -> dict[str, Json]:
        return delivery.with_prefix(find(policy.document, delivery.sid), status.prefix)

    weakens = {Cost.WEAKENS: f"Redshift could not deliver the logs of {task.ref.name} any more"}
    wished = Change("admit_delivery", task.ref, summary, (), undo_costs=weakens)
    return _planned(owner, status.bucket, judge, ours, wished)


def require_tls(aws: Reader, task: Task) -> Planned:
    """Denies every request to the bucket that does not use TLS."""
    bucket = task.ref.name
    owner = aws.of_bucket(bucket)

    def judge(text: str | None) -> Said[bool] | Unknown:
        return tls_required(text, bucket, owner.partition)

    def ours(policy: _Policy) -> dict[str, Json]:
        if find(policy.document, TLS_SID) is not None:
            raise CannotTellError(not_as_we_write_it(TLS_SID))
        return tls_statement(bucket, owner.partition)

    interrupts = (
        f"whoever reads or writes bucket {bucket} over plain HTTP is refused from then on, and so "
        "is its website endpoint, which has no TLS; whether anybody does is not seen here (S3 "
        "server access logs show requests without a TLS version). Redshift delivers over TLS"
    )
    summary = f"deny all access to bucket {bucket} without TLS (statement {TLS_SID})"
    costs = {Cost.INTERRUPTS: interrupts}
    weakens = {Cost.WEAKENS: f"bucket {bucket} would take requests without TLS again"}
    wished = Change(
        "require_tls",
        task.ref,
        summary,
        (),
        costs=costs,
        undo_costs=weakens,
        bucket_wide=bucket,
    )
    return _planned(owner, bucket, judge, ours, wished)


def tls_statement(bucket: str, partition: str) -> dict[str, Json]:
    """The Deny as the S3 User Guide has it: everyone, every action, the bucket and its objects."""
    arn = f"arn:{partition}:s3:::{bucket}"
    return {
        "Sid": TLS_SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _planned(
    owner: Reader,
    bucket: str,
    judge: Callable[[str | None], Said[bool] | Unknown],
    ours: Callable[[_Policy], dict[str, Json]],
    wished: Change,
) -> Planned:
    """The policy with our statement, if by the same judgement that alone puts it right."""
    try:
        read = _read(owner, bucket)
        found = judge(read)
        if not isinstance(found, Said):
            return Held(found.reason)
        if found.value:
            return Right(found.reason, documents=_as_it_is(bucket, read))
        policy = _Policy(bucket, read, None if read is None else read_policy(read))
        statement = ours(policy)
        text = write_policy(with_statement(policy.document, statement))
        then = judge(text)
        if not (isinstance(then, Said) and then.value):
            return Held(f"our statement {statement['Sid']} would not help: {then.reason}")
        return _put(owner, policy, text, wished)
    except CannotTellError as error:
        return Held(f"the policy of bucket {bucket} is not touched: {error}")


def _read(owner: Reader, bucket: str) -> str | None:
    """The policy's text; None where there is none. Raises CannotTellError without a bucket."""
    try:
        answer = owner.call("s3", "GetBucketPolicy", absent=("NoSuchBucketPolicy",), Bucket=bucket)
    except AwsError as error:
        if error.code == "NoSuchBucket":
            raise CannotTellError(
                "the bucket does not exist: create it, or log to another"
            ) from error
        raise
    return answer.get("Policy")


def _admitted(
    aws: Reader, text: str | None, status: LoggingStatus, writer: Writer, owner_account: str
) -> Said[bool] | Unknown:
    """As the fact says it; the organization is asked for where the verdict may hang on it."""

    def judge(by: Writer) -> Said[bool] | Unknown:
        return delivery_admitted(
            text, bucket=status.bucket, prefix=status.prefix, writer=by, owner_account=owner_account
        )

    found = judge(writer)
    if not isinstance(found, Unknown) or "sourceorgid" not in str(text).lower():
        return found
    answer = aws.call(
        "organizations", "DescribeOrganization", absent=("AWSOrganizationsNotInUseException",)
    )
    return judge(replace(writer, organization=answer.get("Organization", {}).get("Id")))


def _put(owner: Reader, policy: _Policy, text: str, wished: Change) -> Change | Held:
    """The change, with its calls; held where S3 would refuse the policy, or its owner is hidden."""
    bucket, after = policy.bucket, read_policy(text)
    if why := _refusal(owner, policy, text, after):
        return Held(why)
    tags = tags_of(owner, bucket)
    if isinstance(tags, Held):
        return tags
    undo = (
        call_on(owner, bucket, "DeleteBucketPolicy")
        if policy.text is None
        else _put_call(owner, bucket, policy.text)
    )
    return Change(
        wished.fix,
        wished.ref,
        wished.summary,
        (_put_call(owner, bucket, text),),
        documents=(Document(_what(bucket), policy.document, after),),
        undo=(undo,),
        undo_costs=wished.undo_costs,
        costs=wished.costs,
        bucket_wide=wished.bucket_wide,
        tags=tags,
    )


def _as_it_is(bucket: str, text: str | None) -> tuple[Document, ...]:
    """The policy as it reads now; none where it could not be written as it reads."""
    try:
        now = None if text is None else read_policy(text)
    except CannotTellError:
        return ()
    return (Document(_what(bucket), now, now),)


def _what(bucket: str) -> str:
    return f"policy of bucket {bucket}"


def _put_call(owner: Reader, bucket: str, text: str) -> Call:
    return call_on(owner, bucket, "PutBucketPolicy", Policy=text)


def _refusal(owner: Reader, policy: _Policy, text: str, after: Mapping[str, Any]) -> str:
    """Why S3 would refuse the policy, or nothing.

    What we add is public by no measure of S3: a Deny grants nothing, and a fixed service
    principal is not the public (S3 User Guide, access-control-block-public-access, the meaning
    of "public"). So the policy is public after the change if it was before.
    """
    size = len(text.encode())
    if size > LIMIT:
        return (
            f"the policy of bucket {policy.bucket} would come to {size:,} bytes, and S3 takes "
            f"{LIMIT:,}: merge or drop statements that are no longer needed"
        )
    gone = next(deleted_principals(after), None)
    if gone is not None:
        return (
            f"{gone[0]} of the policy of bucket {policy.bucket} names {gone[1]}, a user or role "
            "that was deleted: S3 would refuse the whole policy, so take it out first"
        )
    if policy.text is not None and policy_is_public(owner, policy.bucket):
        both = blocks(owner, policy.bucket)
        if any((switches or {}).get("BlockPublicPolicy") for switches in both):
            return (
                f"the policy of bucket {policy.bucket} is public, and its public access block "
                "(BlockPublicPolicy) refuses every new policy that is: mend the public statement"
            )
    return ""


_READS = (
    *OWNER_READS,
    "s3:GetBucketPolicy",
    "s3:GetBucketPolicyStatus",
    "s3:GetPublicAccessBlock",
    "s3control:GetPublicAccessBlock",
)
_WRITES = ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy")

FIXES = (
    Fix(
        admit_delivery,
        "redshift_cluster",
        ("redshift:DescribeLoggingStatus", "organizations:DescribeOrganization", *_READS),
        _WRITES,
    ),
    Fix(require_tls, "s3_log_bucket", _READS, _WRITES, bucket_wide=True),
)
