"""Signals end a wait, nothing else."""

from __future__ import annotations

import os
import signal

import pytest

from agent.daemon.signals import HANDLED, Signals


@pytest.mark.parametrize("number", HANDLED, ids=lambda number: signal.Signals(number).name)
def test_a_signal_ends_the_wait(number: int) -> None:
    with Signals() as signals:
        os.kill(os.getpid(), number)

        assert list(signals.wait(10)) == [number]
        assert list(signals.wait(0)) == []


def test_signals_that_came_together_are_all_told() -> None:
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)

        assert set(signals.wait(10)) == {signal.SIGHUP, signal.SIGTERM}


def test_afterwards_signals_mean_what_they_did() -> None:
    before = [signal.getsignal(number) for number in HANDLED]
    with Signals():
        assert [signal.getsignal(number) for number in HANDLED] != before

    assert [signal.getsignal(number) for number in HANDLED] == before
