"""Places in log buckets: one for each writer's prefix, judged by the owner's lifecycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from controls.kinds.kind import LogBucket
from tests.controls.kinds.estate import (
    BUCKET,
    cluster,
    healthy,
    judged,
    lifecycle,
    swept,
    to_s3,
    verdicts,
)
from tests.fakes import ACCOUNT, ARCHIVE, REGION, Prepared, denied, failing

IN_TIME, KEPT = "audit-logs-expire-in-time", "audit-logs-kept-long-enough"
ABORTED = "audit-logs-uploads-aborted"
PLACE = f"{BUCKET}/prod/"


def rule(prefix: str = "", status: str = "Enabled", **actions: Any) -> dict[str, Any]:
    return {"ID": "r", "Status": status, "Filter": {"Prefix": prefix}, **actions}


def rules(*found: dict[str, Any]) -> Prepared:
    return {"Rules": list(found)}


WALKTHROUGH = rules(rule(NoncurrentVersionExpiration={"NoncurrentDays": 180}))


@pytest.mark.parametrize(
    ("configuration", "versioning", "expected"),
    [
        pytest.param(lifecycle(180), {}, ("pass", "pass", "pass"), id="180 days, exactly"),
        pytest.param(lifecycle(181), {}, ("fail", "pass", "pass"), id="a day too long"),
        pytest.param(lifecycle(30), {}, ("pass", "fail", "pass"), id="too short"),
        pytest.param(
            WALKTHROUGH, {}, ("fail", "pass", "fail"), id="noncurrent versions, of which none are"
        ),
        pytest.param(
            failing("NoSuchLifecycleConfiguration"), {}, ("fail", "pass", "fail"), id="none"
        ),
        pytest.param(rules(), {}, ("fail", "pass", "fail"), id="a configuration without rules"),
        pytest.param(
            denied("s3:GetLifecycleConfiguration"), {}, ("unknown",) * 3, id="lifecycle denied"
        ),
        pytest.param(
            lifecycle(180),
            denied("s3:GetBucketVersioning"),
            ("unknown",) * 3,
            id="whether versions are kept is denied",
        ),
        pytest.param(
            lifecycle(180), {"Status": "Enabled"}, ("fail", "pass", "pass"), id="versions are kept"
        ),
        pytest.param(
            lifecycle(180),
            {"Status": "Unheard"},
            ("unknown", "unknown", "pass"),
            id="an unheard-of versioning",
        ),
        pytest.param(
            rules(rule("prod/AWSLogs/111122223333/redshift/eu-west-1/", Expiration={"Days": 180})),
            {},
            ("pass", "pass", "fail"),
            id="a rule for the writer's own folder",
        ),
        pytest.param(
            rules(rule("prod/AWSLogs/111122223333/redshift/us-east-1/", Expiration={"Days": 180})),
            {},
            ("fail", "pass", "fail"),
            id="a rule for another region's folder",
        ),
        pytest.param(
            rules(rule("prod/AWSLogs/", "Disabled", Expiration={"Days": 180})),
            {},
            ("fail", "pass", "fail"),
            id="a rule that is disabled",
        ),
        pytest.param(
            rules(
                rule("", Expiration={"Days": 180}),
                rule("prod/AWSLogs/111122223333/redshift/eu-west-1/2026/", Expiration={"Days": 7}),
            ),
            {},
            ("pass", "fail", "fail"),
            id="a shorter rule for some of the keys",
        ),
        pytest.param(
            rules(
                rule(
                    Expiration={"Days": 180},
                    AbortIncompleteMultipartUpload={"DaysAfterInitiation": 400},
                )
            ),
            {},
            ("pass", "pass", "fail"),
            id="uploads are aborted too late",
        ),
    ],
)
def test_the_rules_judge_a_place_by_the_lifecycle_of_its_keys(
    configuration: Prepared, versioning: Prepared, expected: tuple[str, ...]
) -> None:
    answers = healthy() | {
        "s3:GetBucketLifecycleConfiguration": configuration,
        "s3:GetBucketVersioning": versioning,
    }
    found = judged(answers)
    assert [found[rule, PLACE].status.value for rule in (IN_TIME, KEPT, ABORTED)] == list(expected)


def test_the_walkthrough_is_told_what_is_wrong_with_it() -> None:
    answers = healthy() | {"s3:GetBucketLifecycleConfiguration": WALKTHROUGH}
    assert "noncurrent versions" in judged(answers)[IN_TIME, PLACE].because


def statuses(**of: dict[str, Any]) -> dict[str, Prepared]:
    def answer(params: Mapping[str, Any]) -> Mapping[str, Any]:
        return of[params["ClusterIdentifier"]]

    listed = [cluster(name, Tags=[{"Key": "name", "Value": name}]) for name in of]
    return healthy(listed) | {"redshift:DescribeLoggingStatus": answer}


@pytest.mark.parametrize(
    ("of", "places"),
    [
        pytest.param({"c1": to_s3(), "c2": to_s3()}, {PLACE}, id="two clusters, one prefix"),
        pytest.param(
            {"c1": to_s3(S3KeyPrefix="prod"), "c2": to_s3(S3KeyPrefix="prod/")},
            {PLACE},
            id="one prefix, with and without its slash",
        ),
        pytest.param(
            {"c1": to_s3(), "c2": to_s3(S3KeyPrefix="test")},
            {PLACE, f"{BUCKET}/test/"},
            id="two prefixes",
        ),
        pytest.param({"c1": to_s3(S3KeyPrefix="")}, {f"{BUCKET}/"}, id="no prefix"),
        pytest.param({"c1": {"LoggingEnabled": False, "BucketName": BUCKET}}, set(), id="off"),
    ],
)
def test_there_is_a_place_for_each_prefix(of: dict[str, Any], places: set[str]) -> None:
    assert set(verdicts(statuses(**of), IN_TIME)) == places


def test_a_place_is_the_writers_and_its_bucket_the_owners() -> None:
    snapshot, aws = swept(statuses(c1=to_s3(), c2=to_s3()))
    (place,) = [each for each in snapshot.resources if each.ref.kind == "s3_log_location"]
    assert (place.ref.account, place.ref.region) == (ACCOUNT, REGION)
    assert place.ref.owner_account == ARCHIVE
    assert place.writer_tags == ({"name": "c1"}, {"name": "c2"})
    read = [each for each in aws.asked if each.operation == "s3:GetBucketLifecycleConfiguration"]
    assert {each.account for each in read} == {ARCHIVE}


def test_a_bucket_without_a_known_owner_is_unknown() -> None:
    for name in (IN_TIME, KEPT, ABORTED):
        assert verdicts(healthy(), name, owners={}) == {PLACE: "unknown"}


def test_a_configured_bucket_that_none_writes_to_is_judged_as_a_whole() -> None:
    former = LogBucket("former-logs", ARCHIVE, REGION)
    owners = {BUCKET: (ARCHIVE, REGION), former.bucket: (ARCHIVE, REGION)}
    partly = rules(rule("prod/", Expiration={"Days": 180}))
    answers = healthy() | {"s3:GetBucketLifecycleConfiguration": partly}
    found = verdicts(answers, IN_TIME, owners=owners, log_buckets=[former])
    assert found == {PLACE: "pass", "former-logs/": "fail"}


def locked(**retention: Any) -> Prepared:
    """Object Lock on, with a default retention if one is given."""
    found: dict[str, Any] = {"ObjectLockEnabled": "Enabled"}
    if retention:
        found["Rule"] = {"DefaultRetention": {"Mode": "COMPLIANCE", **retention}}
    return {"ObjectLockConfiguration": found}


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        pytest.param(
            failing("ObjectLockConfigurationNotFoundError"), "pass", id="never configured"
        ),
        pytest.param(locked(), "pass", id="on, but no new object is locked"),
        pytest.param(locked(Days=180), "pass", id="locked no longer than they are kept"),
        pytest.param(locked(Days=181), "unknown", id="locked for a day longer"),
        pytest.param(locked(Years=10), "unknown", id="locked for ten years"),
        pytest.param(locked(Weeks=1), "unknown", id="locked for a time that is not known here"),
        pytest.param(denied("s3:GetObjectLockConfiguration"), "unknown", id="denied"),
    ],
)
def test_what_is_locked_is_not_said_to_be_deleted(lock: Prepared, expected: str) -> None:
    """Lifecycle deletes no locked version."""
    answers = healthy([cluster()]) | {"s3:GetObjectLockConfiguration": lock}
    assert set(verdicts(answers, IN_TIME).values()) == {expected}


def test_former_prefixes_of_a_bucket_are_judged_beside_the_one_in_use() -> None:
    """The lifecycle covers where logs go now; those that are left elsewhere stay for ever."""
    answers = healthy([cluster()]) | {
        "s3:GetBucketLifecycleConfiguration": rules(rule("prod/", Expiration={"Days": 180}))
    }
    bucket = LogBucket(BUCKET, ARCHIVE, REGION, prefixes=("old",))
    found = verdicts(answers, IN_TIME, log_buckets=(bucket,))
    assert found == {PLACE: "pass", f"{BUCKET}/old/AWSLogs/": "fail"}
