"""What stands around the clusters in the sandbox: roles, sessions, regions, log groups, metrics."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.sandbox_server import OTHER_ACCOUNT, REGION, Sandbox, code_of

ACCOUNT = "111122223333"
STRANGER = "777788889999"
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


# ---------------------------------------------------------------- STS


def assume(sandbox: Sandbox, arn: str, *, caller: str = ACCOUNT, **asked: Any) -> Any:
    return sandbox.client("sts", account=caller).assume_role(
        RoleArn=arn, RoleSessionName="test", **asked
    )["Credentials"]


def session(sandbox: Sandbox, keys: Any, service: str) -> Any:
    """A client that acts by the role that the keys are of."""
    return botocore.session.Session().create_client(
        service,
        region_name=REGION,
        endpoint_url=sandbox.endpoint,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def reader(account: str) -> str:
    return f"arn:aws:iam::{account}:role/TrailkeeperObserver"


def test_a_session_acts_in_the_account_of_its_role(sandbox: Sandbox) -> None:
    sandbox.plant(
        [
            {"do": "account", "account": OTHER_ACCOUNT},
            {"do": "cluster", "account": OTHER_ACCOUNT, "region": REGION, "identifier": "theirs"},
        ]
    )
    keys = assume(sandbox, reader(OTHER_ACCOUNT))

    who = session(sandbox, keys, "sts").get_caller_identity()
    [cluster] = session(sandbox, keys, "redshift").describe_clusters()["Clusters"]

    assert who["Account"] == OTHER_ACCOUNT
    assert f"arn:aws:sts::{OTHER_ACCOUNT}:assumed-role/TrailkeeperObserver/test" == who["Arn"]
    assert cluster["ClusterIdentifier"] == "theirs"


def test_a_role_that_only_reads_is_refused_whatever_changes_anything(sandbox: Sandbox) -> None:
    sandbox.plant(
        [
            {"do": "account", "account": ACCOUNT, "reads_only": True},
            {"do": "account", "account": ACCOUNT, "reader": "Fixer"},
            {"do": "log_group", "account": ACCOUNT, "region": REGION, "name": "audit"},
        ]
    )
    reads, writes = (
        session(sandbox, assume(sandbox, f"arn:aws:iam::{ACCOUNT}:role/{name}"), "logs")
        for name in ("TrailkeeperObserver", "Fixer")
    )

    assert reads.describe_log_groups()["logGroups"][0]["logGroupName"] == "audit"
    with pytest.raises(ClientError) as refused:
        reads.put_retention_policy(logGroupName="audit", retentionInDays=180)
    assert code_of(refused) == "AccessDeniedException"
    writes.put_retention_policy(logGroupName="audit", retentionInDays=180)
    assert reads.describe_log_groups()["logGroups"][0]["retentionInDays"] == 180


def test_base_credentials_belong_to_the_default_account(sandbox: Sandbox) -> None:
    who = sandbox.client("sts").get_caller_identity()

    assert (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/sandbox") == (who["Account"], who["Arn"])


@pytest.mark.parametrize(
    ("planted", "asked"),
    [
        pytest.param([], {}, id="no such role"),
        pytest.param(
            [{"do": "account", "account": OTHER_ACCOUNT, "trusted": [STRANGER]}],
            {},
            id="trusts another account",
        ),
        pytest.param(
            [{"do": "account", "account": OTHER_ACCOUNT, "external_id": "s3cret"}],
            {},
            id="without the external id",
        ),
        pytest.param(
            [{"do": "account", "account": OTHER_ACCOUNT, "external_id": "s3cret"}],
            {"ExternalId": "wrong"},
            id="with a wrong external id",
        ),
        pytest.param(
            [{"do": "role", "account": OTHER_ACCOUNT, "name": "TrailkeeperObserver"}],
            {},
            id="trusts Redshift only",
        ),
    ],
)
def test_roles_that_cannot_be_assumed(
    sandbox: Sandbox, planted: list[dict[str, Any]], asked: dict[str, str]
) -> None:
    sandbox.plant(planted)

    with pytest.raises(ClientError) as refused:
        assume(sandbox, reader(OTHER_ACCOUNT), **asked)

    assert code_of(refused) == "AccessDenied"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_the_right_external_id_opens(sandbox: Sandbox) -> None:
    sandbox.plant([{"do": "account", "account": OTHER_ACCOUNT, "external_id": "s3cret"}])

    assert assume(sandbox, reader(OTHER_ACCOUNT), ExternalId="s3cret")["SessionToken"]


# ---------------------------------------------------------------- regions


def test_the_usual_regions_are_enabled(sandbox: Sandbox) -> None:
    listed = sandbox.client("ec2").describe_regions()["Regions"]
    everything = sandbox.client("ec2").describe_regions(AllRegions=True)["Regions"]

    assert 17 == len(listed) < len(everything)
    assert {"opt-in-not-required"} == {region["OptInStatus"] for region in listed}
    assert "not-opted-in" in {region["OptInStatus"] for region in everything}
    assert not [r for r in everything if r["RegionName"].startswith(("cn-", "us-gov-"))]


def test_enabled_regions_are_what_the_account_has(sandbox: Sandbox) -> None:
    chosen = ["eu-west-1", "eu-south-1", "us-east-1"]
    sandbox.plant([{"do": "enabled_regions", "account": ACCOUNT, "regions": chosen}])

    by_ec2 = sandbox.client("ec2").describe_regions()["Regions"]
    by_account = sandbox.client("account").list_regions(
        RegionOptStatusContains=["ENABLED", "ENABLED_BY_DEFAULT"]
    )["Regions"]

    assert sorted(chosen) == sorted(region["RegionName"] for region in by_ec2)
    assert "eu-south-1" in {region["RegionName"] for region in by_account}


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        pytest.param("redshift", "describe_clusters", "InvalidClientTokenId", id="query"),
        pytest.param("logs", "describe_log_groups", "UnrecognizedClientException", id="json"),
        pytest.param("ec2", "describe_regions", "AuthFailure", id="ec2"),
    ],
)
def test_a_region_that_is_not_enabled_knows_nobody(
    sandbox: Sandbox, service: str, operation: str, code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(sandbox.client(service, region="eu-south-1"), operation)()

    assert code == code_of(refused)


# ---------------------------------------------------------------- IAM


def test_a_role_with_everything(sandbox: Sandbox) -> None:
    document = {"Version": "2012-10-17", "Statement": []}
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/edge"
    own = f"arn:aws:iam::{ACCOUNT}:policy/team/own"
    sandbox.plant(
        [
            {
                "do": "managed_policy",
                "account": ACCOUNT,
                "name": "own",
                "path": "/team/",
                "document": document,
            },
            {
                "do": "role",
                "account": ACCOUNT,
                "name": "load",
                "path": "/service-role/",
                "managed": ["AmazonS3FullAccess", own],
                "inline": {"extra": document},
                "boundary": boundary,
            },
        ]
    )
    iam = sandbox.client("iam", region="us-east-1")

    role = iam.get_role(RoleName="load")["Role"]
    attached = iam.list_attached_role_policies(RoleName="load")["AttachedPolicies"]
    inline = iam.get_role_policy(RoleName="load", PolicyName="extra")

    assert f"arn:aws:iam::{ACCOUNT}:role/service-role/load" == role["Arn"]
    assert boundary == role["PermissionsBoundary"]["PermissionsBoundaryArn"]
    assert {"arn:aws:iam::aws:policy/AmazonS3FullAccess", own} == {
        policy["PolicyArn"] for policy in attached
    }
    assert document == inline["PolicyDocument"]


@pytest.mark.parametrize(
    "name", ["AmazonRedshiftAllCommandsFullAccess", "AmazonS3FullAccess", "AmazonS3ReadOnlyAccess"]
)
def test_aws_managed_policies_say_what_aws_says(sandbox: Sandbox, name: str) -> None:
    arn = f"arn:aws:iam::aws:policy/{name}"
    iam = sandbox.client("iam", region="us-east-1")

    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])

    assert "s3:" in json.dumps(version["PolicyVersion"]["Document"])


def test_a_policy_planted_again_has_a_new_default_version(sandbox: Sandbox) -> None:
    policy = {"do": "managed_policy", "account": ACCOUNT, "name": "own"}
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    later = {"Version": "2012-10-17", "Statement": [statement]}
    sandbox.plant([{**policy, "document": {"Version": "2012-10-17", "Statement": []}}])
    sandbox.plant([{**policy, "document": later}])
    iam = sandbox.client("iam", region="us-east-1")
    arn = f"arn:aws:iam::{ACCOUNT}:policy/own"

    default = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=default)["PolicyVersion"]

    assert ("v2", later) == (default, version["Document"])


# ---------------------------------------------------------------- logs and metrics


def log_group(name: str, **settings: Any) -> dict[str, Any]:
    return {"do": "log_group", "account": ACCOUNT, "region": REGION, "name": name, **settings}


def test_log_groups_show_retention_key_and_class(sandbox: Sandbox) -> None:
    sandbox.plant([log_group("/a/kept", retention=180, kms_key="arn:k"), log_group("/a/endless")])

    endless, kept = sandbox.client("logs").describe_log_groups(logGroupNamePrefix="/a/")[
        "logGroups"
    ]

    assert (
        kept["retentionInDays"],
        kept["kmsKeyId"],
        kept["logGroupClass"],
    ) == (180, "arn:k", "STANDARD")
    assert not {"retentionInDays", "kmsKeyId"} & set(endless)


def test_only_some_retentions_exist(sandbox: Sandbox) -> None:
    sandbox.plant([log_group("/a")])
    logs = sandbox.client("logs")

    logs.put_retention_policy(logGroupName="/a", retentionInDays=180)
    with pytest.raises(ClientError) as refused:
        logs.put_retention_policy(logGroupName="/a", retentionInDays=183)

    assert code_of(refused) == "InvalidParameterException"
    [group] = logs.describe_log_groups()["logGroups"]
    assert group["retentionInDays"] == 180


def test_a_key_can_be_associated_and_taken_away(sandbox: Sandbox) -> None:
    sandbox.plant([log_group("/a")])
    logs = sandbox.client("logs")

    logs.associate_kms_key(logGroupName="/a", kmsKeyId="arn:aws:kms:eu-west-1:1:key/k")
    [with_key] = logs.describe_log_groups()["logGroups"]
    logs.disassociate_kms_key(logGroupName="/a")
    [without] = logs.describe_log_groups()["logGroups"]

    assert with_key["kmsKeyId"] == "arn:aws:kms:eu-west-1:1:key/k"
    assert "kmsKeyId" not in without


def test_the_newest_stream_comes_first_when_asked_so(sandbox: Sandbox) -> None:
    old, new = NOW - timedelta(days=1), NOW
    sandbox.plant([log_group("/a", streams={"z-old": old, "a-new": new, "empty": None})])

    [newest] = sandbox.client("logs").describe_log_streams(
        logGroupName="/a", orderBy="LastEventTime", descending=True, limit=1
    )["logStreams"]

    assert ("a-new", int(new.timestamp() * 1000)) == (
        newest["logStreamName"],
        newest["lastEventTimestamp"],
    )


def test_connections_are_counted(sandbox: Sandbox) -> None:
    sandbox.plant(
        [
            {
                "do": "metric",
                "account": ACCOUNT,
                "region": REGION,
                "cluster": "prod",
                "start": NOW - timedelta(hours=1),
                "end": NOW,
                "value": 3,
            }
        ]
    )
    watch = sandbox.client("cloudwatch")

    def points(cluster: str) -> list[Any]:
        found: list[Any] = watch.get_metric_statistics(
            Namespace="AWS/Redshift",
            MetricName="DatabaseConnections",
            Dimensions=[{"Name": "ClusterIdentifier", "Value": cluster}],
            StartTime=NOW - timedelta(hours=1),
            EndTime=NOW + timedelta(minutes=5),
            Period=3600,
            Statistics=["Maximum", "SampleCount"],
        )["Datapoints"]
        return found

    assert sorted({point["Maximum"] for point in points("prod")}) == [3.0]
    assert points("other") == []
