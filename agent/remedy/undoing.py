"""Put back what a change replaced, where it is still ours to put back."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import structlog

from agent.remedy.making import ENDING, Hands, MovedOnError, Still, ended, looked, made, named
from agent.remedy.recovery import note_undone, reads_undone, stand_in
from agent.remedy.steps import Blind, plan_one
from controls.change import Change, Document, Held, Planned, Right
from controls.guard import why_undo_held
from controls.remedy import MADE, Entry, Outcome

log = structlog.get_logger()


def why_not(entry: Entry, hands: Hands) -> str:
    """Why it is not undone; empty where it can be. Looks afresh."""
    if entry.undoes:
        return f"it is itself the undoing of {entry.undoes}"
    if entry.outcome not in MADE:
        return f"nothing was changed: it is {entry.outcome.value if entry.outcome else 'under way'}"
    if entry.undone_by:
        return f"it was undone already, by {entry.undone_by}"
    if not entry.change.undo:
        return entry.change.no_undo or "nothing would put back what was there"
    closed = (hands.planning.closed(call.account) for call in entry.change.undo)
    reasons = [
        *why_undo_held(entry, hands.planning.policy, hands.utc(), hands.killed()),
        *filter(None, dict.fromkeys(closed)),
    ]
    if reasons:
        return "; ".join(reasons)
    return _not_ours(entry, hands)


def _not_ours(entry: Entry, hands: Hands) -> str:
    """Whether somebody changed it since: then what is there is theirs, not ours to replace."""
    if entry.change.fix not in hands.planning.fixes:
        return f"there is no fix {entry.change.fix} in this version"
    now = _plan(entry, hands)
    if isinstance(now, Blind):
        return now.why
    if not isinstance(now, Right):
        return "it does not read as the change left it: somebody changed it since"
    reads = {one.what: one.before for one in now.documents}
    for document in entry.change.documents:
        if document.what not in reads:
            return f"how {document.what} reads now cannot be compared with what the change left"
        if reads[document.what] != document.after:
            return f"{document.what} was changed by somebody since: put back by hand what you want"
    return ""


def _plan(entry: Entry, hands: Hands) -> Planned:
    fix = hands.planning.fixes[entry.change.fix]
    return plan_one(fix, stand_in(entry), hands.planning, hands.utc(), hands.on_error)


def undo(entry: Entry, hands: Hands) -> Entry:
    """Make the undo calls; the entry of the undoing, with its outcome.

    To be called where `why_not` has no reason. Where the agent ends before it could be seen what
    came of it, it stays open: the next start looks. Raises StoreError.
    """
    undoing = Entry(
        uuid4().hex[:12],
        entry.rule,
        reversed_change(entry.change),
        hands.utc(),
        undoes=entry.id,
    )
    hands.journal.put(undoing)
    log.info("undo_began", change=undoing.id, undoes=entry.id, **named(undoing))
    undoing = made(undoing, hands, _still(entry, hands))
    undoing = undoing if undoing.outcome else _proven(undoing, hands)
    if undoing.outcome is Outcome.UNDONE:
        # First: an end like this one, without its mark, would let the same be undone twice.
        note_undone(undoing, hands)
    hands.journal.put(undoing)
    log.info(
        "undo_ended",
        change=undoing.id,
        outcome=undoing.outcome.value if undoing.outcome else "open",
        why=undoing.why,
        **named(undoing),
    )
    return undoing


def _still(entry: Entry, hands: Hands) -> Still:
    """Before its first call: whether what is there is still what the change left."""

    def still(number: int) -> bool:
        if number == 0 and (why := _not_ours(entry, hands)):
            raise MovedOnError(why)
        return True

    return still


def reversed_change(change: Change) -> Change:
    """What undoing it does, as a change of its own; undoing that is planning anew."""
    return Change(
        fix=change.fix,
        ref=change.ref,
        summary=f"undo: {change.summary}",
        calls=change.undo,
        documents=tuple(Document(one.what, one.after, one.before) for one in change.documents),
        no_undo="the fix itself does it again",
        costs=change.undo_costs,
        affects=change.affects,
        bucket_wide=change.bucket_wide,
        tags=change.tags,
        params=change.params,
    )


def _proven(undoing: Entry, hands: Hands) -> Entry:
    """Look until it reads as before the change, or the time for that is over."""
    change = undoing.change
    now = looked(lambda: _plan(undoing, hands), hands, lambda seen: reads_undone(seen, change))
    if reads_undone(now, change):
        return ended(undoing, hands, Outcome.UNDONE, "it reads as before the change")
    if hands.wait(0.0):
        why = f"{ENDING}: the next start looks what came of it"
        return replace(undoing, why="; ".join(filter(None, (undoing.why, why))))
    why = "it does not read as it did before the change"
    said = [undoing.why, why, now.why if isinstance(now, Held) else ""]
    all_made = undoing.done == len(change.calls)
    outcome = Outcome.INEFFECTIVE if all_made or not undoing.done else Outcome.PARTIAL
    return ended(undoing, hands, outcome, "; ".join(filter(None, said)))
