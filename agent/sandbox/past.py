"""The month before the demo begins: made up, like the estate, so that the pages have a past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from agent.store.opening import open_store
from agent.store.records import SweepRecord
from controls.history import State

DAYS = 29
NOBODY_LOOKED = (17, 16)
"""Days ago on which no sweep ran: a gap is shown as one."""

FAILING = (41, 41, 40, 44, 44, 43, 39, 39, 38, 38, 37, 37, 36, 36, 33, 33, 33, 35, 35, 34, 34)
"""Findings that failed, day by day; after the last of them as the estate is now."""

UNKNOWN = (8, 8, 8, 8, 8, 8, 8, 27, 27, 8)
"""Unknown ones; the two days of 27 are those on which an account denied its role."""

JUDGED, NOT_APPLICABLE, NOW_FAILING, NOW_UNKNOWN = 213, 38, 28, 8


def remember(url: str, now: datetime) -> None:
    """Write those sweeps, four a day, into the store at that URL, which is made if need be."""
    store = open_store(url)
    try:
        store.write(tuple(sweeps(now)), State(), ())
    finally:
        store.close()


def sweeps(now: datetime) -> Iterator[SweepRecord]:
    """Full sweeps at 0, 6, 12 and 18 o'clock (UTC) of each day, the oldest first."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(DAYS):
        ago = DAYS - number
        if ago in NOBODY_LOOKED:
            continue
        fail = FAILING[number] if number < len(FAILING) else NOW_FAILING + (ago > 5)
        unknown = UNKNOWN[number] if number < len(UNKNOWN) else NOW_UNKNOWN
        counts = {
            "pass": JUDGED - fail - unknown,
            "fail": fail,
            "unknown": unknown,
            "waived": 0,
            "not_applicable": NOT_APPLICABLE,
        }
        for hour in (0, 6, 12, 18):
            at = today - timedelta(days=ago) + timedelta(hours=hour)
            yield SweepRecord(
                id=f"past{number:02}{hour:02}",
                kind="full",
                started_at=at,
                ended_at=at + timedelta(seconds=2),
                outcome="partial" if unknown > NOW_UNKNOWN else "complete",
                calls=170,
                counts=counts,
            )
