"""Log groups of audit logs: which there must be, and what keeps and hides their events."""

from __future__ import annotations

from typing import Any

import pytest

from controls.evaluate import evaluate
from controls.kinds.cloudwatch_log_group import derive_log_groups
from controls.kinds.kind import Found
from controls.model import Gap, Reading, State
from tests.controls.kinds.estate import (
    LOG_TYPES,
    cluster,
    healthy,
    judged,
    pack,
    resource,
    swept,
    to_cloudwatch,
    verdicts,
)
from tests.fakes import NOW, Prepared, denied

RETENTION, KEPT = "log-group-retention", "log-group-kept-long-enough"
ENCRYPTED = "log-group-encrypted"
NAME = "/aws/redshift/cluster/c1/connectionlog"


def groups(*found: dict[str, Any]) -> dict[str, Prepared]:
    return {"logs:DescribeLogGroups": {"logGroups": list(found)}}


def group(**members: Any) -> dict[str, Any]:
    return {"logGroupName": NAME} | members


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(groups(group(retentionInDays=180)), ("pass", "pass", "pass"), id="180 days"),
        pytest.param(groups(group(retentionInDays=365)), ("fail", "pass", "pass"), id="too long"),
        pytest.param(groups(group(retentionInDays=30)), ("pass", "fail", "pass"), id="too short"),
        pytest.param(groups(group()), ("fail", "pass", "pass"), id="for ever"),
        pytest.param(
            groups(group(retentionInDays=0)), ("unknown", "unknown", "pass"), id="zero is no number"
        ),
        pytest.param(
            groups(group(logGroupClass="DELIVERY", retentionInDays=180)),
            ("pass", "fail", "pass"),
            id="a class that keeps one day whatever is set",
        ),
        pytest.param(groups(), ("fail", "not_applicable", "pass"), id="deleted or not created"),
        pytest.param(
            groups({"logGroupName": f"{NAME}2", "retentionInDays": 180}),
            ("fail", "not_applicable", "pass"),
            id="a longer name is another group",
        ),
        pytest.param(
            groups({"retentionInDays": 180}),
            ("fail", "not_applicable", "pass"),
            id="a group without a name is no group",
        ),
        pytest.param(
            {"logs:DescribeLogGroups": denied("logs:DescribeLogGroups")},
            ("unknown", "unknown", "unknown"),
            id="the groups are denied",
        ),
    ],
)
def test_the_rules_judge_a_group_by_what_is_listed(
    changes: dict[str, Prepared], expected: tuple[str, ...]
) -> None:
    found = judged(healthy(logging=to_cloudwatch(LogExports=["connectionlog"])) | changes)
    verdicts_of = [found[rule, NAME].status.value for rule in (RETENTION, KEPT, ENCRYPTED)]
    assert verdicts_of == list(expected)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        pytest.param(groups(group(kmsKeyId="arn:aws:kms:::key/1")), "pass", id="a key"),
        pytest.param(groups(group()), "fail", id="no key"),
        pytest.param(groups(group(kmsKeyId="")), "fail", id="an empty key is none"),
        pytest.param(groups(), "fail", id="a group that Redshift will create without a key"),
        pytest.param(
            {"logs:DescribeLogGroups": denied("logs:DescribeLogGroups")}, "unknown", id="denied"
        ),
    ],
)
def test_where_a_key_is_demanded_a_group_has_one(
    changes: dict[str, Prepared], verdict: str
) -> None:
    answers = healthy(logging=to_cloudwatch(LogExports=["connectionlog"])) | changes
    snapshot, _ = swept(answers)
    (rule,) = [rule for rule in pack() if rule.id == ENCRYPTED]
    (found,) = evaluate([rule], snapshot, lambda _rule, _resource: {"require_kms": True})
    assert found.status.value == verdict


def test_all_groups_are_found_in_one_listing_by_prefix() -> None:
    members = [cluster(f"c{n}") for n in range(20)]
    snapshot, aws = swept(healthy(members, to_cloudwatch()))
    made = [each for each in snapshot.resources if each.ref.kind == "cloudwatch_log_group"]
    assert len(made) == 60
    asked = aws.calls("logs:DescribeLogGroups")
    assert {tuple(each.items()) for each in asked} == {(("logGroupNamePrefix", "/aws/redshift/"),)}


def test_a_namespace_has_groups_of_its_own_name() -> None:
    spaces = {"namespaces": [{"namespaceName": "ns", "logExports": ["userlog"]}]}
    answers = healthy() | {"redshift-serverless:ListNamespaces": spaces}
    assert verdicts(answers, RETENTION) == {"/aws/redshift/ns/userlog": "fail"}


def known(value: Any) -> Reading:
    return Reading(State.KNOWN, value, "", "", NOW)


UNSEEN = Reading(State.UNKNOWN, None, "it is denied", "", NOW)


@pytest.mark.parametrize(
    ("places", "exports", "made"),
    [
        pytest.param(known(["cloudwatch"]), known(list(LOG_TYPES)), 3, id="three logs"),
        pytest.param(known(["cloudwatch", "s3table"]), known(["userlog"]), 1, id="one of them"),
        pytest.param(known(["s3"]), known(list(LOG_TYPES)), 0, id="to S3 alone"),
        pytest.param(known([]), known([]), 0, id="off"),
        pytest.param(UNSEEN, UNSEEN, "gap", id="nothing was seen"),
        pytest.param(UNSEEN, known(list(LOG_TYPES)), "gap", id="where to was not seen"),
        pytest.param(known(["cloudwatch"]), UNSEEN, "gap", id="which was not seen"),
        pytest.param(known(["s3"]), UNSEEN, 0, id="which was not seen, but surely to S3"),
    ],
)
def test_what_was_not_seen_of_a_cluster_is_a_gap(
    places: Reading, exports: Reading, made: int | str
) -> None:
    seen = resource("redshift_cluster", "c1", log_destinations=places, log_exports=exports)
    found = list(derive_log_groups(Found({"redshift_cluster": (seen,)})))
    if made == "gap":
        (gap,) = found
        assert isinstance(gap, Gap)
        assert gap.reason.endswith("it is denied")
    else:
        assert len(found) == made
        assert not any(isinstance(each, Gap) for each in found)


def test_a_namespace_whose_exports_were_not_seen_is_a_gap() -> None:
    seen = resource("redshift_serverless_namespace", "ns", log_exports=UNSEEN)
    (gap,) = derive_log_groups(Found({"redshift_serverless_namespace": (seen,)}))
    assert isinstance(gap, Gap)
