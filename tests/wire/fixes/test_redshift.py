"""Fixes of Redshift and CloudWatch over HTTP: plan, make the calls, plan again, undo."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from agent.aws.access import AccountAccess
from agent.aws.door import Aws
from controls.change import Call, Change, Destination, Fix, Held, Planned, Right, Task
from controls.fixes import log_groups, redshift_logging, redshift_parameters, redshift_reboot
from controls.fixes import serverless as serverless_fixes
from controls.model import Ref, Value
from tests.sandbox_server import REGION, Sandbox, code_of

ACCOUNT = "111122223333"
HERE = {"account": ACCOUNT, "region": REGION}
PARAMETER = "enable_user_activity_logging"
(LOGGING,) = redshift_logging.FIXES
(ACTIVITY,) = redshift_parameters.FIXES
(REBOOT,) = redshift_reboot.FIXES
(RETENTION,) = log_groups.FIXES
EXPORT, SERVERLESS_ACTIVITY = serverless_fixes.FIXES
ALL = ["connectionlog", "userlog", "useractivitylog"]


@contextmanager
def _door(sandbox: Sandbox, fix: Fix, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    aws = Aws(hand=frozenset(fix.reads))
    try:
        yield aws
    finally:
        aws.close()


class World:
    """One fix at a time against the simulated AWS: the reader has that fix's reads and no more."""

    def __init__(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sandbox = sandbox
        self._monkeypatch = monkeypatch

    def plan(self, fix: Fix, name: str, now: datetime | None = None, **task: Any) -> Planned:
        """Planned afresh, with nothing remembered."""
        ref = Ref(fix.kind, ACCOUNT, REGION, name)
        now = now or datetime.now(UTC)
        with _door(self.sandbox, fix, self._monkeypatch) as aws:
            reader = aws.sweep(now, [AccountAccess(ACCOUNT)]).reader(ACCOUNT, REGION)
            return fix.plan(reader, Task(ref, now, **task))

    def change(self, fix: Fix, name: str, now: datetime | None = None, **task: Any) -> Change:
        """The change. Fails the test where none is planned, or one with calls it may not make."""
        planned = self.plan(fix, name, now, **task)
        assert isinstance(planned, Change), planned
        assert {call.name for call in (*planned.calls, *planned.undo)} <= set(fix.writes)
        json.dumps([dict(call.params) for call in (*planned.calls, *planned.undo)])
        return planned

    def make(self, calls: Iterable[Call]) -> None:
        """The calls, by a plain botocore client."""
        for call in calls:
            client = self.sandbox.client(call.service, account=call.account, region=call.region)
            getattr(client, xform_name(call.operation))(**call.params)


@pytest.fixture
def world(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(sandbox, monkeypatch)


def admitting(*buckets: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "redshift.amazonaws.com"},
        "Action": ["s3:PutObject", "s3:GetBucketAcl"],
        "Resource": [f"arn:aws:s3:::{b}{end}" for b in buckets for end in ("", "/*")],
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def bucket(name: str, **changes: Any) -> dict[str, Any]:
    return {"do": "bucket", **HERE, "name": name, "policy": admitting(name)} | changes


def cluster(name: str = "prod", **settings: Any) -> dict[str, Any]:
    return {"do": "cluster", **HERE, "identifier": name, **settings}


def logging_of(world: World) -> dict[str, Any]:
    client = world.sandbox.client("redshift")
    answer = client.describe_logging_status(ClusterIdentifier="prod")
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


# ---------------------------------------------------------------- logging


@pytest.mark.parametrize(
    "destination", [Destination("s3", "logs", "r/{cluster}"), Destination("cloudwatch")]
)
def test_logging_is_turned_on_and_then_right(world: World, destination: Destination) -> None:
    world.sandbox.plant([bucket("logs"), cluster(tags={"env": "prod"})])

    change = world.change(LOGGING, "prod", destination=destination)
    world.make(change.calls)

    right = world.plan(LOGGING, "prod", destination=destination)
    assert isinstance(right, Right)
    assert [d.before for d in right.documents] == [d.after for d in change.documents]
    assert change.tags == {"env": "prod"}
    assert logging_of(world)["LogDestinationType"] == destination.kind


@pytest.mark.parametrize(
    "told",
    [
        {"destination": "s3", "bucket": "logs", "prefix": "old/", "exports": ["userlog"]},
        {"destination": "s3", "bucket": "logs", "exports": ["userlog"]},
        {"destination": "cloudwatch", "exports": ["userlog", "connectionlog"]},
    ],
)
def test_missing_logs_are_added_in_place_and_undo_restores(
    world: World, told: dict[str, Any]
) -> None:
    world.sandbox.plant([bucket("logs"), cluster(logging=told)])
    before = logging_of(world)

    change = world.change(LOGGING, "prod", destination=Destination("s3", "elsewhere"))
    world.make(change.calls)
    assert sorted(logging_of(world)["LogExports"]) == sorted(ALL)
    assert isinstance(world.plan(LOGGING, "prod"), Right)

    world.make(change.undo)
    assert logging_of(world) == before


@pytest.mark.parametrize(
    ("steps", "where", "why"),
    [
        ([bucket("logs", policy=None)], "logs", "admit_delivery"),
        ([bucket("logs", region="us-east-1")], "logs", "within a region"),
        ([bucket("other")], "logs", "cannot be checked"),
        ([bucket("logs", encryption="aws:kms")], "logs", "use_sse_s3"),
    ],
)
def test_what_aws_would_refuse_or_not_deliver_to_is_held(
    world: World, steps: list[dict[str, Any]], where: str, why: str
) -> None:
    world.sandbox.plant([*steps, cluster()])

    held = world.plan(LOGGING, "prod", destination=Destination("s3", where))

    assert isinstance(held, Held)
    assert why in held.why


# ---------------------------------------------------------------- parameters and reboot


def attached(world: World, name: str = "prod") -> str:
    client = world.sandbox.client("redshift")
    found = client.describe_clusters(ClusterIdentifier=name)["Clusters"][0]
    group: str = found["ClusterParameterGroups"][0]["ParameterGroupName"]
    return group


def values_of(world: World, group: str) -> dict[str, str]:
    client = world.sandbox.client("redshift")
    found = client.describe_cluster_parameters(ParameterGroupName=group, Source="user")
    return {each["ParameterName"]: each["ParameterValue"] for each in found["Parameters"]}


def effective_of(world: World, group: str) -> dict[str, str]:
    client = world.sandbox.client("redshift")
    found = client.describe_cluster_parameters(ParameterGroupName=group)
    return {each["ParameterName"]: each["ParameterValue"] for each in found["Parameters"]}


@pytest.mark.parametrize("values", [{"require_ssl": "true"}, {PARAMETER: "false"}])
def test_a_shared_group_is_set_rebooted_and_put_back(world: World, values: dict[str, str]) -> None:
    world.sandbox.plant(
        [
            {"do": "parameter_group", **HERE, "name": "own", "values": values},
            cluster(parameter_group="own"),
            cluster("twin", parameter_group="own"),
        ]
    )
    change = world.change(ACTIVITY, "prod")
    assert change.affects == ("twin",)

    world.make(change.calls)
    right = world.plan(ACTIVITY, "prod")
    assert isinstance(right, Right)
    assert "pending reboot" in right.awaits

    world.make(change.undo)
    assert values_of(world, "own") == values


@pytest.mark.parametrize("family", ["redshift-1.0", "redshift-2.0"])
def test_a_default_group_is_replaced_step_by_step_and_nothing_else_changes(
    world: World, family: str
) -> None:
    default = f"default.{family}"
    world.sandbox.plant(
        [cluster(parameter_group=default), cluster("twin", parameter_group=default)]
    )
    before = effective_of(world, default)
    whole = world.change(ACTIVITY, "prod")

    for left in range(len(whole.calls), 0, -1):  # a run that is interrupted after each call
        change = world.change(ACTIVITY, "prod")
        assert [call.operation for call in change.calls] == [
            call.operation for call in whole.calls[-left:]
        ]
        world.make(change.calls[:1])

    right = world.plan(ACTIVITY, "prod")
    assert isinstance(right, Right)
    assert effective_of(world, attached(world)) == before | {PARAMETER: "true"}
    assert attached(world, "twin") == default

    world.make(whole.undo)
    assert attached(world) == default


def test_only_the_reboot_in_its_window_puts_it_in_force(world: World) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    ends = [now - timedelta(minutes=30), now + timedelta(minutes=30)]
    window = "-".join(f"{end:%a:%H:%M}".lower() for end in ends)
    world.sandbox.plant(
        [
            {"do": "parameter_group", **HERE, "name": "own", "values": {PARAMETER: "false"}},
            cluster(parameter_group="own", maintenance_window=window),
        ]
    )
    assert isinstance(world.plan(REBOOT, "prod", now), Held)
    world.make(world.change(ACTIVITY, "prod").calls)

    late = world.plan(REBOOT, "prod", ends[1])
    assert isinstance(late, Held)
    assert late.later
    change = world.change(REBOOT, "prod", now)
    assert PARAMETER in str(change.costs)
    world.make(change.calls)

    assert isinstance(world.plan(REBOOT, "prod", now), Right)
    right = world.plan(ACTIVITY, "prod")
    assert isinstance(right, Right)
    assert not right.awaits


def test_a_group_that_is_being_applied_is_refused_by_aws_and_held_by_us(world: World) -> None:
    world.sandbox.plant(
        [
            {"do": "parameter_group", **HERE, "name": "own", "values": {}},
            cluster(parameter_group="own"),
        ]
    )
    change = world.change(ACTIVITY, "prod")
    world.sandbox.plant([cluster(parameter_status={"": "applying"})])

    with pytest.raises(ClientError) as refused:
        world.make(change.calls)
    assert code_of(refused) == "InvalidClusterParameterGroupState"
    held = world.plan(ACTIVITY, "prod")
    assert isinstance(held, Held)
    assert held.later


# ---------------------------------------------------------------- log groups


def retention_of(world: World, name: str) -> int | None:
    found = world.sandbox.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    days: int | None = found[0].get("retentionInDays")
    return days


@pytest.mark.parametrize(
    ("days", "params", "after"),
    [(None, {"max_days": 180}, 180), (365, {"max_days": 200}, 180), (30, {"min_days": 100}, 120)],
)
def test_retention_is_set_and_put_back(
    world: World, days: int | None, params: dict[str, Value], after: int
) -> None:
    name = "/aws/redshift/cluster/prod/userlog"
    world.sandbox.plant([{"do": "log_group", **HERE, "name": name, "retention": days}])
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
    world.sandbox.client("logs").tag_resource(resourceArn=arn, tags={"team": "data"})

    change = world.change(RETENTION, name, params=params)
    world.make(change.calls)
    assert retention_of(world, name) == after
    assert isinstance(world.plan(RETENTION, name, params=params), Right)
    assert change.tags == {"team": "data"}

    world.make(change.undo)
    assert retention_of(world, name) == days


def test_a_group_that_is_missing_is_made_with_retention(world: World) -> None:
    name = "/aws/redshift/reporting/userlog"

    change = world.change(RETENTION, name, params={"max_days": 180})
    world.make(change.calls[:1])  # interrupted
    again = world.change(RETENTION, name, params={"max_days": 180})
    world.make(again.calls)

    assert retention_of(world, name) == 180
    right = world.plan(RETENTION, name, params={"max_days": 180})
    assert isinstance(right, Right)
    assert right.documents[0].before == change.documents[0].after


# ---------------------------------------------------------------- serverless


def serverless(world: World) -> Any:
    return world.sandbox.client("redshift-serverless")


def test_exports_are_completed_and_put_back(world: World) -> None:
    world.sandbox.plant([{"do": "namespace", **HERE, "name": "reporting", "exports": ["userlog"]}])
    arn = serverless(world).get_namespace(namespaceName="reporting")["namespace"]["namespaceArn"]
    serverless(world).tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "data"}])

    def exports() -> list[str]:
        found = serverless(world).get_namespace(namespaceName="reporting")["namespace"]
        return sorted(found["logExports"])

    change = world.change(EXPORT, "reporting")
    world.make(change.calls)
    assert exports() == sorted(ALL)
    assert isinstance(world.plan(EXPORT, "reporting"), Right)
    assert change.tags == {"team": "data"}

    world.make(change.undo)
    assert exports() == ["userlog"]


def test_the_parameter_of_a_workgroup_is_set_among_the_others_and_put_back(world: World) -> None:
    values = {"require_ssl": "true", PARAMETER: "false"}
    where = {"do": "workgroup", **HERE, "name": "wg-1", "namespace": "reporting"}
    world.sandbox.plant(
        [{"do": "namespace", **HERE, "name": "reporting"}, where | {"parameters": values}]
    )

    def parameters() -> dict[str, str]:
        found = serverless(world).get_workgroup(workgroupName="wg-1")["workgroup"]
        return {p["parameterKey"]: p["parameterValue"] for p in found["configParameters"]}

    change = world.change(SERVERLESS_ACTIVITY, "wg-1")
    world.make(change.calls)
    assert parameters() == values | {PARAMETER: "true"}
    assert isinstance(world.plan(SERVERLESS_ACTIVITY, "wg-1"), Right)

    world.make(change.undo)
    assert parameters() == values


def test_what_is_being_modified_is_refused_by_aws_and_held_by_us(world: World) -> None:
    world.sandbox.plant([{"do": "namespace", **HERE, "name": "reporting"}])
    change = world.change(EXPORT, "reporting")
    world.sandbox.plant([{"do": "namespace", **HERE, "name": "reporting", "status": "MODIFYING"}])

    with pytest.raises(ClientError) as refused:
        world.make(change.calls)
    assert code_of(refused) == "ConflictException"
    held = world.plan(EXPORT, "reporting")
    assert isinstance(held, Held)
    assert held.later
