"""Which sweeps wait and run."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.daemon.wanted_sweeps import Skipped, Sweep, WantedSweeps

FULL, FRESH = Sweep.FULL, Sweep.FRESHNESS


@pytest.mark.parametrize(
    ("asked", "skipped", "taken"),
    [
        pytest.param([FULL], [None], [FULL], id="a full sweep runs"),
        pytest.param([FRESH], [None], [FRESH], id="a freshness sweep runs"),
        pytest.param([FULL, FULL], [None, Skipped.WAITING], [FULL], id="one of a kind waits"),
        pytest.param(
            [FULL, FRESH], [None, Skipped.COVERED], [FULL], id="a full sweep covers freshness"
        ),
        pytest.param(
            [FRESH, FULL], [None, None], [FULL], id="a full sweep covers the one that waited before"
        ),
    ],
)
def test_what_is_asked_and_what_is_taken(
    asked: list[Sweep], skipped: list[Skipped | None], taken: list[Sweep]
) -> None:
    wanted = WantedSweeps()

    assert [wanted.ask(kind) for kind in asked] == skipped
    assert [wanted.take(0) for _ in [*taken, "no more"]] == [*taken, None]


def test_while_a_full_sweep_runs_freshness_is_left_out_and_a_full_one_waits() -> None:
    wanted = WantedSweeps()
    wanted.ask(FULL)
    wanted.take(0)

    assert wanted.ask(FRESH) is Skipped.COVERED
    assert wanted.ask(FULL) is None
    assert wanted.ask(FULL) is Skipped.WAITING
    wanted.done()
    assert wanted.take(0) is FULL


def test_after_it_has_ended_freshness_is_due_again() -> None:
    wanted = WantedSweeps()
    wanted.ask(FULL)
    wanted.take(0)
    wanted.done()

    assert wanted.ask(FRESH) is None


def test_closing_wakes_who_waits_and_nothing_is_taken_any_more() -> None:
    wanted, taken = WantedSweeps(), []
    waiting = threading.Thread(target=lambda: taken.append(wanted.take(60)))
    waiting.start()
    wanted.close()
    waiting.join(10)

    assert taken == [None]
    wanted.ask(FULL)
    assert wanted.take(0) is None
    assert wanted.closed


@given(st.lists(st.sampled_from([FULL, FRESH, None])))
def test_no_sweep_that_was_asked_for_is_lost(steps: list[Sweep | None]) -> None:
    """Whatever comes, what was asked for last runs afterwards, itself or within a full one."""
    wanted, owed = WantedSweeps(), set[Sweep]()
    for step in steps:
        if step is not None:
            owed |= {step} if wanted.ask(step) is not Skipped.COVERED else set()
        elif (taken := wanted.take(0)) is not None:
            owed -= {taken, FRESH}
            wanted.done()
    while (taken := wanted.take(0)) is not None:
        owed -= {taken, FRESH}
        wanted.done()

    assert owed == set()
