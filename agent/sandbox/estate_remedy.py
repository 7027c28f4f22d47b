"""What may be changed in the simulated estate, what that takes, and what only a person can mend."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from agent.sandbox import estate
from agent.sandbox.estate_analytics import (
    COMMANDS_ROLE,
    LOST_BUCKET,
    SHARED_BUCKET,
    WALKTHROUGH_BUCKET,
)
from agent.sandbox.estate_archive import CENTRAL
from agent.sandbox.estate_finance import KMS_BUCKET, VPCE_BUCKET
from agent.sandbox.estate_shapes import (
    ACTIVITY,
    ANALYTICS,
    CONNECTION,
    EU,
    FINANCE,
    LOGS,
    US,
    Step,
    Trail,
)

WITHOUT_COSTS = (
    "admit_delivery",
    "enable_logging",
    "enable_user_activity_logging",
    "export_all_logs",
    "keep_logs",
)
"""Fixes that destroy, interrupt and weaken nothing here."""

EVERY_FIX = (
    *WITHOUT_COSTS,
    "abort_uploads",
    "block_public_access",
    "enable_serverless_activity",
    "encrypt_bucket",
    "expire_logs",
    "reboot_cluster",
    "require_tls",
    "set_log_retention",
    "use_sse_s3",
)

BY = "security-engineering@larkfield.example"

Consents = Sequence[tuple[str, str, str]]

CONSENTS: Consents = (
    *(
        ("destroys", fix, place)
        for fix in ("expire_logs", "abort_uploads")
        for place in (f"{SHARED_BUCKET}/warehouse/", f"{WALKTHROUGH_BUCKET}/")
    ),
    *(
        ("destroys", "set_log_retention", f"/aws/redshift/cluster/realtime-bidding/{log}")
        for log in LOGS
    ),
    ("weakens", "use_sse_s3", KMS_BUCKET),
    ("interrupts", "require_tls", WALKTHROUGH_BUCKET),
    ("interrupts", "enable_serverless_activity", "forecasting-wg"),
    *(
        ("interrupts", "reboot_cluster", cluster)
        for cluster in ("data-science-scratch", "ledger-prod", "redshift-cluster-1")
    ),
)
"""(to, fix, resource): what putting all of it right costs, and where."""

DEDICATED = ((KMS_BUCKET, FINANCE, EU), (WALKTHROUGH_BUCKET, ANALYTICS, EU))
"""Buckets that hold audit logs alone, where something is to be done to the whole bucket."""

_PERSONS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "redshift-role-least-privilege",
        ("BiddingIngest", COMMANDS_ROLE, "RedshiftS3FullAccess"),
        "what the loads need must be found out before the roles are narrowed (SEC-2207)",
    ),
    (
        "redshift-role-exists",
        ("ClickstreamEtl",),
        "the team decides whether the cluster still loads anything (SEC-2208)",
    ),
    (
        "redshift-log-delivery-healthy",
        ("marketing-attribution",),
        f"{LOST_BUCKET} belongs to another account now: a bucket must be chosen (SEC-2209)",
    ),
    (
        "redshift-logs-fresh",
        ("marketing-attribution/*",),
        "nothing is delivered until it has another bucket (SEC-2209)",
    ),
    (
        "redshift-logs-fresh",
        ("clickstream/*",),
        "delivery stopped without a failure: a case is open with AWS (SEC-2210)",
    ),
    (
        "redshift-log-delivery-admitted",
        ("risk-models",),
        f"the Deny in the policy of {VPCE_BUCKET} is the risk team's to narrow (SEC-2211)",
    ),
)
"""(rule, resources, why): no fix may put these right."""


def configuration(
    fixes: Iterable[str] = EVERY_FIX,
    *,
    consents: Consents = (),
    prepared: bool = False,
    waivers: str = "",
    cool_down_seconds: int = 3_600,
) -> str:
    """The YAML that points Trailkeeper at the estate, and says what it may change there.

    `prepared`: the buckets in `DEDICATED` are declared, and clusters without audit logs are told
    where to log. `waivers` is the path of a file as `waived` writes it.
    """
    text = estate.configuration() + (_dedicated() if prepared else "")
    text += f"waivers: {waivers}\n" if waivers else ""
    text += f"""\
remediation:
  fixes: [{", ".join(fixes)}]
  verify_seconds: 20
  # Far more at once than anyone would want for real.
  limits: {{per_sweep: 50, per_hour: 200, per_account: 100, cool_down_seconds: {cool_down_seconds}}}
"""
    text += _destinations() if prepared else ""
    return text + (_consented(consents) if consents else "")


SHOWN = (
    ("redshift-log-types-complete", "billing-support"),
    ("audit-logs-expire-in-time", f"{WALKTHROUGH_BUCKET}/"),
)
"""(rule, resource) of what `demo --once` puts right: one costs nothing, one deletes old logs."""


def shown() -> str:
    """The configuration that allows that, and no more: the same elsewhere lacks the consent."""
    fixes = ("enable_logging", "expire_logs")
    return configuration(fixes, consents=[("destroys", "expire_logs", f"{WALKTHROUGH_BUCKET}/")])


def without_costs() -> str:
    """The configuration by which an agent may do what destroys, interrupts and weakens nothing.

    The demo's days are minutes: so it may come back to the same thing soon.
    """
    return configuration(WITHOUT_COSTS, prepared=True, cool_down_seconds=60)


def _dedicated() -> str:
    return "".join(
        f'  - {{bucket: {bucket}, account: "{account}", region: {region}, dedicated: true}}\n'
        for bucket, account, region in DEDICATED
    )


def _destinations() -> str:
    return "  log_destinations:\n" + "".join(
        f"    - {{to: s3, bucket: {bucket}, region: {region}, prefix: {prefix}, "
        f'account: "{account}"}}\n'
        for region, bucket in CENTRAL.items()
        for prefix, account in (("analytics", ANALYTICS), ("finance", FINANCE))
    )


def _consented(consents: Consents) -> str:
    return "  consents:\n" + "".join(
        f"    - {{to: {cost}, fix: {fix}, resource: {resource}, by: {BY}}}\n"
        for cost, fix, resource in consents
    )


def waived(until: date) -> str:
    """The waiver file for what only a person can mend, each with its reason."""
    return "".join(
        f"- rule: {rule}\n  resources: [{', '.join(map(repr, resources))}]\n"
        f"  why: {json.dumps(why)}\n  by: {BY}\n  until: {until.isoformat()}\n"
        for rule, resources, why in _PERSONS
    )


def delivered(now: datetime) -> list[Step]:
    """Redshift's next deliveries, once nothing is in their way: nobody else makes them here."""
    fraud = Trail(FINANCE, EU, "fraud-scoring", KMS_BUCKET)
    walkthrough = Trail(ANALYTICS, EU, "redshift-cluster-1", WALKTHROUGH_BUCKET)
    scratch = Trail(ANALYTICS, US, "data-science-scratch", CENTRAL[US], "analytics")
    return [
        {"do": "logging", "account": FINANCE, "region": EU, "cluster": "fraud-scoring"}
        | fraud.status(now),
        *fraud.files(now, 1 / 8, [CONNECTION, ACTIVITY]),
        *walkthrough.files(now, 1 / 8, [ACTIVITY]),
        *Trail(FINANCE, EU, "ledger-prod", CENTRAL[EU], "finance").files(now, 1 / 8, [ACTIVITY]),
        {"do": "logging", "account": ANALYTICS, "region": US, "cluster": "data-science-scratch"}
        | scratch.status(now),
        *scratch.files(now, 1 / 8, [CONNECTION, ACTIVITY]),
    ]
