"""What DescribeLoggingStatus says: where the audit logs of a cluster go, and whether they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controls.model import Absent, Said, Unknown
from controls.semantics.log_keys import LOG_TYPES, normalise_prefix

DESTINATIONS = ("s3", "cloudwatch", "s3table")
"""The destinations known here (botocore's Redshift model since August 2026)."""


@dataclass(frozen=True, slots=True)
class LoggingStatus:
    """One cluster's audit logging, read from the API's answer.

    `destination` is `s3` or `cloudwatch` (file or stream delivery), None when that is off.
    S3 Tables may be published beside it. `problem` says what could not be understood.
    """

    enabled: bool
    destination: str | None
    bucket: str
    prefix: str
    exports: tuple[str, ...]
    tables: Mapping[str, Any] | None
    last_success: datetime | None
    last_failure: datetime | None
    failure_message: str
    problem: str = ""


def parse_logging_status(answer: Mapping[str, Any]) -> LoggingStatus:
    """The answer as values. Only `LoggingEnabled` says that logging is on, never a bucket name.

    A missing destination with a bucket is `s3`, as clusters set up before the member existed may
    show it; any other missing or unheard-of destination is a `problem`.
    """
    enabled = bool(answer.get("LoggingEnabled"))
    bucket = str(answer.get("BucketName") or "")
    named = str(answer.get("LogDestinationType") or "").lower()
    tables = answer.get("S3Tables") or None
    destination, problem = _destination(enabled, named, bucket)
    if named == "s3table" and enabled and tables is None:
        tables = {}
    return LoggingStatus(
        enabled=enabled,
        destination=destination,
        bucket=bucket if destination == "s3" else "",
        prefix=normalise_prefix(answer.get("S3KeyPrefix")),
        exports=tuple(answer.get("LogExports") or ()),
        tables=tables,
        last_success=answer.get("LastSuccessfulDeliveryTime"),
        last_failure=answer.get("LastFailureTime"),
        failure_message=str(answer.get("LastFailureMessage") or ""),
        problem=problem,
    )


def _destination(enabled: bool, named: str, bucket: str) -> tuple[str | None, str]:
    if not enabled or named == "s3table":
        return None, ""
    if named in ("s3", "cloudwatch"):
        if named == "s3" and not bucket:
            return None, "logging is on to S3, but DescribeLoggingStatus names no bucket"
        return named, ""
    if not named and bucket:
        return "s3", ""
    if not named:
        return None, "logging is on, but DescribeLoggingStatus names no destination"
    return None, f"logging goes to {named!r}, a destination that is not known here"


def logging_on(status: LoggingStatus) -> Said[bool] | Unknown:
    """Whether audit logs go anywhere. An unheard-of destination is unknown, not off and not on."""
    if status.problem:
        return Unknown(status.problem)
    where = destinations(status)
    if not where:
        return Said(False, "LoggingEnabled is false in DescribeLoggingStatus")
    return Said(True, f"logging goes to {' and '.join(where)}")


def destinations(status: LoggingStatus) -> list[str]:
    """Where logs go now, of `s3`, `cloudwatch`, `s3table`. Not to be read while `problem` stands."""
    first = [status.destination] if status.destination else []
    return first + (["s3table"] if status.tables is not None else [])


def exported_types(status: LoggingStatus) -> list[str] | Unknown:
    """Which of the three audit logs are exported.

    On S3 the three are switched on together, and an old cluster may show an empty list
    (Management Guide, db-auditing); on CloudWatch the list is what is sent. S3 Tables publish
    system tables: only `EnabledAll` is known to contain all three.
    """
    if status.problem:
        return Unknown(status.problem)
    exports = {export for export in status.exports if export in LOG_TYPES}
    if status.destination == "s3" and not status.exports:
        exports = set(LOG_TYPES)
    if exports == set(LOG_TYPES) or status.tables is None:
        return [log_type for log_type in LOG_TYPES if log_type in exports]
    if status.tables.get("EnabledAll"):
        return list(LOG_TYPES)
    return Unknown(
        "S3 Tables publishing is on for chosen system tables only; which audit logs that covers "
        "is not modelled"
    )


def delivery_failing(status: LoggingStatus) -> Said[bool]:
    """Whether a delivery failed since the last one that succeeded (or none ever succeeded).

    A failure message may be older than a later success, so the two times decide
    (API reference, LoggingStatus). The message is relayed, never parsed.
    """
    success, failure = status.last_success, status.last_failure
    if failure is None:
        return Said(False, "no delivery failure is recorded")
    told = f": {status.failure_message}" if status.failure_message else ""
    if success is None:
        return Said(True, f"delivery failed at {failure:%Y-%m-%d %H:%M}Z, none succeeded{told}")
    if failure > success:
        return Said(
            True,
            f"delivery failed at {failure:%Y-%m-%d %H:%M}Z, after the last success at "
            f"{success:%Y-%m-%d %H:%M}Z{told}",
        )
    return Said(False, f"delivery succeeded at {success:%Y-%m-%d %H:%M}Z, after any failure")


def last_ingestion(status: LoggingStatus) -> datetime | Absent:
    """The newest ingestion time of the published S3 Tables, whichever table."""
    times = [] if status.tables is None else list(
        (status.tables.get("LastIngestionTimes") or {}).values()
    )
    moments = [time for time in times if isinstance(time, datetime)]
    return max(moments) if moments else Absent("S3 Tables show no ingestion time")
