"""Make the calls of a change, and tell of each what is known: done, not done, or neither."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog

from agent.aws import errors
from agent.remedy.steps import Planning
from controls.change import Call, Planned
from controls.model import AwsError, CannotTellError, Finding
from controls.remedy import Entry, Outcome, call_to_json

log = structlog.get_logger()

BUSY = errors.THROTTLES | {
    "ConflictException",
    "InvalidClusterParameterGroupState",
    "InvalidClusterParameterGroupStateFault",
    "InvalidClusterState",
    "InvalidClusterStateFault",
    "OperationAborted",
    "OperationAbortedException",
}
"""Not done, and worth another try soon: asked too fast, or AWS is at work on the same thing."""

NEVER_SENT = frozenset(
    {
        errors.INVALID_CALL,
        errors.NO_CREDENTIALS,
        errors.NO_REGION,
        errors.REFUSED,
        errors.STOPPED,
        errors.WRONG_ACCOUNT,
    }
)
"""Our own door refused it."""

FIRST_WAIT, LONGEST_WAIT = 1.0, 10.0

ENDING = "the agent is ending"


class Journal(Protocol):
    """The durable record of changes. All raise StoreError when it cannot be written or read."""

    def put(self, entry: Entry) -> None:
        """Insert or replace; durable on return."""
        ...

    def past(self) -> list[Entry]:
        """What was changed lately, as limits, cool-down and the breaker ask."""
        ...

    def get(self, identity: str) -> Entry | None:
        """The entry with this id."""
        ...


@dataclass(frozen=True, slots=True)
class Hands:
    """What acting needs of the outside.

    `judge` looks afresh and gives the finding as it is now (None: there is none any more); `make`
    makes one call; `wait` sleeps so many seconds, true if the agent is to end; `killed` says who
    threw the kill switch.
    """

    judge: Callable[[Finding], Finding | None]
    make: Callable[[Call], None]
    journal: Journal
    planning: Planning
    wait: Callable[[float], bool]
    utc: Callable[[], datetime]
    monotonic: Callable[[], float]
    killed: Callable[[], str]
    sweep_began: datetime
    verify_seconds: float = 60.0
    on_error: Callable[[str], object] = lambda part: None


class MovedOnError(Exception):
    """While AWS was busy the world became another: the call is not what is to be done now."""


Still = Callable[[int], bool]
"""Whether the call of this number, and those after it, are still what is to be done.

False: it cannot be told now, but may be later. Raises MovedOnError: they are not.
"""


def made(entry: Entry, hands: Hands, still: Still) -> Entry:
    """Make the calls, each written down once answered. Raises StoreError.

    The first that fails ends it. Without an outcome it comes back where all were answered, or
    where it is not known what came of one (`why` tells): a look will tell.
    """
    for number, call in enumerate(entry.change.calls):
        halted = why_halted(hands)
        if halted:
            return ended(entry, hands, Outcome.PARTIAL if number else Outcome.HELD, halted)
        try:
            _patiently(number, call, hands, still)
        except (AwsError, CannotTellError, MovedOnError) as error:
            return _failed(entry, call, error, hands)
        except Exception as error:  # one call: what came of it must be looked at all the same
            hands.on_error("remediation")
            log.exception("call_failed", call=call.name, change=entry.id)
            return replace(entry, why=f"{call.name} failed inside Trailkeeper: {error!r}")
        entry = replace(entry, done=number + 1)
        if number + 1 < len(entry.change.calls):
            hands.journal.put(entry)
    return entry


def _failed(entry: Entry, call: Call, error: Exception, hands: Hands) -> Entry:
    """Closed, if it is known that the call was not carried out; else open, and `why` tells."""
    outcome = Outcome.PARTIAL if entry.done else Outcome.REFUSED
    match error:
        case MovedOnError():
            outcome = Outcome.PARTIAL if entry.done else Outcome.HELD
            return ended(entry, hands, outcome, f"while AWS was busy, {error}")
        case CannotTellError():
            return ended(entry, hands, outcome, f"{call.name}: {error}")
        case AwsError() if is_certain(error):
            return ended(entry, hands, outcome, f"{call.name}: {error}")
        case _:
            return replace(entry, why=f"{call.name}: {error}")


def why_halted(hands: Hands) -> str:
    """Why no further call is made; empty while one may be."""
    if hands.wait(0.0):
        return ENDING
    killed = hands.killed()
    return f"the kill switch is thrown: {killed}" if killed else ""


def is_certain(error: AwsError) -> bool:
    """Whether it is known that the call was not carried out.

    A timeout, a server error, an answer that nobody understands say nothing about it. Of two S3
    errors with a 4xx (RequestTimeout and the like) the name tells more than the number.
    """
    if error.code in NEVER_SENT or error.code in errors.THROTTLES:
        return True
    if error.action == "sts:AssumeRole":
        return True  # it did not even come to the call
    return error.denied or (400 <= error.status < 500 and error.code not in errors.TRANSIENTS)


def _patiently(number: int, call: Call, hands: Hands, still: Still) -> None:
    """Make the call; while AWS is busy, wait, and look whether it is still to be made.

    What AWS is busy with may be somebody's change of the very document that the call replaces.
    Raises AwsError, CannotTellError, MovedOnError.
    """
    end, wait = hands.monotonic() + hands.verify_seconds, FIRST_WAIT
    while True:
        try:
            return hands.make(call)
        except AwsError as error:
            if error.code not in BUSY:
                raise
            busy = error
        while True:
            if hands.monotonic() + wait > end or hands.wait(wait) or why_halted(hands):
                raise busy
            wait = min(LONGEST_WAIT, wait * 2)
            if still(number):
                break


def looked(look: Callable[[], Planned], hands: Hands, enough: Callable[[Planned], bool]) -> Planned:
    """What is seen once it is as it should be, or the time for that is over, or the agent ends."""
    return looked_for(hands.verify_seconds, look, hands, enough)


def looked_for(
    seconds: float,
    look: Callable[[], Planned],
    hands: Hands,
    enough: Callable[[Planned], bool],
) -> Planned:
    """As `looked`, for so long. Looks at least once."""
    end, wait = hands.monotonic() + seconds, FIRST_WAIT
    while True:
        planned = look()
        if enough(planned) or hands.monotonic() + wait > end or hands.wait(wait):
            return planned
        wait = min(LONGEST_WAIT, wait * 2)


def same_calls(one: Sequence[Call], other: Sequence[Call]) -> bool:
    """Whether they would do the same; one of them may come from JSON."""
    return [_text(call) for call in one] == [_text(call) for call in other]


def _text(call: Call) -> str:
    return json.dumps(call_to_json(call), sort_keys=True, default=str)


def ended(entry: Entry, hands: Hands, outcome: Outcome, why: str) -> Entry:
    """The entry, closed now."""
    return replace(entry, outcome=outcome, why=why, ended_at=max(hands.utc(), entry.began_at))


def named(entry: Entry) -> dict[str, str]:
    """What a log line says of a change."""
    ref = entry.change.ref
    return {
        "fix": entry.change.fix,
        "rule": entry.rule,
        "account": ref.account,
        "region": ref.region,
        "resource": ref.name,
    }
