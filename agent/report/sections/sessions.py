"""Section 14: how long sessions last, which stay open, and which were ended by an administrator."""

# ruff: noqa: S608 - the pieces of SQL are constants

from __future__ import annotations

from collections.abc import Sequence

from agent.report.model import Answers, Chart, Column, Noted, Query, Questions, Row, Section
from agent.report.sections.common import (
    APPLICATION,
    AT,
    BY_PEOPLE,
    DATABASE,
    DAY,
    EVIDENCE,
    FIRST,
    HOST,
    IDENTITY,
    LAST,
    USER,
    count,
    duration,
    grouped,
    not_too_many,
    noted,
    person,
    time,
    told,
    whole,
)

_ID = "sessions"
_SESSIONS = count("sessions", "Sessions")
_DAY_US = 86_400_000_000
_OPEN_DAYS = 7
"""Days that a session may be open before it is found: no person works so long."""
_LEFT_OPEN = 20
"""Sessions begun and not ended, of one user and address, that look like a leak."""

_OPEN_AT_END = "(n.end_ms IS NULL OR n.end_ms >= s.month_end_ms)"


def _at_rank(percent: int) -> str:
    """SQL: the duration that so many of a hundred do not exceed, by nearest rank: no division."""
    return (
        f"max(CASE WHEN place * 100 >= {percent} * ended AND (place - 1) * 100 < {percent} * ended"
        f" THEN duration_us END) AS p{percent}_us"
    )


_DURATIONS = Query(
    "durations",
    "How long sessions that ended this month lasted, by user",
    f"""SELECT user_name, identity, count(*) AS sessions, {_at_rank(50)}, {_at_rank(90)},
        {_at_rank(95)}, max(duration_us) AS longest_us, min(end_ms) AS first_ms,
        max(end_ms) AS last_ms
    FROM (SELECT n.user_name, n.identity, n.duration_us, n.end_ms,
            row_number() OVER (PARTITION BY n.user_name, n.identity
                ORDER BY n.duration_us, n.evidence) AS place,
            count(*) OVER (PARTITION BY n.user_name, n.identity) AS ended
        FROM session n CROSS JOIN setting s
        WHERE {BY_PEOPLE} AND n.duration_us IS NOT NULL AND n.end_ms < s.month_end_ms) ranked
    GROUP BY user_name, identity""",
    (
        USER,
        IDENTITY,
        _SESSIONS,
        duration("p50_us", "Half within"),
        duration("p90_us", "90 % within"),
        duration("p95_us", "95 % within"),
        duration("longest_us", "Longest"),
        FIRST,
        LAST,
    ),
    ("-sessions",),
    none="No session ended this month.",
)

_ONE = "n.user_name, n.identity, n.remote_host, n.application_name, n.db_name, n.start_ms"

_LONGEST = Query(
    "longest",
    "The longest sessions that ended this month",
    f"""SELECT {_ONE}, n.end_ms, n.duration_us, n.end_event, n.evidence
    FROM session n CROSS JOIN setting s
    WHERE {BY_PEOPLE} AND n.duration_us IS NOT NULL AND n.end_ms < s.month_end_ms""",
    (
        USER,
        IDENTITY,
        HOST,
        APPLICATION,
        DATABASE,
        time("start_ms", "Start"),
        time("end_ms", "End"),
        duration("duration_us", "Duration"),
        Column("end_event", "Ended by"),
        EVIDENCE,
    ),
    ("-duration_us", "start_ms"),
    limit=50,
    none="No session ended this month.",
)

# A start before the logs at hand is not known: the session is open, and for how long is not told.
_OPEN = Query(
    "open",
    "Sessions open at the end of the month",
    f"""SELECT {_ONE}, (s.month_end_ms - n.start_ms) * 1000 AS open_us, n.evidence
    FROM session n CROSS JOIN setting s
    WHERE {BY_PEOPLE} AND {_OPEN_AT_END}
        AND (n.start_ms IS NULL OR n.start_ms < s.month_end_ms)""",
    (
        USER,
        IDENTITY,
        HOST,
        APPLICATION,
        DATABASE,
        time("start_ms", "Start"),
        duration("open_us", "Open for"),
        EVIDENCE,
    ),
    ("-open_us",),
)

_TERMINATED = Query(
    "terminated",
    "Sessions that an administrator terminated",
    f"""SELECT at_ms, user_name, identity, remote_host, db_name, pid, evidence
    FROM connect WHERE event LIKE 'terminating backend%' AND {BY_PEOPLE}""",
    (AT, USER, IDENTITY, HOST, DATABASE, Column("pid", "Process"), EVIDENCE),
    ("at_ms",),
)

_BALANCE = Query(
    "balance",
    "Sessions begun and ended, by user and address",
    f"""SELECT user_name, identity, remote_host,
        sum(CASE WHEN event = 'initiating session' THEN 1 ELSE 0 END) AS begun,
        sum(CASE WHEN event = 'disconnecting session' THEN 1 ELSE 0 END) AS ended,
        sum(CASE WHEN event LIKE 'terminating backend%' THEN 1 ELSE 0 END) AS terminated,
        sum(CASE event WHEN 'initiating session' THEN 1 WHEN 'disconnecting session' THEN -1
            ELSE 0 END) AS left_over,
        min(at_ms) AS first_ms, max(at_ms) AS last_ms, min(evidence) AS evidence
    FROM connect
    WHERE {BY_PEOPLE} AND (event IN ('initiating session', 'disconnecting session')
        OR event LIKE 'terminating backend%')
    GROUP BY user_name, identity, remote_host""",
    (
        USER,
        IDENTITY,
        HOST,
        count("begun", "Begun"),
        count("ended", "Ended"),
        count("terminated", "Terminated"),
        count("left_over", "Difference"),
        FIRST,
        LAST,
        EVIDENCE,
    ),
    ("-left_over",),
    none="No session began or ended this month.",
)

_BY_DAY = Query(
    "by_day",
    "Sessions begun and ended, by day",
    f"""SELECT c.local_day, coalesce(max(n.begun), 0) AS begun, coalesce(max(n.ended), 0) AS ended
    FROM calendar c LEFT JOIN (
        SELECT local_day, sum(CASE WHEN event = 'initiating session' THEN 1 ELSE 0 END) AS begun,
            sum(CASE WHEN event = 'disconnecting session' THEN 1 ELSE 0 END) AS ended
        FROM connect WHERE {BY_PEOPLE} GROUP BY local_day) n ON n.local_day = c.local_day
    GROUP BY c.local_day""",
    (DAY, count("begun", "Begun"), count("ended", "Ended")),
    ("local_day",),
)


def _long_open(rows: Sequence[Row]) -> list[Noted]:
    """Sessions open for more than a week at the end of the month, a finding a user."""
    long = [row for row in rows if whole(row["open_us"]) > _OPEN_DAYS * _DAY_US]
    return [
        noted(
            _ID,
            "low",
            "Sessions open for more than a week",
            person(each[0]),
            f"{told(len(each), 'session')} of this user stayed open at the end of the month, one "
            f"for {told(max(whole(row['open_us']) for row in each) // _DAY_US, 'day')}.",
            [{**row, "first_ms": row["start_ms"]} for row in each],
        )
        for each in grouped(long, "user_name", "identity")
    ]


def _ended(rows: Sequence[Row]) -> list[Noted]:
    """Sessions that an administrator ended, a finding a user."""
    return [
        noted(
            _ID,
            "info",
            "Sessions terminated by an administrator",
            person(each[0]),
            f"{told(len(each), 'session')} of this user ended on an administrator's request.",
            each,
        )
        for each in grouped(rows, "user_name", "identity")
    ]


def _leaks(rows: Sequence[Row]) -> list[Noted]:
    """Clients that begin sessions and seldom end them."""
    return [
        noted(
            _ID,
            "low",
            "A client that leaves sessions open",
            f"{person(row)} from {row['remote_host']}",
            f"{told(whole(row['begun']), 'session')} began and {whole(row['ended']):,} ended.",
            [row],
            counts=whole(row["left_over"]),
        )
        for row in rows
        if whole(row["left_over"]) >= _LEFT_OPEN and whole(row["ended"]) * 2 < whole(row["begun"])
    ]


def _findings(answers: Answers, _asked: Questions) -> list[Noted]:
    """What a DBA wants to look at; none is an attack by itself."""
    return [
        *not_too_many(_long_open(answers.get("open", ()))),
        *not_too_many(_leaks(answers.get("balance", ()))),
        *not_too_many(_ended(answers.get("terminated", ()))),
    ]


SECTION = Section(
    id=_ID,
    title="Sessions",
    question="How long do sessions last, and which were left open or cut off?",
    logs=("connectionlog",),
    maps={
        "pci-dss-4.0.1": ("8.2.8",),
        "nist-800-53-r5": ("AC-10", "AC-12"),
        "iso-27001-2022": ("A.8.16",),
        "hipaa": ("164.312(a)(2)(iii)",),
    },
    queries=(_DURATIONS, _LONGEST, _OPEN, _TERMINATED, _BALANCE, _BY_DAY),
    findings=_findings,
    charts=(Chart("by_day", "lines", "local_day", ("begun", "ended"), "Sessions begun and ended"),),
    cannot="Who terminated a session is not in the connection log, and how long one was idle is "
    "in no log.",
)
