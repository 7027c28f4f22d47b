"""Changes that were under way when the process ended: look what came of them, and close them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import structlog

from agent.remedy.making import Hands, ended, looked_for, named, same_calls
from agent.remedy.steps import plan_one
from controls.change import Change, Held, Planned, Right
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
        end = _undoing_closed(entry, hands) if entry.undoes else _closed(entry, hands)
        if end.outcome is None:
            log.warning("change_still_open", change=entry.id, why=end.why, **named(entry))
            continue
        if end.outcome is Outcome.UNDONE:
            note_undone(end, hands)
        hands.journal.put(end)
        log.info(
            "change_recovered",
            change=entry.id,
            outcome=end.outcome.value,
            why=end.why,
            **named(entry),
        )
        closed.append(end)
    return tuple(closed)


def note_undone(undoing: Entry, hands: Hands) -> None:
    """Say of the change that was put back, that and by what it was. Raises StoreError."""
    original = hands.journal.get(undoing.undoes)
    if original is not None:
        hands.journal.put(replace(original, undone_by=undoing.id))


def _closed(entry: Entry, hands: Hands) -> Entry:
    missing = _without_fix(entry, hands)
    if missing is not None:
        return missing
    match _seen(entry, hands, lambda now: isinstance(now, Right)):
        case Right(_, awaits):
            outcome = Outcome.AWAITING if awaits else Outcome.APPLIED
            why = f"found so after a restart: {awaits or entry.change.summary}"
            return ended(entry, hands, outcome, why)
        case Held(why):
            return replace(entry, why=why)
        case Change(calls=calls):
            if not entry.done and same_calls(calls, entry.change.calls):
                why = "the process ended before its first call took effect"
                return ended(entry, hands, Outcome.REFUSED, why)
            why = "the process ended in the middle of it: planned anew, it goes on from there"
            return ended(entry, hands, Outcome.PARTIAL, why)


def _undoing_closed(entry: Entry, hands: Hands) -> Entry:
    missing = _without_fix(entry, hands)
    if missing is not None:
        return missing
    now = _seen(entry, hands, lambda now: reads_undone(now, entry.change))
    if reads_undone(now, entry.change):
        why = "found so after a restart: it reads as before the change"
        return ended(entry, hands, Outcome.UNDONE, why)
    if isinstance(now, Held):
        return replace(entry, why=now.why)
    why = "the process ended in the middle of undoing it, and it does not read as before"
    return ended(entry, hands, Outcome.PARTIAL, why)


def reads_undone(now: Planned, undoing: Change) -> bool:
    """Whether it reads as before the change that `undoing` puts back.

    The fix has something to do again, and what was there is there again. What was not there and
    was made anew for it may have been left behind, as a parameter group is.
    """
    if not isinstance(now, Change):
        return False
    reads = {one.what: one.before for one in now.documents}
    return all(
        one.what in reads and reads[one.what] == one.after
        for one in undoing.documents
        if one.after is not None
    )


def _without_fix(entry: Entry, hands: Hands) -> Entry | None:
    if entry.change.fix in hands.planning.fixes:
        return None
    why = f"there is no fix {entry.change.fix} in this version: look at it by hand"
    return ended(entry, hands, Outcome.PARTIAL, why)


def _seen(entry: Entry, hands: Hands, enough: Callable[[Planned], bool]) -> Planned:
    """What is seen. Just begun, its last call may still be on its way: that is waited for."""
    fix, finding = hands.planning.fixes[entry.change.fix], stand_in(entry)
    age = (hands.utc() - entry.began_at).total_seconds()
    patience = min(hands.verify_seconds, max(0.0, hands.verify_seconds - age))
    return looked_for(
        patience,
        lambda: plan_one(fix, finding, hands.planning, hands.utc(), hands.on_error),
        hands,
        enough,
    )


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
