"""Make one change: look, write down what is meant, act, look again, write down what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from uuid import uuid4

import structlog

from agent.remedy.making import (
    ENDING,
    Hands,
    MovedOnError,
    Still,
    ended,
    looked,
    made,
    named,
    same_calls,
    why_halted,
)
from agent.remedy.steps import Blind, Step, plan_one, why_not_now
from agent.store.records import StoreError
from controls.change import Change, Cost, Held, Planned, Right
from controls.guard import Circumstances
from controls.model import Finding, Status
from controls.remedy import Entry, Outcome, change_to_json

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a step. `entry` is its line in the journal, if it came to that."""

    step: Step
    outcome: Outcome
    why: str
    entry: Entry | None = None


def act(step: Step, hands: Hands, *, exactly: bool = False) -> Result:
    """Carry out a step that nothing holds. `exactly`: only what was planned, nothing newer.

    Never raises for AWS's or the store's sake. The entry stays open in the journal where that
    cannot be written any more, or the agent ends before it could be seen what came of the change:
    the next start looks.
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
        entry = made(entry, hands, _still(entry, finding, hands))
        entry = entry if entry.outcome else _proven(entry, finding, hands)
        hands.journal.put(entry)
    except StoreError as error:
        log.warning("change_not_written", change=entry.id, problem=str(error), **named(entry))
        return Result(step, Outcome.PARTIAL, f"what came of it cannot be written: {error}", entry)
    if entry.outcome is None:
        log.warning("change_left_open", change=entry.id, why=entry.why, **named(entry))
        return Result(step, Outcome.PARTIAL, entry.why, entry)
    log.info(
        "change_ended", change=entry.id, outcome=entry.outcome.value, why=entry.why, **named(entry)
    )
    return Result(step, entry.outcome, entry.why, entry)


# ---------------------------------------------------------------- before


def _look(step: Step, hands: Hands, *, exactly: bool) -> tuple[Change, Finding] | Result:
    """Whether it must still be done, and what exactly: afresh, by the same rule and fix."""
    halted = why_halted(hands)
    if halted:
        return Result(step, Outcome.HELD, halted)
    finding = _failing(step, hands)
    if isinstance(finding, Result):
        return finding
    change = _planned_anew(step, finding, hands)
    if isinstance(change, Result):
        return change
    if exactly and not (_same(change, step.change) and _deletes_the_same(change, step.change)):
        return Result(step, Outcome.HELD, "the world has moved on since it was planned: plan anew")
    reasons = _reasons(change, finding, hands)
    return Result(step, Outcome.HELD, "; ".join(reasons)) if reasons else (change, finding)


def _same(change: Change, planned: Change | None) -> bool:
    """Whether it would still do what was planned: the same calls on the same documents."""
    if planned is None:
        return False
    one, other = change_to_json(change), change_to_json(planned)
    keys = ("fix", "resource", "calls", "documents", "undo", "affects", "bucket_wide")
    same = all(
        json.dumps(one[key], sort_keys=True) == json.dumps(other[key], sort_keys=True)
        for key in keys
    )
    return same and change.costs.keys() == planned.costs.keys()


def _deletes_the_same(change: Change, planned: Change | None) -> bool:
    """It is said in numbers: whoever agreed to them has not agreed to others."""
    before = planned.costs.get(Cost.DESTROYS) if planned else None
    return change.costs.get(Cost.DESTROYS) == before


def _failing(step: Step, hands: Hands) -> Finding | Result:
    """The finding as it is now, if it still fails."""
    finding = _judge(step.finding, hands)
    if finding is None:
        return Result(step, Outcome.HELD, "it is not there any more, or cannot be seen")
    if finding.status is Status.FAIL:
        return finding
    if finding.status is Status.PASS:
        return Result(step, Outcome.ALREADY_RIGHT, finding.because)
    return Result(step, Outcome.HELD, f"it is {finding.status.value} now: {finding.because}")


def _judge(finding: Finding, hands: Hands) -> Finding | None:
    """None, too, where the look itself fails inside Trailkeeper: that is said and counted."""
    try:
        return hands.judge(finding)
    except Exception:  # one look: a change under way must still come to its end
        hands.on_error("remediation")
        log.exception("look_failed", finding=finding.id)
        return None


def _planned_anew(step: Step, finding: Finding, hands: Hands) -> Change | Result:
    match _plan(step.fix.name, finding, hands):
        case Right(why, awaits):
            outcome = Outcome.AWAITING if awaits else Outcome.ALREADY_RIGHT
            return Result(step, outcome, awaits or why)
        case Held(why):
            return Result(step, Outcome.HELD, why)
        case Change() as change:
            return change


def _plan(name: str, finding: Finding, hands: Hands) -> Planned:
    planning = hands.planning
    return plan_one(planning.fixes[name], finding, planning, hands.utc(), hands.on_error)


def _reasons(change: Change, finding: Finding, hands: Hands) -> tuple[str, ...]:
    """Why what is to be done now must not be: it may cost more than what was planned."""
    try:
        past = hands.journal.past()
    except StoreError as error:
        return (f"the journal cannot be read: {error}",)
    met = Circumstances(hands.utc(), hands.sweep_began, past, hands.killed())
    return why_not_now(change, finding, hands.planning, met)


def _still(entry: Entry, finding: Finding, hands: Hands) -> Still:
    """Whether planning now gives the calls that are left, on documents that are the same."""

    def still(number: int) -> bool:
        planned = _plan(entry.change.fix, finding, hands)
        match planned:
            case Change(calls=calls) if same_calls(calls, entry.change.calls[number:]):
                if number or _same(planned, entry.change):
                    return True
            case Right(why):
                raise MovedOnError(f"somebody else put it right: {why}")
            case Held(later=True):
                return False
            case Held(why):
                raise MovedOnError(why)
        raise MovedOnError("what is to be changed became another: it is planned anew")

    return still


# ---------------------------------------------------------------- after


def _proven(entry: Entry, finding: Finding, hands: Hands) -> Entry:
    """Look until it reads as it should, or the time for that is over."""
    planned = looked(
        lambda: _plan(entry.change.fix, finding, hands), hands, lambda now: isinstance(now, Right)
    )
    if isinstance(planned, Right):
        return _judged(entry, finding, planned, hands)
    if hands.wait(0.0):
        why = f"{ENDING}: the next start looks what came of it"
        return replace(entry, why=f"{entry.why}; {why}" if entry.why else why)
    if entry.done < len(entry.change.calls):
        return _unsure(entry, planned, hands)
    match planned:
        case Blind(why):
            seen = f"it was made, and cannot be seen: {why}"
            return ended(entry, hands, Outcome.INEFFECTIVE, seen)
        case Held(why, later=True):
            return ended(entry, hands, Outcome.AWAITING, why)
        case _:
            return ended(entry, hands, Outcome.INEFFECTIVE, _still_reads(entry, planned))


def _still_reads(entry: Entry, planned: Planned) -> str:
    match planned:
        case Held(why) | Right(why):
            return why
        case Change(calls=calls) if same_calls(calls, entry.change.calls):
            return "it still reads as if nothing was done"
        case Change(summary=summary):
            return f"it does not read as it should; planned anew: {summary}"


def _unsure(entry: Entry, planned: Planned, hands: Hands) -> Entry:
    """It is not known what came of a call, and it did not read right in time.

    That it reads as before is no proof: the call may yet be carried out. So it is not `refused`.
    """
    if isinstance(planned, Change) and same_calls(planned.calls, entry.change.calls):
        why = f"{entry.why}; it reads as if nothing was done"
        return ended(entry, hands, Outcome.INEFFECTIVE, why)
    return ended(entry, hands, Outcome.PARTIAL, f"{entry.why}; {_still_reads(entry, planned)}")


def _judged(entry: Entry, finding: Finding, right: Right, hands: Hands) -> Entry:
    """What it was for reads so; and what the rule says now."""
    if right.awaits:
        return ended(entry, hands, Outcome.AWAITING, right.awaits)
    after, summary = _judge(finding, hands), entry.change.summary
    if after is None or after.status is Status.PASS:
        return ended(entry, hands, Outcome.APPLIED, summary)
    still = f"{summary.rstrip('.')}; the rule is {after.status.value} still: {after.because}"
    return ended(entry, hands, Outcome.APPLIED, still)
