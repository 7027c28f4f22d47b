"""What changing Redshift meets in the sandbox: defaults told, states that refuse, tags kept."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox_server import REGION, Sandbox, code_of

HERE = {"account": "111122223333", "region": REGION}


def cluster(**settings: Any) -> dict[str, Any]:
    return {"do": "cluster", **HERE, "identifier": "prod", **settings}


@pytest.mark.parametrize(("family", "ssl"), [("redshift-1.0", "false"), ("redshift-2.0", "true")])
def test_the_defaults_of_a_family_are_those_of_its_default_group(
    sandbox: Sandbox, family: str, ssl: str
) -> None:
    redshift = sandbox.client("redshift")

    told = redshift.describe_default_cluster_parameters(ParameterGroupFamily=family)
    group = redshift.describe_cluster_parameters(ParameterGroupName=f"default.{family}")

    defaults = told["DefaultClusterParameters"]
    assert defaults["Parameters"] == group["Parameters"]
    assert "Marker" not in defaults
    values = {p["ParameterName"]: p["ParameterValue"] for p in defaults["Parameters"]}
    assert values["require_ssl"] == ssl


def test_the_defaults_of_no_family_are_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ClientError) as refused:
        sandbox.client("redshift").describe_default_cluster_parameters(ParameterGroupFamily="x")

    assert code_of(refused) == "InvalidParameterValue"


@pytest.mark.parametrize("name", ["two--hyphens", "ends-", "1st", "with.dot", "a" * 256])
def test_a_group_name_that_aws_refuses_is_refused(sandbox: Sandbox, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        sandbox.client("redshift").create_cluster_parameter_group(
            ParameterGroupName=name, ParameterGroupFamily="redshift-2.0", Description="d"
        )

    assert code_of(refused) == "InvalidParameterValue"


def test_a_group_in_no_family_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ClientError) as refused:
        sandbox.client("redshift").create_cluster_parameter_group(
            ParameterGroupName="own", ParameterGroupFamily="redshift-9", Description="d"
        )

    assert code_of(refused) == "InvalidParameterValue"


def test_a_group_is_told_with_its_family_and_tags(sandbox: Sandbox) -> None:
    redshift = sandbox.client("redshift")
    redshift.create_cluster_parameter_group(
        ParameterGroupName="Own",
        ParameterGroupFamily="redshift-1.0",
        Description="d",
        Tags=[{"Key": "team", "Value": "data"}],
    )

    (group,) = redshift.describe_cluster_parameter_groups(ParameterGroupName="own")[
        "ParameterGroups"
    ]

    assert group["ParameterGroupFamily"] == "redshift-1.0"
    assert group["Tags"] == [{"Key": "team", "Value": "data"}]


@pytest.mark.parametrize("operation", ["modify", "reset"])
def test_a_group_that_is_being_applied_takes_no_change(sandbox: Sandbox, operation: str) -> None:
    sandbox.plant(
        [
            {"do": "parameter_group", **HERE, "name": "own", "values": {}},
            cluster(parameter_group="own", parameter_status={"": "applying"}),
        ]
    )
    change = getattr(sandbox.client("redshift"), f"{operation}_cluster_parameter_group")

    with pytest.raises(ClientError) as refused:
        change(
            ParameterGroupName="own",
            Parameters=[{"ParameterName": "require_ssl", "ParameterValue": "true"}],
        )

    assert code_of(refused) == "InvalidClusterParameterGroupState"


def test_a_cluster_is_modified_only_while_it_is_available(sandbox: Sandbox) -> None:
    sandbox.plant([cluster(status="paused")])

    with pytest.raises(ClientError) as refused:
        sandbox.client("redshift").modify_cluster(
            ClusterIdentifier="prod", ClusterParameterGroupName="default.redshift-1.0"
        )

    assert code_of(refused) == "InvalidClusterState"


# ---------------------------------------------------------------- serverless


@pytest.fixture
def serverless(sandbox: Sandbox) -> Any:
    sandbox.plant(
        [
            {"do": "namespace", **HERE, "name": "sales"},
            {"do": "namespace", **HERE, "name": "busy", "status": "MODIFYING"},
            {"do": "workgroup", **HERE, "name": "sales-wg", "namespace": "sales"},
            {"do": "workgroup", **HERE, "name": "busy-wg", "namespace": "busy"}
            | {"status": "MODIFYING"},
        ]
    )
    return sandbox.client("redshift-serverless")


@pytest.mark.parametrize(
    ("operation", "asked", "code"),
    [
        ("update_namespace", {"namespaceName": "busy", "logExports": []}, "ConflictException"),
        (
            "update_namespace",
            {"namespaceName": "sales", "logExports": ["userlog"], "kmsKeyId": "k"},
            "ValidationException",
        ),
        ("update_workgroup", {"workgroupName": "busy-wg", "port": 5440}, "ConflictException"),
        (
            "update_workgroup",
            {"workgroupName": "sales-wg", "port": 5440, "baseCapacity": 64},
            "ValidationException",
        ),
        ("update_workgroup", {"workgroupName": "sales-wg"}, "ValidationException"),
        ("list_tags_for_resource", {"resourceArn": "arn:x"}, "ResourceNotFoundException"),
    ],
)
def test_serverless_refuses(
    serverless: Any, operation: str, asked: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(serverless, operation)(**asked)

    assert code_of(refused) == code


def test_one_setting_of_a_workgroup_is_changed(serverless: Any) -> None:
    serverless.update_workgroup(workgroupName="sales-wg", port=5440)

    assert serverless.get_workgroup(workgroupName="sales-wg")["workgroup"]["port"] == 5440


@pytest.mark.parametrize("kind", ["namespace", "workgroup"])
def test_tags_are_kept_and_told(serverless: Any, kind: str) -> None:
    name = {"namespace": "sales", "workgroup": "sales-wg"}[kind]
    shown = getattr(serverless, f"get_{kind}")(**{f"{kind}Name": name})[kind]
    arn = shown[f"{kind}Arn"]
    assert serverless.list_tags_for_resource(resourceArn=arn)["tags"] == []

    serverless.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "data"}])

    tags = serverless.list_tags_for_resource(resourceArn=arn)["tags"]
    assert tags == [{"key": "team", "value": "data"}]
