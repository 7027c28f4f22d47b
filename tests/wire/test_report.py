"""The monthly report from bucket to bucket, and what the agent's eyes make of it."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from agent.report.model import Month
from tests.sandbox_server import Sandbox
from tests.wire.conftest import Run
from tests.wire.estate import REGION, A, right

REPORTS = "reports-of-the-job"
ROLE = f"arn:aws:iam::{A}:role/TrailkeeperReport"
RULE = "audit-report-produced"
LINE = (
    "authenticated |{at:%a, %d %b %Y %H:%M:%S}:123|::ffff:10.0.0.7 |4000 |{pid}|dev |{user} |"
    "password |0|TLSv1.2 |ECDHE-RSA-AES256-GCM-SHA384 |0| | |\n"
)


def last_month(now: datetime) -> Month:
    """The one before this."""
    return Month(now.year, now.month).shifted(-1)


def settings() -> dict[str, Any]:
    """The report's place and role."""
    return {
        "report": {
            "destination": f"s3://{REPORTS}/redshift/",
            "sources": ["s3://audit-logs/prod/"],
            "role": ROLE,
            "baseline_months": 0,
        },
        "params": {RULE: {"due_days": 0}},
    }


@pytest.fixture
def estate(sandbox: Sandbox, now: datetime) -> Sandbox:
    """Everything right, three objects of last month, a bucket for reports and the job's role."""
    sandbox.plant(right(now))
    sandbox.plant(
        [
            {"do": "bucket", "account": A, "region": REGION, "name": REPORTS},
            {"do": "account", "account": A, "reader": "TrailkeeperReport"},
        ]
    )
    start = last_month(now).start
    client = sandbox.client("s3", account=A)
    for hour in range(3):
        at = start + timedelta(hours=hour, minutes=5)
        name = f"{A}_redshift_{REGION}_orders_connectionlog_{at:%Y-%m-%dT%H:50}.gz"
        key = f"prod/AWSLogs/{A}/redshift/{REGION}/{at:%Y/%m/%d}/{name}"
        line = LINE.format(at=at, pid=100 + hour, user="bob")
        client.put_object(Bucket="audit-logs", Key=key, Body=gzip.compress(line.encode()))
    return sandbox


def test_it_goes_from_bucket_to_bucket_and_the_check_sees_it(
    estate: Sandbox, run: Run, now: datetime
) -> None:
    month = last_month(now)
    before = run("--check", "--rule", RULE, "--format", "json", settings=settings())
    estate.forget_calls()

    made = run("report", "--month", "last", "--jobs", "1", settings=settings())

    calls = estate.counts()
    after = run("--check", "--rule", RULE, "--format", "json", settings=settings())
    assert made.code == 3, made.err
    assert f"orders ({A}, {REGION}), {month}: incomplete" in made.out
    assert before.finding(RULE, "orders")["status"] == "fail"
    assert before.finding(RULE, "orders")["facts"]["last_report"]["value"] == "missing"
    assert after.finding(RULE, "orders")["status"] == "pass"
    assert after.finding(RULE, "orders")["facts"]["last_report"]["value"] == "incomplete"
    assert set(calls) <= {
        "s3:GetObject",
        "s3:ListObjectsV2",
        "s3:PutObject",
        "sts:AssumeRole",
        "sts:GetCallerIdentity",
    }
    folder = f"redshift/{month}/{A}_{REGION}_orders"
    told = json.loads(_body(estate, f"{folder}/manifest.json"))
    assert (told["verdict"], told["records"]) == ("incomplete", {"connectionlog": 3})
    assert b"<h1" in _body(estate, f"{folder}/report.html")


def _body(estate: Sandbox, key: str) -> bytes:
    body: bytes = estate.client("s3", account=A).get_object(Bucket=REPORTS, Key=key)["Body"].read()
    return body


def test_where_it_may_not_be_written_nothing_is_left_that_looks_like_one(
    estate: Sandbox, run: Run
) -> None:
    estate.fault({"kind": "deny", "service": "s3", "operation": "PutObject"})

    made = run("report", "--month", "last", "--jobs", "1", settings=settings())

    assert made.code == 2
    assert f"cannot write s3://{REPORTS}/redshift/" in made.err
    listed = estate.client("s3", account=A).list_objects_v2(Bucket=REPORTS)
    assert not listed.get("Contents")


def test_a_log_that_may_not_be_read_makes_the_month_incomplete_and_is_named(
    estate: Sandbox, run: Run
) -> None:
    estate.fault({"kind": "deny", "service": "s3", "operation": "GetObject", "resource": "T01"})

    made = run("report", "--month", "last", "--jobs", "1", settings=settings())

    assert made.code == 3, made.err
    assert "1 object could not be read" in made.out
