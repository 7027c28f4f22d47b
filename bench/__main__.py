"""Every measurement, in one table: `python -m bench`."""

from __future__ import annotations

import argparse

from bench import evaluate, floor, idle, metrics, pages, startup, steady, sweep
from bench.estate_redshift import Size
from bench.harness import markdown, scratch


def main() -> None:
    """Print the table, then the calls of the largest sweep by operation. Exit code 0: no test."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--large", action="store_true", help="add a sweep of 10,000 clusters")
    options = parser.parse_args()
    cases = (*sweep.CASES, sweep.LARGE) if options.large else sweep.CASES
    with scratch() as folder:
        rows = startup.measure(folder)
        rows.append(floor.measure(Size(200, 200), 30, folder))
        swept, by_operation = sweep.measure(cases, folder)
        swept += [*idle.measure(folder), *steady.measure(folder)]
    # Last, for it fills this process's memory, which a process started from here would be charged.
    rows += [*swept, *evaluate.measure(), *metrics.measure(), *pages.measure()]
    print(markdown(rows), "", *by_operation, sep="\n")


if __name__ == "__main__":
    main()
