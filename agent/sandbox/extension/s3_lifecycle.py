"""S3 lifecycle configurations that come back as they were put, and AWS's refusals of bad ones."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model
from moto.s3.exceptions import NoSuchLifecycleConfiguration
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

from agent.sandbox.extension.errors import AwsRefusal
from agent.sandbox.extension.patch import add, replace

DEFAULT_MINIMUM_SIZE = "all_storage_classes_128K"

_ACTIONS = (
    "Expiration",
    "Transitions",
    "NoncurrentVersionTransitions",
    "NoncurrentVersionExpiration",
    "AbortIncompleteMultipartUpload",
)
_PREDICATES = ("Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "And")


def set_lifecycle(bucket: Any, rules: list[dict[str, Any]], minimum_size: str | None) -> None:
    """Keeps the rules, in the API's shape, as the bucket's whole configuration.

    Raises:
        AwsRefusal: as PutBucketLifecycleConfiguration would.
    """
    kept = [{"ID": rule.get("ID") or uuid.uuid4().hex} | _plain(rule) for rule in rules]
    _check_all(kept)
    for rule in kept:
        _check(rule)
    bucket.lifecycle_configuration = {
        "Rules": kept,
        "TransitionDefaultMinimumObjectSize": minimum_size or DEFAULT_MINIMUM_SIZE,
    }


def _plain(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Without members that were not given, and with an empty element as the empty string."""
    return {
        name: _plain(value) if isinstance(value, Mapping) else value
        for name, value in rule.items()
        if value is not None
    }


def _check_all(rules: list[dict[str, Any]]) -> None:
    if not rules or len(rules) > 1000:
        raise _malformed()
    identifiers = [rule["ID"] for rule in rules]
    if len(set(identifiers)) < len(identifiers):
        raise AwsRefusal("InvalidArgument", "Rule ID must be unique. Found same ID for two rules")
    if any("Filter" in rule for rule in rules) and any("Filter" not in rule for rule in rules):
        raise AwsRefusal(
            "InvalidRequest",
            "Base level prefix cannot be used in Lifecycle V2, prefixes are only "
            "supported in the Filter.",
        )


def _check(rule: dict[str, Any]) -> None:
    if ("Filter" in rule) == ("Prefix" in rule) or rule.get("Status") not in (
        "Enabled",
        "Disabled",
    ):
        raise _malformed()
    if len([name for name in _PREDICATES if name in rule.get("Filter", {})]) > 1:
        raise _malformed()
    if not any(name in rule for name in _ACTIONS):
        raise AwsRefusal("InvalidRequest", "At least one action needs to be specified in a rule.")
    expiration = rule.get("Expiration", {})
    if len([n for n in ("Days", "Date", "ExpiredObjectDeleteMarker") if n in expiration]) > 1:
        raise _malformed()
    noncurrent = rule.get("NoncurrentVersionExpiration", {})
    if noncurrent and "NoncurrentDays" not in noncurrent:
        raise _malformed()
    for days in (expiration.get("Days", 1), noncurrent.get("NoncurrentDays", 1)):
        if days < 1:
            raise AwsRefusal(
                "InvalidArgument", "'Days' for Expiration action must be a positive integer"
            )


def _malformed() -> AwsRefusal:
    return AwsRefusal(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def _put(self: Any, bucket_name: str) -> str:
    """Parses with the service model, which knows every member, list and type."""
    operation = get_service_model("s3").operation_model("PutBucketLifecycleConfiguration")
    request = self.normalized_request
    parsed = PROTOCOL_PARSERS["rest-xml"](operation, map_type=dict).parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": {"Bucket": bucket_name},
        }
    )
    rules = (parsed.get("LifecycleConfiguration") or {}).get("Rules") or []
    bucket = self.backend.get_bucket(bucket_name)
    set_lifecycle(bucket, rules, parsed.get("TransitionDefaultMinimumObjectSize"))
    return ""


def _get(self: Any) -> Any:
    self.data["Action"] = "GetBucketLifecycleConfiguration"
    configuration = self.backend.get_bucket(self.bucket_name).lifecycle_configuration
    if configuration is None:
        raise NoSuchLifecycleConfiguration(bucket_name=self.bucket_name)
    return self.serialized(ActionResult(configuration))


def install() -> None:
    """Replaces moto's own reading, keeping and writing of lifecycle rules."""
    put = S3Response._bucket_response_put

    def bucket_response_put(self: Any, request: Any, bucket_name: str, query: Any) -> Any:
        if "lifecycle" not in query:
            return put(self, request, bucket_name, query)
        try:
            return _put(self, bucket_name)
        except AwsRefusal as refusal:
            self.data["Action"] = "PutBucketLifecycleConfiguration"
            return self.serialized(ActionResult(refusal))

    def delete_lifecycle(self: Any) -> None:
        self.lifecycle_configuration = None

    add(FakeBucket, "lifecycle_configuration", None)
    replace(FakeBucket, "delete_lifecycle", delete_lifecycle)
    replace(S3Response, "_bucket_response_put", bucket_response_put)
    replace(S3Response, "get_bucket_lifecycle", _get)
