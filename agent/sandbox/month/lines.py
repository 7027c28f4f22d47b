"""How records look in the three logs: headers, columns and layouts, from real samples."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from agent.sandbox.month.days import Session
from agent.sandbox.month.truth import HOUR_MS

MINUTES = tuple(f"{second // 60:02}:{second % 60:02}" for second in range(3600))
"""Minutes and seconds of each second of an hour."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

LAYOUTS = (16, 19, 21, 22)
"""Columns of the connection log, from the first week of a month to the last."""

NEVER = 9_223_372_036_854_775_807
"""What the user log writes for a password that does not expire."""


class Clock:
    """Hours as the logs write them; remembers the hour it was last asked for."""

    def __init__(self) -> None:
        self._hour = -1
        self._text = ""
        self.layout = 0

    def time(self, at: int) -> str:
        """`Mon, 7 Dec 2020 20:01:55:177`; the day has two digits in the second week."""
        hour, rest = divmod(at, HOUR_MS)
        if hour != self._hour:
            when = datetime.fromtimestamp(hour * 3600, UTC)
            week = min((when.day - 1) // 7, 3)
            day = f"{when.day:02}" if week == 1 else str(when.day)
            name, month = _DAYS[when.weekday()], _MONTHS[when.month - 1]
            self._text = f"{name}, {day} {month} {when.year} {when.hour:02}:"
            self._hour, self.layout = hour, LAYOUTS[week]
        second, milliseconds = divmod(rest, 1000)
        return f"{self._text}{MINUTES[second]}:{milliseconds:03}"


def hour_text(hour: int) -> str:
    """`'2026-10-01T05:`, the beginning of every header of an hour since 1970."""
    return f"'{datetime.fromtimestamp(hour * 3600, UTC):%Y-%m-%dT%H}:"


def header(session: Session) -> str:
    """The middle of a session's headers: what stands between the time and the xid."""
    person = session.person
    return (
        f"Z UTC [ db={person.db} user={person.logged} pid={session.pid} "
        f"userid={person.user_id} xid="
    )


def connection_lines(session: Session, clock: Clock) -> Iterator[tuple[int, str, str]]:
    """Time, event and line of each of a session's events."""
    named = bool(session.application)
    start = session.start
    yield start, "authenticated", line(session, clock, "authenticated", start)
    yield start, "initiating session", line(session, clock, "initiating session", start)
    if named:
        at, event = start + 140, "set application_name"
        yield at, event, line(session, clock, event, at, named=True)
    event = session.end_event
    ended = line(
        session, clock, event, session.end, duration=(session.end - start) * 1000, named=named
    )
    yield session.end, event, ended


def line(
    session: Session,
    clock: Clock,
    event: str,
    at: int,
    *,
    duration: int = 0,
    named: bool = False,
) -> str:
    """One line of the connection log, in the layout of its week.

    Text is followed by a space, numbers and the last column are bare.
    """
    time, client, person = clock.time(at), session.person.client, session.person
    guid = f"{session.guid} " if session.guid else " "
    application = session.application if named else ""
    head = (
        f"{event} |{time}|{_host(session.address)} |{session.port} |{session.pid}|"
        f"{person.db} |{person.logged} |{person.auth} |{duration}|"
        f"{session.tls[0]} |{session.tls[1]} |0| | |{guid}|"
    )
    layout = clock.layout
    if layout == 16:
        return f"{head}{application}"
    head += f"{application} |{client.os} |{client.driver} |{client.plugin}"
    if layout == 19:
        return head
    if layout == 21:
        return f"{head} |0|{session.session_id}"
    return f"{head} |0|{session.session_id} |{'zstd' if client.driver else ''}"


def _host(address: str) -> str:
    """IPv4 as the log writes it most of the time: mapped to IPv6."""
    return f"::ffff:{address}" if "." in address else address


def user_line(  # noqa: PLR0913 - all but a few by name
    clock: Clock,
    at: int,
    user_id: int,
    name: str,
    action: str,
    *,
    old_name: str = "",
    superuser: bool = False,
    valid_until: int = NEVER,
    pid: int = 0,
    xid: int = 0,
) -> str:
    """One line of the user log."""
    return (
        f"{user_id}|{name} |{old_name} |{action} |{int(superuser)}|{int(superuser)}|0|"
        f"{valid_until}|{pid}|{xid}|{clock.time(at)}"
    )
