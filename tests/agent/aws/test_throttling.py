"""An API that allows 5 calls a second in one account, and as many as you like in another."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from agent.aws.access import AccountAccess
from agent.aws.clock import system_clock
from agent.aws.door import Aws
from agent.aws.sweep import Sweep
from controls.model import AwsError
from tests.agent.aws.conftest import Open
from tests.agent.aws.fake_wire import (
    Answer,
    Reply,
    Seen,
    account_of,
    identity,
    logging_status,
    query_error,
)

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
SLOW, FAST = "111111111111", "222222222222"
THROTTLE = query_error("Throttling", 400, "Rate exceeded")


def allows(per_second: float) -> Answer:
    """A token bucket for the slow account, as AWS's APIs keep one."""
    lock = threading.Lock()
    state = {"tokens": per_second, "last": time.monotonic()}

    def answer(seen: Seen) -> Reply:
        if (known := identity(seen)) is not None:
            return known
        if account_of(seen.key) != SLOW:
            return logging_status("logs")
        with lock:
            now = time.monotonic()
            gained = (now - state["last"]) * per_second
            state.update(tokens=min(per_second, state["tokens"] + gained), last=now)
            if state["tokens"] < 1:
                return THROTTLE
            state["tokens"] -= 1
        return logging_status("logs")

    return answer


def sweep_of(aws: Aws, seconds: float = 60) -> Sweep:
    ways = [AccountAccess(one, role_arn=f"arn:aws:iam::{one}:role/audit") for one in (SLOW, FAST)]
    return aws.sweep(NOW, ways, deadline=aws.deadline(seconds))


def ask(sweep: Sweep, account: str, number: int) -> float:
    """One call; the moment at which it was answered."""
    reader = sweep.reader(account, "eu-west-1")
    reader.call("redshift", "DescribeLoggingStatus", ClusterIdentifier=f"c{number}")
    return time.monotonic()


def test_a_slow_api_is_asked_at_its_pace_and_another_account_is_not_slowed(
    open_aws: Open,
) -> None:
    outcomes: defaultdict[tuple[str, str], int] = defaultdict(int)

    def hook(_s: str, op: str, outcome: str, _t: float, account: str, _r: str) -> None:
        outcomes[account, outcome] += op == "DescribeLoggingStatus"

    aws, _ = open_aws(allows(5), on_call=hook)
    sweep = sweep_of(aws)
    began = time.monotonic()
    with ThreadPoolExecutor(8) as slow, ThreadPoolExecutor(8) as fast:
        slowly = [slow.submit(ask, sweep, SLOW, number) for number in range(20)]
        quickly = [fast.submit(ask, sweep, FAST, number) for number in range(100)]
        fast_seconds = max(one.result() for one in quickly) - began
        slow_seconds = max(one.result() for one in slowly) - began

    allowed = (20 - 5) / 5
    assert allowed * 0.9 <= slow_seconds <= allowed * 2 + 1
    assert fast_seconds < 2
    assert (outcomes[SLOW, "ok"], outcomes[FAST, "ok"]) == (20, 100)
    assert (outcomes[SLOW, "throttled"] < 20, outcomes[FAST, "throttled"]) == (True, 0)


def test_a_throttle_that_outlasts_the_deadline_is_an_error_that_says_so(open_aws: Open) -> None:
    aws, _ = open_aws(lambda seen: identity(seen) or THROTTLE)

    with pytest.raises(AwsError) as caught:
        ask(sweep_of(aws, seconds=1), SLOW, 1)

    assert caught.value.code == "Throttling"
    assert "Rate exceeded" in caught.value.message
    assert "the time for this target is over" in caught.value.message


def test_a_call_that_ran_out_of_time_is_asked_again_by_who_has_more(open_aws: Open) -> None:
    replies = {"throttle": True}

    def answer(seen: Seen) -> Reply:
        return identity(seen) or (THROTTLE if replies["throttle"] else logging_status("logs"))

    aws, _ = open_aws(answer)
    sweep = sweep_of(aws)
    hasty = sweep.reader(SLOW, "eu-west-1", deadline=aws.deadline(0.3))
    patient = sweep.reader(SLOW, "eu-west-1")
    with pytest.raises(AwsError, match="Throttling"):
        hasty.call("redshift", "DescribeLoggingStatus", ClusterIdentifier="c")
    replies["throttle"] = False

    assert patient.call("redshift", "DescribeLoggingStatus", ClusterIdentifier="c")["BucketName"]


def test_shutting_down_wakes_a_waiting_call(open_aws: Open) -> None:
    open_aws(lambda seen: identity(seen) or THROTTLE)
    stop = threading.Event()
    aws = Aws(clock=system_clock(stop))
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()

    with pytest.raises(AwsError) as caught:
        ask(sweep_of(aws), SLOW, 1)

    assert caught.value.code == "Stopped"
    assert time.monotonic() - began < 3
    aws.close()


@pytest.mark.parametrize(
    ("seconds", "stopped", "code"),
    [
        pytest.param(-1.0, False, "Timeout", id="the time is over"),
        pytest.param(60.0, True, "Stopped", id="shutting down"),
    ],
)
def test_nothing_is_asked_any_more_when(
    open_aws: Open, seconds: float, stopped: bool, code: str
) -> None:
    _, wire = open_aws(lambda seen: identity(seen) or logging_status("logs"))
    stop = threading.Event()
    if stopped:
        stop.set()
    aws = Aws(clock=system_clock(stop))

    with pytest.raises(AwsError) as caught:
        ask(sweep_of(aws, seconds), SLOW, 1)

    assert (caught.value.code, wire.seen) == (code, [])
