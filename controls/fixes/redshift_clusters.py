"""What the fixes of provisioned clusters share: the cluster as it is now, and what must wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controls.change import Call, Held, Json
from controls.model import Reader, Ref
from controls.semantics.parameters import USER_ACTIVITY

Cluster = Mapping[str, Any]
"""As DescribeClusters gives it."""

KIND = "redshift_cluster"


def read_cluster(aws: Reader, ref: Ref) -> Cluster | Held:
    """The cluster; held where there is none of that name any more."""
    answer = aws.call(
        "redshift", "DescribeClusters", absent=("ClusterNotFound",), ClusterIdentifier=ref.name
    )
    return cluster_among(answer.get("Clusters", ()), ref)


def cluster_among(clusters: Sequence[Cluster], ref: Ref) -> Cluster | Held:
    """The one of that name, which is case-sensitive; held where it is not among them."""
    for cluster in clusters:
        if cluster.get("ClusterIdentifier") == ref.name:
            return cluster
    return Held(f"cluster {ref.name} does not exist (any more) in {ref.account}/{ref.region}")


def call_on(ref: Ref, operation: str, **params: Json) -> Call:
    """A write of Redshift where the cluster is."""
    return Call("redshift", operation, params, ref.account, ref.region)


def tags_of(described: Mapping[str, Any]) -> dict[str, str]:
    """The tags that stand in the description of a cluster or a parameter group."""
    return {tag["Key"]: tag.get("Value", "") for tag in described.get("Tags", ()) if "Key" in tag}


def status_of(cluster: Cluster) -> str:
    """In AWS's words; empty where none is shown."""
    return str(cluster.get("ClusterStatus") or "")


def not_available(cluster: Cluster) -> Held | None:
    """Held while AWS would refuse a write with InvalidClusterState.

    `available, prep-for-resize` and the like are available too (API reference, Cluster).
    """
    status = status_of(cluster)
    if status.split(",", maxsplit=1)[0].strip() == "available":
        return None
    name = cluster.get("ClusterIdentifier")
    return Held(
        f"cluster {name} is {status or 'in no status that AWS shows'}: AWS takes changes when it "
        "is available",
        later=True,
    )


def pending_values(cluster: Cluster) -> dict[str, str]:
    """PendingModifiedValues by name, as text; a password is not among what is ever shown."""
    pending = cluster.get("PendingModifiedValues") or {}
    return {
        name: "(hidden)" if "Password" in name else str(pending[name])
        for name in sorted(pending)
        if pending[name] not in (None, "")
    }


def parameter_group(cluster: Cluster) -> Mapping[str, Any] | Held:
    """The cluster's one parameter group, as DescribeClusters shows it."""
    groups = _groups(cluster)
    if len(groups) != 1 or not groups[0].get("ParameterGroupName"):
        name = cluster.get("ClusterIdentifier")
        return Held(f"cluster {name} shows {len(groups)} parameter groups, where one is expected")
    return groups[0]


def group_names(cluster: Cluster) -> set[str]:
    """The names of the parameter groups that the cluster shows."""
    return {str(group.get("ParameterGroupName")) for group in _groups(cluster)}


def _groups(cluster: Cluster) -> Sequence[Mapping[str, Any]]:
    groups: Sequence[Mapping[str, Any]] = cluster.get("ClusterParameterGroups") or ()
    return groups


def apply_statuses(group: Mapping[str, Any]) -> dict[str, str]:
    """Each parameter's apply status on the cluster, by name."""
    return {
        str(entry.get("ParameterName")): str(entry.get("ParameterApplyStatus") or "")
        for entry in group.get("ClusterParameterStatusList") or ()
    }


def activity_status(group: Mapping[str, Any]) -> str:
    """The apply status of the user activity parameter; where it is not listed, the group's."""
    own = apply_statuses(group).get(USER_ACTIVITY)
    return own if own is not None else str(group.get("ParameterApplyStatus") or "")


def is_applying(group: Mapping[str, Any]) -> bool:
    """Whether AWS is at work on the group: it would refuse another change."""
    statuses = {str(group.get("ParameterApplyStatus") or ""), *apply_statuses(group).values()}
    return "applying" in statuses
