"""Base credentials and assumed roles: valid when a call is made, and of the right account."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.credentials import CredentialProvider, Credentials, ReadOnlyCredentials
from botocore.session import Session

from agent.aws import errors
from agent.aws.access import AccountAccess, Ask, Identity, Outcome, partition_of, region_for
from agent.aws.clients import Clients
from agent.aws.clock import Clock
from agent.aws.errors import again
from agent.aws.translate import BotoErrors, failure
from controls.model import AwsError

REFRESH = timedelta(minutes=5)
"""Before expiry."""
FAILED_SECONDS = 30.0
"""For so long a failure stands, so that a hundred calls do not ask STS a hundred times."""

Make = Callable[[Ask], Outcome]


class OutOfTimeError(Exception):
    """STS did not answer before the deadline of the call that needed it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome.answer))
        self.outcome = outcome


class RoleKeys(Credentials):  # type: ignore[misc]  # botocore is untyped
    """The keys of an assumed role, replaced as a whole when they are refreshed."""

    def __init__(self) -> None:
        super().__init__("not-yet", "not-yet", method="trailkeeper-assume-role")
        self.frozen: ReadOnlyCredentials | None = None

    def get_frozen_credentials(self) -> ReadOnlyCredentials | None:
        """What botocore signs with."""
        return self.frozen


class _RoleProvider(CredentialProvider):  # type: ignore[misc]  # botocore is untyped
    """Hands one account's keys to botocore's session."""

    METHOD = "trailkeeper-assume-role"

    def __init__(self, keys: RoleKeys) -> None:
        super().__init__()
        self._keys = keys

    def load(self) -> RoleKeys:
        """The keys, filled or not."""
        return self._keys


@dataclass(slots=True)
class _Standing:
    """What is known of one access."""

    session: Session
    keys: RoleKeys | None
    lock: threading.Lock = field(default_factory=threading.Lock)
    expires: datetime | None = None
    checked: bool = False
    failed: AwsError | None = None
    failed_at: float = 0.0


class CredentialStore:
    """The sessions of all accounts. `make` is the door itself: STS is called through it."""

    def __init__(self, clients: Clients, clock: Clock, make: Make) -> None:
        self._clients = clients
        self._clock = clock
        self._make = make
        self._lock = threading.Lock()
        self._standings: dict[AccountAccess, _Standing] = {}

    def session(self, ask: Ask) -> Session:
        """The session to make this call with; its credentials are valid now.

        Raises:
            AwsError: no credentials, the role cannot be assumed, or another account's keys.
        """
        standing = self._standing(ask)
        if not self._is_good(standing):
            self._make_good(standing, ask)
        return standing.session

    def identity(self, ask: Ask) -> Identity:
        """Who AWS says we are with this access. Raises AwsError."""
        outcome = self._make(ask)
        if isinstance(outcome.answer, AwsError):
            raise again(outcome.answer)
        arn = str(outcome.answer["Arn"])
        return Identity(str(outcome.answer["Account"]), arn, arn.split(":")[1])

    def region(self, profile: str | None) -> str:
        """The region that the environment or the profile names; empty if none does."""
        try:
            return configured_region(self._clients.session(profile))
        except BotoErrors as error:
            raise failure(error, "", "", "").error from error

    def _standing(self, ask: Ask) -> _Standing:
        access = ask.access
        standing = self._standings.get(access)
        if standing is not None:
            return standing
        with self._lock:
            if access in self._standings:
                return self._standings[access]
            keys = RoleKeys() if access.role_arn else None
            try:
                session = self._clients.session(access.profile, keys and _RoleProvider(keys))
            except BotoErrors as error:
                raise failure(error, ask.name, access.account, ask.region).error from error
            standing = self._standings[access] = _Standing(session, keys)
            return standing

    def _is_good(self, standing: _Standing) -> bool:
        if standing.keys is not None:
            left = self._left(standing)
            return left is not None and left > REFRESH
        return standing.checked

    def _left(self, standing: _Standing) -> timedelta | None:
        return standing.expires - self._clock.utc() if standing.expires else None

    def _make_good(self, standing: _Standing, ask: Ask) -> None:
        left = self._left(standing)
        usable = left is not None and left > timedelta(0)
        # While one thread refreshes, the others go on with what is still valid.
        if not standing.lock.acquire(blocking=not usable):
            return
        try:
            if self._is_good(standing):
                return
            recent = self._clock.monotonic() - standing.failed_at < FAILED_SECONDS
            if standing.failed is None or not recent:
                self._try(standing, ask, usable=usable)
            if standing.failed is not None and not usable:
                raise again(standing.failed)
        finally:
            standing.lock.release()

    def _try(self, standing: _Standing, ask: Ask, *, usable: bool) -> None:
        try:
            if standing.keys is not None:
                self._assume(standing, standing.keys, ask)
            else:
                self._check_base(standing, ask)
            standing.failed = None
        except OutOfTimeError:
            if not usable:
                raise
        except AwsError as error:
            standing.failed, standing.failed_at = error, self._clock.monotonic()

    def _check_base(self, standing: _Standing, ask: Ask) -> None:
        access = ask.access
        try:
            found = standing.session.get_credentials()
        except BotoErrors as error:
            raise failure(error, ask.name, access.account, ask.region).error from error
        if found is None:
            raise AwsError(
                errors.NO_CREDENTIALS,
                "no AWS credentials found: set AWS_PROFILE or AWS_ACCESS_KEY_ID, log in, or run "
                "under a role (IRSA, instance profile)",
                action=ask.name,
            )
        if access.account:
            answer = self._ask_sts(standing, ask, "GetCallerIdentity", {})
            if isinstance(answer, AwsError):
                raise again(answer)
            if answer["Account"] != access.account:
                raise _wrong(access, str(answer["Account"]), ask.region)
        standing.checked = True

    def _assume(self, standing: _Standing, keys: RoleKeys, ask: Ask) -> None:
        access = ask.access
        params = {"RoleArn": access.role_arn, "RoleSessionName": "trailkeeper"}
        if access.external_id:
            params["ExternalId"] = access.external_id
        answer = self._ask_sts(standing, ask, "AssumeRole", params)
        if isinstance(answer, AwsError):
            raise _not_assumed(answer, access, ask.region)
        given: Any = answer["Credentials"]
        arn = str(answer.get("AssumedRoleUser", {}).get("Arn", ""))
        owner = arn.split(":")[4] if arn.count(":") >= 5 else access.account
        if access.account and owner != access.account:
            raise _wrong(access, owner, ask.region)
        keys.frozen = ReadOnlyCredentials(
            given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
        )
        standing.expires = given["Expiration"]

    def _ask_sts(
        self, standing: _Standing, ask: Ask, operation: str, params: dict[str, Any]
    ) -> Mapping[str, Any] | AwsError:
        """Asked where the agent lives: a target region that is closed must not cost the others.

        The credentials at hand are asked for in the region that their access names.
        """
        partition = ask.access.partition(ask.region)
        own = ask.access.region if standing.keys is None else ""
        here = own or configured_region(standing.session)
        if not here or partition_of(here) != partition:
            here = region_for("sts", "global", partition)
        region = ask.region if here == "global" else here
        sts = Ask(ask.access.base, region, "sts", operation, params, ask.deadline, ask.tally)
        outcome = self._make(sts)
        if outcome.out_of_time:
            raise OutOfTimeError(outcome)
        return outcome.answer


def configured_region(session: Session) -> str:
    """The region that the environment or the profile names; empty if none does."""
    named = session.get_config_variable("region") or os.environ.get("AWS_REGION")
    return str(named or "")


def _not_assumed(error: AwsError, access: AccountAccess, region: str) -> AwsError:
    """Not `denied`: a denial hides its message, and here the message is what helps."""
    if errors.is_no_credentials(error):
        return error
    secret = (
        "and that external_id is the one it demands"
        if access.external_id
        else "and whether it demands an external_id, for none is configured"
    )
    return AwsError(
        error.code,
        f"cannot assume {access.role_arn}: {error.message}; check that the role exists, that its "
        f"trust policy admits the caller, that the caller may sts:AssumeRole, {secret}",
        action="sts:AssumeRole",
        status=error.status,
        account=access.account,
        region=region,
    )


def _wrong(access: AccountAccess, found: str, region: str) -> AwsError:
    way = access.role_arn or f"profile {access.profile or 'of the environment'}"
    return AwsError(
        errors.WRONG_ACCOUNT,
        f"{way} leads to account {found}, not to {access.account}: nothing was read; "
        "correct the target",
        account=access.account,
        region=region,
    )
