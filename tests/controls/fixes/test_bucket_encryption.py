"""The default encryption of a log bucket: to SSE-S3, with everything else kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from controls.change import Change, Cost, Fix, Held, Right
from controls.fixes.bucket_encryption import FIXES
from controls.model import AwsError
from tests.controls.fixes.bucket_world import BUCKET, Bucket, changed
from tests.fakes import denied

USE, ENCRYPT = FIXES
KEY = "arn:aws:kms:eu-west-1:999988887777:key/k"
NO_SSE_C = {"EncryptionType": ["SSE-C"]}
DEFAULT = "ApplyServerSideEncryptionByDefault"


def rules(
    algorithm: str | None,
    key: str | None = None,
    blocked: Mapping[str, Any] | None = NO_SSE_C,
    **more: Any,
) -> dict[str, Any]:
    """A configuration of one rule."""
    default: dict[str, Any] = {"SSEAlgorithm": algorithm} if algorithm else {}
    rule: dict[str, Any] = {}
    if algorithm:
        rule[DEFAULT] = default | ({"KMSMasterKeyID": key} if key else {})
    if blocked is not None:
        rule["BlockedEncryptionTypes"] = blocked
    return {"Rules": [{**rule, **more}]}


@pytest.mark.parametrize("bucket_key", [True, False])
@pytest.mark.parametrize("blocked", ["SSE-C", "NONE"])
@pytest.mark.parametrize(
    ("algorithm", "key", "words"),
    [
        ("aws:kms", KEY, f"no longer with KMS key {KEY}"),
        ("aws:kms", None, "the AWS managed key aws/s3"),
        ("aws:kms:dsse", KEY, f"no longer with two layers of encryption with KMS key {KEY}"),
    ],
)
def test_kms_gives_way_to_sse_s3_and_it_is_said_what_that_weakens(
    algorithm: str, key: str | None, words: str, blocked: str, bucket_key: bool
) -> None:
    types = {"EncryptionType": [blocked]}
    before = rules(algorithm, key, types, BucketKeyEnabled=bucket_key)
    bucket = Bucket(encryption=before, tags={"team": "data"})

    change = changed(bucket.plan(USE))
    bucket.make(change.calls)

    assert bucket.encryption == rules("AES256", None, types, BucketKeyEnabled=bucket_key)
    assert set(change.costs) == {Cost.WEAKENS}
    assert words in change.costs[Cost.WEAKENS]
    assert "Objects that are there stay encrypted" in change.costs[Cost.WEAKENS]
    assert (change.bucket_wide, change.tags) == (BUCKET, {"team": "data"})
    assert (change.documents[0].before, change.documents[0].after) == (before, bucket.encryption)
    assert isinstance(bucket.plan(USE), Right)
    bucket.make(change.undo)
    assert bucket.encryption == before


@pytest.mark.parametrize(
    ("fix", "encryption"),
    [
        pytest.param(USE, None, id="S3 applies AES256 by itself"),
        pytest.param(USE, rules("AES256"), id="SSE-S3 is set"),
        pytest.param(USE, rules(None), id="no algorithm is named"),
        pytest.param(USE, rules("AES256", blocked=None), id="whatever is blocked"),
        pytest.param(ENCRYPT, rules("AES256"), id="encrypted with SSE-S3"),
        pytest.param(ENCRYPT, rules("aws:kms", KEY), id="encrypted with KMS, which stays"),
        pytest.param(ENCRYPT, rules("aws:kms:dsse", KEY), id="encrypted with DSSE, which stays"),
    ],
)
def test_nothing_is_done_where_it_is_right(fix: Fix, encryption: dict[str, Any] | None) -> None:
    assert isinstance(Bucket(encryption=encryption).plan(fix), Right)


def test_a_bucket_that_names_no_encryption_gets_sse_s3() -> None:
    bucket = Bucket()

    change = changed(bucket.plan(ENCRYPT))
    bucket.make(change.calls)

    assert bucket.encryption == rules("AES256", blocked=None)
    assert set(change.costs) == {Cost.INTERRUPTS}
    assert "SSE-C" in change.costs[Cost.INTERRUPTS]
    assert isinstance(bucket.plan(ENCRYPT), Right)
    assert [call.operation for call in change.undo] == ["DeleteBucketEncryption"]
    bucket.make(change.undo)
    assert bucket.encryption is None


def test_a_rule_without_algorithm_gets_one_and_keeps_the_rest() -> None:
    before = rules(None, BucketKeyEnabled=True)
    bucket = Bucket(encryption=before)

    change = changed(bucket.plan(ENCRYPT))
    bucket.make(change.calls)

    assert bucket.encryption == rules("AES256", BucketKeyEnabled=True)
    assert change.costs == {}
    assert isinstance(bucket.plan(ENCRYPT), Right)
    bucket.make(change.undo)
    assert bucket.encryption == before


TWO = {"Rules": [*rules("aws:kms")["Rules"], *rules("AES256")["Rules"]]}


@pytest.mark.parametrize(
    ("fix", "encryption", "words"),
    [
        pytest.param(USE, TWO, "2 rules", id="two rules"),
        pytest.param(ENCRYPT, TWO, "2 rules", id="two rules of whatever encryption"),
        pytest.param(USE, {"Rules": []}, "0 rules", id="no rule"),
        pytest.param(USE, {**rules("aws:kms"), "New": 1}, "more than rules", id="more than rules"),
        pytest.param(USE, rules("aws:kms", New=1), "unknown setting New", id="an unknown member"),
        pytest.param(
            USE,
            {"Rules": [{DEFAULT: {"SSEAlgorithm": "aws:kms", "Grade": 2}}]},
            "unknown setting Grade",
            id="an unknown member of the default",
        ),
        pytest.param(
            USE,
            rules("aws:kms", blocked={**NO_SSE_C, "Since": 1}),
            "unknown setting Since",
            id="an unknown member of what is blocked",
        ),
        pytest.param(USE, rules("aws:fsx"), "aws:fsx", id="FSx"),
        pytest.param(USE, rules("aws:new"), "aws:new", id="an unheard-of algorithm"),
        pytest.param(ENCRYPT, rules("aws:new"), "aws:new", id="is it encryption at all"),
        pytest.param(USE, rules("aws:kms", blocked=None), "BlockedEncryptionTypes", id="unsaid"),
        pytest.param(USE, rules("aws:kms", blocked={}), "BlockedEncryptionTypes", id="empty"),
        pytest.param(ENCRYPT, rules(None, blocked=None), "BlockedEncryptionTypes", id="nothing"),
    ],
)
def test_held(fix: Fix, encryption: dict[str, Any], words: str) -> None:
    planned = Bucket(encryption=encryption).plan(fix)

    assert isinstance(planned, Held), planned
    assert words in planned.why


@pytest.mark.parametrize(("fix", "encryption"), [(USE, rules("aws:kms")), (ENCRYPT, None)])
def test_tags_that_may_not_be_read_hide_the_owner(
    fix: Fix, encryption: dict[str, Any] | None
) -> None:
    refused = {"s3:GetBucketTagging": denied("s3:GetBucketTagging")}

    assert isinstance(Bucket(encryption=encryption, refused=refused).plan(fix), Held)


@pytest.mark.parametrize("fix", FIXES)
def test_what_may_not_be_read_is_no_missing_encryption(fix: Fix) -> None:
    refused = {"s3:GetBucketEncryption": denied("s3:GetBucketEncryption")}

    with pytest.raises(AwsError):
        Bucket(refused=refused).plan(fix)


CONFIGURATIONS = st.builds(
    rules,
    st.sampled_from([None, "AES256", "aws:kms", "aws:kms:dsse", "aws:fsx"]),
    st.sampled_from([None, KEY]),
    st.sampled_from([None, NO_SSE_C, {"EncryptionType": ["NONE"]}, {"EncryptionType": []}]),
    BucketKeyEnabled=st.booleans(),
)


@given(CONFIGURATIONS, st.sampled_from(FIXES))
def test_all_but_the_default_stays_and_undo_restores(before: dict[str, Any], fix: Fix) -> None:
    bucket = Bucket(encryption=before)
    planned = bucket.plan(fix)
    event(type(planned).__name__)
    if not isinstance(planned, Change):
        return
    bucket.make(planned.calls)

    assert bucket.encryption is not None
    (old,), (new,) = before["Rules"], bucket.encryption["Rules"]
    assert new == {**old, DEFAULT: {"SSEAlgorithm": "AES256"}}
    assert (Cost.WEAKENS in planned.costs) is ("kms" in str(old.get(DEFAULT)))
    assert isinstance(bucket.plan(fix), Right)
    bucket.make(planned.undo)
    assert bucket.encryption == before
