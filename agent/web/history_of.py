"""What became of a resource or a finding, from the store."""

from __future__ import annotations

from agent.web.page import Look, Past, past
from controls.history import Event

LONGEST = 200
"""Events on one page, the newest."""


def history_of(look: Look, resource: str, *, finding: str = "") -> Past[Event]:
    """The events of a resource, or of one of its findings; the newest first."""
    read = past(lambda: look.view.events(resource=resource, limit=LONGEST))
    if not finding:
        return read
    return Past(tuple(one for one in read.found if one.finding == finding), read.problem)
