"""A parameter counts when it is true and in force; every doubt is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.model import Said, Unknown
from controls.semantics.parameters import USER_ACTIVITY, in_force, user_activity_value


def shown(answer: Said[bool] | Unknown) -> bool | None:
    """True, false, or None for unknown; each with a reason."""
    assert answer.reason
    return answer.value if isinstance(answer, Said) else None


def named(value: object) -> list[dict[str, Any]]:
    return [
        {"ParameterName": "require_ssl", "ParameterValue": "true"},
        {"ParameterName": USER_ACTIVITY, "ParameterValue": value},
    ]


@pytest.mark.parametrize(
    ("parameters", "group", "value"),
    [
        pytest.param(named("true"), "own", True, id="true is true"),
        pytest.param(named("True"), "own", True, id="case does not matter"),
        pytest.param(named(" TRUE "), "own", True, id="blanks do not matter"),
        pytest.param(named("false"), "own", False, id="false is false"),
        pytest.param(named("1"), "own", None, id="a one is unknown"),
        pytest.param(named("on"), "own", None, id="on is unknown"),
        pytest.param(named(""), "own", None, id="an empty value is unknown"),
        pytest.param([], "own", False, id="not set by the user is the default, false"),
        pytest.param([], "default.redshift-1.0", False, id="the old default group is false"),
        pytest.param([], "default.redshift-2.0", False, id="the new default group is false too"),
        pytest.param(
            [{"ParameterName": "require_ssl", "ParameterValue": "true"}],
            "own",
            False,
            id="another parameter that is true says nothing",
        ),
        pytest.param(
            [{"ParameterName": f"{USER_ACTIVITY}_2", "ParameterValue": "true"}],
            "own",
            False,
            id="a longer name is another parameter",
        ),
    ],
)
def test_the_value_is_what_the_group_sets(
    parameters: list[dict[str, Any]], group: str, value: bool | None
) -> None:
    assert shown(user_activity_value(parameters, group)) is value


def test_the_reason_for_a_default_group_says_that_it_cannot_be_changed() -> None:
    answer = user_activity_value([], "default.redshift-2.0")
    assert "cannot be changed" in answer.reason
    assert "cannot be changed" not in user_activity_value([], "defaults").reason


def group(status: str | None, *own: str) -> dict[str, Any]:
    """One entry of ClusterParameterGroups: its status, and that of our parameter, where listed."""
    others = [{"ParameterName": "require_ssl", "ParameterApplyStatus": "pending-reboot"}]
    ours = [{"ParameterName": USER_ACTIVITY, "ParameterApplyStatus": one} for one in own]
    entry: dict[str, Any] = {"ParameterGroupName": "own"}
    if own:
        entry["ClusterParameterStatusList"] = others + ours
    return entry if status is None else entry | {"ParameterApplyStatus": status}


@pytest.mark.parametrize(
    ("groups", "value"),
    [
        pytest.param([group("in-sync", "in-sync")], True, id="in-sync is in force"),
        pytest.param(
            [group("pending-reboot", "in-sync")], True, id="its own status beats the group's"
        ),
        pytest.param(
            [group("in-sync", "pending-reboot")], False, id="a pending parameter is not in force"
        ),
        pytest.param([group("in-sync", "applying")], False, id="applying is not yet"),
        pytest.param([group("in-sync", "invalid-parameter")], False, id="invalid never applies"),
        pytest.param([group("in-sync", "apply-deferred")], False, id="deferred needs a reboot"),
        pytest.param([group("in-sync", "apply-error")], False, id="an error needs a reboot"),
        pytest.param([group("in-sync", "unknown-error")], False, id="so does an unknown error"),
        pytest.param([group("in-sync", "")], None, id="an empty status is unknown"),
        pytest.param([group("in-sync", "ready")], None, id="an unheard-of status is unknown"),
        pytest.param([group("in-sync", "in-sync", "pending-reboot")], False, id="the worse counts"),
        pytest.param([group("in-sync")], True, id="without a list the group's status decides"),
        pytest.param([group("pending-reboot")], False, id="the group alone is pending"),
        pytest.param([group(None)], None, id="no status at all is unknown"),
        pytest.param([], None, id="no group is unknown"),
        pytest.param(
            [group("in-sync", "in-sync"), group("in-sync", "in-sync")],
            None,
            id="two groups are unknown, even if both are in-sync",
        ),
    ],
)
def test_in_force_is_what_the_clusters_own_status_says(
    groups: Sequence[dict[str, Any]], value: bool | None
) -> None:
    assert shown(in_force(groups, USER_ACTIVITY)) is value


statuses = st.sampled_from(["in-sync", "pending-reboot", "applying", "ready", "", "IN-SYNC"])


@given(statuses, st.lists(statuses, max_size=3))
def test_in_force_is_only_said_where_every_status_is_in_sync(whole: str, own: list[str]) -> None:
    answer = shown(in_force([group(whole, *own)], USER_ACTIVITY))
    assert (answer is True) is (set(own or [whole]) == {"in-sync"})
