"""A whole `trailkeeper --check` against the endpoint, beside bare boto3 making the same calls."""

from __future__ import annotations

import argparse
import json
import mmap
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.estate_redshift import Size
from bench.harness import (
    TRAILKEEPER,
    Row,
    Used,
    counts,
    endpoint,
    environment,
    markdown,
    replay,
    run,
    scratch,
    within,
)

THREADS = 32
CASES = ((200, 0), (200, 30), (1000, 0), (1000, 30))
"""Clusters (as many buckets) and milliseconds of latency."""
LARGE = (10_000, 0)
PEAK_MIB = 150
SUMMARY = re.compile(rb'"summary":\s*(\{[^}]*\})')


@dataclass(frozen=True, slots=True)
class Sweep:
    """One sweep: what it used, what it asked AWS, what it found, and bare boto3's cost of that."""

    size: Size
    latency_ms: float
    used: Used
    asked: dict[str, Any]
    found: str
    bare: dict[str, Any]

    @property
    def name(self) -> str:
        """How the table calls it."""
        size = self.size
        return f"{size.clusters:,} clusters, {size.buckets:,} buckets, {self.latency_ms:g} ms"


def budget(size: Size) -> int:
    """The calls a sweep may make. Policies: the customer-managed ones, one shared, one a role."""
    policies = size.roles + 1
    resources = 4 * size.clusters + 8 * size.buckets + 8 * size.roles + 2 * size.groups
    return resources + policies + 15


def sweep(size: Size, latency_ms: float, folder: Path) -> Sweep:
    """Check the estate once, then replay what it asked.

    The first sweep of a folder should not be measured: it compiles what it imports.

    Raises:
        RuntimeError: it ended neither well nor with findings.
    """
    record, output, log = (folder / name for name in ("calls.jsonl", "findings.json", "log"))
    command = [str(TRAILKEEPER), "--check", "--format", "json"]
    with endpoint(size, latency_ms, record) as address:
        env = environment(folder, address, TRAILKEEPER_WORKERS=str(THREADS))
        used = run(command, env, stdout=output, stderr=log)
        asked = counts(address)
    if used.code not in (0, 1, 3) or not asked["total"]:
        raise RuntimeError(f"exit code {used.code}: {log.read_text()[-600:]}")
    bare = replay(size, latency_ms, record, THREADS, folder)
    return Sweep(size, latency_ms, used, asked, f"exit {used.code}, {_summary(output)}", bare)


def _summary(output: Path) -> str:
    """The counts of findings, read without reading the findings."""
    with (
        output.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text,
    ):
        found = SUMMARY.search(text)
        summary = json.loads(found[1]) if found else {}
    return ", ".join(f"{count:,} {status}" for status, count in summary.items() if count)


def rows(done: Sweep) -> list[Row]:
    """The figures of one sweep against their targets."""
    total, unknown = done.asked["total"], done.asked["unknown"]
    each = done.bare["cpu_s"] / done.bare["calls"]
    cpu, wall = done.used.cpu, done.used.wall
    cpu_limit = 1.25 * total * each + 1
    # The lesser of CPU used and CPU allowed: too much CPU must not excuse the time it takes.
    wall_limit = 1.5 * max(min(cpu, cpu_limit), total * done.latency_ms / 1000 / THREADS)
    server = done.bare["server_ms"]
    return [
        Row(f"{done.name}: found", done.found),
        within(f"{done.name}: AWS calls", total, budget(done.size), "calls"),
        *(
            [Row("calls the endpoint does not know", str(unknown), "none", "**over**")]
            * bool(unknown)
        ),
        within(
            f"{done.name}: CPU",
            cpu,
            cpu_limit,
            "s",
            f"bare boto3 {done.bare['cpu_s']:.2f} s at {1000 * each:.2f} ms a call, "
            f"ratio {cpu / (total * each):.2f}; endpoint {server:.2f} ms a call",
        ),
        within(f"{done.name}: wall", wall, wall_limit, "s", f"bare {done.bare['wall_s']:.2f} s"),
        within(f"{done.name}: peak memory", done.used.peak, PEAK_MIB, "MiB"),
    ]


def operations(done: Sweep) -> list[str]:
    """The calls by operation, for a second table."""
    return [
        f"| {operation} | {count:,} |"
        for operation, count in sorted(done.asked["calls"].items(), key=lambda item: -item[1])
    ]


def measure(cases: tuple[tuple[int, float], ...], folder: Path) -> tuple[list[Row], list[str]]:
    """The rows of all cases, and the lines of the calls by operation of the last one."""
    warm_up = Size(1, 1, 1)
    listed: list[Row] = []
    by_operation: list[str] = []
    try:
        sweep(warm_up, 0, folder)
        for clusters, latency_ms in cases:
            done = sweep(Size(clusters, clusters), latency_ms, folder)
            listed += rows(done)
            by_operation = [
                f"| calls by operation, {done.name} | |",
                "|---|---|",
                *operations(done),
            ]
    except RuntimeError as error:
        why = str(error).strip().replace("\n", " ")[-300:]
        listed.append(Row("`trailkeeper --check`", why, "", "**not measured**"))
    return listed, by_operation


def main() -> None:
    """Measure the cases of the table, or the one named."""
    parser = argparse.ArgumentParser(prog="python -m bench.sweep", description=__doc__)
    parser.add_argument("--clusters", type=int, help="one case: so many clusters and buckets")
    parser.add_argument("--latency-ms", type=float, default=30)
    parser.add_argument("--large", action="store_true", help="10,000 clusters, once")
    options = parser.parse_args()
    cases: tuple[tuple[int, float], ...] = CASES
    if options.large:
        cases = (LARGE,)
    elif options.clusters:
        cases = ((options.clusters, options.latency_ms),)
    with scratch() as folder:
        listed, by_operation = measure(cases, folder)
    print(markdown(listed), "", *by_operation, sep="\n")


if __name__ == "__main__":
    main()
