"""Freshness: what AWS shows of a cluster's logs, and the verdict of redshift-logs-fresh on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controls.kinds.audit_log import FOLDERS
from tests.controls.kinds.estate import (
    DAY,
    HOUR,
    LOG_TYPES,
    cluster,
    connections,
    healthy,
    judged,
    listing,
    log_object,
    pack,
    steady,
    streams,
    swept,
    to_cloudwatch,
    to_s3,
    to_tables,
    verdicts,
)
from tests.fakes import NOW, REGION, Prepared, denied, failing

FRESH = "redshift-logs-fresh"
Change = dict[str, Prepared]


def describes(**members: Any) -> Change:
    return {"redshift:DescribeClusters": {"Clusters": [cluster(**members)]}}


def status(answer: dict[str, Any]) -> Change:
    return {"redshift:DescribeLoggingStatus": answer}


def objects(*stored: dict[str, Any]) -> Change:
    return {"s3:ListObjectsV2": listing(stored)}


def event(age: timedelta, message: str) -> Change:
    return {"redshift:DescribeEvents": {"Events": [{"Date": NOW - age, "Message": message}]}}


def hourly(first: int, last: int, most: float) -> list[tuple[timedelta, float]]:
    return [(age * HOUR, most) for age in range(first, last)]


OLD = [log_object(age * HOUR) for age in range(40, 96)]
STALE = [log_object(age * HOUR, kind) for age in range(40, 96) for kind in LOG_TYPES]
NEVER = status(to_s3(LastSuccessfulDeliveryTime=None))
ALONE = status(to_s3(LogExports=["connectionlog"]))
CONNECTION = "c1/connectionlog"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        pytest.param({}, "pass", id="a record an hour ago is fresh"),
        pytest.param(
            objects(log_object(23 * HOUR), log_object(50 * HOUR)),
            "pass",
            id="a record within the window is fresh where logging is older than the window",
        ),
        pytest.param(
            objects(log_object(20 * HOUR), log_object(30 * HOUR))
            | status(to_s3(LastSuccessfulDeliveryTime=NOW - 20 * HOUR)),
            "pass",
            id="the oldest object of one folder shows since when logging is on",
        ),
        pytest.param(
            objects(*STALE) | status(to_s3(LastSuccessfulDeliveryTime=NOW - 40 * HOUR)),
            "fail",
            id="records that stopped 40 hours ago are stale",
        ),
        pytest.param(
            objects() | status(to_s3(LastSuccessfulDeliveryTime=NOW - 10 * DAY)),
            "fail",
            id="nothing in the folders and a last delivery ten days ago is stale",
        ),
        pytest.param(
            objects(*(log_object(age * HOUR, "userlog") for age in range(1, 90))),
            "fail",
            id="objects of another log of the cluster do not make this one fresh",
        ),
        pytest.param(
            objects(*(log_object(age * HOUR, "userlog") for age in range(1, 90)))
            | status(to_s3(LastSuccessfulDeliveryTime=None)),
            "fail",
            id="objects of another log prove that logging is on where AWS tells no delivery",
        ),
        pytest.param(
            objects(
                *(log_object(age * HOUR, name="c10") for age in range(1, 90)),
                *OLD,
            ),
            "fail",
            id="objects of cluster c10 do not make c1 fresh",
        ),
        pytest.param(
            objects(
                *(log_object(age * HOUR, account="444455556666") for age in range(1, 90)),
                *OLD,
            ),
            "fail",
            id="objects of a cluster c1 of another account do not make it fresh",
        ),
        pytest.param(
            objects(*(one | {"LastModified": NOW - HOUR} for one in OLD)),
            "fail",
            id="old objects that were copied onto themselves today are still old",
        ),
        pytest.param(
            objects(*({**one, "Key": one["Key"] + ".tmp"} for one in steady()), *OLD),
            "fail",
            id="objects that are no logs do not count",
        ),
        pytest.param(
            objects(),
            "unknown",
            id="a delivery that AWS tells of and no object at all is a contradiction",
        ),
        pytest.param(
            objects() | NEVER,
            "unknown",
            id="nothing delivered and nothing failed: since when logging is on is not known",
        ),
        pytest.param(
            objects()
            | status(to_s3(LastSuccessfulDeliveryTime=None, LastFailureTime=NOW - 30 * HOUR)),
            "fail",
            id="deliveries that failed longer than the window ago, and none that succeeded",
        ),
        pytest.param(
            objects()
            | status(to_s3(LastSuccessfulDeliveryTime=None, LastFailureTime=NOW - 2 * HOUR)),
            "not_applicable",
            id="deliveries that fail since just now: delivery health fails it, age cannot yet",
        ),
        pytest.param(
            {"s3:ListObjectsV2": denied("s3:ListBucket")},
            "unknown",
            id="a listing that is denied is unknown",
        ),
        pytest.param(
            describes(ClusterStatus="paused") | objects(*STALE),
            "not_applicable",
            id="a paused cluster is not judged",
        ),
        pytest.param(
            describes(ClusterStatus="resizing") | objects(*STALE),
            "not_applicable",
            id="a resizing cluster is not judged",
        ),
        pytest.param(
            describes(ClusterStatus="available, prep-for-resize") | objects(*STALE),
            "fail",
            id="a cluster that is available and prepares to resize is judged",
        ),
        pytest.param(
            describes(ClusterStatus="") | objects(*STALE),
            "unknown",
            id="a cluster without a status is unknown, not paused",
        ),
        pytest.param(
            describes(ClusterCreateTime=NOW - 3 * HOUR) | objects() | NEVER,
            "not_applicable",
            id="a cluster created three hours ago has time yet",
        ),
        pytest.param(
            describes(ClusterCreateTime=NOW - 3 * HOUR) | objects(log_object(HOUR)),
            "not_applicable",
            id="a new cluster that logs is not judged before the window has passed",
        ),
        pytest.param(
            objects(log_object(10 * HOUR))
            | status(to_s3(LastSuccessfulDeliveryTime=NOW - 10 * HOUR)),
            "not_applicable",
            id="logging that shows no sign of life before ten hours ago has just been enabled",
        ),
        pytest.param(
            objects(*STALE) | event(5 * HOUR, "Cluster 'c1' was resumed at 2026-11-22 03:00 UTC."),
            "not_applicable",
            id="a cluster resumed five hours ago has time yet",
        ),
        pytest.param(
            objects(*STALE) | event(30 * HOUR, "Cluster 'c1' was resumed at 2026-11-21."),
            "fail",
            id="a cluster resumed longer ago than the window is judged",
        ),
        pytest.param(
            objects(*STALE) | event(5 * HOUR, "The maintenance window of c1 has changed."),
            "fail",
            id="an event that stops no log excuses nothing",
        ),
        pytest.param(
            objects(*STALE) | event(5 * HOUR, "Cluster 'c1' was rebooted."),
            "fail",
            id="a reboot does not excuse the connection log",
        ),
        pytest.param(
            objects(*STALE) | {"redshift:DescribeEvents": denied("redshift:DescribeEvents")},
            "unknown",
            id="where events are denied, an old record may have an excuse",
        ),
        pytest.param(
            {"redshift:DescribeEvents": denied("redshift:DescribeEvents")},
            "pass",
            id="a recent record needs no events",
        ),
        pytest.param(
            objects(*STALE) | {"cloudwatch:GetMetricStatistics": connections(*hourly(1, 41, 0.0))},
            "not_applicable",
            id="no connection in any hour since the newest record is idle",
        ),
        pytest.param(
            objects(*STALE)
            | {
                "cloudwatch:GetMetricStatistics": connections(
                    *hourly(1, 20, 0.0), *hourly(20, 41, 2.0)
                )
            },
            "fail",
            id="connections in some hour are not idle",
        ),
        pytest.param(
            objects(*STALE) | {"cloudwatch:GetMetricStatistics": connections((5 * HOUR, 0.0))},
            "fail",
            id="one hour without connections does not show that all were",
        ),
        pytest.param(
            objects(*STALE)
            | {"cloudwatch:GetMetricStatistics": denied("cloudwatch:GetMetricStatistics")},
            "fail",
            id="where metrics are denied, idleness excuses nothing",
        ),
        pytest.param(
            status(to_cloudwatch()), "pass", id="an event in the stream an hour ago is fresh"
        ),
        pytest.param(
            status(to_cloudwatch()) | {"logs:DescribeLogStreams": streams(40 * HOUR)},
            "fail",
            id="a stream whose newest event is 40 hours old is stale",
        ),
        pytest.param(
            status(to_cloudwatch())
            | {
                "logs:DescribeLogStreams": {
                    "logStreams": [
                        {
                            "logStreamName": "c1",
                            "lastEventTimestamp": int((NOW - 40 * HOUR).timestamp() * 1000),
                            "lastIngestionTime": int((NOW - HOUR).timestamp() * 1000),
                        }
                    ]
                }
            },
            "pass",
            id="of event and ingestion the later counts, for AWS updates the first in time only",
        ),
        pytest.param(
            status(to_cloudwatch()) | {"logs:DescribeLogStreams": streams(None)},
            "unknown",
            id="a log group without a stream is unknown",
        ),
        pytest.param(
            status(to_cloudwatch())
            | {"logs:DescribeLogStreams": failing("ResourceNotFoundException")},
            "unknown",
            id="a log group that was deleted is unknown",
        ),
        pytest.param(
            status(to_cloudwatch())
            | {"logs:DescribeLogStreams": {"logStreams": [{"logStreamName": "c1"}]}},
            "unknown",
            id="a stream that shows no time is unknown",
        ),
        pytest.param(
            status(to_cloudwatch())
            | {"logs:DescribeLogStreams": denied("logs:DescribeLogStreams")},
            "unknown",
            id="streams that are denied are unknown",
        ),
        pytest.param(
            status(to_tables()), "pass", id="S3 Tables that took in the log's table are fresh"
        ),
        pytest.param(
            status(
                to_tables(
                    S3Tables={
                        "EnabledAll": True,
                        "LastIngestionTimes": {
                            "sys_connection_log": "2026-11-20T07:00:00Z",
                            "sys_query_history": "2026-11-22T07:59:00Z",
                        },
                    }
                )
            ),
            "fail",
            id="data in another system table does not make this log fresh",
        ),
        pytest.param(
            status(
                to_tables(
                    S3Tables={
                        "EnabledAll": True,
                        "LastIngestionTimes": {"sys_query_history": "2026-11-22T07:59:00Z"},
                    }
                )
            ),
            "unknown",
            id="a system table that was never ingested is unknown",
        ),
        pytest.param(
            status(
                to_tables(
                    S3Tables={
                        "EnabledAll": True,
                        "LastIngestionTimes": {"sys_connection_log": "2026-11-22T07:00:00"},
                    }
                )
            ),
            "unknown",
            id="an ingestion time without a zone is unknown",
        ),
        pytest.param(
            status(
                to_tables(
                    S3Tables={
                        "EnabledAll": True,
                        "LastIngestionTimes": {"sys_connection_log": "yesterday"},
                    }
                )
            ),
            "unknown",
            id="an ingestion time that is no time is unknown",
        ),
    ],
)
def test_the_connection_log_is_judged_by_what_aws_shows(changes: Change, verdict: str) -> None:
    assert verdicts(healthy() | changes, FRESH)[CONNECTION] == verdict


PENDING = [
    {
        "ParameterGroupName": "audited",
        "ParameterApplyStatus": "pending-reboot",
        "ClusterParameterStatusList": [
            {
                "ParameterName": "enable_user_activity_logging",
                "ParameterApplyStatus": "pending-reboot",
            }
        ],
    }
]
CONNECTIONS_ONLY = objects(*(log_object(age * HOUR) for age in range(1, 96)))


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        pytest.param({}, "pass", id="activity records an hour ago are fresh"),
        pytest.param(CONNECTIONS_ONLY, "fail", id="connection records do not stand for activity"),
        pytest.param(
            CONNECTIONS_ONLY | {"redshift:DescribeClusterParameters": {"Parameters": []}},
            "not_applicable",
            id="with the parameter false no activity log is due",
        ),
        pytest.param(
            CONNECTIONS_ONLY | describes(ClusterParameterGroups=PENDING),
            "not_applicable",
            id="with the parameter not in force no activity log is due",
        ),
        pytest.param(
            CONNECTIONS_ONLY
            | {"redshift:DescribeClusterParameters": denied("redshift:DescribeClusterParameters")},
            "unknown",
            id="where the parameter is denied, whether activity is due is unknown",
        ),
        pytest.param(
            CONNECTIONS_ONLY | event(2 * HOUR, "Cluster 'c1' was rebooted."),
            "not_applicable",
            id="a parameter that a reboot two hours ago brought into force has time yet",
        ),
    ],
)
def test_the_activity_log_is_due_once_the_parameter_is_in_force(
    changes: Change, verdict: str
) -> None:
    assert verdicts(healthy() | changes, FRESH)["c1/useractivitylog"] == verdict


@pytest.mark.parametrize("changes", [{}, objects(*STALE), objects(), NEVER | objects()])
def test_the_user_log_is_never_judged_by_its_age(changes: Change) -> None:
    assert verdicts(healthy() | changes, FRESH)["c1/userlog"] == "not_applicable"


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(datetime(2026, 11, 22, 0, 4, tzinfo=UTC), id="just after midnight"),
        pytest.param(datetime(2026, 12, 1, 0, 4, tzinfo=UTC), id="just after the month ended"),
        pytest.param(datetime(2027, 1, 1, 0, 4, tzinfo=UTC), id="just after the year ended"),
        pytest.param(datetime(2028, 3, 1, 0, 4, tzinfo=UTC), id="after a leap day"),
        pytest.param(datetime(2026, 11, 22, 23, 59, tzinfo=UTC), id="just before midnight"),
    ],
)
@pytest.mark.parametrize(
    ("newest", "verdict"),
    [(1, "pass"), (23, "pass"), (25, "fail"), (60, "fail"), (71, "fail")],
)
def test_folders_are_those_of_the_last_days_in_utc(
    now: datetime, newest: int, verdict: str
) -> None:
    stored = [log_object(age * HOUR, now=now) for age in range(newest, 90)]
    delivered = to_s3(LastSuccessfulDeliveryTime=now - newest * HOUR)
    answers = healthy([cluster(ClusterCreateTime=now - 300 * DAY)], delivered)
    answers |= {"s3:ListObjectsV2": listing(stored)}
    assert verdicts(answers, FRESH, now=now)[CONNECTION] == verdict


def test_only_the_date_folders_that_can_hold_the_logs_are_listed() -> None:
    snapshot, aws = swept(healthy())
    assert snapshot.resources
    folder = f"prod/AWSLogs/111122223333/redshift/{REGION}/2026/11"
    name = f"111122223333_redshift_{REGION}_c1_"
    assert {asked["Prefix"] for asked in aws.calls("s3:ListObjectsV2")} == {
        f"{folder}/22/{name}",
        f"{folder}/21/{name}",
    }
    assert not aws.calls("redshift:DescribeEvents")
    assert not aws.calls("cloudwatch:GetMetricStatistics")


def test_a_log_that_may_be_due_is_looked_for_in_every_folder() -> None:
    lost = {"redshift:DescribeClusterParameters": denied("redshift:DescribeClusterParameters")}
    snapshot, _ = swept(healthy() | objects(*STALE) | lost)
    (log,) = [each for each in snapshot.resources if each.ref.name == "c1/useractivitylog"]
    assert log.facts["last_record_at"].value == NOW - 40 * HOUR


def test_a_paused_cluster_costs_neither_events_nor_metrics() -> None:
    _, aws = swept(healthy() | describes(ClusterStatus="paused") | objects(*STALE))
    assert not aws.calls("redshift:DescribeEvents")
    assert not aws.calls("cloudwatch:GetMetricStatistics")


def test_the_bucket_is_listed_in_the_account_that_owns_it() -> None:
    _, aws = swept(healthy())
    listed = [asked for asked in aws.asked if asked.operation == "s3:ListObjectsV2"]
    assert {asked.account for asked in listed} == {"999988887777"}


@pytest.mark.parametrize(
    ("answer", "logs"),
    [
        pytest.param(to_s3(LogExports=[]), set(LOG_TYPES), id="S3 without a list is all three"),
        pytest.param(to_s3(LogExports=["userlog"]), {"userlog"}, id="a list is what it names"),
        pytest.param(to_cloudwatch(), set(LOG_TYPES), id="CloudWatch"),
        pytest.param(to_tables(), set(LOG_TYPES), id="all S3 Tables"),
        pytest.param({"LoggingEnabled": False}, set(), id="none where logging is off"),
        pytest.param(to_cloudwatch(LogExports=[]), {"*"}, id="CloudWatch without a list: a gap"),
        pytest.param(to_s3(LogExports=["auditlog"]), {"*"}, id="an unheard-of export: a gap"),
        pytest.param(to_s3(LogDestinationType="kafka"), {"*"}, id="an unheard-of place: a gap"),
        pytest.param({}, {"*"}, id="an empty answer: a gap"),
    ],
)
def test_there_is_an_audit_log_for_each_export_or_a_gap(
    answer: dict[str, Any], logs: set[str]
) -> None:
    found = judged(healthy() | status(answer))
    names = {name.removeprefix("c1/") for rule, name in found if rule == FRESH}
    assert names == logs


def test_a_failed_delivery_status_leaves_a_gap_with_its_reason() -> None:
    lost = {"redshift:DescribeLoggingStatus": denied("redshift:DescribeLoggingStatus")}
    found = judged(healthy() | lost)[FRESH, "*"]
    assert found.status.value == "unknown"
    assert "redshift:DescribeLoggingStatus denied" in found.because


def test_only_the_exported_log_is_looked_for() -> None:
    assert set(verdicts(healthy() | ALONE, FRESH)) == {CONNECTION}


def test_no_window_longer_than_the_folders_reach_can_be_asked_for() -> None:
    """What is older than the folders cannot be told from what is just older than a day."""
    (rule,) = [rule for rule in pack() if rule.id == FRESH]
    assert rule.bounds["max_age_hours"][1] == 24 * (FOLDERS - 1)
