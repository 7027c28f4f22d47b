"""Where Redshift writes audit logs: S3 key prefixes, object names and log group names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

LOG_TYPES: tuple[str, ...] = ("connectionlog", "userlog", "useractivitylog")
"""The three audit logs, in AWS's words (Redshift Management Guide, db-auditing)."""


SYSTEM_TABLES: dict[str, str] = {
    "connectionlog": "sys_connection_log",
    "userlog": "sys_userlog",
    "useractivitylog": "sys_query_history",
}
"""Where S3 Tables publishing keeps each log's records (Database Developer Guide, SYS views)."""


def normalise_prefix(prefix: str | None) -> str:
    """A log prefix as keys show it: empty, or ending in exactly one slash.

    The service hands a configured `X` back as `X/` (AWS's own remediation runbook asserts it), so
    prefixes are compared only in this form.
    """
    stripped = (prefix or "").rstrip("/")
    return f"{stripped}/" if stripped else ""


def log_prefix(prefix: str | None, account: str, region: str) -> str:
    """What every key of one writer starts with: `[prefix/]AWSLogs/<account>/redshift/<region>/`."""
    return f"{normalise_prefix(prefix)}AWSLogs/{account}/redshift/{region}/"


def day_prefix(prefix: str | None, account: str, region: str, cluster: str, day: date) -> str:
    """What the keys of one cluster on one day start with.

    Ends in `_`: a cluster identifier holds no underscore, so `c1` never matches `c10`.
    """
    folder = f"{log_prefix(prefix, account, region)}{day:%Y/%m/%d}/"
    return f"{folder}{account}_redshift_{region}_{cluster}_"


_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class LogKey:
    """What the name of one log object says. `stamped_at` is the delivery time, to the minute."""

    account: str
    region: str
    cluster: str
    log_type: str
    stamped_at: datetime


def parse_key(key: str) -> LogKey | None:
    """The parts of a log object's key, or None if it is not one.

    `…/<account>_redshift_<region>_<cluster>_<logtype>_<YYYY-MM-DDTHH:MM>.gz`
    """
    name = key.rsplit("/", 1)[-1]
    if not name.endswith(".gz"):
        return None
    parts = name.removesuffix(".gz").split("_")
    if len(parts) != 6 or parts[1] != "redshift" or parts[4] not in LOG_TYPES:
        return None
    if not _STAMP.fullmatch(parts[5]):
        return None
    try:
        # Not strptime: a listing holds a hundred keys for each cluster, and this is its cost.
        stamp = datetime.fromisoformat(parts[5]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return LogKey(parts[0], parts[2], parts[3], parts[4], stamp)


def cluster_log_group(cluster: str, log_type: str) -> str:
    """The log group of a provisioned cluster (Redshift Management Guide, db-auditing)."""
    return f"/aws/redshift/cluster/{cluster}/{log_type}"


def serverless_log_group(namespace: str, log_type: str) -> str:
    """The log group of a serverless namespace (Management Guide, serverless-audit-logging)."""
    return f"/aws/redshift/{namespace}/{log_type}"
