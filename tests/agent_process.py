"""The agent as its users run it: a process of its own, watched over HTTP and its log.

Use it by importing the fixture into a conftest: `from tests.agent_process import agents`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds until what should happen counts as not happening, on a busy machine."""

QUICK = {"full_seconds": 2, "freshness_seconds": 1, "spread_seconds": 0, "reload_seconds": 1}
"""Intervals for a test that wants to see several sweeps."""


def eventually(look: Callable[[], T | None], what: str, *, seconds: float = PATIENCE) -> T:
    """What `look` gives once it gives something; fails, saying what never came."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come within {seconds:.0f} s; seen last: {found}")
        time.sleep(0.1)


@dataclass
class AgentProcess:
    """A running agent: its address, files and process."""

    folder: Path
    process: subprocess.Popen[bytes]
    settings: Mapping[str, Any]
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.folder / "trailkeeper.yaml"

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; 0 where nobody answers."""
        request = urllib.request.Request(self.url + path, headers=self.headers)  # noqa: S310 - ours
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - ours
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metrics(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Every sample by (name, labels)."""
        status, page = self.get("/metrics")
        assert status == 200, page
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
        }

    def metric(self, name: str, **labels: str) -> float | None:
        """The sum over the series that carry these labels; None where there is none."""
        wanted = set(labels.items())
        found = [
            value for (one, have), value in self.metrics().items() if one == name and wanted <= have
        ]
        return sum(found) if found else None

    def report(self) -> dict[str, Any]:
        """The findings document."""
        status, body = self.get("/api/v1/findings")
        assert status == 200, body
        document: dict[str, Any] = json.loads(body)
        return document

    def finding(self, rule: str, resource: str) -> dict[str, Any] | None:
        """The finding of a rule on a resource, if there is one."""
        for each in self.report()["findings"]:
            if (each["rule"], each["resource"]) == (rule, resource):
                return dict(each)
        return None

    def until(self, rule: str, resource: str, status: str | None) -> dict[str, Any]:
        """Wait until the finding has this status; None: until it is gone."""

        def look() -> dict[str, Any] | None:
            found = self.finding(rule, resource)
            if status is None:
                return {"gone": True} if found is None else None
            return found if found and found["status"] == status else None

        return eventually(look, f"{rule} on {resource}: {status}")

    def swept(self, kind: str = "full", times: float = 1) -> None:
        """Wait until so many more sweeps of that kind have ended."""
        before = self.metric("trailkeeper_sweeps_total", sweep=kind) or 0.0

        def look() -> bool:
            return (self.metric("trailkeeper_sweeps_total", sweep=kind) or 0.0) >= before + times

        eventually(look, f"{times} more {kind} sweeps")

    def log(self) -> list[dict[str, Any]]:
        """Every line it logged."""
        lines = (self.folder / "log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def logged(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """The lines of one event that carry these fields."""
        return [
            line for line in self.log() if line["event"] == event and fields.items() <= line.items()
        ]

    def write(self, settings: Mapping[str, Any]) -> None:
        """Another configuration, at once as Kubernetes writes one."""
        new = self.folder / "new.yaml"
        new.write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")
        new.replace(self.config)

    def send(self, number: int) -> None:
        """Send it."""
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM, *, within: float = 15.0) -> int:
        """Send the signal; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(within)

    def said(self) -> str:
        """Everything on stderr."""
        return (self.folder / "log").read_text()


@dataclass
class Agents:
    """Starts agents, and ends those that a test left."""

    folder: Path
    environment: Mapping[str, str]
    running: list[AgentProcess] = field(default_factory=list)

    def start(
        self,
        settings: Mapping[str, Any] | None = None,
        *,
        name: str = "agent",
        serving: bool = True,
        arguments: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> AgentProcess:
        """An agent with these settings, on a free port, its state in a folder of that name.

        Waits until it serves, unless not `serving`.
        """
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        written = {
            "intervals": QUICK,
            "state_directory": str(folder / "state"),
            "http": {"listen": "127.0.0.1:0"},
            **(settings or {}),
        }
        config = folder / "trailkeeper.yaml"
        config.write_text(yaml.safe_dump(written), encoding="utf-8")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "agent", "--config", str(config), *arguments],
                stderr=log,
                env={**os.environ, **self.environment, **(environment or {})},
            )
        agent = AgentProcess(folder, process, written)
        self.running.append(agent)
        if serving:
            agent.url = str(eventually(lambda: self._url(agent), "the address it serves at"))
            eventually(lambda: agent.get("/readyz")[0] == 200, "an answer of /readyz")
        return agent

    @staticmethod
    def _url(agent: AgentProcess) -> str | None:
        assert agent.process.poll() is None, agent.said()
        started = agent.logged("agent_started")
        return str(started[0]["url"]) if started else None

    def end(self) -> None:
        """Kill what still runs."""
        for agent in self.running:
            if agent.process.poll() is None:
                agent.process.kill()
            agent.process.wait(10)


@pytest.fixture
def agents(tmp_path: Path) -> Iterator[Agents]:
    """Starts agents; `environment` is to be set to where AWS is simulated."""
    made = Agents(tmp_path, {})
    yield made
    made.end()
