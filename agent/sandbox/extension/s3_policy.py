"""AWS's refusals of bad bucket policies; moto takes any text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.s3.responses import S3Response
from moto.s3.utils import bucket_policy_is_public
from moto.s3control.models import s3control_backends

from agent.sandbox.extension.errors import AwsRefusal
from agent.sandbox.extension.patch import replace

LIMIT = 20_480
_DELETED = re.compile(r"(AIDA|AROA)[A-Z0-9]{8,}")


def refuse_bad_policy(text: str, bucket: Any, account: str, partition: str) -> None:
    """Nothing for a policy that S3 would take.

    Sources: S3 User Guide (add-bucket-policy, access-control-block-public-access,
    s3-bucket-user-policy-specifying-principal-intro); the wording of the size error is seldom
    seen and from memory.

    Raises:
        AwsRefusal: MalformedPolicy, PolicyTooLarge, AccessDenied.
    """
    try:
        policy = json.loads(text)
    except ValueError:
        policy = None
    if not isinstance(policy, Mapping):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    if "Statement" not in policy:
        raise _malformed("Missing required field Statement")
    if len(json.dumps(policy, ensure_ascii=False, separators=(",", ":")).encode()) > LIMIT:
        raise AwsRefusal(
            "PolicyTooLarge",
            f"Normalized bucket policy document exceeds the maximum allowed size of {LIMIT} bytes.",
        )
    statements = _list(policy["Statement"])
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(sids)) < len(sids):
        raise _malformed("Statement IDs (SID) in a single policy must be unique.")
    for statement in statements:
        _check(statement, f"arn:{partition}:s3:::{bucket.name}")
    if bucket_policy_is_public(text) and any(_blocks(bucket, account, partition)):
        raise AwsRefusal("AccessDenied", "public policies are blocked by the BlockPublicPolicy")


def _check(statement: Mapping[str, Any], arn: str) -> None:
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    if principal is None:
        raise _malformed("Missing required field Principal")
    named = _list(principal.get("AWS", [])) if isinstance(principal, Mapping) else []
    if any(_DELETED.fullmatch(name) for name in named):
        raise _malformed("Invalid principal in policy")
    resources = _list(statement.get("Resource", statement.get("NotResource", [])))
    if not all(one == arn or one.startswith((f"{arn}/", f"{arn}*")) for one in resources):
        raise _malformed("Policy has invalid resource")


def _blocks(bucket: Any, account: str, partition: str) -> Iterator[bool]:
    """Whether bucket and account block public policies."""
    whole = s3control_backends[account][partition].public_access_block
    for block in (bucket.public_access_block, whole):
        yield str(getattr(block, "block_public_policy", False)).lower() == "true"


def _malformed(text: str) -> AwsRefusal:
    return AwsRefusal("MalformedPolicy", text)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def install() -> None:
    """Looks at each policy before moto keeps it."""
    put = S3Response._bucket_response_put

    def bucket_response_put(self: Any, request: Any, bucket_name: str, query: Any) -> Any:
        if "policy" in query:
            bucket = self.backend.get_bucket(bucket_name)
            text = self.body.decode() if isinstance(self.body, bytes) else self.body
            try:
                refuse_bad_policy(text, bucket, self.current_account, self.partition)
            except AwsRefusal as refusal:
                self.data["Action"] = "PutBucketPolicy"
                status, headers, body = self.serialized(ActionResult(refusal))
                return 403 if refusal.code == "AccessDenied" else status, headers, body
        return put(self, request, bucket_name, query)

    replace(S3Response, "_bucket_response_put", bucket_response_put)
