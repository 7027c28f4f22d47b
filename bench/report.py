"""The monthly report over a generated month: loading, memory, the questions; pgBadger beside it.

Of a few passes the least CPU time counts, as a shared machine's other work only ever adds to it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.harness import TRAILKEEPER, Row, environment, markdown, run, scratch, within

MONTH = "2026-10"
RECORDS = 5_000_000
PER_SCALE = 52_000
"""Activity records of the generated month at scale 1, about."""

ACTIVITY_FLOOR, ACTIVITY_GOAL = 35.0, 45.0
CONNECTION_FLOOR, CONNECTION_GOAL = 40.0, 55.0
MEMORY = 350.0
QUESTIONS = 30.0
RATIO = 40.0
PGBADGER_FILES = 16
PASSES = 3


@dataclass(frozen=True, slots=True)
class Read:
    """Objects of one log, read in a process of its own: plain MB, records, CPU s, peak MiB."""

    megabytes: float
    records: int
    cpu: float
    peak: float
    unpack: float
    """CPU s of unpacking alone."""

    @property
    def speed(self) -> float:
        """Plain megabytes a CPU second."""
        return self.megabytes / self.cpu


def main() -> None:
    """Print the table. Exit code 0: a bench is no test."""
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS, help="activity records, about")
    options = parser.parse_args()
    with scratch() as folder:
        print(markdown(measure(folder, options.records)))


def measure(folder: Path, records: int) -> list[Row]:
    """Every figure over one generated month."""
    logs = folder / "logs"
    _generate(logs, records / PER_SCALE, folder)
    activity = sorted(logs.rglob("*_useractivitylog_*"))
    connection = sorted(logs.rglob("*_connectionlog_*"))
    read = {name: _read(files, folder) for name, files in _sets(activity, connection)}
    with _joined(activity, folder) as one:
        large = _read([one], folder)
    return [
        _unpacked(read["activity"]),
        _at_least("activity log to classified Parquet", read["activity"], ACTIVITY_GOAL),
        _at_least("connection log to Parquet", read["connection"], CONNECTION_GOAL),
        within("peak memory, a month of objects", read["activity"].peak, MEMORY, "MiB"),
        within("peak memory, the month in one object", large.peak, MEMORY, "MiB", _size(large)),
        *_questions(logs, folder),
        *_pgbadger(activity, folder),
    ]


def _sets(
    activity: Sequence[Path], connection: Sequence[Path]
) -> tuple[tuple[str, Sequence[Path]], ...]:
    return (("activity", activity), ("connection", connection))


def _at_least(what: str, read: Read, goal: float) -> Row:
    verdict = "ok" if read.speed >= goal else "**under**"
    figure = f"{read.speed:,.0f} MB/s ({read.records:,} records, {_size(read)})"
    return Row(what, figure, f"≥ {goal:,.0f} MB/s per core", verdict)


def _unpacked(read: Read) -> Row:
    """What bounds every loader, and tells this machine from another."""
    figure = f"{read.megabytes / read.unpack:,.0f} MB/s"
    return Row("the same objects unpacked and no more (isal)", figure)


def _size(read: Read) -> str:
    return f"{read.megabytes:,.0f} MB, {read.cpu:,.1f} CPU s"


def _generate(logs: Path, scale: float, folder: Path) -> None:
    command = [sys.executable, "-m", "agent.sandbox.month", logs, "--month", MONTH, "--clean"]
    done = run([*command, "--scale", str(scale)], environment(folder), stderr=folder / "generate")
    if done.code:
        raise RuntimeError((folder / "generate").read_text()[-2000:])


def _read(files: Sequence[Path], folder: Path) -> Read:
    """Read these objects one after the other, a few times; the figures are the process's own."""
    return min((_read_once(files, folder) for _ in range(PASSES)), key=lambda read: read.cpu)


def _read_once(files: Sequence[Path], folder: Path) -> Read:
    listed, answer = folder / "listed", folder / "answer.json"
    listed.write_text("\n".join(map(str, files)), encoding="utf-8")
    curated = folder / "read"
    command = [sys.executable, "-m", "bench.report_read", listed, curated]
    done = run(command, environment(folder), stdout=answer, stderr=folder / "read.log")
    shutil.rmtree(curated, ignore_errors=True)
    if done.code:
        raise RuntimeError((folder / "read.log").read_text()[-2000:])
    told: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return Read(told["megabytes"], told["records"], told["cpu"], done.peak, told["unpack"])


@contextmanager
def _joined(files: Sequence[Path], folder: Path) -> Iterator[Path]:
    """All objects as one: a gzip of many members."""
    joined = folder / files[0].name
    with joined.open("wb") as out:
        for file in files:
            out.write(file.read_bytes())
    yield joined
    joined.unlink()


def _questions(logs: Path, folder: Path) -> list[Row]:
    """The whole command, and again: then every object has been read, so that questions remain."""
    command: list[str | Path] = [TRAILKEEPER, "report", "--month", MONTH, "--source", logs]
    command += ["--output", folder / "out", "--work", folder / "work", "--allow-incomplete"]
    log = folder / "report.log"
    runs = [run(command, environment(folder), stderr=log) for _ in range(1 + PASSES)]
    if any(one.code for one in runs):
        raise RuntimeError(log.read_text()[-2000:])
    first, again = runs[0], min(runs[1:], key=lambda one: one.cpu)
    note = f"{again.peak:,.0f} MiB, {again.wall:,.0f} s wall"
    whole = f"{first.cpu:,.0f} CPU s, {first.wall:,.0f} s wall on {os.cpu_count()} cores"
    return [
        within("report over the month, objects read before", again.cpu, QUESTIONS, "s", note),
        Row("report over the month, from nothing", whole),
    ]


def _pgbadger(activity: Sequence[Path], folder: Path) -> list[Row]:
    """pgBadger on the largest objects, and ours on the same ones, one after the other."""
    what = f"CPU of pgBadger, as a multiple of ours, the {PGBADGER_FILES} largest objects"
    pgbadger = shutil.which("pgbadger")
    if pgbadger is None:
        return [Row(what, "not measured: pgbadger is not installed", f"≥ {RATIO:,.0f}")]
    largest = sorted(activity, key=lambda file: file.stat().st_size)[-PGBADGER_FILES:]
    ours = _read(largest, folder)
    command: list[str | Path] = [pgbadger, "-q", "-f", "redshift", "-o", folder / "pg.html"]
    theirs = run([*command, *largest], environment(folder), stderr=folder / "pg.log")
    if theirs.code:
        raise RuntimeError((folder / "pg.log").read_text()[-2000:])
    ratio = theirs.cpu / ours.cpu
    figure = f"{ratio:,.0f} ({theirs.cpu:,.1f} s to {ours.cpu:,.2f} s, {ours.megabytes:,.0f} MB)"
    return [Row(what, figure, f"≥ {RATIO:,.0f}", "ok" if ratio >= RATIO else "**under**")]


if __name__ == "__main__":
    main()
