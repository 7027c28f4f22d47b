"""The time of one target is its own."""

from __future__ import annotations

from agent.budgets import Budgets


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now


def test_a_target_has_its_seconds_from_when_it_begins() -> None:
    """However late its turn comes."""
    clock = Clock()
    budgets = Budgets[str](lambda target: 300, clock)

    assert budgets.deadline("a") == 1300
    clock.now = 1100
    assert budgets.deadline("a") == 1300
    assert budgets.deadline("b") == 1400


def test_waiting_for_others_costs_nothing() -> None:
    """In the next phase each has what it did not use; who used all has none left."""
    clock = Clock()
    budgets = Budgets[str](lambda target: 300, clock)
    for target in ("quick", "slow"):
        budgets.deadline(target)
    clock.now = 1010
    budgets.note("quick")
    clock.now = 1300
    budgets.note("slow")
    budgets.end_phase()

    assert budgets.deadline("quick") == 1300 + 290
    assert budgets.deadline("slow") == 1300


def test_time_adds_up_over_phases() -> None:
    """A phase more is no fresh start."""
    clock = Clock()
    budgets = Budgets[str](lambda target: 300, clock)
    for _ in range(3):
        budgets.deadline("a")
        clock.now += 60
        budgets.note("a")
        budgets.end_phase()

    assert budgets.deadline("a") == clock.now + 120


def test_each_target_has_its_own_seconds() -> None:
    """Who did not answer at all last time may be given less."""
    budgets = Budgets[str](lambda target: 20 if target == "dead" else 300, Clock())

    assert (budgets.deadline("dead"), budgets.deadline("alive")) == (1020, 1300)
