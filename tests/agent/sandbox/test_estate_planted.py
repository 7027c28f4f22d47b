"""The simulated estate: what is planted reads back over HTTP, and its log files are believable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from agent.sandbox.estate_analytics import (
    FORMER_BUCKET,
    LOST_BUCKET,
    SHARED_BUCKET,
    WALKTHROUGH_BUCKET,
)
from agent.sandbox.estate_archive import CENTRAL
from agent.sandbox.estate_finance import KMS_BUCKET, VPCE_BUCKET
from agent.sandbox.estate_shapes import (
    ANALYTICS,
    ARCHIVE,
    DELAY,
    EU,
    FINANCE,
    FINANCE_EXTERNAL_ID,
    LOGS,
    PARAMETER,
    READER,
    US,
    Trail,
    role_arn,
)
from agent.sandbox.server import start_server
from controls.semantics.log_keys import day_prefix, parse_key
from tests.sandbox_server import Sandbox, code_of

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def planted() -> Iterator[Sandbox]:
    """A server of its own, seeded as the demo's is."""
    with start_server(seed="agent.sandbox.estate:seed") as server:
        yield Sandbox(server)


# ---------------------------------------------------------------- what is planted, read back


def lifecycle(aws: Sandbox) -> Any:
    s3 = aws.client("s3")
    return s3.get_bucket_lifecycle_configuration(Bucket=WALKTHROUGH_BUCKET)["Rules"]


def versioning(aws: Sandbox) -> Any:
    return aws.client("s3").get_bucket_versioning(Bucket=WALKTHROUGH_BUCKET).get("Status")


def walkthrough_parameter(aws: Sandbox) -> Any:
    parameters = aws.client("redshift").describe_cluster_parameters(
        ParameterGroupName="redshift-cluster-1-params", Source="user"
    )["Parameters"]
    return {one["ParameterName"]: one["ParameterValue"] for one in parameters}[PARAMETER]


def walkthrough_policies(aws: Sandbox) -> Any:
    attached = aws.client("iam").list_attached_role_policies(RoleName="RedshiftS3FullAccess")
    return [one["PolicyArn"] for one in attached["AttachedPolicies"]]


def cluster(aws: Sandbox, account: str, region: str, name: str) -> Any:
    redshift = aws.client("redshift", account=account, region=region)
    [found] = redshift.describe_clusters(ClusterIdentifier=name)["Clusters"]
    return found


def parameter_status(aws: Sandbox) -> Any:
    [group] = cluster(aws, FINANCE, EU, "ledger-prod")["ClusterParameterGroups"]
    listed = group["ClusterParameterStatusList"]
    return {one["ParameterName"]: one["ParameterApplyStatus"] for one in listed}[PARAMETER]


def logging(aws: Sandbox, account: str, region: str, name: str) -> Any:
    redshift = aws.client("redshift", account=account, region=region)
    return redshift.describe_logging_status(ClusterIdentifier=name)


def failed_after_success(aws: Sandbox) -> Any:
    status = logging(aws, ANALYTICS, US, "marketing-attribution")
    return status["LastFailureTime"] - status["LastSuccessfulDeliveryTime"] > 5 * DAY


def owners(aws: Sandbox) -> Any:
    listed = {
        account: {
            one["Name"] for one in aws.client("s3", account=account).list_buckets()["Buckets"]
        }
        for account in (ANALYTICS, FINANCE, ARCHIVE)
    }
    buckets = (*CENTRAL.values(), LOST_BUCKET, FORMER_BUCKET)
    return [next(a for a, names in listed.items() if bucket in names) for bucket in buckets]


def encryption(aws: Sandbox) -> Any:
    answer = aws.client("s3", account=FINANCE).get_bucket_encryption(Bucket=KMS_BUCKET)
    [rule] = answer["ServerSideEncryptionConfiguration"]["Rules"]
    return rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]


def unexcepted(aws: Sandbox) -> Any:
    answer = aws.client("s3", account=FINANCE).get_bucket_policy(Bucket=VPCE_BUCKET)
    denials = [s for s in json.loads(answer["Policy"])["Statement"] if s["Effect"] == "Deny"]
    return [sorted(s["Condition"]) for s in denials]


def retentions(aws: Sandbox) -> Any:
    logs = aws.client("logs", region=US)
    return [
        {
            one.get("retentionInDays")
            for one in logs.describe_log_groups(
                logGroupNamePrefix=f"/aws/redshift/cluster/{name}/"
            )["logGroups"]
        }
        for name in ("realtime-bidding", "customer-360")
    ]


def inline_actions(aws: Sandbox) -> Any:
    answer = aws.client("iam").get_role_policy(RoleName="BiddingIngest", PolicyName="ingest")
    return [(s["Action"], s["Resource"]) for s in answer["PolicyDocument"]["Statement"]]


def serverless(aws: Sandbox) -> Any:
    client = aws.client("redshift-serverless", account=FINANCE, region=US)
    [namespace] = client.list_namespaces()["namespaces"]
    [workgroup] = client.list_workgroups()["workgroups"]
    values = {one["parameterKey"]: one["parameterValue"] for one in workgroup["configParameters"]}
    return sorted(namespace["logExports"]), values[PARAMETER]


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        pytest.param(
            lifecycle,
            [
                {
                    "ID": "remove-6month-old-file",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 180},
                }
            ],
            id="the walkthrough's lifecycle has noncurrent versions only",
        ),
        pytest.param(versioning, None, id="the walkthrough's bucket was never versioned"),
        pytest.param(walkthrough_parameter, "false", id="the walkthrough's parameter is false"),
        pytest.param(
            walkthrough_policies,
            ["arn:aws:iam::aws:policy/AmazonS3FullAccess"],
            id="the walkthrough's role has all of S3",
        ),
        pytest.param(parameter_status, "pending-reboot", id="ledger-prod waits for its reboot"),
        pytest.param(
            failed_after_success, True, id="a delivery failed days after the last success"
        ),
        pytest.param(
            owners,
            [ARCHIVE, ARCHIVE, FINANCE, ANALYTICS],
            id="central buckets are the archive's, the lost one is finance's",
        ),
        pytest.param(encryption, "aws:kms", id="a bucket is under KMS"),
        pytest.param(
            unexcepted,
            [["StringNotEquals"], ["Bool"]],
            id="the denial by VPC endpoint has no exception",
        ),
        pytest.param(retentions, [{None}, {180}], id="endless retention stands beside 180 days"),
        pytest.param(
            lambda aws: cluster(aws, FINANCE, US, "month-end-close")["ClusterStatus"],
            "paused",
            id="month-end-close is paused",
        ),
        pytest.param(inline_actions, [("s3:*", "*")], id="an inline policy allows everything"),
        pytest.param(
            lambda aws: logging(aws, ANALYTICS, US, "data-science-scratch")["LoggingEnabled"],
            False,
            id="the scratch cluster does not log",
        ),
        pytest.param(
            lambda aws: logging(aws, ANALYTICS, US, "growth-experiments")["S3Tables"]["EnabledAll"],
            True,
            id="growth-experiments publishes to S3 Tables",
        ),
        pytest.param(
            lambda aws: sorted(logging(aws, FINANCE, US, "billing-support")["LogExports"]),
            ["connectionlog", "useractivitylog"],
            id="billing-support does not export its user log",
        ),
        pytest.param(
            lambda aws: logging(aws, FINANCE, EU, "ledger-prod")["S3KeyPrefix"],
            "finance/",
            id="a prefix is told with its slash",
        ),
        pytest.param(
            serverless,
            (["connectionlog", "userlog"], "false"),
            id="the forecasting namespace records no query",
        ),
    ],
)
def test_what_is_planted_reads_back(
    planted: Sandbox, read: Callable[[Sandbox], Any], expected: Any
) -> None:
    assert expected == read(planted)


def test_a_cluster_names_a_role_that_was_deleted(planted: Sandbox) -> None:
    [role] = cluster(planted, ANALYTICS, US, "clickstream")["IamRoles"]
    name = role["IamRoleArn"].rsplit("/", 1)[-1]
    with pytest.raises(ClientError) as refused:
        planted.client("iam").get_role(RoleName=name)

    assert code_of(refused) == "NoSuchEntity"


@pytest.mark.parametrize(
    ("account", "external_id", "admitted"),
    [
        pytest.param(ANALYTICS, "", True, id="analytics by its own credentials"),
        pytest.param(ARCHIVE, "", True, id="the log archive"),
        pytest.param(FINANCE, FINANCE_EXTERNAL_ID, True, id="finance with its external id"),
        pytest.param(FINANCE, "", False, id="finance without"),
        pytest.param(FINANCE, "someone-else", False, id="finance with another one"),
    ],
)
def test_the_readers_may_be_assumed(
    planted: Sandbox, account: str, external_id: str, admitted: bool
) -> None:
    more = {"ExternalId": external_id} if external_id else {}
    request = {"RoleArn": role_arn(account, READER), "RoleSessionName": "test", **more}
    sts = planted.client("sts")
    if admitted:
        assert sts.assume_role(**request)["Credentials"]["AccessKeyId"]
        return
    with pytest.raises(ClientError) as refused:
        sts.assume_role(**request)
    assert code_of(refused) == "AccessDenied"


# ---------------------------------------------------------------- the log files


def objects(aws: Sandbox, account: str, region: str, bucket: str, prefix: str) -> list[Any]:
    pages = aws.client("s3", account=account, region=region).get_paginator("list_objects_v2")
    found: list[Any] = pages.paginate(Bucket=bucket, Prefix=prefix).build_full_result()["Contents"]
    return found


def test_a_busy_cluster_has_delivered_every_hour_for_five_weeks(planted: Sandbox) -> None:
    prefix = f"analytics/AWSLogs/{ANALYTICS}/redshift/{EU}/"
    found = objects(planted, ARCHIVE, EU, CENTRAL[EU], prefix)
    stamps: dict[str, list[datetime]] = {kind: [] for kind in LOGS}
    for one in found:
        key = parse_key(one["Key"])
        assert key is not None
        assert key.cluster == "warehouse-prod"
        assert timedelta() <= one["LastModified"] - key.stamped_at <= timedelta(minutes=10)
        stamps[key.log_type].append(key.stamped_at)

    hourly = stamps["connectionlog"]
    assert hourly == [hourly[0] + timedelta(hours=n) for n in range(35 * 24 + 1)]
    assert stamps["useractivitylog"] == hourly
    assert 10 < len(stamps["userlog"]) < 30, "the user log is written on changes only"
    assert timedelta() < datetime.now(UTC) - hourly[-1] < timedelta(hours=2)
    assert len({one["Size"] for one in found}) > 100


def test_the_stale_log_is_three_days_old_and_younger_things_lie_around_it(planted: Sandbox) -> None:
    now = datetime.now(UTC)
    bucket = CENTRAL[US]
    found = objects(planted, ARCHIVE, US, bucket, "")
    logs = [one for one in found if "_clickstream_connectionlog_" in one["Key"]]
    own = [one for one in logs if one["Key"].startswith("analytics/")]
    newest = max(one["LastModified"] for one in own)
    today = day_prefix("analytics", ANALYTICS, US, "clickstream", now.date())
    beside = [one["Key"] for one in found if one["Key"].startswith(today.removesuffix("_"))]

    assert timedelta(days=3) <= now - newest < timedelta(days=3, hours=2)
    assert len(logs) > len(own), "a fresh copy lies under another prefix"
    assert any("_clickstream-batch_" in key for key in beside) or now.hour == 0
    assert any("manifest" in key for key in beside) or now.hour == 0


def test_the_walkthrough_s_bucket_still_holds_what_is_over_a_year_old(planted: Sandbox) -> None:
    found = objects(planted, ANALYTICS, EU, WALKTHROUGH_BUCKET, "")
    ages = [datetime.now(UTC) - one["LastModified"] for one in found]

    assert max(ages) > 365 * DAY
    assert min(ages) < timedelta(hours=2)


def test_the_shared_bucket_holds_more_than_redshift_s_logs(planted: Sandbox) -> None:
    found = objects(planted, ANALYTICS, EU, SHARED_BUCKET, "")
    tops = {one["Key"].split("/")[0] for one in found}
    clusters = {key.cluster for one in found if (key := parse_key(one["Key"]))}

    assert {"AWSLogs", "athena-results", "warehouse"} == tops
    assert {"web-analytics", "web-analytics-staging"} == clusters


@given(
    before=st.datetimes(timezones=st.just(UTC)).filter(lambda time: 2 < time.year < 9_000),
    name=st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20),
    every=st.sampled_from([15, 30, 60]),
)
def test_the_last_delivery_before_any_moment_is_past_and_recent(
    before: datetime, name: str, every: int
) -> None:
    trail = Trail(ANALYTICS, EU, name, "bucket", every=every)
    period = timedelta(minutes=every)

    assert before - period - timedelta(minutes=1) < trail.delivered(before) <= before
    assert trail.newest(before) == trail.delivered(before) - DELAY
    assert trail.newest(before + period) == trail.newest(before) + period
