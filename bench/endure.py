"""The agent, made to sweep one time after the other, saying in between what it holds.

Run by `bench.steady` as a process of its own. It is the whole agent: only the calls to AWS may be
answered from a tape.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sqlite3
import sys
import threading
import time
import urllib.request
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

from agent.cli import build_parser
from agent.daemon.run import Agent, run
from agent.daemon.wanted_sweeps import Sweep
from agent.logs import configure
from bench.process import held
from bench.tape import Tape, TapedClients

PAGES = ("/", "/findings", "/targets", "/rules", "/agent", "/api/v1/findings")
SETTLE_SECONDS = 20.0
"""For connections and threads that are about to end."""

CONFIG = """\
state_directory: {state}
http: {{listen: "127.0.0.1:0"}}
intervals: {{full_seconds: 86400, freshness_seconds: 86400, spread_seconds: 0}}
"""


class Driver:
    """Asks for sweeps, and for a scrape and a page after each; then ends the agent."""

    def __init__(self, tape: Tape, sweeps: int, every: int, database: Path) -> None:
        """`every` so many sweeps what is held is noted."""
        self._tape = tape
        self._sweeps = sweeps
        self._every = every
        self._database = database
        self.seen: list[dict[str, Any]] = []
        self.problem = ""

    def start(self, agent: Agent) -> None:
        """Begin, on a thread of its own."""
        threading.Thread(target=self._drive, args=(agent,), name="driver", daemon=True).start()

    def _drive(self, agent: Agent) -> None:
        try:
            self._wait(agent, "")
            for number in range(1, self._sweeps + 1):
                self._sweep(agent, number)
                if number % self._every == 0 or number == self._sweeps:
                    self.seen.append({"sweeps": number, **self._held()})
            self._settle()
        except Exception as error:  # noqa: BLE001 - told by the process that waits for the figures
            self.problem = f"{type(error).__name__}: {error}"
        os.kill(os.getpid(), signal.SIGTERM)

    def _sweep(self, agent: Agent, number: int) -> None:
        self._tape.sweep = number
        before = agent.sweeper.last[Sweep.FULL.value].id
        agent.parts.wanted.ask(Sweep.FULL)
        self._wait(agent, before)
        get(f"{agent.url}/metrics")
        get(agent.url + PAGES[number % len(PAGES)])

    def _wait(self, agent: Agent, before: str) -> None:
        """Until a full sweep has ended that is not the one before."""
        deadline = time.monotonic() + 300
        while True:
            last = agent.sweeper.last.get(Sweep.FULL.value)
            if last is not None and last.id != before and agent.sweeper.running is None:
                break
            if time.monotonic() > deadline:
                raise RuntimeError("a sweep did not end")
            time.sleep(0.02)
        if last.outcome != "complete":
            raise RuntimeError(f"a sweep was {last.outcome}: {last.reason}")

    def _held(self) -> dict[str, Any]:
        size = sum(path.stat().st_size for path in self._database.parent.glob("*.db*"))
        return {**asdict(held()), "database": size, "made": self._tape.made}

    def _settle(self) -> None:
        """What is about to end may: then the last figures are of what was left behind."""
        first, deadline = self.seen[0], time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            now = self._held()
            if now["threads"] <= first["threads"] and now["files"] <= first["files"]:
                break
            time.sleep(0.5)
        self.seen[-1] |= {name: now[name] for name in ("threads", "files", "sockets")}


def get(url: str) -> None:
    """Ask for the page and read it to its end."""
    asked = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})  # noqa: S310 - ours
    with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310 - our own agent
        answer.read()


def stored(database: Path) -> dict[str, int]:
    """How many sweeps and events are in the store."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        count = "SELECT (SELECT count(*) FROM sweeps), (SELECT count(*) FROM events)"
        sweeps, events = store.execute(count).fetchone()
    return {"sweeps": sweeps, "events": events}


def main() -> None:
    """Sweep as often as is asked, then print what was held as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.endure", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sweeps", type=int, required=True)
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--replay", action="store_true")
    options = parser.parse_args()
    config, database = options.folder / "trailkeeper.yaml", options.folder / "state/trailkeeper.db"
    config.write_text(CONFIG.format(state=database.parent))
    configure(logging.INFO)
    tape = TapedClients.tape = Tape(replay=options.replay)
    driver = Driver(tape, options.sweeps, options.every, database)
    args = build_parser().parse_args(["--config", str(config)])
    with patch("agent.aws.calls.Clients", TapedClients):
        code = run(args, driver.start)
    found = {"code": code, "problem": driver.problem, "seen": driver.seen}
    json.dump({**found, "stored": stored(database)}, sys.stdout)


if __name__ == "__main__":
    main()
