"""The lifecycle fixes against the simulated AWS: planned, made, right; undone, as before."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.session import Session

from agent.aws.access import AccountAccess
from agent.aws.door import Aws
from controls.change import Call, Change, Cost, Fix, Held, Planned, Right, Task
from controls.fixes.lifecycle import FIXES
from controls.fixes.lifecycle_merge import RULE_MEMBERS, own_id
from controls.kinds.kind import Item
from controls.kinds.s3_log_location import S3_LOG_LOCATION
from controls.model import Ref, Said, Value
from controls.semantics.log_keys import log_prefix
from tests.sandbox_server import ARCHIVE_ACCOUNT, Sandbox

WRITER, OWNER = "111122223333", ARCHIVE_ACCOUNT
REGION = "eu-west-1"
NAME = "central-logs"
EXPIRE, KEEP, ABORT = FIXES
PROD = log_prefix("prod/", WRITER, REGION)
PARAMS: dict[str, dict[str, Value]] = {
    EXPIRE.name: {"max_days": 180, "min_days": 180},
    KEEP.name: {"min_days": 180},
    ABORT.name: {"abort_within_days": 180},
}
DAYS = {"Status": "Enabled", "Expiration": {"Days": 3000}}
MODERN: list[dict[str, Any]] = [
    {"ID": "all", "Filter": {}, **DAYS},
    {"ID": "empty prefix", "Filter": {"Prefix": ""}, **DAYS},
    {
        "ID": "some",
        "Filter": {
            "And": {
                "Prefix": "prod/",
                "Tags": [{"Key": "a", "Value": ""}, {"Key": "b", "Value": "c"}],
                "ObjectSizeGreaterThan": 1000,
                "ObjectSizeLessThan": 2000,
            }
        },
        **DAYS,
    },
    {
        "ID": "small",
        "Filter": {"ObjectSizeLessThan": 131072},
        "Status": "Disabled",
        "Expiration": {"Date": datetime(2031, 5, 1, tzinfo=UTC)},
    },
    {
        "ID": "moves",
        "Filter": {"Prefix": "other/"},
        "Status": "Enabled",
        "Transitions": [{"Days": 30, "StorageClass": "GLACIER_IR"}],
        "NoncurrentVersionTransitions": [
            {"NoncurrentDays": 40, "StorageClass": "GLACIER", "NewerNoncurrentVersions": 2}
        ],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 90, "NewerNoncurrentVersions": 3},
    },
    {
        "ID": "marks",
        "Filter": {"Prefix": "other/"},
        "Status": "Enabled",
        "Expiration": {"ExpiredObjectDeleteMarker": True},
    },
]
LEGACY: list[dict[str, Any]] = [
    {"ID": "all", "Prefix": "", **DAYS},
    {"ID": "one", "Prefix": "other/", "Status": "Enabled", "Expiration": {"Days": 1}},
]
TOO_SHORT = [
    {
        "ID": own_id(PROD),
        "Filter": {"Prefix": PROD},
        "Status": "Enabled",
        "Expiration": {"Days": 7},
    }
]


@pytest.fixture
def world(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Clusters of one account that log to a bucket of another, which has no lifecycle."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in sandbox.environment(WRITER, REGION).items():
        monkeypatch.setenv(name, value)
    sandbox.plant(
        [
            {"do": "account", "account": OWNER},
            bucket(tags={"team": "data"}),
            *cluster("prod", "prod/"),
            *cluster("test", "test/"),
            *cluster("bare", ""),
        ]
    )
    return sandbox


def bucket(**settings: Any) -> dict[str, Any]:
    """The bucket, or what is to change in it."""
    return {"do": "bucket", "account": OWNER, "name": NAME, "region": REGION, **settings}


def cluster(name: str, prefix: str) -> list[dict[str, Any]]:
    """A cluster that logs to the bucket under the prefix."""
    here = {"account": WRITER, "region": REGION}
    return [
        {"do": "cluster", "identifier": name, **here},
        {"do": "logging", "cluster": name, "bucket": NAME, "prefix": prefix, **here},
    ]


def reader(reads: tuple[str, ...]) -> Any:
    """A reader of a new sweep that may call so much."""
    ways = [
        AccountAccess(WRITER, region=REGION),
        AccountAccess(OWNER, f"arn:aws:iam::{OWNER}:role/TrailkeeperObserver", region=REGION),
    ]
    return Aws(hand=frozenset(reads)).sweep(datetime.now(UTC), ways).reader(WRITER, REGION)


def plan(fix: Fix, prefix: str = "prod/", **params: Value) -> Planned:
    """What the fix plans, from what AWS says now."""
    aws = reader(fix.reads)
    ref = Ref(fix.kind, WRITER, REGION, f"{NAME}/{prefix}")
    return fix.plan(aws, Task(ref, aws.now, PARAMS[fix.name] | params))


def change(fix: Fix, prefix: str = "prod/", **params: Value) -> Change:
    """The plan, which must be a change."""
    planned = plan(fix, prefix, **params)
    assert isinstance(planned, Change), planned
    return planned


def make(sandbox: Sandbox, calls: tuple[Call, ...]) -> None:
    """Makes the calls, as they come back from JSON, with plain clients."""
    for call in calls:
        client = sandbox.client(call.service, account=call.account, region=call.region)
        getattr(client, xform_name(call.operation))(**json.loads(json.dumps(dict(call.params))))


def lifecycle(sandbox: Sandbox) -> dict[str, Any]:
    """The bucket's lifecycle as AWS shows it."""
    s3 = sandbox.client("s3", account=OWNER)
    try:
        shown = s3.get_bucket_lifecycle_configuration(Bucket=NAME)
    except ClientError as error:
        return {"Code": error.response["Error"]["Code"]}
    return {name: value for name, value in shown.items() if name != "ResponseMetadata"}


def fact(name: str, prefix: str) -> Any:
    """What a fact of the kind says now of a writer's place."""
    found = S3_LOG_LOCATION.fact(name)
    item = Item(
        Ref(S3_LOG_LOCATION.name, WRITER, REGION, f"{NAME}/{prefix}"),
        {"bucket": NAME, "prefix": log_prefix(prefix, WRITER, REGION)},
    )
    answer = found.read(reader(found.needs), item)
    return answer.value if isinstance(answer, Said) else answer


@pytest.mark.parametrize("versioning", [None, "Enabled"])
@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(None, id="no lifecycle"),
        pytest.param(MODERN, id="every member there is"),
        pytest.param(LEGACY, id="legacy rules"),
    ],
)
@pytest.mark.parametrize("fix", [EXPIRE, ABORT], ids=["expire", "abort"])
def test_made_it_is_right_and_undone_it_is_as_before(
    world: Sandbox, fix: Fix, rules: list[dict[str, Any]] | None, versioning: str | None
) -> None:
    """AWS takes it, the facts of the kind agree, and nothing of others is another."""
    world.plant(
        [bucket(lifecycle=rules, minimum_size="varies_by_storage_class", versioning=versioning)]
    )
    before = lifecycle(world)
    planned = change(fix)
    make(world, planned.calls)
    after = lifecycle(world)

    if fix is EXPIRE:
        assert fact("deleted_after_days", "prod/") == 180
        assert fact("deleted_earliest_days", "prod/") == 180
    else:
        assert fact("upload_abort_days", "prod/") == 7
    right = plan(fix)
    assert isinstance(right, Right)
    assert right.documents[0].before == planned.documents[0].after
    assert planned.tags == {"team": "data"}
    theirs = [each for each in after["Rules"] if each["ID"] != own_id(PROD)]
    if rules is MODERN:
        assert theirs == before["Rules"]
    make(world, planned.undo)
    assert lifecycle(world) == before


def test_our_own_rule_is_lengthened_and_put_back(world: Sandbox) -> None:
    """Undoing it is told to destroy."""
    world.plant([bucket(lifecycle=TOO_SHORT)])
    before = lifecycle(world)
    planned = change(KEEP)
    make(world, planned.calls)

    assert fact("deleted_earliest_days", "prod/") == 180
    assert isinstance(plan(KEEP), Right)
    assert Cost.DESTROYS in planned.undo_costs
    make(world, planned.undo)
    assert lifecycle(world) == before


def test_two_writers_and_one_without_a_prefix_share_the_bucket(world: Sandbox) -> None:
    """Each has a rule of its own, and the last one takes nothing from the first."""
    for prefix, days in (("prod/", 400), ("test/", 180), ("", 90)):
        limits: dict[str, Value] = {"min_days": days, "max_days": days}
        make(world, change(EXPIRE, prefix, **limits).calls)
        make(world, change(ABORT, prefix).calls)

    assert len(lifecycle(world)["Rules"]) == 3
    for prefix, days in (("prod/", 400), ("test/", 180), ("", 90)):
        assert fact("deleted_after_days", prefix) == fact("deleted_earliest_days", prefix) == days
        assert isinstance(plan(EXPIRE, prefix, min_days=days, max_days=days), Right)
        assert isinstance(plan(ABORT, prefix), Right)


def test_what_goes_at_once_is_counted(world: Sandbox) -> None:
    """Over the pages of real listings; logs of another writer are not among it."""
    now = datetime.now(UTC)
    logs = {
        "do": "log_objects",
        "bucket": NAME,
        "account": WRITER,
        "region": REGION,
        "interval": 1,
        "types": ["connectionlog"],
    }
    start = (now - timedelta(days=300)).replace(hour=0, minute=0, second=0, microsecond=0)
    spans = [(start, start + timedelta(minutes=1199)), (now - timedelta(days=9), now)]
    world.plant(
        [
            {
                **logs,
                "cluster": "prod",
                "prefix": "prod/",
                "start": spans[0][0],
                "end": spans[0][1],
            },
            {
                **logs,
                "cluster": "prod",
                "prefix": "prod/",
                "start": spans[1][0],
                "end": spans[1][0] + timedelta(hours=1),
            },
            {**logs, "cluster": "test", "prefix": "test/", "start": start, "end": spans[0][1]},
        ]
    )
    said = change(EXPIRE).costs[Cost.DESTROYS]

    assert "1200 objects of " in said
    assert f"in date folders {start:%Y/%m/%d} to {start:%Y/%m/%d}" in said


def test_a_former_prefix_is_cleared_unless_others_write_there(world: Sandbox) -> None:
    """As the configuration names it; CloudTrail's folder keeps ours away."""
    old = {"do": "object", "bucket": NAME, "modified": "2024-01-01T00:00:00+00:00", "body": "x"}
    world.plant([{**old, "key": f"old/AWSLogs/{WRITER}/redshift/{REGION}/2024/01/01/a.gz"}])
    planned = change(EXPIRE, "old/AWSLogs/")
    world.plant([{**old, "key": f"old/AWSLogs/{WRITER}/CloudTrail/x"}])

    assert "1 objects" in planned.costs[Cost.DESTROYS]
    assert isinstance(plan(EXPIRE, "old/AWSLogs/"), Held)


def test_a_lock_that_lasts_longer_holds(world: Sandbox) -> None:
    """The error that says there is none, and an answer that says there is."""
    world.plant([bucket(object_lock={"mode": "GOVERNANCE", "days": 400})])

    assert isinstance(plan(EXPIRE), Held)


def test_every_member_that_aws_takes_is_known() -> None:
    """What the service model gains, the fix must learn before it writes anything back."""
    model = Session().get_service_model("s3")
    operation = model.operation_model("PutBucketLifecycleConfiguration")
    rules = operation.input_shape.members["LifecycleConfiguration"].members["Rules"]

    def members(shape: Any) -> Any:
        if shape.type_name == "list":
            return [members(shape.member)]
        if shape.type_name != "structure":
            return None
        return {name: members(below) for name, below in shape.members.items()}

    assert members(rules.member) == RULE_MEMBERS
