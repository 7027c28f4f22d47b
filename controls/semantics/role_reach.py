"""How far a role's policies reach into S3: all of it, every bucket, or a bucket of audit logs."""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from controls.model import Answer, CannotTellError, Said, Unknown
from controls.semantics.conditions import Known, conditions_hold
from controls.semantics.policy import Statement, parse_policy, slices
from controls.semantics.truth import Truth, every, negate, some
from controls.semantics.wildcards import SOME, Elements, literal

OBJECT_ACTIONS = (
    "s3:PutObject",  # writes and overwrites
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:AbortMultipartUpload",  # throws away a log while it is being delivered
    "s3:PutObjectAcl",  # gives the log away
    "s3:PutObjectVersionAcl",
    "s3:PutObjectTagging",  # lifecycle rules and policies go by tags
    "s3:PutObjectVersionTagging",
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersionTagging",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
    "s3:BypassGovernanceRetention",  # lets a retained version be deleted
    "s3:ReplicateObject",  # writes and deletes as replication does
    "s3:ReplicateDelete",
    "s3:ReplicateTags",
)
"""Actions on an object that write, delete or open it."""

BUCKET_ACTIONS = (
    "s3:DeleteBucket",
    "s3:PutBucketPolicy",  # gives oneself the rest, or locks the delivery out
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutLifecycleConfiguration",  # deletes everything, a day later
    "s3:PutEncryptionConfiguration",  # Redshift cannot deliver under KMS
    "s3:PutBucketVersioning",
    "s3:PutBucketObjectLockConfiguration",  # Redshift cannot deliver under Object Lock
    "s3:PutReplicationConfiguration",  # copies the logs elsewhere
)
"""Actions on a bucket that destroy, open or stop its logs."""

ACCOUNT_ACTIONS = ("s3:PutAccountPublicAccessBlock",)  # opens every bucket of the account
"""Actions on all buckets at once; IAM knows no narrower resource for them than `*`."""

OWN_ACTIONS = (
    "iam:PutRolePolicy",
    "iam:AttachRolePolicy",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PutRolePermissionsBoundary",
)
"""Actions on a role that widen what it may do."""

GUARD_ACTIONS = ("iam:DeleteRolePolicy", "iam:DetachRolePolicy")
"""Actions that take a policy away: they widen what a role may do where one of them denies."""

POLICY_ACTIONS = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")
"""The same through a policy that is attached to it."""

_NAME = frozenset(string.ascii_lowercase + string.digits + "-")
_BUCKET: Elements = ((_NAME, False), (_NAME | {"."}, True))
_WORD: Elements = ((_NAME, False), (_NAME, True))
"""A region or an account: nothing with a colon in it."""

_WILD = re.compile(r"[*?]|\$\{")
"""Where a pattern of resources stops being the text itself."""

_WHOLE = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
_UNSPELLED = "\ue000"
_ANY_BUCKET = _UNSPELLED * 24
"""A bucket and an action that no policy spells: only a wildcard (or a Not…) can mean them."""


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """One policy of a role, or its permission boundary. `document` as boto3 decodes it."""

    name: str
    document: Mapping[str, Any] | str
    origin: Literal["aws-managed", "customer-managed", "inline"]


@dataclass(frozen=True, slots=True)
class RoleReach:
    """Four questions of least privilege, each with the policy and statement that decides it."""

    full_s3: Answer[bool]
    writes_every_bucket: Answer[bool]
    writes_log_bucket: Answer[bool]
    changes_itself: Answer[bool]


@dataclass(frozen=True, slots=True)
class _Bound:
    """A statement with the policy it stands in, and whether that is the boundary."""

    statement: Statement
    policy: PolicyDocument
    boundary: bool
    holds: Truth

    @property
    def name(self) -> str:
        """`statement S3 of the inline policy unload`."""
        return f"{self.statement.name} of the {self.policy.origin} policy {self.policy.name}"


@dataclass(frozen=True, slots=True)
class _Found:
    """An action on an example of a resource, whether it is allowed, and by which statement."""

    action: str
    allowed: Truth
    text: str


def role_reach(
    policies: Sequence[PolicyDocument],
    *,
    boundary: PolicyDocument | None,
    log_buckets: Sequence[str],
    partition: str,
    role_arn: str = "",
) -> RoleReach:
    """What the role may do by its own policies: allowed by one, denied by none, in the boundary.

    Judged from documents, never from names. Bucket policies, service control policies and roles
    that it may assume are not looked at. A condition that we cannot decide makes the answer
    unknown wherever it matters, on Allow and on Deny. A document that cannot be read makes all
    three unknown: it may allow, and it may deny.

    "Every bucket" is a bucket that no policy names, so that a Deny for a few buckets does not
    hide the rest, and *some* key in it: wildcards cross slashes, and `arn:aws:s3:::*redshift*`
    reaches `redshift/x` in any bucket (IAM User Guide, reference_policies_elements_resource).
    """
    try:
        bound = [b for p in policies for b in _bind(p, boundary=False)]
        bound += _bind(boundary, boundary=True) if boundary else []
        role = _Role(tuple(bound), bounded=boundary is not None)
        return RoleReach(
            _full(role, partition),
            _writes_every_bucket(role, partition),
            _writes_logs(role, log_buckets, partition),
            _changes_itself(
                role, [*policies, *([boundary] if boundary else [])], role_arn, partition
            ),
        )
    except CannotTellError as error:
        unknown = Unknown(str(error))
        return RoleReach(unknown, unknown, unknown, unknown)


class _Role:
    """All statements that decide, and whether a boundary limits what they allow.

    What does not depend on the bucket is worked out once: an estate has many log buckets.
    """

    def __init__(self, bound: tuple[_Bound, ...], *, bounded: bool) -> None:
        self.bound = bound
        self.bounded = bounded
        self.statements = [b.statement for b in bound]
        self._names: dict[str, tuple[bool, ...]] = {}
        self._judged: dict[tuple[str, tuple[Truth, ...]], tuple[Truth, str]] = {}

    def may(self, actions: Iterable[str], universe: Elements) -> list[_Found]:
        """For each action and each sort of resource of the universe, whether it is allowed."""
        pieces = slices(universe, self.statements)
        return [
            self._found(action, piece.example, piece.named)
            for action in actions
            for piece in pieces
        ]

    def alike(self, bucket_arn: str, trivial: Collection[str]) -> tuple[str, ...] | None:
        """The patterns that can meet the bucket, if each of them meets every bucket; else None.

        Buckets with equal answers are treated alike by every statement.
        """
        touching = tuple(
            pattern.text
            for statement in self.statements
            for pattern in statement.resources
            if _may_meet(pattern.text, bucket_arn)
        )
        return touching if all(text in trivial for text in touching) else None

    def _found(self, action: str, example: str, named: tuple[Truth, ...]) -> _Found:
        known = self._judged.get((action, named))
        if known is None:
            known = self._judged[action, named] = self._judge(action, named)
        allowed, by = known
        where = example.replace(_ANY_BUCKET, "<any bucket>").replace(_UNSPELLED, "<any>")
        return _Found(action, allowed, f"{by} allows {action.replace(_UNSPELLED, '*')} on {where}")

    def _judge(self, action: str, named: Sequence[Truth]) -> tuple[Truth, str]:
        """Whether the action is allowed where the statements select so, and by which statement."""
        if action not in self._names:
            self._names[action] = tuple(s.names_action(action) for s in self.statements)
        rows = [
            (b, every([b.holds, names, hit]))
            for b, names, hit in zip(self.bound, self._names[action], named, strict=True)
        ]
        granted = [(b, hit) for b, hit in rows if b.statement.allows and not b.boundary]
        within = some(hit for b, hit in rows if b.statement.allows and b.boundary)
        denied = some(hit for b, hit in rows if not b.statement.allows)
        allowed = every(
            [
                some(hit for _, hit in granted),
                within if self.bounded else True,
                negate(denied),
            ]
        )
        return allowed, next((b.name for b, hit in granted if hit is True), "")


def _may_meet(pattern: str, bucket_arn: str) -> bool:
    """Whether the text before the first wildcard agrees with the ARN of the bucket, or its keys."""
    head = _WILD.split(pattern, maxsplit=1)[0]
    return bucket_arn.startswith(head) or head.startswith(bucket_arn)


def _bind(policy: PolicyDocument, *, boundary: bool) -> list[_Bound]:
    what = f"the {policy.origin} policy {policy.name}"
    try:
        statements = parse_policy(policy.document)
    except CannotTellError as error:
        raise CannotTellError(f"{what} cannot be judged: {error}") from error
    if any(s.principals is not None for s in statements):
        raise CannotTellError(f"{what} names a principal, so it is no policy of a role")
    return [_Bound(s, policy, boundary, _holds(s, what)) for s in statements]


def _holds(statement: Statement, what: str) -> Truth:
    truth = conditions_hold(statement.clauses, _request)
    if isinstance(truth, Unknown):
        return Unknown(f"{statement.name} of {what} depends on a condition: {truth.reason}")
    return truth


def _request(key: str) -> Known:
    """What is known of a request of the role: Redshift makes it over TLS, as no AWS service."""
    known: dict[str, Known] = {
        "aws:securetransport": ("true",),
        "aws:principalisawsservice": ("false",),
    }
    return known.get(key, Unknown(f"{key} is known only when the role is used"))


def _full(role: _Role, partition: str) -> Answer[bool]:
    """All of S3: an action that no policy spells, and the three great ones, on any bucket."""
    objects = literal(f"arn:{partition}:s3:::{_ANY_BUCKET}/{_UNSPELLED}")
    found = role.may([f"s3:{_UNSPELLED}", *_WHOLE], objects)
    answer = every(one.allowed for one in found)
    if isinstance(answer, Unknown):
        return answer
    if answer:
        return Said(True, f"full access to S3: {found[0].text}")
    return Said(False, "no policy of the role allows every S3 action on every bucket")


def _writes_every_bucket(role: _Role, partition: str) -> Answer[bool]:
    """In a bucket that no policy names; or in all that there can be (`a*`, `b*` … together)."""
    opened = some(one.allowed for one in role.may(ACCOUNT_ACTIONS, literal("*")))
    if opened is True:
        return Said(True, f"{ACCOUNT_ACTIONS[0]} is allowed: it opens every bucket of the account")
    answer = _writes(role, _ANY_BUCKET, partition)
    if isinstance(answer, Unknown) or answer.value:
        return answer
    if isinstance(opened, Unknown):
        return opened
    every_object = literal(f"arn:{partition}:s3:::") + _BUCKET + literal("/") + SOME
    found = role.may(OBJECT_ACTIONS, every_object)
    for action in OBJECT_ACTIONS:
        covered = every(one.allowed for one in found if one.action == action)
        if isinstance(covered, Unknown):
            return covered
        if covered:
            return Said(True, f"the role's policies together allow {action} on every bucket")
    return Said(False, "no policy of the role allows a write or delete on every bucket")


def _changes_itself(
    role: _Role, policies: Sequence[PolicyDocument], role_arn: str, partition: str
) -> Answer[bool]:
    """On the role's own ARN, or on a customer managed policy that is attached to it."""
    if not role_arn:
        return Unknown("which role this is was not told")
    account = role_arn.split(":")[4]
    guarded = any(not bound.statement.allows for bound in role.bound)
    actions = OWN_ACTIONS + (GUARD_ACTIONS if guarded else ())
    found = role.may(actions, literal(role_arn))
    for policy in policies:
        if policy.origin == "customer-managed":
            arn = f"arn:{partition}:iam::{account}:policy/{policy.name}"
            found += role.may(POLICY_ACTIONS, literal(arn))
    answer = some(one.allowed for one in found)
    if isinstance(answer, Unknown):
        return answer
    first = next((one.text for one in found if one.allowed is True), "")
    return Said(answer, first or "no policy of the role allows it to change its own permissions")


def _writes(role: _Role, bucket: str, partition: str) -> Said[bool] | Unknown:
    """Whether any write or delete is allowed on the bucket or on some object of it."""
    arn = f"arn:{partition}:s3:::{bucket}"
    found = role.may(OBJECT_ACTIONS, literal(f"{arn}/") + SOME)
    found += role.may(BUCKET_ACTIONS, literal(arn))
    answer = some(one.allowed for one in found)
    if isinstance(answer, Unknown):
        return answer
    first = next((one.text for one in found if one.allowed is True), "")
    return Said(answer, first)


def _one_of_each_sort(role: _Role, buckets: Sequence[str], partition: str) -> list[str]:
    """The buckets, without those that every statement treats as one that is listed before."""
    arn = f"arn:{partition}:s3:::"
    trivial = frozenset({"*", f"{arn}*", f"{arn}*/*"})
    chosen: list[str] = []
    seen: set[tuple[str, ...]] = set()
    for bucket in buckets:
        sort = role.alike(f"{arn}{bucket}", trivial)
        if sort is None or sort not in seen:
            chosen.append(bucket)
        if sort is not None:
            seen.add(sort)
    return chosen


def _writes_logs(role: _Role, log_buckets: Sequence[str], partition: str) -> Answer[bool]:
    """On any of them; an access point is a second way in that we cannot follow to its bucket."""
    if not log_buckets:
        return Said(False, "no bucket of audit logs is known")
    answers: list[Said[bool] | Unknown] = []
    for bucket in _one_of_each_sort(role, log_buckets, partition):
        answer = _writes(role, bucket, partition)
        if isinstance(answer, Said) and answer.value:
            return Said(True, f"a bucket of audit logs is within reach: {answer.reason}")
        answers.append(answer)
    points = literal(f"arn:{partition}:s3:") + _WORD + literal(":") + _WORD
    points += literal(":accesspoint/") + SOME
    if some(one.allowed for one in role.may(OBJECT_ACTIONS, points)) is not False:
        return Unknown("the role may write through an S3 access point; whose bucket is not known")
    doubt = some(a for a in answers if isinstance(a, Unknown))
    if isinstance(doubt, Unknown):
        return doubt
    named = ", ".join(log_buckets[:5]) + (", …" if len(log_buckets) > 5 else "")
    return Said(False, f"no policy of the role allows a write or delete on {named}")
