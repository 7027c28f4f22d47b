"""Redshift parameter groups: own values, pages, and whether a cluster runs with them yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.redshift.models import Cluster, ParameterGroup, RedshiftBackend
from moto.redshift.responses import RedshiftResponse

from agent.sandbox.extension.errors import AwsRefusal
from agent.sandbox.extension.patch import add, replace
from agent.sandbox.extension.redshift import found, page, want_available

DEFAULT_GROUP = "default.redshift-2.0"
"""What a cluster gets that names no group (Management Guide, working-with-parameter-groups)."""

_DEFINITIONS: Mapping[str, tuple[str, str, str]] = {
    # name: default, data type, allowed values
    "auto_analyze": ("true", "boolean", "true,false"),
    "auto_mv": ("true", "boolean", "true,false"),
    "datestyle": ("ISO, MDY", "string", ""),
    "enable_case_sensitive_identifier": ("false", "boolean", "true,false"),
    "enable_user_activity_logging": ("false", "boolean", "true,false"),
    "extra_float_digits": ("0", "integer", "-15-2"),
    "max_concurrency_scaling_clusters": ("1", "integer", "0-10"),
    "query_group": ("default", "string", ""),
    "require_ssl": ("false", "boolean", "true,false"),
    "search_path": ("$user, public", "string", ""),
    "statement_timeout": ("0", "integer", "0,100-2147483647"),
    "use_fips_ssl": ("false", "boolean", "true,false"),
    "wlm_json_configuration": ('[{"auto_wlm":true}]', "string", ""),
}
_BY_FAMILY: Mapping[str, Mapping[str, str]] = {
    "redshift-1.0": {},
    "redshift-2.0": {"require_ssl": "true"},
}


_GROUP_NAME = re.compile(r"[a-z](-?[a-z0-9])*", re.ASCII | re.IGNORECASE)


def engine_defaults(family: str) -> dict[str, str]:
    """What a group of the family says that sets nothing itself."""
    defaults = {name: definition[0] for name, definition in _DEFINITIONS.items()}
    return defaults | dict(_BY_FAMILY.get(family, {}))


def effective(group: Any) -> dict[str, str]:
    """The value of every parameter in a group as it stands now."""
    own: dict[str, str] = group.values
    return engine_defaults(group.family) | own


def _own_values(self: Any) -> dict[str, str]:
    values: dict[str, str] = self.__dict__.setdefault("own_values", {})
    return values


def _is_default(name: str) -> bool:
    return name.startswith("default.")


# ---------------------------------------------------------------- what a cluster runs with


def _start(self: Any) -> None:
    """(Re)boots: from now on the cluster runs with what its group says now."""
    self.status = "available"
    groups = self.parameter_groups
    self.started_with = (groups[0].name, effective(groups[0])) if groups else None
    self.__dict__.pop("parameter_status", None)
    self.__dict__.pop("pending", None)


def _group_status(self: Any) -> list[dict[str, Any]]:
    shown = []
    for group in self.parameter_groups:
        states = _parameter_states(self, group)
        planted: dict[str, str] = self.__dict__.get("parameter_status", {})
        states |= {name: state for name, state in planted.items() if name}
        worst = next((state for state in states.values() if state != "in-sync"), "in-sync")
        shown.append(
            {
                "ParameterGroupName": group.name,
                "ParameterApplyStatus": planted.get("", worst),
                "ClusterParameterStatusList": [
                    {"ParameterName": name, "ParameterApplyStatus": state}
                    for name, state in states.items()
                ],
            }
        )
    return shown


def _parameter_states(cluster: Any, group: Any) -> dict[str, str]:
    """Each parameter's state; none for the default group a cluster was started with."""
    name, values = cluster.__dict__.get("started_with") or (group.name, effective(group))
    now = effective(group)
    if name != group.name:
        return dict.fromkeys(now, "pending-reboot")
    if _is_default(name):
        return {}
    return {
        key: "in-sync" if values.get(key) == value else "pending-reboot"
        for key, value in now.items()
    }


# ---------------------------------------------------------------- actions


def _group(self: Any, *, writing: bool = False) -> Any:
    name = self._get_param("ParameterGroupName")
    group = self.redshift_backend.describe_cluster_parameter_groups(name)[0]
    if writing and _is_default(name):
        raise AwsRefusal(
            "InvalidClusterParameterGroupState",
            f"The default parameter group {name} cannot be modified.",
        )
    if writing and _is_being_applied(self.redshift_backend, name):
        raise AwsRefusal(
            "InvalidClusterParameterGroupState",
            f"The parameter group {name} is in use by another task. Please try again later.",
        )
    return group


def _is_being_applied(backend: Any, name: str) -> bool:
    return any(
        shown["ParameterGroupName"] == name and shown["ParameterApplyStatus"] == "applying"
        for cluster in backend.clusters.values()
        for shown in cluster.cluster_parameter_group_status_list
    )


def _describe_cluster_parameters(self: Any) -> ActionResult:
    group, source = _group(self), self._get_param("Source")
    parameters = [
        (name, _described(name, value, "user" if name in group.values else "engine-default"))
        for name, value in effective(group).items()
        if source != "user" or name in group.values
        if source != "engine-default" or name not in group.values
    ]
    shown, more = page(parameters, self._get_int_param("MaxRecords"), self._get_param("Marker"))
    return ActionResult({"Parameters": shown, "Marker": more})


def _describe_default_cluster_parameters(self: Any) -> ActionResult:
    family = self._get_param("ParameterGroupFamily")
    _want_family(family)
    parameters = [
        (name, _described(name, value, "engine-default"))
        for name, value in engine_defaults(family).items()
    ]
    shown, more = page(parameters, self._get_int_param("MaxRecords"), self._get_param("Marker"))
    defaults = {"ParameterGroupFamily": family, "Parameters": shown, "Marker": more}
    return ActionResult({"DefaultClusterParameters": defaults})


def _want_family(family: str) -> None:
    if family not in _BY_FAMILY:
        raise AwsRefusal("InvalidParameterValue", f"Unknown parameter group family: {family}")


def _described(name: str, value: str, source: str) -> dict[str, Any]:
    _, kind, allowed = _DEFINITIONS.get(name, ("", "string", ""))
    return {
        "ParameterName": name,
        "ParameterValue": value,
        "Description": name.replace("_", " "),
        "Source": source,
        "DataType": kind,
        "AllowedValues": allowed or None,
        "ApplyType": "static",
        "IsModifiable": True,
    }


def _modify_cluster_parameter_group(self: Any) -> ActionResult:
    group = _group(self, writing=True)
    changes = self._get_param("Parameters", [])
    if len(changes) > 20:
        raise AwsRefusal("InvalidParameterValue", "At most 20 parameters in one request.")
    for change in changes:
        _check(change["ParameterName"], change["ParameterValue"])
    group.values.update({c["ParameterName"]: c["ParameterValue"] for c in changes})
    return _changed(group)


def _check(name: str, value: str) -> None:
    if name not in _DEFINITIONS:
        raise AwsRefusal("InvalidParameterValue", f"Could not find parameter with name: {name}")
    _, kind, allowed = _DEFINITIONS[name]
    if kind == "boolean" and value not in allowed.split(","):
        raise AwsRefusal("InvalidParameterValue", f"{value} is not a valid value for {name}")


def _reset_cluster_parameter_group(self: Any) -> ActionResult:
    group = _group(self, writing=True)
    named = [p["ParameterName"] for p in self._get_param("Parameters", [])]
    if self._get_bool_param("ResetAllParameters", not named):
        group.values.clear()
    for name in named:
        group.values.pop(name, None)
    return _changed(group)


def _changed(group: Any) -> ActionResult:
    status = (
        "Your parameter group has been updated. If you changed only dynamic parameters, associated "
        "clusters are being modified now. If you changed static parameters, all updates, including "
        "dynamic parameters, will be applied when you reboot the associated clusters."
    )
    return ActionResult({"ParameterGroupName": group.name, "ParameterGroupStatus": status})


def _describe_cluster_parameter_groups(self: Any) -> ActionResult:
    name = self._get_param("ParameterGroupName")
    groups = self.redshift_backend.describe_cluster_parameter_groups(name)
    shown, more = page(
        [(group.name, group) for group in groups],
        self._get_int_param("MaxRecords"),
        self._get_param("Marker"),
    )
    return ActionResult({"ParameterGroups": shown, "Marker": more})


def install() -> None:
    """Gives groups their own values and clusters a memory of what they started with."""
    _install_groups()
    _install_clusters()
    _install_modify_cluster()
    replace(
        RedshiftResponse,
        "describe_default_cluster_parameters",
        _describe_default_cluster_parameters,
    )
    replace(RedshiftResponse, "describe_cluster_parameters", _describe_cluster_parameters)
    add(RedshiftResponse, "modify_cluster_parameter_group", _modify_cluster_parameter_group)
    add(RedshiftResponse, "reset_cluster_parameter_group", _reset_cluster_parameter_group)
    replace(
        RedshiftResponse, "describe_cluster_parameter_groups", _describe_cluster_parameter_groups
    )


def _install_groups() -> None:
    backend_init = RedshiftBackend.__init__
    create_group = RedshiftBackend.create_cluster_parameter_group

    def init_backend(self: Any, region_name: str, account_id: str) -> None:
        backend_init(self, region_name, account_id)
        make: Any = ParameterGroup  # abstract by its annotations only
        self.parameter_groups[DEFAULT_GROUP] = make(
            DEFAULT_GROUP, "redshift-2.0", "Default parameter group", account_id, region_name
        )

    def create_cluster_parameter_group(
        self: Any, name: str, family: str, *rest: Any, **other: Any
    ) -> Any:
        if not _GROUP_NAME.fullmatch(name) or len(name) > 255:
            raise AwsRefusal("InvalidParameterValue", f"Invalid parameter group name: {name}")
        _want_family(family)
        if name.lower() in self.parameter_groups:
            raise AwsRefusal(
                "ClusterParameterGroupAlreadyExists", f"Parameter group {name} already exists"
            )
        return create_group(self, name.lower(), family, *rest, **other)

    replace(RedshiftBackend, "__init__", init_backend)
    replace(RedshiftBackend, "create_cluster_parameter_group", create_cluster_parameter_group)
    add(ParameterGroup, "values", property(_own_values))


def _install_clusters() -> None:
    create, modify = RedshiftBackend.create_cluster, RedshiftBackend.modify_cluster

    def create_cluster(self: Any, **wanted: Any) -> Any:
        wanted["cluster_parameter_group_name"] = (
            wanted.get("cluster_parameter_group_name") or DEFAULT_GROUP
        )
        self.describe_cluster_parameter_groups(wanted["cluster_parameter_group_name"])
        cluster = create(self, **wanted)
        _start(cluster)
        return cluster

    def modify_cluster(self: Any, **changes: Any) -> Any:
        if name := changes.pop("cluster_parameter_group_name", None):
            self.describe_cluster_parameter_groups(name)
            changes["cluster_parameter_group_name"] = [name]
        return modify(self, **changes)

    replace(RedshiftBackend, "create_cluster", create_cluster)
    replace(RedshiftBackend, "modify_cluster", modify_cluster)
    add(Cluster, "start", _start)
    replace(Cluster, "cluster_parameter_group_status_list", property(_group_status))


def _install_modify_cluster() -> None:
    modify: Any = RedshiftResponse.modify_cluster

    def modify_cluster(self: Any) -> Any:
        want_available(found(self.redshift_backend, self._get_param("ClusterIdentifier")))
        return modify(self)

    replace(RedshiftResponse, "modify_cluster", modify_cluster)
