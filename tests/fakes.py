"""The one fake door to AWS: a table of prepared answers, and a record of what was asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

from controls.model import AwsError, CannotTellError

T = TypeVar("T")

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
ACCOUNT = "111122223333"
ARCHIVE = "999988887777"
REGION = "eu-west-1"

Prepared: TypeAlias = (
    Mapping[str, Any] | AwsError | Callable[[Mapping[str, Any]], Mapping[str, Any] | AwsError]
)
"""An answer, an error, or a function of the call's parameters that gives one of the two."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call as it was made."""

    operation: str
    account: str
    region: str
    params: Mapping[str, Any]


def denied(operation: str) -> AwsError:
    """What the door raises when IAM refuses."""
    return AwsError("AccessDenied", "not authorized", action=operation, status=403, denied=True)


def failing(code: str) -> AwsError:
    """An error that AWS names by this code."""
    return AwsError(code, code, status=400)


@dataclass(frozen=True)
class FakeAws:
    """A `controls.model.Reader` over a table of answers, keyed `s3:GetBucketPolicy`.

    `111122223333/s3:GetBucketPolicy` stands for that account alone and wins. An operation that is
    not in the table fails the test. `buckets` says who owns which bucket, as (account, region).
    """

    answers: Mapping[str, Prepared]
    buckets: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    account: str = ACCOUNT
    region: str = REGION
    partition: str = "aws"
    now: datetime = NOW
    needs: Collection[str] | None = None
    """What may be called; None is everything."""
    asked: list[Asked] = field(default_factory=list)
    """Every call, of all readers that came from this one."""
    used: list[str] = field(default_factory=list)

    def at(self, account: str, region: str) -> FakeAws:
        """The reader of another target, with the same answers and the same record."""
        return replace(self, account=account, region=region)

    def allowing(self, needs: Collection[str]) -> FakeAws:
        """A reader that refuses what is not in `needs`, with a `source` of its own."""
        return replace(self, needs=frozenset(needs), used=[])

    @property
    def source(self) -> str:
        """The operations that were used, as `agent.collect` wants to know."""
        return ", ".join(dict.fromkeys(self.used))

    @property
    def read_at(self) -> datetime | None:
        """When, if there was any call."""
        return self.now if self.used else None

    def call(
        self, service: str, operation: str, *, absent: tuple[str, ...] = (), **params: Any
    ) -> Mapping[str, Any]:
        """The prepared answer. Raises the prepared error, unless its code is in `absent`."""
        name = f"{service}:{operation}"
        assert self.needs is None or name in self.needs, f"{name} is called, and not in the needs"
        self.asked.append(Asked(name, self.account, self.region, params))
        self.used.append(name)
        own = f"{self.account}/{name}"
        assert name in self.answers or own in self.answers, f"no answer is prepared for {name}"
        prepared = self.answers[own] if own in self.answers else self.answers[name]
        answer = prepared(params) if callable(prepared) else prepared
        if not isinstance(answer, AwsError):
            return answer
        if answer.code in absent:
            return {}
        raise answer

    def pages(
        self, service: str, operation: str, key: str, **params: Any
    ) -> tuple[Mapping[str, Any], ...]:
        """The items under `key` of the prepared answer."""
        return tuple(self.call(service, operation, **params).get(key, ()))

    def digest(
        self,
        reduce: Callable[[Sequence[Mapping[str, Any]]], T],
        service: str,
        operation: str,
        key: str,
        **params: Any,
    ) -> T:
        """The items, reduced."""
        return reduce(self.pages(service, operation, key, **params))

    def memo(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Always worked out anew: a test may change what stands behind it."""
        return compute()

    def of_bucket(self, bucket: str) -> FakeAws:
        """The owner's reader. Raises CannotTellError for a bucket that is not in `buckets`."""
        if bucket not in self.buckets:
            raise CannotTellError(f"bucket {bucket} belongs to no account among the targets")
        return self.at(*self.buckets[bucket])

    def calls(self, operation: str) -> list[Mapping[str, Any]]:
        """The parameters of each call of one operation."""
        return [each.params for each in self.asked if each.operation == operation]


@dataclass(frozen=True, slots=True)
class FakeWorld:
    """What `agent.collect` reads from, over one FakeAws for all targets."""

    aws: FakeAws
    accounts: tuple[str, ...] = (ACCOUNT, ARCHIVE)

    @property
    def now(self) -> datetime:
        """The time of the sweep."""
        return self.aws.now

    def reader(self, account: str, region: str, *, deadline: float | None = None) -> FakeAws:
        """Raises CannotTellError for an account that is not a target."""
        if account not in self.accounts:
            raise CannotTellError(f"account {account} is not among the targets: add it as one")
        return self.aws.at(account, region)

    def offers(self, service: str, region: str) -> bool:
        """Redshift Serverless is lacking in one region, as it is in young ones of AWS."""
        return (service, region) != ("redshift-serverless", "xx-young-1")

    def trace(self, reader: Any, needs: Collection[str]) -> FakeAws:
        """A reader that may call `needs` alone."""
        limited: FakeAws = reader.allowing(needs)
        return limited
