"""Whose bucket is it, and with whose credentials is it read?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.aws.access import AccountAccess
from agent.aws.reader import SweepReader
from agent.aws.sweep import Sweep
from controls.kinds.kind import LogBucket
from controls.model import CannotTellError
from tests.agent.aws.conftest import Open
from tests.agent.aws.fake_wire import (
    Answer,
    Reply,
    Seen,
    Wire,
    account_of,
    buckets,
    identity,
    s3_error,
    versioning,
)

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
WRITER, ARCHIVE, THIRD = "111111111111", "222222222222", "333333333333"
EXPECTED = "x-amz-expected-bucket-owner"


def estate(denied: tuple[str, ...] = ()) -> Answer:
    """The archive owns `logs` in Frankfurt; the writer owns `own`."""

    def answer(seen: Seen) -> Reply:
        account = account_of(seen.key)
        if seen.operation == "ListBuckets":
            if account in denied:
                return s3_error("AccessDenied", 403)
            return {ARCHIVE: buckets(logs="eu-central-1"), WRITER: buckets(own="eu-west-1")}.get(
                account, buckets()
            )
        return identity(seen) or versioning()

    return answer


def sweep_of(
    open_aws: Open, *log_buckets: LogBucket, denied: tuple[str, ...] = ()
) -> tuple[Sweep, Wire]:
    aws, wire = open_aws(estate(denied))
    ways = [
        AccountAccess(one, role_arn=f"arn:aws:iam::{one}:role/audit")
        for one in (WRITER, ARCHIVE, THIRD)
    ]
    return aws.sweep(NOW, ways, log_buckets), wire


def writer_of(sweep: Sweep) -> SweepReader:
    return sweep.reader(WRITER, "eu-west-1")


def test_a_bucket_is_read_by_its_owner_in_its_own_region(open_aws: Open) -> None:
    sweep, wire = sweep_of(open_aws)
    owner = writer_of(sweep).of_bucket("logs")
    owner.call("s3", "GetBucketVersioning", Bucket="logs")

    (asked,) = [one for one in wire.seen if one.operation == "GetBucketVersioning"]
    assert (owner.account, owner.region) == (ARCHIVE, "eu-central-1")
    assert (account_of(asked.key), asked.region) == (ARCHIVE, "eu-central-1")
    assert asked.headers[EXPECTED] == ARCHIVE


def test_the_owner_is_expected_only_where_it_is_known(open_aws: Open) -> None:
    sweep, wire = sweep_of(open_aws)
    writer = writer_of(sweep)
    writer.call("s3", "GetBucketVersioning", Bucket="own")
    writer.of_bucket("own").call("s3", "GetBucketVersioning", Bucket="own")

    sent = [one.headers.get(EXPECTED) for one in wire.seen if "versioning" in one.params]
    listings = [one.headers.get(EXPECTED) for one in wire.seen if one.operation == "ListBuckets"]
    assert sent == [None, WRITER]
    assert {None} == set(listings)


def test_each_account_lists_its_buckets_once_for_all(open_aws: Open) -> None:
    sweep, wire = sweep_of(open_aws)
    for region in ("eu-west-1", "eu-central-1"):
        for bucket in ("logs", "own"):
            sweep.reader(WRITER, region).of_bucket(bucket)

    lists = [account_of(one.key) for one in wire.seen if one.operation == "ListBuckets"]
    assert lists == [WRITER, ARCHIVE]


def test_a_configured_owner_is_believed_without_a_listing(open_aws: Open) -> None:
    named = LogBucket("logs", ARCHIVE, "eu-south-1")
    sweep, wire = sweep_of(open_aws, named, denied=(WRITER, ARCHIVE, THIRD))
    owner = writer_of(sweep).of_bucket("logs")

    assert (owner.account, owner.region, owner.owner) == (ARCHIVE, "eu-south-1", ARCHIVE)
    assert wire.seen == []


def test_a_listing_that_is_denied_elsewhere_does_not_hide_what_is_found(open_aws: Open) -> None:
    sweep, _ = sweep_of(open_aws, denied=(WRITER, THIRD))

    assert writer_of(sweep).of_bucket("logs").account == ARCHIVE


@pytest.mark.parametrize(
    ("bucket", "named", "denied", "said"),
    [
        pytest.param(
            "gone",
            (),
            (),
            ["bucket gone belongs to no account among the targets", "log_buckets"],
            id="nobody's",
        ),
        pytest.param(
            "logs",
            (),
            (ARCHIVE,),
            [ARCHIVE, "s3:ListAllMyBuckets", "name the bucket under log_buckets"],
            id="not all may be listed",
        ),
        pytest.param(
            "logs",
            (LogBucket("logs", "444444444444", "eu-west-1"),),
            (),
            ["add account 444444444444 as a target"],
            id="configured owner is no target",
        ),
    ],
)
def test_an_owner_that_cannot_be_told_says_what_to_do(
    open_aws: Open,
    bucket: str,
    named: tuple[LogBucket, ...],
    denied: tuple[str, ...],
    said: list[str],
) -> None:
    sweep, _ = sweep_of(open_aws, *named, denied=denied)

    with pytest.raises(CannotTellError) as caught:
        writer_of(sweep).of_bucket(bucket)

    assert [part for part in said if part not in str(caught.value)] == []


def test_an_account_that_is_no_target_has_no_reader(open_aws: Open) -> None:
    sweep, _ = sweep_of(open_aws)

    with pytest.raises(CannotTellError, match="999999999999"):
        sweep.reader("999999999999", "eu-west-1")


def test_two_ways_into_one_account_are_refused(open_aws: Open) -> None:
    aws, _ = open_aws(estate())

    with pytest.raises(ValueError, match="named twice"):
        aws.sweep(NOW, [AccountAccess(WRITER), AccountAccess(WRITER, profile="other")])
