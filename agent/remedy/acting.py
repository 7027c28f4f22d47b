"""Make one change: look, write down what is meant, act, look again, write down what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import uuid4

import structlog

from agent.remedy.steps import Planning, Step, plan_one
from agent.store.records import StoreError
from controls.change import Call, Change, Held, Planned, Right
from controls.guard import Circumstances, why_held
from controls.model import AwsError, CannotTellError, Finding, Status
from controls.remedy import Entry, Outcome, change_to_json

log = structlog.get_logger()

BUSY = frozenset(
    {
        "InvalidClusterState",
        "InvalidClusterStateFault",
        "InvalidClusterParameterGroupState",
        "InvalidClusterParameterGroupStateFault",
        "DependentServiceRequestThrottlingFault",
        "ConflictException",
        "OperationAborted",
        "OperationAbortedException",
    }
)
"""Not now, but soon: AWS is at work on the same thing (aws-sdk retries none of these)."""

FIRST_WAIT, LONGEST_WAIT = 1.0, 10.0


class Journal(Protocol):
    """The durable record of changes. Both raise StoreError when it cannot be written or read."""

    def put(self, entry: Entry) -> None:
        """Insert or replace; durable on return."""
        ...

    def past(self) -> list[Entry]:
        """What was changed lately, as limits, cool-down and the breaker ask."""
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


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a step. `entry` is its line in the journal, if it came to that."""

    step: Step
    outcome: Outcome
    why: str
    entry: Entry | None = None


def act(step: Step, hands: Hands, *, exactly: bool = False) -> Result:
    """Carry out a step that nothing holds. `exactly`: only what was planned, nothing newer.

    Never raises for AWS's or the store's sake.
    """
    found = _look(step, hands, exactly=exactly)
    if isinstance(found, Result):
        return found
    change, finding = found
    change = replace(change, params=finding.params)
    entry = Entry(uuid4().hex[:12], finding.rule, change, hands.utc())
    try:
        hands.journal.put(entry)
    except StoreError as error:
        return Result(step, Outcome.HELD, f"what is meant cannot be written down: {error}")
    log.info("change_began", change=entry.id, **named(entry))
    try:
        entry = _made(entry, hands)
        entry = entry if entry.outcome else _proven(entry, finding, hands)
        hands.journal.put(entry)
    except StoreError as error:
        # It stays open in the journal, and the next start looks what came of it.
        log.exception("change_not_written", change=entry.id)
        return Result(step, Outcome.PARTIAL, f"what came of it cannot be written: {error}", entry)
    outcome = entry.outcome or Outcome.PARTIAL
    log.info("change_ended", change=entry.id, outcome=outcome.value, why=entry.why, **named(entry))
    return Result(step, outcome, entry.why, entry)


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


def _look(step: Step, hands: Hands, *, exactly: bool) -> tuple[Change, Finding] | Result:
    """Whether it must still be done, and what exactly: afresh, by the same rule and fix."""
    finding = _failing(step, hands)
    if isinstance(finding, Result):
        return finding
    change = _planned_anew(step, finding, hands)
    if isinstance(change, Result):
        return change
    if exactly and not _same(change, step.change):
        return Result(step, Outcome.HELD, "the world has moved on since it was planned: plan anew")
    reasons = _reasons(change, finding, hands)
    return Result(step, Outcome.HELD, "; ".join(reasons)) if reasons else (change, finding)


def _same(change: Change, planned: Change | None) -> bool:
    """Whether it would still do what was planned: the same calls on the same documents."""
    if planned is None:
        return False
    one, other = change_to_json(change), change_to_json(planned)
    keys = ("fix", "resource", "calls", "documents", "undo", "affects", "bucket_wide")
    same = all(json.dumps(one[key]) == json.dumps(other[key]) for key in keys)
    return same and change.costs.keys() == planned.costs.keys()


def _failing(step: Step, hands: Hands) -> Finding | Result:
    """The finding as it is now, if it still fails."""
    finding = hands.judge(step.finding)
    if finding is None:
        return Result(step, Outcome.HELD, "it is not there any more, or cannot be seen")
    if finding.status is Status.FAIL:
        return finding
    if finding.status is Status.PASS:
        return Result(step, Outcome.ALREADY_RIGHT, finding.because)
    return Result(step, Outcome.HELD, f"it is {finding.status.value} now: {finding.because}")


def _planned_anew(step: Step, finding: Finding, hands: Hands) -> Change | Result:
    match plan_one(step.fix, finding, hands.planning, hands.utc(), hands.on_error):
        case Right(why, awaits):
            outcome = Outcome.AWAITING if awaits else Outcome.ALREADY_RIGHT
            return Result(step, outcome, awaits or why)
        case Held(why):
            return Result(step, Outcome.HELD, why)
        case Change() as change:
            return change


def _reasons(change: Change, finding: Finding, hands: Hands) -> tuple[str, ...]:
    """Why what is to be done now must not be: it may cost more than what was planned."""
    try:
        past = hands.journal.past()
    except StoreError as error:
        return (f"the journal cannot be read: {error}",)
    met = Circumstances(hands.utc(), hands.sweep_began, past, hands.killed())
    return why_held(change, finding, hands.planning.policy, met)


def _made(entry: Entry, hands: Hands) -> Entry:
    """Make the calls, each written down once answered. Raises StoreError.

    The first that fails ends it; where it is not known what came of a call, a look will tell.
    """
    for number, call in enumerate(entry.change.calls):
        killed = hands.killed()
        if killed and number:
            return _ended(entry, hands, Outcome.PARTIAL, f"the kill switch was thrown: {killed}")
        try:
            _patiently(call, hands)
        except (AwsError, CannotTellError) as error:
            sure = isinstance(error, CannotTellError) or is_certain(error)
            if not sure:
                return replace(entry, why=f"{call.name}: {error}")  # look what came of it
            outcome = Outcome.PARTIAL if number else Outcome.REFUSED
            return _ended(entry, hands, outcome, f"{call.name}: {error}")
        entry = replace(entry, done=number + 1)
        if number + 1 < len(entry.change.calls):
            hands.journal.put(entry)
    return entry


def is_certain(error: AwsError) -> bool:
    """Whether AWS said that it did not do it: a timeout or a server error says nothing."""
    return error.denied or 400 <= error.status < 500


def _patiently(call: Call, hands: Hands) -> None:
    """Make the call; while AWS is busy with the same thing, wait. Raises AwsError."""
    end, wait = hands.monotonic() + hands.verify_seconds, FIRST_WAIT
    while True:
        try:
            return hands.make(call)
        except AwsError as error:
            if error.code not in BUSY or hands.monotonic() + wait > end or hands.wait(wait):
                raise
            wait = min(LONGEST_WAIT, wait * 2)


def _proven(entry: Entry, finding: Finding, hands: Hands) -> Entry:
    """Look until it reads as it should, or the time for that is over."""
    end, wait = hands.monotonic() + hands.verify_seconds, FIRST_WAIT
    fix = hands.planning.fixes[entry.change.fix]
    while True:
        planned = plan_one(fix, finding, hands.planning, hands.utc(), hands.on_error)
        if isinstance(planned, Right):
            return _judged(entry, finding, planned, hands)
        if hands.monotonic() + wait > end or hands.wait(wait):
            break
        wait = min(LONGEST_WAIT, wait * 2)
    unsure = entry.done < len(entry.change.calls)
    why = planned.why if isinstance(planned, Held) else "it still reads as if nothing was done"
    said = f"{entry.why}; {why}" if entry.why else why
    if unsure:
        outcome = (
            Outcome.PARTIAL
            if entry.done or _calls(planned) != entry.change.calls
            else Outcome.REFUSED
        )
        return _ended(entry, hands, outcome, said)
    return _ended(entry, hands, Outcome.INEFFECTIVE, said)


def _calls(planned: Planned) -> tuple[Call, ...]:
    return planned.calls if isinstance(planned, Change) else ()


def _judged(entry: Entry, finding: Finding, right: Right, hands: Hands) -> Entry:
    """What it was for reads so; and what the rule says now."""
    if right.awaits:
        return _ended(entry, hands, Outcome.AWAITING, right.awaits)
    after = hands.judge(finding)
    if after is None or after.status is Status.PASS:
        return _ended(entry, hands, Outcome.APPLIED, right.why)
    still = f"{right.why}; the rule is {after.status.value} still: {after.because}"
    return _ended(entry, hands, Outcome.APPLIED, still)


def _ended(entry: Entry, hands: Hands, outcome: Outcome, why: str) -> Entry:
    return replace(entry, outcome=outcome, why=why, ended_at=max(hands.utc(), entry.began_at))
