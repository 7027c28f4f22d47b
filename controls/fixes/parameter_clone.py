"""A parameter group for one cluster that says all that its default group says, and one thing more.

The engine's defaults differ by family (`require_ssl` is true in redshift-2.0), and an own group
starts from them: so it is made in the same family, and each value that is not the family's default
is carried over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controls.change import Call, Held, Json
from controls.fixes.redshift_clusters import Cluster, call_on, group_names, tags_of
from controls.model import CannotTellError, Reader, Ref
from controls.semantics.parameters import USER_ACTIVITY

TAG = "trailkeeper:fix"
"""Marks a parameter group as ours, for a run that goes on where another was interrupted."""

TAG_VALUE = "enable_user_activity_logging"

_PER_CALL = 20
"""Parameters that one ModifyClusterParameterGroup takes (API reference)."""

_LONGEST_WLM = 8000
"""Characters of wlm_json_configuration (Management Guide, workload-mgmt-config)."""


@dataclass(frozen=True, slots=True)
class Clone:
    """The group to be: its user-set values, and what it holds already (None: not made yet)."""

    name: str
    family: str
    wanted: Mapping[str, str]
    existing: Mapping[str, str] | None


def clone_for(aws: Reader, ref: Ref, clusters: Sequence[Cluster], default: str) -> Clone | Held:
    """The cluster's own group, new or left by an interrupted run; held where that is not safe."""
    described = aws.call("redshift", "DescribeClusterParameterGroups", ParameterGroupName=default)
    family = str(described["ParameterGroups"][0].get("ParameterGroupFamily") or "")
    if not family:
        raise CannotTellError(f"DescribeClusterParameterGroups shows no family of {default}")
    carried = _carried(aws, default, family)
    if isinstance(carried, Held):
        return carried
    wanted = carried | {USER_ACTIVITY: "true"}
    name = clone_name(family, ref.name)
    answer = aws.call(
        "redshift",
        "DescribeClusterParameterGroups",
        absent=("ClusterParameterGroupNotFound",),
        ParameterGroupName=name,
    )
    groups = answer.get("ParameterGroups") or ()
    if not groups:
        return Clone(name, family, wanted, None)
    if why := _not_ours(groups[0], family, clusters):
        return Held(f"parameter group {name} exists already, {why}: attach a group by hand")
    existing = _user_values(aws, name)
    other = sorted(each for each, value in existing.items() if wanted.get(each) != value)
    if other:
        return Held(
            f"parameter group {name} exists already and sets {', '.join(other)} otherwise than "
            f"{default}: attach a group by hand"
        )
    return Clone(name, family, wanted, existing)


def clone_name(family: str, cluster: str) -> str:
    """The same for the same cluster: 1 to 255 letters, digits and single hyphens, lower-case."""
    joined = f"trailkeeper-{family}-{cluster}".lower()
    return re.sub(r"[^a-z0-9]+", "-", joined)[:255].strip("-")


def clone_calls(ref: Ref, clone: Clone) -> tuple[Call, ...]:
    """What makes the group and fills it; nothing uses it before the last of them is done."""
    existing = clone.existing or {}
    missing: list[dict[str, Json]] = [
        {"ParameterName": name, "ParameterValue": value}
        for name, value in clone.wanted.items()
        if existing.get(name) != value
    ]
    create = call_on(
        ref,
        "CreateClusterParameterGroup",
        ParameterGroupName=clone.name,
        ParameterGroupFamily=clone.family,
        Description=f"Parameters of cluster {ref.name}, made by Trailkeeper",
        Tags=[{"Key": TAG, "Value": TAG_VALUE}],
    )
    return (
        *((create,) if clone.existing is None else ()),
        *(
            call_on(
                ref,
                "ModifyClusterParameterGroup",
                ParameterGroupName=clone.name,
                Parameters=missing[start : start + _PER_CALL],
            )
            for start in range(0, len(missing), _PER_CALL)
        ),
    )


def _not_ours(group: Mapping[str, Any], family: str, clusters: Sequence[Cluster]) -> str:
    if tags_of(group).get(TAG) != TAG_VALUE:
        return f"without our tag {TAG}"
    if group.get("ParameterGroupFamily") != family:
        return f"in the family {group.get('ParameterGroupFamily')} instead of {family}"
    name = group.get("ParameterGroupName")
    users = [str(each["ClusterIdentifier"]) for each in clusters if name in group_names(each)]
    return f"attached to {', '.join(users)}" if users else ""


def _carried(aws: Reader, group: str, family: str) -> dict[str, str] | Held:
    """What a new group of the family would not say by itself, by name."""
    parameters = _described(
        aws.pages("redshift", "DescribeClusterParameters", "Parameters", ParameterGroupName=group)
    )
    defaults = _engine_defaults(aws, family)
    if ("require_ssl" in parameters) != ("require_ssl" in defaults):
        return Held(
            f"whether a new group of {family} keeps require_ssl as it is in {group} cannot be "
            "told, for AWS does not show it in both: attach a group by hand"
        )
    carried: dict[str, str] = {}
    for name, parameter in parameters.items():
        value = str(parameter.get("ParameterValue") or "")
        same = name in defaults and str(defaults[name].get("ParameterValue") or "") == value
        if same and parameter.get("Source") != "user":
            continue
        if not same and parameter.get("IsModifiable") is False:
            return Held(
                f"{group} has {name} {value!r}, which is not the default of {family} and cannot be "
                "set: attach a group by hand"
            )
        carried[name] = value
    if len(carried.get("wlm_json_configuration", "")) > _LONGEST_WLM:
        return Held(f"wlm_json_configuration of {group} is over {_LONGEST_WLM} characters")
    return carried


def _user_values(aws: Reader, group: str) -> dict[str, str]:
    found = aws.pages(
        "redshift",
        "DescribeClusterParameters",
        "Parameters",
        ParameterGroupName=group,
        Source="user",
    )
    return {str(p["ParameterName"]): str(p.get("ParameterValue") or "") for p in found}


def _engine_defaults(aws: Reader, family: str) -> dict[str, Mapping[str, Any]]:
    """What a new group of the family says. Raises CannotTellError where AWS does not tell."""
    found: list[Mapping[str, Any]] = []
    asked: dict[str, Any] = {"ParameterGroupFamily": family, "MaxRecords": 100}
    seen: set[str] = set()
    while True:
        answer = aws.call("redshift", "DescribeDefaultClusterParameters", **asked)
        page = answer.get("DefaultClusterParameters", {})
        found += page.get("Parameters") or ()
        marker = str(page.get("Marker") or "")
        if not marker:
            break
        if marker in seen:
            raise CannotTellError(f"the pages of the defaults of {family} lead in a circle")
        seen.add(marker)
        asked["Marker"] = marker
    if not found:
        raise CannotTellError(f"AWS shows no defaults of parameter group family {family}")
    return _described(found)


def _described(parameters: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(parameter["ParameterName"]): parameter for parameter in parameters}
