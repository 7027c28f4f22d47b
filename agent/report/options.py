"""The options of `trailkeeper report`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

ENGINES = ("duckdb", "athena", "spark")


def add_options(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """The command and its options; `add_parser` is that of the subcommands."""
    command = add_parser(
        "report", help="what a month's audit logs say: HTML, JSON, CSV and Parquet"
    )
    command.add_argument(
        "--config", metavar="FILE", default=argparse.SUPPRESS, help="the YAML file"
    )
    command.add_argument(
        "--month", metavar="YYYY-MM", required=True, help="a calendar month (UTC), or `last`"
    )
    command.add_argument(
        "--cluster",
        metavar="NAME",
        action="append",
        dest="clusters",
        help="only this cluster (repeatable; default: each that wrote logs has its report)",
    )
    command.add_argument(
        "--source",
        metavar="PLACE",
        action="append",
        dest="sources",
        help="s3://bucket/prefix/ or a folder that holds the logs, instead of report.sources "
        "(repeatable)",
    )
    _add_how(command)


def _add_how(command: argparse.ArgumentParser) -> None:
    """By what means, and where to."""
    command.add_argument(
        "--engine", choices=ENGINES, default=ENGINES[0], help="answers the questions"
    )
    command.add_argument(
        "--output",
        metavar="PLACE",
        default=argparse.SUPPRESS,
        help="a folder or s3://bucket/prefix/, instead of report.destination",
    )
    command.add_argument(
        "--work", metavar="DIR", help="keeps the logs as Parquet, instead of report.work_directory"
    )
    command.add_argument("--jobs", type=int, metavar="N", help="processes that read logs")
    command.add_argument(
        "--literals",
        choices=("redact", "keep"),
        default="redact",
        help="literals in statements: hidden (default), or shown as they were logged",
    )
    command.add_argument(
        "--allow-incomplete",
        action="store_true",
        help="a month that is incomplete, running or empty does not end with exit code 3",
    )
