"""One call to AWS, tried behind its limiter until it answers or its time is up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from agent.aws import errors
from agent.aws.access import Ask, Outcome
from agent.aws.bodies import MAY_BE_EMPTY
from agent.aws.clients import Clients
from agent.aws.clock import Clock
from agent.aws.credentials import CredentialStore, OutOfTimeError
from agent.aws.errors import Failure, Retry
from agent.aws.hands import CREDENTIALS, FIXER, action_of
from agent.aws.limits import Limits
from agent.aws.settings import AwsSettings
from agent.aws.translate import BotoErrors, NotFromAwsError, failure
from controls.model import AwsError

BRIEF_TRIES = 3
BRIEF_SECONDS = 5.0
"""An endpoint that nobody answers at is given up after so many tries or seconds."""


@dataclass(slots=True)
class _Tries:
    """How one call fared so far."""

    started: float
    count: int = 0
    trouble_since: float | None = None
    last: Failure | None = None


class Calls:
    """The wire: clients, credentials, limits and retries of every account."""

    def __init__(self, settings: AwsSettings, clock: Clock, hand: frozenset[str]) -> None:
        self._settings = settings
        self._clock = clock
        self._limits = Limits(clock)
        self.clients = Clients(settings, hand | CREDENTIALS)
        self.credentials = CredentialStore(self.clients, clock, self.make)

    def make(self, ask: Ask) -> Outcome:
        """The outcome of this call, never an exception of AWS or botocore."""
        tries = _Tries(self._clock.monotonic())
        while True:
            outcome = self._try(ask, tries)
            if outcome is not None:
                return outcome

    def _try(self, ask: Ask, tries: _Tries) -> Outcome | None:
        """One attempt, in its turn; None where another one is worth it, and due."""
        clock = self._clock
        if clock.stopped():
            return self._gave_up(ask, tries)
        try:
            session = self.credentials.session(ask)
        except OutOfTimeError as error:
            return error.outcome
        except AwsError as error:
            return Outcome(error, clock.utc())
        limit = self._limits.of((ask.access.account, ask.region, ask.service))
        if not limit.turn(ask.deadline):
            return self._gave_up(ask, tries)
        started = clock.monotonic()
        result = self._attempt(ask, session, started)
        if not isinstance(result, Failure):
            return Outcome(result, clock.utc())
        if result.retry is Retry.THROTTLED:
            limit.throttled(started)
        return self._wait(ask, tries, result, started)

    def _wait(self, ask: Ask, tries: _Tries, result: Failure, started: float) -> Outcome | None:
        """Wait before the next attempt, or say why there is none."""
        clock = self._clock
        tries.count += 1
        tries.last = result
        now = clock.monotonic()
        if ask.name in FIXER:
            # It may have been carried out; if not, as after a throttle, what it replaces may be
            # another by now. Whoever asked for it looks first, and then asks again.
            return Outcome(result.error, clock.utc())
        if result.retry is not Retry.THROTTLED and tries.trouble_since is None:
            tries.trouble_since = started
        wait = pause(result.retry, tries.count, self._trouble(tries, now), clock.dice())
        if wait is None or self._patience_ends(result.retry, tries, now + wait):
            return Outcome(_tried(result.error, tries.count), clock.utc())
        if now + wait >= ask.deadline or clock.wait(wait):
            return self._gave_up(ask, tries)
        return None

    def date(self, ask: Ask) -> datetime:
        """When AWS answered this call, by AWS's clock. Tried once, with the base credentials.

        A refusal has a date too: a clock that is far off is refused (SignatureDoesNotMatch), and
        that is when the date matters. Raises AwsError.
        """
        ask = replace(ask, access=ask.access.base)
        key = (ask.access, ask.region, ask.service)
        try:
            with self.clients.lease(key, self.credentials.session(ask)) as client:
                answer = getattr(client, xform_name(ask.operation))(**ask.params)
        except ClientError as error:
            answer = error.response
        except BotoErrors as error:
            raise failure(error, ask.name, ask.access.account, ask.region).error from error
        try:
            return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        except (KeyError, TypeError, ValueError) as error:
            raise AwsError(errors.UNPARSEABLE, "the answer has no date", action=ask.name) from error

    def _trouble(self, tries: _Tries, now: float) -> float:
        return now - (now if tries.trouble_since is None else tries.trouble_since)

    def _patience_ends(self, retry: Retry, tries: _Tries, then: float) -> bool:
        return (
            retry is Retry.TRANSIENT
            and self._trouble(tries, then) > self._settings.transient_seconds
        )

    def _attempt(self, ask: Ask, session: Any, started: float) -> Mapping[str, Any] | Failure:
        ask.tally.add(ask.name)
        try:
            key = (ask.access, ask.region, ask.service)
            with self.clients.lease(key, session) as client:
                answer = getattr(client, xform_name(ask.operation))(**ask.params)
            answer.pop("ResponseMetadata", None)
            if not answer and ask.name not in MAY_BE_EMPTY:
                # What botocore makes of a cut-off JSON body must not read as "none".
                raise NotFromAwsError(200, "HTTP 200 with an empty or cut-off answer")
        except AwsError as error:
            result: Mapping[str, Any] | Failure = Failure(_placed(error, ask), Retry.NEVER)
        except BotoErrors as error:
            result = failure(error, ask.name, ask.access.account, ask.region)
        else:
            result = answer
        outcome = result.outcome if isinstance(result, Failure) else "ok"
        seconds = self._clock.monotonic() - started
        where = (ask.access.account, ask.region)
        self._settings.on_call(ask.service, ask.operation, outcome, seconds, *where)
        return result

    def _gave_up(self, ask: Ask, tries: _Tries) -> Outcome:
        seconds = self._clock.monotonic() - tries.started
        if self._clock.stopped():
            code, message = errors.STOPPED, "Trailkeeper is shutting down"
        elif tries.last is None:
            code, message = (
                errors.TIMEOUT,
                (
                    "the time for this target was over, or would have been before its turn came "
                    "behind the rate limit; nothing was asked"
                ),
            )
        else:
            last = tries.last.error
            code, message = (
                last.code,
                (
                    f"{last.message.rstrip('.')}; given up after {_times(tries.count)} in "
                    f"{seconds:.0f} s, for the time for this target is over"
                ),
            )
        error = AwsError(
            code,
            message,
            action=action_of(ask.name),
            status=tries.last.error.status if tries.last else 0,
            account=ask.access.account,
            region=ask.region,
        )
        return Outcome(error, self._clock.utc(), out_of_time=True)


def pause(retry: Retry, tries: int, trouble: float, dice: float) -> float | None:
    """Seconds until the next try, or None: do not try again. Exponential, with jitter.

    A throttle waits little: the limiter sets the pace.
    """
    match retry:
        case Retry.THROTTLED:
            return min(1.0, 0.1 * 2.0 ** min(tries, 10)) * dice
        case Retry.TRANSIENT:
            return min(5.0, 0.1 * 2.0 ** min(tries, 10)) * (0.5 + dice / 2)
        case Retry.BRIEFLY if tries < BRIEF_TRIES and trouble < BRIEF_SECONDS:
            return 0.1 * 2.0**tries * (0.5 + dice / 2)
        case _:
            return None


def _tried(error: AwsError, count: int) -> AwsError:
    if count == 1:
        return error
    return errors.again(error, f"{error.message.rstrip('.')} (tried {_times(count)})")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _placed(error: AwsError, ask: Ask) -> AwsError:
    """The door's own refusal at the wire, with the place where it happened."""
    placed = errors.again(error)
    placed.account, placed.region = ask.access.account, ask.region
    return placed
