"""What every rule of the shipped pack must say about every resource of the simulated estate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.sandbox.estate_analytics import (
    COMMANDS_ROLE,
    FORMER_BUCKET,
    LOST_BUCKET,
    SHARED_BUCKET,
    WALKTHROUGH_BUCKET,
)
from agent.sandbox.estate_archive import CENTRAL
from agent.sandbox.estate_finance import KMS_BUCKET, VPCE_BUCKET
from agent.sandbox.estate_shapes import ACTIVITY, CONNECTION, EU, LOGS, US

_ON_CLOUDWATCH = ("billing-support", "customer-360", "realtime-bidding")
_ON_S3_TABLES = ("growth-experiments",)
_ON_S3 = (
    "budget-2027",
    "clickstream",
    "clickstream-batch",
    "fraud-scoring",
    "ledger-prod",
    "marketing-attribution",
    "month-end-close",
    "redshift-cluster-1",
    "risk-models",
    "warehouse-prod",
    "web-analytics",
)
_LOGGING = (*_ON_CLOUDWATCH, *_ON_S3, *_ON_S3_TABLES)
_OFF = ("data-science-scratch",)

_BUCKETS = (
    *CENTRAL.values(),
    FORMER_BUCKET,
    KMS_BUCKET,
    LOST_BUCKET,
    SHARED_BUCKET,
    VPCE_BUCKET,
    WALKTHROUGH_BUCKET,
)
_LOCATIONS = (
    f"{CENTRAL[EU]}/analytics/",
    f"{CENTRAL[EU]}/finance/",
    f"{CENTRAL[US]}/analytics/",
    f"{CENTRAL[US]}/finance/",
    f"{FORMER_BUCKET}/",
    f"{KMS_BUCKET}/",
    f"{LOST_BUCKET}/",
    f"{SHARED_BUCKET}/warehouse/",
    f"{VPCE_BUCKET}/",
    f"{WALKTHROUGH_BUCKET}/",
)
_ROLES = (
    "BiddingIngest",
    "ClickstreamEtl",
    COMMANDS_ROLE,
    "FinanceLoader",
    "RedshiftS3FullAccess",
    "WarehouseLoader",
)


def _logs(*clusters: str, kinds: Sequence[str] = LOGS) -> tuple[str, ...]:
    return tuple(f"{cluster}/{kind}" for cluster in clusters for kind in kinds)


def _groups(*writers: str, kinds: Sequence[str] = LOGS) -> tuple[str, ...]:
    return tuple(f"/aws/redshift/{writer}/{kind}" for writer in writers for kind in kinds)


_ENDLESS = _groups("cluster/realtime-bidding")
_GROUPS = (
    *_ENDLESS,
    *_groups("cluster/billing-support", kinds=(CONNECTION, ACTIVITY)),
    *_groups("cluster/customer-360", "reporting"),
    *_groups("forecasting", kinds=("connectionlog", "userlog")),
)

_STEADY = (CONNECTION, ACTIVITY)
_ALL_LOGS = (
    *_logs(*(name for name in _LOGGING if name != "billing-support")),
    *_logs("billing-support", kinds=_STEADY),
)
_STALE = _logs("clickstream", "fraud-scoring", "marketing-attribution", kinds=_STEADY)
_FRESH = (
    *_logs("billing-support", "clickstream-batch", "customer-360", kinds=_STEADY),
    *_logs("growth-experiments", "realtime-bidding", "risk-models", kinds=_STEADY),
    *_logs("warehouse-prod", "web-analytics", kinds=_STEADY),
    # The parameter is not in force on these two: they write no activity log that could be fresh.
    *_logs("ledger-prod", "redshift-cluster-1", kinds=(CONNECTION,)),
)


def _rest(of: Iterable[str], *but: str) -> tuple[str, ...]:
    return tuple(name for name in of if name not in but)


_UNSEEN = ("growth-experiments (S3 Tables)",)
"""What a kind says where it cannot see: growth-experiments keeps its records in S3 Tables."""

_VERDICTS: dict[str, dict[str, Iterable[str]]] = {
    "redshift-audit-logging-on": {"fail": _OFF, "pass": _LOGGING},
    "redshift-log-types-complete": {
        "fail": ("billing-support",),
        "pass": _rest(_LOGGING, "billing-support"),
        "not_applicable": _OFF,
    },
    "redshift-user-activity-logged": {
        "fail": ("ledger-prod", "redshift-cluster-1"),
        "pass": _rest(_LOGGING, "ledger-prod", "redshift-cluster-1"),
        "not_applicable": _OFF,
    },
    "redshift-log-delivery-healthy": {
        # risk-models failed once, minutes ago: within grace_hours
        "fail": ("fraud-scoring", "marketing-attribution"),
        "pass": _rest(_ON_S3, "fraud-scoring", "marketing-attribution"),
        "not_applicable": (*_ON_CLOUDWATCH, *_ON_S3_TABLES, *_OFF),
    },
    "redshift-log-delivery-admitted": {
        "fail": ("risk-models",),
        "pass": _rest(_ON_S3, "risk-models"),
        "not_applicable": (*_ON_CLOUDWATCH, *_ON_S3_TABLES, *_OFF),
    },
    "redshift-logs-fresh": {
        "fail": _STALE,
        "pass": _FRESH,
        "not_applicable": _rest(_ALL_LOGS, *_STALE, *_FRESH),
    },
    "log-bucket-encrypted": {"pass": _BUCKETS, "unknown": _UNSEEN},
    "log-bucket-encryption-deliverable": {
        "fail": (KMS_BUCKET,),
        "pass": _rest(_BUCKETS, KMS_BUCKET, FORMER_BUCKET),
        "not_applicable": (FORMER_BUCKET,),
        "unknown": _UNSEEN,
    },
    "log-bucket-private": {"pass": _BUCKETS, "unknown": _UNSEEN},
    "log-bucket-tls-only": {
        "fail": (WALKTHROUGH_BUCKET,),
        "pass": _rest(_BUCKETS, WALKTHROUGH_BUCKET),
        "unknown": _UNSEEN,
    },
    "log-bucket-unlocked": {
        "pass": _rest(_BUCKETS, FORMER_BUCKET),
        "not_applicable": (FORMER_BUCKET,),
        "unknown": _UNSEEN,
    },
    "audit-logs-expire-in-time": {
        "fail": (f"{SHARED_BUCKET}/warehouse/", f"{WALKTHROUGH_BUCKET}/"),
        "pass": _rest(_LOCATIONS, f"{SHARED_BUCKET}/warehouse/", f"{WALKTHROUGH_BUCKET}/"),
        "unknown": _UNSEEN,
    },
    "audit-logs-kept-long-enough": {"pass": _LOCATIONS, "unknown": _UNSEEN},
    "audit-logs-uploads-aborted": {
        "fail": (f"{SHARED_BUCKET}/warehouse/", f"{WALKTHROUGH_BUCKET}/"),
        "pass": _rest(_LOCATIONS, f"{SHARED_BUCKET}/warehouse/", f"{WALKTHROUGH_BUCKET}/"),
        "unknown": _UNSEEN,
    },
    "log-group-retention": {"fail": _ENDLESS, "pass": _rest(_GROUPS, *_ENDLESS)},
    "log-group-kept-long-enough": {"pass": _GROUPS},
    "log-group-encrypted": {"pass": _GROUPS},
    "serverless-log-types-complete": {"fail": ("forecasting",), "pass": ("reporting",)},
    "serverless-user-activity-logged": {"fail": ("forecasting-wg",), "pass": ("reporting-wg",)},
    "redshift-role-exists": {
        "fail": ("ClickstreamEtl",),
        "pass": _rest(_ROLES, "ClickstreamEtl"),
    },
    "redshift-role-least-privilege": {
        "fail": ("BiddingIngest", COMMANDS_ROLE, "RedshiftS3FullAccess"),
        "pass": ("FinanceLoader", "WarehouseLoader"),
        "not_applicable": ("ClickstreamEtl",),
    },
}

EXPECTED: dict[tuple[str, str], str] = {
    (rule, resource): status
    for rule, verdicts in _VERDICTS.items()
    for status, resources in verdicts.items()
    for resource in resources
}
"""(rule, resource) to pass, fail, unknown or not_applicable: every finding of one sweep."""
