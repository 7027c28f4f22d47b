"""Writes a made-up month of audit logs: `python -m agent.sandbox.month FOLDER --month 2026-10`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.report.model import Month
from agent.sandbox.month.making import generate


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m agent.sandbox.month", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="laid out as a log bucket is")
    parser.add_argument("--month", type=Month.parse, required=True, metavar="YYYY-MM")
    parser.add_argument("--scale", type=float, default=1.0, help="1: some 52,000 activity records")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clean", action="store_true", help="nothing missing, nothing damaged")
    parser.add_argument("--quiet", action="store_true", help="no incident either")
    given = parser.parse_args(arguments)
    truth = generate(
        given.month,
        given.folder,
        seed=given.seed,
        scale=given.scale,
        damage=not given.clean,
        incidents=not given.quiet,
    )
    for log_type, records in sorted(truth.records.items()):
        megabytes = truth.plain_bytes[log_type] / 1e6
        sys.stdout.write(
            f"{log_type}: {records:,} records in {truth.objects[log_type]:,} objects, "
            f"{megabytes:,.1f} MB\n"
        )


if __name__ == "__main__":
    main()
