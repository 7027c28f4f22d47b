"""Log buckets: whose they are, who writes to them, and what is certain of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from agent.collect import Target
from controls.kinds.kind import LogBucket
from tests.controls.kinds.estate import (
    ADMITTING,
    BUCKET,
    DAY,
    HOUR,
    cluster,
    encryption,
    healthy,
    judged,
    swept,
    to_cloudwatch,
    to_s3,
    verdicts,
)
from tests.fakes import ACCOUNT, ARCHIVE, NOW, REGION, Prepared, denied, failing

FORMER = LogBucket("former-logs", ARCHIVE, REGION)
OWNERS = {BUCKET: (ARCHIVE, REGION), FORMER.bucket: (ARCHIVE, REGION)}
NO_TLS = {"Version": "2012-10-17", "Statement": ADMITTING["Statement"][:1]}
DELIVERABLE = "log-bucket-encryption-deliverable"


def several(**statuses: dict[str, Any]) -> dict[str, Prepared]:
    """Clusters with a logging status each."""

    def answer(params: Mapping[str, Any]) -> Mapping[str, Any]:
        return statuses[params["ClusterIdentifier"]]

    listed = [cluster(name) for name in statuses]
    return healthy(listed) | {"redshift:DescribeLoggingStatus": answer}


def block(**switches: bool) -> dict[str, Any]:
    every = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    return {"PublicAccessBlockConfiguration": every | switches}


NO_BLOCK = failing("NoSuchPublicAccessBlockConfiguration")


@pytest.mark.parametrize(
    ("rule", "changes", "verdict"),
    [
        pytest.param(
            "log-bucket-encrypted",
            {"s3:GetBucketEncryption": encryption("aws:kms")},
            "pass",
            id="KMS is encryption at rest",
        ),
        pytest.param(
            "log-bucket-encrypted",
            {"s3:GetBucketEncryption": encryption("aws:kms:dsse")},
            "pass",
            id="DSSE is encryption at rest",
        ),
        pytest.param(
            "log-bucket-encrypted",
            {"s3:GetBucketEncryption": failing("ServerSideEncryptionConfigurationNotFoundError")},
            "fail",
            id="no default encryption",
        ),
        pytest.param(
            "log-bucket-encrypted",
            {"s3:GetBucketEncryption": encryption("rot13")},
            "unknown",
            id="an unheard-of algorithm",
        ),
        pytest.param(
            "log-bucket-encrypted",
            {"s3:GetBucketEncryption": encryption("")},
            "fail",
            id="an empty algorithm is none",
        ),
        pytest.param(
            "log-bucket-encrypted",
            {"s3:GetBucketEncryption": denied("s3:GetEncryptionConfiguration")},
            "unknown",
            id="the encryption is denied",
        ),
        pytest.param(
            "log-bucket-encrypted",
            {"s3:GetBucketEncryption": failing("NoSuchBucket")},
            "unknown",
            id="the bucket went away between two calls",
        ),
        pytest.param(
            "log-bucket-private",
            {"s3:GetPublicAccessBlock": block(BlockPublicPolicy=False)},
            "fail",
            id="three switches of four at the bucket, none at the account",
        ),
        pytest.param(
            "log-bucket-private",
            {
                "s3:GetPublicAccessBlock": block(BlockPublicPolicy=False),
                "s3control:GetPublicAccessBlock": block(BlockPublicAcls=False),
            },
            "pass",
            id="bucket and account complete each other",
        ),
        pytest.param(
            "log-bucket-private",
            {"s3:GetPublicAccessBlock": NO_BLOCK, "s3control:GetPublicAccessBlock": block()},
            "pass",
            id="the account alone",
        ),
        pytest.param(
            "log-bucket-private",
            {"s3:GetPublicAccessBlock": NO_BLOCK, "s3control:GetPublicAccessBlock": NO_BLOCK},
            "fail",
            id="neither",
        ),
        pytest.param(
            "log-bucket-private",
            {
                "s3:GetPublicAccessBlock": NO_BLOCK,
                "s3control:GetPublicAccessBlock": denied("s3:GetAccountPublicAccessBlock"),
            },
            "unknown",
            id="not at the bucket, and the account's is denied",
        ),
        pytest.param(
            "log-bucket-private",
            {"s3:GetPublicAccessBlock": denied("s3:GetBucketPublicAccessBlock")},
            "unknown",
            id="the bucket's is denied",
        ),
        pytest.param(
            "log-bucket-tls-only",
            {"s3:GetBucketPolicy": {"Policy": json.dumps(NO_TLS)}},
            "fail",
            id="a policy that does not deny plain HTTP",
        ),
        pytest.param(
            "log-bucket-tls-only",
            {"s3:GetBucketPolicy": failing("NoSuchBucketPolicy")},
            "fail",
            id="no policy denies nothing",
        ),
        pytest.param(
            "log-bucket-tls-only",
            {"s3:GetBucketPolicy": denied("s3:GetBucketPolicy")},
            "unknown",
            id="the policy is denied",
        ),
        pytest.param(
            "log-bucket-unlocked",
            {"s3:GetObjectLockConfiguration": failing("ObjectLockConfigurationNotFoundError")},
            "pass",
            id="never locked",
        ),
        pytest.param(
            "log-bucket-unlocked",
            {
                "s3:GetObjectLockConfiguration": {
                    "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}
                }
            },
            "fail",
            id="locked",
        ),
        pytest.param(
            "log-bucket-unlocked",
            {
                "s3:GetObjectLockConfiguration": {
                    "ObjectLockConfiguration": {"ObjectLockEnabled": "Perhaps"}
                }
            },
            "unknown",
            id="an unheard-of state of the lock",
        ),
        pytest.param(
            "log-bucket-unlocked",
            {"s3:GetObjectLockConfiguration": denied("s3:GetBucketObjectLockConfiguration")},
            "unknown",
            id="the lock is denied",
        ),
    ],
)
def test_a_bucket_is_judged_by_what_its_owner_sees(
    rule: str, changes: dict[str, Prepared], verdict: str
) -> None:
    assert verdicts(healthy() | changes, rule) == {BUCKET: verdict}


GOOD = to_s3()
BAD = to_s3(LastSuccessfulDeliveryTime=NOW - 9 * HOUR, LastFailureTime=NOW - HOUR)
SILENT = to_s3(LastSuccessfulDeliveryTime=None)
OLD = to_s3(LastSuccessfulDeliveryTime=NOW - 4 * HOUR)
SAME = to_s3(LastSuccessfulDeliveryTime=NOW - HOUR, LastFailureTime=NOW - HOUR)


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        pytest.param({"c1": GOOD}, "pass", id="its only writer delivers"),
        pytest.param({"c1": GOOD, "c2": GOOD}, "pass", id="both writers deliver"),
        pytest.param({"c1": BAD}, "fail", id="its only writer fails"),
        pytest.param({"c1": GOOD, "c2": BAD}, "fail", id="one writer delivers, one fails"),
        pytest.param({"c1": SILENT, "c2": BAD}, "fail", id="one is silent, one fails"),
        pytest.param({"c1": GOOD, "c2": SILENT}, "unknown", id="one delivers, one is silent"),
        pytest.param({"c1": GOOD, "c2": OLD}, "unknown", id="one delivers, one did hours ago"),
        pytest.param({"c1": GOOD, "c2": SAME}, "unknown", id="one failed as it succeeded"),
        pytest.param({"c1": OLD}, "unknown", id="a success four hours ago proves nothing now"),
    ],
)
def test_under_kms_delivery_must_be_shown_by_every_writer(
    statuses: dict[str, Any], verdict: str
) -> None:
    answers = several(**statuses) | {"s3:GetBucketEncryption": encryption("aws:kms")}
    assert verdicts(answers, DELIVERABLE) == {BUCKET: verdict}


@pytest.mark.parametrize("statuses", [{"c1": BAD}, {"c1": GOOD, "c2": BAD}, {"c1": SILENT}])
def test_under_sse_s3_encryption_is_never_to_blame(statuses: dict[str, Any]) -> None:
    assert verdicts(several(**statuses), DELIVERABLE) == {BUCKET: "pass"}


def test_a_bucket_is_judged_once_whoever_writes_to_it() -> None:
    _, aws = swept(several(c1=GOOD, c2=to_s3(S3KeyPrefix="other")))
    encrypted = [asked for asked in aws.asked if asked.operation == "s3:GetBucketEncryption"]
    assert {(asked.account, asked.params["Bucket"]) for asked in encrypted} == {(ARCHIVE, BUCKET)}


def test_a_bucket_without_a_known_owner_is_unknown_and_says_what_to_add() -> None:
    found = judged(healthy(), owners={})
    of_bucket = {rule: f for (rule, name), f in found.items() if name == BUCKET}
    assert {f.status.value for rule, f in of_bucket.items() if rule != DELIVERABLE} == {"unknown"}
    assert "belongs to no account among the targets" in of_bucket["log-bucket-encrypted"].because
    assert of_bucket["log-bucket-encrypted"].ref.owner_account == ""


def test_the_account_of_a_bucket_is_its_owners() -> None:
    ref = judged(healthy())["log-bucket-encrypted", BUCKET].ref
    assert (ref.account, ref.owner_account, ref.region) == (ARCHIVE, ARCHIVE, REGION)


BUCKET_RULES = [
    "log-bucket-encrypted",
    DELIVERABLE,
    "log-bucket-private",
    "log-bucket-tls-only",
    "log-bucket-unlocked",
]


def of_former(answers: dict[str, Prepared], **other: Any) -> list[str]:
    found = judged(answers, owners=OWNERS, log_buckets=[FORMER], **other)
    return [found[rule, FORMER.bucket].status.value for rule in BUCKET_RULES]


def former_policy() -> dict[str, Prepared]:
    text = json.dumps(ADMITTING)

    def answer(params: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"Policy": text.replace(BUCKET, params["Bucket"])}

    return {"s3:GetBucketPolicy": answer}


def test_a_configured_bucket_that_none_writes_to_is_judged_but_not_for_delivery() -> None:
    answers = healthy() | former_policy()
    assert of_former(answers) == ["pass", "not_applicable", "pass", "pass", "not_applicable"]


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(
            {"redshift:DescribeLoggingStatus": denied("redshift:DescribeLoggingStatus")},
            id="where a cluster logs is denied",
        ),
        pytest.param(
            {"redshift:DescribeClusters": denied("redshift:DescribeClusters")},
            id="the clusters are denied",
        ),
    ],
)
def test_that_none_writes_to_a_bucket_is_not_said_while_a_cluster_is_unseen(
    lost: dict[str, Prepared],
) -> None:
    answers = healthy() | former_policy() | {"s3:GetBucketEncryption": encryption("aws:kms")}
    assert of_former(answers | lost) == ["pass", "unknown", "pass", "pass", "unknown"]


def test_a_cluster_unseen_in_another_account_counts_too() -> None:
    answers = healthy() | former_policy() | {"s3:GetBucketEncryption": encryption("aws:kms")}
    answers[f"{ARCHIVE}/redshift:DescribeClusters"] = denied("redshift:DescribeClusters")
    targets = [Target(ACCOUNT, REGION), Target(ARCHIVE, REGION)]
    assert of_former(answers, targets=targets)[1] == "unknown"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            lambda: healthy() | {"redshift:DescribeClusters": {"Clusters": []}}, id="none"
        ),
        pytest.param(lambda: healthy(logging=to_cloudwatch()), id="one on CloudWatch"),
    ],
)
def test_without_writers_there_is_no_bucket(changes: Callable[[], dict[str, Prepared]]) -> None:
    assert verdicts(changes(), "log-bucket-encrypted") == {}


def test_the_age_that_proves_delivery_is_three_hours() -> None:
    kms = {"s3:GetBucketEncryption": encryption("aws:kms")}
    for age, verdict in ((3 * HOUR, "pass"), (3.01 * HOUR, "unknown"), (DAY, "unknown")):
        answers = healthy(logging=to_s3(LastSuccessfulDeliveryTime=NOW - age)) | kms
        assert verdicts(answers, DELIVERABLE) == {BUCKET: verdict}
