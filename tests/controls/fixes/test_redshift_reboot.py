"""A reboot: for a parameter that waits for one, in the maintenance window, with all it applies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controls.change import Change, Cost, Held, Planned, Right, Task
from controls.fixes.redshift_reboot import FIXES
from controls.model import CannotTellError
from tests.controls.fixes.parameter_world import NAME, REF, cluster, group, world

(FIX,) = FIXES
SUNDAY = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
"""Within the window sun:07:30-sun:08:30."""


def plan(value: str = "true", now: datetime = SUNDAY, **changes: Any) -> Planned:
    described = cluster(**{"status": "pending-reboot", **changes})
    aws = world([described], {"own": group({NAME: value} if value else {})})
    return FIX.plan(aws.allowing(FIX.reads), Task(REF, now))


def test_it_interrupts_and_says_all_that_it_applies() -> None:
    change = plan(
        PendingModifiedValues={"NodeType": "ra3.4xlarge", "MasterUserPassword": "secret"},
        PendingActions=["cluster relocation"],
    )

    assert isinstance(change, Change)
    (call,) = change.calls
    assert (call.name, call.params) == ("redshift:RebootCluster", {"ClusterIdentifier": "prod"})
    said = change.costs[Cost.INTERRUPTS]
    for part in (NAME, "NodeType = ra3.4xlarge", "MasterUserPassword", "cluster relocation"):
        assert part in said
    assert "secret" not in f"{change}"
    assert "require_ssl" not in said
    assert not change.undo
    assert change.no_undo
    assert change.tags == {"env": "prod"}
    assert change.documents[0].before["PendingActions"] == ["cluster relocation"]


@pytest.mark.parametrize("status", ["pending-reboot", "apply-deferred", "apply-error"])
def test_each_status_that_a_reboot_ends_is_rebooted(status: str) -> None:
    assert isinstance(plan(status=status), Change)


def test_a_group_whose_parameters_are_not_listed_is_applied_whole() -> None:
    shown = {"ParameterGroupName": "own", "ParameterApplyStatus": "pending-reboot"}

    change = plan(ClusterParameterGroups=[shown])

    assert isinstance(change, Change)
    assert "parameters of own: all of them" in change.costs[Cost.INTERRUPTS]


def test_what_else_waits_in_the_group_is_no_reason_to_reboot() -> None:
    status = [{"ParameterName": NAME, "ParameterApplyStatus": "in-sync"}]
    shown = {"ParameterGroupName": "own", "ParameterApplyStatus": "pending-reboot"}

    right = plan(ClusterParameterGroups=[shown | {"ClusterParameterStatusList": status}])

    assert isinstance(right, Right)


def test_in_force_it_is_right_in_any_window() -> None:
    right = plan(status="in-sync", now=SUNDAY + timedelta(days=1))

    assert isinstance(right, Right)
    assert [(d.before, d.after) for d in right.documents] == [({}, {})]


@pytest.mark.parametrize(
    ("changes", "why", "later"),
    [
        ({"value": "false"}, "`enable_user_activity_logging` comes first", False),
        ({"value": ""}, "`enable_user_activity_logging` comes first", False),
        ({"status": "applying"}, "being applied", True),
        ({"status": "invalid-parameter"}, "invalid-parameter", False),
        ({"status": ""}, "no status", False),
        ({"ClusterStatus": "rebooting"}, "rebooting", True),
        ({"ClusterStatus": "paused"}, "paused", True),
        ({"ClusterStatus": "available, resize-cleanup"}, "resize-cleanup", True),
        ({"PreferredMaintenanceWindow": ""}, "no maintenance window", False),
        ({"PreferredMaintenanceWindow": "daily"}, "no maintenance window", False),
        ({"now": SUNDAY + timedelta(minutes=30)}, "opens at 2026-11-29 07:30 UTC", True),
        ({"now": SUNDAY - timedelta(minutes=31)}, "opens at 2026-11-22 07:30 UTC", True),
    ],
)
def test_it_is_held(changes: dict[str, Any], why: str, later: bool) -> None:
    held = plan(**changes)

    assert isinstance(held, Held)
    assert why in held.why
    assert held.later is later


def deferral(start: Any, end: Any) -> dict[str, Any]:
    span = {"DeferMaintenanceStartTime": start, "DeferMaintenanceEndTime": end}
    return {"DeferredMaintenanceWindows": [span]}


def test_while_maintenance_is_deferred_the_next_window_after_it_counts() -> None:
    hour = timedelta(hours=1)

    held = plan(**deferral(SUNDAY - hour, SUNDAY + hour))

    assert isinstance(held, Held)
    assert "opens at 2026-11-29 07:30 UTC" in held.why
    assert isinstance(plan(**deferral(SUNDAY + hour, SUNDAY + 2 * hour)), Change)


def test_a_deferral_without_its_end_cannot_be_told() -> None:
    with pytest.raises(CannotTellError, match="deferred"):
        plan(**deferral(SUNDAY, None))


def test_a_cluster_that_is_gone_is_held() -> None:
    aws = world([], {"own": group({})})

    assert isinstance(FIX.plan(aws, Task(REF, SUNDAY)), Held)


def test_a_cluster_without_a_group_is_held() -> None:
    assert isinstance(plan(ClusterParameterGroups=[]), Held)


def test_a_value_that_is_neither_cannot_be_told() -> None:
    with pytest.raises(CannotTellError):
        plan(value="maybe")
