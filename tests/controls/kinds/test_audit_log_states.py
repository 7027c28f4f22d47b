"""Freshness of clusters that pause, that are in odd states, and of groups with many streams."""

from __future__ import annotations

from typing import Any

import pytest

from tests.controls.kinds.estate import (
    DAY,
    HOUR,
    LOG_TYPES,
    cluster,
    healthy,
    judged,
    listing,
    log_object,
    swept,
    to_cloudwatch,
    to_s3,
    verdicts,
)
from tests.fakes import NOW, Prepared, denied

FRESH = "redshift-logs-fresh"
CONNECTION = "c1/connectionlog"
Change = dict[str, Prepared]


def events(*turns: tuple[int, str]) -> Change:
    """DescribeEvents: (hours ago, identifier)."""
    found = [
        {"Date": NOW - age * HOUR, "EventId": f"REDSHIFT-EVENT-{number}", "Message": ""}
        for age, number in turns
    ]
    return {"redshift:DescribeEvents": {"Events": found}}


def told(age: int, message: str) -> Change:
    return {"redshift:DescribeEvents": {"Events": [{"Date": NOW - age * HOUR, "Message": message}]}}


def dead_for(hours: int) -> Change:
    """The newest objects and the last success are that old."""
    stored = [
        log_object(age * HOUR, kind) for age in range(hours, hours + 48) for kind in LOG_TYPES
    ]
    return {
        "s3:ListObjectsV2": listing(stored),
        "redshift:DescribeLoggingStatus": to_s3(LastSuccessfulDeliveryTime=NOW - hours * HOUR),
    }


OFFICE_HOURS = [
    (24 * day + age, number) for day in range(13) for age, number in ((24, "3618"), (10, "3622"))
]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        pytest.param(
            dead_for(120) | events(*OFFICE_HOURS),
            "fail",
            id="paused every night and dead for five days: fifty hours up without a record",
        ),
        pytest.param(
            dead_for(60) | events(*OFFICE_HOURS),
            "fail",
            id="paused every night and dead for 60 hours: 30 hours up without a record",
        ),
        pytest.param(
            dead_for(34) | events(*OFFICE_HOURS),
            "not_applicable",
            id="paused every night and dead since yesterday: twenty hours are less than the window",
        ),
        pytest.param(
            dead_for(1) | events(*OFFICE_HOURS), "pass", id="paused every night and writing now"
        ),
        pytest.param(
            dead_for(120) | events((10, "3622")),
            "not_applicable",
            id="resumed once, ten hours ago, after a long pause",
        ),
        pytest.param(
            dead_for(120) | {"redshift:DescribeEvents": denied("redshift:DescribeEvents")},
            "unknown",
            id="where events are denied, pauses are not known",
        ),
        *(
            pytest.param(dead_for(40) | told(2, message), "fail", id=f"no excuse: {message}")
            for message in (
                "A manual snapshot of cluster c1 was created.",
                "IAM credentials were created.",
                "Query queue restored to default.",
            )
        ),
    ],
)
def test_a_log_is_due_once_the_cluster_was_up_long_enough(changes: Change, verdict: str) -> None:
    assert verdicts(healthy() | changes, FRESH)[CONNECTION] == verdict


def test_the_finding_says_how_long_the_cluster_was_up() -> None:
    found = judged(healthy() | dead_for(120) | events(*OFFICE_HOURS))[FRESH, CONNECTION]
    assert "up for 50.0 hours" in found.facts["writing_since"].reason


@pytest.mark.parametrize(
    "status",
    [
        "paused",
        "pausing",
        "resuming",
        "creating",
        "deleting",
        "final-snapshot",
        "resizing",
        "cancelling-resize",
        "restoring",
    ],
)
def test_a_cluster_that_is_down_by_nature_is_not_judged(status: str) -> None:
    down = {"redshift:DescribeClusters": {"Clusters": [cluster(ClusterStatus=status)]}}
    lost = {"s3:ListObjectsV2": denied("s3:ListBucket")}
    for changes in (dead_for(120), lost, dead_for(1)):
        assert verdicts(healthy() | down | changes, FRESH)[CONNECTION] == "not_applicable"


ODD = [
    "storage-full",
    "hardware-failure",
    "incompatible-network",
    "incompatible-restore",
    "modifying",
    "rebooting",
    "renaming",
    "rotating-keys",
    "a-status-of-tomorrow",
]


@pytest.mark.parametrize("status", ODD)
@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        pytest.param(dead_for(1), "pass", id="it evidently writes"),
        pytest.param(dead_for(2 * 24), "unknown", id="stale"),
        pytest.param({"s3:ListObjectsV2": denied("s3:ListBucket")}, "unknown", id="not to be seen"),
    ],
)
def test_a_cluster_in_an_odd_state_is_judged_by_what_it_still_writes(
    status: str, changes: Change, verdict: str
) -> None:
    odd = {"redshift:DescribeClusters": {"Clusters": [cluster(ClusterStatus=status)]}}
    found = verdicts(healthy() | odd | changes, FRESH)
    assert found[CONNECTION] == verdict
    assert found["c1/userlog"] == "not_applicable"


def test_an_odd_state_is_named_with_what_is_not_known_of_it() -> None:
    odd = {"redshift:DescribeClusters": {"Clusters": [cluster(ClusterStatus="storage-full")]}}
    found = judged(healthy() | odd | dead_for(48))[FRESH, CONNECTION]
    assert "the cluster is storage-full" in " ".join(found.reasons)
    assert "not documented" in " ".join(found.reasons)


def test_without_the_parameter_no_activity_log_is_due_in_an_odd_state() -> None:
    odd = {"redshift:DescribeClusters": {"Clusters": [cluster(ClusterStatus="storage-full")]}}
    off: Change = {"redshift:DescribeClusterParameters": {"Parameters": []}}
    found = verdicts(healthy() | odd | off | dead_for(48), FRESH)
    assert found["c1/useractivitylog"] == "not_applicable"


def stream(name: str, age: int) -> dict[str, Any]:
    stamp = int((NOW - age * HOUR).timestamp() * 1000)
    return {"logStreamName": name, "lastEventTimestamp": stamp}


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        pytest.param([stream("test", 1), stream("c1", 40)], "fail", id="another stream is fresh"),
        pytest.param([stream("test", 40), stream("c1", 1)], "pass", id="another stream is stale"),
        pytest.param([stream("c10", 1), stream("c1", 40)], "fail", id="a name that begins alike"),
        pytest.param(
            [stream("a", 40), stream("b", 1)], "unknown", id="none named so, one is fresh"
        ),
        pytest.param([stream("a", 40), stream("b", 50)], "unknown", id="none named so, all stale"),
        pytest.param(
            [stream("test", 1), {"logStreamName": "c1"}], "unknown", id="its own shows no time"
        ),
    ],
)
def test_the_stream_named_like_the_cluster_is_the_log(
    found: list[dict[str, Any]], verdict: str
) -> None:
    answers = healthy() | {
        "redshift:DescribeLoggingStatus": to_cloudwatch(),
        "logs:DescribeLogStreams": {"logStreams": found},
    }
    assert verdicts(answers, FRESH)[CONNECTION] == verdict


def test_one_page_of_streams_is_asked_for_the_newest_first() -> None:
    _, aws = swept(healthy() | {"redshift:DescribeLoggingStatus": to_cloudwatch()})
    asked = aws.calls("logs:DescribeLogStreams")
    assert {(one["orderBy"], one["descending"], one["limit"]) for one in asked} == {
        ("LastEventTime", True, 50)
    }


def test_a_cluster_younger_than_the_window_is_not_judged_in_an_odd_state_either() -> None:
    young = cluster(ClusterStatus="modifying", ClusterCreateTime=NOW - DAY / 2)
    answers = healthy() | dead_for(5) | {"redshift:DescribeClusters": {"Clusters": [young]}}
    assert verdicts(answers, FRESH)[CONNECTION] == "not_applicable"
