"""Redshift clusters in the sandbox answer as AWS does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox_server import OTHER_ACCOUNT, REGION, Sandbox, code_of

ACCOUNT = "111122223333"
HERE = {"account": ACCOUNT, "region": REGION}
NOW = datetime.now(UTC)


def cluster(identifier: str = "prod", **settings: Any) -> dict[str, Any]:
    return {"do": "cluster", **HERE, "identifier": identifier, **settings}


def described(sandbox: Sandbox, identifier: str = "prod") -> Any:
    return sandbox.client("redshift").describe_clusters(ClusterIdentifier=identifier)["Clusters"][0]


def test_250_clusters_come_in_pages_of_100(sandbox: Sandbox) -> None:
    sandbox.plant([cluster(f"c{number:03}") for number in range(250)])

    pages = list(sandbox.client("redshift").get_paginator("describe_clusters").paginate())

    assert [len(page["Clusters"]) for page in pages] == [100, 100, 50]
    assert len({c["ClusterIdentifier"] for page in pages for c in page["Clusters"]}) == 250


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        pytest.param({"MaxRecords": 19}, "InvalidParameterValue", id="page too small"),
        pytest.param({"MaxRecords": 101}, "InvalidParameterValue", id="page too large"),
        pytest.param({"Marker": "garbage"}, "InvalidParameterValue", id="a marker of nobody"),
        pytest.param(
            {"Marker": "x", "ClusterIdentifier": "prod"},
            "InvalidParameterCombination",
            id="marker and identifier",
        ),
        pytest.param({"ClusterIdentifier": "none"}, "ClusterNotFound", id="no such cluster"),
    ],
)
def test_describe_clusters_refuses(sandbox: Sandbox, asked: dict[str, Any], code: str) -> None:
    sandbox.plant([cluster()])

    with pytest.raises(ClientError) as refused:
        sandbox.client("redshift").describe_clusters(**asked)

    assert code == code_of(refused)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param({"TagKeys": ["team"]}, ["a", "b"], id="by key"),
        pytest.param({"TagValues": ["blue"]}, ["b"], id="by value"),
        pytest.param({"TagKeys": ["none"], "TagValues": ["red"]}, ["a"], id="either suffices"),
    ],
)
def test_clusters_are_found_by_tag(
    sandbox: Sandbox, asked: dict[str, Any], found: list[str]
) -> None:
    sandbox.plant([cluster("a", tags={"team": "red"}), cluster("b", tags={"team": "blue"})])
    sandbox.plant([cluster("c")])

    answer = sandbox.client("redshift").describe_clusters(**asked)["Clusters"]

    assert found == [c["ClusterIdentifier"] for c in answer]


def test_members_that_stock_moto_lacks(sandbox: Sandbox) -> None:
    arn = "arn:aws:iam::111122223333:role/load"
    sandbox.plant(
        [
            cluster(
                roles={arn: "removing"}, created_at="2026-01-02T03:04:05+00:00", status="resizing"
            )
        ]
    )

    found = described(sandbox)

    assert [{"IamRoleArn": arn, "ApplyStatus": "removing"}] == found["IamRoles"]
    assert datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) == found["ClusterCreateTime"]
    assert (found["ClusterStatus"], found["ClusterAvailabilityStatus"]) == ("resizing", "Modifying")
    assert found["ClusterNamespaceArn"].startswith("arn:aws:redshift:eu-west-1:111122223333:names")


def test_accounts_and_regions_do_not_see_each_other(sandbox: Sandbox) -> None:
    sandbox.plant([cluster()])

    for account, region in [(OTHER_ACCOUNT, REGION), (ACCOUNT, "us-east-1")]:
        client = sandbox.client("redshift", account=account, region=region)
        assert client.describe_clusters()["Clusters"] == []


# ---------------------------------------------------------------- parameters


def group(values: dict[str, str], name: str = "audit") -> dict[str, Any]:
    return {"do": "parameter_group", **HERE, "name": name, "values": values}


def states(sandbox: Sandbox, identifier: str = "prod") -> tuple[str, dict[str, str]]:
    [shown] = described(sandbox, identifier)["ClusterParameterGroups"]
    listed = shown["ClusterParameterStatusList"]
    return shown["ParameterApplyStatus"], {
        p["ParameterName"]: p["ParameterApplyStatus"] for p in listed
    }


def test_a_default_group_is_in_sync_and_lists_no_parameters(sandbox: Sandbox) -> None:
    sandbox.plant([cluster("a"), cluster("b", parameter_group="default.redshift-1.0")])

    assert ("in-sync", {}) == states(sandbox, "a") == states(sandbox, "b")


def test_a_changed_value_is_pending_until_the_reboot(sandbox: Sandbox) -> None:
    sandbox.plant([group({}), cluster(parameter_group="audit")])
    redshift = sandbox.client("redshift")
    seen = [states(sandbox)]

    redshift.modify_cluster_parameter_group(
        ParameterGroupName="audit",
        Parameters=[{"ParameterName": "enable_user_activity_logging", "ParameterValue": "true"}],
    )
    seen.append(states(sandbox))
    redshift.reboot_cluster(ClusterIdentifier="prod")
    seen.append(states(sandbox))

    assert [status for status, _ in seen] == ["in-sync", "pending-reboot", "in-sync"]
    assert [listed["enable_user_activity_logging"] for _, listed in seen] == [
        "in-sync",
        "pending-reboot",
        "in-sync",
    ]
    assert {"in-sync"} == set(seen[1][1].values()) - {"pending-reboot"}


def test_another_group_is_pending_until_the_reboot(sandbox: Sandbox) -> None:
    sandbox.plant([group({}), cluster()])
    redshift = sandbox.client("redshift")

    redshift.modify_cluster(ClusterIdentifier="prod", ClusterParameterGroupName="audit")
    status, listed = states(sandbox)

    assert ("pending-reboot", {"pending-reboot"}) == (status, set(listed.values()))


def test_attaching_matches_the_whole_name_of_a_group(sandbox: Sandbox) -> None:
    sandbox.plant([group({}), cluster()])

    with pytest.raises(ClientError) as refused:
        sandbox.client("redshift").modify_cluster(
            ClusterIdentifier="prod", ClusterParameterGroupName="xauditx"
        )

    assert code_of(refused) == "ClusterParameterGroupNotFound"


def test_a_state_may_be_planted(sandbox: Sandbox) -> None:
    planted = {"": "applying", "enable_user_activity_logging": "apply-error"}
    sandbox.plant([group({}), cluster(parameter_group="audit", parameter_status=planted)])

    status, listed = states(sandbox)

    assert (status, listed["enable_user_activity_logging"]) == ("applying", "apply-error")


def test_a_cluster_may_be_planted_as_started_with_other_values(sandbox: Sandbox) -> None:
    sandbox.plant(
        [
            group({"enable_user_activity_logging": "true"}),
            cluster(
                parameter_group="audit", started_with={"enable_user_activity_logging": "false"}
            ),
        ]
    )

    assert states(sandbox)[1]["enable_user_activity_logging"] == "pending-reboot"


def values(sandbox: Sandbox, name: str, **asked: Any) -> dict[str, str]:
    pages = sandbox.client("redshift").get_paginator("describe_cluster_parameters")
    return {
        p["ParameterName"]: p["ParameterValue"]
        for page in pages.paginate(ParameterGroupName=name, **asked)
        for p in page["Parameters"]
    }


def test_a_group_has_its_own_values(sandbox: Sandbox) -> None:
    own = {"enable_user_activity_logging": "true"}
    sandbox.plant([group(own), group({}, "other")])

    assert own == values(sandbox, "audit", Source="user")
    assert values(sandbox, "other", Source="user") == {}
    assert values(sandbox, "audit")["enable_user_activity_logging"] == "true"
    assert values(sandbox, "other")["enable_user_activity_logging"] == "false"


def test_the_families_differ_in_ssl(sandbox: Sandbox) -> None:
    assert values(sandbox, "default.redshift-1.0")["require_ssl"] == "false"
    assert values(sandbox, "default.redshift-2.0")["require_ssl"] == "true"


def test_resetting_takes_the_default_back(sandbox: Sandbox) -> None:
    sandbox.plant([group({"enable_user_activity_logging": "true", "require_ssl": "false"})])
    redshift = sandbox.client("redshift")

    redshift.reset_cluster_parameter_group(
        ParameterGroupName="audit",
        ResetAllParameters=False,
        Parameters=[{"ParameterName": "require_ssl"}],
    )
    assert values(sandbox, "audit", Source="user") == {"enable_user_activity_logging": "true"}

    redshift.reset_cluster_parameter_group(ParameterGroupName="audit")
    assert values(sandbox, "audit", Source="user") == {}


@pytest.mark.parametrize(
    ("name", "parameter", "value", "code"),
    [
        pytest.param(
            "default.redshift-2.0",
            "enable_user_activity_logging",
            "true",
            "InvalidClusterParameterGroupState",
            id="a default group",
        ),
        pytest.param("audit", "nonsense", "1", "InvalidParameterValue", id="no such parameter"),
        pytest.param(
            "audit",
            "enable_user_activity_logging",
            "yes",
            "InvalidParameterValue",
            id="not a boolean",
        ),
        pytest.param(
            "none", "require_ssl", "true", "ClusterParameterGroupNotFound", id="no such group"
        ),
    ],
)
def test_parameters_that_cannot_be_changed(
    sandbox: Sandbox, name: str, parameter: str, value: str, code: str
) -> None:
    sandbox.plant([group({})])

    with pytest.raises(ClientError) as refused:
        sandbox.client("redshift").modify_cluster_parameter_group(
            ParameterGroupName=name,
            Parameters=[{"ParameterName": parameter, "ParameterValue": value}],
        )

    assert code == code_of(refused)


def test_a_group_cannot_be_made_twice(sandbox: Sandbox) -> None:
    sandbox.plant([group({})])

    with pytest.raises(ClientError) as refused:
        sandbox.client("redshift").create_cluster_parameter_group(
            ParameterGroupName="audit", ParameterGroupFamily="redshift-2.0", Description="again"
        )

    assert code_of(refused) == "ClusterParameterGroupAlreadyExists"


# ---------------------------------------------------------------- states and events


@pytest.mark.parametrize("action", ["pause_cluster", "reboot_cluster"])
def test_writes_wait_while_a_cluster_is_resizing(sandbox: Sandbox, action: str) -> None:
    sandbox.plant([cluster(status="resizing")])

    with pytest.raises(ClientError) as refused:
        getattr(sandbox.client("redshift"), action)(ClusterIdentifier="prod")

    assert code_of(refused) == "InvalidClusterState"


def test_available_with_an_addition_is_available(sandbox: Sandbox) -> None:
    sandbox.plant([cluster(status="available, prep-for-resize")])

    sandbox.client("redshift").reboot_cluster(ClusterIdentifier="prod")

    assert described(sandbox)["ClusterStatus"] == "available"


def test_pausing_and_resuming_leave_events(sandbox: Sandbox) -> None:
    sandbox.plant([cluster()])
    redshift = sandbox.client("redshift")

    redshift.pause_cluster(ClusterIdentifier="prod")
    assert described(sandbox)["ClusterStatus"] == "paused"
    redshift.resume_cluster(ClusterIdentifier="prod")
    redshift.reboot_cluster(ClusterIdentifier="prod")
    events = redshift.describe_events(SourceType="cluster", SourceIdentifier="prod")["Events"]

    assert [event["EventId"] for event in events] == [
        "REDSHIFT-EVENT-3618",
        "REDSHIFT-EVENT-3622",
        "REDSHIFT-EVENT-3000",
    ]
    assert events[1]["Message"].startswith("The cluster prod was resumed at ")


def event(what: str, ago: timedelta, cluster: str = "prod") -> dict[str, Any]:
    return {"do": "event", **HERE, "cluster": cluster, "what": what, "at": NOW - ago}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param({}, ["REDSHIFT-EVENT-3622"], id="the last hour by default"),
        pytest.param(
            {"Duration": 20160},
            ["REDSHIFT-EVENT-3618", "REDSHIFT-EVENT-3622"],
            id="no more than 14 days are kept",
        ),
        pytest.param(
            {"StartTime": NOW - timedelta(days=60), "EndTime": NOW - timedelta(hours=2)},
            ["REDSHIFT-EVENT-3618"],
            id="between two times",
        ),
        pytest.param({"SourceType": "cluster-snapshot"}, [], id="of another source"),
        pytest.param(
            {"SourceType": "cluster", "SourceIdentifier": "other"}, [], id="of another cluster"
        ),
    ],
)
def test_planted_events_are_found_by_time_and_source(
    sandbox: Sandbox, asked: dict[str, Any], found: list[str]
) -> None:
    sandbox.plant(
        [
            event("resumed", timedelta(minutes=10)),
            event("paused", timedelta(days=2)),
            event("rebooted", timedelta(days=20)),
        ]
    )

    events = sandbox.client("redshift").describe_events(**asked)["Events"]

    assert found == [e["EventId"] for e in events]


def test_events_come_in_pages(sandbox: Sandbox) -> None:
    sandbox.plant([event("resumed", timedelta(minutes=n / 10)) for n in range(130)])

    pages = list(sandbox.client("redshift").get_paginator("describe_events").paginate())

    assert [len(page["Events"]) for page in pages] == [100, 30]
