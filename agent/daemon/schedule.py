"""When to sweep: APScheduler says when, a queue takes it down, others do the work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from agent.daemon.wanted_sweeps import Sweep

Ask = Callable[[Sweep], object]
"""Told which sweep is due; returns at once."""


class _Every(IntervalTrigger):  # type: ignore[misc] # APScheduler is untyped
    """What was missed is due once, and then again after an interval.

    APScheduler would first list every run that was missed: millions, where a machine that woke up
    in 1970 learns the time.
    """

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """After the run that was due at `previous`."""
        due: datetime | None = super().get_next_fire_time(previous, now)
        if previous is None or due is None or due > now:
            return due
        return now + timedelta(seconds=self.interval_length)


class Schedule:
    """Asks for each sweep in its interval, the full one at once.

    A job only puts down that a sweep is due, so it never overlaps with itself; what was missed
    while the machine slept is made up for by one. APScheduler reads the wall clock: where that is
    set back, nothing would be due until it has caught up, which `revive` puts right.
    """

    def __init__(self, ask: Ask, seconds: Mapping[Sweep, float], now: datetime) -> None:
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )
        self._ask = ask
        self._begun = False
        for kind, interval in seconds.items():
            self._add(kind, interval, now if kind is Sweep.FULL else now + timedelta(0, interval))

    def _add(self, kind: Sweep, interval: float, first: datetime) -> None:
        self._scheduler.add_job(
            self._ask,
            _Every(seconds=interval, timezone=UTC),
            args=[kind],
            id=kind.value,
            name=f"{kind.value} sweep",
            next_run_time=first,
            replace_existing=True,
        )

    def start(self) -> None:
        """Begin, on a thread of its own."""
        self._scheduler.start()
        self._begun = True

    def change(self, seconds: Mapping[Sweep, float], now: datetime) -> None:
        """Other intervals, from now on; a sweep that is not named is not asked for any more."""
        for kind in Sweep:
            if kind in seconds:
                self._add(kind, seconds[kind], now + timedelta(0, seconds[kind]))
            elif self._scheduler.get_job(kind.value) is not None:
                self._scheduler.remove_job(kind.value)

    def revive(self, kind: Sweep, now: datetime) -> None:
        """It should have been due long since: make it due now."""
        self._scheduler.modify_job(kind.value, next_run_time=now)

    def next_times(self) -> dict[str, datetime]:
        """When each sweep is due, by its kind."""
        return {
            job.id: job.next_run_time.astimezone(UTC)
            for job in self._scheduler.get_jobs()
            if job.next_run_time is not None
        }

    @property
    def running(self) -> bool:
        """Whether its thread has not ended. Pages are served before it begins."""
        thread = getattr(self._scheduler, "_thread", None)
        return not self._begun or (thread is not None and thread.is_alive())

    def stop(self) -> None:
        """Ask for nothing more. Does not wait."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
