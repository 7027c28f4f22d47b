"""The journal of the last day as every page needs it, asked for once in a few seconds."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from agent.web.page import Past, past
from agent.web.view import View
from controls.remedy import Entry

MOST = 200
"""Entries that are looked at, the newest."""

DAY = timedelta(days=1)

FRESH_FOR = timedelta(seconds=5)


class Lately:
    """The newest entries of the journal. Safe from any thread.

    Every page begins with what is amiss with changes: asked for each, a slow store would make
    slow pages of those that need none. One thread asks; meanwhile the others go on with what was.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._asking = threading.Lock()
        self._known: Past[Entry] = Past()
        self._at: datetime | None = None

    def of(self, now: datetime) -> Past[Entry]:
        """Entries that began within a day before now, the newest first."""
        if self._old(now) and self._asking.acquire(blocking=False):
            try:
                read = past(lambda: self._view.changes(limit=MOST))
                recent = tuple(one for one in read.found if one.began_at >= now - DAY)
                self._known, self._at = Past(recent, read.problem), now
            finally:
                self._asking.release()
        return self._known

    def _old(self, now: datetime) -> bool:
        return self._at is None or not timedelta(0) <= now - self._at < FRESH_FOR
