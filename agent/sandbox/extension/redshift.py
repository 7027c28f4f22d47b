"""Redshift clusters: pages, tags, states, roles and events as AWS gives them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.redshift.models import Cluster, RedshiftBackend
from moto.redshift.responses import RedshiftResponse

from agent.sandbox.extension.errors import AwsRefusal
from agent.sandbox.extension.patch import add, replace

RESUMED, PAUSING, REBOOTED = (
    "REDSHIFT-EVENT-3622",
    "REDSHIFT-EVENT-3618",
    "REDSHIFT-EVENT-3000",
)
"""AWS's identifiers of cluster events (`aws redshift describe-event-categories`)."""

KNOWN_EVENTS = {
    "REDSHIFT-EVENT-2000": ("management", "Cluster {name} created at {time} UTC."),
    "REDSHIFT-EVENT-2003": (
        "management",
        "Maintenance on Amazon Redshift cluster '{name}' started at {time} UTC.",
    ),
    "REDSHIFT-EVENT-2004": (
        "management",
        "Maintenance on Amazon Redshift cluster '{name}' completed at {time} UTC.",
    ),
    REBOOTED: ("monitoring", "Cluster {name} rebooted at {time} UTC."),
    PAUSING: ("management", "The cluster {name} pause operation started at {time} UTC."),
    RESUMED: ("monitoring", "The cluster {name} was resumed at {time} UTC."),
}

_EVENTS_KEPT = timedelta(days=14)


def page(
    items: Sequence[tuple[str, Any]], records: int | None, marker: str | None
) -> tuple[list[Any], str | None]:
    """One page of Redshift's kind: 20 to 100 records in the order of their names.

    Raises:
        AwsRefusal: MaxRecords out of bounds, or a marker that was not given out.
    """
    size = 100 if records is None else records
    if not 20 <= size <= 100:
        raise AwsRefusal("InvalidParameterValue", "MaxRecords must be between 20 and 100.")
    after = _opened(marker) if marker else ""
    rest = [item for item in sorted(items, key=lambda item: item[0]) if item[0] > after]
    more = _sealed(rest[size - 1][0]) if len(rest) > size else None
    return [value for _, value in rest[:size]], more


def _sealed(name: str) -> str:
    return base64.urlsafe_b64encode(f"after:{name}".encode()).decode()


def _opened(marker: str) -> str:
    try:
        head, _, name = base64.urlsafe_b64decode(marker).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        head, name = "", ""
    if head != "after":
        raise AwsRefusal("InvalidParameterValue", f"Invalid marker: {marker}")
    return name


def is_available(cluster: Any) -> bool:
    """Whether writes are admitted; `available, prep-for-resize` is available too."""
    return str(cluster.status).startswith("available")


def want_available(cluster: Any) -> None:
    """Raises InvalidClusterState unless writes are admitted now."""
    if not is_available(cluster):
        raise AwsRefusal(
            "InvalidClusterState",
            f"There is an operation running on the Cluster {cluster.cluster_identifier}, or its "
            f"state {cluster.status} does not allow this. Please try again later.",
        )


def found(backend: Any, name: str) -> Any:
    """The cluster of that name. Raises ClusterNotFound."""
    return backend.describe_clusters(name)[0]


def add_event(backend: Any, name: str, event_id: str, date: datetime, **other: Any) -> None:
    """Records an event; category and text follow from known identifiers unless given."""
    category, text = KNOWN_EVENTS.get(event_id, ("management", "Event on {name} at {time} UTC."))
    backend.events.append(
        {
            "SourceIdentifier": name,
            "SourceType": "cluster",
            "Message": text.format(name=name, time=date.strftime("%Y-%m-%d %H:%M")),
            "EventCategories": [category],
            "Severity": "INFO",
            "Date": date,
            "EventId": event_id,
        }
        | other
    )


# ---------------------------------------------------------------- actions


def _describe_clusters(self: Any) -> ActionResult:
    name, marker = self._get_param("ClusterIdentifier"), self._get_param("Marker")
    if name and marker:
        raise AwsRefusal(
            "InvalidParameterCombination",
            "You can specify either ClusterIdentifier or Marker, but not both.",
        )
    keys, values = self._get_param("TagKeys"), self._get_param("TagValues")
    clusters = [
        (cluster.cluster_identifier, cluster)
        for cluster in self.redshift_backend.describe_clusters(name)
        if _is_tagged(cluster.tags, keys, values)
    ]
    shown, more = page(clusters, self._get_int_param("MaxRecords"), marker)
    return ActionResult({"Clusters": shown, "Marker": more})


def _is_tagged(tags: list[dict[str, str]], keys: list[str], values: list[str]) -> bool:
    """Any key or any value: with both, either suffices (API reference, DescribeClusters)."""
    if not keys and not values:
        return True
    return any(t["Key"] in (keys or ()) or t.get("Value") in (values or ()) for t in tags)


def _reboot_cluster(self: Any) -> ActionResult:
    backend = self.redshift_backend
    cluster = found(backend, self._get_param("ClusterIdentifier"))
    want_available(cluster)
    cluster.start()
    add_event(backend, cluster.cluster_identifier, REBOOTED, datetime.now(UTC))
    return ActionResult({"Cluster": cluster})


def _pause(self: Any, cluster_id: str) -> Any:
    cluster = found(self, cluster_id)
    want_available(cluster)
    cluster.status = "paused"
    add_event(self, cluster_id, PAUSING, datetime.now(UTC))
    return cluster


def _resume(self: Any, cluster_id: str) -> Any:
    cluster = found(self, cluster_id)
    if cluster.status != "paused":
        raise AwsRefusal("InvalidClusterState", f"Cluster {cluster_id} is not paused.")
    cluster.status = "available"
    add_event(self, cluster_id, RESUMED, datetime.now(UTC))
    return cluster


def _describe_events(self: Any) -> ActionResult:
    name, kind = self._get_param("SourceIdentifier"), self._get_param("SourceType")
    if name and not kind:
        raise AwsRefusal(
            "InvalidParameterCombination", "SourceIdentifier requires SourceType to be given."
        )
    now = datetime.now(UTC)
    start, end = _aware(self._get_param("StartTime")), _aware(self._get_param("EndTime")) or now
    minutes = self._get_int_param("Duration") or 60
    start = max(start or end - timedelta(minutes=minutes), now - _EVENTS_KEPT)
    events = [
        (f"{event['Date'].isoformat()} {number:06d}", event)
        for number, event in enumerate(self.redshift_backend.events)
        if start <= event["Date"] <= end
        and kind in (None, event["SourceType"])
        and name in (None, event["SourceIdentifier"])
    ]
    shown, more = page(events, self._get_int_param("MaxRecords"), self._get_param("Marker"))
    return ActionResult({"Events": shown, "Marker": more})


def _aware(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


# ---------------------------------------------------------------- members


def _availability(self: Any) -> str:
    if is_available(self):
        return "Available"
    status = str(self.status)
    if status in ("paused", "hardware-failure", "storage-full"):
        return "Unavailable"
    return "Maintenance" if status == "maintenance" else "Modifying"


def _namespace_arn(self: Any) -> str:
    head = f"arn:{self.redshift_backend.partition}:redshift:{self.region}:{self.account_id}"
    return f"{head}:namespace:{self.unique_cluster_id}"


def _iam_roles(self: Any) -> list[dict[str, str]]:
    states: dict[str, str] = self.__dict__.get("iam_role_status", {})
    return [
        {"IamRoleArn": arn, "ApplyStatus": states.get(arn, "in-sync")} for arn in self.iam_roles_arn
    ]


def install() -> None:
    """Replaces what is wrong on moto's Redshift classes and adds what is missing."""
    initial = RedshiftBackend.__init__

    def backend_init(self: Any, region_name: str, account_id: str) -> None:
        initial(self, region_name, account_id)
        self.events = []

    replace(RedshiftBackend, "__init__", backend_init)
    replace(RedshiftBackend, "pause_cluster", _pause)
    replace(RedshiftBackend, "resume_cluster", _resume)
    replace(RedshiftResponse, "describe_clusters", _describe_clusters)
    add(RedshiftResponse, "reboot_cluster", _reboot_cluster)
    add(RedshiftResponse, "describe_events", _describe_events)
    RedshiftResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER |= {
        "RebootClusterResult.Cluster.ClusterStatus": lambda _: "rebooting",
        "PauseClusterResult.Cluster.ClusterStatus": lambda _: "pausing",
        "ResumeClusterResult.Cluster.ClusterStatus": lambda _: "resuming",
        "DeleteClusterResult.Cluster.ClusterStatus": lambda _: "deleting",
    }
    add(Cluster, "cluster_availability_status", property(_availability))
    add(Cluster, "cluster_namespace_arn", property(_namespace_arn))
    replace(Cluster, "iam_roles", property(_iam_roles))
    replace(
        Cluster, "pending_modified_values", property(lambda self: self.__dict__.get("pending", {}))
    )
    add(Cluster, "maintenance_track_name", "current")
    add(Cluster, "manual_snapshot_retention_period", -1)
    add(Cluster, "multi_az", "Disabled")
    replace(
        Cluster,
        "vpc_security_group_membership_list",
        property(
            lambda self: [
                {"VpcSecurityGroupId": name, "Status": "active"}
                for name in self.vpc_security_group_ids
            ]
        ),
    )
