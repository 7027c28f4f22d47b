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
    show it; any other missing or unheard-of destination is a `problem`. So is an answer that does
    not say whether logging is on, for no member is required (API reference, LoggingStatus).
    """
    enabled = answer.get("LoggingEnabled") is True
    bucket = str(answer.get("BucketName") or "")
    named = str(answer.get("LogDestinationType") or "").lower()
    tables = answer.get("S3Tables") or None
    destination, problem = _destination(enabled, named, bucket)
    problem = problem or _contradiction(answer)
    if named == "s3table" and enabled and tables is None:
        tables = {}
    return LoggingStatus(
        enabled=enabled,
        destination=destination,
        bucket=bucket if destination == "s3" else "",
        prefix=normalise_prefix(answer.get("S3KeyPrefix")),
        exports=tuple(export for export in answer.get("LogExports") or () if export),
        tables=tables,
        last_success=answer.get("LastSuccessfulDeliveryTime") or None,
        last_failure=answer.get("LastFailureTime") or None,
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


def _contradiction(answer: Mapping[str, Any]) -> str:
    """What leaves open whether logging is on, or under which keys; empty if nothing does."""
    enabled = answer.get("LoggingEnabled")
    if not isinstance(enabled, bool):
        return "DescribeLoggingStatus does not say whether logging is on (no LoggingEnabled)"
    if not enabled and answer.get("S3Tables"):
        return (
            "LoggingEnabled is false, yet S3 Tables publishing is active; whether the audit "
            "logs go there is not documented"
        )
    prefix = str(answer.get("S3KeyPrefix") or "")
    if enabled and (prefix == "/" or prefix.endswith("//")):
        return f"which keys the prefix {prefix!r} makes is not documented: use one without it"
    return ""


def logging_on(status: LoggingStatus) -> Said[bool] | Unknown:
    """Whether audit logs go anywhere. An unheard-of destination is unknown, not off and not on."""
    if status.problem:
        return Unknown(status.problem)
    where = destinations(status)
    if not where:
        return Said(False, "LoggingEnabled is false in DescribeLoggingStatus")
    return Said(True, f"logging goes to {' and '.join(where)}")


def destinations(status: LoggingStatus) -> list[str]:
    """Where logs go now: `s3`, `cloudwatch`, `s3table`. Not to be read while `problem` stands."""
    first = [status.destination] if status.destination else []
    return first + (["s3table"] if status.tables is not None else [])


def exported_types(status: LoggingStatus) -> list[str] | Unknown:
    """Which of the three audit logs are exported.

    On S3 the three are switched on together, and an old cluster may show an empty list
    (Management Guide, db-auditing); on CloudWatch the list is what is sent. S3 Tables publish
    system tables: only `EnabledAll` is known to contain all three. Names that are not known here
    may stand for a log that seems to be missing: then the answer is unknown.
    """
    if status.problem:
        return Unknown(status.problem)
    if not status.enabled:
        return []
    return _published(status.tables or {}) if status.destination is None else _delivered(status)


def _delivered(status: LoggingStatus) -> list[str] | Unknown:
    """The logs that are delivered as files or streams."""
    if not status.exports and status.destination == "s3":
        return list(LOG_TYPES)
    if not status.exports:
        return Unknown("logging goes to CloudWatch, but DescribeLoggingStatus names no LogExports")
    named = [log_type for log_type in LOG_TYPES if log_type in status.exports]
    strange = sorted(set(status.exports) - set(LOG_TYPES))
    if len(named) == len(LOG_TYPES) or not (strange or status.tables is not None):
        return named
    if strange:
        return Unknown(f"LogExports names {', '.join(strange)}, which is not known here")
    return Unknown(
        f"{' and '.join(named)} go to {status.destination}; whether the other logs go to the S3 "
        "Tables published beside it is not modelled"
    )


def _published(tables: Mapping[str, Any]) -> list[str] | Unknown:
    if tables.get("EnabledAll") is True:
        return list(LOG_TYPES)
    return Unknown(
        "S3 Tables publishing is on for chosen system tables only; which audit logs that covers "
        "is not modelled"
    )


def delivery_failing(status: LoggingStatus) -> Said[bool] | Unknown:
    """Whether a delivery failed since the last one that succeeded (or none ever succeeded).

    A failure message may be older than a later success, so the two times decide
    (API reference, LoggingStatus). The message is relayed, never parsed. Logging to S3 of which
    neither a success nor a failure is told is unknown: nothing shows that it delivers. Whether
    AWS tells these times for CloudWatch is not documented.
    """
    if why := _unsettled(status):
        return Unknown(why)
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


def _unsettled(status: LoggingStatus) -> str:
    """Why the two times do not say whether delivery fails; empty if they do."""
    success, failure = status.last_success, status.last_failure
    if status.problem:
        return status.problem
    if failure is None and success is None and status.destination == "s3":
        return (
            "neither a delivery nor a failure is recorded yet: whether logs reach the bucket "
            "shows with the first"
        )
    if failure is not None and failure == success:
        told = f": {status.failure_message}" if status.failure_message else ""
        return (
            f"a delivery failed and one succeeded at {failure:%Y-%m-%d %H:%M:%S}Z; which of the "
            f"two came last is not told{told}"
        )
    return ""


def ingestion_times(status: LoggingStatus) -> dict[str, str] | Absent:
    """When each published system table last received data, as ISO 8601 text.

    A table that has not been ingested yet is not in the map (API reference,
    S3TablePublishStatus).
    """
    times = (status.tables or {}).get("LastIngestionTimes") or {}
    told = {str(table).lower(): _iso(time) for table, time in times.items() if time}
    return told or Absent("S3 Tables show no ingestion time")


def _iso(time: object) -> str:
    return time.isoformat() if isinstance(time, datetime) else str(time)
