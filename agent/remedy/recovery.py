"""Changes that were under way when the process ended: look what came of them, and close them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import structlog

from agent.remedy.acting import Hands, named
from agent.remedy.steps import plan_one
from controls.change import Change, Held, Right
from controls.model import Finding, Severity, Status
from controls.remedy import Entry, Outcome

log = structlog.get_logger()


def recover(open_entries: Iterable[Entry], hands: Hands) -> tuple[Entry, ...]:
    """Close each of them by what is seen now. What cannot be seen stays open; nothing is made.

    Raises:
        StoreError: the journal cannot be written.
    """
    closed: list[Entry] = []
    for entry in open_entries:
        ended = _closed(entry, hands)
        if ended.outcome is None:
            log.warning("change_still_open", change=entry.id, why=ended.why, **named(entry))
            continue
        hands.journal.put(ended)
        log.info(
            "change_recovered",
            change=entry.id,
            outcome=ended.outcome.value,
            why=ended.why,
            **named(entry),
        )
        closed.append(ended)
    return tuple(closed)


def _closed(entry: Entry, hands: Hands) -> Entry:
    if entry.undoes:
        return _end(entry, hands, Outcome.PARTIAL, "ended while it was being undone: look at it")
    fix = hands.planning.fixes.get(entry.change.fix)
    if fix is None:
        why = f"there is no fix {entry.change.fix} in this version"
        return _end(entry, hands, Outcome.PARTIAL, why)
    match plan_one(fix, stand_in(entry), hands.planning, hands.utc(), hands.on_error):
        case Right(why, awaits):
            outcome = Outcome.AWAITING if awaits else Outcome.APPLIED
            return _end(entry, hands, outcome, f"found so after a restart: {awaits or why}")
        case Held(why):
            return replace(entry, why=why)
        case Change(calls=calls):
            if not entry.done and calls == entry.change.calls:
                why = "the process ended before its first call took effect"
                return _end(entry, hands, Outcome.REFUSED, why)
            why = "the process ended in the middle of it: planned anew, it goes on from there"
            return _end(entry, hands, Outcome.PARTIAL, why)


def stand_in(entry: Entry) -> Finding:
    """As much of a finding as planning asks for."""
    return Finding(
        entry.rule,
        "",
        Severity.LOW,
        Status.FAIL,
        entry.change.ref,
        entry.change.summary,
        params=entry.change.params,
    )


def _end(entry: Entry, hands: Hands, outcome: Outcome, why: str) -> Entry:
    return replace(entry, outcome=outcome, why=why, ended_at=max(hands.utc(), entry.began_at))
