"""Amazon Redshift Serverless, which moto has not: namespaces and workgroups."""

from __future__ import annotations

import re
import sys
import uuid
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import moto.backend_index
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.responses import ActionResult, BaseResponse

from agent.sandbox.extension.errors import AwsRefusal

_EXPORTS = {"connectionlog", "useractivitylog", "userlog"}
_MAX_PAGE = 100


class ServerlessBackend(BaseBackend):
    """What one account has in one region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.namespaces: dict[str, dict[str, Any]] = {}
        self.workgroups: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, str]] = {}

    @property
    def _url_module(self) -> SimpleNamespace:
        return SimpleNamespace(
            url_bases=[r"https?://redshift-serverless\.(.+)\.amazonaws\.com"],
            url_paths={"{0}/$": ServerlessResponse.dispatch},
        )

    def add_namespace(self, name: str, **members: Any) -> dict[str, Any]:
        """Creates a namespace; `members` are those of the API. Raises ConflictException."""
        if name in self.namespaces:
            raise AwsRefusal("ConflictException", f"Namespace {name} already exists.")
        identifier = str(uuid.uuid4())
        self.namespaces[name] = {
            "namespaceName": name,
            "namespaceId": identifier,
            "namespaceArn": self._arn("namespace", identifier),
            "status": "AVAILABLE",
            "creationDate": datetime.now(UTC),
            "dbName": "dev",
            "adminUsername": "admin",
            "kmsKeyId": "AWS_OWNED_KMS_KEY",
            "iamRoles": [],
            "logExports": [],
        } | members
        return self.namespaces[name]

    def add_workgroup(self, name: str, namespace: str, **members: Any) -> dict[str, Any]:
        """Creates a workgroup in a namespace. Raises ResourceNotFound- and ConflictException."""
        self.namespace(namespace)
        if name in self.workgroups:
            raise AwsRefusal("ConflictException", f"Workgroup {name} already exists.")
        identifier = str(uuid.uuid4())
        self.workgroups[name] = {
            "workgroupName": name,
            "workgroupId": identifier,
            "workgroupArn": self._arn("workgroup", identifier),
            "namespaceName": namespace,
            "status": "AVAILABLE",
            "creationDate": datetime.now(UTC),
            "baseCapacity": 128,
            "enhancedVpcRouting": False,
            "publiclyAccessible": False,
            "port": 5439,
            "configParameters": [],
        } | members
        return self.workgroups[name]

    def namespace(self, name: str) -> dict[str, Any]:
        """Raises ResourceNotFoundException."""
        return _found(self.namespaces, name, "Namespace")

    def workgroup(self, name: str) -> dict[str, Any]:
        """Raises ResourceNotFoundException."""
        return _found(self.workgroups, name, "Workgroup")

    def tags_of(self, arn: str) -> dict[str, str]:
        """The tags of a namespace or workgroup. Raises ResourceNotFoundException."""
        arns = [each["namespaceArn"] for each in self.namespaces.values()]
        arns += [each["workgroupArn"] for each in self.workgroups.values()]
        if arn not in arns:
            raise AwsRefusal("ResourceNotFoundException", f"Resource {arn} does not exist.")
        return self.tags.setdefault(arn, {})

    def _arn(self, kind: str, identifier: str) -> str:
        where = f"{self.region_name}:{self.account_id}"
        return f"arn:{self.partition}:redshift-serverless:{where}:{kind}/{identifier}"


def _found(items: dict[str, dict[str, Any]], name: str, what: str) -> dict[str, Any]:
    if name not in items:
        raise AwsRefusal("ResourceNotFoundException", f"{what} {name} does not exist.")
    return items[name]


def _want_available(item: dict[str, Any], what: str) -> None:
    """Raises ConflictException while something else is being done to it."""
    if item["status"] != "AVAILABLE":
        raise AwsRefusal(
            "ConflictException",
            f"There is an operation running on the {what}. Try again once it is AVAILABLE.",
        )


def role_text(arn: str, status: str = "in-sync") -> str:
    """The form in which the API lists a namespace's role."""
    return f"IamRole(applyStatus={status}, iamRoleArn={arn})"


class ServerlessResponse(BaseResponse):
    """The actions, by moto's names for them."""

    def __init__(self) -> None:
        super().__init__(service_name="redshift-serverless")
        self.automated_parameter_parsing = True

    @property
    def backend(self) -> ServerlessBackend:
        """The backend of the caller's account and region."""
        found: ServerlessBackend = serverless_backends[self.current_account][self.region]
        return found

    def list_namespaces(self) -> ActionResult:
        """A page of namespaces."""
        return self._page("namespaces", self.backend.namespaces)

    def list_workgroups(self) -> ActionResult:
        """A page of workgroups."""
        return self._page("workgroups", self.backend.workgroups)

    def _page(self, key: str, items: dict[str, dict[str, Any]]) -> ActionResult:
        size = self._get_int_param("maxResults") or _MAX_PAGE
        if not 1 <= size <= _MAX_PAGE:
            raise AwsRefusal("ValidationException", "maxResults must be between 1 and 100.")
        names = sorted(name for name in items if name > (self._get_param("nextToken") or ""))
        more = names[size - 1] if len(names) > size else None
        return ActionResult({key: [items[name] for name in names[:size]], "nextToken": more})

    def get_namespace(self) -> ActionResult:
        """One namespace."""
        return ActionResult({"namespace": self.backend.namespace(self._name("namespace"))})

    def get_workgroup(self) -> ActionResult:
        """One workgroup."""
        return ActionResult({"workgroup": self.backend.workgroup(self._name("workgroup"))})

    def _name(self, kind: str) -> str:
        return str(self._get_param(f"{kind}Name"))

    def create_namespace(self) -> ActionResult:
        """A new namespace with its log exports and roles."""
        members = {"logExports": _exports(self._get_param("logExports") or [])}
        if roles := self._get_param("iamRoles"):
            members["iamRoles"] = [role_text(arn) for arn in roles]
        return ActionResult(
            {"namespace": self.backend.add_namespace(self._name("namespace"), **members)}
        )

    def create_workgroup(self) -> ActionResult:
        """A new workgroup with its parameters."""
        parameters = [dict(p) for p in self._get_param("configParameters") or []]
        workgroup = self.backend.add_workgroup(
            self._name("workgroup"), self._name("namespace"), configParameters=parameters
        )
        return ActionResult({"workgroup": workgroup})

    def update_namespace(self) -> ActionResult:
        """Changes one setting, as the API demands."""
        namespace = self.backend.namespace(self._name("namespace"))
        _want_available(namespace, "namespace")
        exports, roles = self._get_param("logExports"), self._get_param("iamRoles")
        key, destination = self._get_param("kmsKeyId"), self._get_param("logDestinationType")
        if sum(value is not None for value in (exports, roles, key)) > 1:
            raise AwsRefusal("ValidationException", "Only one setting may be changed at a time.")
        if destination == "s3table":
            _publish(namespace, self)
        elif exports is not None:
            namespace["logExports"] = _exports(exports)
        if roles is not None:
            namespace["iamRoles"] = [role_text(arn) for arn in roles]
        if key is not None:
            namespace["kmsKeyId"] = key
        return ActionResult({"namespace": namespace})

    def update_workgroup(self) -> ActionResult:
        """Changes one setting, as the API demands; parameters by key, the others stay."""
        workgroup = self.backend.workgroup(self._name("workgroup"))
        _want_available(workgroup, "workgroup")
        given = {name: self._get_param(name) for name in _SETTINGS}
        changes = {name: value for name, value in given.items() if value is not None}
        if len(changes) != 1:
            raise AwsRefusal("ValidationException", "Exactly one setting is changed at a time.")
        if "configParameters" in changes:
            changed = {p["parameterKey"]: dict(p) for p in changes["configParameters"]}
            kept = {p["parameterKey"]: p for p in workgroup["configParameters"]}
            changes["configParameters"] = list((kept | changed).values())
        workgroup.update(changes)
        return ActionResult({"workgroup": workgroup})

    def list_tags_for_resource(self) -> ActionResult:
        """The tags of a namespace or workgroup."""
        tags = self.backend.tags_of(str(self._get_param("resourceArn")))
        return ActionResult({"tags": [{"key": key, "value": tags[key]} for key in tags]})

    def tag_resource(self) -> ActionResult:
        """Adds tags to a namespace or workgroup."""
        tags = self.backend.tags_of(str(self._get_param("resourceArn")))
        tags |= {tag["key"]: tag["value"] for tag in self._get_param("tags") or []}
        return ActionResult({})


_SETTINGS = (
    "baseCapacity",
    "configParameters",
    "enhancedVpcRouting",
    "maxCapacity",
    "port",
    "publiclyAccessible",
    "securityGroupIds",
    "subnetIds",
)
"""Of a workgroup, those that an update can be told apart by here (API reference)."""


def _exports(exports: list[str]) -> list[str]:
    if set(exports) - _EXPORTS:
        raise AwsRefusal("ValidationException", f"logExports must be some of {sorted(_EXPORTS)}.")
    return list(exports)


def _publish(namespace: dict[str, Any], request: ServerlessResponse) -> None:
    if request._get_param("s3TableAction") == "Disable":
        namespace.pop("s3TablePublishStatus", None)
        return
    named = [name for name in request._get_param("s3TableNames") or [] if name != "all"]
    namespace["s3TablePublishStatus"] = {
        "enabledAll": not named,
        "s3TableGranularity": request._get_param("s3TableGranularity") or "namespace",
        "s3TableNamespace": f"redshift-{namespace['namespaceName']}",
        "s3Tables": named,
    }


serverless_backends = BackendDict(ServerlessBackend, "redshift-serverless")


def install() -> None:
    """Makes moto find the service under the name by which it looks for modules."""
    module = ModuleType("moto.redshiftserverless")
    module.redshiftserverless_backends = serverless_backends  # type: ignore[attr-defined]
    sys.modules["moto.redshiftserverless"] = module
    pattern = re.compile(r"https?://redshift-serverless\.(.+)\.amazonaws\.com")
    moto.backend_index.backend_url_patterns.append(("redshiftserverless", pattern))
