"""The log archive account of the simulated estate: central buckets, as they should be."""

from __future__ import annotations

from datetime import datetime, timedelta

from agent.sandbox.estate_shapes import (
    ANALYTICS,
    ARCHIVE,
    EU,
    FINANCE,
    ORGANIZATION,
    REGIONS,
    US,
    Step,
    admits_redshift,
    bucket,
    denies,
    expires,
    tls_only,
)

CENTRAL = {region: f"larkfield-audit-archive-{region}" for region in REGIONS}
"""One a region: Redshift delivers only to a bucket in the cluster's own region."""


def archive(now: datetime) -> list[Step]:
    """Right in every way, so that a reader sees what right looks like."""
    return [
        {"do": "account_public_access_block", "account": ARCHIVE, "block": True},
        *(_central(name, region) for region, name in CENTRAL.items()),
        *_other_trails(now),
    ]


def _central(name: str, region: str) -> Step:
    """The whole organization may write, nobody else, and only over TLS.

    Redshift calls as an AWS service, which belongs to no organization: the denial must leave
    services out (IAM User Guide, data perimeters), and does.
    """
    foreign = {
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORGANIZATION},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }
    statements = [
        *admits_redshift(name, ANALYTICS, FINANCE),
        denies("DenyOutsideOrganization", name, foreign),
        tls_only(name),
    ]
    tags = {"data-class": "audit", "owner": "security-engineering"}
    return bucket(ARCHIVE, region, name, statements, lifecycle=[expires()], tags=tags)


def _other_trails(now: datetime) -> list[Step]:
    """CloudTrail's files beside Redshift's, and more recent: freshness must not take them."""
    steps: list[Step] = []
    for region in (EU, US):
        for hours in range(48):
            time = now - timedelta(hours=hours, minutes=3)
            folder = f"AWSLogs/{ANALYTICS}/CloudTrail/{region}/{time:%Y/%m/%d}"
            file = f"{ANALYTICS}_CloudTrail_{region}_{time:%Y%m%dT%H%MZ}_k7Qd{hours:02}Xw.json.gz"
            steps.append(
                {
                    "do": "object",
                    "bucket": CENTRAL[region],
                    "key": f"{folder}/{file}",
                    "modified": time,
                    "size": 61_000 + 917 * hours,
                }
            )
    return steps
