"""The demo's made-up month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.sandbox.past import DAYS, JUDGED, NOBODY_LOOKED, remember
from agent.store.opening import open_store

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def test_the_month_before_stands_in_the_store_with_its_gap(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state' / 'trailkeeper.db'}"
    remember(url, NOW)

    store = open_store(url)
    days = store.days(NOW - timedelta(days=30))
    store.close()

    assert len(days) == DAYS - len(NOBODY_LOOKED)
    assert (NOW - timedelta(days=NOBODY_LOOKED[0])).date() not in {one.day for one in days}
    for one in days:
        assert one.counts["pass"] + one.counts["fail"] + one.counts["unknown"] == JUDGED
        assert one.day < NOW.date()
