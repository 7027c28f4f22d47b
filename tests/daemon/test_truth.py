"""What is published is true: blindness, restarts and removed resources never read as repair."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.agent_process import AgentProcess, Agents, eventually
from tests.sandbox_server import Sandbox
from tests.wire.estate import REGION, A, lifecycle

RULE = "audit-logs-expire-in-time"
LOGS = "audit-logs/prod/"
BUCKET: dict[str, Any] = {"do": "bucket", "account": A, "region": REGION, "name": "audit-logs"}


def forever(days: int = 4_000) -> dict[str, Any]:
    """The planting step that keeps logs far too long."""
    return {**BUCKET, "lifecycle": lifecycle(days)}


def healed() -> dict[str, Any]:
    """The planting step that puts that right."""
    return {**BUCKET, "lifecycle": lifecycle()}


def failing(agent: AgentProcess) -> float | None:
    """The series that the alert on failing controls is made of."""
    return agent.metric("trailkeeper_resource_failing", rule=RULE, resource=LOGS)


def test_drift_appears_and_heals(agents: Agents, right: Sandbox) -> None:
    agent = agents.start()
    agent.until(RULE, LOGS, "pass")
    assert failing(agent) is None

    right.plant([forever()])
    found = agent.until(RULE, LOGS, "fail")
    assert failing(agent) == 1
    assert found["since"] > agent.logged("agent_started")[0]["timestamp"][:19]

    right.plant([healed()])
    agent.until(RULE, LOGS, "pass")
    assert failing(agent) is None
    assert agent.logged("finding_opened", rule=RULE, resource=LOGS, after="fail")
    (resolved,) = agent.logged("finding_resolved", rule=RULE, resource=LOGS)
    assert (resolved["account"], resolved["region"]) == (A, REGION)
    assert resolved["sweep"]


def test_a_denied_call_turns_a_failure_unknown_and_its_alert_stays(
    agents: Agents, right: Sandbox
) -> None:
    right.plant([forever()])
    agent = agents.start()
    agent.until(RULE, LOGS, "fail")

    right.fault({"kind": "deny", "service": "s3", "operation": "GetBucketLifecycleConfiguration"})
    found = agent.until(RULE, LOGS, "unknown")

    assert found["last_known"]["status"] == "fail"
    assert failing(agent) == 1
    noncompliant = {"rule": RULE, "resource": LOGS}
    assert agent.metric("trailkeeper_resource_noncompliant", status="unknown", **noncompliant) == 1
    assert agent.metric("trailkeeper_resource_noncompliant", status="fail", **noncompliant) is None
    right.clear_faults()
    agent.until(RULE, LOGS, "fail")


def test_a_target_that_cannot_be_read_keeps_its_findings_as_unknown(
    agents: Agents, right: Sandbox
) -> None:
    right.plant([forever()])
    agent = agents.start()
    agent.until(RULE, LOGS, "fail")
    before = len(agent.report()["findings"])

    right.fault({"kind": "deny", "service": "redshift", "operation": "DescribeClusters"})
    agent.until("redshift-audit-logging-on", "orders", "unknown")

    found = agent.until(RULE, LOGS, "unknown")
    assert found["last_known"]["status"] == "fail"
    assert failing(agent) == 1
    assert agent.metric("trailkeeper_target_readable", account=A, region=REGION) == 0
    assert len(agent.report()["findings"]) >= before
    right.clear_faults()
    agent.until(RULE, LOGS, "fail")
    agent.until("redshift-audit-logging-on", "orders", "pass")
    assert agent.metric("trailkeeper_target_readable", account=A, region=REGION) == 1


def test_the_series_of_a_removed_cluster_disappear(agents: Agents, right: Sandbox) -> None:
    naked = {"do": "cluster", "account": A, "region": REGION, "identifier": "naked"}
    right.plant([naked])
    agent = agents.start()
    agent.until("redshift-audit-logging-on", "naked", "fail")
    series = {"rule": "redshift-audit-logging-on", "resource": "naked"}
    assert agent.metric("trailkeeper_resource_failing", **series) == 1

    gone = {"do": "remove", "what": "cluster", "account": A, "region": REGION, "name": "naked"}
    right.plant([gone])
    agent.until("redshift-audit-logging-on", "naked", None)

    assert agent.metric("trailkeeper_resource_failing", **series) is None
    (left,) = agent.logged("finding_withdrawn", resource="naked", rule=series["rule"])
    assert left["after"] is None
    assert not agent.logged("finding_resolved", resource="naked")


def test_a_restart_republishes_what_is_stored_marked_stale(agents: Agents, right: Sandbox) -> None:
    right.plant([forever()])
    first = agents.start()
    since = first.until(RULE, LOGS, "fail")["since"]
    first.swept()
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL

    right.fault({"kind": "hang", "service": "redshift", "operation": "DescribeClusters"})
    again = agents.start()

    found = again.finding(RULE, LOGS)
    assert found is not None
    assert (found["status"], found["since"]) == ("fail", since)
    assert failing(again) == 1
    assert again.metric("trailkeeper_verdicts_stale") == 1
    assert again.report()["stale"] is True
    right.clear_faults()
    eventually(lambda: again.metric("trailkeeper_verdicts_stale") == 0, "the first sweep")
    assert again.finding(RULE, LOGS)["since"] == since  # type: ignore[index] # it is there
    assert not again.logged("finding_opened", rule=RULE, resource=LOGS)


def test_aws_gone_for_a_while_loses_nothing(agents: Agents, right: Sandbox) -> None:
    right.plant([forever()])
    # Every call is tried again for as long as its target has; else for half a minute.
    agent = agents.start({"target_deadline_seconds": 5.0})
    agent.until(RULE, LOGS, "fail")

    right.fault({"kind": "error"})
    agent.until(RULE, LOGS, "unknown")

    assert failing(agent) == 1
    assert agent.get("/healthz")[0] == 200
    eventually(lambda: agent.metric("trailkeeper_target_readable") == 0, "unreadable")
    right.clear_faults()
    agent.until(RULE, LOGS, "fail")


def test_one_target_that_hangs_leaves_the_others_their_verdicts(
    agents: Agents, right: Sandbox
) -> None:
    elsewhere = "us-east-1"
    agent = agents.start({"regions": [REGION, elsewhere], "target_deadline_seconds": 4.0})
    agent.until("redshift-audit-logging-on", "orders", "pass")
    right.fault({"kind": "hang", "service": "redshift", "region": elsewhere})

    right.plant([{"do": "cluster", "account": A, "region": REGION, "identifier": "naked"}])
    agent.until("redshift-audit-logging-on", "naked", "fail")

    eventually(
        lambda: agent.metric("trailkeeper_target_readable", region=elsewhere) == 0, "unreadable"
    )
    assert agent.metric("trailkeeper_target_readable", region=REGION) == 1
    right.clear_faults()


def test_the_log_is_json_and_holds_no_secret(agents: Agents) -> None:
    secret = "AKIA" + "SECRETSECRETSECR"
    agent = agents.start(environment={"AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": secret})
    agent.swept()
    agent.stop()

    lines = agent.said().splitlines()
    assert len(agent.log()) == len(lines)
    assert secret not in agent.said()
    for line in agent.log():
        at = datetime.fromisoformat(line["timestamp"])
        assert datetime.now(UTC) - at < timedelta(minutes=10)
