"""One pass over the accounts: what it asks is remembered, and whose bucket is found out once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from agent.aws import errors
from agent.aws.access import AccountAccess, Ask, Outcome, Tally, partition_of, region_for
from agent.aws.clock import Clock
from agent.aws.memory import Memory, frozen
from agent.aws.paging import walk
from agent.aws.reader import DIGEST, Reduce, SweepReader
from controls.kinds.kind import LogBucket
from controls.model import AwsError, CannotTellError

T = TypeVar("T")

Make = Callable[[Ask], Outcome]


class Sweep:
    """The readers of one sweep. Its memory goes with it."""

    def __init__(
        self,
        make: Make,
        clock: Clock,
        hand: frozenset[str],
        *,
        now: datetime,
        accounts: Iterable[AccountAccess],
        log_buckets: Iterable[LogBucket],
        deadline: float,
        regions_of: Callable[[str, str], Collection[str]] = lambda service, partition: (),
    ) -> None:
        self._make = make
        self._regions_of = regions_of
        self._hand = hand
        self._clock = clock
        self._memory = Memory(clock)
        self._tally = Tally()
        self._accounts = _by_account(accounts)
        self._log_buckets = {one.bucket: one for one in log_buckets}
        self._listed: dict[str, _Buckets] = {}
        self._deadline = deadline
        self._memos: dict[Hashable, Any] = {}
        self.now = now

    @property
    def calls(self) -> Counter[str]:
        """Attempts on the wire so far, by `service:Operation`: retries and STS included."""
        return self._tally.counts()

    def reader(self, account: str, region: str, *, deadline: float | None = None) -> SweepReader:
        """The reader of one target; `deadline` in monotonic seconds, else the sweep's.

        Raises:
            CannotTellError: the account is not among those of the sweep.
        """
        access = self._accounts.get(account)
        if access is None:
            raise CannotTellError(f"account {account} is not among the targets: add it as one")
        until = self._deadline if deadline is None else deadline
        return SweepReader(self, access, region, until)

    def offers(self, service: str, region: str) -> bool:
        """False where botocore knows the region for Redshift and knows that it lacks the service.

        Of a region that it does not know, as new ones are, nothing can be told: true.
        """
        partition = partition_of(region)
        known = self._regions_of("redshift", partition)
        return region not in known or region in self._regions_of(service, partition)

    def ask(
        self, reader: SweepReader, service: str, operation: str, params: Mapping[str, Any]
    ) -> Outcome:
        """The outcome of this call, made if no equal one was made in this sweep.

        Raises:
            AwsError: Refused, an operation that is not in the hand.
        """
        ask = self._ask_of(reader, service, operation)
        key = (ask.access.account, ask.region, ask.name, frozen(params))
        made = replace(ask, params=params)
        return self._memory.ask(key, reader.deadline, lambda: self._make(made))

    def once(
        self, reader: SweepReader, service: str, operation: str, params: Mapping[str, Any]
    ) -> Outcome:
        """The outcome of this call, made now and never remembered: its answer is a stream.

        Raises:
            AwsError: Refused, an operation that is not in the hand.
        """
        return self._make(replace(self._ask_of(reader, service, operation), params=params))

    def digest(
        self,
        reader: SweepReader,
        reduce: Reduce[Any],
        what: tuple[str, str, str],
        params: Mapping[str, Any],
    ) -> Outcome:
        """The outcome of walking all pages: what `reduce` made of them. The pages are let go.

        Raises:
            AwsError: Refused, an operation that is not in the hand.
        """
        service, operation, items = what
        ask = self._ask_of(reader, service, operation)
        name = (reduce.__module__, reduce.__qualname__)
        key = (ask.access.account, ask.region, ask.name, items, name, frozen(params))

        def make() -> Outcome:
            made: list[Outcome] = []

            def page(asked: Mapping[str, Any]) -> Mapping[str, Any]:
                made.append(self._make(replace(ask, params=asked)))
                if isinstance(made[-1].answer, AwsError):
                    raise made[-1].answer
                return made[-1].answer

            try:
                digest = reduce(walk(ask.name, items, params, page))
            except AwsError as error:
                error.account, error.region = reader.account, reader.region
                late = bool(made) and made[-1].out_of_time
                return Outcome(error, made[-1].at if made else self._clock.utc(), late)
            return Outcome({DIGEST: digest}, min(one.at for one in made))

        return self._memory.ask(key, reader.deadline, make)

    def _ask_of(self, reader: SweepReader, service: str, operation: str) -> Ask:
        """The call, still without parameters. Raises AwsError Refused."""
        name, access = f"{service}:{operation}", reader.access
        if name not in self._hand:
            raise AwsError(
                errors.REFUSED,
                "not among the operations of this hand",
                action=name,
                account=access.account,
                region=reader.region,
            )
        where = region_for(service, reader.region, access.partition(reader.region))
        return Ask(access, where, service, operation, {}, reader.deadline, self._tally)

    def memo(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Two threads may work out the same at the same time; then the first to finish counts."""
        if key not in self._memos:
            self._memos.setdefault(key, compute())
        return self._memos[key]  # type: ignore[no-any-return]  # of the type that compute gave

    def owner_of(self, bucket: str, asking: SweepReader) -> tuple[AccountAccess, str]:
        """The account that owns the bucket, and the bucket's region.

        Configured first; else found by listing the buckets of each account, once per sweep.

        Raises:
            CannotTellError: nobody among the targets owns it, or not all could be asked.
        """
        named = self._log_buckets.get(bucket)
        if named is not None:
            return self._configured(named)
        blind: list[AwsError] = []
        own_first = sorted(self._accounts.values(), key=lambda one: one != asking.access)
        for access in own_first:
            try:
                region = self._buckets_of(access, asking).get(bucket)
            except AwsError as error:
                blind.append(error)
                continue
            if region is not None:
                return access, region or asking.region
        raise CannotTellError(_ownerless(bucket, blind))

    def _configured(self, named: LogBucket) -> tuple[AccountAccess, str]:
        access = self._accounts.get(named.account)
        if access is None:
            raise CannotTellError(
                f"bucket {named.bucket} belongs to account {named.account} (log_buckets), which "
                f"is not among the targets: add account {named.account} as a target"
            )
        return access, named.region

    def _buckets_of(self, access: AccountAccess, asking: SweepReader) -> Mapping[str, str]:
        """Bucket to region. The pages are remembered by call, the table beside them."""
        listed = self._listed.get(access.account)
        if listed is None:
            times: list[datetime] = []
            reader = replace(
                asking,
                access=access,
                region=access.region or asking.region,
                owner="",
                witness=lambda _, at: times.append(at),
            )
            items = reader.pages("s3", "ListBuckets", "Buckets")
            regions = {one["Name"]: one.get("BucketRegion") or "" for one in items}
            listed = self._listed[access.account] = _Buckets(regions, min(times))
        asking.witness("s3:ListBuckets", listed.at)
        return listed.regions


@dataclass(frozen=True, slots=True)
class _Buckets:
    """The buckets of one account and their regions, and when they were listed."""

    regions: Mapping[str, str]
    at: datetime


def _by_account(accounts: Iterable[AccountAccess]) -> dict[str, AccountAccess]:
    """Raises ValueError where two ways lead into one account: which one answers must be sure."""
    ways: dict[str, AccountAccess] = {}
    for access in accounts:
        if ways.setdefault(access.account, access) != access:
            raise ValueError(f"account {access.account} is named twice, with different access")
    return ways


def _ownerless(bucket: str, blind: list[AwsError]) -> str:
    if not blind:
        return (
            f"bucket {bucket} belongs to no account among the targets: add its owner as a "
            "target, or name it under log_buckets"
        )
    unseen = "; ".join(f"account {error.account}: {error}" for error in blind)
    grant = "grant s3:ListAllMyBuckets there, or " if any(one.denied for one in blind) else ""
    return (
        f"whose bucket {bucket} is cannot be told, for not every target account could list its "
        f"buckets ({unseen}): {grant}name the bucket under log_buckets"
    )
