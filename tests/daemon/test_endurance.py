"""Many sweeps, reloads and pages leave no thread, socket or file behind."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.agent_process import AgentProcess, Agents, eventually

WARM_UP = 4
SWEEPS = 20
PAGES = ("/", "/findings", "/targets", "/rules", "/agent", "/metrics", "/api/v1/findings")

SELDOM = {"full_seconds": 3_600, "freshness_seconds": 3_600, "spread_seconds": 0}
"""Sweeps only when asked: between two of them nothing is under way."""


def threads(agent: AgentProcess) -> int:
    """Threads of the process."""
    return len(list(Path(f"/proc/{agent.process.pid}/task").iterdir()))


def opened(agent: AgentProcess) -> list[str]:
    """What its open descriptors lead to, sockets as one word."""
    found = []
    for each in Path(f"/proc/{agent.process.pid}/fd").iterdir():
        try:
            found.append(os.readlink(each).partition(":")[0])
        except OSError:
            continue  # closed meanwhile
    return sorted(found)


def sweeps(agent: AgentProcess, times: int) -> None:
    """One after the other, each asked for by SIGHUP, with every page looked at in between."""
    for number in range(len(agent.logged("sweep_ended")) + 1, times + 1):
        agent.send(signal.SIGHUP)
        eventually(partial(ended, agent, number), f"sweep {number}")
        assert {agent.get(page)[0] for page in PAGES} == {200}


def ended(agent: AgentProcess, number: int) -> bool:
    """Whether so many sweeps have ended."""
    return len(agent.logged("sweep_ended")) >= number


@pytest.mark.skipif(sys.platform != "linux", reason="counts what /proc shows, which is Linux's")
def test_twenty_sweeps_leave_no_thread_socket_or_file_behind(agents: Agents) -> None:
    # With one worker each client holds one connection, however the machine's load falls.
    agent = agents.start({"intervals": SELDOM, "workers": 1})
    eventually(lambda: agent.logged("sweep_ended"), "the first sweep")
    sweeps(agent, WARM_UP)  # the pools of threads and connections fill
    had_threads, had_opened = threads(agent), opened(agent)

    sweeps(agent, WARM_UP + SWEEPS)

    eventually(lambda: threads(agent) <= had_threads, f"{had_threads} threads as before")
    eventually(
        lambda: len(opened(agent)) <= len(had_opened),
        f"{len(had_opened)} open files as before ({had_opened})",
    )
    assert len(agent.logged("reloaded")) == WARM_UP + SWEEPS - 1
    assert {line["outcome"] for line in agent.logged("sweep_ended")} == {"complete"}
    assert agent.stop() == 0
