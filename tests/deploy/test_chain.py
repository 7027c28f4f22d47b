"""The whole way: drift in AWS, a sweep, Prometheus, Alertmanager, a message; and back again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.agent_process import Agents
from tests.daemon.conftest import agents, right
from tests.daemon.test_truth import BUCKET, LOGS, RULE, forever
from tests.deploy.live import MODELS, empty_panels, settled, variables
from tests.prometheus import (
    RULES,
    Prometheus,
    Webhook,
    free_port,
    running_alertmanager,
    running_prometheus,
    shortened,
    until,
    webhook,
)
from tests.sandbox_server import Sandbox, sandbox, sandbox_process
from tests.wire.estate import SCENARIOS, lifecycle

__all__ = ["agents", "right", "sandbox", "sandbox_process"]

FAILING = {"alertname": "TrailkeeperControlFailing", "rule": RULE, "resource": LOGS}

RIGHTLY_EMPTY = {
    "Fixes by outcome": "the agent only observes",
}
"""Panels that show nothing over this estate, and why that is right."""


@pytest.fixture
def address() -> str:
    """Where the agent serves, before and after a restart."""
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def told(address: str, tmp_path: Path) -> Iterator[tuple[Prometheus, Webhook]]:
    """Prometheus over the agent, and all that Alertmanager says; durations shortened."""
    with ExitStack() as stack:
        listener = stack.enter_context(webhook())
        alertmanager = stack.enter_context(running_alertmanager(tmp_path, listener.url))
        rules = shortened(RULES, tmp_path)
        prometheus = stack.enter_context(
            running_prometheus(tmp_path, [address], rules=rules, alertmanager=alertmanager)
        )
        yield prometheus, listener


def time_passes(prometheus: Prometheus, seconds: float = 8) -> None:
    """Wait while the rules are judged, for more than twice as long as alerts are held."""
    start = prometheus.query("time()")[0].value
    until(lambda: prometheus.query("time()")[0].value > start + seconds, "time passes")


def test_drift_is_told_blindness_and_a_restart_tell_nothing_and_repair_is_told(
    agents: Agents, right: Sandbox, address: str, told: tuple[Prometheus, Webhook]
) -> None:
    prometheus, listener = told
    listening = {"http": {"listen": address}}
    agent = agents.start(listening)
    agent.until(RULE, LOGS, "pass")

    right.plant([forever()])
    until(lambda: listener.told("firing", **FAILING), "the drift is told")
    (notice,) = listener.told("firing", **FAILING)
    assert notice.labels["severity"] == "high"
    assert LOGS in notice.annotations["description"]

    right.fault({"kind": "deny", "service": "s3", "operation": "GetBucketLifecycleConfiguration"})
    agent.until(RULE, LOGS, "unknown")
    time_passes(prometheus)
    assert agent.stop() == 0
    down = {"alertname": "TrailkeeperAgentDown"}
    until(lambda: listener.told("firing", **down), "its absence is told")
    agent = agents.start(listening)
    until(lambda: listener.told("resolved", **down), "its return is told")
    time_passes(prometheus)
    assert listener.told("resolved", **FAILING) == []

    right.clear_faults()
    right.plant([{**BUCKET, "lifecycle": lifecycle()}])
    agent.until(RULE, LOGS, "pass")
    until(lambda: listener.told("resolved", **FAILING), "the repair is told")


def test_every_panel_of_every_dashboard_shows_the_agent(
    agents: Agents, right: Sandbox, address: str, tmp_path: Path
) -> None:
    """Over an estate where logs are kept too long, one is missing, and a call is denied."""
    missing = SCENARIOS["redshift-log-types-complete"].fails(datetime.now(UTC))
    right.plant([forever(), *missing])
    right.fault({"kind": "deny", "service": "s3", "operation": "GetBucketPolicy"})
    agent = agents.start({"http": {"listen": address}})
    agent.until(RULE, LOGS, "fail")
    with running_prometheus(tmp_path, [address]) as prometheus:
        settled(prometheus)

        assert empty_panels(prometheus, RIGHTLY_EMPTY) == []
        for model in MODELS:
            for label, selector in variables(model).values():
                assert prometheus.label_values(label, selector), (label, selector)
