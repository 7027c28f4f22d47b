"""Whether a cluster parameter holds a value, and whether that value is in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controls.model import Said, Unknown

USER_ACTIVITY = "enable_user_activity_logging"


def parameter_value(parameters: Sequence[Mapping[str, Any]], name: str) -> str | None:
    """The user-set value among `DescribeClusterParameters(Source="user")`; None if default."""
    for parameter in parameters:
        if parameter.get("ParameterName") == name:
            return str(parameter.get("ParameterValue", ""))
    return None


def user_activity_value(
    parameters: Sequence[Mapping[str, Any]], group: str
) -> Said[bool] | Unknown:
    """Whether the parameter group sets user activity logging. The default is false.

    Missing among the user-set values means the default, false in every family
    (Redshift Management Guide, working-with-parameter-groups).
    """
    value = parameter_value(parameters, USER_ACTIVITY)
    if value is None:
        if group.startswith("default."):
            why = f"parameter group {group} is a default group: {USER_ACTIVITY} is false in it"
            return Said(False, f"{why} and cannot be changed there")
        return Said(False, f"parameter group {group} does not set {USER_ACTIVITY} (default false)")
    match value.strip().lower():
        case "true":
            return Said(True, f"parameter group {group} sets {USER_ACTIVITY} to true")
        case "false":
            return Said(False, f"parameter group {group} sets {USER_ACTIVITY} to false")
        case other:
            return Unknown(f"parameter group {group} sets {USER_ACTIVITY} to {other!r}")


def in_force(groups: Sequence[Mapping[str, Any]], name: str) -> Said[bool] | Unknown:
    """Whether the value a cluster's parameter group holds is the one the cluster runs with.

    `groups` is `Cluster.ClusterParameterGroups`. The parameter's own status decides; where the
    list does not name it, the group's status does: default groups have an empty list and
    `in-sync`. A value that is `pending-reboot` is not in force: only RebootCluster applies it, a
    maintenance window does not (Management Guide, working-with-parameter-groups).
    """
    if len(groups) != 1:
        return Unknown(f"the cluster shows {len(groups)} parameter groups, where one is expected")
    group = groups[0]
    label = f"parameter group {group.get('ParameterGroupName', '?')}"
    statuses = [
        str(entry.get("ParameterApplyStatus", ""))
        for entry in group.get("ClusterParameterStatusList", ())
        if entry.get("ParameterName") == name
    ]
    if statuses:
        worst = next((status for status in statuses if status != "in-sync"), "in-sync")
        return _applied(worst, f"{name} of {label}")
    return _applied(str(group.get("ParameterApplyStatus", "")), label)


def _applied(status: str, what: str) -> Said[bool] | Unknown:
    match status:
        case "in-sync":
            return Said(True, f"{what} is in-sync")
        case "pending-reboot" | "apply-deferred" | "apply-error" | "unknown-error":
            why = f"{what} is {status}: the value applies only after the cluster is rebooted"
            return Said(False, f"{why} (a maintenance window does not do it)")
        case "applying":
            return Said(False, f"{what} is applying: not in force yet")
        case "invalid-parameter":
            return Said(False, f"{what} is invalid-parameter: the value is never applied")
        case "":
            return Unknown(f"{what} shows no apply status")
        case other:
            return Unknown(f"{what} shows the apply status {other!r}, which is not known here")
