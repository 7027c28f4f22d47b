"""kill -9 at any moment: nothing that was published is lost, and nothing is broken."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

from sqlalchemy import text

from agent.store.store import Store
from tests.agent.store.test_store import opened, replayed, unsettled

HERE = Path(__file__).resolve().parents[3]
ROUNDS = 4


def test_what_was_published_is_there_after_kill_9(url: str) -> None:
    chance = random.Random(20261122)  # noqa: S311 - moments that can be repeated
    published: list[str] = []
    for round_ in range(ROUNDS):
        published += _published_until_killed(url, round_, chance)

        with opened(url) as store:
            kept = [record.id for record in store.sweeps(limit=1_000_000)]
            assert set(published) <= set(kept)
            assert len(set(kept) - set(published)) <= round_ + 1  # written, and killed before
            assert replayed(store) == unsettled(store.load())
            if url.startswith("sqlite"):
                assert _integrity(store) == ["ok"]
    assert len(published) > ROUNDS * 5


def _published_until_killed(url: str, round_: int, chance: random.Random) -> list[str]:
    first = round_ * 100_000
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.agent.store.publishing", url, "3", str(first)],
        stdout=subprocess.PIPE,
        cwd=HERE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(chance.randint(3, 40))]
        # Anywhere within the next sweep: what it publishes until then counts too.
        killer = threading.Timer(chance.uniform(0, 0.03), child.kill)
        killer.start()
        lines += child.stdout.readlines()
        killer.join()
    assert child.returncode == -9
    return [line.strip() for line in lines if line.endswith("\n")]


def _integrity(store: Store) -> list[str]:
    with store._engine.connect() as connection:
        return [row[0] for row in connection.execute(text("PRAGMA integrity_check"))]
