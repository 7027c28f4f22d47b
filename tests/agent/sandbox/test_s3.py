"""S3 in the sandbox: new buckets as AWS makes them, owners, regions, and exact lifecycles."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from agent.sandbox.planting import log_key
from tests.sandbox_server import ARCHIVE_ACCOUNT, OTHER_ACCOUNT, REGION, Sandbox, code_of

ACCOUNT = "111122223333"
DAYS = {"Expiration": {"Days": 180}}
SHAPES = [
    pytest.param({"Filter": {}, **DAYS}, id="an empty filter"),
    pytest.param({"Filter": {"Prefix": ""}, **DAYS}, id="an empty prefix in the filter"),
    pytest.param({"Prefix": "", **DAYS}, id="an empty prefix of old"),
    pytest.param({"Prefix": "logs/", **DAYS}, id="a prefix of old"),
    pytest.param({"Filter": {"Prefix": "logs/"}, **DAYS}, id="a prefix"),
    pytest.param({"Filter": {"Tag": {"Key": "a", "Value": "b"}}, **DAYS}, id="a tag"),
    pytest.param({"Filter": {"ObjectSizeGreaterThan": 0}, **DAYS}, id="larger than"),
    pytest.param({"Filter": {"ObjectSizeLessThan": 1000}, **DAYS}, id="smaller than"),
    pytest.param(
        {
            "Filter": {
                "And": {
                    "Prefix": "a/",
                    "Tags": [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": ""}],
                    "ObjectSizeGreaterThan": 1,
                    "ObjectSizeLessThan": 2,
                }
            },
            **DAYS,
        },
        id="all of them",
    ),
    pytest.param(
        {"Filter": {}, "Expiration": {"Date": datetime(2026, 1, 1, tzinfo=UTC)}}, id="a date"
    ),
    pytest.param(
        {"Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": True}}, id="delete markers"
    ),
    pytest.param(
        {
            "Filter": {},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 180, "NewerNoncurrentVersions": 3},
        },
        id="newer noncurrent versions",
    ),
    pytest.param(
        {
            "Filter": {},
            "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
            "NoncurrentVersionTransitions": [
                {"NoncurrentDays": 30, "StorageClass": "GLACIER", "NewerNoncurrentVersions": 1}
            ],
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
        id="transitions and uploads",
    ),
]


def bucket(name: str = "logs", account: str = ACCOUNT, **settings: Any) -> dict[str, Any]:
    return {"do": "bucket", "account": account, "name": name, "region": REGION, **settings}


# ---------------------------------------------------------------- lifecycle


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("planted", [True, False], ids=["planted", "put"])
def test_a_lifecycle_comes_back_as_it_went_in(
    sandbox: Sandbox, shape: dict[str, Any], planted: bool
) -> None:
    rules = [{"ID": "one", "Status": "Enabled", **shape}]
    sandbox.plant([bucket(lifecycle=rules if planted else None)])
    s3 = sandbox.client("s3")
    if not planted:
        s3.put_bucket_lifecycle_configuration(
            Bucket="logs", LifecycleConfiguration={"Rules": rules}
        )

    answer = s3.get_bucket_lifecycle_configuration(Bucket="logs")

    assert rules == answer["Rules"]
    assert answer["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"


def test_a_rule_without_id_gets_one_and_the_minimum_size_is_kept(sandbox: Sandbox) -> None:
    sandbox.plant([bucket()])
    s3 = sandbox.client("s3")
    rules = [{"Status": "Disabled", "Filter": {}, **DAYS}] * 2

    s3.put_bucket_lifecycle_configuration(
        Bucket="logs",
        LifecycleConfiguration={"Rules": rules},
        TransitionDefaultMinimumObjectSize="varies_by_storage_class",
    )
    answer = s3.get_bucket_lifecycle_configuration(Bucket="logs")

    assert len({rule["ID"] for rule in answer["Rules"]}) == 2
    assert answer["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        pytest.param([{"Status": "Enabled", **DAYS}], "MalformedXML", id="no filter"),
        pytest.param([], "MalformedXML", id="no rule"),
        pytest.param(
            [{"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 0}}],
            "InvalidArgument",
            id="zero days",
        ),
        pytest.param([{"Status": "Enabled", "Filter": {}}], "InvalidRequest", id="no action"),
        pytest.param(
            [{"ID": "x", "Status": "Enabled", "Filter": {}, **DAYS}] * 2,
            "InvalidArgument",
            id="the same ID twice",
        ),
        pytest.param(
            [
                {"Status": "Enabled", "Filter": {}, **DAYS},
                {"Status": "Enabled", "Prefix": "a", **DAYS},
            ],
            "InvalidRequest",
            id="old and new prefixes together",
        ),
        pytest.param(
            [
                {
                    "Status": "Enabled",
                    "Filter": {"Prefix": "a", "ObjectSizeGreaterThan": 1},
                    **DAYS,
                }
            ],
            "MalformedXML",
            id="two predicates without And",
        ),
    ],
)
def test_bad_lifecycles_are_refused(
    sandbox: Sandbox, rules: list[dict[str, Any]], code: str
) -> None:
    sandbox.plant([bucket()])

    with pytest.raises(ClientError) as refused:
        sandbox.client("s3").put_bucket_lifecycle_configuration(
            Bucket="logs", LifecycleConfiguration={"Rules": rules}
        )

    assert code == code_of(refused)


def test_a_deleted_lifecycle_is_none(sandbox: Sandbox) -> None:
    sandbox.plant([bucket(lifecycle=[{"Status": "Enabled", "Filter": {}, **DAYS}])])
    s3 = sandbox.client("s3")

    s3.delete_bucket_lifecycle(Bucket="logs")
    with pytest.raises(ClientError) as refused:
        s3.get_bucket_lifecycle_configuration(Bucket="logs")

    assert code_of(refused) == "NoSuchLifecycleConfiguration"


# ---------------------------------------------------------------- a bucket's settings


@pytest.mark.parametrize("planted", [True, False], ids=["planted", "created"])
def test_a_new_bucket_is_encrypted_blocked_and_without_acls(
    sandbox: Sandbox, planted: bool
) -> None:
    s3 = sandbox.client("s3")
    if planted:
        sandbox.plant([bucket()])
    else:
        s3.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": REGION})

    encryption = s3.get_bucket_encryption(Bucket="logs")["ServerSideEncryptionConfiguration"]
    block = s3.get_public_access_block(Bucket="logs")["PublicAccessBlockConfiguration"]
    controls = s3.get_bucket_ownership_controls(Bucket="logs")["OwnershipControls"]

    assert encryption["Rules"] == [
        {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
            "BucketKeyEnabled": False,
            "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
        }
    ]
    assert {True} == set(block.values())
    assert controls["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert s3.get_bucket_request_payment(Bucket="logs")["Payer"] == "BucketOwner"


def test_deleting_the_encryption_goes_back_to_the_default(sandbox: Sandbox) -> None:
    sandbox.plant([bucket(encryption="aws:kms", kms_key="arn:aws:kms:k")])
    s3 = sandbox.client("s3")

    def algorithm() -> str:
        [rule] = s3.get_bucket_encryption(Bucket="logs")["ServerSideEncryptionConfiguration"][
            "Rules"
        ]
        return str(rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])

    before = algorithm()
    s3.delete_bucket_encryption(Bucket="logs")

    assert (before, algorithm()) == ("aws:kms", "AES256")


def test_blocked_encryption_types_come_back(sandbox: Sandbox) -> None:
    sandbox.plant([bucket()])
    s3 = sandbox.client("s3")
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"},
        "BucketKeyEnabled": True,
        "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
    }

    s3.put_bucket_encryption(Bucket="logs", ServerSideEncryptionConfiguration={"Rules": [rule]})
    answer = s3.get_bucket_encryption(Bucket="logs")

    assert [rule] == answer["ServerSideEncryptionConfiguration"]["Rules"]


@pytest.mark.parametrize(
    ("setting", "operation", "code"),
    [
        pytest.param(
            "public_access_block",
            "get_public_access_block",
            "NoSuchPublicAccessBlockConfiguration",
            id="no block",
        ),
        pytest.param(
            "ownership",
            "get_bucket_ownership_controls",
            "OwnershipControlsNotFoundError",
            id="no ownership controls",
        ),
        pytest.param("policy", "get_bucket_policy", "NoSuchBucketPolicy", id="no policy"),
    ],
)
def test_what_an_old_bucket_lacks(
    sandbox: Sandbox, setting: str, operation: str, code: str
) -> None:
    settings: dict[str, Any] = {setting: None}
    sandbox.plant([bucket(**settings)])

    with pytest.raises(ClientError) as refused:
        getattr(sandbox.client("s3"), operation)(Bucket="logs")

    assert code == code_of(refused)


def test_settings_may_be_planted_one_after_the_other(sandbox: Sandbox) -> None:
    policy = {"Version": "2012-10-17", "Statement": []}
    sandbox.plant(
        [
            bucket(tags={"team": "data"}, policy=policy, versioning="Suspended"),
            bucket(public_access_block={"BlockPublicAcls": True}),
            bucket("raw", policy="not JSON"),
            bucket("locked", object_lock={"mode": "GOVERNANCE", "days": 3}),
        ]
    )
    s3 = sandbox.client("s3")

    assert s3.get_bucket_tagging(Bucket="logs")["TagSet"] == [{"Key": "team", "Value": "data"}]
    assert s3.get_bucket_versioning(Bucket="logs")["Status"] == "Suspended"
    block = s3.get_public_access_block(Bucket="logs")["PublicAccessBlockConfiguration"]
    assert {"BlockPublicAcls"} == {name for name, on in block.items() if on}
    assert s3.get_bucket_policy(Bucket="raw")["Policy"] == "not JSON"
    lock = s3.get_object_lock_configuration(Bucket="locked")["ObjectLockConfiguration"]
    assert lock["Rule"] == {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}


def test_the_account_wide_block(sandbox: Sandbox) -> None:
    control = sandbox.client("s3control")
    with pytest.raises(ClientError) as absent:
        control.get_public_access_block(AccountId=ACCOUNT)
    sandbox.plant([{"do": "account_public_access_block", "account": ACCOUNT}])

    block = control.get_public_access_block(AccountId=ACCOUNT)["PublicAccessBlockConfiguration"]
    with pytest.raises(ClientError) as foreign:
        control.get_public_access_block(AccountId=OTHER_ACCOUNT)

    assert code_of(absent) == "NoSuchPublicAccessBlockConfiguration"
    assert (4, {True}) == (len(block), set(block.values()))
    assert code_of(foreign) == "AccessDenied"


# ---------------------------------------------------------------- owners and regions


def test_buckets_are_listed_in_pages_with_their_regions(sandbox: Sandbox) -> None:
    sandbox.plant([bucket(f"bucket-{n}") for n in range(5)])
    sandbox.plant([bucket("elsewhere", region="us-east-1"), bucket("foreign", OTHER_ACCOUNT)])
    s3 = sandbox.client("s3")

    pages = list(s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 2}))
    here = s3.list_buckets(BucketRegion=REGION, Prefix="bucket-")["Buckets"]

    assert [len(page["Buckets"]) for page in pages] == [2, 2, 2]
    assert [f"bucket-{n}" for n in range(5)] == [b["Name"] for b in here]
    assert {REGION} == {b["BucketRegion"] for b in here}


@pytest.mark.parametrize(
    ("operation", "code", "status"),
    [
        pytest.param("get_bucket_encryption", "AccessDenied", 403, id="a setting"),
        pytest.param("list_objects_v2", "AccessDenied", 403, id="the objects"),
        pytest.param("head_bucket", "403", 403, id="its head"),
        pytest.param("get_bucket_policy", "MethodNotAllowed", 405, id="its policy"),
    ],
)
def test_another_accounts_bucket_is_closed(
    sandbox: Sandbox, operation: str, code: str, status: int
) -> None:
    sandbox.plant([bucket(account=ARCHIVE_ACCOUNT)])

    with pytest.raises(ClientError) as refused:
        getattr(sandbox.client("s3"), operation)(Bucket="logs")

    assert code == code_of(refused)
    assert status == refused.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_the_expected_owner_must_be_the_owner(sandbox: Sandbox) -> None:
    sandbox.plant([bucket()])
    s3 = sandbox.client("s3")

    s3.get_bucket_versioning(Bucket="logs", ExpectedBucketOwner=ACCOUNT)
    with pytest.raises(ClientError) as refused:
        s3.get_bucket_versioning(Bucket="logs", ExpectedBucketOwner=OTHER_ACCOUNT)

    assert code_of(refused) == "AccessDenied"


def test_a_bucket_elsewhere_tells_its_region(sandbox: Sandbox) -> None:
    sandbox.plant([bucket(region="us-west-2")])
    s3 = sandbox.client("s3")

    answer = s3.get_bucket_versioning(Bucket="logs")

    # botocore itself follows the redirect, once it is told the region.
    statuses = [(call["region"], call["status"]) for call in sandbox.calls()]
    assert statuses[0] == (REGION, 301)
    assert statuses[-1] == ("us-west-2", 200)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_bucket_that_is_gone(sandbox: Sandbox) -> None:
    sandbox.plant(
        [bucket(), {"do": "remove", "what": "bucket", "account": ACCOUNT, "name": "logs"}]
    )

    with pytest.raises(ClientError) as refused:
        sandbox.client("s3").get_bucket_encryption(Bucket="logs")

    assert code_of(refused) == "NoSuchBucket"


# ---------------------------------------------------------------- objects


def test_log_objects_lie_where_redshift_puts_them(sandbox: Sandbox) -> None:
    written = {"account": OTHER_ACCOUNT, "region": REGION, "cluster": "prod", "prefix": "p/"}
    start, end = datetime(2026, 10, 31, 22, tzinfo=UTC), datetime(2026, 11, 1, 1, tzinfo=UTC)
    logs = {"do": "log_objects", "bucket": "logs", **written, "start": start, "end": end}
    sandbox.plant([bucket(), {**logs, "types": ["connectionlog"], "delay": 7}])
    s3 = sandbox.client("s3")
    folder = f"p/AWSLogs/{OTHER_ACCOUNT}/redshift/{REGION}/"

    found = s3.list_objects_v2(Bucket="logs", Prefix=folder)["Contents"]
    name = f"{OTHER_ACCOUNT}_redshift_{REGION}_prod_connectionlog_2026-10-31T22:00.gz"
    first = f"{folder}2026/10/31/{name}"
    days = s3.list_objects_v2(Bucket="logs", Prefix=f"{folder}2026/11/", Delimiter="/")
    head = s3.head_object(Bucket="logs", Key=first)

    assert (4, first) == (len(found), found[0]["Key"])
    assert first == log_key("p/", OTHER_ACCOUNT, REGION, "prod", "connectionlog", start)
    assert datetime(2026, 10, 31, 22, 7, tzinfo=UTC) == found[0]["LastModified"]
    assert [{"Prefix": f"{folder}2026/11/01/"}] == days["CommonPrefixes"]
    assert found[0]["Size"] == head["ContentLength"] > 1000
    assert head["ServerSideEncryption"] == "AES256"


def test_a_planted_object_can_be_read(sandbox: Sandbox) -> None:
    planted = {"do": "object", "bucket": "logs", "modified": "2026-01-01T00:00:00+00:00"}
    sandbox.plant([bucket(), {**planted, "key": "a", "body": "text"}])
    sandbox.plant([{**planted, "key": "b", "size": 5000}])
    s3 = sandbox.client("s3")

    assert s3.get_object(Bucket="logs", Key="a")["Body"].read() == b"text"
    assert len(s3.get_object(Bucket="logs", Key="b")["Body"].read()) == 5000
