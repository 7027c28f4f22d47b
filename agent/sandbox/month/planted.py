"""Last month's logs in the simulated estate, in place of the padded files that lie there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from agent.auditlog.objects import FOLDERS_AFTER, Writer
from agent.report.model import Month
from agent.sandbox.estate_archive import CENTRAL
from agent.sandbox.estate_shapes import ANALYTICS, EU, US, Step, Trail
from agent.sandbox.month.files import folder_of
from agent.sandbox.month.making import produce

if TYPE_CHECKING:
    from agent.sandbox.planting.times import Time

DAMAGED = Trail(ANALYTICS, EU, "warehouse-prod", CENTRAL[EU], "analytics")
"""The cluster where last month much happened, and part of the evidence is damaged."""
WHOLE = Trail(ANALYTICS, US, "clickstream-batch", CENTRAL[US], "analytics")
"""The cluster of which everything is there, and nothing to be seen in it."""


def last_month(now: datetime) -> Month:
    """The month before that of `now`."""
    return Month(now.year, now.month).shifted(-1)


def steps(now: datetime, scale: float = 0.4) -> list[Step]:
    """Planting steps for last month, and for the month before it, against which new is new.

    What decides how fresh the logs are stays as it was: the objects end with the cluster's newest,
    stamped with its own minute of the hour.
    """
    month = last_month(now)
    return [
        _month(DAMAGED, month.shifted(-1), now, scale) | {"damage": False, "incidents": False},
        _month(DAMAGED, month, now, scale),
        _month(WHOLE, month, now, scale / 4) | {"damage": False, "incidents": False, "seed": 2},
    ]


def _month(trail: Trail, month: Month, now: datetime, scale: float) -> Step:
    newest = trail.newest(now)
    return {
        "do": "audit_month",
        "bucket": trail.bucket,
        "account": trail.account,
        "region": trail.region,
        "cluster": trail.cluster,
        "prefix": trail.prefix,
        "month": str(month),
        "scale": scale,
        "minute": newest.minute,
        "until": newest,
    }


def audit_month(  # noqa: PLR0913 - the fields of a planting step
    bucket: str,
    *,
    account: str,
    region: str,
    cluster: str,
    month: str,
    minute: int,
    until: Time,
    prefix: str = "",
    seed: int = 1,
    scale: float = 1.0,
    damage: bool = True,
    incidents: bool = True,
) -> int:
    """Plants a month of one cluster's logs, read as Redshift writes them; returns how many records.

    The cluster's objects in the folders of the month, and of the two days after it, are replaced:
    none may be stamped later than `until`, the last of those that were there.
    """
    # Imported here: whoever only wants the steps needs no moto.
    from agent.sandbox.planting.s3 import put_object, remove_objects  # noqa: PLC0415
    from agent.sandbox.planting.times import when  # noqa: PLC0415

    writer, asked = Writer(account, region, cluster), Month.parse(month)
    day = asked.start
    while day < asked.end + timedelta(days=FOLDERS_AFTER):
        folder = folder_of(writer, prefix, day)
        remove_objects(bucket, f"{folder}/{account}_redshift_{region}_{cluster}_")
        day += timedelta(days=1)
    truth = produce(
        asked,
        lambda key, body, modified: put_object(bucket, key, modified=modified, body=body),
        seed=seed,
        scale=scale,
        damage=damage,
        incidents=incidents,
        writer=writer,
        prefix=prefix,
        minute=minute,
        until=when(until),
    )
    return sum(truth.records.values())
