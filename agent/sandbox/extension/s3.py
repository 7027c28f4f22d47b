"""S3 buckets born as AWS makes them today, and the bucket reads that moto gets wrong."""

from __future__ import annotations

import base64
import json
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket, PublicAccessBlock, S3Backend
from moto.s3.responses import S3Response

from agent.sandbox.extension.patch import replace

_OWNER = {"ID": "bcaf1ffd86f41161ca5fb16fd081034f", "DisplayName": "sandbox"}


def default_encryption() -> dict[str, Any]:
    """SSE-S3, and since April 2026 no SSE-C (S3 User Guide, default-bucket-encryption)."""
    return {
        "Rule": {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
            "BucketKeyEnabled": "false",
            "BlockedEncryptionTypes": {"EncryptionType": "SSE-C"},
        }
    }


def _get_bucket_encryption(self: Any) -> Any:
    self.data["Action"] = "GetBucketEncryption"
    rule = (self.backend.get_bucket_encryption(self.bucket_name) or default_encryption())["Rule"]
    shown: dict[str, Any] = {
        "ApplyServerSideEncryptionByDefault": rule["ApplyServerSideEncryptionByDefault"],
        "BucketKeyEnabled": str(rule.get("BucketKeyEnabled")).lower() == "true",
    }
    if blocked := rule.get("BlockedEncryptionTypes"):
        named = blocked["EncryptionType"]
        types = named if isinstance(named, list) else [named]
        shown["BlockedEncryptionTypes"] = {"EncryptionType": types}
    return self.serialized(ActionResult({"ServerSideEncryptionConfiguration": {"Rules": [shown]}}))


def _all_buckets(self: Any) -> Any:
    """ListBuckets with pages, each bucket with its region."""
    region, size = self._get_param("bucket-region"), self._get_param("max-buckets")
    prefix, token = self._get_param("prefix") or "", self._get_param("continuation-token")
    after = base64.urlsafe_b64decode(token).decode() if token else ""
    names = sorted(
        name
        for name, bucket in self.backend.buckets.items()
        if name.startswith(prefix) and name > after and region in (None, bucket.region_name)
    )
    limit = int(size) if size else 10_000
    shown = [self.backend.buckets[name] for name in names[:limit]]
    more = base64.urlsafe_b64encode(names[limit - 1].encode()).decode() if names[limit:] else None
    self.data["Action"] = "ListBuckets"
    return self.serialized(
        ActionResult(
            {
                "Owner": _OWNER,
                "Buckets": [
                    {
                        "Name": bucket.name,
                        "CreationDate": bucket.creation_date_ISO8601,
                        "BucketRegion": bucket.region_name,
                    }
                    for bucket in shown
                ],
                "ContinuationToken": more,
                "Prefix": prefix or None,
            }
        )
    )


def _get_object_lock_configuration(self: Any) -> Any:
    enabled, mode, days, years = self.backend.get_object_lock_configuration(self.bucket_name)
    shown: dict[str, Any] = {"ObjectLockEnabled": "Enabled" if enabled else "Disabled"}
    if mode:
        retention = {"Mode": mode} | ({"Days": int(days)} if days else {"Years": int(years or 0)})
        shown["Rule"] = {"DefaultRetention": retention}
    self.data["Action"] = "GetObjectLockConfiguration"
    return self.serialized(ActionResult({"ObjectLockConfiguration": shown}))


def _permission(self: Any, action: str, resource: str) -> Any:
    """What the bucket's policy says of an object call, by its statements without a condition.

    moto takes conditions for fulfilled, so a denial of plain HTTP denies everything. Here all come
    from the owner's account (`gate`), and the plain endpoint stands for TLS.
    """
    policy = json.loads(self.policy or b"{}")
    named = policy.get("Statement", [])
    statements = [named] if isinstance(named, dict) else named
    plain = [one for one in statements if not one.get("Condition")]
    if not plain:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps(policy | {"Statement": plain})).is_action_permitted(
        action, resource
    )


def install() -> None:
    """Puts AWS's defaults of April 2023 and later on new buckets, and corrects five reads."""
    bucket_init = FakeBucket.__init__
    bucket_get = S3Response._bucket_response_get

    def init_bucket(self: Any, *args: Any, **kwargs: Any) -> None:
        bucket_init(self, *args, **kwargs)
        self.encryption = default_encryption()
        self.public_access_block = PublicAccessBlock(True, True, True, True)
        self.ownership_rule = "BucketOwnerEnforced"

    def delete_bucket_encryption(self: Any, bucket_name: str) -> None:
        self.get_bucket(bucket_name).encryption = default_encryption()

    def bucket_response_get(self: Any, bucket_name: str, query: Any) -> Any:
        if "requestPayment" not in query:
            return bucket_get(self, bucket_name, query)
        self.data["Action"] = "GetBucketRequestPayment"
        payer = self.backend.get_bucket(bucket_name).payer
        return self.serialized(ActionResult({"Payer": payer}))

    replace(FakeBucket, "__init__", init_bucket)
    replace(FakeBucket, "get_permission", _permission)
    replace(S3Backend, "delete_bucket_encryption", delete_bucket_encryption)
    replace(S3Response, "_bucket_response_get", bucket_response_get)
    replace(S3Response, "get_bucket_encryption", _get_bucket_encryption)
    replace(S3Response, "all_buckets", _all_buckets)
    replace(S3Response, "get_object_lock_configuration", _get_object_lock_configuration)
