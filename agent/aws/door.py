"""The one door to AWS: long-lived clients, credentials and limits; a `Sweep` for each pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from agent.aws.access import AccountAccess, Ask, Identity, Tally
from agent.aws.clock import Clock, system_clock
from agent.aws.hands import OBSERVER
from agent.aws.settings import AwsSettings
from agent.aws.sweep import Sweep
from controls.kinds.kind import LogBucket
from controls.model import AwsError


class Aws:
    """Lives as long as the process; shared by all threads. Constructing it imports botocore."""

    def __init__(
        self,
        settings: AwsSettings | None = None,
        *,
        clock: Clock | None = None,
        hand: frozenset[str] = OBSERVER,
    ) -> None:
        from agent.aws.calls import Calls  # noqa: PLC0415 - `--help` must not pay for botocore

        self._settings = settings or AwsSettings()
        self._clock = clock or system_clock()
        self._hand = hand
        self._calls = Calls(self._settings, self._clock, hand)

    def utc(self) -> datetime:
        """The door's clock."""
        return self._clock.utc()

    def deadline(self, seconds: float | None = None) -> float:
        """So many seconds from now (default: a target's time), as readers take it."""
        return self._clock.monotonic() + (
            self._settings.target_seconds if seconds is None else seconds
        )

    def default_region(self, profile: str | None = None) -> str:
        """The region of the environment or the profile; empty if none is named.

        Raises:
            AwsError: NoCredentials, there is no such profile.
        """
        return self._calls.credentials.region(profile)

    def identify(
        self,
        access: AccountAccess | None = None,
        region: str = "",
        *,
        deadline: float | None = None,
    ) -> Identity:
        """Who we are: by default with the base credentials, in the default region.

        Raises:
            AwsError: no credentials, expired, not assumable, unreachable.
        """
        access = access or AccountAccess("")
        where = region or access.region or self.default_region(access.profile)
        until = self.deadline() if deadline is None else deadline
        ask = Ask(access, where, "sts", "GetCallerIdentity", {}, until, Tally())
        return self._calls.credentials.identity(ask)

    def server_time(self, access: AccountAccess, region: str) -> datetime:
        """The time on AWS's clock (UTC, whole seconds), from the Date header of an STS answer.

        Raises:
            AwsError: the call failed, or its answer carries no date.
        """
        ask = Ask(access, region, "sts", "GetCallerIdentity", {}, self.deadline(), Tally())
        return self._calls.date(ask)

    def once(
        self,
        access: AccountAccess,
        region: str,
        operation: str,
        params: Mapping[str, Any],
        *,
        deadline: float | None = None,
    ) -> Mapping[str, Any]:
        """One call that belongs to no sweep and is not remembered; `operation` as in a hand.

        Raises:
            AwsError: it gave no usable answer.
        """
        service, _, name = operation.partition(":")
        until = self.deadline() if deadline is None else deadline
        answer = self._calls.make(Ask(access, region, service, name, params, until, Tally())).answer
        if isinstance(answer, AwsError):
            raise answer
        return answer

    def regions_of(self, service: str, partition: str) -> tuple[str, ...]:
        """The regions where a service exists, as botocore knows them; enabled or not."""
        return self._calls.clients.regions_of(service, partition)

    def sweep(
        self,
        now: datetime,
        accounts: Iterable[AccountAccess],
        log_buckets: Iterable[LogBucket] = (),
        deadline: float | None = None,
    ) -> Sweep:
        """One pass at that time (UTC) over these accounts, each named once."""
        return Sweep(
            self._calls.make,
            self._clock,
            self._hand,
            now=now,
            accounts=accounts,
            log_buckets=log_buckets,
            deadline=self.deadline() if deadline is None else deadline,
            regions_of=self.regions_of,
        )

    def close(self) -> None:
        """Close all connections that are not in use."""
        self._calls.clients.close()
