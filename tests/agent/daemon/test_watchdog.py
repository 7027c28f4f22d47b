"""What the watchdog says, by the monotonic clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent.daemon.wanted_sweeps import Sweep
from agent.daemon.watchdog import Limits, Watchdog

LIMITS = Limits({Sweep.FULL: 900.0, Sweep.FRESHNESS: 300.0}, longest=750.0)


@pytest.mark.parametrize(
    ("happened", "now", "expected"),
    [
        pytest.param(lambda dog: dog.beat(3_000), 3_000, "", id="idle within three intervals"),
        pytest.param(
            lambda dog: dog.beat(3_460),
            3_460,
            "no sweep has ended for 3460 s",
            id="no sweep for more than three intervals and the longest sweep",
        ),
        pytest.param(
            lambda dog: (dog.began(3_000), dog.beat(3_700)),
            3_700,
            "",
            id="a sweep that takes long",
        ),
        pytest.param(
            lambda dog: (dog.began(3_000), dog.beat(3_760)),
            3_760,
            "a sweep has been under way for 760 s",
            id="a sweep that takes too long",
        ),
        pytest.param(
            lambda dog: (dog.began(3_000), dog.got_on(8_900), dog.beat(9_000)),
            9_000,
            "",
            id="a sweep that takes very long and gets on: a large estate, or AWS does not answer",
        ),
        pytest.param(
            lambda dog: (dog.began(3_000), dog.got_on(8_900), dog.beat(9_700)),
            9_700,
            "a sweep has been under way for 6700 s, the last 800 s idle",
            id="a sweep that got on and does not any more",
        ),
        pytest.param(
            lambda dog: (dog.began(3_000), dog.ended(3_100), dog.beat(6_500)),
            6_500,
            "",
            id="counted from the end of the last sweep",
        ),
        pytest.param(
            lambda dog: dog.ended(100), 100, "the main loop has not turned for 100 s", id="no beat"
        ),
    ],
)
def test_why_dead(happened: Callable[[Watchdog], object], now: float, expected: str) -> None:
    dog = Watchdog(LIMITS, now=0.0)
    happened(dog)

    said = dog.why_dead(now)

    assert said.startswith(expected)
    assert bool(said) == bool(expected)


def test_a_sweep_is_overdue_once_its_interval_has_passed_one_and_a_half_times() -> None:
    dog = Watchdog(LIMITS, now=0.0)

    assert dog.overdue(450) == ()
    assert dog.overdue(452) == (Sweep.FRESHNESS,)
    assert dog.overdue(1_352) == (Sweep.FULL, Sweep.FRESHNESS)
    dog.asked(Sweep.FRESHNESS, 1_352)
    assert dog.overdue(1_352) == (Sweep.FULL,)


def test_other_limits_count_from_when_they_come() -> None:
    dog = Watchdog(LIMITS, now=0.0)
    dog.change(Limits({Sweep.FULL: 10.0}, longest=5.0), 1_000)

    assert dog.overdue(1_010) == ()
    assert dog.overdue(1_017) == (Sweep.FULL,)


def test_what_was_in_order_by_the_old_limits_is_no_fault_by_the_new() -> None:
    dog = Watchdog(Limits({Sweep.FULL: 86_400.0}, longest=9_000.0), now=0.0)
    dog.beat(50_000)
    dog.change(LIMITS, 50_000)
    assert dog.why_dead(50_000) == ""

    dog.began(50_001)
    dog.beat(52_000)
    dog.change(Limits({Sweep.FULL: 60.0}, longest=10.0), 52_000)
    assert dog.why_dead(52_001) == ""
