"""A reader for one fact: refuses what the fact did not declare, and records what it used."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from agent.aws.errors import REFUSED
from agent.aws.hands import action_of
from agent.aws.reader import Reduce, SweepReader
from controls.model import AwsError, Reader

T = TypeVar("T")


@dataclass(slots=True)
class Trace:
    """Which IAM actions one fact used, and the earliest time at which AWS answered (UTC)."""

    actions: list[str] = field(default_factory=list)
    """In the order of first use, such as `s3:GetLifecycleConfiguration`."""
    read_at: datetime | None = None
    """None: the fact made no call."""

    @property
    def source(self) -> str:
        """The actions in one line; empty if there were none."""
        return ", ".join(self.actions)

    def note(self, operation: str, at: datetime) -> None:
        """`service:Operation` was answered then, now or earlier in the sweep."""
        action = action_of(operation)
        if action not in self.actions:
            self.actions.append(action)
        if self.read_at is None or at < self.read_at:
            self.read_at = at


@dataclass(frozen=True, slots=True)
class TracedReader:
    """A `Reader` that can do no more than `needs`. Finding a bucket's owner is always allowed."""

    reader: Reader
    needs: frozenset[str]
    trace: Trace

    @property
    def account(self) -> str:
        """The account that is read."""
        return self.reader.account

    @property
    def region(self) -> str:
        """The region that is read."""
        return self.reader.region

    @property
    def partition(self) -> str:
        """Of the account."""
        return self.reader.partition

    @property
    def now(self) -> datetime:
        """The time of the sweep."""
        return self.reader.now

    def call(
        self, service: str, operation: str, *, absent: tuple[str, ...] = (), **params: Any
    ) -> Mapping[str, Any]:
        """The reader's call, if it was declared. Raises AwsError Refused otherwise."""
        self._admit(service, operation)
        return self.reader.call(service, operation, absent=absent, **params)

    def pages(
        self, service: str, operation: str, key: str, **params: Any
    ) -> tuple[Mapping[str, Any], ...]:
        """The reader's pages, if they were declared. Raises AwsError Refused otherwise."""
        self._admit(service, operation)
        return self.reader.pages(service, operation, key, **params)

    def digest(self, reduce: Reduce[T], service: str, operation: str, key: str, **params: Any) -> T:
        """The reader's digest, if it was declared. Raises AwsError Refused otherwise."""
        self._admit(service, operation)
        return self.reader.digest(reduce, service, operation, key, **params)

    def memo(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The reader's; nothing is asked of AWS."""
        return self.reader.memo(key, compute)

    def of_bucket(self, bucket: str) -> TracedReader:
        """The owner's reader, under the same needs and the same trace."""
        return replace(self, reader=self.reader.of_bucket(bucket))

    def _admit(self, service: str, operation: str) -> None:
        name = f"{service}:{operation}"
        if name not in self.needs:
            raise AwsError(
                REFUSED,
                f"{name} is not among the needs that the fact declares",
                action=name,
                account=self.account,
                region=self.region,
            )
        if not isinstance(self.reader, SweepReader):
            # Any other reader knows no time of its own but the sweep's.
            self.trace.note(name, self.now)


def trace(reader: Reader, needs: Iterable[str]) -> TracedReader:
    """A reader for one fact that needs these operations (`s3:GetBucketVersioning`)."""
    record = Trace()
    if isinstance(reader, SweepReader):
        reader = replace(reader, witness=record.note)
    return TracedReader(reader, frozenset(needs), record)
