"""The user activity parameter: in a shared group, in a group made anew, and when to keep off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.change import Change, Cost, Document, Held, Planned, Right, Task
from controls.fixes.parameter_clone import clone_name
from controls.fixes.redshift_parameters import FIXES
from controls.model import CannotTellError
from tests.controls.fixes.parameter_world import DEFAULTS, NAME, REF, cluster, group, world
from tests.fakes import NOW

(FIX,) = FIXES
DEFAULT = "default.redshift-2.0"
CLONE = "trailkeeper-redshift-2-0-prod"
OURS = {"trailkeeper__fix": "enable_user_activity_logging"}


def plan(clusters: Sequence[Mapping[str, Any]], groups: Mapping[str, Any], **rest: Any) -> Planned:
    aws = world(clusters, groups, **rest).allowing(FIX.reads)
    return FIX.plan(aws, Task(REF, NOW))


def changed(planned: Planned) -> Change:
    assert isinstance(planned, Change), planned
    return planned


def names(change: Change) -> list[str]:
    return [call.operation for call in change.calls]


# ---------------------------------------------------------------- its own group


def test_one_parameter_of_its_group_is_set_and_every_cluster_that_shares_it_is_named() -> None:
    clusters = [
        cluster(),
        cluster("twin"),
        cluster("third", ClusterStatus="paused", Tags=[{"Key": "env", "Value": "vital"}]),
        cluster("other", group="other", Tags=[{"Key": "env", "Value": "no matter"}]),
    ]
    change = changed(plan(clusters, {"own": group({"require_ssl": "true"}, team="data")}))

    (call,) = change.calls
    assert call.name == "redshift:ModifyClusterParameterGroup"
    assert call.params == {
        "ParameterGroupName": "own",
        "Parameters": [{"ParameterName": NAME, "ParameterValue": "true"}],
    }
    assert change.affects == ("twin", "third")
    assert change.affected_tags == (("env", "prod"), ("env", "vital"))
    assert "twin, third" in change.summary
    assert change.tags == {"team": "data"}
    assert change.documents == (
        Document(
            "parameters set in parameter group own",
            {"require_ssl": "true"},
            {"require_ssl": "true", NAME: "true"},
        ),
    )
    assert "maintenance windows do not apply it" in change.awaits
    assert "prod, twin, third" in change.undo_costs[Cost.WEAKENS]


def test_undo_resets_that_parameter_alone_where_it_was_not_set() -> None:
    change = changed(plan([cluster()], {"own": group({"require_ssl": "true"})}))

    (undo,) = change.undo
    assert undo.name == "redshift:ResetClusterParameterGroup"
    assert undo.params == {
        "ParameterGroupName": "own",
        "ResetAllParameters": False,
        "Parameters": [{"ParameterName": NAME}],
    }


def test_undo_puts_back_the_value_that_was_set() -> None:
    change = changed(plan([cluster()], {"own": group({NAME: "FALSE"})}))

    (undo,) = change.undo
    assert undo.operation == "ModifyClusterParameterGroup"
    assert undo.params["Parameters"] == [{"ParameterName": NAME, "ParameterValue": "FALSE"}]


@pytest.mark.parametrize(
    ("status", "awaits"),
    [
        ("in-sync", ""),
        ("pending-reboot", "now: pending-reboot"),
        ("applying", "now: applying"),
        ("apply-error", "now: apply-error"),
        ("", "now: not shown"),
    ],
)
def test_a_value_that_is_true_is_right_and_may_await_a_reboot(status: str, awaits: str) -> None:
    right = plan([cluster(status=status, ClusterStatus="paused")], {"own": group({NAME: "true"})})

    assert isinstance(right, Right)
    assert awaits in right.awaits
    assert bool(right.awaits) is bool(awaits)
    assert all(document.before == document.after for document in right.documents)


# ---------------------------------------------------------------- a group of its own


def test_a_cluster_on_a_default_group_gets_one_of_the_same_family_made_filled_then_attached() -> (
    None
):
    change = changed(
        plan([cluster(group=DEFAULT), cluster("twin", group=DEFAULT)], {DEFAULT: group({})})
    )

    create, fill, attach = change.calls
    assert create.params == {
        "ParameterGroupName": CLONE,
        "ParameterGroupFamily": "redshift-2.0",
        "Description": "Parameters of cluster prod, made by Trailkeeper",
        "Tags": [{"Key": "trailkeeper:fix", "Value": "enable_user_activity_logging"}],
    }
    assert fill.params == {
        "ParameterGroupName": CLONE,
        "Parameters": [{"ParameterName": NAME, "ParameterValue": "true"}],
    }
    assert attach.params == {"ClusterIdentifier": "prod", "ClusterParameterGroupName": CLONE}
    (undo,) = change.undo
    assert undo.params == {"ClusterIdentifier": "prod", "ClusterParameterGroupName": DEFAULT}
    assert change.affects == ()
    assert change.tags == {"env": "prod"}
    assert change.awaits
    assert change.documents[1].before is None


@pytest.mark.parametrize(
    ("shown", "carried"),
    [
        pytest.param({"require_ssl": "false"}, {"require_ssl": "false"}, id="require_ssl differs"),
        pytest.param({"strange": "1"}, {"strange": "1"}, id="the defaults do not name it"),
        pytest.param({}, {}, id="nothing differs"),
    ],
)
def test_what_a_new_group_would_say_otherwise_is_carried_over(
    shown: dict[str, str], carried: dict[str, str]
) -> None:
    change = changed(plan([cluster(group=DEFAULT)], {DEFAULT: group({})}, shown=shown))

    assert change.documents[1].after == carried | {NAME: "true"}
    sent = {p["ParameterName"]: p["ParameterValue"] for p in change.calls[1].params["Parameters"]}
    assert sent == carried | {NAME: "true"}


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from([f"p{i}" for i in range(60)]), st.text(max_size=5)),
    st.integers(0, 4),
)
def test_every_set_value_is_kept_in_calls_of_at_most_twenty_whatever_was_done_before(
    values: dict[str, str], done: int
) -> None:
    groups = {DEFAULT: group(values)}
    whole = changed(plan([cluster(group=DEFAULT)], groups))
    sizes = [len(call.params["Parameters"]) for call in whole.calls[1:-1]]
    assert all(0 < size <= 20 for size in sizes)

    calls = whole.calls[: min(done, len(whole.calls) - 1)]
    if calls:  # a run was interrupted here
        made = {
            p["ParameterName"]: p["ParameterValue"]
            for call in calls[1:]
            for p in call.params["Parameters"]
        }
        groups[CLONE] = group(made, **OURS)
    rest = changed(plan([cluster(group=DEFAULT)], groups))

    assert names(rest)[-1] == "ModifyCluster"
    assert ("CreateClusterParameterGroup" in names(rest)) is not bool(calls)
    final: dict[str, str] = {}
    for call in (*calls, *rest.calls):
        for p in call.params.get("Parameters", ()):
            final[p["ParameterName"]] = p["ParameterValue"]
    assert final == values | {NAME: "true"}
    assert rest.documents[-1].after == final


def test_all_done_but_the_attaching_is_one_call_more() -> None:
    groups = {DEFAULT: group({}), CLONE: group({NAME: "true"}, **OURS)}

    assert names(changed(plan([cluster(group=DEFAULT)], groups))) == ["ModifyCluster"]


def test_attached_it_is_right_until_the_reboot() -> None:
    change = changed(plan([cluster(group=DEFAULT)], {DEFAULT: group({})}))

    right = plan([cluster(group=CLONE, status="pending-reboot")], {CLONE: group({NAME: "true"})})

    assert isinstance(right, Right)
    assert "pending reboot" in right.awaits
    assert [d.before for d in right.documents] == [d.after for d in change.documents]
    assert [d.what for d in right.documents] == [d.what for d in change.documents]


@pytest.mark.parametrize(
    ("groups", "rest", "why"),
    [
        ({CLONE: group({NAME: "true"})}, {}, "without our tag"),
        ({CLONE: group({}, trailkeeper__fix="another")}, {}, "without our tag"),
        ({CLONE: group({}, "redshift-1.0", **OURS)}, {}, "in the family redshift-1.0"),
        ({CLONE: group({"auto_mv": "false"}, **OURS)}, {}, "sets auto_mv otherwise"),
        ({CLONE: group({NAME: "false"}, **OURS)}, {}, "otherwise"),
        ({DEFAULT: group({"wlm_json_configuration": "x" * 8001})}, {}, "8000"),
        ({}, {"shown": {"auto_mv": "false"}, "modifiable": False}, "cannot be set"),
        (
            {},
            {"defaults": {NAME: "false"}, "shown": {"require_ssl": "true"}},
            "require_ssl",
        ),
    ],
)
def test_a_group_that_would_not_be_the_same_is_held(
    groups: dict[str, Any], rest: dict[str, Any], why: str
) -> None:
    held = plan([cluster(group=DEFAULT)], {DEFAULT: group({})} | groups, **rest)

    assert isinstance(held, Held)
    assert why in held.why


def test_our_group_on_another_cluster_is_left_alone() -> None:
    clusters = [cluster(group=DEFAULT), cluster("twin", group=CLONE)]

    held = plan(clusters, {DEFAULT: group({}), CLONE: group({NAME: "true"}, **OURS)})

    assert isinstance(held, Held)
    assert "attached to twin" in held.why


def test_wlm_of_eight_thousand_characters_is_carried_whole() -> None:
    wlm = "x" * 8000
    values = group({"wlm_json_configuration": wlm})

    change = changed(plan([cluster(group=DEFAULT)], {DEFAULT: values}))

    assert change.documents[1].after["wlm_json_configuration"] == wlm


def test_a_family_without_known_defaults_cannot_be_told() -> None:
    with pytest.raises(CannotTellError, match="no defaults"):
        plan([cluster(group=DEFAULT)], {DEFAULT: group({})}, defaults={})


# ---------------------------------------------------------------- either


@pytest.mark.parametrize("own", ["own", DEFAULT])
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ClusterStatus": "paused"}, "paused"),
        ({"ClusterStatus": "modifying"}, "modifying"),
        ({"ClusterStatus": ""}, "no status"),
        ({"PendingModifiedValues": {"NodeType": "ra3.4xlarge"}}, "NodeType"),
        ({"PendingModifiedValues": {"MasterUserPassword": "secret"}}, "MasterUserPassword"),
        ({"status": "applying"}, "being applied"),
    ],
)
def test_it_waits_for_what_goes_on(own: str, changes: dict[str, Any], why: str) -> None:
    held = plan([cluster(group=own, **changes)], {own: group({})})

    assert isinstance(held, Held)
    assert why in held.why
    assert "secret" not in held.why
    assert held.later


def test_it_waits_while_the_group_is_being_applied_to_another_cluster() -> None:
    held = plan([cluster(), cluster("twin", status="applying")], {"own": group({})})

    assert isinstance(held, Held)
    assert "twin" in held.why
    assert held.later


def test_a_pending_value_that_is_empty_is_none_and_a_tag_without_key_is_none() -> None:
    odd: dict[str, Any] = {"PendingModifiedValues": {"NodeType": ""}, "Tags": [{"Value": "x"}]}

    change = changed(plan([cluster(group=DEFAULT, **odd)], {DEFAULT: group({})}))

    assert change.tags == {}


def test_another_group_that_is_being_applied_holds_nothing() -> None:
    clusters = [cluster(), cluster("twin", group="other", status="applying")]

    changed(plan(clusters, {"own": group({})}))


@pytest.mark.parametrize(
    "clusters",
    [
        pytest.param([], id="gone"),
        pytest.param([cluster("Prod")], id="another one, by case"),
        pytest.param([cluster(ClusterParameterGroups=[])], id="without a group"),
        pytest.param(
            [cluster(ClusterParameterGroups=[{"ParameterGroupName": "a"}] * 2)], id="with two"
        ),
        pytest.param([cluster(ClusterParameterGroups=[{}])], id="with one that has no name"),
    ],
)
def test_a_cluster_that_is_not_understood_is_held(clusters: list[Any]) -> None:
    held = plan(clusters, {"own": group({})})

    assert isinstance(held, Held)
    assert not held.later


def test_a_value_that_aws_never_applies_is_held() -> None:
    held = plan([cluster(status="invalid-parameter")], {"own": group({NAME: "true"})})

    assert isinstance(held, Held)
    assert "invalid-parameter" in held.why


def test_a_value_that_is_neither_cannot_be_told() -> None:
    with pytest.raises(CannotTellError, match="'maybe'"):
        plan([cluster()], {"own": group({NAME: "maybe"})})


@settings(deadline=None)
@given(
    st.from_regex(r"[A-Za-z0-9.\-_]{1,300}", fullmatch=True),
    st.from_regex(r"[a-z](-?[a-z0-9]){0,62}", fullmatch=True),
)
def test_the_name_is_one_that_aws_takes(family: str, name: str) -> None:
    made = clone_name(family, name)

    assert made == clone_name(family, name) == made.lower()
    assert 1 <= len(made) <= 255
    assert "--" not in made
    assert made[0].isalpha()
    assert not made.endswith("-")
    assert not set(made) - set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_no_call_or_undo_touches_a_default_group() -> None:
    for own, groups in (("own", {"own": group({})}), (DEFAULT, {DEFAULT: group(DEFAULTS)})):
        change = changed(plan([cluster(group=own)], groups))

        for call in (*change.calls, *change.undo):
            assert call.name in FIX.writes
            assert not str(call.params.get("ParameterGroupName", "")).startswith("default.")
