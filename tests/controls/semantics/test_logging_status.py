"""DescribeLoggingStatus: what it proves, and what it leaves open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.model import Absent, Said, Unknown
from controls.semantics.logging_status import (
    LoggingStatus,
    delivery_failing,
    destinations,
    exported_types,
    ingestion_times,
    logging_on,
    parse_logging_status,
)
from tests.fakes import NOW

ALL = ["connectionlog", "userlog", "useractivitylog"]
EVERY = {"EnabledAll": True, "S3Tables": []}
CHOSEN = {"EnabledAll": False, "S3Tables": ["sys_query_history"]}
EMPTY = {
    "BucketName": "",
    "S3KeyPrefix": "",
    "LastFailureMessage": "",
    "LogDestinationType": "",
    "LogExports": [],
    "LastSuccessfulDeliveryTime": "",
    "LastFailureTime": "",
}
"""Members that are not set, as some servers show them."""


def answer(destination: str | None, **other: Any) -> dict[str, Any]:
    """Logging is on to that destination; None names none."""
    named = {} if destination is None else {"LogDestinationType": destination}
    return {"LoggingEnabled": True} | named | other


def on(status: LoggingStatus) -> bool | None:
    said = logging_on(status)
    assert said.reason
    return said.value if isinstance(said, Said) else None


@pytest.mark.parametrize(
    ("said", "enabled", "places"),
    [
        pytest.param(answer("s3", BucketName="b"), True, ["s3"], id="to S3"),
        pytest.param(answer("S3", BucketName="b"), True, ["s3"], id="case does not matter"),
        pytest.param(answer("cloudwatch"), True, ["cloudwatch"], id="to CloudWatch"),
        pytest.param(answer("s3table", S3Tables=EVERY), True, ["s3table"], id="to S3 Tables"),
        pytest.param(answer("s3table"), True, ["s3table"], id="to S3 Tables that show no status"),
        pytest.param(
            answer("s3", BucketName="b", S3Tables=CHOSEN),
            True,
            ["s3", "s3table"],
            id="to S3, with S3 Tables beside it",
        ),
        pytest.param(
            answer("cloudwatch", S3Tables=EVERY),
            True,
            ["cloudwatch", "s3table"],
            id="to CloudWatch, with S3 Tables beside it",
        ),
        pytest.param(
            answer(None, BucketName="b"), True, ["s3"], id="a bucket without a destination is S3"
        ),
        pytest.param(
            EMPTY | {"LoggingEnabled": True, "BucketName": "b"},
            True,
            ["s3"],
            id="empty texts are members that are not set",
        ),
        pytest.param(answer(None), None, None, id="neither destination nor bucket is unknown"),
        pytest.param(answer("s3"), None, None, id="S3 without a bucket is unknown"),
        pytest.param(answer("s3", BucketName=""), None, None, id="an empty bucket is no bucket"),
        pytest.param(
            answer("kafka", BucketName="b"), None, None, id="an unheard-of destination is unknown"
        ),
        pytest.param({"LoggingEnabled": False}, False, [], id="off"),
        pytest.param(EMPTY | {"LoggingEnabled": False}, False, [], id="off, with empty members"),
        pytest.param(
            {"LoggingEnabled": False, "BucketName": "b", "LogDestinationType": "s3"},
            False,
            [],
            id="a bucket that is left from before does not mean on",
        ),
        pytest.param(
            {"LoggingEnabled": False, "LogDestinationType": "s3table"},
            False,
            [],
            id="a destination that is left from before does not mean on",
        ),
        pytest.param(
            {"LoggingEnabled": False, "S3Tables": EVERY},
            None,
            None,
            id="off, while S3 Tables are published, is unknown",
        ),
        pytest.param({}, None, None, id="an empty answer is unknown, not off"),
        pytest.param({"BucketName": "b"}, None, None, id="without LoggingEnabled it is unknown"),
        pytest.param(
            answer("s3", BucketName="b") | {"LoggingEnabled": "false"},
            None,
            None,
            id="a text is no answer",
        ),
        pytest.param(
            answer("s3", BucketName="b", S3KeyPrefix="/"),
            None,
            None,
            id="a slash alone as prefix: its keys are not known",
        ),
        pytest.param(
            answer("s3", BucketName="b", S3KeyPrefix="prod//"),
            None,
            None,
            id="two slashes at the end: its keys are not known",
        ),
    ],
)
def test_logging_is_on_only_where_the_answer_says_so(
    said: dict[str, Any], enabled: bool | None, places: list[str] | None
) -> None:
    status = parse_logging_status(said)
    assert on(status) is enabled
    assert (None if status.problem else destinations(status)) == places


@pytest.mark.parametrize(
    ("said", "exported"),
    [
        pytest.param(answer("s3", BucketName="b"), ALL, id="S3 without a list is all three"),
        pytest.param(answer("s3", BucketName="b", LogExports=[]), ALL, id="an empty list on S3"),
        pytest.param(answer("s3", BucketName="b", LogExports=ALL[::-1]), ALL, id="any order"),
        pytest.param(
            answer("s3", BucketName="b", LogExports=["userlog"]), ["userlog"], id="one on S3"
        ),
        pytest.param(
            answer("cloudwatch", LogExports=["userlog", "connectionlog"]),
            ["connectionlog", "userlog"],
            id="two on CloudWatch",
        ),
        pytest.param(answer("cloudwatch", LogExports=[]), None, id="none on CloudWatch is unknown"),
        pytest.param(answer("cloudwatch"), None, id="no list on CloudWatch is unknown"),
        pytest.param(
            answer("cloudwatch", LogExports=["userlog", "auditlog"]),
            None,
            id="an unheard-of name may stand for what is missing",
        ),
        pytest.param(
            answer("cloudwatch", LogExports=[*ALL, "auditlog"]),
            ALL,
            id="an unheard-of name beside all three changes nothing",
        ),
        pytest.param(
            answer("s3", BucketName="b", LogExports=["ConnectionLog"]),
            None,
            id="another spelling is unheard of",
        ),
        pytest.param(
            answer("s3", BucketName="b", LogExports=[""]), ALL, id="an empty name is no name"
        ),
        pytest.param(answer("s3table", S3Tables=EVERY), ALL, id="all S3 Tables"),
        pytest.param(answer("s3table", S3Tables=CHOSEN), None, id="chosen S3 Tables are unknown"),
        pytest.param(
            answer("s3table", S3Tables=CHOSEN, LogExports=ALL),
            None,
            id="exports that stand beside chosen S3 Tables alone prove nothing",
        ),
        pytest.param(
            answer("s3table", S3Tables={"EnabledAll": "false"}), None, id="a text is not true"
        ),
        pytest.param(answer("s3table"), None, id="S3 Tables that show no status are unknown"),
        pytest.param(
            answer("s3", BucketName="b", LogExports=["userlog"], S3Tables=EVERY),
            None,
            id="one on S3 with all S3 Tables beside it is unknown",
        ),
        pytest.param(
            answer("s3", BucketName="b", LogExports=ALL, S3Tables=CHOSEN),
            ALL,
            id="all three on S3 need no S3 Tables",
        ),
        pytest.param({"LoggingEnabled": False, "LogExports": ALL}, [], id="none while it is off"),
        pytest.param({}, None, id="an empty answer is unknown"),
    ],
)
def test_the_exported_logs_are_those_that_are_certain(
    said: dict[str, Any], exported: list[str] | None
) -> None:
    found = exported_types(parse_logging_status(said))
    assert (None if isinstance(found, Unknown) else found) == exported


def test_an_export_that_is_not_known_is_named() -> None:
    said = answer("cloudwatch", LogExports=["userlog", "auditlog"])
    found = exported_types(parse_logging_status(said))
    assert isinstance(found, Unknown)
    assert "auditlog" in found.reason


EARLY, LATE = NOW - timedelta(hours=9), NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("success", "failure", "failing"),
    [
        pytest.param(LATE, None, False, id="a success and no failure"),
        pytest.param(LATE, EARLY, False, id="a success after the failure"),
        pytest.param(EARLY, LATE, True, id="a failure after the success"),
        pytest.param(None, LATE, True, id="a failure and never a success"),
        pytest.param(LATE, LATE, None, id="both in the same second leave it open"),
        pytest.param(None, None, None, id="neither leaves it open"),
        pytest.param("", "", None, id="empty texts are neither"),
    ],
)
def test_delivery_to_s3_fails_where_the_last_thing_told_is_a_failure(
    success: Any, failure: Any, failing: bool | None
) -> None:
    times = {
        "LastSuccessfulDeliveryTime": success,
        "LastFailureTime": failure,
        "LastFailureMessage": "The bucket owner has changed.",
    }
    said = delivery_failing(parse_logging_status(answer("s3", BucketName="b", **times)))
    assert (said.value if isinstance(said, Said) else None) is failing
    assert said.reason
    assert ("bucket owner" in said.reason) is (failing is True or success == failure == LATE)


@pytest.mark.parametrize("destination", ["cloudwatch", "s3table"])
def test_no_failure_elsewhere_is_no_failure(destination: str) -> None:
    said = delivery_failing(parse_logging_status(answer(destination)))
    assert isinstance(said, Said)
    assert said.value is False


def test_of_an_answer_that_is_not_understood_no_health_is_said() -> None:
    said = delivery_failing(parse_logging_status(answer("kafka", LastSuccessfulDeliveryTime=LATE)))
    assert isinstance(said, Unknown)
    assert "kafka" in said.reason


def test_ingestion_times_are_texts_by_table() -> None:
    times = {"SYS_Connection_Log": "2026-11-22T07:00:00Z", "sys_userlog": LATE, "sys_x": ""}
    status = parse_logging_status(answer("s3table", S3Tables={"LastIngestionTimes": times}))
    assert ingestion_times(status) == {
        "sys_connection_log": "2026-11-22T07:00:00Z",
        "sys_userlog": "2026-11-22T07:00:00+00:00",
    }


@pytest.mark.parametrize("tables", [None, {}, {"LastIngestionTimes": {}}, {"EnabledAll": True}])
def test_no_ingestion_time_is_absent(tables: dict[str, Any] | None) -> None:
    status = parse_logging_status(answer("s3table", S3Tables=tables))
    assert isinstance(ingestion_times(status), Absent)


answers = st.fixed_dictionaries(
    {},
    optional={
        "LoggingEnabled": st.sampled_from([True, False, None]),
        "BucketName": st.sampled_from(["", "b"]),
        "S3KeyPrefix": st.sampled_from(["", "p", "p/"]),
        "LogDestinationType": st.sampled_from(["", "s3", "cloudwatch", "s3table", "kafka"]),
        "LogExports": st.lists(st.sampled_from([*ALL, "auditlog", "sys_userlog"]), max_size=4),
        "S3Tables": st.sampled_from([{}, EVERY, CHOSEN]),
        "LastSuccessfulDeliveryTime": st.sampled_from([EARLY, LATE]),
        "LastFailureTime": st.sampled_from([EARLY, LATE]),
    },
)


@given(answers)
def test_whatever_is_answered_nothing_good_is_made_up(said: dict[str, Any]) -> None:
    status = parse_logging_status(said)
    if on(status) is True:
        assert said["LoggingEnabled"] is True
        assert destinations(status)
    if on(status) is False:
        assert said["LoggingEnabled"] is False
    exported = exported_types(status)
    if on(status) is True:
        assert exported, "a cluster that logs exports something, or it is unknown what"
    failing = delivery_failing(status)
    if isinstance(failing, Said) and not failing.value and status.destination == "s3":
        success, failure = said["LastSuccessfulDeliveryTime"], said.get("LastFailureTime")
        assert failure is None or success > failure
