"""The IAM policy of the job that makes the monthly report: it reads logs and writes reports."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from controls.semantics.log_keys import normalise_prefix

if TYPE_CHECKING:
    from agent.config_report import AthenaSetting


def report_policy(
    sources: Collection[str],
    destination: str = "",
    partition: str = "aws",
    athena: AthenaSetting | None = None,
) -> dict[str, Any]:
    """An identity policy to read audit logs below these places, and to write below one.

    sources: `bucket/prefix`, or `bucket` alone; none: every bucket, for which are in use was not
    known. Objects are read below audit log prefixes alone. destination: as a source; empty: none.
    athena: what `--engine athena` uses; None: nothing of it is allowed.
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
    if athena is not None:
        statements += _of_athena(athena, partition)
    return {"Version": "2012-10-17", "Statement": statements}


def _of_athena(athena: AthenaSetting, partition: str) -> list[dict[str, Any]]:
    """To ask Athena: queries in the workgroup, the tables in Glue, and the files of both places,
    which Athena reads and writes as whoever asks.

    Source: Amazon Athena User Guide, "Control access to Amazon S3 from Athena", "Configure access
    to databases and tables in the AWS Glue Data Catalog", "Example workgroup policies". Not run
    against AWS.
    """
    places = [_place(athena.curated), _place(athena.output_location)]
    buckets = sorted({f"arn:{partition}:s3:::{bucket}" for bucket, _ in places})
    below = sorted({f"arn:{partition}:s3:::{bucket}/{prefix}*" for bucket, prefix in places})
    glue = f"arn:{partition}:glue:*:*"
    database = athena.database
    allowed = {
        "AskAthena": (
            [f"athena:{verb}" for verb in ("StartQueryExecution", "StopQueryExecution")]
            + [f"athena:{verb}" for verb in ("GetQueryExecution", "GetQueryResults")]
            + ["athena:GetWorkGroup"],
            [f"arn:{partition}:athena:*:*:workgroup/{athena.workgroup}"],
        ),
        "MakeAndReadTables": (
            [f"glue:{verb}" for verb in ("GetDatabase", "GetTable", "GetPartitions")]
            + ["glue:CreateTable", "glue:DeleteTable"],
            [f"{glue}:catalog", f"{glue}:database/{database}", f"{glue}:table/{database}/*"],
        ),
        "FindAthenasFiles": (["s3:GetBucketLocation", "s3:ListBucket"], buckets),
        "ReadAndWriteAthenasFiles": (
            ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
            below,
        ),
    }
    return [
        {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": on}
        for sid, (actions, on) in allowed.items()
    ]


def _place(text: str) -> tuple[str, str]:
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    return bucket, normalise_prefix(prefix)
