"""The retention of log groups: values that AWS takes, and what is deleted by them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.change import Change, Cost, Held, Planned, Right, Task
from controls.fixes.log_groups import FIXES, RETENTIONS
from controls.model import AwsError, CannotTellError, Ref, Value
from tests.fakes import ACCOUNT, NOW, REGION, FakeAws, denied

(FIX,) = FIXES
NAME = "/aws/redshift/cluster/prod/userlog"
ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{NAME}"
MAX: dict[str, Value] = {"max_days": 180}
MIN: dict[str, Value] = {"min_days": 180}


def plan(
    params: dict[str, Value], name: str = NAME, answers: dict[str, Any] | None = None, **said: Any
) -> Planned:
    aws = reader(answers, **said).allowing(FIX.reads)
    return FIX.plan(aws, Task(Ref("cloudwatch_log_group", ACCOUNT, REGION, name), NOW, params))


def reader(answers: dict[str, Any] | None = None, **said: Any) -> FakeAws:
    created = int((NOW - timedelta(days=400)).timestamp() * 1000)
    one = {"logGroupName": NAME, "arn": f"{ARN}:*", "creationTime": created, "storedBytes": 123456}
    longer = {"logGroupName": f"{NAME}-2", "arn": "x", "retentionInDays": 1}
    usual: dict[str, Any] = {
        "logs:DescribeLogGroups": {"logGroups": [longer, one | said]},
        "logs:ListTagsForResource": {"tags": {"team": "data"}},
    }
    return FakeAws(usual | (answers or {}))


def test_the_first_retention_destroys_and_says_how_much() -> None:
    change = plan(MAX)

    assert isinstance(change, Change)
    (call,) = change.calls
    assert call.name == "logs:PutRetentionPolicy"
    assert call.params == {"logGroupName": NAME, "retentionInDays": 180}
    said = change.costs[Cost.DESTROYS]
    assert "older than 180 days" in said
    assert "123,456 bytes" in said
    assert "created 2025-10-18 (400 days ago)" in said
    (undo,) = change.undo
    assert (undo.name, undo.params) == ("logs:DeleteRetentionPolicy", {"logGroupName": NAME})
    assert not change.undo_costs
    assert change.tags == {"team": "data"}
    assert (change.documents[0].before, change.documents[0].after) == (
        {"retentionInDays": None},
        {"retentionInDays": 180},
    )


def test_a_shorter_retention_destroys_and_undo_puts_the_longer_back() -> None:
    change = plan(MAX, retentionInDays=365)

    assert isinstance(change, Change)
    assert Cost.DESTROYS in change.costs
    assert change.undo[0].params == {"logGroupName": NAME, "retentionInDays": 365}
    assert not change.undo_costs


def test_a_longer_retention_destroys_nothing_and_undoing_it_does() -> None:
    change = plan(MIN, retentionInDays=30)

    assert isinstance(change, Change)
    assert change.calls[0].params["retentionInDays"] == 180
    assert not change.costs
    assert "older than 30 days" in change.undo_costs[Cost.DESTROYS]


@pytest.mark.parametrize(
    ("params", "days", "why"),
    [
        (MAX, 180, "180"),
        (MAX, 30, "30"),
        (MIN, 180, "180"),
        (MIN, 3653, "3653"),
        (MIN, None, "never expire"),
        ({**MIN, "max_days": 400}, 365, "365"),
    ],
)
def test_within_the_bounds_it_is_right(
    params: dict[str, Value], days: int | None, why: str
) -> None:
    right = plan(params, retentionInDays=days)

    assert isinstance(right, Right)
    assert why in right.why
    assert right.documents[0].before == right.documents[0].after == {"retentionInDays": days}


bounds = st.none() | st.integers(1, 4000)


@settings(deadline=None)
@given(bounds, bounds, st.none() | st.sampled_from(RETENTIONS))
def test_what_is_set_is_allowed_and_within_both_bounds_and_then_right(
    least: int | None, most: int | None, now: int | None
) -> None:
    given_: dict[str, Value] = {}
    given_ |= {"min_days": least} if least else {}
    given_ |= {"max_days": most} if most else {}

    planned = plan(given_, retentionInDays=now)

    if isinstance(planned, Change):
        days = planned.calls[0].params["retentionInDays"]
        assert days in RETENTIONS
        assert days >= (least or 1)
        assert days <= (most or 3653)
        assert (Cost.DESTROYS in planned.costs) is (now is None or days < now)
        assert isinstance(plan(given_, retentionInDays=days), Right)
        closer = [each for each in RETENTIONS if (least or 1) <= each <= (most or 3653)]
        assert days == (closer[-1] if most else closer[0])


@pytest.mark.parametrize(
    ("params", "said", "why"),
    [
        ({}, {}, "neither min_days nor max_days"),
        ({"min_days": 181, "max_days": 200}, {}, "takes no retention from 181 to 200"),
        ({"min_days": 4000}, {}, "takes no retention"),
        (MAX, {"logGroupClass": "DELIVERY"}, "DELIVERY"),
        (MAX, {"retentionPolicyName": "org", "retentionInDays": 400}, "account-level"),
        (
            MAX,
            {"answers": {"logs:ListTagsForResource": denied("logs:ListTagsForResource")}},
            "cannot be told",
        ),
    ],
)
def test_it_is_held(params: dict[str, Value], said: dict[str, Any], why: str) -> None:
    held = plan(params, **said)

    assert isinstance(held, Held)
    assert why in held.why
    assert not held.later


@pytest.mark.parametrize(
    "name",
    [
        "/aws/redshift/cluster/new/useractivitylog",
        "/aws/redshift/reporting/connectionlog",
        "/aws/redshift/cluster/userlog",
    ],
)
def test_a_group_that_redshift_would_make_without_retention_is_made_with_one(name: str) -> None:
    change = plan(MAX, name)

    assert isinstance(change, Change)
    assert [(call.operation, dict(call.params)) for call in change.calls] == [
        ("CreateLogGroup", {"logGroupName": name}),
        ("PutRetentionPolicy", {"logGroupName": name, "retentionInDays": 180}),
    ]
    assert not change.costs
    assert not change.undo
    assert change.no_undo
    assert change.documents[0].before is None


def test_a_group_that_is_missing_keeps_long_enough() -> None:
    assert isinstance(plan(MIN, "/aws/redshift/cluster/new/userlog"), Right)


@pytest.mark.parametrize(
    "name", ["/aws/lambda/x", "/aws/redshift/cluster/a/b/userlog", "/aws/redshift/x/otherlog"]
)
def test_a_missing_group_that_redshift_would_not_make_is_held(name: str) -> None:
    assert isinstance(plan(MAX, name), Held)


@pytest.mark.parametrize("value", [True, "180", 0, -1, 1.5])
def test_a_bound_that_is_no_number_of_days_cannot_be_told(value: Value) -> None:
    with pytest.raises(CannotTellError, match="number of days"):
        plan({"max_days": value})


def test_a_retention_that_is_not_documented_cannot_be_told() -> None:
    with pytest.raises(CannotTellError, match="retentionInDays is 0"):
        plan(MAX, retentionInDays=0)


def test_tags_are_asked_for_by_the_arn_without_the_star() -> None:
    for said in ({}, {"logGroupArn": ARN}):
        aws = reader(None, **said)
        FIX.plan(aws, Task(Ref("cloudwatch_log_group", ACCOUNT, REGION, NAME), NOW, MAX))

        assert aws.calls("logs:ListTagsForResource") == [{"resourceArn": ARN}]


def test_another_failure_to_read_tags_is_raised() -> None:
    with pytest.raises(AwsError):
        plan(MAX, answers={"logs:ListTagsForResource": AwsError("Timeout", "")})


def test_an_unknown_size_is_said_to_be_unknown() -> None:
    change = plan(MAX, storedBytes=None, creationTime=None)

    assert isinstance(change, Change)
    assert "unknown size" in change.costs[Cost.DESTROYS]
