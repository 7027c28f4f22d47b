"""Names an S3 request as the API does, from its method, path and query."""

from __future__ import annotations

from collections.abc import Mapping

_BUCKET: Mapping[str, Mapping[str, str]] = {
    "GET": {
        "lifecycle": "GetBucketLifecycleConfiguration",
        "encryption": "GetBucketEncryption",
        "policyStatus": "GetBucketPolicyStatus",
        "policy": "GetBucketPolicy",
        "publicAccessBlock": "GetPublicAccessBlock",
        "versioning": "GetBucketVersioning",
        "acl": "GetBucketAcl",
        "location": "GetBucketLocation",
        "tagging": "GetBucketTagging",
        "logging": "GetBucketLogging",
        "object-lock": "GetObjectLockConfiguration",
        "ownershipControls": "GetBucketOwnershipControls",
        "requestPayment": "GetBucketRequestPayment",
        "replication": "GetBucketReplication",
        "notification": "GetBucketNotificationConfiguration",
        "uploads": "ListMultipartUploads",
        "versions": "ListObjectVersions",
        "list-type": "ListObjectsV2",
        "": "ListObjects",
    },
    "PUT": {
        "lifecycle": "PutBucketLifecycleConfiguration",
        "encryption": "PutBucketEncryption",
        "policy": "PutBucketPolicy",
        "publicAccessBlock": "PutPublicAccessBlock",
        "versioning": "PutBucketVersioning",
        "acl": "PutBucketAcl",
        "tagging": "PutBucketTagging",
        "logging": "PutBucketLogging",
        "object-lock": "PutObjectLockConfiguration",
        "ownershipControls": "PutBucketOwnershipControls",
        "notification": "PutBucketNotificationConfiguration",
        "": "CreateBucket",
    },
    "DELETE": {
        "lifecycle": "DeleteBucketLifecycle",
        "encryption": "DeleteBucketEncryption",
        "policy": "DeleteBucketPolicy",
        "publicAccessBlock": "DeletePublicAccessBlock",
        "tagging": "DeleteBucketTagging",
        "ownershipControls": "DeleteBucketOwnershipControls",
        "": "DeleteBucket",
    },
    "HEAD": {"": "HeadBucket"},
    "POST": {"delete": "DeleteObjects", "": "PostObject"},
}

_OBJECT: Mapping[str, Mapping[str, str]] = {
    "GET": {
        "tagging": "GetObjectTagging",
        "acl": "GetObjectAcl",
        "retention": "GetObjectRetention",
        "uploadId": "ListParts",
        "": "GetObject",
    },
    "PUT": {"tagging": "PutObjectTagging", "uploadId": "UploadPart", "": "PutObject"},
    "DELETE": {"uploadId": "AbortMultipartUpload", "": "DeleteObject"},
    "HEAD": {"": "HeadObject"},
    "POST": {
        "uploads": "CreateMultipartUpload",
        "uploadId": "CompleteMultipartUpload",
        "": "PostObject",
    },
}

_ACCOUNT: Mapping[str, str] = {
    "GET": "GetPublicAccessBlock",
    "PUT": "PutPublicAccessBlock",
    "DELETE": "DeletePublicAccessBlock",
}


def bucket_and_key(path: str) -> tuple[str, str]:
    """Both parts of a path-style S3 path; either may be empty."""
    bucket, _, key = path.lstrip("/").partition("/")
    return bucket, key


def operation_of(method: str, path: str, query: Mapping[str, object]) -> str:
    """The API's name of the operation. S3 Control only as far as the public access block."""
    if path.startswith("/v20180820/"):
        if "publicAccessBlock" in path:
            return _ACCOUNT.get(method, method)
        return path.removeprefix("/v20180820/")
    bucket, key = bucket_and_key(path)
    if not bucket:
        return "ListBuckets"
    table = (_OBJECT if key else _BUCKET).get(method, {"": method})
    return next((name for part, name in table.items() if part and part in query), table[""])
