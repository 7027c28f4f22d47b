"""Statements in the policy of bucket `trail`, ours and others', for the tests of its fixes."""

from __future__ import annotations

import json
from typing import Any

from controls.fixes.bucket_policy import FIXES
from tests.controls.fixes.bucket_world import ARN
from tests.fakes import ACCOUNT, ARCHIVE

ADMIT, TLS = FIXES
OTHER_ACCOUNT = "444455556666"
DELIVERY_SID = f"TrailkeeperDelivery{ACCOUNT}"
READER = {
    "Sid": "Readers",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ARCHIVE}:role/auditor"},
    "Action": "s3:GetObject",
    "Resource": f"{ARN}/*",
}


def ours(*prefixes: str, **elements: Any) -> dict[str, Any]:
    """Our delivery statement with these prefixes, but for the elements given."""
    return {
        "Sid": DELIVERY_SID,
        "Effect": "Allow",
        "Principal": {"Service": "redshift.amazonaws.com"},
        "Action": ["s3:GetBucketAcl", "s3:PutObject"],
        "Resource": [ARN, *(f"{ARN}/{prefix}AWSLogs/{ACCOUNT}/*" for prefix in prefixes)],
        **elements,
    }


def listed(text: str | None) -> list[dict[str, Any]]:
    """The statements of a policy."""
    document = json.loads(text or '{"Statement": []}')
    found = document["Statement"]
    return found if isinstance(found, list) else [found]
