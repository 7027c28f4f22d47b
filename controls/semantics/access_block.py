"""S3 Block Public Access: what the switches of bucket and account come to together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controls.model import Said

SWITCHES = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
"""The four of a PublicAccessBlockConfiguration, in AWS's words."""


def public_access_blocked(
    bucket: Mapping[str, Any] | None, account: Mapping[str, Any] | None
) -> Said[bool]:
    """Whether all four switches are on, each at the bucket or at its owner's account.

    Both are `PublicAccessBlockConfiguration` as S3 answers; None means not configured, which is
    all four off. S3 applies the more restrictive of the two (S3 API, GetPublicAccessBlock).
    """
    on = {
        switch: [
            name
            for name, switches in (("bucket", bucket), ("account", account))
            if (switches or {}).get(switch) is True
        ]
        for switch in SWITCHES
    }
    off = [switch for switch, places in on.items() if not places]
    if off:
        lacking = "is off" if len(off) == 1 else "are off"
        return Said(False, f"{', '.join(off)} {lacking} at the bucket and at its account")
    alone = next(
        (p for p in ("bucket", "account") if all(p in places for places in on.values())), ""
    )
    where = f"by the {alone}" if alone else "by bucket and account together"
    return Said(True, f"all four switches are on {where}")
