"""`trailkeeper undo CHANGE`: put back what a change replaced, where that is still safe."""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack

from agent.commands.remediate import open_books, surroundings
from agent.loading import load
from agent.output import printable, write_result
from agent.remedy.rounds import hands_of, recover_open
from agent.remedy.undoing import undo, why_not
from agent.stop import NO_VERDICT, WRONG_USE, StopError
from agent.store.records import StoreError
from controls.remedy import Outcome

FAILED = 1


def run(args: Namespace) -> int:
    """0: it reads as before the change. 1: it does not. Raises StopError where it must not be."""
    loaded = load(args)
    try:
        with ExitStack() as end:
            books = open_books(loaded, end)
            around = surroundings(loaded, args, end, books)
            recover_open(loaded, around)
            entry = books.entry(args.change)
            if entry is None:
                raise StopError(
                    WRONG_USE,
                    f"there is no change {args.change} in the store {books.where}: a line of "
                    "--check --remediate, the log and the page /changes name them",
                )
            hands = hands_of(loaded, around, around.read.utc())
            reason = why_not(entry, hands)
            if reason:
                raise StopError(WRONG_USE, f"change {entry.id} is not undone: {reason}")
            undoing = undo(entry, hands)
    except StoreError as error:
        raise StopError(
            NO_VERDICT, f"nothing is changed without a journal that lasts: {error}"
        ) from error
    outcome = undoing.outcome or Outcome.PARTIAL
    told = f"{outcome.value}  change {entry.id} by change {undoing.id}: {undoing.why}\n"
    write_result(printable(f"{told}        which was: {entry.change.summary}"), args.output)
    return 0 if outcome is Outcome.UNDONE else FAILED
