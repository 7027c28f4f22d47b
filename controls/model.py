"""The nouns: what was seen, what was judged, and what could not be seen."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, Union

T = TypeVar("T")

Value: TypeAlias = bool | int | float | str | datetime | list[str] | dict[str, str]
"""What a fact may be worth: each has a CEL type (see `controls.condition`)."""


# ---------------------------------------------------------------- what a fact function answers


@dataclass(frozen=True, slots=True)
class Said(Generic[T]):
    """A known value with the reason why it is so, for the person who reads the finding."""

    value: T
    reason: str


@dataclass(frozen=True, slots=True)
class Absent:
    """Known to have no value ("no rule deletes these objects"). Not the same as unknown."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Could not be seen or decided, and why. Never a pass."""

    reason: str


# Written with Union: `X | Y` on a TypeVar would not keep its parameter for `get_type_hints`.
Answer: TypeAlias = Union[T, Said[T], Unknown]  # noqa: UP007
"""What a fact that always has a value returns."""

Maybe: TypeAlias = Union[T, Said[T], Absent, Unknown]  # noqa: UP007
"""What a fact that may be absent returns."""


class CannotTellError(Exception):
    """Raised inside a fact when it cannot be decided; becomes `Unknown(reason)`."""


class AwsError(Exception):
    """The one exception of the door to AWS: a call that gave no usable answer.

    `code` is AWS's own error code, or one of ours: `Timeout`, `Unreachable`, `Unparseable`,
    `Refused` (not in this hand's list of operations), `NoCredentials`.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        action: str = "",
        status: int = 0,
        denied: bool = False,
        account: str = "",
        region: str = "",
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.action = action
        self.status = status
        self.denied = denied
        self.account = account
        self.region = region

    def __str__(self) -> str:
        where = f" in {self.account}/{self.region}" if self.account else ""
        what = "denied" if self.denied else self.code
        detail = f" ({self.message})" if self.message and not self.denied else ""
        return f"{self.action or 'AWS call'} {what}{where}{detail}"


class Reader(Protocol):
    """Reads one account in one region; hands out readers of other accounts in the same sweep.

    Equal calls within one sweep are made once, whoever asks (single flight).
    """

    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def partition(self) -> str: ...
    @property
    def now(self) -> datetime:
        """The time of the sweep (UTC, aware): never the machine's clock at this moment."""
        ...

    def call(
        self, service: str, operation: str, *, absent: tuple[str, ...] = (), **params: Any
    ) -> Mapping[str, Any]:
        """One AWS call by its API name (`"s3", "GetBucketVersioning"`).

        An error whose code is named in `absent` is a known "not configured": `{}`.

        Raises:
            AwsError: every other error, once retries and deadline are spent.
        """
        ...

    def pages(
        self, service: str, operation: str, key: str, **params: Any
    ) -> tuple[Mapping[str, Any], ...]:
        """The items under `key` of every page. Raises AwsError if any page cannot be read."""
        ...

    def digest(
        self,
        reduce: Callable[[Sequence[Mapping[str, Any]]], T],
        service: str,
        operation: str,
        key: str,
        **params: Any,
    ) -> T:
        """`reduce` of the items of `pages`, made once per sweep and kept instead of the items.

        `reduce` is a function of a module, for it is part of what the digest is known by.
        Raises AwsError as `pages` does.
        """
        ...

    def memo(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The result of a pure function of this sweep's answers, worked out once per key."""
        ...

    def of_bucket(self, bucket: str) -> Reader:
        """The reader of the account that owns the bucket, in the bucket's region.

        Raises:
            CannotTellError: the owner is not known, or not among the targets (says what to add).
        """
        ...


# ---------------------------------------------------------------- what stands in a snapshot


class State(StrEnum):
    """Whether a fact has a value, is known to have none, or could not be seen."""

    KNOWN = "known"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reading:
    """One fact as it was read: value or none, why, from which calls, and when."""

    state: State
    value: Value | None
    reason: str
    source: str
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Ref:
    """Which resource. `account` and `region` are the writer's; `owner_account` holds it."""

    kind: str
    account: str
    region: str
    name: str
    arn: str = ""
    owner_account: str = ""

    @property
    def id(self) -> str:
        """Canonical and stable: what findings and history are keyed by."""
        return f"{self.kind}/{self.account}/{self.region}/{self.name}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource and the facts read about it, by fact name."""

    ref: Ref
    facts: Mapping[str, Reading]
    tags: Mapping[str, str] = field(default_factory=dict)
    writer_tags: tuple[Mapping[str, str], ...] = ()
    """The tags of each cluster that writes here (locations, log groups); empty elsewhere."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Resources of a kind that could not be seen in a target: becomes unknown findings.

    `resource` is `*` where the kind could not be listed; else it names what stands behind one
    resource that is known to be there and cannot be judged.
    """

    kind: str
    account: str
    region: str
    reason: str
    resource: str = "*"


class Coverage(StrEnum):
    """How much of a target was read."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One target of the sweep: was it read wholly, in part, or not at all, and why not."""

    account: str
    region: str
    status: Coverage
    reason: str | None
    resources: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one sweep saw. Judging needs nothing else.

    `collected` names the facts that were looked for, by kind: where a kind does not stand in it,
    that there are no resources of it says nothing.
    """

    taken_at: datetime
    targets: tuple[TargetStatus, ...]
    resources: tuple[Resource, ...]
    gaps: tuple[Gap, ...] = ()
    collected: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


# ---------------------------------------------------------------- what was judged


class Severity(StrEnum):
    """How grave a failure of the rule is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical."""
        return list(Severity).index(self)


class Status(StrEnum):
    """The verdict of one rule on one resource."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    WAIVED = "waived"
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Finding:
    """Rule x resource, the verdict, and because.

    `because` is one sentence for a person. `reasons` lists, for an unknown, why each fact is
    unknown. `rule_error` marks an unknown that is a mistake in the rule, not blindness.
    """

    rule: str
    title: str
    severity: Severity
    status: Status
    ref: Ref
    because: str
    remedy: str = ""
    reasons: tuple[str, ...] = ()
    facts: Mapping[str, Reading] = field(default_factory=dict)
    params: Mapping[str, Value] = field(default_factory=dict)
    maps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    waiver: Mapping[str, str] | None = None
    rule_error: bool = False

    @property
    def id(self) -> str:
        """Stable between sweeps: rule and canonical resource."""
        return f"{self.rule}:{self.ref.id}"


@dataclass(frozen=True, slots=True)
class WaiverNote:
    """A waiver that did nothing: `expired` or `unused`, with its text."""

    state: str
    rule: str
    resources: tuple[str, ...]
    why: str
    by: str
    until: str


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one sweep, ready for any format."""

    version: str
    taken_at: datetime
    targets: tuple[TargetStatus, ...]
    findings: tuple[Finding, ...]
    waiver_notes: tuple[WaiverNote, ...] = ()
    deviations: tuple[str, ...] = ()
    """A line for each parameter that is not the rule's own, or was to be set and is not."""
