"""The IAM policy of the job that makes the monthly report: it reads logs and writes reports."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from controls.semantics.log_keys import normalise_prefix


def report_policy(
    sources: Collection[str], destination: str = "", partition: str = "aws"
) -> dict[str, Any]:
    """An identity policy to read audit logs below these places, and to write below one.

    sources: `bucket/prefix`, or `bucket` alone; none: every bucket, for which are in use was not
    known. Objects are read below audit log prefixes alone. destination: as a source; empty: none.
    """
    places = sorted({_place(one.partition("AWSLogs/")[0]) for one in sources}) or [("*", "")]
    statements: list[dict[str, Any]] = [
        {
            "Sid": "ReadAuditLogs",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [
                f"arn:{partition}:s3:::{bucket}/{prefix}*AWSLogs/*/redshift/*"
                for bucket, prefix in places
            ],
        },
        {
            "Sid": "ListAuditLogs",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": sorted({f"arn:{partition}:s3:::{bucket}" for bucket, _ in places}),
        },
    ]
    if destination:
        bucket, prefix = _place(destination)
        below = f"arn:{partition}:s3:::{bucket}/{prefix}*"
        for sid, action, on in (
            ("WriteReports", "s3:PutObject", below),
            ("ReadTheReportBefore", "s3:GetObject", f"{below}/report.json"),
        ):
            statements.append({"Sid": sid, "Effect": "Allow", "Action": [action], "Resource": [on]})
    return {"Version": "2012-10-17", "Statement": statements}


def _place(text: str) -> tuple[str, str]:
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    return bucket, normalise_prefix(prefix)
