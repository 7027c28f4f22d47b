"""Equal calls are made once a sweep, whoever asks, and errors are remembered too."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.aws.access import AccountAccess, Outcome
from agent.aws.clock import system_clock
from agent.aws.memory import Memory, frozen
from agent.aws.sweep import Sweep
from controls.model import AwsError
from tests.agent.aws.conftest import BASE, Open
from tests.agent.aws.fake_wire import Reply, Seen, identity, logging_status, s3_error

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
LATER = float("inf")


def slowly(seen: Seen) -> Reply:
    """S3 denies; Redshift takes its time."""
    if seen.service == "s3":
        return s3_error("AccessDenied", 403)
    return identity(seen) or Reply(logging_status("logs").body, hang=0.1)


def test_32_threads_that_ask_the_same_make_one_call(open_aws: Open) -> None:
    aws, wire = open_aws(slowly)
    sweep = aws.sweep(NOW, [AccountAccess(BASE)])

    def ask(_: int) -> str:
        reader = sweep.reader(BASE, "eu-west-1")
        answer = reader.call("redshift", "DescribeLoggingStatus", ClusterIdentifier="c")
        return str(answer["BucketName"])

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(ask, range(64)))

    assert answers == ["logs"] * 64
    assert wire.count("redshift:DescribeLoggingStatus") == 1
    assert sweep.calls["redshift:DescribeLoggingStatus"] == 1


def test_an_error_is_remembered_like_an_answer(open_aws: Open) -> None:
    aws, wire = open_aws(slowly)
    reader = aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1")
    caught = []
    for _ in range(3):
        with pytest.raises(AwsError) as one:
            reader.call("s3", "GetBucketVersioning", Bucket="logs")
        caught.append(one.value)

    assert wire.count("s3:GetBucketVersioning") == 1
    assert len({id(one) for one in caught}) == 3


def test_a_new_sweep_remembers_nothing(open_aws: Open) -> None:
    aws, wire = open_aws(slowly)
    for _ in range(2):
        reader = aws.sweep(NOW, [AccountAccess(BASE)]).reader(BASE, "eu-west-1")
        reader.call("redshift", "DescribeLoggingStatus", ClusterIdentifier="c")

    assert wire.count("redshift:DescribeLoggingStatus") == 2


def iam_asked_from_two_regions(sweep: Sweep) -> None:
    for region in ("eu-west-1", "eu-central-1", "global"):
        sweep.reader(BASE, region).call("iam", "GetRole", RoleName="loader")


def test_a_role_is_read_once_whatever_the_region_that_asks(open_aws: Open) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.service == "iam":
            return Reply(
                "<GetRoleResponse><GetRoleResult><Role><RoleName>loader</RoleName></Role>"
                "</GetRoleResult></GetRoleResponse>"
            )
        return slowly(seen)

    aws, wire = open_aws(answer)
    iam_asked_from_two_regions(aws.sweep(NOW, [AccountAccess(BASE)]))

    assert [(one.name, one.region) for one in wire.seen if one.service == "iam"] == [
        ("iam:GetRole", "us-east-1")
    ]


def test_a_thread_that_dies_leaves_the_call_to_the_next() -> None:
    memory = Memory(system_clock())

    def dies() -> Outcome:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        memory.ask("key", LATER, dies)

    assert memory.ask("key", LATER, lambda: Outcome({"a": 1}, NOW)).answer == {"a": 1}


def test_a_thread_waits_for_another_no_longer_than_its_own_deadline() -> None:
    clock = system_clock()
    memory = Memory(clock)
    asked, release = threading.Event(), threading.Event()

    def holds() -> Outcome:
        asked.set()
        release.wait(5)
        return Outcome({}, NOW)

    other = threading.Thread(target=lambda: memory.ask("key", LATER, holds))
    other.start()
    asked.wait(5)
    outcome = memory.ask("key", clock.monotonic() + 0.05, holds)
    release.set()
    other.join()

    assert isinstance(outcome.answer, AwsError)
    assert (outcome.answer.code, outcome.out_of_time) == ("Timeout", True)


NAMES = st.sampled_from(["Bucket", "Prefix", ""])
PARAMS = st.recursive(
    st.one_of(NAMES, st.integers(0, 2), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(NAMES, inner, max_size=2)),
    max_leaves=4,
)


def exactly(value: object) -> str:
    """JSON tells true from 1, as AWS does."""
    return json.dumps(value, sort_keys=True)


@given(PARAMS, PARAMS)
def test_parameters_have_one_key_exactly_when_they_are_equal(one: object, other: object) -> None:
    assert (exactly(one) == exactly(other)) == (frozen(one) == frozen(other))


def test_the_order_in_which_parameters_are_written_makes_no_difference() -> None:
    assert frozen({"a": 1, "b": [1, 2]}) == frozen({"b": [1, 2], "a": 1})
