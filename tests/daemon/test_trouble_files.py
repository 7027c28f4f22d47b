"""What was written for the agent: wrong at the start, changed in the middle, never in the log."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.agent.web.test_server import certificate
from tests.agent_process import AgentProcess, Agents, eventually
from tests.daemon.test_truth import LOGS, RULE, forever
from tests.sandbox_server import Sandbox
from tests.wire.estate import REGION, A

MINE = "cluster-is-called-otherwise"
OWN_RULE = f"""\
id: {MINE}
title: No cluster is available
why: A rule that fails wherever it looks.
severity: low
resource: redshift_cluster
must: "!available"
remedy: None.
false_positives: all of them
examples:
  pass: [{{available: false}}]
  fail: [{{available: true}}]
"""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param(
            {"freshness_rules": ["redshift-logs-frseh"]},
            "freshness_rules: no rule redshift-logs-frseh",
            id="a freshness rule that is none",
        ),
        pytest.param(
            {"intervals": {"full_second": 5}},
            "unknown key 'intervals.full_second'",
            id="an unknown key",
        ),
        pytest.param(
            {"http": {"listen": "127.0.0.1:0", "token_file": "/nowhere/token"}},
            "http.token_file: /nowhere/token cannot be read",
            id="a token file that is not there",
        ),
    ],
)
def test_what_is_wrong_at_the_start_ends_with_2_and_says_so(
    agents: Agents, settings: dict[str, Any], said: str
) -> None:
    agent = agents.start(settings, serving=False)

    assert agent.process.wait(60) == 2
    assert said in agent.said()
    assert "Traceback" not in agent.said()


def test_a_rule_that_is_taken_away_in_the_middle_of_a_sweep_is_withdrawn(
    agents: Agents, right: Sandbox, tmp_path: Path
) -> None:
    pack = tmp_path / "mine"
    pack.mkdir()
    (pack / f"{MINE}.yaml").write_text(OWN_RULE, encoding="utf-8")
    agent = agents.start({"rules": [str(pack)]})
    agent.until(MINE, "orders", "fail")

    right.fault({"kind": "hang", "service": "redshift", "operation": "DescribeClusters"})
    eventually(lambda: [one for one in right.faults() if one["met"]], "a sweep that hangs")
    agent.write({key: value for key, value in agent.settings.items() if key != "rules"})
    eventually(lambda: agent.logged("reloaded"), "the reload")
    right.clear_faults()

    agent.until(MINE, "orders", None)
    (gone,) = agent.logged("finding_withdrawn", rule=MINE, resource="orders")
    assert gone["because"] == f"rule {MINE} is no longer in use"
    assert not agent.logged("finding_resolved", rule=MINE)
    assert not agent.logged("sweep_failed")
    agent.swept()
    assert agent.finding(MINE, "orders") is None
    assert agent.finding(RULE, LOGS)["status"] == "pass"  # type: ignore[index] # it is there


# ---------------------------------------------------------------- TLS, token, log

SECRET = "hush/AWS/secret/of/forty/characters/0000"
SESSION = "hush-session-token"
TOKEN = "hush-bearer-token"


def presented(agent: AgentProcess, trusted: Path) -> str:
    """The certificate that is shown to whoever connects now."""
    at = urlsplit(agent.url)
    context = ssl.create_default_context(cafile=str(trusted))
    connection = http.client.HTTPSConnection(str(at.hostname), at.port, timeout=10, context=context)
    try:
        connection.connect()
        shown = connection.sock.getpeercert(binary_form=True)
        return ssl.DER_cert_to_PEM_cert(shown or b"")
    except ssl.SSLError:
        return ""
    finally:
        connection.close()


def test_tls_and_token_hold_and_the_log_tells_everything_but_secrets(
    agents: Agents, right: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = certificate(tmp_path)
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    written = {"listen": "127.0.0.1:0", "tls_certificate": str(cert), "tls_key": str(key)}
    agent = agents.start(
        {"http": {**written, "token_file": str(token)}},
        environment={"AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": SESSION},
    )
    assert agent.url.startswith("https://")
    for path in ("/metrics", "/", "/api/v1/findings"):
        assert agent.get(path)[0] == 401
    assert agent.get("/healthz")[0] == 200
    agent.headers["Authorization"] = f"Bearer {TOKEN}"
    right.plant([forever()])
    agent.until(RULE, LOGS, "fail")
    right.fault({"kind": "deny", "service": "s3", "operation": "GetBucketLifecycleConfiguration"})
    agent.until(RULE, LOGS, "unknown")
    right.clear_faults()

    # A certificate that is renewed is shown without a restart; a broken one is not taken.
    before = cert.read_text()
    key.write_text("no key")
    refused = eventually(lambda: agent.logged("certificate_refused"), "the refusal")
    assert presented(agent, cert)
    new_cert, new_key = certificate(tmp_path, "renewed")
    key.write_bytes(new_key.read_bytes())
    cert.write_bytes(new_cert.read_bytes())
    eventually(lambda: presented(agent, new_cert) == new_cert.read_text(), "the new certificate")
    assert cert.read_text() != before
    assert refused[0]["problem"].startswith("http.tls_")
    assert agent.stop() == 0

    # One line of JSON each, with the sweep it belongs to; nothing secret anywhere.
    said = agent.said()
    assert len(agent.log()) == said.count("\n")
    for line in agent.logged("sweep_ended"):
        assert {"sweep", "kind", "outcome", "seconds", "calls", "changed"} <= line.keys()
    ids = [line["sweep"] for line in agent.logged("sweep_ended")]
    assert len(set(ids)) == len(ids)
    changed = [line for line in agent.log() if line["event"].startswith("finding_")]
    assert {line["event"] for line in changed} >= {"finding_opened", "finding_changed"}
    for line in changed:
        assert (line["account"], line["region"]) == (A, REGION)
        assert line["sweep"] in ids
    for secret in (SECRET, SESSION, TOKEN, "PRIVATE KEY"):
        assert secret not in said
