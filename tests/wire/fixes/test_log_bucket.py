"""The fixes of a log bucket against the simulated AWS: planned, made, right; undone, as before."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from agent.aws.access import AccountAccess
from agent.aws.door import Aws
from controls.change import Call, Change, Cost, Fix, Held, Planned, Right, Task
from controls.fixes import bucket_access, bucket_encryption, bucket_policy
from controls.kinds.kind import Item
from controls.kinds.redshift_cluster import REDSHIFT_CLUSTER
from controls.kinds.s3_log_bucket import S3_LOG_BUCKET
from controls.model import Ref, Said
from tests.sandbox_server import ARCHIVE_ACCOUNT, Sandbox, code_of

WRITER, OWNER = "111122223333", ARCHIVE_ACCOUNT
REGION = "eu-west-1"
NAME = "central-logs"
ADMIT, TLS = bucket_policy.FIXES
(BLOCK,) = bucket_access.FIXES
USE, _ = bucket_encryption.FIXES
FACTS = {
    ADMIT.name: (REDSHIFT_CLUSTER, "delivery_admitted"),
    TLS.name: (S3_LOG_BUCKET, "tls_required"),
    BLOCK.name: (S3_LOG_BUCKET, "public_access_blocked"),
    USE.name: (S3_LOG_BUCKET, "sse_s3"),
}
AUDITORS = {
    "Sid": "Auditors",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{OWNER}:role/auditor"},
    "Action": ["s3:GetObject", "s3:ListBucket"],
    "Resource": [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"],
    "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": 3600.5}},
}
THEIRS = {"Version": "2012-10-17", "Id": "theirs", "Statement": [AUDITORS]}
OFF = {
    "BlockPublicAcls": False,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": False,
}


@pytest.fixture
def world(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A cluster of one account that logs to a bucket of another, with everything wrong with it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in sandbox.environment(WRITER, REGION).items():
        monkeypatch.setenv(name, value)
    sandbox.plant(
        [
            {"do": "account", "account": OWNER},
            {
                "do": "bucket",
                "account": OWNER,
                "name": NAME,
                "region": REGION,
                "policy": json.dumps(THEIRS, indent=2),
                "public_access_block": OFF,
                "encryption": "aws:kms",
                "kms_key": "arn:aws:kms:eu-west-1:999988887777:key/k",
                "bucket_key": True,
                "blocked_encryption": ["NONE"],
                "tags": {"team": "data"},
            },
            *cluster("prod", "prod/"),
            *cluster("test", "test/"),
        ]
    )
    return sandbox


def cluster(name: str, prefix: str) -> list[dict[str, Any]]:
    """A cluster that logs to the bucket under the prefix."""
    here = {"account": WRITER, "region": REGION}
    return [
        {"do": "cluster", "identifier": name, **here},
        {"do": "logging", "cluster": name, "bucket": NAME, "prefix": prefix, **here},
    ]


def reader(fix: Fix, account: str, more: tuple[str, ...] = ()) -> Any:
    """A reader of a new sweep that may call what the fix reads."""
    ways = [
        AccountAccess(WRITER, region=REGION),
        AccountAccess(OWNER, f"arn:aws:iam::{OWNER}:role/TrailkeeperObserver", region=REGION),
    ]
    door = Aws(hand=frozenset({*fix.reads, *more}))
    return door.sweep(datetime.now(UTC), ways).reader(account, REGION)


def ref(fix: Fix, name: str) -> Ref:
    """The resource, as its kind lists it."""
    return Ref(fix.kind, WRITER if fix is ADMIT else OWNER, REGION, name)


def plan(fix: Fix, name: str = NAME) -> Planned:
    """What the fix plans, from what AWS says now."""
    aws = reader(fix, ref(fix, name).account)
    return fix.plan(aws, Task(ref(fix, name), aws.now))


def change(fix: Fix, name: str = NAME) -> Change:
    """The plan, which must be a change."""
    planned = plan(fix, name)
    assert isinstance(planned, Change), planned
    return planned


def fact(fix: Fix, name: str = NAME) -> bool:
    """What the fact of the fix's rule says now."""
    kind, asked = FACTS[fix.name]
    found = kind.fact(asked)
    item = Item(ref(fix, name), {"partition": "aws"})
    answer = found.read(reader(fix, item.ref.account, found.needs), item)
    assert isinstance(answer, Said), answer
    return bool(answer.value)


def make(sandbox: Sandbox, calls: tuple[Call, ...]) -> None:
    """Makes the calls as they stand, with plain clients."""
    for call in calls:
        client = sandbox.client(call.service, account=call.account, region=call.region)
        getattr(client, xform_name(call.operation))(**call.params)


def documents(sandbox: Sandbox) -> Mapping[str, Any]:
    """Everything the fixes may change, as AWS shows it."""
    s3 = sandbox.client("s3", account=OWNER)
    shown: dict[str, Any] = {}
    for name in ("bucket_policy", "public_access_block", "bucket_encryption", "bucket_tagging"):
        try:
            shown[name] = getattr(s3, f"get_{name}")(Bucket=NAME)
        except ClientError as error:
            shown[name] = {"Code": error.response["Error"]["Code"]}
        shown[name].pop("ResponseMetadata", None)
    return shown


@pytest.mark.parametrize(
    ("fix", "name"),
    [(ADMIT, "prod"), (TLS, NAME), (BLOCK, NAME), (USE, NAME)],
    ids=["delivery", "tls", "access", "encryption"],
)
def test_made_it_is_right_and_undone_it_is_as_before(world: Sandbox, fix: Fix, name: str) -> None:
    before = documents(world)
    assert not fact(fix, name)

    planned = change(fix, name)
    make(world, planned.calls)

    assert fact(fix, name)
    assert isinstance(plan(fix, name), Right)
    assert planned.tags == {"team": "data"}
    now = documents(world)
    assert len([part for part in before if before[part] != now[part]]) == 1
    make(world, planned.undo)
    assert documents(world) == before


def test_what_was_not_there_is_not_there_after_undo(world: Sandbox) -> None:
    bare = {"do": "bucket", "account": OWNER, "name": NAME, "region": REGION}
    world.plant([{**bare, "policy": None, "public_access_block": None}])
    before = documents(world)
    for fix, name in ((ADMIT, "prod"), (BLOCK, NAME)):
        planned = change(fix, name)
        make(world, planned.calls)
        assert fact(fix, name)
        make(world, planned.undo)
    assert documents(world) == before
    assert before["bucket_policy"] == {"Code": "NoSuchBucketPolicy"}


def test_everything_together_and_no_fix_loses_anothers_work(world: Sandbox) -> None:
    for fix, name in ((BLOCK, NAME), (ADMIT, "prod"), (TLS, NAME), (USE, NAME), (ADMIT, "test")):
        make(world, change(fix, name).calls)

    shown = documents(world)
    made = json.loads(shown["bucket_policy"]["Policy"])
    assert {**made, "Statement": made["Statement"][:1]} == THEIRS
    assert [one["Sid"] for one in made["Statement"][1:]] == [
        f"TrailkeeperDelivery{WRITER}",
        "TrailkeeperTlsOnly",
    ]
    for name in ("prod", "test"):
        assert fact(ADMIT, name)
    (rule,) = shown["bucket_encryption"]["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule == {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BucketKeyEnabled": True,
        "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
    }
    assert all(isinstance(plan(fix), Right) for fix in (BLOCK, TLS, USE))


def test_redshift_takes_the_bucket_that_was_prepared(world: Sandbox) -> None:
    make(world, change(ADMIT, "prod").calls)

    world.client("redshift", account=WRITER).enable_logging(
        ClusterIdentifier="prod", BucketName=NAME, S3KeyPrefix="prod"
    )


def test_a_public_bucket_says_who_loses_access(world: Sandbox) -> None:
    public = {k: v for k, v in AUDITORS.items() if k != "Condition"} | {"Principal": "*"}
    world.plant(
        [
            {
                "do": "bucket",
                "account": OWNER,
                "name": NAME,
                "policy": {"Statement": [public]},
                "ownership": "ObjectWriter",
                "public_access_block": None,
            }
        ]
    )
    world.client("s3", account=OWNER).put_bucket_acl(Bucket=NAME, ACL="public-read")

    said = change(BLOCK).costs[Cost.INTERRUPTS]

    assert "the public and other accounts alike" in said
    assert "grants READ to AllUsers" in said
    assert "uploads" in said


def test_a_policy_that_s3_would_refuse_is_held(world: Sandbox) -> None:
    statement = {**AUDITORS, "Principal": {"AWS": "AROA27HJSWAHEPTTLIWSO"}}
    world.plant(
        [{"do": "bucket", "account": OWNER, "name": NAME, "policy": {"Statement": [statement]}}]
    )
    s3 = world.client("s3", account=OWNER)
    with pytest.raises(ClientError) as refused:
        s3.put_bucket_policy(Bucket=NAME, Policy=s3.get_bucket_policy(Bucket=NAME)["Policy"])

    assert code_of(refused) == "MalformedPolicy"
    for fix, name in ((ADMIT, "prod"), (TLS, NAME)):
        assert isinstance(plan(fix, name), Held)


def test_tags_that_are_denied_hold_every_fix(world: Sandbox) -> None:
    world.fault({"operation": "GetBucketTagging", "kind": "deny"})

    for fix, name in ((ADMIT, "prod"), (TLS, NAME), (BLOCK, NAME), (USE, NAME)):
        planned = plan(fix, name)
        assert isinstance(planned, Held)
        assert "s3:GetBucketTagging denied" in planned.why


def test_a_bucket_that_is_somebody_elses_by_then_is_refused(world: Sandbox) -> None:
    planned = change(ADMIT, "prod")
    (call,) = planned.calls
    params = {**call.params, "ExpectedBucketOwner": "444455556666"}

    with pytest.raises(ClientError) as refused:
        world.client("s3", account=OWNER).put_bucket_policy(**params)

    assert code_of(refused) == "AccessDenied"
    assert call.params["ExpectedBucketOwner"] == OWNER
