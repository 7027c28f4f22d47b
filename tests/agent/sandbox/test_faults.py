"""Faults in the sandbox reach botocore as AWS's own errors, and only those who were meant."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from agent.sandbox.faults import Fault, Faults, fault_from
from agent.sandbox.wire import Asked, Protocol
from tests.sandbox_server import OTHER_ACCOUNT, REGION, Sandbox, code_of

ACCOUNT = "111122223333"
TIME = datetime(2026, 11, 1, tzinfo=UTC)

CALLS: dict[str, Callable[[Any], Any]] = {
    "redshift": lambda client: client.describe_clusters(),
    "iam": lambda client: client.list_roles(),
    "sts": lambda client: client.get_caller_identity(),
    "ec2": lambda client: client.describe_regions(),
    "s3": lambda client: client.list_buckets(),
    "s3control": lambda client: client.get_public_access_block(AccountId=ACCOUNT),
    "logs": lambda client: client.describe_log_groups(),
    "redshift-serverless": lambda client: client.list_namespaces(),
    "organizations": lambda client: client.list_accounts(),
    "account": lambda client: client.list_regions(),
    "cloudwatch": lambda client: client.get_metric_statistics(
        Namespace="AWS/Redshift",
        MetricName="DatabaseConnections",
        StartTime=TIME,
        EndTime=TIME.replace(day=2),
        Period=3600,
        Statistics=["Maximum"],
    ),
}
JSON = ("logs", "redshift-serverless", "organizations", "account")


def call(sandbox: Sandbox, service: str) -> Any:
    return CALLS[service](sandbox.client(service))


def expected(kind: str, service: str) -> tuple[str, int]:
    """The code and status that AWS's protocol of the service has for it."""
    special = {
        ("deny", "ec2"): ("UnauthorizedOperation", 403),
        ("throttle", "ec2"): ("RequestLimitExceeded", 503),
        ("throttle", "s3"): ("SlowDown", 503),
        ("throttle", "s3control"): ("SlowDown", 503),
        ("expired", "s3"): ("ExpiredToken", 400),
        ("expired", "s3control"): ("ExpiredToken", 400),
    }
    usual = {
        ("deny", False): ("AccessDenied", 403),
        ("deny", True): ("AccessDeniedException", 400),
        ("throttle", False): ("Throttling", 400),
        ("throttle", True): ("ThrottlingException", 400),
        ("expired", False): ("ExpiredToken", 403),
        ("expired", True): ("ExpiredTokenException", 400),
    }
    return special.get((kind, service)) or usual[kind, service in JSON]


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("kind", ["deny", "throttle", "expired"])
def test_each_protocol_has_its_own_words(sandbox: Sandbox, kind: str, service: str) -> None:
    sandbox.fault({"kind": kind, "service": service})

    with pytest.raises(ClientError) as refused:
        call(sandbox, service)

    status = refused.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert expected(kind, service) == (code_of(refused), status)


def test_a_malformed_answer_in_xml_cannot_be_read(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "malformed"})

    with pytest.raises(ResponseParserError):
        call(sandbox, "redshift")


def test_botocore_takes_malformed_xml_of_s3_for_an_internal_error(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "malformed"})

    with pytest.raises(ClientError) as refused:
        call(sandbox, "s3")

    assert code_of(refused) == "500"


def test_botocore_takes_malformed_json_for_an_answer_without_members(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "malformed", "service": "logs"})

    assert {"ResponseMetadata"} == set(call(sandbox, "logs"))


def test_an_error_says_what_the_rule_says(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "error", "code": "Odd", "message": "a < b & c", "status": 418})

    with pytest.raises(ClientError) as refused:
        call(sandbox, "redshift")

    assert {"Code": "Odd", "Message": "a < b & c"}.items() <= refused.value.response[
        "Error"
    ].items()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 418


def test_not_found_has_the_code_of_the_service(sandbox: Sandbox) -> None:
    sandbox.plant([{"do": "bucket", "account": ACCOUNT, "name": "logs", "region": REGION}])
    sandbox.fault({"kind": "not_found", "service": "s3", "operation": "GetBucketEncryption"})
    s3 = sandbox.client("s3")

    s3.get_bucket_versioning(Bucket="logs")
    with pytest.raises(ClientError) as refused:
        s3.get_bucket_encryption(Bucket="logs")

    assert code_of(refused) == "NoSuchBucket"


@pytest.mark.parametrize(
    ("rule", "met"),
    [
        pytest.param({}, True, id="everybody"),
        pytest.param({"account": ACCOUNT}, True, id="this account"),
        pytest.param({"account": OTHER_ACCOUNT}, False, id="another account"),
        pytest.param({"region": REGION}, True, id="this region"),
        pytest.param({"region": "us-east-1"}, False, id="another region"),
        pytest.param({"service": "s3"}, False, id="another service"),
        pytest.param({"operation": "DescribeLoggingStatus"}, True, id="this operation"),
        pytest.param({"operation": "DescribeClusters"}, False, id="another operation"),
        pytest.param({"resource": "prod"}, True, id="this cluster"),
        pytest.param({"resource": "test"}, False, id="another cluster"),
    ],
)
def test_a_rule_meets_only_those_it_means(
    sandbox: Sandbox, rule: dict[str, str], met: bool
) -> None:
    here = {"account": ACCOUNT, "region": REGION}
    sandbox.plant([{"do": "cluster", **here, "identifier": "prod"}])
    sandbox.fault({"kind": "deny", **rule})

    try:
        sandbox.client("redshift").describe_logging_status(ClusterIdentifier="prod")
        denied = False
    except ClientError:
        denied = True

    assert met == denied
    assert int(met) == sandbox.faults()[0]["met"]


def outcomes(sandbox: Sandbox, number: int, account: str = ACCOUNT) -> str:
    """One letter a call: o for an answer, x for an error."""
    client = sandbox.client("redshift", account=account)
    seen = ""
    for _ in range(number):
        try:
            client.describe_clusters()
            seen += "o"
        except ClientError:
            seen += "x"
    return seen


def test_a_rule_may_wait_and_end(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "throttle", "after": 1, "times": 2})

    assert outcomes(sandbox, 5) == "oxxoo"


def test_a_quota_holds_for_each_account_apart(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "throttle", "service": "redshift", "per_second": 2})

    assert outcomes(sandbox, 6).startswith("oox")
    assert outcomes(sandbox, 2, account=OTHER_ACCOUNT) == "oo"


def test_a_hanging_call_is_let_go_when_the_rules_are_dropped(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "hang", "service": "redshift"})
    started = time.monotonic()
    threading.Timer(0.2, sandbox.clear_faults).start()

    call(sandbox, "redshift")

    assert 0.15 < time.monotonic() - started < 5


def test_a_hang_outlasts_a_reader(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "hang", "service": "redshift"})
    client = sandbox.client("redshift", timeout=0.2)

    with pytest.raises(ReadTimeoutError):
        client.describe_clusters()

    sandbox.clear_faults()


def test_dropped_rules_are_gone(sandbox: Sandbox) -> None:
    sandbox.fault({"kind": "deny"})
    sandbox.clear_faults()

    assert outcomes(sandbox, 1) == "o"


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({"kind": "explode"}, id="an unknown kind"),
        pytest.param({}, id="no kind"),
        pytest.param({"kind": "deny", "bucket": "x"}, id="an unknown member"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(rule: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"a fault"):
        fault_from(rule)


def test_a_quota_refills_with_time() -> None:
    asked = Asked(
        account=ACCOUNT,
        access_key="",
        region=REGION,
        service="redshift",
        operation="DescribeClusters",
        protocol=Protocol.QUERY,
        method="POST",
        bucket="",
        text="",
        form={},
    )
    rule = Fault("throttle", per_second=2)

    struck = [rule.strikes(asked, now) for now in (0.0, 0.0, 0.0, 0.5, 0.5, 9.0, 9.0, 9.0)]

    assert struck == [False, False, True, False, True, False, False, True]


def test_the_newest_rule_goes_first() -> None:
    faults = Faults()
    faults.add(Fault("deny"))
    faults.add(Fault("throttle"))

    assert [rule["kind"] for rule in faults.describe()] == ["throttle", "deny"]


# ---------------------------------------------------------------- eventual consistency


def retention(sandbox: Sandbox) -> int | None:
    """As it is seen now."""
    found = sandbox.client("logs").describe_log_groups(logGroupNamePrefix="/g")["logGroups"]
    days: int | None = found[0].get("retentionInDays")
    return days


def planted_group(sandbox: Sandbox) -> None:
    here = {"account": ACCOUNT, "region": REGION}
    sandbox.plant([{"do": "log_group", **here, "name": "/g", "retention": 30}])


def test_stale_reads_show_what_was_before_the_write_so_many_times(sandbox: Sandbox) -> None:
    planted_group(sandbox)
    sandbox.fault({"kind": "stale", "service": "logs", "times": 2})
    logs = sandbox.client("logs")

    seen = [retention(sandbox)]
    logs.put_retention_policy(logGroupName="/g", retentionInDays=60)
    seen += [retention(sandbox) for _ in range(2)]
    logs.put_retention_policy(logGroupName="/g", retentionInDays=90)
    seen += [retention(sandbox) for _ in range(2)]

    assert seen == [30, 30, 30, 90, 90]
    assert sandbox.faults()[0]["met"] == 2


def test_two_writes_do_not_wash_away_what_was_before_both(sandbox: Sandbox) -> None:
    planted_group(sandbox)
    sandbox.fault({"kind": "stale", "service": "logs", "times": 3})
    logs = sandbox.client("logs")

    seen = [retention(sandbox)]
    for days in (60, 90):
        logs.put_retention_policy(logGroupName="/g", retentionInDays=days)
        seen.append(retention(sandbox))

    assert seen == [30, 30, 30]


def test_what_was_not_read_before_the_write_is_never_stale(sandbox: Sandbox) -> None:
    planted_group(sandbox)
    sandbox.fault({"kind": "stale", "service": "logs"})

    sandbox.client("logs").put_retention_policy(logGroupName="/g", retentionInDays=60)

    assert retention(sandbox) == 60


def test_a_write_that_is_refused_makes_nothing_stale(sandbox: Sandbox) -> None:
    planted_group(sandbox)
    sandbox.fault({"kind": "stale", "service": "logs"})
    retention(sandbox)

    with pytest.raises(ClientError):
        sandbox.client("logs").put_retention_policy(logGroupName="/g", retentionInDays=2)
    retention(sandbox)

    assert sandbox.faults()[0]["met"] == 0
