"""Formats that others read, and what goes to stdout, to stderr and to the exit code."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import jsonschema
import junitparser
import pytest

from tests.sandbox_server import Sandbox
from tests.wire.clear import judged
from tests.wire.conftest import Run
from tests.wire.estate import bucket, right

JSON = ("--check", "--format", "json")
TESTS = Path(__file__).parents[1]


# ---------------------------------------------------------------- formats and streams


def test_sarif_keeps_its_schema(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Checked against the official one; a failure stands at its rule's file."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])
    schema = json.loads((TESTS / "data" / "sarif-2.1.0.json").read_text(encoding="utf-8"))

    ran = run("--check", "--format", "sarif")

    document = json.loads(ran.out)
    jsonschema.validate(document, schema)
    (place, *_) = document["runs"][0]["results"][0]["locations"]
    file = place["physicalLocation"]["artifactLocation"]["uri"]
    assert Path(file).is_file()


def test_junit_is_read_back(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """By a library that others read it with, with the same counts."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])
    expected = judged(run(*JSON), 1)

    ran = run("--check", "--format", "junit")

    suites = junitparser.JUnitXml.fromfile(io.BytesIO(ran.out.encode()))
    found = Counter(type(each).__name__ for suite in suites for case in suite for each in case)
    assert found["Failure"] == expected["fail"] == suites.failures
    assert suites.tests >= sum(expected[name] for name in ("pass", "fail", "not_applicable"))


def subprocess_check(
    sandbox: Sandbox, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, its streams no terminals."""
    return subprocess.run(
        [sys.executable, "-m", "agent", *arguments],
        env=sandbox.environment() | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


BROKEN_FACT = """
import agent.sweep
from controls.kinds import catalog
from dataclasses import replace
from controls.kinds.kind import Fact
from agent.cli import main
import sys

def encrypted(aws, item) -> bool:
    raise RuntimeError("a mistake of ours")

def broken(kind):
    facts = tuple(Fact(encrypted, f.needs) if f.name == "encrypted" else f for f in kind.facts)
    return replace(kind, facts=facts)

agent.sweep.KINDS = tuple(
    broken(kind) if kind.name == "s3_log_bucket" else kind for kind in catalog.KINDS
)
sys.exit(main(["--check", "--format", "json"]))
"""


def test_stdout_is_the_result_alone(sandbox: Sandbox, now: datetime) -> None:
    """JSON parses though something is logged; what is logged is JSON too, off a terminal."""
    sandbox.plant(right(now))

    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", BROKEN_FACT],
        env=sandbox.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    document = json.loads(done.stdout)
    (found,) = [f for f in document["findings"] if f["rule"] == "log-bucket-encrypted"]
    assert found["status"] == "unknown"
    assert "failed inside Trailkeeper" in found["because"]
    logged = [json.loads(line) for line in done.stderr.splitlines()]
    assert any(line["event"] == "fact failed" for line in logged)
    assert done.returncode == 3


def test_a_reader_that_goes_away_does_not_change_the_verdict(
    sandbox: Sandbox, now: datetime
) -> None:
    """`| head -1` under pipefail: the failure is still one."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])
    read, write = os.pipe()
    os.close(read)

    done = subprocess.run(
        [sys.executable, "-m", "agent", "--check"],
        env=sandbox.environment(),
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(write)

    assert (done.returncode, done.stderr) == (1, b"")


def test_an_interrupt_ends_a_sweep_at_once(sandbox: Sandbox, now: datetime) -> None:
    """Though a call hangs: 130, one word, no traceback."""
    sandbox.plant(right(now))
    sandbox.fault({"kind": "hang", "service": "redshift", "seconds": 60})
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "--check"],
        env=sandbox.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    patience = time.monotonic() + 30
    while "redshift:DescribeClusters" not in sandbox.counts() and time.monotonic() < patience:
        time.sleep(0.05)

    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=30)
    sandbox.clear_faults()

    assert (process.returncode, out, err) == (130, "", "trailkeeper: interrupted\n")
    assert time.monotonic() - began < 5


def test_the_command_by_itself(sandbox: Sandbox, now: datetime) -> None:
    """As a pipeline runs it: a process, an exit code, a result."""
    sandbox.plant(right(now))

    done = subprocess_check(sandbox, "--check", PYTHONIOENCODING="ascii")

    assert done.returncode == 0, done.stderr
    assert "Summary: 0 fail, 0 unknown" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [["--help"], ["rules", "test"], ["rules", "list"], ["iam"]])
def test_what_needs_no_aws_imports_no_boto(arguments: Sequence[str]) -> None:
    """Starting up costs nothing of it."""
    program = (
        "import sys\nfrom agent.cli import main\n"
        f"try:\n    main({list(arguments)!r})\nexcept SystemExit:\n    pass\n"
        "print([n for n in sys.modules if n.partition('.')[0] in ('boto3', 'botocore', 'moto')],"
        " file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stderr.splitlines()[-1] == "[]"
