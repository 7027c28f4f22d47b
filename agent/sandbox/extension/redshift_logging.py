"""Redshift audit logging: three destinations, AWS's refusals, and no members that are not set."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any

from moto.core.responses import ActionResult
from moto.redshift.models import Cluster
from moto.redshift.responses import RedshiftResponse
from moto.s3.models import s3_backends

from agent.sandbox.extension.errors import AwsRefusal
from agent.sandbox.extension.patch import add, replace
from agent.sandbox.extension.redshift import found, want_available

EXPORTS = ("connectionlog", "useractivitylog", "userlog")
DESTINATIONS = ("s3", "cloudwatch", "s3table")

_PREFIX = re.compile(r"[\w\s_.:/=+\-@]{1,256}")
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def _off() -> dict[str, Any]:
    return {"LoggingEnabled": False}


def _enable_logging(self: Any) -> ActionResult:
    cluster = found(self.redshift_backend, self._get_param("ClusterIdentifier"))
    want_available(cluster)
    destination = self._get_param("LogDestinationType") or "s3"
    exports = self._get_param("LogExports") or []
    match destination:
        case "s3":
            details = _to_s3(
                cluster, self._get_param("BucketName"), self._get_param("S3KeyPrefix"), exports
            )
        case "cloudwatch":
            details = {"LogExports": _known(exports)}
        case "s3table":
            granularity = self._get_param("S3TableGranularity") or "cluster"
            details = {"S3Tables": _tables(cluster, granularity, exports)}
        case _:
            raise AwsRefusal("InvalidParameterValue", f"Unknown LogDestinationType {destination}")
    cluster.logging_details = {
        "LoggingEnabled": True,
        "LogDestinationType": destination,
    } | details
    return ActionResult(cluster.logging_details)


def _to_s3(cluster: Any, bucket: str | None, prefix: str | None, exports: list[str]) -> Any:
    if not bucket or not _BUCKET_NAME.fullmatch(bucket):
        raise AwsRefusal("InvalidS3BucketNameFault", f"The bucket name {bucket} is not valid.")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise AwsRefusal("InvalidS3KeyPrefixFault", f"The prefix {prefix} is not valid.")
    if bucket not in s3_backends.bucket_accounts:
        raise AwsRefusal("BucketNotFoundFault", f"Could not find the bucket {bucket}.")
    partition, owner = s3_backends.bucket_accounts[bucket]
    target = s3_backends[owner][partition].buckets[bucket]
    if target.region_name != cluster.region or not admits_delivery(target.policy, cluster.region):
        raise AwsRefusal(
            "InsufficientS3BucketPolicyFault",
            f"Cannot write to bucket {bucket}. Please ensure that your IAM permissions are set up "
            "correctly.",
        )
    details: dict[str, Any] = {"BucketName": bucket}
    if prefix:
        # AWS hands the prefix back with a slash at its end.
        details["S3KeyPrefix"] = prefix.rstrip("/") + "/"
    if exports:
        details["LogExports"] = _known(exports)
    return details


def _known(exports: list[str]) -> list[str]:
    if not exports or set(exports) - set(EXPORTS):
        raise AwsRefusal("InvalidParameterValue", f"LogExports must be some of {list(EXPORTS)}.")
    return exports


def _tables(cluster: Any, granularity: str, exports: list[str]) -> dict[str, Any]:
    named = [name for name in exports if name != "all"]
    return {
        "S3Tables": named,
        "S3TableNamespace": f"redshift-{cluster.cluster_identifier}",
        "S3TableGranularity": granularity,
        "EnabledAll": not named,
    }


def admits_delivery(policy: bytes | None, region: str) -> bool:
    """Whether some Allow statement lets Redshift write: as coarse as the check of EnableLogging."""
    if not policy:
        return False
    principals = {"redshift.amazonaws.com", f"redshift.{region}.amazonaws.com", "*"}
    granted = [
        action
        for statement in _list(json.loads(policy)["Statement"])
        if statement["Effect"] == "Allow" and principals & set(_services(statement))
        for action in _list(statement.get("Action", []))
    ]
    return all(
        any(fnmatchcase(wanted, action.lower()) for action in granted)
        for wanted in ("s3:putobject", "s3:getbucketacl")
    )


def _services(statement: dict[str, Any]) -> list[str]:
    principal = statement.get("Principal", {})
    return ["*"] if principal == "*" else _list(principal.get("Service", []))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _disable_logging(self: Any) -> ActionResult:
    cluster = found(self.redshift_backend, self._get_param("ClusterIdentifier"))
    want_available(cluster)
    details = cluster.logging_details
    if self._get_param("LogDestinationType") == "s3table":
        details.pop("S3Tables", None)
        if details.get("LogDestinationType") == "s3table":
            cluster.logging_details = _off()
    else:
        tables = {name: value for name, value in details.items() if name == "S3Tables"}
        cluster.logging_details = _off() | tables
    return ActionResult(cluster.logging_details)


def _describe_logging_status(self: Any) -> ActionResult:
    cluster = found(self.redshift_backend, self._get_param("ClusterIdentifier"))
    return ActionResult(cluster.logging_details)


def _publish_status(self: Any) -> dict[str, Any] | None:
    tables = self.logging_details.get("S3Tables")
    return {"S3Tables": tables} if tables else None


def install() -> None:
    """Replaces the logging trio and the state that a new cluster begins with."""
    cluster_init = Cluster.__init__

    def init_cluster(self: Any, *args: Any, **kwargs: Any) -> None:
        cluster_init(self, *args, **kwargs)
        self.logging_details = _off()

    replace(Cluster, "__init__", init_cluster)
    add(Cluster, "logging_publish_status", property(_publish_status))
    replace(RedshiftResponse, "enable_logging", _enable_logging)
    replace(RedshiftResponse, "disable_logging", _disable_logging)
    replace(RedshiftResponse, "describe_logging_status", _describe_logging_status)
