"""Run a command or the endpoint as a process, and say what it used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.estate_redshift import REGION, Size

ROOT = Path(__file__).resolve().parent.parent
TRAILKEEPER = Path(sys.executable).with_name("trailkeeper")
"""The installed command, beside the interpreter that runs the bench."""


@dataclass(frozen=True, slots=True)
class Used:
    """What one finished process used: seconds of CPU and wall, MiB at its peak."""

    code: int
    cpu: float
    wall: float
    peak: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a figure, its target, and whether the figure keeps it."""

    what: str
    figure: str
    target: str = ""
    verdict: str = ""


def within(what: str, figure: float, limit: float, unit: str, note: str = "") -> Row:
    """A figure that must not exceed its limit."""
    shown = f"{figure:,.2f} {unit}" if unit in ("s", "ms") else f"{figure:,.0f} {unit}"
    target = f"≤ {limit:,.2f} {unit}" if unit in ("s", "ms") else f"≤ {limit:,.0f} {unit}"
    verdict = "ok" if figure <= limit else "**over**"
    return Row(what, f"{shown}{f' ({note})' if note else ''}", target, verdict)


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | measured | target | verdict |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.figure} | {row.target} | {row.verdict} |" for row in rows]
    return "\n".join(lines)


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder for records, output and compiled bytecode."""
    with tempfile.TemporaryDirectory(prefix="trailkeeper-bench-") as folder:
        yield Path(folder)


def environment(folder: Path, endpoint: str = "", **more: str) -> dict[str, str]:
    """The environment of a measured process: nothing of this user's AWS, bytecode kept in `folder`.

    Compiling is paid once, in a run that is not measured, as it is by whoever installs a wheel.
    """
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    settings = {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(folder),
        "NO_PROXY": "127.0.0.1",
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }
    address = {"AWS_ENDPOINT_URL": endpoint} if endpoint else {}
    return {**kept, **settings, **address, **more}


def run(
    command: Sequence[str | Path],
    env: Mapping[str, str],
    stdout: Path | None = None,
    stderr: Path | None = None,
) -> Used:
    """Run to the end; CPU and peak memory are of this process and the children it waited for.

    The kernel counts the launching process's memory at the fork into the peak, so the bench itself
    stays small: it imports no boto3 and reads no findings into memory.
    """
    with (
        open(stdout or os.devnull, "wb") as out,
        open(stderr or os.devnull, "wb") as err,
    ):
        started = time.perf_counter()
        process = subprocess.Popen(list(command), env=dict(env), stdout=out, stderr=err, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    return Used(
        code=process.returncode,
        cpu=usage.ru_utime + usage.ru_stime,
        wall=wall,
        peak=usage.ru_maxrss / 1024,
    )


@contextmanager
def endpoint(size: Size, latency_ms: float, record: Path | None = None) -> Iterator[str]:
    """The fake endpoint as a process of its own; yields its address."""
    command = [sys.executable, "-m", "bench.fake_aws", "--latency-ms", str(latency_ms)]
    command += ["--clusters", str(size.clusters), "--buckets", str(size.buckets)]
    command += ["--roles", str(size.roles), *(["--record", str(record)] if record else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(timeout=60)


def counts(address: str) -> dict[str, Any]:
    """What the endpoint was asked so far."""
    with urllib.request.urlopen(f"{address}/_counts") as reply:  # noqa: S310 - our own endpoint
        found: dict[str, Any] = json.load(reply)
    return found


def replay(size: Size, latency_ms: float, record: Path, threads: int, folder: Path) -> Any:
    """What bare boto3 uses for the recorded calls: `calls`, `errors`, `cpu_s`, `wall_s`.

    `server_ms` is what one of them cost the endpoint.
    """
    answer = folder / "replay.json"
    command = [sys.executable, "-m", "bench.replay", str(record), "--threads", str(threads)]
    with endpoint(size, latency_ms) as address:
        used = run(
            command, environment(folder, address), stdout=answer, stderr=folder / "replay.log"
        )
        server_ms = counts(address)["cpu_ms_per_call"]
    if used.code:
        raise RuntimeError((folder / "replay.log").read_text()[-2000:])
    return {**json.loads(answer.read_text()), "server_ms": server_ms}
