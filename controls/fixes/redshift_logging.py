"""Audit logging of a provisioned cluster: turned on where it is off, completed where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controls.change import Change, Cost, Document, Fix, Held, Json, Planned, Right, Task
from controls.fixes import redshift_destination
from controls.fixes.redshift_clusters import KIND, call_on, not_available, read_cluster, tags_of
from controls.fixes.redshift_destination import key_prefix, why_undeliverable
from controls.model import CannotTellError, Reader, Ref, Unknown
from controls.semantics.log_keys import LOG_TYPES, normalise_prefix
from controls.semantics.logging_status import (
    LoggingStatus,
    destinations,
    exported_types,
    parse_logging_status,
)


@dataclass(frozen=True, slots=True)
class _Logging:
    """Where a cluster logs, as EnableLogging takes it; the prefix has no slash at its end."""

    kind: str
    bucket: str = ""
    prefix: str = ""
    exports: tuple[str, ...] = LOG_TYPES

    @property
    def place(self) -> str:
        """For a sentence."""
        if self.kind != "s3":
            return "CloudWatch Logs"
        return f"s3://{self.bucket}/{normalise_prefix(self.prefix)}"

    def fields(self) -> dict[str, Json]:
        """Every field: what EnableLogging makes of an omitted one is not documented."""
        fields: dict[str, Json] = {"LogDestinationType": self.kind}
        if self.kind == "s3":
            fields["BucketName"] = self.bucket
            if self.prefix:
                fields["S3KeyPrefix"] = self.prefix
        return fields | {"LogExports": list(self.exports)}

    def shown(self) -> dict[str, Json]:
        """As DescribeLoggingStatus will tell it: the prefix with its slash, in a stable order."""
        shown = self.fields() | {"LoggingEnabled": True, "LogExports": sorted(self.exports)}
        if self.prefix:
            shown["S3KeyPrefix"] = normalise_prefix(self.prefix)
        return shown


def enable_logging(aws: Reader, task: Task) -> Planned:
    """Turn audit logging on at the configured destination, or add what lacks at the present one."""
    cluster = read_cluster(aws, task.ref)
    if isinstance(cluster, Held):
        return cluster
    answer = aws.call("redshift", "DescribeLoggingStatus", ClusterIdentifier=task.ref.name)
    status = parse_logging_status(answer)
    if status.problem:
        raise CannotTellError(status.problem)
    exported = exported_types(status)
    if not isinstance(exported, Unknown) and set(exported) == set(LOG_TYPES):
        return _complete(task.ref, status)
    if status.tables is not None:
        return Held(
            f"cluster {task.ref.name} publishes its audit records to S3 Tables: whether "
            "EnableLogging would end that is not documented"
        )
    if isinstance(exported, Unknown):
        raise CannotTellError(exported.reason)
    before = _present(status)
    wanted = _wanted(task, before)
    if isinstance(wanted, Held):
        return wanted
    held = not_available(cluster) or _undeliverable(aws, task.ref, wanted)
    return held or _change(task.ref, before, wanted, tags_of(cluster))


def _undeliverable(aws: Reader, ref: Ref, wanted: _Logging) -> Held | None:
    """Asked of the present bucket too: enabling anew binds the cluster to whoever owns it now."""
    if wanted.kind != "s3":
        return None
    return why_undeliverable(aws, ref, wanted.bucket, wanted.prefix)


def _complete(ref: Ref, status: LoggingStatus) -> Right:
    now = _present(status)
    where = " and ".join(destinations(status))
    document = now.shown() if now else {"LoggingEnabled": True, "LogDestinationType": where}
    return Right(
        f"all three audit logs of cluster {ref.name} go to {where} already; a cluster that logs is "
        "never moved",
        documents=(Document(_what(ref), document, document),),
    )


def _present(status: LoggingStatus) -> _Logging | None:
    """Where the cluster logs now; None where it does not, or to S3 Tables alone."""
    if not status.destination:
        return None
    # On S3 the three logs are switched on together; an empty list stands for all of them.
    exports = status.exports or LOG_TYPES
    return _Logging(status.destination, status.bucket, status.prefix.rstrip("/"), exports)


def _wanted(task: Task, before: _Logging | None) -> _Logging | Held:
    """All three logs, where they go now; where they go nowhere, at the configured destination."""
    if before is not None:
        return _Logging(before.kind, before.bucket, before.prefix)
    ref, destination = task.ref, task.destination
    if destination is None:
        return Held(
            f"no destination configured for {ref.account}/{ref.region}: say where its clusters log"
        )
    match destination.kind:
        case "cloudwatch":
            return _Logging("cloudwatch")
        case "s3" if destination.bucket:
            prefix = key_prefix(destination, ref)
            return (
                prefix if isinstance(prefix, Held) else _Logging("s3", destination.bucket, prefix)
            )
        case "s3":
            return Held(f"the destination for {ref.account}/{ref.region} names no bucket")
        case other:
            return Held(
                f"the destination {other!r} is not one that Trailkeeper turns logging on to"
            )


def _change(ref: Ref, before: _Logging | None, wanted: _Logging, tags: dict[str, str]) -> Change:
    changing: dict[str, Any] = {
        "fix": "enable_logging",
        "ref": ref,
        "calls": (call_on(ref, "EnableLogging", ClusterIdentifier=ref.name, **wanted.fields()),),
        "documents": (
            Document(
                _what(ref), before.shown() if before else {"LoggingEnabled": False}, wanted.shown()
            ),
        ),
        "tags": tags,
    }
    if before is None:
        return Change(
            **changing,
            summary=f"turn on audit logging of cluster {ref.name}, all three logs, to "
            f"{wanted.place}",
            no_undo="turning audit logging off again takes DisableLogging, which Trailkeeper never "
            "calls",
        )
    added = ", ".join(log for log in wanted.exports if log not in before.exports)
    return Change(
        **changing,
        summary=f"export {added} of cluster {ref.name} too, to {wanted.place} where its other logs "
        "go",
        undo=(call_on(ref, "EnableLogging", ClusterIdentifier=ref.name, **before.fields()),),
        undo_costs={Cost.WEAKENS: f"{added} of cluster {ref.name} would no longer be exported"},
    )


def _what(ref: Ref) -> str:
    return f"audit logging of cluster {ref.name}"


FIXES = (
    Fix(
        enable_logging,
        KIND,
        reads=(
            "redshift:DescribeClusters",
            "redshift:DescribeLoggingStatus",
            *redshift_destination.READS,
        ),
        writes=("redshift:EnableLogging",),
    ),
)
