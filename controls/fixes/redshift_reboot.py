"""The reboot that puts the user activity parameter in force, in the maintenance window only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from controls.change import Change, Cost, Document, Fix, Held, Json, Planned, Right, Task
from controls.fixes.maintenance_window import Span, is_open, next_open, parse_window
from controls.fixes.redshift_clusters import (
    KIND,
    Cluster,
    activity_status,
    apply_statuses,
    call_on,
    parameter_group,
    pending_values,
    read_cluster,
    status_of,
    tags_of,
)
from controls.model import CannotTellError, Reader, Ref, Unknown
from controls.semantics.parameters import USER_ACTIVITY, user_activity_value

_APPLIED_BY_A_REBOOT = ("pending-reboot", "apply-deferred", "apply-error", "unknown-error")
"""API reference, ClusterParameterStatus."""


def reboot_cluster(aws: Reader, task: Task) -> Planned:
    """Reboot the cluster in its maintenance window, for user activity logging to take effect."""
    cluster = read_cluster(aws, task.ref)
    if isinstance(cluster, Held):
        return cluster
    group = parameter_group(cluster)
    if isinstance(group, Held):
        return group
    settled = _needs_none(aws, task.ref, group)
    if settled is not None:
        return settled
    waits = _not_now(cluster, task.now)
    return waits or _change(task.ref, cluster, group)


def _needs_none(aws: Reader, ref: Ref, group: Mapping[str, Any]) -> Right | Held | None:
    """Why no reboot is wanted for the parameter; None where one is all that lacks."""
    name = str(group["ParameterGroupName"])
    parameters = aws.pages(
        "redshift",
        "DescribeClusterParameters",
        "Parameters",
        ParameterGroupName=name,
        Source="user",
    )
    found = user_activity_value(parameters, name)
    if isinstance(found, Unknown):
        raise CannotTellError(found.reason)
    if not found.value:
        return Held(f"a reboot would not help: {found.reason}; the fix `{_SETS_IT}` comes first")
    match activity_status(group):
        case "in-sync":
            nothing = Document(_what(ref), {}, {})
            return Right(f"{USER_ACTIVITY} is true and in force", documents=(nothing,))
        case "applying":
            return Held(f"{USER_ACTIVITY} of cluster {ref.name} is being applied", later=True)
        case status if status in _APPLIED_BY_A_REBOOT:
            return None
        case status:
            return Held(
                f"{USER_ACTIVITY} of cluster {ref.name} is {status or 'in no status that is shown'}"
                ", which a reboot is not documented to put in force"
            )


_SETS_IT = "enable_user_activity_logging"


def _not_now(cluster: Cluster, now: datetime) -> Held | None:
    """The status must be `available` and nothing else: a reboot amid a resize is no small thing."""
    name, status = cluster.get("ClusterIdentifier"), status_of(cluster)
    if status != "available":
        return Held(f"cluster {name} is {status or 'in no status that AWS shows'}", later=True)
    written = str(cluster.get("PreferredMaintenanceWindow") or "")
    try:
        window = parse_window(written)
    except ValueError as error:
        return Held(f"cluster {name} is rebooted in its maintenance window only, and {error}")
    deferred = _deferred(cluster)
    if is_open(window, now, deferred):
        return None
    opens = next_open(window, now, deferred)
    return Held(
        f"cluster {name} is rebooted in its maintenance window only ({written} UTC), which next "
        f"opens at {opens:%Y-%m-%d %H:%M} UTC",
        later=True,
    )


def _deferred(cluster: Cluster) -> tuple[Span, ...]:
    """Spans for which maintenance is deferred. Raises CannotTellError for one without both ends."""
    spans = []
    for each in cluster.get("DeferredMaintenanceWindows") or ():
        start, end = (each.get(f"DeferMaintenance{side}Time") for side in ("Start", "End"))
        if not (isinstance(start, datetime) and isinstance(end, datetime)):
            name = cluster.get("ClusterIdentifier")
            raise CannotTellError(
                f"maintenance of cluster {name} is deferred; from when until when is not shown"
            )
        spans.append((start, end))
    return tuple(spans)


def _change(ref: Ref, cluster: Cluster, group: Mapping[str, Any]) -> Change:
    pending = _pending(cluster, group)
    return Change(
        "reboot_cluster",
        ref,
        f"reboot cluster {ref.name}, for {USER_ACTIVITY} to take effect",
        calls=(call_on(ref, "RebootCluster", ClusterIdentifier=ref.name),),
        documents=(Document(_what(ref), pending, {}),),
        no_undo="a reboot has happened: nothing brings back the sessions that it ended, or takes "
        "out of force what it applied",
        costs={
            Cost.INTERRUPTS: f"cluster {ref.name} is out of service while it reboots: every "
            "connection is closed and every running query is lost. The reboot applies "
            + "; ".join(_told(name, value) for name, value in pending.items())
        },
        tags=tags_of(cluster),
    )


def _pending(cluster: Cluster, group: Mapping[str, Any]) -> dict[str, Json]:
    """All that the reboot would apply, by sort. A default for another group may not be listed."""
    waiting = sorted(name for name, status in apply_statuses(group).items() if status != "in-sync")
    found: dict[str, Json] = {
        f"parameters of {group['ParameterGroupName']}": waiting or "all of them"
    }
    if values := pending_values(cluster):
        found["PendingModifiedValues"] = values
    if actions := sorted(map(str, cluster.get("PendingActions") or ())):
        found["PendingActions"] = actions
    return found


def _told(name: str, value: Json) -> str:
    if isinstance(value, dict):
        return f"{name}: " + ", ".join(f"{key} = {each}" for key, each in value.items())
    return f"{name}: " + (", ".join(value) if isinstance(value, list) else str(value))


def _what(ref: Ref) -> str:
    return f"what a reboot of cluster {ref.name} applies"


FIXES = (
    Fix(
        reboot_cluster,
        KIND,
        reads=("redshift:DescribeClusters", "redshift:DescribeClusterParameters"),
        writes=("redshift:RebootCluster",),
    ),
)
