"""The user activity parameter: set in the cluster's own parameter group, or in one made for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controls.change import Change, Cost, Document, Fix, Held, Planned, Right, Task
from controls.fixes.parameter_clone import Clone, clone_calls, clone_for
from controls.fixes.redshift_clusters import (
    KIND,
    Cluster,
    activity_status,
    call_on,
    cluster_among,
    group_names,
    is_applying,
    not_available,
    parameter_group,
    pending_values,
    tags_of,
)
from controls.model import CannotTellError, Reader, Ref, Unknown
from controls.semantics.parameters import USER_ACTIVITY, user_activity_value

FIX = "enable_user_activity_logging"


def enable_user_activity_logging(aws: Reader, task: Task) -> Planned:
    """Set enable_user_activity_logging in the cluster's parameter group, or give it a group."""
    ref = task.ref
    clusters = aws.pages("redshift", "DescribeClusters", "Clusters")
    cluster = cluster_among(clusters, ref)
    if isinstance(cluster, Held):
        return cluster
    group = parameter_group(cluster)
    if isinstance(group, Held):
        return group
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
    values = {str(p["ParameterName"]): str(p.get("ParameterValue", "")) for p in parameters}
    if found.value:
        return _set_already(ref, group, values)
    if waits := _not_now(cluster, clusters, name):
        return waits
    if name.startswith("default."):
        return _in_a_group_of_its_own(aws, ref, clusters, name)
    return _in_its_group(aws, ref, clusters, name, values)


def _set_already(ref: Ref, group: Mapping[str, Any], values: Mapping[str, str]) -> Right | Held:
    """The value is true: in force, or waiting for the reboot that is a fix of its own."""
    name, status = str(group["ParameterGroupName"]), activity_status(group)
    if status == "invalid-parameter":
        return Held(
            f"parameter group {name} sets {USER_ACTIVITY} to true, and cluster {ref.name} shows it "
            "as invalid-parameter, which AWS never applies: set it anew by hand"
        )
    return Right(
        f"parameter group {name} sets {USER_ACTIVITY} to true",
        awaits="" if status == "in-sync" else f"{_awaits(ref)} (now: {status or 'not shown'})",
        documents=(
            _attached(ref, name, name),
            Document(_parameters_of(name), dict(values), dict(values)),
        ),
    )


def _awaits(ref: Ref) -> str:
    return (
        f"pending reboot: run the fix `reboot_cluster`, or reboot {ref.name}; maintenance windows "
        "do not apply it"
    )


def _not_now(cluster: Cluster, clusters: Sequence[Cluster], group: str) -> Held | None:
    """What has to pass first: a status, another change, or AWS at work on the group."""
    if waits := not_available(cluster):
        return waits
    if pending := pending_values(cluster):
        return Held(
            f"cluster {cluster['ClusterIdentifier']} has another change pending "
            f"({', '.join(pending)})",
            later=True,
        )
    for each in clusters:
        for shown in each.get("ClusterParameterGroups") or ():
            if shown.get("ParameterGroupName") == group and is_applying(shown):
                return Held(
                    f"parameter group {group} is being applied to cluster "
                    f"{each['ClusterIdentifier']}: AWS refuses changes until that is done",
                    later=True,
                )
    return None


# ---------------------------------------------------------------- the group it has


def _in_its_group(
    aws: Reader, ref: Ref, clusters: Sequence[Cluster], group: str, values: Mapping[str, str]
) -> Change:
    """One parameter of the group changes, for every cluster that the group is attached to."""
    described = aws.call("redshift", "DescribeClusterParameterGroups", ParameterGroupName=group)
    others = [
        each
        for each in clusters
        if group in group_names(each) and each.get("ClusterIdentifier") != ref.name
    ]
    sharing = [str(each["ClusterIdentifier"]) for each in others]
    also = f", and with it of {', '.join(sharing)}" if sharing else ""
    return Change(
        FIX,
        ref,
        f"set {USER_ACTIVITY} to true in parameter group {group} of cluster {ref.name}{also}",
        calls=(_set(ref, group, "true"),),
        documents=(
            Document(_parameters_of(group), dict(values), {**values, USER_ACTIVITY: "true"}),
        ),
        undo=(_put_back(ref, group, values.get(USER_ACTIVITY)),),
        undo_costs={
            Cost.WEAKENS: "queries would no longer be logged, from the next reboot on, of "
            f"{', '.join((ref.name, *sharing))}"
        },
        affects=tuple(sharing),
        tags=tags_of(described["ParameterGroups"][0]),
        awaits=_awaits(ref),
        affected_tags=tuple(tag for each in others for tag in tags_of(each).items()),
    )


def _set(ref: Ref, group: str, value: str) -> Any:
    parameter = {"ParameterName": USER_ACTIVITY, "ParameterValue": value}
    return call_on(
        ref, "ModifyClusterParameterGroup", ParameterGroupName=group, Parameters=[parameter]
    )


def _put_back(ref: Ref, group: str, value: str | None) -> Any:
    """The value it had; where it had none of its own, that one parameter is reset."""
    if value is not None:
        return _set(ref, group, value)
    return call_on(
        ref,
        "ResetClusterParameterGroup",
        ParameterGroupName=group,
        ResetAllParameters=False,
        Parameters=[{"ParameterName": USER_ACTIVITY}],
    )


# ---------------------------------------------------------------- a group of its own


def _in_a_group_of_its_own(
    aws: Reader, ref: Ref, clusters: Sequence[Cluster], default: str
) -> Change | Held:
    """A default group cannot be changed: the cluster gets one that says the same, and this."""
    clone = clone_for(aws, ref, clusters, default)
    if isinstance(clone, Held):
        return clone
    cluster = next(each for each in clusters if each.get("ClusterIdentifier") == ref.name)
    return Change(
        FIX,
        ref,
        f"give cluster {ref.name} the parameter group {clone.name}, which says what {default} "
        f"says, and {USER_ACTIVITY} true",
        calls=(*clone_calls(ref, clone), _attach(ref, clone.name)),
        documents=_documents(ref, default, clone),
        undo=(_attach(ref, default),),
        undo_costs={
            Cost.WEAKENS: f"queries of cluster {ref.name} would no longer be logged, from the next "
            "reboot on"
        },
        tags=tags_of(cluster),
        awaits=_awaits(ref),
    )


def _documents(ref: Ref, default: str, clone: Clone) -> tuple[Document, ...]:
    before = None if clone.existing is None else dict(clone.existing)
    return (
        _attached(ref, default, clone.name),
        Document(_parameters_of(clone.name), before, dict(clone.wanted)),
    )


def _attach(ref: Ref, group: str) -> Any:
    return call_on(
        ref, "ModifyCluster", ClusterIdentifier=ref.name, ClusterParameterGroupName=group
    )


def _attached(ref: Ref, before: str, after: str) -> Document:
    what = f"parameter group of cluster {ref.name}"
    return Document(what, {"ParameterGroupName": before}, {"ParameterGroupName": after})


def _parameters_of(group: str) -> str:
    return f"parameters set in parameter group {group}"


FIXES = (
    Fix(
        enable_user_activity_logging,
        KIND,
        reads=(
            "redshift:DescribeClusters",
            "redshift:DescribeClusterParameters",
            "redshift:DescribeClusterParameterGroups",
            "redshift:DescribeDefaultClusterParameters",
        ),
        writes=(
            "redshift:CreateClusterParameterGroup",
            "redshift:ModifyCluster",
            "redshift:ModifyClusterParameterGroup",
            "redshift:ResetClusterParameterGroup",
        ),
    ),
)
