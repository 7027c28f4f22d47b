"""From start to end: what it serves, how it stops, what it takes anew."""

from __future__ import annotations

import signal
import socket
import time
from typing import Any

import pytest

from tests.agent_process import Agents, eventually
from tests.sandbox_server import Sandbox


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_sweeps_serves_and_ends_with_0(agents: Agents, number: int) -> None:
    agent = agents.start()
    agent.until("redshift-audit-logging-on", "orders", "pass")

    assert agent.get("/healthz")[0] == 200
    assert agent.get("/readyz")[0] == 200
    assert agent.get("/")[0] == 200
    assert agent.metric("trailkeeper_findings", status="pass")
    assert agent.stop(number) == 0
    assert [line["event"] for line in agent.log()][-1] == "agent_ended"


def test_it_ends_within_ten_seconds_though_aws_does_not_answer(
    agents: Agents, right: Sandbox
) -> None:
    right.fault({"kind": "hang", "service": "redshift", "operation": "DescribeClusters"})
    agent = agents.start()
    eventually(lambda: agent.metric("trailkeeper_sweep_in_progress", sweep="full") == 1, "a sweep")

    began = time.monotonic()
    assert agent.stop(within=12) == 0
    assert time.monotonic() - began < 10
    right.clear_faults()
    assert not agent.logged("sweep_ended"), "half a look must not be published"


def test_freshness_is_swept_more_often_than_everything_else(agents: Agents) -> None:
    settings = {"intervals": {"full_seconds": 3_600, "freshness_seconds": 1, "spread_seconds": 0}}
    agent = agents.start(settings)
    agent.swept("freshness", 2)

    assert agent.metric("trailkeeper_sweeps_total", sweep="full", outcome="complete") == 1
    fresh = agent.logged("sweep_ended", kind="freshness")[0]
    full = agent.logged("sweep_ended", kind="full")[0]
    assert 0 < fresh["calls"] < full["calls"]
    assert fresh["pass"] == full["pass"], "findings of other rules stay"


def test_a_port_in_use_is_said_and_ends_with_2(agents: Agents) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        agent = agents.start({"http": {"listen": f"127.0.0.1:{port}"}}, serving=False)

        assert agent.process.wait(60) == 2
    assert f"port in use: another process listens on 127.0.0.1:{port}" in agent.said()
    assert "Traceback" not in agent.said()


def test_a_second_agent_on_the_same_file_ends_with_2_and_harms_nothing(agents: Agents) -> None:
    first = agents.start(name="first")
    first.until("redshift-audit-logging-on", "orders", "pass")
    state = str(first.folder / "state")

    second = agents.start({"state_directory": state}, name="second", serving=False)

    assert second.process.wait(60) == 2
    assert "in use by another agent" in second.said()
    first.swept()
    assert first.metric("trailkeeper_store_up") == 1


BROKEN: dict[str, Any] = {"region": ["eu-west-1"], "workers": "many", "packs": []}


def test_a_broken_configuration_at_the_start_ends_with_2_and_all_problems(agents: Agents) -> None:
    agent = agents.start(BROKEN, serving=False)

    assert agent.process.wait(60) == 2
    assert "unknown key 'region'" in agent.said()
    assert "workers" in agent.said()


def test_no_region_at_all_ends_with_2(agents: Agents) -> None:
    nothing = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    agent = agents.start(serving=False, environment=nothing)

    assert agent.process.wait(60) == 2
    assert "no region" in agent.said()


def test_a_changed_file_is_taken_and_a_broken_one_is_not(agents: Agents) -> None:
    agent = agents.start()
    agent.until("audit-logs-expire-in-time", "audit-logs/prod/", "pass")

    agent.write(
        {
            **agent.settings,
            "retention": {
                "classes": {"short": {"min_days": 30, "max_days": 90}},
                "default": "short",
            },
        }
    )
    agent.until("audit-logs-expire-in-time", "audit-logs/prod/", "fail")
    agent.write({**agent.settings, **BROKEN})
    eventually(
        lambda: agent.metric("trailkeeper_config_last_reload_successful") == 0, "the refusal"
    )

    agent.swept()
    assert agent.get("/readyz")[0] == 200
    agent.until("audit-logs-expire-in-time", "audit-logs/prod/", "fail")
    assert "unknown key 'region'" in agent.logged("reload_refused")[0]["problems"]
    agent.write(agent.settings)
    agent.until("audit-logs-expire-in-time", "audit-logs/prod/", "pass")
    assert agent.metric("trailkeeper_config_last_reload_successful") == 1


def test_sighup_takes_everything_anew(agents: Agents) -> None:
    agent = agents.start({"intervals": {"full_seconds": 3_600, "reload_seconds": 3_600}})
    agent.until("redshift-audit-logging-on", "orders", "pass")

    agent.send(signal.SIGHUP)

    eventually(lambda: agent.logged("reloaded"), "the reload")
    agent.swept()
    assert agent.process.poll() is None


def test_what_needs_a_restart_is_said(agents: Agents) -> None:
    agent = agents.start()

    agent.write({**agent.settings, "store": {"history_days": 5}})

    (line,) = eventually(lambda: agent.logged("restart_needed"), "the warning")
    assert line["settings"] == ["store"]
