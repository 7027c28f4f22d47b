"""The policies that are printed: what a role may do, and on what."""

from __future__ import annotations

from typing import Any

import pytest

from agent.config_report import AthenaSetting
from agent.permissions import policy
from agent.report_permissions import report_policy


def resources(document: dict[str, Any], action: str) -> list[str]:
    """What an action is granted on."""
    return [
        one
        for statement in document["Statement"]
        if action in statement["Action"]
        for one in statement["Resource"]
    ]


def prefixes(document: dict[str, Any]) -> list[str]:
    """Below which keys objects may be listed."""
    (listing,) = [one for one in document["Statement"] if "s3:ListBucket" in one["Action"]]
    found: list[str] = listing["Condition"]["StringLike"]["s3:prefix"]
    return found


def test_who_observes_lists_below_the_reports_only_where_there_are_any() -> None:
    assert prefixes(policy({"s3:ListObjectsV2"})) == ["*AWSLogs/*/redshift/*"]
    assert prefixes(policy({"s3:ListObjectsV2"}, reports="audits/"))[1:] == ["audits/*"]


@pytest.mark.parametrize(
    ("source", "read"),
    [
        pytest.param("s3://logs/", "logs/*AWSLogs/*/redshift/*", id="a bucket"),
        pytest.param("logs", "logs/*AWSLogs/*/redshift/*", id="a bucket by its name"),
        pytest.param("s3://logs/prod", "logs/prod/*AWSLogs/*/redshift/*", id="a prefix"),
        pytest.param(
            "s3://logs/prod/AWSLogs/111122223333/",
            "logs/prod/*AWSLogs/*/redshift/*",
            id="a prefix within the layout",
        ),
    ],
)
def test_the_report_reads_logs_and_nothing_else(source: str, read: str) -> None:
    document = report_policy([source], "reports/audits/", "aws-cn")

    assert resources(document, "s3:GetObject") == [
        f"arn:aws-cn:s3:::{read}",
        "arn:aws-cn:s3:::reports/audits/*/report.json",
    ]
    assert resources(document, "s3:ListBucket") == ["arn:aws-cn:s3:::logs"]
    assert resources(document, "s3:PutObject") == ["arn:aws-cn:s3:::reports/audits/*"]
    assert {action for one in document["Statement"] for action in one["Action"]} == {
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    }


def test_without_a_destination_it_writes_nothing() -> None:
    assert resources(report_policy(["logs"]), "s3:PutObject") == []


def test_without_a_source_only_log_keys_are_read() -> None:
    assert resources(report_policy([]), "s3:GetObject") == ["arn:aws:s3:::*/*AWSLogs/*/redshift/*"]


def test_athena_is_asked_in_its_workgroup_about_its_database_alone() -> None:
    setting = AthenaSetting(
        database="audit",
        output_location="s3://answers/out/",
        curated="s3://reports/trailkeeper",
        workgroup="auditors",
    )
    document = report_policy(["logs"], partition="aws-cn", athena=setting)

    assert resources(document, "athena:StartQueryExecution") == [
        "arn:aws-cn:athena:*:*:workgroup/auditors"
    ]
    assert resources(document, "glue:CreateTable") == [
        "arn:aws-cn:glue:*:*:catalog",
        "arn:aws-cn:glue:*:*:database/audit",
        "arn:aws-cn:glue:*:*:table/audit/*",
    ]
    assert resources(document, "s3:PutObject") == [
        "arn:aws-cn:s3:::answers/out/*",
        "arn:aws-cn:s3:::reports/trailkeeper/*",
    ]
    assert resources(report_policy(["logs"]), "athena:StartQueryExecution") == []
