"""What is written into a log bucket's policy, and that all else in it stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controls.change import Change, Cost, Destination, Fix, Held, Right
from controls.fixes.bucket_policy import FIXES, tls_statement
from tests.controls.fixes.bucket_world import ARN, BUCKET, Bucket, changed
from tests.controls.fixes.policy_cases import (
    ADMIT,
    DELIVERY_SID,
    OTHER_ACCOUNT,
    READER,
    TLS,
    listed,
    ours,
)
from tests.controls.semantics.delivery_cases import allow, deny, only_if, policy
from tests.fakes import ACCOUNT


def after(bucket: Bucket, fix: Fix) -> list[dict[str, Any]]:
    """The statements once the change is made."""
    bucket.make(changed(bucket.plan(fix, "prod" if fix is ADMIT else BUCKET)).calls)
    return listed(bucket.policy)


# ---------------------------------------------------------------- what is written


def test_a_bucket_without_policy_gets_one_that_is_narrow() -> None:
    bucket = Bucket(tags={"team": "data"})

    change = changed(bucket.plan(ADMIT, "prod"))
    bucket.make(change.calls)

    assert bucket.policy is not None
    assert json.loads(bucket.policy) == {"Version": "2012-10-17", "Statement": [ours("logs/")]}
    (document,) = change.documents
    assert (document.before, document.after) == (None, json.loads(bucket.policy))
    assert (change.costs, change.bucket_wide, change.tags) == ({}, "", {"team": "data"})
    assert [call.name for call in change.undo] == ["s3:DeleteBucketPolicy"]
    bucket.make(change.undo)
    assert bucket.policy is None


def test_tls_only_is_the_documented_deny_and_says_whom_it_shuts_out() -> None:
    bucket = Bucket(policy=policy(READER))

    change = changed(bucket.plan(TLS))
    bucket.make(change.calls)

    assert listed(bucket.policy) == [READER, tls_statement(BUCKET, "aws")]
    assert set(change.costs) == {Cost.INTERRUPTS}
    assert "plain HTTP is refused" in change.costs[Cost.INTERRUPTS]
    assert change.bucket_wide == BUCKET


@pytest.mark.parametrize("fix", FIXES, ids=["deliver", "tls"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps({"Statement": READER}), id="one statement that is no list"),
        pytest.param(
            json.dumps({"Version": "2008-10-17", "Id": "x", "Statement": [READER]}, indent=3),
            id="the old version with an Id, and blanks",
        ),
        pytest.param(json.dumps({"Statement": []}), id="no statement and no version"),
        pytest.param(
            policy(READER, deny(**only_if("NumericLessThan", "s3:TlsVersion", 1.2))),
            id="a number as a number",
        ),
        pytest.param(
            policy({**READER, "Resource": f"{ARN}/naïve ☃/*"}), id="letters from elsewhere"
        ),
    ],
)
def test_what_is_not_ours_stays_and_undo_puts_back_the_very_text(fix: Fix, text: str) -> None:
    bucket = Bucket(policy=text)
    before = json.loads(text)

    change = changed(bucket.plan(fix, "prod" if fix is ADMIT else BUCKET))
    bucket.make(change.calls)
    made = json.loads(bucket.policy or "")

    assert made["Statement"][:-1] == listed(text)
    assert {**made, "Statement": 0} == {**before, "Statement": 0}
    assert change.documents[0].before == before
    bucket.make(change.undo)
    assert bucket.policy == text


@pytest.mark.parametrize(
    ("partition", "region", "principal", "sid"),
    [
        ("aws", "eu-west-1", "redshift.amazonaws.com", DELIVERY_SID),
        ("aws", "me-south-1", "redshift.me-south-1.amazonaws.com", f"{DELIVERY_SID}mesouth1"),
        ("aws-us-gov", "us-gov-west-1", "redshift.amazonaws.com", DELIVERY_SID),
    ],
)
def test_the_principal_is_that_of_the_region_and_the_arns_those_of_the_partition(
    partition: str, region: str, principal: str, sid: str
) -> None:
    (statement,) = after(Bucket(partition=partition, region=region), ADMIT)

    assert (statement["Principal"], statement["Sid"]) == ({"Service": principal}, sid)
    assert {arn.split(":")[1] for arn in statement["Resource"]} == {partition}


def test_tls_only_names_the_arns_of_the_partition() -> None:
    (statement,) = after(Bucket(partition="aws-cn", region="cn-north-1"), TLS)

    assert statement["Resource"] == ["arn:aws-cn:s3:::trail", "arn:aws-cn:s3:::trail/*"]


# ---------------------------------------------------------------- many clusters, one bucket


def test_prefixes_and_accounts_accumulate_and_none_is_lost() -> None:
    bucket = Bucket(policy=policy(READER))
    for account, prefix in [
        (ACCOUNT, "a/"),
        (OTHER_ACCOUNT, "a/"),
        (ACCOUNT, "b/"),
        (ACCOUNT, ""),
        (OTHER_ACCOUNT, "c/"),
    ]:
        bucket.account, bucket.prefix = account, prefix
        after(bucket, ADMIT)

    sids = [one["Sid"] for one in listed(bucket.policy)]
    assert sids == ["Readers", DELIVERY_SID, f"TrailkeeperDelivery{OTHER_ACCOUNT}"]
    assert listed(bucket.policy)[1] == ours("a/", "b/", "")
    for account, prefix in [(ACCOUNT, "a/"), (ACCOUNT, "b/"), (OTHER_ACCOUNT, "c/")]:
        bucket.account, bucket.prefix = account, prefix
        assert isinstance(bucket.plan(ADMIT, "prod"), Right)


def test_clusters_under_one_prefix_need_one_folder() -> None:
    bucket = Bucket()
    after(bucket, ADMIT)

    assert isinstance(bucket.plan(ADMIT, "another"), Right)


def test_many_prefixes_fit_until_the_limit_and_then_it_is_held_with_the_size() -> None:
    prefixes = [f"team-{number:03}/redshift/audit/" for number in range(400)]
    bucket = Bucket(policy=policy(ours(*prefixes[:294])))
    held: Held | None = None
    for bucket.prefix in prefixes[294:]:
        planned = bucket.plan(ADMIT, "prod")
        if isinstance(planned, Held):
            held = planned
            break
        bucket.make(changed(planned).calls)

    assert held is not None
    assert "20,480" in held.why
    assert 20_400 < len((bucket.policy or "").encode()) <= 20_480
    assert len(listed(bucket.policy)) == 1


@pytest.mark.parametrize("over", [False, True], ids=["to the byte", "one byte more"])
def test_the_limit_counts_bytes_as_sent_not_blanks_or_characters(over: bool) -> None:
    filler = {**READER, "Resource": ""}
    sent = {"Version": "2012-10-17", "Statement": [filler, tls_statement(BUCKET, "aws")]}
    room = 20_480 - len(json.dumps(sent, separators=(",", ":")).encode())
    pad = "é" * (room // 2) + "x" * (room % 2 + over)
    text = json.dumps({**sent, "Statement": [{**filler, "Resource": pad}]}, indent=40)

    planned = Bucket(policy=text).plan(TLS)

    assert isinstance(planned, Held if over else Change)
    assert not over or "20,481 bytes" in getattr(planned, "why", "")


def test_our_statement_is_known_however_s3_shows_its_lists() -> None:
    shown = ours("a/", Action=["s3:PutObject", "s3:GetBucketAcl"])
    shown |= {"Principal": {"Service": ["redshift.amazonaws.com"]}}
    shown["Resource"] = list(reversed(shown["Resource"]))

    made = after(Bucket(policy=policy(shown, READER)), ADMIT)

    assert made == [ours("a/", "logs/"), READER]


# ---------------------------------------------------------------- nothing to do


@pytest.mark.parametrize(
    ("bucket", "words"),
    [
        pytest.param(Bucket(policy=policy(allow())), "lets Redshift deliver", id="admitted"),
        pytest.param(
            Bucket(policy='{"Statement": ' + json.dumps([allow()]) + ', "Id": "1.0"}'),
            "lets Redshift deliver",
            id="admitted in the old version",
        ),
        pytest.param(
            Bucket(
                policy=policy(
                    allow(), deny(**only_if("NumericLessThan", "s3:TlsVersion", 1))
                ).replace('"s3:TlsVersion": 1', '"s3:TlsVersion": 1.20')
            ),
            "lets Redshift deliver",
            id="admitted by a policy that we could not write again",
        ),
        pytest.param(
            Bucket(logging={"LogDestinationType": "cloudwatch"}), "not delivered to S3", id="logs"
        ),
        pytest.param(Bucket(logging={"LoggingEnabled": False}), "not delivered to S3", id="off"),
    ],
)
def test_nothing_is_done_where_delivery_is_right(bucket: Bucket, words: str) -> None:
    planned = bucket.plan(ADMIT, "prod")

    assert isinstance(planned, Right)
    assert words in planned.why


def test_nothing_is_done_where_somebody_else_demands_tls() -> None:
    text = policy({**tls_statement(BUCKET, "aws"), "Sid": "Theirs"})

    assert isinstance(Bucket(policy=text).plan(TLS), Right)


def test_the_organization_decides_a_policy_that_names_it() -> None:
    text = policy(allow(**only_if("StringEquals", "aws:SourceOrgID", "o-ours")))

    assert isinstance(Bucket(policy=text).plan(ADMIT, "prod"), Right)
    assert isinstance(
        Bucket(policy=text, organization="o-theirs").plan(ADMIT, "prod"),
        Change,
    )


# ---------------------------------------------------------------- a cluster that does not log yet


def test_a_cluster_that_is_to_log_is_admitted_where_it_is_to_log() -> None:
    """Enabling logging is held until the bucket admits it, so this comes first."""
    bucket = Bucket(logging={"LoggingEnabled": False, "BucketName": "", "S3KeyPrefix": ""})
    wished = Destination("s3", BUCKET, "{cluster}/")

    change = changed(bucket.plan(ADMIT, "prod", destination=wished))
    bucket.make(change.calls)

    (statement,) = listed(bucket.policy or "")
    assert f"arn:aws:s3:::{BUCKET}/prod/AWSLogs/{ACCOUNT}/*" in statement["Resource"]
    assert isinstance(bucket.plan(ADMIT, "prod", destination=wished), Right)


def test_a_cluster_that_logs_is_admitted_where_it_logs_whatever_is_configured() -> None:
    bucket = Bucket()

    change = changed(bucket.plan(ADMIT, "prod", destination=Destination("s3", "elsewhere")))

    assert {call.params["Bucket"] for call in change.calls} == {BUCKET}


def test_without_a_destination_on_s3_no_policy_is_concerned() -> None:
    bucket = Bucket(logging={"LoggingEnabled": False, "BucketName": "", "S3KeyPrefix": ""})

    for destination in (None, Destination("cloudwatch")):
        assert isinstance(bucket.plan(ADMIT, "prod", destination=destination), Right)
