"""Serverless: exports stand on the namespace, the parameter on the workgroup."""

from __future__ import annotations

from typing import Any

import pytest

from controls.kinds.redshift_serverless_namespace import list_namespaces, role_arns
from controls.model import Unknown
from tests.controls.kinds.estate import LOG_TYPES, healthy, verdicts
from tests.fakes import FakeAws, Prepared, denied

ROLE = "arn:aws:iam::111122223333:role"


def namespaces(**members: Any) -> dict[str, Prepared]:
    one = {"namespaceName": "ns", "namespaceArn": "arn:ns"} | members
    return healthy() | {"redshift-serverless:ListNamespaces": {"namespaces": [one]}}


@pytest.mark.parametrize(
    ("members", "verdict"),
    [
        pytest.param({"logExports": list(LOG_TYPES)}, "pass", id="all three"),
        pytest.param({"logExports": ["userlog", "connectionlog"]}, "fail", id="two of three"),
        pytest.param({"logExports": []}, "fail", id="none"),
        pytest.param({}, "fail", id="no list"),
        pytest.param({"logExports": None}, "fail", id="a list that is null"),
        pytest.param({"logExports": ["userlog"] * 3}, "fail", id="the same one three times"),
        pytest.param(
            {"logExports": [], "s3TablePublishStatus": {"enabledAll": True}},
            "unknown",
            id="none, but all S3 Tables",
        ),
        pytest.param(
            {"logExports": [], "s3TablePublishStatus": {"s3Tables": ["sys_userlog"]}},
            "unknown",
            id="none, but some S3 Tables",
        ),
        pytest.param(
            {"logExports": [], "s3TablePublishStatus": {"enabledAll": False, "s3Tables": []}},
            "fail",
            id="none, and S3 Tables are off again",
        ),
    ],
)
def test_a_namespace_exports_what_it_lists(members: dict[str, Any], verdict: str) -> None:
    assert verdicts(namespaces(**members), "serverless-log-types-complete") == {"ns": verdict}


@pytest.mark.parametrize(
    ("parameters", "verdict"),
    [
        pytest.param([("enable_user_activity_logging", "true")], "pass", id="true"),
        pytest.param([("enable_user_activity_logging", "TRUE")], "pass", id="case does not matter"),
        pytest.param([("enable_user_activity_logging", "false")], "fail", id="false"),
        pytest.param([("enable_user_activity_logging", "")], "unknown", id="empty"),
        pytest.param([("enable_user_activity_logging", "on")], "unknown", id="neither"),
        pytest.param([("require_ssl", "true")], "unknown", id="another parameter is true"),
        pytest.param([], "unknown", id="not listed: its default is not documented"),
        pytest.param(None, "unknown", id="no parameters at all"),
    ],
)
def test_a_workgroup_logs_queries_where_its_parameter_says_so(
    parameters: list[tuple[str, str]] | None, verdict: str
) -> None:
    rows = (
        None
        if parameters is None
        else [{"parameterKey": key, "parameterValue": value} for key, value in parameters]
    )
    one = {"workgroupName": "wg", "namespaceName": "ns", "configParameters": rows}
    answers = healthy() | {"redshift-serverless:ListWorkgroups": {"workgroups": [one]}}
    assert verdicts(answers, "serverless-user-activity-logged") == {"wg": verdict}


@pytest.mark.parametrize(
    ("operation", "rule"),
    [
        ("redshift-serverless:ListNamespaces", "serverless-log-types-complete"),
        ("redshift-serverless:ListWorkgroups", "serverless-user-activity-logged"),
    ],
)
def test_what_cannot_be_listed_is_unknown(operation: str, rule: str) -> None:
    answers = healthy() | {operation: denied(operation)}
    assert verdicts(answers, rule) == {"*": "unknown"}


@pytest.mark.parametrize(
    ("entries", "arns"),
    [
        pytest.param(None, [], id="none"),
        pytest.param([f"{ROLE}/a"], [f"{ROLE}/a"], id="a bare ARN"),
        pytest.param(
            [f"IamRole(applyStatus=in-sync, iamRoleArn={ROLE}/service-role/a)"],
            [f"{ROLE}/service-role/a"],
            id="an ARN in words, with a path",
        ),
        pytest.param(
            [f"IamRole(iamRoleArn={ROLE}/a, applyStatus=in-sync)"],
            [f"{ROLE}/a"],
            id="the comma behind an ARN is not of its name",
        ),
        pytest.param(
            [f"IamRole(iamRoleArn={ROLE}/a,applyStatus=in-sync)"],
            [f"{ROLE}/a"],
            id="nor without a blank behind it",
        ),
        pytest.param(
            [f"IamRole(applyStatus=removing, iamRoleArn={ROLE}/a)"], [], id="one that is removed"
        ),
        pytest.param([f"{ROLE}/a,b"], [f"{ROLE}/a,b"], id="a comma within a name"),
        pytest.param(["IamRole(?)"], None, id="an entry without an ARN is unknown"),
        pytest.param([f"{ROLE}/a", "role-b"], None, id="one of two cannot be read"),
    ],
)
def test_roles_are_read_however_the_api_writes_them(
    entries: list[str] | None, arns: list[str] | None
) -> None:
    aws = FakeAws(namespaces(iamRoles=entries))
    (item,) = list_namespaces(aws)
    found = role_arns(aws, item)
    assert (None if isinstance(found, Unknown) else found) == arns
