"""The wall clock is set while the agent runs: its schedule, its history and its health stand."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from agent.store.opening import open_store
from tests.agent_process import AgentProcess, Agents, eventually
from tests.daemon.test_truth import LOGS, RULE, forever, healed
from tests.sandbox_server import Sandbox


class Clock:
    """The wall clock of processes that are started with `environment`."""

    def __init__(self, folder: Path, library: Path) -> None:
        self._file = folder / "clock"
        self._library = library
        self.set(timedelta())

    def set(self, ahead: timedelta) -> None:
        """So far from the true time, from now on; the monotonic clock goes on as it did."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead.total_seconds():+.0f}")
        new.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process go by it."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_CACHE_DURATION": "1",
        }


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """A clock that is right until it is set."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        why = "no libfaketime here: install the package libfaketime"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return Clock(tmp_path, found[0])


def sweeps(agent: AgentProcess) -> float:
    """Full sweeps that ended."""
    return agent.metric("trailkeeper_sweeps_total", sweep="full") or 0.0


def asked(agent: AgentProcess) -> float:
    """Sweeps that were due, whether they ran or were left out."""
    ran = agent.metric("trailkeeper_sweeps_total") or 0.0
    return ran + (agent.metric("trailkeeper_sweeps_skipped_total") or 0.0)


def times(agent: AgentProcess) -> list[datetime]:
    """When what is stored of the finding happened, the oldest first."""
    found = open_store(f"sqlite:///{agent.folder / 'state' / 'trailkeeper.db'}", lock=False)
    try:
        events = [one for one in found.events() if (one.rule, one.ref.name) == (RULE, LOGS)]
    finally:
        found.close()
    return [one.at for one in reversed(events)]


def test_the_clock_is_set_back_an_hour_and_then_ahead_a_day(
    agents: Agents, right: Sandbox, clock: Clock
) -> None:
    every_second = {"full_seconds": 1, "freshness_seconds": 60, "spread_seconds": 0}
    agent = agents.start({"intervals": every_second}, environment=clock.environment)
    agent.until(RULE, LOGS, "pass")
    right.plant([forever()])
    since = datetime.fromisoformat(agent.until(RULE, LOGS, "fail")["since"])

    # Back: by it, nothing would be due for an hour.
    clock.set(-timedelta(hours=1))
    right.plant([healed()])
    eventually(lambda: agent.logged("schedule_stood_still", kind="full"), "a revival", seconds=30)
    before = sweeps(agent)
    eventually(lambda: sweeps(agent) > before + 2, "three more sweeps", seconds=30)
    assert len(agent.logged("schedule_stood_still", kind="full")) == 1, "revived once, it goes on"
    assert datetime.fromisoformat(agent.until(RULE, LOGS, "pass")["since"]) >= since
    assert agent.get("/healthz")[0] == 200

    # Ahead: tens of thousands of sweeps would have been due.
    before, began = asked(agent), time.monotonic()
    clock.set(timedelta(days=1))
    ended = sweeps(agent)
    eventually(lambda: sweeps(agent) > ended + 2, "three more sweeps", seconds=30)
    assert asked(agent) - before < 10 + 3 * (time.monotonic() - began)
    assert agent.get("/healthz")[0] == 200
    assert agent.metric("trailkeeper_store_up") == 1
    assert agent.stop() == 0

    told = times(agent)
    assert len(told) == 2
    assert all(one <= other for one, other in pairwise(told))
    assert "Traceback" not in agent.said()
