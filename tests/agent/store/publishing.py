"""A process that keeps sweeps and says each when it may be published, until it is killed.

`python -m tests.agent.store.publishing URL SEED FIRST`
"""

from __future__ import annotations

import sys

from agent.store.keeper import Keeper
from tests.agent.store.states import drifting, swept


def main(url: str, seed: int, number: int) -> None:
    """Sweep after sweep, from this number on."""
    keeper = Keeper(url, history_days=400)
    state = keeper.open()
    assert keeper.up, keeper.problem
    while True:
        record, state, events = swept(state, number, drifting(number, seed, clusters=20))
        state = keeper.keep(record, state, events)
        assert keeper.up, keeper.problem
        sys.stdout.write(f"{record.id}\n")
        sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
