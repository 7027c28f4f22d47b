"""The simulated estate's monthly report: last month's logs, who reads them, and what is asked."""

from __future__ import annotations

from datetime import datetime

from agent.sandbox.estate_archive import CENTRAL
from agent.sandbox.estate_shapes import ARCHIVE, EU, REPORTER, Step, bucket, expires, role_arn
from agent.sandbox.month.incidents import ALLOWED_BUCKETS, SENSITIVE
from agent.sandbox.month.people import ADMIN
from agent.sandbox.month.planted import DAMAGED, last_month
from agent.sandbox.month.planted import steps as month_steps

REPORTS = "larkfield-audit-reports"
"""Where the monthly reports are kept: two years, far longer than the logs."""
CLUSTER = DAMAGED.cluster
"""Whose report is worth reading."""


def steps(now: datetime, scale: float = 0.4) -> list[Step]:
    """Planting steps: the bucket of the reports, the role that makes them, and the logs.

    Planted apart from the estate: most who plant that need no readable logs.
    """
    return [
        bucket(ARCHIVE, EU, REPORTS, lifecycle=[expires(days=730)]),
        {"do": "account", "account": ARCHIVE, "reader": REPORTER},
        *month_steps(now, scale),
    ]


def configuration(destination: str = f"s3://{REPORTS}/") -> str:
    """The `report` section of Trailkeeper's configuration."""
    sources = "".join(f"\n    - s3://{name}/{DAMAGED.prefix}/" for name in CENTRAL.values())
    return f"""\
report:
  destination: {destination}
  sources:{sources}
  role: {role_arn(ARCHIVE, REPORTER)}   # reads objects of logs: the reader above never may
  time_zone: Europe/Amsterdam
  work_hours: 07:00-20:00
  admins: [{ADMIN.name}]
  sensitive_objects: [{", ".join(SENSITIVE)}]
  allowed_buckets: [{", ".join(ALLOWED_BUCKETS)}]
"""


def command(now: datetime, config: object) -> str:
    """What makes last month's report of the one cluster."""
    return f"trailkeeper report --month {last_month(now)} --cluster {CLUSTER} --config {config}"
