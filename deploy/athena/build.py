"""Writes `tables.sql`: what an administrator runs once, with their own bucket in it.

`trailkeeper report --engine athena` makes these tables itself where it may and they are missing.
"""

from __future__ import annotations

from pathlib import Path

from agent.report.engines.athena_tables import ddl

LOCATION = "s3://EXAMPLE-BUCKET/trailkeeper"
FILE = Path(__file__).with_name("tables.sql")


def tables_sql() -> str:
    """The text of the file."""
    head = (
        "-- Tables of the monthly report on Amazon Athena; written by deploy/athena/build.py.\n"
        f"-- Replace {LOCATION} with the location in the configuration.\n"
    )
    return head + "".join(f"\n{statement};\n" for statement in ddl(LOCATION).values())


if __name__ == "__main__":
    FILE.write_text(tables_sql(), encoding="utf-8")
