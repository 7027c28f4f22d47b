"""The simulated estate's monthly report: last month's logs, who reads them, and what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from agent.sandbox import estate
from agent.sandbox.estate_archive import CENTRAL
from agent.sandbox.estate_shapes import ARCHIVE, EU, REPORTER, Step, bucket, expires, role_arn
from agent.sandbox.month.incidents import ALLOWED_BUCKETS, SENSITIVE
from agent.sandbox.month.people import ADMIN
from agent.sandbox.month.planted import DAMAGED, last_month

REPORTS = "larkfield-audit-reports"
"""Where the monthly reports are kept: two years, far longer than the logs."""
CLUSTER = DAMAGED.cluster
"""Whose report is worth reading."""


def places(now: datetime) -> list[Step]:
    """Planting steps: the bucket of the reports, the role that makes them, last month's reports.

    Planted apart from the estate, as the logs themselves are (`month.planted`): most who plant
    that need no report. Of a report that lies there already only the name is.
    """
    return [
        bucket(ARCHIVE, EU, REPORTS, lifecycle=[expires(days=730)]),
        {"do": "account", "account": ARCHIVE, "reader": REPORTER},
        *_produced(now),
    ]


def _produced(now: datetime) -> Iterator[Step]:
    """The job that makes reports did so, on the third: of every cluster whose logs it can read."""
    month = last_month(now)
    made_at = min(month.end + timedelta(days=2, hours=4), now - timedelta(minutes=30))
    for step in estate.steps(now):
        logging = step.get("logging")
        if step["do"] != "cluster" or not logging or logging["destination"] == "s3table":
            continue
        name = step["identifier"]
        folder = f"{month}/{step['account']}_{step['region']}_{name}"
        verdict = "incomplete" if name == CLUSTER else "complete"
        for file in ("manifest.json", f"verdict-{verdict}"):
            where = {"bucket": REPORTS, "key": f"{folder}/{file}", "modified": made_at}
            yield {"do": "object", "size": 0} | where


def configuration(destination: str = f"s3://{REPORTS}/") -> str:
    """The `report` section of Trailkeeper's configuration."""
    sources = "".join(f"\n    - s3://{name}/{DAMAGED.prefix}/" for name in CENTRAL.values())
    return f"""\
report:
  destination: {destination}
  sources:{sources}
  role: {role_arn(ARCHIVE, REPORTER)}   # reads what is in the logs: no reader above may
{_asked()}"""


def questions() -> str:
    """The same for logs in a folder: what is asked alone."""
    return f"report:\n{_asked()}"


def _asked() -> str:
    return f"""\
  time_zone: Europe/Amsterdam
  work_hours: 07:00-20:00
  admins: [{ADMIN.name}]
  sensitive_objects: [{", ".join(SENSITIVE)}]
  allowed_buckets: [{", ".join(ALLOWED_BUCKETS)}]
"""


def words(now: datetime) -> list[str]:
    """What follows `trailkeeper` to make last month's report of the one cluster."""
    return ["report", "--month", str(last_month(now)), "--cluster", CLUSTER]
