"""The door as facts see it: one account in one region, within one sweep."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from agent.aws.access import AccountAccess
from agent.aws.errors import again
from agent.aws.paging import walk
from controls.model import AwsError

if TYPE_CHECKING:
    from agent.aws.sweep import Sweep

T = TypeVar("T")
Reduce: TypeAlias = Callable[[Sequence[Mapping[str, Any]]], T]

DIGEST = "digest"
"""Where the outcome of a digest holds it."""

Witness = Callable[[str, datetime], None]
"""Is told of each call that was used, `service:Operation`, and when AWS answered it (UTC)."""


def no_witness(_operation: str, _at: datetime) -> None:
    """Nobody traces this reader."""


@dataclass(frozen=True, slots=True)
class SweepReader:
    """A `controls.model.Reader` over the wire."""

    sweep: Sweep
    access: AccountAccess
    region: str
    deadline: float
    """Monotonic seconds; after it no call is made."""
    owner: str = ""
    """The account that is known to own the bucket this reader was asked for."""
    witness: Witness = no_witness

    @property
    def account(self) -> str:
        """The account that is read."""
        return self.access.account

    @property
    def partition(self) -> str:
        """aws, aws-cn, aws-us-gov …"""
        return self.access.partition(self.region)

    @property
    def now(self) -> datetime:
        """The time of the sweep."""
        return self.sweep.now

    def call(
        self, service: str, operation: str, *, absent: tuple[str, ...] = (), **params: Any
    ) -> Mapping[str, Any]:
        """One call, made once per sweep; see `controls.model.Reader.call`."""
        if self.owner and service == "s3" and "Bucket" in params:
            params["ExpectedBucketOwner"] = self.owner
        outcome = self.sweep.ask(self, service, operation, params)
        self.witness(f"{service}:{operation}", outcome.at)
        if not isinstance(outcome.answer, AwsError):
            return outcome.answer
        if outcome.answer.code in absent:
            return {}
        raise again(outcome.answer)

    def pages(
        self, service: str, operation: str, key: str, **params: Any
    ) -> tuple[Mapping[str, Any], ...]:
        """All items of all pages; see `controls.model.Reader.pages`."""
        try:
            return walk(
                f"{service}:{operation}",
                key,
                params,
                lambda asked: self.call(service, operation, **asked),
            )
        except AwsError as error:
            error.account, error.region = self.account, self.region
            raise

    def digest(self, reduce: Reduce[T], service: str, operation: str, key: str, **params: Any) -> T:
        """All items of all pages, reduced; see `controls.model.Reader.digest`."""
        if self.owner and service == "s3" and "Bucket" in params:
            params["ExpectedBucketOwner"] = self.owner
        outcome = self.sweep.digest(self, reduce, (service, operation, key), params)
        self.witness(f"{service}:{operation}", outcome.at)
        if isinstance(outcome.answer, AwsError):
            raise again(outcome.answer)
        return outcome.answer[DIGEST]  # type: ignore[no-any-return]  # what `reduce` gave

    def memo(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Worked out once per sweep; see `controls.model.Reader.memo`."""
        return self.sweep.memo(key, compute)

    def of_bucket(self, bucket: str) -> SweepReader:
        """The reader of the bucket's owner; see `controls.model.Reader.of_bucket`."""
        access, region = self.sweep.owner_of(bucket, self)
        return replace(self, access=access, region=region, owner=access.account)
