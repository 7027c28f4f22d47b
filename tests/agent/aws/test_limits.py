"""The limiter, on a clock of the test's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agent.aws.clock import Clock
from agent.aws.limits import FLOOR, LIFT_SECONDS, Limit, Limits

FOREVER = float("inf")
EPOCH = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass
class FakeTime:
    """Time passes only where somebody waits."""

    now: float = 1000.0
    stop: bool = False

    def wait(self, seconds: float) -> bool:
        self.now += max(seconds, 0.0)
        return self.stop

    @property
    def clock(self) -> Clock:
        return Clock(
            monotonic=lambda: self.now,
            utc=lambda: EPOCH + timedelta(seconds=self.now),
            wait=self.wait,
            stopped=lambda: self.stop,
            dice=lambda: 0.5,
        )


@dataclass
class Quota:
    """A token bucket, as AWS's APIs keep one for each account."""

    time: FakeTime
    per_second: float
    tokens: float = 0.0
    last: float = 1000.0
    refused: int = 0

    def admits(self) -> bool:
        passed = self.time.now - self.last
        self.tokens = min(self.per_second, self.tokens + passed * self.per_second)
        self.last = self.time.now
        if self.tokens < 1:
            self.refused += 1
            return False
        self.tokens -= 1
        return True


def drive(limit: Limit, time: FakeTime, quota: Quota, calls: int) -> float:
    """Make so many calls as one caller would, 2 ms each; the seconds it took."""
    began = time.now
    for _ in range(calls):
        while True:
            assert limit.turn(FOREVER)
            started = time.now
            time.now += 0.002
            if quota.admits():
                break
            limit.throttled(started)
    return time.now - began


def test_nothing_is_limited_before_the_first_throttle() -> None:
    time = FakeTime()
    limit = Limit(time.clock)

    assert all(limit.turn(FOREVER) for _ in range(1000))
    assert (time.now, limit.rate) == (1000.0, None)


@given(st.sampled_from([1.0, 2.0, 5.0, 20.0, 100.0]), st.integers(20, 150))
def test_every_call_is_answered_in_about_the_time_the_quota_allows(
    per_second: float, calls: int
) -> None:
    time = FakeTime()
    quota = Quota(time, per_second, tokens=per_second)

    seconds = drive(Limit(time.clock), time, quota, calls)

    assert seconds <= 1.8 * calls / per_second + 3
    assert quota.refused <= 12 + calls / 2


def test_a_throttle_halves_the_measured_rate() -> None:
    time = FakeTime()
    limit = Limit(time.clock)
    for _ in range(40):
        limit.turn(FOREVER)
        time.now += 0.02

    limit.throttled(time.now)

    assert limit.rate == 20.0


def test_a_throttle_of_a_call_sent_before_the_cut_does_not_cut_again() -> None:
    time = FakeTime()
    limit = Limit(time.clock)
    for _ in range(16):
        limit.turn(FOREVER)
    sent = time.now
    time.now += 0.05
    for _ in range(16):
        limit.throttled(sent)

    assert limit.rate == 8.0


def test_the_rate_recovers_by_and_by_and_the_limit_goes_in_the_end() -> None:
    time = FakeTime()
    limit = Limit(time.clock)
    for _ in range(10):
        limit.turn(FOREVER)
    limit.throttled(time.now)

    rates = []
    for _ in range(4):
        rates.append(limit.rate)
        time.now += 1
    time.now += LIFT_SECONDS

    assert rates == [5.0, 6.0, 7.0, 8.0]
    assert limit.rate is None


def test_the_rate_never_falls_to_nothing() -> None:
    time = FakeTime()
    limit = Limit(time.clock)
    for _ in range(50):
        limit.turn(FOREVER)
        limit.throttled(time.now)

    assert limit.rate is not None
    assert limit.rate >= FLOOR


def test_a_turn_that_would_come_after_the_deadline_is_not_waited_for() -> None:
    time = FakeTime()
    limit = Limit(time.clock)
    limit.turn(FOREVER)
    limit.throttled(time.now)

    assert not limit.turn(time.now + 0.4)
    assert time.now == 1000.0


def test_a_waiting_call_is_let_go_when_asked_to_stop() -> None:
    time = FakeTime(stop=True)
    limit = Limit(time.clock)
    limit.turn(FOREVER)
    limit.throttled(time.now)

    assert not limit.turn(FOREVER)


def test_one_key_does_not_slow_another() -> None:
    time = FakeTime()
    limits = Limits(time.clock)
    throttled = limits.of(("111111111111", "eu-west-1", "redshift"))
    throttled.turn(FOREVER)
    throttled.throttled(time.now)

    others = [
        limits.of(("222222222222", "eu-west-1", "redshift")),
        limits.of(("111111111111", "eu-central-1", "redshift")),
        limits.of(("111111111111", "eu-west-1", "s3")),
    ]

    assert [one.rate for one in others] == [None, None, None]
    assert throttled is limits.of(("111111111111", "eu-west-1", "redshift"))
    assert throttled.rate is not None


def test_a_throttle_met_while_a_call_waits_makes_it_wait_at_the_new_pace() -> None:
    time = FakeTime()
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        time.wait(seconds)
        waits.append(seconds)
        if len(waits) == 1:
            limit.throttled(time.now)
        return False

    limit = Limit(replace(time.clock, wait=wait))
    for _ in range(16):
        limit.turn(FOREVER)
    limit.throttled(time.now)
    limit.turn(FOREVER)

    assert len(waits) == 2
    assert waits[1] > waits[0]
