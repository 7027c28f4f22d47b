"""What starting costs: the CPU of commands that touch no AWS, and whether they import boto3."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import median

from bench.harness import TRAILKEEPER, Row, environment, markdown, run, scratch, within

RUNS = 5
COMMANDS = ((("--help",), 0.2), (("rules", "test"), 0.5))
"""Arguments, and the CPU seconds they may use."""


def measure(folder: Path) -> list[Row]:
    """Two rows a command: CPU (the median of five runs after one to warm up), and imports."""
    return [row for arguments, limit in COMMANDS for row in _command(arguments, limit, folder)]


def _command(arguments: tuple[str, ...], limit: float, folder: Path) -> list[Row]:
    name = f"`trailkeeper {' '.join(arguments)}`"
    env = environment(folder)
    log = folder / "startup.log"
    traced = [sys.executable, "-X", "importtime", str(TRAILKEEPER), *arguments]
    first = run(traced, env, stderr=log)
    if first.code:
        return [Row(name, f"exit code {first.code}", "0", "**not measured**")]
    imported = _aws_modules(log)
    runs = [run([str(TRAILKEEPER), *arguments], env) for _ in range(RUNS)]
    return [
        within(f"{name}, CPU", median(used.cpu for used in runs), limit, "s"),
        Row(
            f"{name}, modules of boto3 and botocore",
            str(len(imported)),
            "0",
            "**over**" if imported else "ok",
        ),
    ]


def _aws_modules(log: Path) -> list[str]:
    """The modules of boto3 and botocore in the trace of `-X importtime`."""
    traced = (line.rpartition("|")[2].strip() for line in log.read_text().splitlines())
    return [name for name in traced if name.partition(".")[0] in ("boto3", "botocore")]


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(prog="python -m bench.startup", description=__doc__).parse_args()
    with scratch() as folder:
        print(markdown(measure(folder)))


if __name__ == "__main__":
    main()
