"""Clusters: the facts behind logging, the parameter, delivery and roles, and their verdicts."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from controls.kinds.redshift_cluster import REDSHIFT_CLUSTER, list_clusters
from controls.model import Reading, State
from tests.controls.kinds.estate import (
    ADMITTING,
    BUCKET,
    DAY,
    HOUR,
    cluster,
    healthy,
    judged,
    swept,
    to_cloudwatch,
    to_s3,
    to_tables,
    verdicts,
)
from tests.fakes import NOW, FakeAws, Prepared, denied, failing

OFF = {"LoggingEnabled": False}


def facts(answers: dict[str, Prepared]) -> dict[str, Reading]:
    """What the rules read of c1."""
    snapshot, _ = swept(answers)
    return dict(next(r for r in snapshot.resources if r.ref.id.endswith("/c1")).facts)


def status(answer: Any) -> dict[str, Prepared]:
    return {"redshift:DescribeLoggingStatus": answer}


@pytest.mark.parametrize(
    ("text", "up"),
    [
        pytest.param("available", True, id="available"),
        pytest.param("available, prep-for-resize", True, id="available and about to resize"),
        pytest.param("available, resize-cleanup", True, id="available after a resize"),
        pytest.param("paused", False, id="paused"),
        pytest.param("resizing", False, id="resizing"),
        pytest.param("creating", False, id="creating"),
        pytest.param("unavailable", False, id="a word that contains available"),
        pytest.param("inaccessible-kms-key", False, id="a status that is not documented"),
        pytest.param("", None, id="no status is unknown"),
    ],
)
def test_a_cluster_is_up_when_its_status_begins_with_available(text: str, up: bool | None) -> None:
    answers = healthy([cluster(ClusterStatus=text)])
    assert facts(answers)["available"].value is up


CLUSTER_RULES = [
    "redshift-audit-logging-on",
    "redshift-log-types-complete",
    "redshift-user-activity-logged",
    "redshift-log-delivery-healthy",
    "redshift-log-delivery-admitted",
]
ALL_PASS = ("pass",) * 5
NOT_ASKED = "not_applicable"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(to_s3(), ALL_PASS, id="to S3, as it should be"),
        pytest.param(
            to_cloudwatch(), ("pass", "pass", "pass", NOT_ASKED, NOT_ASKED), id="to CloudWatch"
        ),
        pytest.param(
            to_tables(), ("pass", "pass", "pass", NOT_ASKED, NOT_ASKED), id="to S3 Tables"
        ),
        pytest.param(OFF, ("fail", *(NOT_ASKED,) * 4), id="off"),
        pytest.param(OFF | {"BucketName": "b"}, ("fail", *(NOT_ASKED,) * 4), id="off since"),
        pytest.param({}, ("unknown",) * 5, id="an empty answer"),
        pytest.param(to_s3(LogDestinationType="kafka"), ("unknown",) * 5, id="to somewhere else"),
        pytest.param(
            denied("redshift:DescribeLoggingStatus"), ("unknown",) * 5, id="the status is denied"
        ),
        pytest.param(failing("ClusterNotFound"), ("unknown",) * 5, id="the cluster is gone since"),
        pytest.param(
            to_s3(LogExports=["userlog"]),
            ("pass", "fail", "pass", "pass", "pass"),
            id="one log of three to S3",
        ),
        pytest.param(
            to_cloudwatch(LogExports=[]),
            ("pass", "unknown", "pass", NOT_ASKED, NOT_ASKED),
            id="to CloudWatch, without a list of logs",
        ),
        pytest.param(
            to_s3(LastSuccessfulDeliveryTime=None),
            ("pass", "pass", "pass", "unknown", "pass"),
            id="to S3, and nothing has been delivered or failed",
        ),
        pytest.param(
            to_s3(LastFailureTime=NOW - HOUR),
            ("pass", "pass", "pass", "pass", "pass"),
            id="a failure in the second of the last success, within the grace",
        ),
        pytest.param(
            to_s3(LastSuccessfulDeliveryTime=NOW - 5 * HOUR, LastFailureTime=NOW - 5 * HOUR),
            ("pass", "pass", "pass", "unknown", "pass"),
            id="a failure in the second of an old success",
        ),
        pytest.param(
            to_s3(LastFailureTime=NOW - timedelta(minutes=5)),
            ("pass", "pass", "pass", "pass", "pass"),
            id="a single failure just now, within the grace",
        ),
        pytest.param(
            to_s3(LastSuccessfulDeliveryTime=NOW - 3 * HOUR, LastFailureTime=NOW - HOUR),
            ("pass", "pass", "pass", "fail", "pass"),
            id="failing for longer than the grace",
        ),
        pytest.param(
            to_s3(LastSuccessfulDeliveryTime=None, LastFailureTime=NOW - HOUR),
            ("pass", "pass", "pass", "fail", "pass"),
            id="failing from the first",
        ),
        pytest.param(
            to_s3(LastSuccessfulDeliveryTime=NOW - HOUR, LastFailureTime=NOW - 9 * DAY),
            ALL_PASS,
            id="a failure that was overcome",
        ),
        pytest.param(
            to_cloudwatch(LastFailureTime=NOW - HOUR),
            ("pass", "pass", "pass", "fail", NOT_ASKED),
            id="a failure that AWS tells of for CloudWatch counts",
        ),
    ],
)
def test_the_rules_judge_a_cluster_by_its_logging_status(
    answer: Any, expected: tuple[str, ...]
) -> None:
    found = judged(healthy() | status(answer))
    verdicts_of_c1 = [found[rule, "c1"].status.value for rule in CLUSTER_RULES]
    assert verdicts_of_c1 == list(expected)


def group(name: str = "audited", whole: str = "in-sync", own: str | None = "in-sync") -> Any:
    listed = (
        []
        if own is None
        else [{"ParameterName": "enable_user_activity_logging", "ParameterApplyStatus": own}]
    )
    return {
        "ParameterGroupName": name,
        "ParameterApplyStatus": whole,
        "ClusterParameterStatusList": listed,
    }


def sets(value: str | None) -> dict[str, Any]:
    row = {"ParameterName": "enable_user_activity_logging", "ParameterValue": value}
    return {"Parameters": [] if value is None else [row]}


@pytest.mark.parametrize(
    ("groups", "parameters", "verdict"),
    [
        pytest.param([group()], sets("true"), "pass", id="true and in-sync"),
        pytest.param([group()], sets("True"), "pass", id="True is true"),
        pytest.param([group()], sets("false"), "fail", id="false"),
        pytest.param([group()], sets(None), "fail", id="not set is the default, false"),
        pytest.param([group()], sets("yes"), "unknown", id="neither true nor false"),
        pytest.param([group(own="pending-reboot")], sets("true"), "fail", id="not in force yet"),
        pytest.param([group(own="pending-reboot")], sets("false"), "fail", id="false, still on"),
        pytest.param(
            [group(whole="pending-reboot")], sets("true"), "pass", id="another one is pending"
        ),
        pytest.param(
            [group(whole="pending-reboot", own=None)],
            sets("true"),
            "fail",
            id="pending, with no list of parameters",
        ),
        pytest.param([group(own="strange")], sets("true"), "unknown", id="an unheard-of status"),
        pytest.param(
            [group("default.redshift-2.0", own=None)], sets(None), "fail", id="a default group"
        ),
        pytest.param([], sets("true"), "unknown", id="no parameter group"),
        pytest.param([group(), group("other")], sets("true"), "unknown", id="two groups"),
        pytest.param(
            [group(), group("other")],
            sets("false"),
            "unknown",
            id="two groups, of which one is read",
        ),
        pytest.param([group("")], sets("true"), "unknown", id="a group without a name"),
        pytest.param(
            [group()],
            denied("redshift:DescribeClusterParameters"),
            "unknown",
            id="the parameters are denied",
        ),
        pytest.param(
            [group(own="pending-reboot")],
            denied("redshift:DescribeClusterParameters"),
            "fail",
            id="denied, but surely not in force",
        ),
    ],
)
def test_queries_are_logged_where_the_parameter_is_true_and_in_force(
    groups: list[Any], parameters: Any, verdict: str
) -> None:
    answers = healthy([cluster(ClusterParameterGroups=groups)])
    answers |= {"redshift:DescribeClusterParameters": parameters}
    assert verdicts(answers, "redshift-user-activity-logged") == {"c1": verdict}


def only_for(prefix: str) -> dict[str, Any]:
    """A policy that admits delivery to keys under one prefix."""
    put = {
        "Effect": "Allow",
        "Principal": {"Service": "redshift.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::audit-logs/{prefix}*",
    }
    acl = put | {"Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::audit-logs"}
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [put, acl]})}


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [
        pytest.param({"Policy": json.dumps(ADMITTING)}, "pass", id="the whole bucket"),
        pytest.param(only_for("prod/"), "pass", id="the configured prefix"),
        pytest.param(
            only_for("prod/AWSLogs/111122223333/redshift/eu-west-1/"),
            "pass",
            id="the writer's own folder",
        ),
        pytest.param(only_for("test/"), "fail", id="another prefix"),
        pytest.param(
            only_for("prod/AWSLogs/444455556666/"), "fail", id="the folder of another account"
        ),
        pytest.param(failing("NoSuchBucketPolicy"), "fail", id="no policy"),
        pytest.param(failing("NoSuchBucket"), "fail", id="no bucket"),
        pytest.param({"Policy": "{"}, "unknown", id="a policy that is no JSON"),
        pytest.param(denied("s3:GetBucketPolicy"), "unknown", id="the policy is denied"),
        pytest.param(failing("MethodNotAllowed"), "unknown", id="the reader is not the owner"),
    ],
)
def test_delivery_is_judged_for_the_keys_this_cluster_writes(policy: Any, verdict: str) -> None:
    answers = healthy() | {"s3:GetBucketPolicy": policy}
    assert verdicts(answers, "redshift-log-delivery-admitted") == {"c1": verdict}


def test_a_bucket_whose_owner_is_not_known_is_unknown() -> None:
    found = verdicts(healthy(), "redshift-log-delivery-admitted", owners={})
    assert found == {"c1": "unknown"}


def test_a_role_that_is_being_removed_no_longer_counts() -> None:
    arn = "arn:aws:iam::111122223333:role"
    roles = [
        {"IamRoleArn": f"{arn}/unload", "ApplyStatus": "in-sync"},
        {"IamRoleArn": f"{arn}/copy", "ApplyStatus": "adding"},
        {"IamRoleArn": f"{arn}/bare"},
        {"IamRoleArn": f"{arn}/old", "ApplyStatus": "removing"},
    ]
    aws = FakeAws(healthy([cluster(IamRoles=roles)]))
    (item,) = list_clusters(aws)
    found = REDSHIFT_CLUSTER.fact("role_arns").read(aws, item)
    assert found == [f"{arn}/bare", f"{arn}/copy", f"{arn}/unload"]


def test_clusters_are_listed_in_whatever_state_they_are_with_their_tags() -> None:
    tags = [{"Key": "team", "Value": "data"}, {"Key": "bare"}, {"Value": "no key"}]
    members = [cluster("c1", Tags=tags), cluster("c2", ClusterStatus="deleting", Tags=None)]
    first, second = list_clusters(FakeAws(healthy(members), partition="aws-cn"))
    assert first.tags == {"team": "data", "bare": ""}
    assert first.ref.arn == "arn:aws-cn:redshift:eu-west-1:111122223333:cluster:c1"
    assert (second.ref.name, second.tags) == ("c2", {})


def test_the_status_and_the_group_are_each_read_as_aws_wants_them() -> None:
    _, aws = swept(healthy())
    assert {"ClusterIdentifier": "c1"} in aws.calls("redshift:DescribeLoggingStatus")
    assert {"ParameterGroupName": "audited", "Source": "user"} in aws.calls(
        "redshift:DescribeClusterParameters"
    )


def test_an_absent_fact_says_why() -> None:
    found = facts(healthy() | status(to_cloudwatch()))
    for name in ("log_bucket", "log_key_prefix", "last_delivery_at", "last_failure_at"):
        assert found[name].state is State.ABSENT
        assert found[name].reason


ORGANIZATION_ONLY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "redshift.amazonaws.com"},
            "Action": ["s3:GetBucketAcl", "s3:PutObject"],
            "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
            "Condition": {"StringEquals": {"aws:SourceOrgID": "o-larkfield1"}},
        },
    }
)
"""The usual policy of a central archive."""


@pytest.mark.parametrize(
    ("organization", "state", "value", "says"),
    [
        pytest.param(
            {"Organization": {"Id": "o-larkfield1"}}, State.KNOWN, True, "", id="in it: admitted"
        ),
        pytest.param(
            {"Organization": {"Id": "o-elsewhere1"}},
            State.KNOWN,
            False,
            "aws:SourceOrgID",
            id="in another: not admitted",
        ),
        pytest.param(
            failing("AWSOrganizationsNotInUseException"),
            State.UNKNOWN,
            None,
            "aws:SourceOrgID",
            id="in none: unknown",
        ),
        pytest.param(
            denied("organizations:DescribeOrganization"),
            State.UNKNOWN,
            None,
            "organizations:DescribeOrganization denied",
            id="denied: unknown, and which permission",
        ),
    ],
)
def test_a_policy_for_the_organization_is_judged_by_the_organization(
    organization: Prepared, state: State, value: bool | None, says: str
) -> None:
    answers = healthy([cluster()]) | {
        "s3:GetBucketPolicy": {"Policy": ORGANIZATION_ONLY},
        "organizations:DescribeOrganization": organization,
    }
    found = facts(answers)["delivery_admitted"]
    assert (found.state, found.value) == (state, value)
    assert says in found.reason


@pytest.mark.parametrize(
    ("text", "logging", "expected"),
    [
        pytest.param("creating", OFF, "unknown", id="creating, logging cannot be on yet"),
        pytest.param("creating", to_s3(), "pass", id="creating, and on already"),
        pytest.param("available", OFF, "fail", id="available and off"),
        pytest.param("paused", OFF, "fail", id="paused and off"),
    ],
)
def test_a_cluster_is_not_failed_for_what_cannot_be_yet(
    text: str, logging: Any, expected: str
) -> None:
    answers = healthy([cluster(ClusterStatus=text)]) | status(logging)
    assert verdicts(answers, "redshift-audit-logging-on") == {"c1": expected}
