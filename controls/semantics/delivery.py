"""Does a bucket's policy let Redshift deliver the audit logs of one cluster under one prefix."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controls.model import CannotTellError, Said, Unknown
from controls.semantics.conditions import Context, Known, conditions_hold
from controls.semantics.delivery_reasons import Refusal, explain
from controls.semantics.log_keys import LOG_TYPES, log_prefix
from controls.semantics.partitions import CONFIRMED_PARTITIONS, covers_delivery, delivery_principal
from controls.semantics.policy import Slice, Statement, parse_policy, slices
from controls.semantics.truth import Truth, every, negate, some
from controls.semantics.wildcards import ANY, SOME, Elements, literal

_DIGIT: Elements = ((frozenset(string.digits), False),)


@dataclass(frozen=True, slots=True)
class Writer:
    """The cluster whose logs are delivered; `organization` is the id of its AWS organization."""

    account: str
    region: str
    cluster: str
    partition: str
    organization: str | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """One action that delivery needs: on the documented resources, and on all it may come to."""

    action: str
    documented: tuple[Elements, ...]
    whole: Elements


def delivery_admitted(
    policy: str | Mapping[str, Any] | None,
    *,
    bucket: str,
    prefix: str | None,
    writer: Writer,
    owner_account: str | None = None,
) -> Said[bool] | Unknown:
    """Whether Redshift may deliver this cluster's logs to `bucket` under `prefix`.

    `policy` is the bucket policy, None if the bucket has none. Delivery needs s3:GetBucketAcl on
    the bucket and s3:PutObject on every key of the writer (Redshift Management Guide,
    db-auditing). True is said only if every key under the writer's prefix is admitted; false if
    one of the documented shape surely is not; all else is unknown.
    """
    if policy is None:
        principal = delivery_principal(writer.partition, writer.region)
        return Said(
            False,
            f"bucket {bucket} has no policy: allow {principal} s3:GetBucketAcl on the bucket "
            f"and s3:PutObject on {log_prefix(prefix, writer.account, writer.region)}*",
        )
    try:
        statements = parse_policy(policy)
        _check_principals(statements)
        needs = _needs(bucket, prefix, writer)
        answers = [_admits(statements, need, bucket, writer, owner_account) for need in needs]
    except CannotTellError as error:
        return Unknown(f"the policy of bucket {bucket} cannot be judged: {error}")
    refused = next((answer for answer in answers if isinstance(answer, Said)), None)
    if refused is not None:
        return refused
    doubt = every(answer for answer in answers if not isinstance(answer, Said))
    if isinstance(doubt, Unknown):
        return Unknown(f"the policy of bucket {bucket}: {doubt.reason}")
    keys = f"{bucket}/{log_prefix(prefix, writer.account, writer.region)}"
    return Said(True, f"the bucket's policy lets Redshift deliver to every key under {keys}")


def _check_principals(statements: Sequence[Statement]) -> None:
    """A bucket policy names principals; without, it is some other sort of policy."""
    bare = next((s for s in statements if s.principals is None), None)
    if bare is not None:
        raise CannotTellError(f"{bare.name} names no principal")


def _needs(bucket: str, prefix: str | None, writer: Writer) -> tuple[Need, ...]:
    """What Redshift does on delivery, as sets of ARNs."""
    arn = f"arn:{writer.partition}:s3:::{bucket}"
    folder = literal(f"{arn}/{log_prefix(prefix, writer.account, writer.region)}")
    two = _DIGIT * 2
    day = (*literal("20"), *two, *literal("/"), *two, *literal("/"), *two)
    names = f"/{writer.account}_redshift_{writer.region}_{writer.cluster}_"
    shapes = tuple(
        folder + day + literal(f"{names}{kind}_") + ANY + literal(".gz") for kind in LOG_TYPES
    )
    return (
        Need("s3:GetBucketAcl", (literal(arn),), literal(arn)),
        Need("s3:PutObject", shapes, folder + SOME),
    )


def _admits(
    statements: Sequence[Statement],
    need: Need,
    bucket: str,
    writer: Writer,
    owner: str | None,
) -> Said[bool] | Truth:
    """True, unknown, or a refusal with its reason."""
    context = request_context(writer, need.action, owner)
    reach = [_reaches(s, need.action, writer, context) for s in statements]
    everywhere = _verdicts(statements, reach, need.whole)
    if all(verdict is True for verdict, _ in everywhere):
        return True
    documented = [v for shape in need.documented for v in _verdicts(statements, reach, shape)]
    for verdict, piece in documented:
        if verdict is False:
            refusal = Refusal(need.action, bucket, piece, writer.region, writer.partition)
            return Said(False, explain(refusal, statements, reach, context))
    doubt = every(verdict for verdict, _ in documented)
    if doubt is not True:
        return doubt
    example = next(piece.example for verdict, piece in everywhere if verdict is not True)
    return Unknown(
        "it admits log keys of the shape that AWS documents, but not surely every key under the "
        f"prefix ({need.action} on {example})"
    )


def _verdicts(
    statements: Sequence[Statement], reach: Sequence[Truth], universe: Elements
) -> list[tuple[Truth, Slice]]:
    """For each sort of resource of the universe, whether requests for it are allowed."""
    return [(_verdict(statements, reach, s), s) for s in slices(universe, statements)]


def _reaches(statement: Statement, action: str, writer: Writer, context: Context) -> Truth:
    """Whether a statement is about Redshift's request at all, whatever the resource."""
    if statement.principals is None or not statement.names_action(action):
        return False
    principal = covers_delivery(
        statement.principals, writer.partition, writer.region, deny=not statement.allows
    )
    truth = every([principal, conditions_hold(statement.clauses, context)])
    if isinstance(truth, Unknown):
        sort = "allows" if statement.allows else "denies"
        return Unknown(
            f"whether {statement.name} {sort} {action} to Redshift cannot be told: {truth.reason}"
        )
    return truth


def _verdict(statements: Sequence[Statement], reach: Sequence[Truth], piece: Slice) -> Truth:
    """Whether requests for these resources are allowed: by some Allow and by no Deny."""
    hits = [every(pair) for pair in zip(reach, piece.named, strict=True)]
    allowed = some(hit for s, hit in zip(statements, hits, strict=True) if s.allows)
    denied = some(hit for s, hit in zip(statements, hits, strict=True) if not s.allows)
    return every([allowed, negate(denied)])


def request_context(writer: Writer, action: str, owner: str | None) -> Context:
    """What is known of Redshift's request when it delivers logs, by condition key.

    Sources: IAM User Guide, reference_policies_condition-keys; Redshift Management Guide,
    db-auditing (SourceArn and SourceAccount stood in its 2022 revision: taken to be sent, as a
    policy that follows it must be right). Logs are delivered with SSE-S3, whether by header or
    by the bucket's default is not documented. S3 takes TLS 1.2 and 1.3 only.
    """
    known = _of_every_request(writer)
    if owner:
        known |= {"aws:resourceaccount": (owner,), "s3:resourceaccount": (owner,)}
    known |= dict.fromkeys(_ABSENT, (None,))
    if action == "s3:PutObject":
        known["s3:x-amz-server-side-encryption"] = (None, "AES256")
    else:
        known |= dict.fromkeys(_HEADERS_OF_A_PUT, (None,))

    def look(key: str) -> Known:
        if key in known:
            return known[key]
        return Unknown(f"what Redshift's request carries as {key} is not known")

    return look


def _of_every_request(writer: Writer) -> dict[str, Known]:
    """What is known of the request whatever its action and the bucket's owner."""
    principal = delivery_principal(writer.partition, writer.region)
    source = f"cluster:{writer.cluster}"
    arn = f"arn:{writer.partition}:redshift:{writer.region}:{writer.account}:{source}"
    undocumented = Unknown(
        f"the name of Redshift's service principal in {writer.partition} is not known"
    )
    confirmed = writer.partition in CONFIRMED_PARTITIONS
    return {
        "aws:sourcearn": (arn,),
        "aws:sourceaccount": (writer.account,),
        "aws:sourceorgid": (writer.organization,)
        if writer.organization
        else Unknown("the organization of the cluster's account is not known (aws:SourceOrgID)"),
        "aws:principalisawsservice": ("true",),
        "aws:principalservicename": (principal,) if confirmed else undocumented,
        "aws:securetransport": ("true",),
        "s3:tlsversion": ("1.2", "1.3"),
        "aws:requestedregion": (writer.region,),
        "aws:sourceip": Unknown(
            "from which address Redshift calls is not known (aws:SourceIp): an exception for AWS "
            "services (aws:PrincipalIsAWSService) would settle it"
        ),
    }


_ABSENT = (
    "aws:principalorgid",  # only principals of an account are in an organization
    "aws:principalorgpaths",
    "aws:sourcevpc",  # the service comes through no endpoint of a customer
    "aws:sourcevpce",
    "aws:vpcsourceip",
    "s3:dataaccesspointaccount",  # logging is configured with a bucket, not an access point
    "s3:dataaccesspointarn",
    "s3:accesspointnetworkorigin",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",  # delivery supports SSE-S3 only
    "s3:x-amz-server-side-encryption-customer-algorithm",
    "s3:prefix",  # of listings
    "s3:delimiter",
    "s3:max-keys",
    "s3:versionid",
)

_HEADERS_OF_A_PUT = (
    "s3:x-amz-acl",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-storage-class",
    "s3:x-amz-grant-full-control",
    "s3:x-amz-grant-read",
    "s3:x-amz-grant-read-acp",
    "s3:x-amz-grant-write",
    "s3:x-amz-grant-write-acp",
)
