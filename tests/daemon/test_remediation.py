"""The agent with --remediate: it puts right what it may, once, and says so everywhere."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from tests.agent_process import AgentProcess, Agents, eventually
from tests.sandbox_server import Sandbox
from tests.wire.estate import REGION, A

RULE, CLUSTER = "redshift-log-types-complete", "streamed"
FIX = "enable_logging"
ALLOWED: dict[str, Any] = {"role": "current", "fixes": [FIX], "verify_seconds": 10.0}
DRIFT: dict[str, Any] = {
    "do": "logging",
    "account": A,
    "region": REGION,
    "cluster": CLUSTER,
    "destination": "cloudwatch",
    "exports": ["connectionlog", "userlog"],
}


def writes(sandbox: Sandbox) -> int:
    """How often logging was set."""
    return sandbox.counts().get("redshift:EnableLogging", 0)


def changes(agent: AgentProcess) -> list[dict[str, Any]]:
    """The journal, newest first."""
    status, body = agent.get("/api/v1/changes")
    assert status == 200, body
    listed: list[dict[str, Any]] = json.loads(body)["changes"]
    return listed


def test_what_drifts_is_put_right_once_and_told(agents: Agents, right: Sandbox) -> None:
    agent = agents.start({"remediation": ALLOWED}, arguments=("--remediate",))
    agent.until(RULE, CLUSTER, "pass")
    assert agent.get("/changes")[0] == 200

    right.plant([DRIFT])
    eventually(lambda: writes(right) == 1, "the change")
    agent.until(RULE, CLUSTER, "pass")
    agent.swept(times=2)

    assert writes(right) == 1
    (made,) = agent.logged("change_ended", fix=FIX, resource=CLUSTER)
    assert (made["outcome"], made["account"]) == ("applied", A)
    assert agent.metric("trailkeeper_remediations_total", fix=FIX, outcome="applied") == 1
    (entry,) = changes(agent)
    assert (entry["id"], entry["outcome"]) == (made["change"], "applied")
    assert agent.get(f"/changes/{entry['id']}")[0] == 200


def test_without_the_flag_nothing_is_changed_whatever_is_allowed(
    agents: Agents, right: Sandbox
) -> None:
    right.plant([DRIFT])
    agent = agents.start({"remediation": ALLOWED})
    agent.until(RULE, CLUSTER, "fail")
    agent.swept(times=2)

    assert writes(right) == 0
    assert agent.get("/changes")[0] == 200


def test_the_flag_without_any_fix_allowed_ends_with_2(agents: Agents) -> None:
    agent = agents.start(
        {"remediation": {"role": "current"}}, serving=False, arguments=("--remediate",)
    )

    assert agent.process.wait(60) == 2
    assert "remediation.fixes" in agent.said()


def test_the_kill_switch_holds_everything_and_its_file_taken_away_lets_go(
    agents: Agents, right: Sandbox, tmp_path: Path
) -> None:
    switch = tmp_path / "stop"
    switch.touch()
    right.plant([DRIFT])
    agent = agents.start(
        {"remediation": {**ALLOWED, "kill_switch": str(switch)}}, arguments=("--remediate",)
    )
    agent.until(RULE, CLUSTER, "fail")
    eventually(lambda: agent.metric("trailkeeper_kill_switch") == 1, "the kill switch")
    agent.swept(times=2)
    assert writes(right) == 0
    held = agent.logged("change_held", fix=FIX)[0]
    assert "kill switch" in str(held["why"])

    switch.unlink()

    agent.until(RULE, CLUSTER, "pass")
    assert writes(right) == 1


def test_the_signal_holds_everything_until_the_next_start(agents: Agents, right: Sandbox) -> None:
    agent = agents.start({"remediation": ALLOWED}, arguments=("--remediate",))
    agent.until(RULE, CLUSTER, "pass")
    agent.send(signal.SIGUSR1)
    eventually(lambda: agent.logged("kill_switch_thrown"), "the signal")

    right.plant([DRIFT])
    agent.until(RULE, CLUSTER, "fail")
    agent.swept(times=2)

    assert writes(right) == 0
    assert agent.metric("trailkeeper_kill_switch") == 1


def test_killed_in_the_middle_of_a_change_it_looks_before_it_acts_again(
    agents: Agents, right: Sandbox
) -> None:
    right.plant([DRIFT])
    right.fault({"kind": "hang", "service": "redshift", "operation": "EnableLogging", "times": 1})
    first = agents.start({"remediation": ALLOWED}, arguments=("--remediate",))
    eventually(lambda: first.logged("change_began"), "the change under way")
    eventually(lambda: writes(right) == 1, "its call")
    meant = first.logged("change_began")[0]["change"]
    first.stop(signal.SIGKILL)
    right.clear_faults()

    again = agents.start(
        {"remediation": {**ALLOWED, "limits": {"cool_down_seconds": 1.0}}},
        arguments=("--remediate",),
    )
    again.until(RULE, CLUSTER, "pass")

    # A sweep is published before the changes left open are looked into.
    (recovered,) = eventually(lambda: again.logged("change_recovered"), "the open change closed")
    assert recovered["change"] == meant
    assert {one["id"] for one in changes(again)} >= {recovered["change"]}
    assert all(one["outcome"] for one in changes(again))
