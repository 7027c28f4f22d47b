"""What the agent holds and uses between two sweeps: memory and CPU while nothing is due."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.estate_redshift import Size
from bench.harness import ROOT, TRAILKEEPER, Row, endpoint, environment, markdown, scratch, within
from bench.process import Held, held

SECONDS = 60.0
SCRAPE_SECONDS = 15.0
SETTLE_SECONDS = 2.0
"""What a sweep leaves to be done is of the sweep."""
PATIENCE = 300.0
RSS_MIB = 150
CPU_PERCENT = 1.0
SWEEPS = 4
"""After the idle minute, each with the configuration loaded anew and a look at every page."""
PAGES = ("/", "/findings", "/targets", "/rules", "/agent", "/api/v1/findings")
FULL_SECONDS = 900.0
"""The default interval of the full sweep."""


@dataclass(frozen=True, slots=True)
class Idle:
    """The agent after its first sweep, so many seconds later, and after more sweeps and pages."""

    first: Held
    after: Held
    later: Held
    seconds: float
    scrapes: int

    @property
    def sweep(self) -> float:
        """The CPU of one more sweep, with what belongs to it here, in seconds."""
        return (self.later.cpu - self.after.cpu) / SWEEPS


class Agent:
    """A running agent, watched through its log, its address and /proc."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        """`log` is where its stderr goes."""
        self._process = process
        self._log = log

    def logged(self, event: str, times: int = 1) -> dict[str, Any]:
        """The line of this event that comes so many times; waits for it.

        Raises:
            RuntimeError: it does not come.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            lines = [line for line in self._log.read_text().splitlines() if f'"{event}"' in line]
            if len(lines) >= times:
                found: dict[str, Any] = json.loads(lines[times - 1])
                return found
            time.sleep(0.2)
        raise RuntimeError(f"no {event}: {self._log.read_text()[-600:]}")

    def sweep(self) -> None:
        """Have it sweep at once: it does where it is told to take its configuration anew."""
        self._process.send_signal(signal.SIGHUP)

    def held(self) -> Held:
        """What it holds now."""
        return held(self._process.pid)


@contextmanager
def agent(folder: Path, address: str) -> Iterator[Agent]:
    """The agent with default settings, except for its port and where its state is.

    Bytecode is kept beside the folder: the next agent there does not compile.
    """
    config, log = folder / "trailkeeper.yaml", folder / "agent.log"
    config.write_text(f"state_directory: {folder / 'state'}\nhttp: {{listen: '127.0.0.1:0'}}\n")
    command = [str(TRAILKEEPER), "--config", str(config)]
    with (
        log.open("wb") as err,
        subprocess.Popen(
            command, env=environment(folder.parent, address), stderr=err, cwd=ROOT
        ) as process,
    ):
        try:
            yield Agent(process, log)
        finally:
            process.terminate()
            process.wait(timeout=30)


def watch(size: Size, seconds: float, folder: Path) -> Idle:
    """Start it, let it sweep, leave it but for the scrapes; then put it to work a few times.

    Raises:
        RuntimeError: it did not start or sweep.
    """
    with endpoint(size, 0) as address, agent(folder, address) as running:
        url = running.logged("agent_started")["url"]
        running.logged("sweep_ended")
        time.sleep(SETTLE_SECONDS)
        first, began, scrapes = running.held(), time.monotonic(), 0
        while (left := began + seconds - time.monotonic()) > 0:
            time.sleep(min(SCRAPE_SECONDS, left))
            get(f"{url}/metrics")
            scrapes += 1
        after, took = running.held(), time.monotonic() - began
        for number in range(SWEEPS):
            running.sweep()
            running.logged("sweep_ended", number + 2)
            for page in PAGES:
                get(url + page)
        time.sleep(SETTLE_SECONDS)
        return Idle(first, after, running.held(), took, scrapes)


def get(url: str) -> bytes:
    """The page, compressed where it can be, as Prometheus asks for it."""
    asked = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})  # noqa: S310 - ours
    with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310 - our own agent
        body: bytes = answer.read()
    return body


def rows(found: Idle, size: Size) -> list[Row]:
    """Memory and CPU against their targets."""
    what = f"idle agent, {size.clusters:,} clusters"
    percent = 100 * (found.after.cpu - found.first.cpu) / found.seconds
    then = f"{SWEEPS} more sweeps, reloads and looks at every page"
    return [
        within(f"{what}: resident memory after its first sweep", found.after.rss, RSS_MIB, "MiB"),
        within(f"{what}: resident memory after {then}", found.later.rss, RSS_MIB, "MiB"),
        Row(
            f"{what}: CPU over {found.seconds:.0f} s, {found.scrapes} scrapes",
            f"{percent:.2f} % of a core (a sweep, with those: {found.sweep:.1f} s, which every "
            f"15 minutes is {100 * found.sweep / FULL_SECONDS:.2f} %)",
            f"≤ {CPU_PERCENT:.0f} %",
            "ok" if percent <= CPU_PERCENT else "**over**",
        ),
    ]


def measure(folder: Path, seconds: float = SECONDS) -> list[Row]:
    """The rows, after a start that only compiles what is imported."""
    size = Size(200, 200)
    try:
        for name, how_long in (("warm-up", 0.0), ("idle", seconds)):
            own = folder / name
            own.mkdir()
            found = watch(size if how_long else Size(1, 1, 1), how_long, own)
    except RuntimeError as error:
        why = str(error).strip().replace("\n", " ")[-300:]
        return [Row("idle agent", why, "", "**not measured**")]
    return rows(found, size)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    with scratch() as folder:
        print(markdown(measure(folder, options.seconds)))


if __name__ == "__main__":
    main()
