"""A sweep that goes wrong inside, or a thread that dies: counted, said, and the next is fine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from agent.cli import build_parser
from agent.daemon import sweeper as module
from agent.daemon.reload import Reloader
from agent.daemon.schedule import Schedule
from agent.daemon.sweeper import Parts, Sweeper, part_of
from agent.daemon.view import AgentView
from agent.daemon.wanted_sweeps import Sweep, WantedSweeps
from agent.daemon.watchdog import Limits, Watchdog
from agent.loading import Loaded, load
from agent.metrics.own import Own
from agent.metrics.pages import Pages
from agent.stop import NO_VERDICT, WRONG_USE, StopError
from agent.store.keeper import Keeper
from agent.web.app import build
from controls.model import Status
from tests.agent_process import eventually
from tests.daemon.test_truth import RULE
from tests.sandbox_server import Sandbox


@dataclass
class Inside:
    """The parts of an agent in this process; no schedule asks for anything."""

    parts: Parts
    sweeper: Sweeper
    view: AgentView
    client: TestClient
    loaded: Loaded

    def sweep(self, kind: Sweep = Sweep.FULL) -> None:
        """One sweep, through to its end."""
        before = self.metric("trailkeeper_sweeps_total")
        self.parts.wanted.ask(kind)
        eventually(lambda: self.metric("trailkeeper_sweeps_total") > before, "its end")

    def metric(self, name: str, **labels: str) -> float:
        """The sum over the series that carry these labels; the page has to be there."""
        answer = self.client.get("/metrics", headers={"accept-encoding": "identity"})
        assert answer.status_code == 200
        return sum(
            sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def rules(self) -> set[str]:
        """Those that something is known of."""
        return {one.finding.rule for one in self.sweeper.state.findings.values()}


@pytest.fixture
def inside(right: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inside]:
    """An agent that has started and not swept yet."""
    for name, value in right.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    args = build_parser().parse_args([])
    loaded = load(args)
    own, keeper = Own(), Keeper(f"sqlite:///{tmp_path / 'trailkeeper.db'}", history_days=1)
    limits = Limits({Sweep.FULL: 900.0}, 750.0)
    dog = Watchdog(limits, time.monotonic())
    parts = Parts(args, WantedSweeps(), dog, keeper, Pages(own, 100), own)
    sweeper = Sweeper(parts, loaded, keeper.open())
    schedule = Schedule(lambda kind: None, {Sweep.FULL: 900.0}, parts.utc())
    view = AgentView(parts, sweeper, Reloader(args, loaded, parts.utc()), schedule)
    client = TestClient(build(view, token=None, tls=False), raise_server_exceptions=False)
    assert client.get("/healthz").status_code == 200, "not begun yet is not dead"
    sweeper.start()
    yield Inside(parts, sweeper, view, client, loaded)
    sweeper.stop(10)
    keeper.close()


def raising(error: Exception) -> Callable[..., object]:
    """A function that does."""

    def fail(*_: object, **__: object) -> object:
        raise error

    return fail


def test_a_sweep_that_breaks_is_counted_and_said_and_the_next_is_fine(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside.sweep()
    known = inside.sweeper.state
    assert known.findings
    assert inside.metric("trailkeeper_errors_total", part="sweep") == 0

    with monkeypatch.context() as broken, capture_logs() as log:
        broken.setattr(module, "judge", raising(KeyError("orders")))
        inside.sweep()
    assert inside.metric("trailkeeper_errors_total", part="sweep") == 1
    assert inside.metric("trailkeeper_sweeps_total", sweep="full", outcome="failed") == 1
    (line,) = [one for one in log if one["event"] == "sweep_failed"]
    assert "KeyError('orders')" in line["reason"]
    assert inside.sweeper.state is known
    assert "KeyError" in inside.view.health().last_sweeps["full"].reason
    assert "The last full sweep failed" in inside.client.get("/").text
    assert inside.client.get("/healthz").status_code == 200

    inside.sweep()
    assert inside.metric("trailkeeper_errors_total", part="sweep") == 1
    assert inside.view.health().last_sweeps["full"].outcome == "complete"


@pytest.mark.parametrize(
    ("code", "fatal"),
    [
        pytest.param(WRONG_USE, True, id="started in a way that cannot work"),
        pytest.param(NO_VERDICT, False, id="AWS cannot be reached yet"),
    ],
)
def test_a_sweep_that_cannot_begin_ends_the_agent_only_where_waiting_does_not_help(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, code: int, fatal: bool
) -> None:
    refused = StopError(code, "nobody is at home")
    with monkeypatch.context() as broken, capture_logs() as log:
        broken.setattr(module, "look_with", raising(refused))
        inside.sweep()
    assert (inside.sweeper.fatal is refused) is fatal
    assert [one["reason"] for one in log if one["event"] == "sweep_failed"] == (
        [] if fatal else ["nobody is at home"]
    )
    assert not any("exc_info" in one for one in log), "it is a sentence, not a traceback"


def test_what_was_reloaded_never_ends_the_agent(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside.sweeper.loaded = replace(inside.loaded)
    with monkeypatch.context() as broken:
        broken.setattr(module, "look_with", raising(StopError(WRONG_USE, "no region")))
        inside.sweep()
    assert inside.sweeper.fatal is None
    assert inside.metric("trailkeeper_errors_total", part="sweep") == 1


def test_a_sweep_is_of_one_configuration_though_another_comes_meanwhile(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside.sweep()
    everything = inside.rules()
    fewer = replace(
        inside.loaded, rules=tuple(one for one in inside.loaded.rules if one.id != RULE)
    )

    def reloaded(loaded: Loaded, kind: Sweep) -> Loaded:
        inside.sweeper.loaded = fewer
        return part_of(loaded, kind)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(module, "part_of", reloaded)
        inside.sweep(Sweep.FRESHNESS)
    assert inside.rules() == everything, "half judged by the one, half by the other"
    assert all(
        one.finding.status is not Status.UNKNOWN for one in inside.sweeper.state.findings.values()
    )

    inside.sweep()
    assert inside.rules() == everything - {RULE}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_sweeper_is_no_health(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    inside.sweep()
    monkeypatch.setattr(inside.parts.own, "sweep_began", raising(SystemExit("out")))  # type: ignore[arg-type] # it is not an Exception: nothing catches it
    inside.parts.wanted.ask(Sweep.FULL)
    eventually(lambda: not inside.sweeper.alive, "its end")

    answer = inside.client.get("/healthz")
    assert answer.status_code == 503
    assert answer.text == "the thread that sweeps has ended\n"
    assert "The agent stands still" in inside.client.get("/").text
    assert inside.client.get("/readyz").status_code == 200


def test_the_store_is_looked_after_though_one_sweep_follows_the_other(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks: list[float] = []
    monkeypatch.setattr(inside.parts.keeper, "tick", lambda: ticks.append(time.monotonic()))
    inside.sweep()
    eventually(lambda: ticks, "a look at the store", seconds=module.TICK / 2)
