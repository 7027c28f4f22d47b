"""Redshift Serverless in the sandbox, a service that stock moto has not."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox_server import REGION, Sandbox, code_of

HERE = {"account": "111122223333", "region": REGION}


def namespace(name: str, **more: Any) -> dict[str, Any]:
    return {"do": "namespace", **HERE, "name": name, **more}


def test_namespaces_and_workgroups_come_in_pages(sandbox: Sandbox) -> None:
    sandbox.plant([namespace(f"n{number:03}") for number in range(120)])
    sandbox.plant(
        [
            {"do": "workgroup", **HERE, "name": f"w{number}", "namespace": "n000"}
            for number in range(3)
        ]
    )
    serverless = sandbox.client("redshift-serverless")

    namespaces = list(serverless.get_paginator("list_namespaces").paginate())
    first = serverless.list_workgroups(maxResults=2)
    rest = serverless.list_workgroups(maxResults=2, nextToken=first["nextToken"])

    assert [len(page["namespaces"]) for page in namespaces] == [100, 20]
    assert [w["workgroupName"] for w in first["workgroups"] + rest["workgroups"]] == [
        "w0",
        "w1",
        "w2",
    ]
    assert "nextToken" not in rest


def test_a_namespace_shows_its_exports_and_roles(sandbox: Sandbox) -> None:
    arn = "arn:aws:iam::111122223333:role/load"
    sandbox.plant([namespace("sales", exports=["userlog"], roles=[arn], kmsKeyId="k")])

    found = sandbox.client("redshift-serverless").get_namespace(namespaceName="sales")["namespace"]

    assert (
        found["logExports"],
        found["status"],
        found["kmsKeyId"],
    ) == (["userlog"], "AVAILABLE", "k")
    assert [f"IamRole(applyStatus=in-sync, iamRoleArn={arn})"] == found["iamRoles"]


def test_updates_replace_exports_and_merge_parameters(sandbox: Sandbox) -> None:
    sandbox.plant(
        [
            namespace("sales", exports=["userlog"]),
            {
                "do": "workgroup",
                **HERE,
                "name": "reporting",
                "namespace": "sales",
                "parameters": {"require_ssl": "true", "enable_user_activity_logging": "false"},
            },
        ]
    )
    serverless = sandbox.client("redshift-serverless")
    switched = {"parameterKey": "enable_user_activity_logging", "parameterValue": "true"}

    serverless.update_namespace(namespaceName="sales", logExports=["connectionlog"])
    serverless.update_workgroup(workgroupName="reporting", configParameters=[switched])

    namespace_now = serverless.get_namespace(namespaceName="sales")["namespace"]
    workgroup_now = serverless.get_workgroup(workgroupName="reporting")["workgroup"]
    assert namespace_now["logExports"] == ["connectionlog"]
    assert [
        {"parameterKey": "require_ssl", "parameterValue": "true"},
        switched,
    ] == workgroup_now["configParameters"]


def test_namespaces_can_be_created_and_publish_to_tables(sandbox: Sandbox) -> None:
    serverless = sandbox.client("redshift-serverless")
    serverless.create_namespace(namespaceName="made", logExports=["userlog"])
    serverless.create_workgroup(workgroupName="www", namespaceName="made")

    serverless.update_namespace(
        namespaceName="made", logDestinationType="s3table", s3TableAction="Enable"
    )

    found = serverless.get_namespace(namespaceName="made")["namespace"]
    assert found["s3TablePublishStatus"]["enabledAll"]


@pytest.mark.parametrize(
    ("operation", "asked", "code"),
    [
        pytest.param(
            "get_namespace", {"namespaceName": "none"}, "ResourceNotFoundException", id="namespace"
        ),
        pytest.param(
            "get_workgroup", {"workgroupName": "none"}, "ResourceNotFoundException", id="workgroup"
        ),
        pytest.param(
            "create_namespace", {"namespaceName": "sales"}, "ConflictException", id="twice"
        ),
        pytest.param(
            "update_namespace",
            {"namespaceName": "sales", "logExports": ["x"]},
            "ValidationException",
            id="an unknown export",
        ),
        pytest.param(
            "update_namespace",
            {"namespaceName": "sales", "logExports": [], "kmsKeyId": "k"},
            "ValidationException",
            id="two settings at once",
        ),
    ],
)
def test_refusals(sandbox: Sandbox, operation: str, asked: dict[str, Any], code: str) -> None:
    sandbox.plant([namespace("sales")])

    with pytest.raises(ClientError) as refused:
        getattr(sandbox.client("redshift-serverless"), operation)(**asked)

    assert code == code_of(refused)
