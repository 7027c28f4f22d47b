"""Which AWS call an HTTP request is, with its parameters as boto3 would take them."""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote


class Call(NamedTuple):
    """One AWS call: the service by boto3's name, the operation by the API's."""

    service: str
    operation: str
    params: dict[str, Any]


SERVICES = {"monitoring": "cloudwatch"}
"""boto3's name where the signing name is another."""

SUBRESOURCES = {
    "acl": "GetBucketAcl",
    "encryption": "GetBucketEncryption",
    "lifecycle": "GetBucketLifecycleConfiguration",
    "list-type": "ListObjectsV2",
    "location": "GetBucketLocation",
    "object-lock": "GetObjectLockConfiguration",
    "ownershipControls": "GetBucketOwnershipControls",
    "policy": "GetBucketPolicy",
    "policyStatus": "GetBucketPolicyStatus",
    "publicAccessBlock": "GetPublicAccessBlock",
    "tagging": "GetBucketTagging",
    "versioning": "GetBucketVersioning",
}
"""S3's operation by the query parameter that names it."""

S3_MEMBERS = {
    "bucket-region": "BucketRegion",
    "continuation-token": "ContinuationToken",
    "delimiter": "Delimiter",
    "encoding-type": "EncodingType",
    "max-buckets": "MaxBuckets",
    "max-keys": "MaxKeys",
    "prefix": "Prefix",
    "start-after": "StartAfter",
}
"""boto3's parameter by S3's query parameter."""


def read_call(method: str, target: str, head: str, body: bytes) -> Call:
    """The call in a signed request. `head` is the header block, from the request line on.

    The service is taken from the credential scope of the signature, as AWS does.
    """
    scope = after(head, "Credential=", ",").split("/")
    service = scope[3] if len(scope) > 3 else "unsigned"
    service = SERVICES.get(service, service)
    if service == "s3":
        return _rest_call(method, target, head)
    operation = after(head, "X-Amz-Target: ", "\r").rpartition(".")[2]
    if operation:
        return Call(service, operation, json.loads(body or b"{}"))
    params = dict(parse_qsl(body.decode(), keep_blank_values=True))
    params.pop("Version", None)
    return Call(service, params.pop("Action", "?"), params)


def _rest_call(method: str, target: str, head: str) -> Call:
    path, _, query = target.partition("?")
    if path.startswith("/v20180820/"):
        account = after(head, "x-amz-account-id: ", "\r")
        if path == "/v20180820/configuration/publicAccessBlock" and method == "GET":
            return Call("s3control", "GetPublicAccessBlock", {"AccountId": account})
        return Call("s3control", f"{method} {path}", {})
    asked = parse_qsl(query, keep_blank_values=True)
    params = {S3_MEMBERS[name]: value for name, value in asked if name in S3_MEMBERS}
    bucket, _, key = unquote(path[1:]).partition("/")
    if not bucket:
        return Call("s3", "ListBuckets" if method == "GET" else f"{method} /", params)
    params["Bucket"] = bucket
    owner = after(head, "x-amz-expected-bucket-owner: ", "\r")
    if owner:
        params["ExpectedBucketOwner"] = owner
    return Call("s3", _s3_operation(method, key, [name for name, _ in asked]), params)


def _s3_operation(method: str, key: str, asked: list[str]) -> str:
    if method == "HEAD" and not key and not asked:
        return "HeadBucket"
    found = [SUBRESOURCES[name] for name in asked if name in SUBRESOURCES]
    if method == "GET" and not key and found:
        return found[0]
    return f"{method} /bucket{'/key' if key else ''}?{'&'.join(asked)}"


def after(text: str, opening: str, closing: str) -> str:
    """What stands between the two marks, or nothing."""
    start = text.find(opening)
    if start < 0:
        return ""
    start += len(opening)
    return text[start : text.find(closing, start)]
