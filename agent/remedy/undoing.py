"""Put back what a change replaced, where it is still ours to put back."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import structlog

from agent.remedy.acting import Hands, named
from agent.remedy.recovery import stand_in
from agent.remedy.steps import plan_one
from controls.change import Change, Document, Right
from controls.guard import why_undo_held
from controls.model import AwsError, CannotTellError
from controls.remedy import MADE, Entry, Outcome

log = structlog.get_logger()


def why_not(entry: Entry, hands: Hands) -> str:
    """Why it is not undone; empty where it can be. Looks afresh."""
    if entry.outcome not in MADE:
        return f"nothing was changed: it is {entry.outcome.value if entry.outcome else 'under way'}"
    if entry.undone_by:
        return f"it was undone already, by {entry.undone_by}"
    if not entry.change.undo:
        return entry.change.no_undo or "nothing would put back what was there"
    reasons = why_undo_held(entry, hands.planning.policy, hands.utc(), hands.killed())
    if reasons:
        return "; ".join(reasons)
    return _not_ours(entry, hands)


def _not_ours(entry: Entry, hands: Hands) -> str:
    """Whether somebody changed it since: then what is there is theirs, not ours to replace."""
    fix = hands.planning.fixes.get(entry.change.fix)
    if fix is None:
        return f"there is no fix {entry.change.fix} in this version"
    now = plan_one(fix, stand_in(entry), hands.planning, hands.utc(), hands.on_error)
    if not isinstance(now, Right):
        return "it does not read as the change left it: somebody changed it since"
    reads = {one.what: one.before for one in now.documents}
    for document in entry.change.documents:
        if document.what not in reads:
            return f"how {document.what} reads now cannot be compared with what the change left"
        if reads[document.what] != document.after:
            return f"{document.what} was changed by somebody since: put back by hand what you want"
    return ""


def undo(entry: Entry, hands: Hands) -> Entry:
    """Make the undo calls; the entry of the undoing, with its outcome.

    To be called where `why_not` has no reason. Raises StoreError.
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
    for number, call in enumerate(undoing.change.calls):
        try:
            hands.make(call)
        except (AwsError, CannotTellError) as error:
            outcome = Outcome.PARTIAL if number else Outcome.REFUSED
            return _end(undoing, hands, outcome, f"{call.name}: {error}")
        undoing = replace(undoing, done=number + 1)
        hands.journal.put(undoing)
    undoing = _proven(undoing, entry, hands)
    if undoing.outcome is Outcome.UNDONE:
        hands.journal.put(replace(entry, undone_by=undoing.id))
    return undoing


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


def _proven(undoing: Entry, entry: Entry, hands: Hands) -> Entry:
    """Look until it reads as before the change, or the time for that is over."""
    fix = hands.planning.fixes[entry.change.fix]
    end, wait = hands.monotonic() + hands.verify_seconds, 1.0
    before = {one.what: one.before for one in entry.change.documents}
    while True:
        now = plan_one(fix, stand_in(entry), hands.planning, hands.utc(), hands.on_error)
        reads = {one.what: one.before for one in getattr(now, "documents", ())}
        if before and all(reads.get(what, _NONE) == was for what, was in before.items()):
            return _end(undoing, hands, Outcome.UNDONE, "it reads as before the change")
        if hands.monotonic() + wait > end or hands.wait(wait):
            why = "it does not read as it did before the change"
            return _end(undoing, hands, Outcome.INEFFECTIVE, why)
        wait = min(10.0, wait * 2)


_NONE = object()


def _end(entry: Entry, hands: Hands, outcome: Outcome, why: str) -> Entry:
    ended = replace(entry, outcome=outcome, why=why, ended_at=max(hands.utc(), entry.began_at))
    hands.journal.put(ended)
    log.info("undo_ended", change=entry.id, outcome=outcome.value, why=why, **named(entry))
    return ended
