"""Section 4: sessions without TLS, with an old TLS, a weak cipher or an old driver."""

# ruff: noqa: S608 - the pieces of SQL are constants

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.report.model import Answers, Chart, Column, Noted, Query, Questions, Row, Section
from agent.report.sections.common import (
    BY_PEOPLE,
    DAY,
    DRIVER,
    EVIDENCE,
    FIRST,
    HOST,
    IDENTITY,
    LAST,
    LOGIN,
    USER,
    count,
    grouped,
    not_too_many,
    noted,
    person,
    told,
    total,
)

_ID = "transport"
_LOGINS = count("logins", "Logins")
_USERS = count("users", "Users")
_TLS = Column("tls_version", "TLS")
_CIPHER = Column("tls_cipher", "Cipher")
_SPAN = "min(at_ms) AS first_ms, max(at_ms) AS last_ms, min(evidence) AS evidence"

_PLAIN = "tls_version = ''"
_MODERN = "(lower(tls_version) LIKE 'tlsv1.2%' OR lower(tls_version) LIKE 'tlsv1.3%')"
_OLD = f"(tls_version <> '' AND NOT {_MODERN})"
# RC4, DES and 3DES, no encryption, export, anonymous, MD5, in the names of OpenSSL and of the RFCs.
_WEAK = "regexp_like(lower(tls_cipher), 'rc4|des|null|exp|anon|adh|aecdh|md5')"

_OLD_DRIVER = re.compile(r"\b(?:jdbc|odbc)\D{0,20}1\.", re.IGNORECASE)
"""Amazon's drivers of the first generation: `Amazon Redshift JDBC Driver 1.2.54.1082`."""

_VERSIONS = Query(
    "versions",
    "Logins by TLS version and cipher",
    f"""SELECT CASE WHEN {_PLAIN} THEN 'none' ELSE tls_version END AS tls_version, tls_cipher,
        count(*) AS logins, count(DISTINCT user_name) AS users,
        count(DISTINCT remote_host) AS addresses, {_SPAN}
    FROM connect WHERE {LOGIN}
    GROUP BY CASE WHEN {_PLAIN} THEN 'none' ELSE tls_version END, tls_cipher""",
    (_TLS, _CIPHER, _LOGINS, _USERS, count("addresses", "Addresses"), FIRST, LAST, EVIDENCE),
    ("-logins",),
    none="No login this month.",
)


def _of_users(name: str, title: str, condition: str, extra: tuple[Column, ...] = ()) -> Query:
    """Logins that fulfil a condition, by user and address."""
    keys = ", ".join(("user_name", "identity", "remote_host", *(each.name for each in extra)))
    return Query(
        name,
        title,
        f"""SELECT {keys}, count(*) AS logins, {_SPAN}
        FROM connect WHERE {LOGIN} AND {condition} GROUP BY {keys}""",
        (USER, IDENTITY, HOST, *extra, _LOGINS, FIRST, LAST, EVIDENCE),
        ("-logins",),
    )


_DRIVERS = Query(
    "drivers",
    "Sessions by driver and operating system of the client",
    f"""SELECT driver_version, os_version, count(*) AS sessions,
        count(DISTINCT user_name) AS users, count(DISTINCT remote_host) AS addresses,
        min(start_ms) AS first_ms, max(start_ms) AS last_ms, min(evidence) AS evidence
    FROM session WHERE {BY_PEOPLE} GROUP BY driver_version, os_version""",
    (
        DRIVER,
        Column("os_version", "Operating system"),
        count("sessions", "Sessions"),
        _USERS,
        count("addresses", "Addresses"),
        FIRST,
        LAST,
        EVIDENCE,
    ),
    ("-sessions",),
    none="No session this month.",
)

_BY_DAY = Query(
    "by_day",
    "Logins a day, by what protects them",
    f"""SELECT c.local_day, coalesce(max(n.modern), 0) AS modern, coalesce(max(n.old), 0) AS old,
        coalesce(max(n.plain), 0) AS plain
    FROM calendar c LEFT JOIN (
        SELECT local_day, sum(CASE WHEN {_MODERN} THEN 1 ELSE 0 END) AS modern,
            sum(CASE WHEN {_OLD} THEN 1 ELSE 0 END) AS old,
            sum(CASE WHEN {_PLAIN} THEN 1 ELSE 0 END) AS plain
        FROM connect WHERE {LOGIN} GROUP BY local_day) n ON n.local_day = c.local_day
    GROUP BY c.local_day""",
    (DAY, count("modern", "TLS 1.2 or later"), count("old", "Older TLS"), count("plain", "None")),
    ("local_day",),
)


def _of_user(rows: Sequence[Row], severity: str, title: str, how: str) -> list[Noted]:
    """Logins that were badly protected, a finding a user."""
    return [
        noted(
            _ID,
            severity,
            title,
            person(each[0]),
            f"{told(total(each, 'logins'), 'login')} of this user from "
            f"{told(len({row['remote_host'] for row in each}), 'address', 'addresses')} {how}.",
            each,
            counts=total(each, "logins"),
        )
        for each in grouped(rows, "user_name", "identity")
    ]


def _old_drivers(rows: Sequence[Row]) -> list[Noted]:
    """Drivers of the first generation."""
    old = [row for row in rows if _OLD_DRIVER.search(str(row["driver_version"]))]
    return [
        noted(
            _ID,
            "low",
            "An old driver",
            str(each[0]["driver_version"]),
            f"{told(total(each, 'sessions'), 'session')} came with a driver of generation 1, "
            "which its successor replaced.",
            each,
            counts=total(each, "sessions"),
        )
        for each in grouped(old, "driver_version")
    ]


def _findings(answers: Answers, _asked: Questions) -> list[Noted]:
    """Worst first: no TLS, old TLS, weak ciphers, old drivers."""
    plain, old, weak = (answers.get(name, ()) for name in ("without", "old", "weak"))
    return [
        *not_too_many(_of_user(plain, "high", "Logins without TLS", "went without encryption")),
        *not_too_many(
            _of_user(old, "medium", "Logins with TLS below 1.2", "used an outdated version of TLS")
        ),
        *not_too_many(
            _of_user(
                weak, "medium", "Logins with a weak cipher", "used a cipher that can be broken"
            )
        ),
        *not_too_many(_old_drivers(answers.get("drivers", ())), 5),
    ]


SECTION = Section(
    id=_ID,
    title="Transport",
    question="Was every connection over the network encrypted, and well?",
    logs=("connectionlog",),
    maps={
        "pci-dss-4.0.1": ("2.2.7", "4.2.1"),
        "nist-800-53-r5": ("AC-17(2)", "SC-8", "SC-8(1)"),
        "iso-27001-2022": ("A.8.20", "A.8.24"),
        "hipaa": ("164.312(e)(1)", "164.312(e)(2)(ii)"),
    },
    queries=(
        _of_users("without", "Logins without TLS", _PLAIN),
        _of_users("old", "Logins with TLS below 1.2", _OLD, (_TLS,)),
        _of_users("weak", "Logins with a weak cipher", _WEAK, (_TLS, _CIPHER)),
        _VERSIONS,
        _DRIVERS,
        _BY_DAY,
    ),
    findings=_findings,
    charts=(
        Chart("by_day", "bars", "local_day", ("modern", "old", "plain"), "Logins a day, by TLS"),
    ),
    cannot="The log does not say whether the client checked the server's certificate.",
)
