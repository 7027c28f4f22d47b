"""What AWS refuses before a service looks: strange regions, other people's buckets and roles."""

from __future__ import annotations

import json
import re
from typing import Any

from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends

from agent.sandbox.accounts import ACCOUNTS
from agent.sandbox.faults import Fault, reply_to
from agent.sandbox.past_answers import is_read
from agent.sandbox.wire import Asked, Environ, Protocol, Reply, error

_POLICY_OPERATIONS = {
    "GetBucketPolicy",
    "GetBucketPolicyStatus",
    "PutBucketPolicy",
    "DeleteBucketPolicy",
}
_ROLE_ARN = re.compile(r"arn:[\w-]+:iam::(\d{12}):role/.+")


def refusal(asked: Asked, environ: Environ) -> Reply | None:
    """The error AWS gives before it looks at the resource, or none."""
    if not is_read(asked) and _only_reads(asked):
        return reply_to(Fault("deny"), asked)
    if asked.service == "s3":
        return _bucket_refusal(asked, environ)
    if asked.region not in ACCOUNTS.regions(asked.account) and _is_known(asked.region):
        return _region_refusal(asked)
    if asked.operation == "AssumeRole":
        return _role_refusal(asked)
    return None


def _only_reads(asked: Asked) -> bool:
    """Whether who asks has taken on a role that may change nothing."""
    if not ACCOUNTS.readers:
        return False
    taken = sts_backends[asked.account]["aws"].get_assumed_role_from_access_key(asked.access_key)
    return taken is not None and taken.role_arn in ACCOUNTS.readers


def _is_known(region: str) -> bool:
    """Whether this is a place in the commercial partition: the others are left to moto."""
    return not region.startswith(("us-gov-", "cn-", "us-iso", "aws-"))


def _region_refusal(asked: Asked) -> Reply:
    """A region that is not enabled knows no credentials of the account."""
    text = "The security token included in the request is invalid."
    if asked.protocol is Protocol.JSON:
        return error(asked, "UnrecognizedClientException", text, 400)
    if asked.protocol is Protocol.EC2:
        return error(asked, "AuthFailure", text, 401)
    return error(asked, "InvalidClientTokenId", text, 403)


# ---------------------------------------------------------------- buckets


def _bucket_refusal(asked: Asked, environ: Environ) -> Reply | None:
    if asked.bucket not in s3_backends.bucket_accounts or asked.operation == "CreateBucket":
        return None
    partition, owner = s3_backends.bucket_accounts[asked.bucket]
    region = s3_backends[owner][partition].buckets[asked.bucket].region_name
    if region != asked.region and not _answers_anywhere(asked):
        return _moved(asked, region)
    expected = environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER", owner)
    if expected == owner == asked.account:
        return None
    where = ("x-amz-bucket-region", region)
    if expected == owner and asked.operation in _POLICY_OPERATIONS:
        text = "The specified method is not allowed against this resource."
        return error(asked, "MethodNotAllowed", text, 405, where)
    return error(asked, "AccessDenied", "Access Denied", 403, where)


def _answers_anywhere(asked: Asked) -> bool:
    return asked.operation == "GetBucketLocation" and asked.region == "us-east-1"


def _moved(asked: Asked, region: str) -> Reply:
    text = (
        "The bucket you are attempting to access must be addressed using the specified endpoint. "
        "Please send all future requests to this endpoint."
    )
    detail = (
        f"<Endpoint>{asked.bucket}.s3.{region}.amazonaws.com</Endpoint>"
        f"<Bucket>{asked.bucket}</Bucket>"
    )
    header = ("x-amz-bucket-region", region)
    return error(asked, "PermanentRedirect", text, 301, header, detail=detail)


# ---------------------------------------------------------------- roles


def _role_refusal(asked: Asked) -> Reply | None:
    arn = asked.form.get("RoleArn", [""])[0]
    external_id = asked.form.get("ExternalId", [""])[0]
    if _may_assume(arn, asked.account, external_id):
        return None
    text = (
        f"User: arn:aws:iam::{asked.account}:user/sandbox is not authorized to perform: "
        f"sts:AssumeRole on resource: {arn}"
    )
    return error(asked, "AccessDenied", text, 403)


def _may_assume(arn: str, caller: str, external_id: str) -> bool:
    """Whether the role exists and a statement of its trust policy lets the account in."""
    match = _ROLE_ARN.fullmatch(arn)
    if match is None:
        return False
    roles = iam_backends[match.group(1)]["aws"].roles.values()
    role = next((role for role in roles if role.arn == arn), None)
    if role is None or not role.assume_role_policy_document:
        return False
    statements = json.loads(role.assume_role_policy_document)["Statement"]
    allowed = [s for s in statements if _trusts(s, caller, external_id)]
    return bool(allowed) and all(s["Effect"] == "Allow" for s in allowed)


def _trusts(statement: dict[str, Any], caller: str, external_id: str) -> bool:
    """Principals are compared by account: every identity of a trusted account may assume."""
    principal = statement.get("Principal", {})
    named = principal if principal == "*" else principal.get("AWS", [])
    names = [named] if isinstance(named, str) else named
    if not any(name == "*" or caller in (name, *name.split(":")[4:5]) for name in names):
        return False
    wanted = statement.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId")
    return wanted is None or external_id in ([wanted] if isinstance(wanted, str) else wanted)
