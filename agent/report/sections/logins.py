"""Section 1: who connects, from where, to what, with what, and when."""

# ruff: noqa: S608 - the pieces of SQL are constants

from __future__ import annotations

from agent.report.model import Answers, Chart, Column, Noted, Query, Questions, Section
from agent.report.sections.common import (
    APPLICATION,
    BY_PEOPLE,
    DATABASE,
    DAY,
    EVIDENCE,
    FAILURE,
    FIRST,
    HOST,
    IDENTITY,
    LAST,
    LOGIN,
    METHOD,
    USER,
    count,
    flag,
    grouped,
    noted,
    told,
    total,
)

_USERS = count("users", "Users")
_ADDRESSES = count("addresses", "Addresses")
_LOGINS = count("logins", "Logins")
_SPAN = "min(at_ms) AS first_ms, max(at_ms) AS last_ms, min(evidence) AS evidence"


def _by(name: str, title: str, what: str, columns: tuple[Column, ...], counts: str) -> Query:
    """Logins by what these columns are, with further counts."""
    keys = ", ".join(column.name for column in columns)
    more = {
        "users": (_USERS, "count(DISTINCT user_name) AS users"),
        "addresses": (_ADDRESSES, "count(DISTINCT remote_host) AS addresses"),
        "databases": (count("databases", "Databases"), "count(DISTINCT db_name) AS databases"),
        "off_hours": (
            count("off_hours", "Off hours"),
            "sum(CASE WHEN is_off_hours THEN 1 ELSE 0 END) AS off_hours",
        ),
    }
    chosen = [more[each] for each in counts.split()]
    return Query(
        name,
        title,
        f"""SELECT {keys}, count(*) AS logins, {", ".join(sql for _, sql in chosen)}, {_SPAN}
        FROM connect WHERE {LOGIN} GROUP BY {keys}""",
        (*columns, _LOGINS, *(column for column, _ in chosen), FIRST, LAST, EVIDENCE),
        ("-logins",),
        none=f"No {what} this month.",
    )


_BY_APPLICATION = Query(
    "by_application",
    "Sessions by application",
    f"""SELECT application_name, count(*) AS sessions, count(DISTINCT user_name) AS users,
        count(DISTINCT remote_host) AS addresses, min(start_ms) AS first_ms,
        max(start_ms) AS last_ms, min(evidence) AS evidence
    FROM session WHERE {BY_PEOPLE} GROUP BY application_name""",
    (APPLICATION, count("sessions", "Sessions"), _USERS, _ADDRESSES, FIRST, LAST, EVIDENCE),
    ("-sessions",),
    none="No session this month.",
)

_BY_DAY = Query(
    "by_day",
    "Logins by day",
    f"""SELECT c.local_day, coalesce(max(n.logins), 0) AS logins,
        coalesce(max(n.failures), 0) AS failures
    FROM calendar c LEFT JOIN (
        SELECT local_day, sum(CASE WHEN {LOGIN} THEN 1 ELSE 0 END) AS logins,
            sum(CASE WHEN {FAILURE} THEN 1 ELSE 0 END) AS failures
        FROM connect GROUP BY local_day) n ON n.local_day = c.local_day
    GROUP BY c.local_day""",
    (DAY, _LOGINS, count("failures", "Failed")),
    ("local_day",),
)

_BY_HOUR = Query(
    "by_hour",
    "Logins by day and hour",
    f"""SELECT local_day, local_hour, count(*) AS logins
    FROM connect WHERE {LOGIN} GROUP BY local_day, local_hour""",
    (DAY, count("local_hour", "Hour"), _LOGINS),
    ("local_day", "local_hour"),
    none="No login this month.",
)

_SERVICE = Query(
    "service",
    "The service's own connections, counted nowhere else",
    f"""SELECT user_name, remote_host, auth_method, count(*) AS logins,
        CASE WHEN remote_host NOT IN ('local', '::1', '127.0.0.1') THEN TRUE ELSE FALSE END
            AS is_remote,
        {_SPAN}
    FROM connect WHERE event = 'authenticated' AND NOT ({BY_PEOPLE})
    GROUP BY user_name, remote_host, auth_method""",
    (
        USER,
        HOST,
        METHOD,
        _LOGINS,
        flag("is_remote", "Over the network"),
        FIRST,
        LAST,
        EVIDENCE,
    ),
    ("-is_remote", "-logins"),
)


def _findings(answers: Answers, _asked: Questions) -> list[Noted]:
    """The service's user is not to come from elsewhere."""
    remote = [row for row in answers.get("service", ()) if row["is_remote"]]
    return [
        noted(
            "logins",
            "high",
            "The service's own user logged in over the network",
            str(rows[0]["remote_host"]),
            f"rdsdb, which only the service itself uses, and locally, logged in "
            f"{told(total(rows, 'logins'), 'time')} from this address.",
            rows,
            counts=total(rows, "logins"),
        )
        for rows in grouped(remote, "remote_host")
    ]


SECTION = Section(
    id="logins",
    title="Logins",
    question="Who connects, from where, to which database, how and when?",
    logs=("connectionlog",),
    maps={
        "pci-dss-4.0.1": ("10.2.1", "10.2.1.1"),
        "nist-800-53-r5": ("AC-17", "AU-2", "AU-3", "AU-6"),
        "iso-27001-2022": ("A.8.15", "A.8.16"),
        "hipaa": ("164.308(a)(5)(ii)(C)", "164.312(b)"),
    },
    queries=(
        _by("by_user", "By user", "login", (USER, IDENTITY), "addresses databases off_hours"),
        _by("by_address", "By address", "login", (HOST,), "users databases"),
        _by("by_database", "By database", "login", (DATABASE,), "users addresses"),
        _by("by_method", "By method", "login", (METHOD, IDENTITY), "users addresses"),
        _BY_APPLICATION,
        _BY_DAY,
        _BY_HOUR,
        _SERVICE,
    ),
    findings=_findings,
    charts=(
        Chart("by_day", "bars", "local_day", ("logins",), "Logins a day"),
        Chart("by_hour", "hours", "local_day", ("local_hour", "logins"), "Logins by day and hour"),
    ),
    cannot="Behind a proxy or address translation the address is the proxy's, not the person's; "
    "an application gives its own name, and may give any.",
)
