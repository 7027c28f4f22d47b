"""Serverless: one setting a request, nothing dropped from a list, nothing while it is changing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.change import Change, Cost, Held, Planned, Right, Task
from controls.fixes.serverless import FIXES
from controls.model import AwsError, Ref
from tests.fakes import ACCOUNT, NOW, REGION, FakeAws, denied, failing

EXPORT, ACTIVITY = FIXES
PARAMETER = "enable_user_activity_logging"
ALL = ["connectionlog", "userlog", "useractivitylog"]
TAGS = {"tags": [{"key": "team", "value": "data"}]}


def namespace(exports: Sequence[str] = (), tags: Any = TAGS, **changes: Any) -> Planned:
    found = {
        "namespaceName": "reporting",
        "namespaceArn": "arn:ns",
        "status": "AVAILABLE",
        "logExports": list(exports),
    } | changes
    aws = FakeAws(
        {
            "redshift-serverless:GetNamespace": {"namespace": found},
            "redshift-serverless:ListTagsForResource": tags,
        }
    )
    ref = Ref("redshift_serverless_namespace", ACCOUNT, REGION, "reporting")
    return EXPORT.plan(aws.allowing(EXPORT.reads), Task(ref, NOW))


def workgroup(
    parameters: Sequence[tuple[str, str]] = (), tags: Any = TAGS, **changes: Any
) -> Planned:
    found = {
        "workgroupName": "reporting-wg",
        "workgroupArn": "arn:wg",
        "status": "AVAILABLE",
        "configParameters": listed(parameters),
    } | changes
    aws = FakeAws(
        {
            "redshift-serverless:GetWorkgroup": {"workgroup": found},
            "redshift-serverless:ListTagsForResource": tags,
        }
    )
    ref = Ref("redshift_serverless_workgroup", ACCOUNT, REGION, "reporting-wg")
    return ACTIVITY.plan(aws.allowing(ACTIVITY.reads), Task(ref, NOW))


def listed(parameters: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"parameterKey": key, "parameterValue": value} for key, value in parameters]


# ---------------------------------------------------------------- exports


def test_missing_exports_are_added_to_those_there_are_alone_in_the_request() -> None:
    change = namespace(["userlog", "somethinglog"])

    assert isinstance(change, Change)
    (call,) = change.calls
    assert call.name == "redshift-serverless:UpdateNamespace"
    assert call.params == {
        "namespaceName": "reporting",
        "logExports": ["userlog", "somethinglog", "connectionlog", "useractivitylog"],
    }
    (undo,) = change.undo
    assert undo.params["logExports"] == ["userlog", "somethinglog"]
    assert "connectionlog, useractivitylog" in change.undo_costs[Cost.WEAKENS]
    assert not change.costs
    assert change.tags == {"team": "data"}


def test_no_empty_list_is_ever_sent() -> None:
    change = namespace([])

    assert isinstance(change, Change)
    assert change.calls[0].params["logExports"] == ALL
    assert not change.undo
    assert "empty list" in change.no_undo


@settings(deadline=None)
@given(st.lists(st.sampled_from([*ALL, "x", "y"]), unique=True))
def test_after_the_call_it_is_right(exports: list[str]) -> None:
    planned = namespace(exports)

    if isinstance(planned, Change):
        after = planned.calls[0].params["logExports"]
        assert after[: len(exports)] == exports
        right = namespace(after, status="MODIFYING")
        assert isinstance(right, Right)
        assert right.documents[0].before == planned.documents[0].after
    else:
        assert isinstance(planned, Right)
        assert set(ALL) <= set(exports)


@pytest.mark.parametrize("status", ["MODIFYING", "DELETING", None])
def test_a_namespace_that_is_not_available_waits(status: str | None) -> None:
    held = namespace([], status=status)

    assert isinstance(held, Held)
    assert held.later


@pytest.mark.parametrize("published", [{"enabledAll": True}, {"s3Tables": ["sys_userlog"]}])
def test_a_namespace_that_publishes_s3_tables_is_held(published: dict[str, Any]) -> None:
    held = namespace([], s3TablePublishStatus=published)

    assert isinstance(held, Held)
    assert "S3 Tables" in held.why


# ---------------------------------------------------------------- the parameter


def test_the_whole_list_is_sent_with_the_one_changed_in_its_place() -> None:
    change = workgroup([("require_ssl", "true"), (PARAMETER, "false"), ("datestyle", "ISO, MDY")])

    assert isinstance(change, Change)
    (call,) = change.calls
    assert call.name == "redshift-serverless:UpdateWorkgroup"
    assert call.params == {
        "workgroupName": "reporting-wg",
        "configParameters": listed(
            [("require_ssl", "true"), (PARAMETER, "true"), ("datestyle", "ISO, MDY")]
        ),
    }
    (undo,) = change.undo
    assert undo.params["configParameters"][1]["parameterValue"] == "false"
    assert Cost.WEAKENS in change.undo_costs
    assert "MODIFYING" in change.costs[Cost.INTERRUPTS]


def test_a_parameter_that_is_not_listed_is_added_without_an_undo() -> None:
    change = workgroup([("require_ssl", "true")])

    assert isinstance(change, Change)
    sent = change.calls[0].params["configParameters"]
    assert sent == listed([("require_ssl", "true"), (PARAMETER, "true")])
    assert not change.undo
    assert "not listed" in change.no_undo


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["require_ssl", "datestyle", "search_path", PARAMETER]),
        st.sampled_from(["true", "false", "x"]),
    )
)
def test_every_other_parameter_is_kept_and_afterwards_it_is_right(values: dict[str, str]) -> None:
    planned = workgroup(list(values.items()))

    if isinstance(planned, Change):
        sent = planned.calls[0].params["configParameters"]
        after = [(each["parameterKey"], each["parameterValue"]) for each in sent]
        assert dict(after) == values | {PARAMETER: "true"}
        assert len(after) == len(dict(after))
        right = workgroup(after[::-1], status="MODIFYING")
        assert isinstance(right, Right)
        assert right.documents[0].before == planned.documents[0].after
    else:
        assert isinstance(planned, Right)
        assert values[PARAMETER] == "true"


def test_a_parameter_that_is_listed_twice_is_held() -> None:
    assert isinstance(workgroup([(PARAMETER, "true"), (PARAMETER, "false")]), Held)


def test_a_workgroup_that_is_not_available_waits() -> None:
    held = workgroup([], status="MODIFYING")

    assert isinstance(held, Held)
    assert held.later


# ---------------------------------------------------------------- both


@pytest.mark.parametrize("planned", [namespace, workgroup])
def test_tags_that_may_not_be_read_hold_it(planned: Any) -> None:
    held = planned(tags=denied("redshift-serverless:ListTagsForResource"))

    assert isinstance(held, Held)
    assert "cannot be told" in held.why
    with pytest.raises(AwsError):
        planned(tags=failing("InternalServerException"))


@pytest.mark.parametrize(
    ("fix", "operation"), [(EXPORT, "GetNamespace"), (ACTIVITY, "GetWorkgroup")]
)
def test_what_is_gone_is_held(fix: Any, operation: str) -> None:
    gone = failing("ResourceNotFoundException")
    aws = FakeAws({f"redshift-serverless:{operation}": gone})

    held = fix.plan(aws, Task(Ref(fix.kind, ACCOUNT, REGION, "x"), NOW))

    assert isinstance(held, Held)
    assert "not exist" in held.why
