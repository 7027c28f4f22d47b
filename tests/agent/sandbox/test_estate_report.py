"""Last month's logs in the simulated estate: readable, and no younger or older than before."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.config import load_settings
from agent.sandbox import estate, estate_report
from agent.sandbox.estate_shapes import ARCHIVE, REPORTER, Trail, role_arn
from agent.sandbox.month.planted import DAMAGED, WHOLE, last_month, steps
from tests.sandbox_server import Sandbox

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
"""The second of a month: the days after last month are yesterday and today."""


@pytest.fixture
def planted(sandbox: Sandbox) -> Sandbox:
    """One cluster's padded files, and over them the month of which nothing is missing."""
    owner = {"do": "bucket", "account": ARCHIVE, "name": WHOLE.bucket, "region": WHOLE.region}
    sandbox.plant([owner, *WHOLE.files(NOW, 35, kilobytes=2)])
    sandbox.plant(steps(NOW, scale=0.01)[-1:])
    return sandbox


def stored(sandbox: Sandbox, trail: Trail, day: str) -> tuple[Any, list[dict[str, Any]]]:
    """A client of the bucket's owner, and the objects in a day's folder."""
    client = sandbox.client("s3", account=ARCHIVE, region=trail.region)
    folder = f"{trail.prefix}/AWSLogs/{trail.account}/redshift/{trail.region}/{day}/"
    return client, client.list_objects_v2(Bucket=trail.bucket, Prefix=folder)["Contents"]


def test_last_month_can_be_read_and_the_newest_object_is_as_old_as_before(planted: Sandbox) -> None:
    client, objects = stored(planted, WHOLE, "2026/10/14")

    assert len(objects) == 48
    body = client.get_object(Bucket=WHOLE.bucket, Key=objects[-1]["Key"])["Body"].read()
    assert gzip.decompress(body).startswith(b"'2026-10-14T22:")

    _, objects = stored(planted, WHOLE, "2026/11/02")

    assert max(one["LastModified"] for one in objects) == WHOLE.delivered(NOW)
    assert {one["Size"] > 0 for one in objects} == {True}


def test_the_configuration_of_the_report_is_one_that_trailkeeper_reads(tmp_path: Path) -> None:
    path = tmp_path / "trailkeeper.yaml"
    written = estate.configuration() + estate_report.configuration()
    path.write_text(written, encoding="utf-8")
    setting = load_settings(path, {}).report

    assert setting.role == role_arn(ARCHIVE, REPORTER)
    assert setting.admins == ("larkadmin",)
    assert f"s3://{DAMAGED.bucket}/{DAMAGED.prefix}/" in setting.sources


def test_who_reads_the_logs_is_not_who_observes() -> None:
    observers = [one["role"] for one in yaml.safe_load(estate.configuration())["targets"]]

    assert role_arn(ARCHIVE, REPORTER) not in observers


def test_only_clusters_whose_logs_a_report_reads_have_one() -> None:
    keys = {one["key"] for one in estate_report.places(NOW) if one["do"] == "object"}
    month = last_month(NOW)

    assert f"{month}/111122223333_eu-west-1_warehouse-prod/verdict-incomplete" in keys
    assert f"{month}/111122223333_us-east-1_clickstream-batch/verdict-complete" in keys
    assert not any("growth-experiments" in key or "scratch" in key for key in keys)
