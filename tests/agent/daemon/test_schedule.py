"""APScheduler as the agent uses it: it asks, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from agent.daemon.schedule import Schedule
from agent.daemon.wanted_sweeps import Sweep

HOUR = 3_600.0


class Asked:
    """Remembers what was asked for, and lets a test wait for it."""

    def __init__(self) -> None:
        self.kinds: list[Sweep] = []
        self._came = threading.Condition()

    def __call__(self, kind: Sweep) -> None:
        with self._came:
            self.kinds.append(kind)
            self._came.notify_all()

    def wait_for(self, count: int) -> bool:
        """Until so many were asked for; false if they do not come."""
        with self._came:
            return self._came.wait_for(lambda: len(self.kinds) >= count, 10)


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def schedule(asked: Asked) -> Iterator[Schedule]:
    """Full every two hours, freshness every hour; started."""
    made = Schedule(asked, {Sweep.FULL: 2 * HOUR, Sweep.FRESHNESS: HOUR}, datetime.now(UTC))
    made.start()
    yield made
    made.stop()


def test_a_full_sweep_is_due_at_once_and_freshness_after_its_interval(
    schedule: Schedule, asked: Asked
) -> None:
    assert asked.wait_for(1)
    assert asked.kinds == [Sweep.FULL]
    ahead = {kind: at - datetime.now(UTC) for kind, at in schedule.next_times().items()}
    assert timedelta(minutes=119) < ahead["full"] <= timedelta(hours=2)
    assert timedelta(minutes=59) < ahead["freshness"] <= timedelta(hours=1)


def test_what_stands_still_is_revived(schedule: Schedule, asked: Asked) -> None:
    assert asked.wait_for(1)

    schedule.revive(Sweep.FRESHNESS, datetime.now(UTC))

    assert asked.wait_for(2)
    assert asked.kinds == [Sweep.FULL, Sweep.FRESHNESS]


def test_what_was_missed_by_hours_is_asked_for_once(asked: Asked) -> None:
    """As after the machine slept, or its clock was set forward."""
    long_ago = datetime.now(UTC) - timedelta(days=3)
    schedule = Schedule(asked, {Sweep.FULL: 60.0}, long_ago)
    schedule.start()
    try:
        assert asked.wait_for(1)
        assert not asked.kinds[1:]
        assert schedule.next_times()["full"] > datetime.now(UTC)
    finally:
        schedule.stop()


def test_intervals_change_and_a_sweep_without_rules_is_not_asked_for(schedule: Schedule) -> None:
    schedule.change({Sweep.FULL: HOUR}, datetime.now(UTC))

    assert list(schedule.next_times()) == ["full"]
    schedule.change({Sweep.FULL: HOUR, Sweep.FRESHNESS: HOUR}, datetime.now(UTC))
    assert set(schedule.next_times()) == {"full", "freshness"}


def test_a_schedule_that_was_stopped_is_not_running(asked: Asked) -> None:
    schedule = Schedule(asked, {Sweep.FULL: HOUR}, datetime.now(UTC))
    assert schedule.running, "pages are served before it starts: that is no fault"
    schedule.start()
    assert schedule.running
    schedule.stop()
    schedule.stop()
    assert not schedule.running


def test_what_was_missed_since_1970_is_due_once_and_at_once(asked: Asked) -> None:
    schedule = Schedule(asked, {Sweep.FULL: 1.0}, datetime(1970, 1, 1, tzinfo=UTC))
    began = time.monotonic()
    schedule.start()
    assert asked.wait_for(2)
    schedule.stop()

    assert time.monotonic() - began < 5, "a list of all that was missed takes minutes"
    assert len(asked.kinds) <= 6
