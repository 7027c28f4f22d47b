"""A bucket on legal hold: recognised under any name, and nothing is taken away from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controls.change import Call, Change, Cost, Document
from controls.legal_hold import buckets_of, why_on_hold
from controls.model import Ref
from tests.controls.changes import ACCOUNT, ARCHIVE, BUCKET, PLACE, REGION, call, change

CLUSTER = Ref("redshift_cluster", ACCOUNT, REGION, "c-1")
LOCATION = replace(PLACE, kind="s3_log_location", name=f"{BUCKET}/prod/")
PUT = "PutBucketLifecycleConfiguration"


def to(service: str = "redshift", operation: str = "EnableLogging", **params: Any) -> Change:
    """A change of a cluster by a call with these parameters."""
    return change(ref=CLUSTER, calls=(Call(service, operation, params, ACCOUNT, REGION),))


def said(one: Change) -> list[str]:
    return list(why_on_hold(one, {BUCKET}))


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(change(), id="the Bucket of a call"),
        pytest.param(change(calls=()), id="the resource, a bucket"),
        pytest.param(change(ref=LOCATION, calls=()), id="the resource, a place in it"),
        pytest.param(to(BucketName=BUCKET), id="the destination of logs"),
        pytest.param(to(Log={"Targets": [{"Location": BUCKET}]}), id="deep in a call"),
        pytest.param(to(Location=f"{BUCKET}/prod/"), id="bucket and prefix"),
        pytest.param(to(Location=f"s3://{BUCKET}/prod/"), id="as a URL"),
        pytest.param(to(ResourceArn=f"arn:aws:s3:::{BUCKET}"), id="as an ARN"),
        pytest.param(to(ResourceArn=f"arn:aws-cn:s3:::{BUCKET}/*"), id="as an ARN of its objects"),
        pytest.param(replace(to(), bucket_wide=BUCKET), id="said to be concerned"),
        pytest.param(replace(to(), calls=(to().calls[0], call())), id="the second of two calls"),
    ],
)
def test_a_bucket_is_recognised_however_it_is_named(one: Change) -> None:
    assert BUCKET in buckets_of(one)
    for cost in Cost:
        what = f"what {cost.value} is not done to it, whatever is agreed"
        assert said(replace(one, costs={cost: "x"})) == [
            f"bucket {BUCKET} is on legal hold: {what}"
        ]


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(to(ClusterIdentifier="c-1"), id="a cluster alone"),
        pytest.param(to(BucketName=f"{BUCKET}-2"), id="a longer name"),
        pytest.param(to(**{BUCKET: "x"}), id="a parameter of that name"),
        pytest.param(change(ref=replace(CLUSTER, name=BUCKET), calls=()), id="a cluster so called"),
    ],
)
def test_what_is_not_the_bucket_is_none_of_the_hold(one: Change) -> None:
    assert said(replace(one, costs={Cost.DESTROYS: "x"})) == []


def test_all_costs_are_named_and_every_bucket_is() -> None:
    one = replace(to(BucketName="b-2"), bucket_wide="b-1", costs=dict.fromkeys(Cost, "x"))

    assert list(why_on_hold(one, {"b-1", "b-2", "b-3"})) == [
        f"bucket {name} is on legal hold: what destroys and interrupts and weakens is not done to "
        "it, whatever is agreed"
        for name in ("b-1", "b-2")
    ]


# ---------------------------------------------------------------- without a cost


@pytest.mark.parametrize(
    ("operation", "allowed"),
    [
        ("PutPublicAccessBlock", True),
        ("PutBucketEncryption", True),
        ("PutBucketPolicy", True),
        ("DeleteBucketLifecycle", True),
        ("DeletePublicAccessBlock", False),
        ("DeleteBucketPolicy", False),
        ("DeleteObjects", False),
        ("DeleteBucketEncryption", False),
        (PUT, False),
        ("PutBucketLifecycle", False),
    ],
)
def test_what_protects_is_made_and_what_may_take_away_is_not(operation: str, allowed: bool) -> None:
    expected = f"bucket {BUCKET} is on legal hold: s3:{operation} may take something away from it"

    assert said(change(calls=(call(operation),))) == ([] if allowed else [expected])


def rule(**other: Any) -> dict[str, Any]:
    return {"ID": "ours", "Status": "Enabled", "Filter": {"Prefix": "prod/"}, **other}


def days(number: int) -> dict[str, Any]:
    return {"Expiration": {"Days": number}}


NONCURRENT = {"NoncurrentVersionExpiration": {"NoncurrentDays": 9, "NewerNoncurrentVersions": 2}}
SOONER = {"NoncurrentVersionExpiration": {"NoncurrentDays": 8, "NewerNoncurrentVersions": 2}}
LATER = {"NoncurrentVersionExpiration": {"NoncurrentDays": 10, "NewerNoncurrentVersions": 2}}
FEWER = {"NoncurrentVersionExpiration": {"NoncurrentDays": 10, "NewerNoncurrentVersions": 1}}
UNKEPT = {"NoncurrentVersionExpiration": {"NoncurrentDays": 10}}
ABORT = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
MOVE = {"Transitions": [{"Days": 30, "StorageClass": "GLACIER"}]}
DATED = {"Expiration": {"Date": "2026-01-01T00:00:00Z"}}
MARKER = {"Expiration": {"ExpiredObjectDeleteMarker": True}}


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        pytest.param([rule(**days(90))], [rule(**days(180))], True, id="longer"),
        pytest.param([rule(**days(90))], [rule(**days(90))], True, id="as long"),
        pytest.param([rule(**days(90))], [rule(**days(89))], False, id="a day shorter"),
        pytest.param([], [rule(**days(9_999))], False, id="a new rule that deletes"),
        pytest.param([], [rule(**MOVE)], True, id="a new rule that moves"),
        pytest.param([], [rule(Status="Disabled", **days(1))], True, id="a rule that is off"),
        pytest.param(
            [rule(Status="Disabled", **days(1))], [rule(**days(1))], False, id="turned on"
        ),
        pytest.param([rule(**days(9)), rule(**MOVE)], [rule(**MOVE)], True, id="a rule less"),
        pytest.param([rule(**days(9))], [], True, id="no rule any more"),
        pytest.param(
            [rule(**days(9))], [rule(Filter={"Prefix": ""}, **days(9))], False, id="widened"
        ),
        pytest.param([rule(**days(9))], [rule(Filter={}, **days(9))], False, id="for everything"),
        pytest.param(
            [{"Prefix": "prod/", "Status": "Enabled", **days(9)}],
            [rule(**days(9))],
            True,
            id="the prefix of old times as a filter",
        ),
        pytest.param(
            [rule(Filter={}, **days(9))],
            [rule(Filter={"Prefix": ""}, **days(9))],
            True,
            id="everything, said in another way",
        ),
        pytest.param(
            [rule(Filter={"And": {"Prefix": "a/", "Tags": []}}, **days(9))],
            [rule(Filter={"Prefix": "a/"}, **days(9))],
            False,
            id="without the tags it asked for",
        ),
        pytest.param([rule(**NONCURRENT)], [rule(**LATER)], True, id="versions longer"),
        pytest.param([rule(**NONCURRENT)], [rule(**SOONER)], False, id="versions shorter"),
        pytest.param([rule(**NONCURRENT)], [rule(**FEWER)], False, id="fewer versions kept"),
        pytest.param([rule(**NONCURRENT)], [rule(**UNKEPT)], False, id="no versions kept"),
        pytest.param([rule(**days(9))], [rule(**days(9), **ABORT)], False, id="uploads aborted"),
        pytest.param([rule(**days(9), **ABORT)], [rule(**ABORT)], True, id="uploads alone left"),
        pytest.param([rule(**days(9_999))], [rule(**DATED)], False, id="a day that has passed"),
        pytest.param([rule(**DATED)], [rule(**DATED)], True, id="the day it was"),
        pytest.param([rule(**days(9))], [rule(**MARKER)], False, id="markers removed"),
        pytest.param([rule(**days(9))], [rule(Sweep={"Days": 99})], False, id="a step not known"),
        pytest.param([rule(**DATED)], [rule(**days(9))], False, id="days in the place of a day"),
    ],
)
def test_a_lifecycle_may_only_delete_later(
    before: list[dict[str, Any]], after: list[dict[str, Any]], allowed: bool
) -> None:
    one = change(
        ref=LOCATION,
        calls=(call(PUT, LifecycleConfiguration={"Rules": after}),),
        documents=(Document("lifecycle", {"Rules": before}, {"Rules": after}),),
    )

    assert (said(one) == []) == allowed


@pytest.mark.parametrize(
    "documents",
    [
        pytest.param((), id="without a word of what was there"),
        pytest.param(
            (Document("lifecycle", {"Rules": [rule(**days(9))]}, {"Rules": []}),),
            id="of another configuration",
        ),
        pytest.param((Document("lifecycle", None, {"Rules": [rule(**days(9))]}),), id="of none"),
    ],
)
def test_a_lifecycle_whose_past_is_not_shown_is_not_made(documents: tuple[Document, ...]) -> None:
    after = {"Rules": [rule(**days(9))]}
    one = change(calls=(call(PUT, LifecycleConfiguration=after),), documents=documents)

    assert said(one)


@pytest.mark.parametrize("configuration", [{}, {"Rules": None}, {"Rules": "all"}])
def test_a_lifecycle_that_cannot_be_read_is_not_made(configuration: dict[str, Any]) -> None:
    one = change(
        calls=(call(PUT, LifecycleConfiguration=configuration),),
        documents=(Document("lifecycle", {"Rules": []}, configuration),),
    )

    assert said(one)


def test_no_hold_no_reason() -> None:
    worst = change(calls=(call("DeleteObjects"),), costs=dict.fromkeys(Cost, "x"))

    assert list(why_on_hold(worst, ())) == []
    assert list(why_on_hold(worst, {"another", ARCHIVE})) == []
