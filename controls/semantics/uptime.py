"""How long a cluster has been up, as far as its events tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

EVENTS_KEPT = timedelta(days=14)
"""How far back DescribeEvents reaches (API reference)."""

RESIZE_TAKES = timedelta(hours=3)
"""What is left out before a resize that ended and whose beginning no event tells."""


FIRST_RECORD_TAKES = timedelta(hours=6)
"""Deliveries trail by up to two hours; thrice that is room enough."""


class Turn(StrEnum):
    """What an event says of the cluster's being up."""

    DOWN = "down"
    UP = "up"
    RESIZED = "resized"
    """Up again, and up before: only an available cluster can be resized."""
    REBOOTED = "rebooted"
    """Up before and after; static parameters come into force."""


Turns: TypeAlias = Sequence[tuple[datetime, Turn]]
Moment: TypeAlias = tuple[datetime, str]
"""A time, and what it is the time of."""

BY_ID = {
    "REDSHIFT-EVENT-2000": Turn.UP,  # created
    "REDSHIFT-EVENT-3000": Turn.REBOOTED,
    "REDSHIFT-EVENT-3618": Turn.DOWN,  # the pause started
    "REDSHIFT-EVENT-3619": Turn.DOWN,  # the pause was done
    "REDSHIFT-EVENT-3622": Turn.UP,  # resumed
}
"""`aws redshift describe-event-categories`."""

MESSAGE = re.compile(
    r"^(?:(?:the|your|amazon|redshift)\s+)*cluster:?\s+['\"]?(?P<name>[a-z][a-z0-9-]*)['\"]?\s+"
    r"(?P<how>(?:is being|was|has been|is)\s+)?(?:successfully\s+)?"
    r"(?P<what>paused|resumed|restored|resized|created|rebooted)"
    r"(?=\s*(?:[.,;]|$)|\s+(?:at|on|by|from|to|with|in|successfully)\b)",
    re.IGNORECASE,
)
"""The cluster itself is the subject: not its snapshot, credentials, queue or parameters. AWS does
not document its wordings as stable, so they are read only where the identifier says nothing."""

BY_WORD = {
    "paused": Turn.DOWN,
    "resumed": Turn.UP,
    "restored": Turn.UP,
    "created": Turn.UP,
    "resized": Turn.RESIZED,
    "rebooted": Turn.REBOOTED,
}


def turn_of(event: Mapping[str, Any]) -> Turn | None:
    """What an event of DescribeEvents says of the cluster's being up; None is nothing."""
    known = BY_ID.get(str(event.get("EventId", "")))
    if known is not None:
        return known
    match = MESSAGE.match(str(event.get("Message", "")).strip())
    if match is None:
        return None
    source = str(event.get("SourceIdentifier") or match["name"])
    if match["name"].lower() != source.lower():
        return None  # "cluster snapshot was created" is not about a cluster called so
    turn = BY_WORD[match["what"].lower()]
    under_way = " ".join((match["how"] or "").lower().split()) == "is being"
    return Turn.DOWN if under_way and turn is not Turn.REBOOTED else turn


def turns_of(events: Iterable[Mapping[str, Any]]) -> Turns:
    """The turns among the events of one cluster, oldest first."""
    found = [(event["Date"], turn_of(event)) for event in events]
    return sorted((date, turn) for date, turn in found if turn is not None)


def last_left_open(turns: Turns) -> datetime | None:
    """When the cluster went down, if no later event says that it came up again."""
    lasting = [(date, turn) for date, turn in turns if turn is not Turn.REBOOTED]
    return lasting[-1][0] if lasting and lasting[-1][1] is Turn.DOWN else None


def reboots_that_count(turns: Turns, now: datetime) -> list[Moment]:
    """When a reboot may have brought enable_user_activity_logging into force.

    Which of several did is not told. The earliest counts, or a cluster that is rebooted every
    night would never be judged; the latest only for as long as a first record may take.
    """
    reboots = [date for date, turn in turns if turn is Turn.REBOOTED]
    fresh = [date for date in reboots if now - date <= FIRST_RECORD_TAKES]
    return [(date, "a reboot") for date in {*reboots[:1], *fresh[-1:]}]


def up_time(turns: Turns, start: datetime, now: datetime) -> timedelta:
    """How long the cluster was up between start and now, at least: what no event tells is down.

    `turns` are those of the last 14 days, oldest first; nothing before that is counted. Before a
    resume the cluster was down since the turn before it, though no event tells of the pause.
    """
    total, mark, up = timedelta(), now - EVENTS_KEPT, True
    for date, turn in turns:
        if turn is Turn.REBOOTED:
            continue
        if up and turn is not Turn.UP:
            until = date - RESIZE_TAKES if turn is Turn.RESIZED else date
            total += _span(max(mark, start), until)
        mark, up = date, turn is not Turn.DOWN
    return total + _span(max(mark, start), now) if up else total


def writing_since(
    known: Moment, newest: datetime | None, turns: Turns, now: datetime
) -> tuple[datetime, str]:
    """Since when the cluster has had time to write a record newer than the newest, and why.

    `known` is since when it exists and logs, as far as that is known; `newest` its newest record.
    Where it has been up ever since that record, it is `known`. Else the hours that it was up since
    then are added up and counted back from now, so that a cluster that is paused every night is
    judged in the end, and one that was resumed just now is not judged yet.
    """
    start = max(known[0], newest or known[0])
    up = up_time(turns, start, now)
    if up >= now - max(start, now - EVENTS_KEPT):
        return known
    hours = up / timedelta(hours=1)
    return now - up, (
        f"the cluster has been up for {hours:.1f} hours since {start:%Y-%m-%d %H:%M}Z, "
        "pauses left out, as its events tell"
    )


def _span(start: datetime, end: datetime) -> timedelta:
    return max(end - start, timedelta())
