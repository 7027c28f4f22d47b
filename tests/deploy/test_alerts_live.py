"""From a verdict to a message: rendering, Prometheus, Alertmanager and a webhook that listens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.metrics.own import Own
from agent.metrics.pages import Pages
from controls.history import State, Tracked
from controls.model import Coverage, Severity, Status
from tests.agent.metrics.states import state, target, tracked
from tests.prometheus import (
    RULES,
    Prometheus,
    Webhook,
    free_port,
    running_alertmanager,
    running_prometheus,
    serving_metrics,
    shortened,
    until,
    webhook,
)

OPEN_BUCKET = {
    "rule": "log-bucket-private",
    "severity": Severity.CRITICAL,
    "kind": "s3_log_bucket",
}
FAILING = {"alertname": "TrailkeeperControlFailing", "resource": "audit-logs"}
DOWN = {"alertname": "TrailkeeperAgentDown"}


@dataclass
class Agent:
    """One that can be stopped and started anew at the same address, its verdicts set by hand."""

    port: int = field(default_factory=free_port)
    _running: ExitStack = field(default_factory=ExitStack)
    pages: Pages = field(default_factory=lambda: Pages(Own("1.2.3"), 100))
    own: Own = field(default_factory=Own)

    def start(self, known: State) -> None:
        """As after a start: what the store knew is shown, and no sweep has ended."""
        self.own = Own("1.2.3")
        self.own.intervals({"full": 900, "freshness": 300})
        self.own.alive(True)
        self.pages = Pages(self.own, resource_series=100)
        self.pages.publish(known, stale=True)
        self._running.enter_context(serving_metrics(self.pages.page, self.port))

    def sweep(self, seen: State) -> None:
        """A full sweep has ended and saw this."""
        self.pages.publish(seen, stale=False)
        self.own.sweep_ended("full", "complete", 1.0)

    def stop(self) -> None:
        """Nothing listens any more."""
        self._running.close()


def bucket(status: Status, known: Status | None = None) -> State:
    """An estate of one bucket."""
    found: Tracked = tracked("audit-logs", status, known=known, **OPEN_BUCKET)  # type: ignore[arg-type]
    return state(found, targets=[target(Coverage.COMPLETE)])


@dataclass(frozen=True)
class Chain:
    """The whole way."""

    agent: Agent
    prometheus: Prometheus
    webhook: Webhook

    def told(self, status: str, labels: dict[str, str]) -> None:
        """Wait for the message."""
        until(lambda: self.webhook.told(status, **labels), f"{labels} is told as {status}")

    def looked_again(self, seconds: float = 8) -> None:
        """Wait while the rules are judged, for more than twice as long as alerts are held."""
        start = self.prometheus.query("time()")[0].value
        until(lambda: self.prometheus.query("time()")[0].value > start + seconds, "time passes")


@contextmanager
def chain(folder: Path) -> Iterator[Chain]:
    """All of it, with the durations of the rules shortened and nothing else changed."""
    agent = Agent()
    with ExitStack() as stack:
        stack.callback(agent.stop)
        listener = stack.enter_context(webhook())
        alertmanager = stack.enter_context(running_alertmanager(folder, listener.url))
        prometheus = stack.enter_context(
            running_prometheus(
                folder,
                [f"127.0.0.1:{agent.port}"],
                rules=shortened(RULES, folder),
                alertmanager=alertmanager,
            )
        )
        yield Chain(agent, prometheus, listener)


@pytest.fixture
def alerting(tmp_path: Path) -> Iterator[Chain]:
    """The chain, stopped at the end."""
    with chain(tmp_path) as built:
        yield built


def test_only_an_agent_that_has_looked_resolves_a_failure(alerting: Chain) -> None:
    agent = alerting.agent
    agent.start(State())
    agent.sweep(bucket(Status.PASS))
    until(lambda: alerting.prometheus.query("trailkeeper_findings"), "the first scrape")
    assert not alerting.webhook.told("firing", **FAILING)

    agent.sweep(bucket(Status.FAIL))
    alerting.told("firing", FAILING)
    (notice,) = alerting.webhook.told("firing", **FAILING)
    assert notice.labels["severity"] == "critical"
    assert notice.annotations["summary"] == "log-bucket-private fails on audit-logs"

    agent.sweep(bucket(Status.UNKNOWN, known=Status.FAIL))  # a denied call
    alerting.looked_again()
    agent.stop()
    alerting.told("firing", DOWN)
    agent.start(State())  # anew, and its store cannot be read
    alerting.told("resolved", DOWN)
    alerting.looked_again()
    assert alerting.webhook.told("resolved", **FAILING) == []

    agent.sweep(bucket(Status.PASS))
    alerting.told("resolved", FAILING)
