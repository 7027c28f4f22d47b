"""The simulated estate of `trailkeeper demo`: three accounts with planted drift, and the verdicts.

Everything is data: `steps` for the sandbox's planting, `configuration` for Trailkeeper,
`EXPECTED` for whoever wants to know whether Trailkeeper judged it rightly.
"""

from __future__ import annotations

from datetime import UTC, datetime

from agent.sandbox.estate_analytics import FORMER_BUCKET, WALKTHROUGH_BUCKET, analytics
from agent.sandbox.estate_archive import archive
from agent.sandbox.estate_expected import EXPECTED
from agent.sandbox.estate_finance import finance
from agent.sandbox.estate_shapes import (
    ANALYTICS,
    ARCHIVE,
    FINANCE,
    FINANCE_EXTERNAL_ID,
    FIXER,
    READER,
    REGIONS,
    US,
    Step,
    role_arn,
)

__all__ = ["EXPECTED", "WALKTHROUGH", "configuration", "seed", "steps"]

WALKTHROUGH = (
    ("audit-logs-expire-in-time", f"{WALKTHROUGH_BUCKET}/"),
    ("redshift-user-activity-logged", "ledger-prod"),
)
"""(rule, resource) of two findings worth explaining: a lifecycle that reads as if it deleted and
does not, and a parameter that reads true and is not in force."""


def steps(now: datetime) -> list[Step]:
    """The planting steps of the whole estate as it is at `now`, an aware time.

    Verdicts hold for an hour from then: one cluster's delivery has failed just now and is still
    within the grace of redshift-log-delivery-healthy. After a day every log is stale.
    """
    roles: list[Step] = [
        {"do": "account", "account": account, "reader": name, "reads_only": name == READER} | asks
        for account, asks in (
            (ANALYTICS, {}),
            (FINANCE, {"external_id": FINANCE_EXTERNAL_ID}),
            (ARCHIVE, {}),
        )
        for name in (READER, FIXER)
    ]
    return [*roles, *archive(now), *analytics(now), *finance(now)]


def seed() -> None:
    """Plants the estate as of now; to be called in the sandbox's own process."""
    # Imported here: whoever only wants the configuration or the verdicts needs no moto.
    from agent.sandbox.planting import plant  # noqa: PLC0415

    plant(steps(datetime.now(UTC)))


def configuration() -> str:
    """The YAML that points Trailkeeper at the estate.

    Who owns the buckets in use is not said: that is found by listing each account's buckets. Only
    a former destination is named, which nothing else would lead to.
    """
    return f"""\
# The simulated estate of `trailkeeper demo`: three accounts, two regions.
regions: [{", ".join(REGIONS)}]
targets:
  - name: analytics
    role: {role_arn(ANALYTICS, READER)}
    remediation_role: {role_arn(ANALYTICS, FIXER)}
  - name: finance
    role: {role_arn(FINANCE, READER)}
    remediation_role: {role_arn(FINANCE, FIXER)}
    external_id: {FINANCE_EXTERNAL_ID}
  - name: log-archive          # no clusters: it owns the buckets that the others deliver to
    role: {role_arn(ARCHIVE, READER)}
    remediation_role: {role_arn(ARCHIVE, FIXER)}
log_buckets:
  # No cluster delivers here any more; what is in it must still go in time.
  - bucket: {FORMER_BUCKET}
    account: "{ANALYTICS}"
    region: {US}
"""
