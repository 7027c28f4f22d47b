"""A process that writes changes down and says each line once it is written, until it is killed.

`python -m tests.agent.store.journaling URL FIRST`. A line is `ID DONE OUTCOME`.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from agent.store.keeper import Keeper
from controls.remedy import Entry, Outcome
from tests.controls.changes import NOW, call, change, entry

CALLS = 3


def main(url: str, number: int) -> None:
    """Change after change, from this number on."""
    keeper = Keeper(url, history_days=400)
    keeper.open()
    assert keeper.up, keeper.problem
    while True:
        one = entry(f"change-{number:06}", change=change(calls=(call(),) * CALLS), outcome=None)
        _written(keeper, one)
        for done in range(1, CALLS + 1):
            one = replace(one, done=done)
            _written(keeper, one)
        _written(keeper, replace(one, outcome=Outcome.APPLIED, ended_at=NOW))
        number += 1


def _written(keeper: Keeper, one: Entry) -> None:
    keeper.journal(one)
    sys.stdout.write(f"{one.id} {one.done} {one.outcome or 'open'}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
