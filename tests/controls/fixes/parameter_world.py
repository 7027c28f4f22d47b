"""Clusters and parameter groups as AWS would show them, for the fixes that concern them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controls.model import AwsError, Ref
from tests.fakes import ACCOUNT, REGION, FakeAws

NAME = "enable_user_activity_logging"
REF = Ref("redshift_cluster", ACCOUNT, REGION, "prod")
DEFAULTS = {"require_ssl": "true", NAME: "false", "auto_mv": "true", "search_path": ""}


def cluster(
    name: str = "prod", group: str = "own", status: str = "in-sync", **changes: Any
) -> dict[str, Any]:
    """`status` is that of the user activity parameter on the cluster."""
    shown = {
        "ParameterGroupName": group,
        "ParameterApplyStatus": status,
        "ClusterParameterStatusList": [
            {"ParameterName": NAME, "ParameterApplyStatus": status},
            {"ParameterName": "require_ssl", "ParameterApplyStatus": "in-sync"},
        ],
    }
    found = {
        "ClusterIdentifier": name,
        "ClusterStatus": "available",
        "ClusterParameterGroups": [shown],
        "PreferredMaintenanceWindow": "sun:07:30-sun:08:30",
        "Tags": [{"Key": "env", "Value": "prod"}],
    }
    return found | changes


def group(values: Mapping[str, str], family: str = "redshift-2.0", **tags: str) -> dict[str, Any]:
    return {"family": family, "values": dict(values), "tags": tags}


def world(
    clusters: Sequence[Mapping[str, Any]],
    groups: Mapping[str, Mapping[str, Any]],
    *,
    defaults: Mapping[str, str] | None = None,
    shown: Mapping[str, str] | None = None,
    modifiable: bool = True,
) -> FakeAws:
    """`defaults` are the engine's; `shown` is what a default group says where it is not those."""
    engine = DEFAULTS if defaults is None else dict(defaults)

    def describe_clusters(asked: Mapping[str, Any]) -> Any:
        wanted = asked.get("ClusterIdentifier")
        found = [each for each in clusters if wanted in (None, each["ClusterIdentifier"])]
        return {"Clusters": found} if found or not wanted else AwsError("ClusterNotFound", "")

    def describe_group(asked: Mapping[str, Any]) -> Any:
        name = asked["ParameterGroupName"]
        if name not in groups:
            return AwsError("ClusterParameterGroupNotFound", "")
        tags = [{"Key": k.replace("__", ":"), "Value": v} for k, v in groups[name]["tags"].items()]
        family = groups[name]["family"]
        said = {"ParameterGroupName": name, "ParameterGroupFamily": family, "Tags": tags}
        return {"ParameterGroups": [said]}

    def describe_parameters(asked: Mapping[str, Any]) -> Any:
        values = groups[asked["ParameterGroupName"]]["values"]
        whole = {**engine, **(shown or {}), **values}
        return {
            "Parameters": [
                {
                    "ParameterName": name,
                    "ParameterValue": value,
                    "Source": "user" if name in values else "engine-default",
                    "IsModifiable": modifiable,
                }
                for name, value in whole.items()
                if asked.get("Source") != "user" or name in values
            ]
        }

    def describe_defaults(asked: Mapping[str, Any]) -> Any:
        """A page each, as AWS may give them."""
        names = sorted(engine)
        place = int(asked.get("Marker", 0))
        page = [{"ParameterName": n, "ParameterValue": engine[n]} for n in names[place : place + 1]]
        more = {"Marker": str(place + 1)} if place + 1 < len(names) else {}
        return {"DefaultClusterParameters": {"Parameters": page} | more}

    return FakeAws(
        {
            "redshift:DescribeClusters": describe_clusters,
            "redshift:DescribeClusterParameterGroups": describe_group,
            "redshift:DescribeClusterParameters": describe_parameters,
            "redshift:DescribeDefaultClusterParameters": describe_defaults,
        }
    )
