"""Policies that the fixes of a log bucket leave alone, and why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controls.change import Change, Fix, Held, Right
from controls.fixes.bucket_policy import FIXES, tls_statement
from controls.fixes.policy_text import read_policy
from controls.model import AwsError, CannotTellError
from tests.controls.fixes.bucket_world import ARN, BUCKET, Bucket
from tests.controls.fixes.policy_cases import (
    ADMIT,
    OTHER_ACCOUNT,
    READER,
    TLS,
    ours,
)
from tests.controls.semantics.delivery_cases import allow, deny, only_if, policy
from tests.fakes import ACCOUNT, ARCHIVE, denied, failing

HELD = [
    pytest.param(Bucket(policy="{"), "not valid JSON", id="no JSON"),
    pytest.param(Bucket(policy='{"Statement": [], "Statement": []}'), "twice", id="a key twice"),
    pytest.param(Bucket(policy='{"Statement": [], "X": 1}'), "unknown element", id="no element"),
    pytest.param(
        Bucket(policy=policy(READER).replace('"Allow"', '"Allow","Condition":{"A":{"b":1.20}}')),
        "1.20",
        id="a number that Python writes otherwise",
    ),
    pytest.param(
        Bucket(policy=policy(READER).replace('"Allow"', '"Allow","Condition":{"A":{"b":-0}}')),
        "-0",
        id="a minus that would be lost",
    ),
    pytest.param(
        Bucket(policy=policy(READER).replace('"Allow"', '"Allow","Condition":{"A":{"b":1e999}}')),
        "1e999",
        id="a number beyond all numbers",
    ),
    pytest.param(
        Bucket(policy=policy(READER).replace('"Allow"', '"Allow","Condition":{"A":{"b":NaN}}')),
        "NaN",
        id="no number",
    ),
    pytest.param(
        Bucket(policy=policy({**READER, "Resource": "x\ud800"})),
        "half a character",
        id="half a character",
    ),
    pytest.param(
        Bucket(policy=policy({**READER, "Principal": {"AWS": "AROA27HJSWAHEPTTLIWSO"}})),
        "statement Readers of the policy of bucket trail names AROA27HJSWAHEPTTLIWSO",
        id="a deleted role, which S3 would refuse",
    ),
    pytest.param(
        Bucket(
            policy=policy(READER), refused={"s3:GetBucketTagging": denied("s3:GetBucketTagging")}
        ),
        "CloudFormation or Terraform",
        id="tags that may not be read",
    ),
    pytest.param(
        Bucket(refused={"s3:GetBucketPolicy": failing("NoSuchBucket")}),
        "does not exist",
        id="no bucket",
    ),
    pytest.param(
        Bucket(policy=policy(READER), public=True, block={"BlockPublicPolicy": True}),
        "BlockPublicPolicy",
        id="a public policy that S3 would not take again",
    ),
    pytest.param(
        Bucket(policy=policy(READER), public=True, account_block={"BlockPublicPolicy": True}),
        "BlockPublicPolicy",
        id="the same by the account's block",
    ),
    pytest.param(
        Bucket(policy=policy(READER), public=None), "does not say", id="a policy of unknown status"
    ),
]


@pytest.mark.parametrize("fix", FIXES, ids=["deliver", "tls"])
@pytest.mark.parametrize(("bucket", "words"), HELD)
def test_held(bucket: Bucket, words: str, fix: Fix) -> None:
    planned = bucket.plan(fix, "prod" if fix is ADMIT else BUCKET)

    assert isinstance(planned, Held), planned
    assert words in planned.why


@pytest.mark.parametrize(
    ("bucket", "words"),
    [
        pytest.param(
            Bucket(policy=policy(deny())),
            "statement Fence of the policy of bucket trail denies",
            id="a Deny of somebody else would still refuse",
        ),
        pytest.param(
            Bucket(policy=policy(deny(**only_if("StringNotEquals", "aws:SourceVpce", "vpce-1")))),
            "forgot the exception for AWS services",
            id="a fence around a network",
        ),
        pytest.param(
            Bucket(policy=policy(deny(**only_if("IpAddress", "aws:SourceIp", "10.0.0.0/8")))),
            "aws:SourceIp",
            id="a Deny of which nobody can tell",
        ),
        pytest.param(
            Bucket(policy=policy(ours("logs/", Resource=[ARN, f"{ARN}/*"], Action="s3:Put*"))),
            "bears our Sid",
            id="our Sid on what is not ours",
        ),
        pytest.param(
            Bucket(policy=policy(ours("a/"), ours("b/"))), "have the Sid", id="our Sid twice"
        ),
        pytest.param(
            Bucket(partition="aws-cn", region="cn-north-1"), "aws-cn is not known", id="China"
        ),
        pytest.param(Bucket(prefix="a*/"), "plain prefix", id="a pattern"),
        pytest.param(Bucket(prefix="a${b}/"), "plain prefix", id="a variable"),
        pytest.param(Bucket(prefix="é/"), "plain prefix", id="a letter from elsewhere"),
        pytest.param(
            Bucket(logging={"LogDestinationType": "pigeon"}), "not known here", id="a pigeon"
        ),
    ],
)
def test_delivery_is_held(bucket: Bucket, words: str) -> None:
    planned = bucket.plan(ADMIT, "prod")

    assert isinstance(planned, Held), planned
    assert words in planned.why


WIDER = [
    {"Resource": [ARN, f"{ARN}/*"]},
    {"Resource": [f"{ARN}/a/AWSLogs/{ACCOUNT}/*"]},
    {"Resource": [ARN, f"{ARN}/a*/AWSLogs/{ACCOUNT}/*"]},
    {"Resource": [ARN, f"{ARN}/aAWSLogs/{ACCOUNT}/*"]},
    {"Resource": [ARN, f"{ARN}/a/AWSLogs/{OTHER_ACCOUNT}/*"]},
    {"Resource": [ARN, f"{ARN}x/a/AWSLogs/{ACCOUNT}/*"]},
    {"Action": ["s3:GetBucketAcl", "s3:PutObject", "s3:GetObject"]},
    {"Principal": {"Service": ["redshift.amazonaws.com", "s3.amazonaws.com"]}},
    {"Principal": {"Service": "redshift.amazonaws.com", "AWS": ARCHIVE}},
    {"Principal": {"AWS": ARCHIVE}},
    {"Effect": "Deny"},
    {"Condition": {"StringEquals": {"aws:SourceAccount": OTHER_ACCOUNT}}},
]


@pytest.mark.parametrize("elements", WIDER, ids=[json.dumps(one)[:60] for one in WIDER])
def test_a_statement_with_our_sid_that_we_did_not_write_so_is_never_replaced(
    elements: dict[str, Any],
) -> None:
    found = ours("a/", **elements)
    bucket = Bucket(policy=policy(found), prefix="new/")
    planned = bucket.plan(ADMIT, "prod")

    assert not isinstance(planned, Change)
    assert isinstance(planned, Right) or "bears our Sid" in planned.why


def test_a_tls_statement_with_our_sid_of_another_shape_is_never_replaced() -> None:
    narrow = {**tls_statement(BUCKET, "aws"), "Action": "s3:GetObject"}

    planned = Bucket(policy=policy(narrow)).plan(TLS)

    assert isinstance(planned, Held)
    assert "bears our Sid" in planned.why


@pytest.mark.parametrize(
    "operation",
    ["s3:GetBucketPolicy", "s3:GetBucketPolicyStatus", "redshift:DescribeLoggingStatus"],
)
def test_what_may_not_be_read_is_an_error_and_no_plan(operation: str) -> None:
    bucket = Bucket(policy=policy(READER), refused={operation: denied(operation)})

    with pytest.raises(AwsError):
        bucket.plan(ADMIT, "prod")


def test_tags_that_time_out_are_an_error_that_is_tried_again() -> None:
    bucket = Bucket(refused={"s3:GetBucketTagging": failing("Timeout")})

    with pytest.raises(AwsError):
        bucket.plan(TLS)


UNKNOWN = [
    pytest.param(ADMIT, policy(allow(Principal={"AWS": "*"})), "is not sure", id="delivery"),
    pytest.param(
        TLS,
        policy(deny(Condition={"MadeUp": {"aws:SecureTransport": "false"}})),
        "MadeUp is not modelled",
        id="tls",
    ),
]


@pytest.mark.parametrize(("fix", "text", "words"), UNKNOWN)
def test_where_nobody_can_tell_nothing_is_done_even_if_ours_would_settle_it(
    fix: Fix, text: str, words: str
) -> None:
    planned = Bucket(policy=text).plan(fix, "prod" if fix is ADMIT else BUCKET)

    assert isinstance(planned, Held), planned
    assert words in planned.why


def test_a_policy_with_a_key_twice_is_never_read_as_one_of_them() -> None:
    with pytest.raises(CannotTellError):
        read_policy('{"Statement": [], "Id": "a", "Id": "b"}')


def test_a_bucket_of_nobody_is_not_touched() -> None:
    with pytest.raises(CannotTellError):
        Bucket(logging={"BucketName": "theirs"}).plan(ADMIT, "prod")


def test_a_public_policy_may_be_changed_where_nothing_blocks_it() -> None:
    assert isinstance(Bucket(policy=policy(READER), public=True).plan(TLS), Change)
