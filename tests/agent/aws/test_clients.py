"""Clients: a bounded number, closed when nobody uses them, cheap until the first is made."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.aws.access import AccountAccess, partition_of, region_for
from agent.aws.clients import Clients, read_timestamp
from agent.aws.settings import AwsSettings
from tests.agent.aws.conftest import BASE, Open
from tests.agent.aws.fake_wire import Reply, Seen, identity, logging_status

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
REGIONS = ["eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "eu-south-1", "eu-central-1"]
HAND = frozenset({"redshift:DescribeLoggingStatus"})


def clients_of(limit: int) -> Clients:
    return Clients(AwsSettings(clients=limit), HAND)


def test_nothing_but_a_door_that_is_opened_imports_botocore() -> None:
    program = (
        "import sys; import agent.aws, agent.aws.door, agent.aws.errors, agent.aws.limits, "
        "agent.aws.hands, agent.aws.trace, agent.aws.sweep, agent.aws.settings; "
        "assert not {'boto3', 'botocore'} & set(sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_no_more_clients_are_kept_than_allowed() -> None:
    clients = clients_of(3)
    session = clients.session(None)
    for region in REGIONS:
        with clients.lease(("a", region, "redshift"), session):
            pass

    assert len(clients) == 3


def test_the_client_used_longest_ago_goes_first() -> None:
    clients = clients_of(2)
    session = clients.session(None)
    made = []
    for region in ("eu-west-1", "eu-west-2", "eu-west-1", "eu-west-3", "eu-west-1"):
        with clients.lease(("a", region, "redshift"), session) as client:
            made.append(client)

    assert made[0] is made[2] is made[4]


def test_a_client_in_use_is_closed_only_when_it_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clients = clients_of(1)
    session = clients.session(None)
    closed = []
    with clients.lease(("a", "eu-west-1", "redshift"), session) as client:
        monkeypatch.setattr(client, "close", lambda: closed.append("first"))
        with clients.lease(("a", "eu-west-2", "redshift"), session):
            during = list(closed)

    assert (during, closed) == ([], ["first"])


def test_a_key_asked_by_many_threads_at_once_has_one_client() -> None:
    clients = clients_of(8)
    session = clients.session(None)
    barrier = threading.Barrier(16)

    def take(_: int) -> int:
        barrier.wait(10)
        with clients.lease(("a", "eu-west-1", "redshift"), session) as client:
            return id(client)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(take, range(16)))) == 1


def test_calls_under_way_finish_though_their_clients_are_evicted(open_aws: Open) -> None:
    def answer(seen: Seen) -> Reply:
        return identity(seen) or Reply(logging_status(seen.region).body, hang=0.2)

    aws, _ = open_aws(answer, clients=2)
    sweep = aws.sweep(NOW, [AccountAccess(BASE)])

    def ask(region: str) -> str:
        reader = sweep.reader(BASE, region)
        answer = reader.call("redshift", "DescribeLoggingStatus", ClusterIdentifier="c")
        return str(answer["BucketName"])

    with ThreadPoolExecutor(len(REGIONS)) as pool:
        assert list(pool.map(ask, REGIONS)) == REGIONS


def test_an_account_id_or_a_bucket_is_not_put_before_an_address(open_aws: Open) -> None:
    blocked = (
        "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>"
        "</PublicAccessBlockConfiguration>"
    )
    aws, wire = open_aws(lambda seen: identity(seen) or Reply(blocked))
    reader = aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1")
    reader.call("s3control", "GetPublicAccessBlock", AccountId=BASE)
    reader.call("s3", "GetPublicAccessBlock", Bucket="logs")

    hosts = {one.headers["Host"] for one in wire.seen}
    assert {wire.url.removeprefix("http://")} == hosts
    assert wire.seen[-1].path == "/logs"


def test_requests_carry_our_name_and_are_sent_once(open_aws: Open) -> None:
    aws, wire = open_aws(lambda seen: identity(seen) or logging_status("b"), version="9.8.7")
    aws.identify()

    assert wire.seen[0].headers["User-Agent"].endswith("trailkeeper/9.8.7")
    assert "max=1" in wire.seen[0].headers["amz-sdk-request"]


@given(st.integers(100_000, 4_000_000_000))
def test_timestamps_are_read_as_botocore_reads_them(seconds: int) -> None:
    whole = datetime.fromtimestamp(seconds, UTC)

    assert [whole, whole, whole, whole] == [
        read_timestamp(whole.isoformat()),
        read_timestamp(whole.strftime("%Y-%m-%dT%H:%M:%SZ")),
        read_timestamp(whole.timestamp()),
        read_timestamp(whole.strftime("%Y-%m-%dT%H:%M:%S")),
    ]


def test_a_time_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="soon"):
        read_timestamp("soon")


@pytest.mark.parametrize(
    ("service", "region", "partition", "where"),
    [
        ("redshift", "eu-west-1", "aws", "eu-west-1"),
        ("iam", "eu-west-1", "aws", "us-east-1"),
        ("iam", "global", "aws", "us-east-1"),
        ("iam", "cn-northwest-1", "aws-cn", "cn-north-1"),
        ("organizations", "us-gov-east-1", "aws-us-gov", "us-gov-west-1"),
        ("iam", "us-iso-west-1", "aws-iso", "us-iso-west-1"),
        ("sts", "global", "aws", "us-east-1"),
    ],
)
def test_a_global_service_is_asked_in_one_place(
    service: str, region: str, partition: str, where: str
) -> None:
    assert region_for(service, region, partition) == where


@pytest.mark.parametrize(
    ("region", "role", "partition"),
    [
        ("eu-west-1", None, "aws"),
        ("cn-north-1", None, "aws-cn"),
        ("us-gov-west-1", None, "aws-us-gov"),
        ("us-isob-east-1", None, "aws-iso-b"),
        ("us-iso-east-1", None, "aws-iso"),
        ("eusc-de-east-1", None, "aws-eusc"),
        ("global", "arn:aws-cn:iam::111111111111:role/audit", "aws-cn"),
    ],
)
def test_the_partition_is_told_by_role_or_region(
    region: str, role: str | None, partition: str
) -> None:
    assert partition_of(region, role) == partition


def test_the_partition_of_the_global_region_is_that_of_the_accounts_own() -> None:
    access = AccountAccess(BASE, region="cn-north-1")

    assert (access.partition("global"), access.partition("eu-west-1")) == ("aws-cn", "aws")
