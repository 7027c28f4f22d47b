"""`trailkeeper demo` as whoever tries it first sees it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.sandbox.estate_remedy import SHOWN

DEMO = [sys.executable, "-m", "agent", "demo"]


@pytest.fixture(scope="module")
def told() -> str:
    """What `demo --once` prints."""
    ran = subprocess.run(
        [*DEMO, "--once"], capture_output=True, text=True, timeout=180, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_demo_checks_then_puts_two_findings_right_and_looks_again(told: str) -> None:
    checked, planned = told.index("$ trailkeeper --check\n"), told.index("--dry-run")
    done = told.index("$ trailkeeper --check --remediate")
    proof = told.index("and the look after that says")

    assert checked < planned < done < proof
    assert "3 steps: 2 would be made, 1 not. Nothing was changed." in told[planned:done]
    assert '+        "Prefix"' in told[planned:done] or '+    "userlog"' in told[planned:done]
    assert told[done:proof].count("  applied ") == 2
    assert told[done:proof].count("  held ") == 1
    for rule, resource in SHOWN:
        assert f"fail  {rule}  {resource}" not in told[proof:]
        assert f"pass  {rule}  {resource}" in told[proof:]


def test_the_demo_says_what_is_deleted_and_which_consent_lacks_elsewhere(told: str) -> None:
    assert re.search(r"destroys .* \d+ objects of [\d.]+ kB today are older than 180 days", told)
    assert "needs a consent (to: destroys, fix: expire_logs, resource: larkfield-platform" in told


def test_the_demo_ends_with_what_a_month_of_logs_says(told: str) -> None:
    report = told[told.index("$ trailkeeper report --month") :]
    (page,) = re.findall(r"report: (\S+report\.html)", report)

    assert ": incomplete" in report
    assert "A login succeeded after a burst of failures" in report
    assert "exit code 3" in report
    assert "<h1" in Path(page).read_text(encoding="utf-8")


def test_once_and_remediate_are_two_things() -> None:
    ran = subprocess.run(
        [*DEMO, "--once", "--remediate"], capture_output=True, text=True, timeout=60, check=False
    )

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--once shows a remediation anyway" in ran.stderr


# ---------------------------------------------------------------- the agent that acts

WITHIN = 150.0


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """The address of the demo's agent, which puts right what costs nothing."""
    out = tmp_path / "out"
    command = [*DEMO, "--remediate", "--listen", "127.0.0.1:0"]
    with out.open("wb") as stdout, (tmp_path / "err").open("wb") as stderr:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr)
        try:
            yield _until(lambda: re.search(r"(http://\S+)/changes ", out.read_text()))[1]
        finally:
            process.terminate()
            process.wait(60)


def _until(look: Any) -> Any:
    deadline = time.monotonic() + WITHIN
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def changes(agent: str) -> dict[tuple[str, str], str]:
    """The journal as the agent serves it: (fix, resource) to the newest outcome."""
    with urllib.request.urlopen(f"{agent}/api/v1/changes", timeout=20) as reply:  # noqa: S310 - ours
        listed = json.load(reply)["changes"]
    return {(one["fix"], one["resource"]): one["outcome"] for one in reversed(listed)}


def test_the_demo_s_agent_puts_the_story_s_drift_right_itself(agent: str) -> None:
    """First what it finds; then, after twenty seconds, logging that somebody switched off."""
    _until(lambda: changes(agent).get(("enable_logging", "data-science-scratch")) == "applied")
    _until(lambda: changes(agent).get(("enable_logging", "warehouse-prod")) == "applied")
