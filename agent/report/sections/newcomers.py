"""Section 3: addresses, users, applications and drivers that earlier months do not know."""

# ruff: noqa: S608 - the pieces of SQL are constants

from __future__ import annotations

from collections.abc import Sequence

from agent.report.model import Answers, Noted, Query, Questions, Row, Section
from agent.report.sections.common import (
    APPLICATION,
    BY_PEOPLE,
    DRIVER,
    EVIDENCE,
    FIRST,
    HOST,
    IDENTITY,
    LAST,
    LOGIN,
    USER,
    count,
    flag,
    not_too_many,
    noted,
    person,
    time,
    told,
    whole,
)
from agent.report.sections.noting import is_admin

_ID = "newcomers"
_LOGINS = count("logins", "Logins")
_SESSIONS = count("sessions", "Sessions")
_USERS = count("users", "Users")
_NONE = "None this month, or no earlier month is at hand: see the first table."

# Without earlier months everything would be new: then nothing is.
_KNOWN = "(SELECT count(*) AS n FROM connect_before) known"

_BASELINE = Query(
    "baseline",
    "What is known of earlier months",
    """SELECT min(first_ms) AS first_ms, max(last_ms) AS last_ms, sum(records) AS records,
        count(DISTINCT user_name) AS users, count(DISTINCT remote_host) AS addresses
    FROM connect_before HAVING count(*) > 0""",
    (
        time("first_ms", "From"),
        time("last_ms", "To"),
        count("records", "Records"),
        _USERS,
        count("addresses", "Addresses"),
    ),
    ("first_ms",),
    none="No earlier month at hand: nothing can be called new.",
)

_ADDRESSES = Query(
    "addresses",
    "New addresses",
    f"""SELECT c.remote_host, count(DISTINCT c.user_name) AS users, count(*) AS logins,
        min(c.at_ms) AS first_ms, max(c.at_ms) AS last_ms, min(c.evidence) AS evidence
    FROM (SELECT remote_host, user_name, at_ms, evidence FROM connect WHERE {LOGIN}) c
    CROSS JOIN {_KNOWN}
    LEFT JOIN (SELECT remote_host FROM connect_before GROUP BY remote_host) b
        ON b.remote_host = c.remote_host
    WHERE known.n > 0 AND b.remote_host IS NULL GROUP BY c.remote_host""",
    (HOST, _USERS, _LOGINS, FIRST, LAST, EVIDENCE),
    ("first_ms",),
    none=_NONE,
)

_NEW_USERS = Query(
    "users",
    "New users",
    f"""SELECT c.user_name, c.identity, count(DISTINCT c.remote_host) AS addresses,
        count(*) AS logins, min(c.at_ms) AS first_ms, max(c.at_ms) AS last_ms,
        min(c.evidence) AS evidence
    FROM (SELECT user_name, identity, remote_host, at_ms, evidence
        FROM connect WHERE {LOGIN}) c
    CROSS JOIN {_KNOWN}
    LEFT JOIN (SELECT user_name FROM connect_before GROUP BY user_name) b
        ON b.user_name = c.user_name
    WHERE known.n > 0 AND b.user_name IS NULL GROUP BY c.user_name, c.identity""",
    (USER, IDENTITY, count("addresses", "Addresses"), _LOGINS, FIRST, LAST, EVIDENCE),
    ("first_ms",),
    none=_NONE,
)

_PAIRS = Query(
    "pairs",
    "Known users from an address that is new for them",
    f"""SELECT c.user_name, c.identity, c.remote_host,
        CASE WHEN h.remote_host IS NULL THEN TRUE ELSE FALSE END AS is_new_address,
        c.logins, c.first_ms, c.last_ms, c.evidence
    FROM (SELECT user_name, identity, remote_host, count(*) AS logins, min(at_ms) AS first_ms,
            max(at_ms) AS last_ms, min(evidence) AS evidence
        FROM connect WHERE {LOGIN} GROUP BY user_name, identity, remote_host) c
    JOIN (SELECT user_name FROM connect_before GROUP BY user_name) u ON u.user_name = c.user_name
    LEFT JOIN (SELECT user_name, remote_host FROM connect_before
        GROUP BY user_name, remote_host) b
        ON b.user_name = c.user_name AND b.remote_host = c.remote_host
    LEFT JOIN (SELECT remote_host FROM connect_before GROUP BY remote_host) h
        ON h.remote_host = c.remote_host
    WHERE b.user_name IS NULL""",
    (
        USER,
        IDENTITY,
        HOST,
        flag("is_new_address", "New to all"),
        _LOGINS,
        FIRST,
        LAST,
        EVIDENCE,
    ),
    ("-is_new_address", "first_ms"),
    none=_NONE,
)


def _software(name: str, title: str, column: str) -> Query:
    """Sessions with an application or driver that no earlier month knows."""
    shown = APPLICATION if column == "application_name" else DRIVER
    return Query(
        name,
        title,
        f"""SELECT c.{column}, count(*) AS sessions, count(DISTINCT c.user_name) AS users,
            count(DISTINCT c.remote_host) AS addresses, min(c.start_ms) AS first_ms,
            max(c.start_ms) AS last_ms, min(c.evidence) AS evidence
        FROM (SELECT {column}, user_name, remote_host, start_ms, evidence
            FROM session WHERE {BY_PEOPLE} AND {column} <> '') c
        CROSS JOIN {_KNOWN}
        LEFT JOIN (SELECT {column} FROM connect_before GROUP BY {column}) b
            ON b.{column} = c.{column}
        WHERE known.n > 0 AND b.{column} IS NULL GROUP BY c.{column}""",
        (shown, _SESSIONS, _USERS, count("addresses", "Addresses"), FIRST, LAST, EVIDENCE),
        ("first_ms",),
        none=_NONE,
    )


def _addresses(rows: Sequence[Row]) -> list[Noted]:
    """What new addresses are."""
    return [
        noted(
            _ID,
            "low",
            "Logins from a new address",
            str(row["remote_host"]),
            f"{told(whole(row['users']), 'user')} logged in {told(whole(row['logins']), 'time')} "
            "from this address, which no earlier month at hand knows.",
            [row],
            counts=whole(row["logins"]),
        )
        for row in rows
    ]


def _users(rows: Sequence[Row]) -> list[Noted]:
    """What new users are."""
    return [
        noted(
            _ID,
            "low",
            "Logins of a new user",
            person(row),
            f"This user logged in {told(whole(row['logins']), 'time')} from "
            f"{told(whole(row['addresses']), 'address', 'addresses')}, and in no earlier month "
            "at hand.",
            [row],
            counts=whole(row["logins"]),
        )
        for row in rows
    ]


def _new_software(rows: Sequence[Row], column: str, noun: str) -> list[Noted]:
    """What new applications or drivers are."""
    return [
        noted(
            _ID,
            "info",
            f"A new {noun}",
            str(row[column]),
            f"{told(whole(row['users']), 'user')} came with it in "
            f"{told(whole(row['sessions']), 'session')}; no earlier month at hand knows it.",
            [row],
            counts=whole(row["sessions"]),
        )
        for row in rows
    ]


def _administrators(rows: Sequence[Row], asked: Questions) -> list[Noted]:
    """Administrators who came from elsewhere: worse where nobody ever came from there."""
    return [
        noted(
            _ID,
            "medium" if row["is_new_address"] else "low",
            "An administrator from a new address",
            person(row),
            f"{person(row)} logged in {told(whole(row['logins']), 'time')} from "
            f"{row['remote_host']}, "
            + (
                "which no earlier month at hand knows."
                if row["is_new_address"]
                else "where this administrator was in no earlier month at hand."
            ),
            [row],
            counts=whole(row["logins"]),
        )
        for row in rows
        if is_admin(row, asked)
    ]


def _findings(answers: Answers, asked: Questions) -> list[Noted]:
    """Nothing without earlier months, since the queries give nothing then."""
    return [
        *not_too_many(_administrators(answers.get("pairs", ()), asked)),
        *not_too_many(_addresses(answers.get("addresses", ()))),
        *not_too_many(_users(answers.get("users", ()))),
        *not_too_many(
            _new_software(answers.get("applications", ()), "application_name", "application"), 5
        ),
        *not_too_many(_new_software(answers.get("drivers", ()), "driver_version", "driver"), 5),
    ]


SECTION = Section(
    id=_ID,
    title="Newcomers",
    question="Which addresses, users, applications and drivers are seen for the first time?",
    logs=("connectionlog",),
    maps={
        "pci-dss-4.0.1": ("10.4.1", "10.4.1.1"),
        "nist-800-53-r5": ("AC-2(12)", "AU-6", "SI-4"),
        "iso-27001-2022": ("A.8.16",),
        "hipaa": ("164.308(a)(1)(ii)(D)", "164.308(a)(5)(ii)(C)"),
    },
    queries=(
        _BASELINE,
        _ADDRESSES,
        _NEW_USERS,
        _PAIRS,
        _software("applications", "New applications", "application_name"),
        _software("drivers", "New drivers", "driver_version"),
    ),
    findings=_findings,
    cannot="New means: not in the earlier months whose connection logs are at hand, failed logins "
    "there included.",
)
