"""What goes wrong on the wire, and what the door makes of it, over real HTTP."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.aws import errors
from agent.aws.access import AccountAccess
from agent.aws.door import Aws
from agent.aws.reader import SweepReader
from agent.aws.settings import AwsSettings
from controls.model import AwsError
from tests.agent.aws.conftest import BASE, Open
from tests.agent.aws.fake_wire import (
    Answer,
    Reply,
    Seen,
    identity,
    query_error,
    query_xml,
    s3_error,
)

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
Call = tuple[str, str, dict[str, Any]]

HTML = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>proxy</body></html>"
XHTML = f'<?xml version="1.0"?>\n{HTML}'
LOGGING = ("redshift", "DescribeLoggingStatus", {"ClusterIdentifier": "c"})
VERSIONING = ("s3", "GetBucketVersioning", {"Bucket": "logs"})
POLICY = ("s3", "GetBucketPolicy", {"Bucket": "logs"})
GROUPS: Call = ("logs", "DescribeLogGroups", {})
JSON = "application/x-amz-json-1.1"


def always(reply: Reply) -> Answer:
    """STS works; everything else answers so."""
    return lambda seen: identity(seen) or reply


def reader_of(aws: Aws, seconds: float = 60) -> SweepReader:
    sweep = aws.sweep(NOW, [AccountAccess(BASE)], deadline=aws.deadline(seconds))
    return sweep.reader(BASE, "eu-west-1")


def error_of(aws: Aws, call: Call, seconds: float = 60) -> AwsError:
    with pytest.raises(AwsError) as caught:
        reader_of(aws, seconds).call(call[0], call[1], **call[2])
    return caught.value


@pytest.mark.parametrize(
    ("call", "reply", "code", "denied"),
    [
        pytest.param(LOGGING, query_error("AccessDenied", 403), "AccessDenied", True, id="IAM"),
        pytest.param(LOGGING, query_error("Odd", 403), "Odd", True, id="any other 403"),
        pytest.param(
            LOGGING,
            query_error("UnauthorizedOperation", 400),
            "UnauthorizedOperation",
            True,
            id="denied with a 400",
        ),
        pytest.param(
            GROUPS,
            Reply('{"__type":"AccessDeniedException","message":"no"}', 400, JSON),
            "AccessDeniedException",
            True,
            id="denied in JSON",
        ),
        pytest.param(
            POLICY, s3_error("MethodNotAllowed", 405), "MethodNotAllowed", True, id="S3 policy 405"
        ),
        pytest.param(
            VERSIONING, s3_error("NoSuchBucket", 404), "NoSuchBucket", False, id="no such bucket"
        ),
        pytest.param(
            LOGGING,
            query_error("ClusterNotFound", 404),
            "ClusterNotFound",
            False,
            id="no such cluster",
        ),
        pytest.param(LOGGING, Reply(HTML, 403), "Unparseable", True, id="a proxy's 403"),
        pytest.param(LOGGING, Reply("<Descr", 400), "Unparseable", False, id="half an error"),
    ],
)
def test_an_error_that_stands_is_told_by_its_code(
    open_aws: Open, call: Call, reply: Reply, code: str, denied: bool
) -> None:
    aws, _ = open_aws(always(reply))

    error = error_of(aws, call)

    assert (code, denied, BASE, "eu-west-1") == (
        error.code,
        error.denied,
        error.account,
        error.region,
    )


@pytest.mark.parametrize(
    "code", ["AccessDenied", "ClusterNotFound", "ExpiredToken", "InvalidClientTokenId"]
)
def test_an_error_that_stands_is_not_tried_again(open_aws: Open, code: str) -> None:
    aws, wire = open_aws(always(query_error(code, 403)))

    error_of(aws, LOGGING)

    assert wire.count("redshift:DescribeLoggingStatus") == 1


@pytest.mark.parametrize("code", ["ExpiredToken", "UnrecognizedClientException", "OptInRequired"])
def test_bad_credentials_are_told_from_a_denial(open_aws: Open, code: str) -> None:
    aws, _ = open_aws(always(query_error(code, 403, "The security token is expired")))

    error = error_of(aws, LOGGING)

    assert (errors.is_expired(error), error.denied) == (True, False)
    assert "The security token is expired: the credentials have expired" in str(error)


@pytest.mark.parametrize(
    ("call", "reply"),
    [
        pytest.param(VERSIONING, Reply(HTML), id="a page of HTML for S3"),
        pytest.param(VERSIONING, Reply(XHTML), id="well-formed HTML for S3"),
        pytest.param(VERSIONING, Reply("<VersioningConfigu"), id="cut-off XML from S3"),
        pytest.param(LOGGING, Reply("<DescribeLoggingStatusResponse><Des"), id="cut-off XML"),
        pytest.param(LOGGING, Reply("<other/>"), id="somebody else's XML"),
        pytest.param(LOGGING, Reply(""), id="nothing"),
        pytest.param(
            LOGGING,
            query_xml("DescribeLoggingStatus", "<LastFailureTime>soon</LastFailureTime>"),
            id="a time that is none",
        ),
        pytest.param(GROUPS, Reply(HTML, content_type=JSON), id="a page of HTML for JSON"),
        pytest.param(
            GROUPS, Reply('{"logGroups": [{"logGro', content_type=JSON), id="cut-off JSON"
        ),
        pytest.param(GROUPS, Reply("{}", content_type=JSON), id="JSON with nothing in it"),
    ],
)
def test_an_answer_that_makes_no_sense_is_never_an_empty_one(
    open_aws: Open, call: Call, reply: Reply
) -> None:
    aws, wire = open_aws(always(reply), transient_seconds=0.5)

    error = error_of(aws, call)

    assert (error.code, error.denied) == (errors.UNPARSEABLE, False)
    assert 2 <= wire.count(f"{call[0]}:{call[1]}") <= 4


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        pytest.param(query_error("InternalFailure", 500), "InternalFailure", id="AWS's own 500"),
        pytest.param(Reply("<html>oops</html>", 502), "Unparseable", id="HTML 502"),
        pytest.param(Reply(HTML, 500), "Unparseable", id="HTML 500"),
        pytest.param(Reply("", 503), "Unparseable", id="an empty 503"),
        pytest.param(Reply("", cut=True), "Unreachable", id="the connection is cut"),
    ],
)
def test_a_failure_of_the_other_side_is_tried_again_until_the_deadline(
    open_aws: Open, reply: Reply, code: str
) -> None:
    aws, wire = open_aws(always(reply))

    error = error_of(aws, LOGGING, seconds=2.5)

    assert (code, False) == (error.code, error.denied)
    assert wire.count("redshift:DescribeLoggingStatus") >= 2
    assert "for the time for this target is over" in error.message


def test_a_failure_of_the_other_side_does_not_use_up_the_targets_time(open_aws: Open) -> None:
    aws, _ = open_aws(always(query_error("InternalFailure", 500)), transient_seconds=0.5)
    began = time.monotonic()

    error = error_of(aws, LOGGING, seconds=300)

    assert time.monotonic() - began < 5
    assert "tried" in error.message


def test_a_failure_that_passes_is_not_noticed(open_aws: Open) -> None:
    replies = [Reply("", cut=True), query_error("InternalFailure", 500), Reply(HTML, 500)]
    good = query_xml("DescribeLoggingStatus", "<LoggingEnabled>true</LoggingEnabled>")

    def answer(seen: Seen) -> Reply:
        return identity(seen) or (replies.pop() if replies else good)

    aws, _ = open_aws(answer)

    assert reader_of(aws).call("redshift", "DescribeLoggingStatus", ClusterIdentifier="c") == {
        "LoggingEnabled": True
    }


def test_an_answer_that_does_not_come_is_a_timeout(open_aws: Open) -> None:
    good = query_xml("DescribeLoggingStatus", "<LoggingEnabled>true</LoggingEnabled>")
    late = Reply(good.body, hang=1.0)
    aws, _ = open_aws(always(late), read_timeout=0.2)

    assert error_of(aws, LOGGING, seconds=0.5).code == errors.TIMEOUT


def test_nobody_there_is_given_up_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: refused
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{held.getsockname()[1]}")
        aws = Aws(AwsSettings())
        began = time.monotonic()
        error = error_of(aws, LOGGING, seconds=300)

    assert error.code == errors.UNREACHABLE
    assert "Could not connect to the endpoint URL" in error.message
    assert time.monotonic() - began < 4


def test_an_error_named_absent_is_a_known_nothing(open_aws: Open) -> None:
    aws, wire = open_aws(always(s3_error("NoSuchBucketPolicy", 404)))
    reader = reader_of(aws)

    assert reader.call("s3", "GetBucketPolicy", absent=("NoSuchBucketPolicy",), Bucket="b") == {}
    with pytest.raises(AwsError, match="NoSuchBucketPolicy"):
        reader.call("s3", "GetBucketPolicy", Bucket="b")
    assert wire.count("s3:GetBucketPolicy") == 1


def test_a_bucket_that_never_had_versioning_is_an_empty_answer(open_aws: Open) -> None:
    aws, _ = open_aws(always(Reply("<VersioningConfiguration/>")))

    assert reader_of(aws).call("s3", "GetBucketVersioning", Bucket="logs") == {}


def test_a_denial_names_the_action_to_grant(open_aws: Open) -> None:
    aws, _ = open_aws(always(s3_error("AccessDenied", 403)))

    with pytest.raises(AwsError) as caught:
        reader_of(aws).call("s3", "GetBucketLifecycleConfiguration", Bucket="b")

    assert str(caught.value) == f"s3:GetLifecycleConfiguration denied in {BASE}/eu-west-1"


def test_a_call_with_wrong_parameters_is_told_at_once(open_aws: Open) -> None:
    aws, wire = open_aws(always(query_error("Never", 400)))

    error = error_of(aws, ("redshift", "DescribeLoggingStatus", {"Cluster": "c"}))

    assert (error.code, wire.count("redshift:DescribeLoggingStatus")) == (errors.INVALID_CALL, 0)
