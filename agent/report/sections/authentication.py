"""Section 5: how users prove who they are, and accounts that more than one person may use."""

# ruff: noqa: S608 - the pieces of SQL are constants

from __future__ import annotations

from collections.abc import Sequence

from agent.report.model import Answers, Chart, Column, Noted, Query, Questions, Row, Section
from agent.report.sections.common import (
    DAY,
    EVIDENCE,
    FIRST,
    HOST,
    IDENTITY,
    LAST,
    LOGIN,
    METHOD,
    USER,
    count,
    not_too_many,
    noted,
    person,
    told,
    whole,
)

_ID = "authentication"
_LOGINS = count("logins", "Logins")
_USERS = count("users", "Users")
_SPAN = "min(at_ms) AS first_ms, max(at_ms) AS last_ms, min(evidence) AS evidence"

_BY_WORD = "lower(auth_method) LIKE 'password%'"
_IAM = "(lower(auth_method) LIKE 'iam%' OR identity <> 'local')"
_BARE_IAM = f"({_IAM} AND iam_guid = '')"


def _sum(condition: str, name: str) -> str:
    """SQL: how many rows fulfil a condition."""
    return f"sum(CASE WHEN {condition} THEN 1 ELSE 0 END) AS {name}"


_KINDS = Query(
    "kinds",
    "Logins by method",
    f"""SELECT auth_method, identity, count(*) AS logins, count(DISTINCT user_name) AS users,
        {_sum("iam_guid <> ''", "with_guid")}, {_SPAN}
    FROM connect WHERE {LOGIN} GROUP BY auth_method, identity""",
    (
        METHOD,
        IDENTITY,
        _LOGINS,
        _USERS,
        count("with_guid", "With IAM identifier"),
        FIRST,
        LAST,
        EVIDENCE,
    ),
    ("-logins",),
    none="No login this month.",
)

_BY_USER = Query(
    "users",
    "Methods by user",
    f"""SELECT user_name, {_sum(f"{_BY_WORD} AND NOT {_IAM}", "password")},
        {_sum(_IAM, "iam")}, {_sum(f"NOT {_BY_WORD} AND NOT {_IAM}", "other")},
        {_sum(_BARE_IAM, "bare_iam")}, {_SPAN}
    FROM connect WHERE {LOGIN} GROUP BY user_name""",
    (
        USER,
        count("password", "Password"),
        count("iam", "IAM"),
        count("other", "Other"),
        count("bare_iam", "IAM without identifier"),
        FIRST,
        LAST,
        EVIDENCE,
    ),
    ("user_name",),
    none="No login this month.",
)

# A day with many addresses tells more than a month with many: people move, and a pool is shared.
_SHARED = Query(
    "shared",
    "Users seen from more than one address",
    f"""SELECT d.user_name, d.identity, max(d.method) AS auth_method,
        max(a.addresses) AS addresses, max(d.addresses) AS addresses_in_a_day,
        sum(d.logins) AS logins, min(d.first_ms) AS first_ms, max(d.last_ms) AS last_ms,
        min(d.evidence) AS evidence
    FROM (SELECT user_name, identity, local_day, max(auth_method) AS method,
            count(DISTINCT remote_host) AS addresses, count(*) AS logins, {_SPAN}
        FROM connect WHERE {LOGIN} GROUP BY user_name, identity, local_day) d
    JOIN (SELECT user_name, identity, count(DISTINCT remote_host) AS addresses
        FROM connect WHERE {LOGIN} GROUP BY user_name, identity
        HAVING count(DISTINCT remote_host) > 1) a
        ON a.user_name = d.user_name AND a.identity = d.identity
    GROUP BY d.user_name, d.identity""",
    (
        USER,
        IDENTITY,
        METHOD,
        count("addresses", "Addresses"),
        count("addresses_in_a_day", "Most in a day"),
        _LOGINS,
        FIRST,
        LAST,
        EVIDENCE,
    ),
    ("-addresses",),
)

_GUIDS = Query(
    "guids",
    "IAM logins by identifier, which CloudTrail has too",
    f"""SELECT iam_guid, user_name, identity, remote_host, count(*) AS logins, {_SPAN}
    FROM connect WHERE {LOGIN} AND iam_guid <> ''
    GROUP BY iam_guid, user_name, identity, remote_host""",
    (
        Column("iam_guid", "IAM identifier"),
        USER,
        IDENTITY,
        HOST,
        _LOGINS,
        FIRST,
        LAST,
        EVIDENCE,
    ),
    ("first_ms",),
)

_BY_DAY = Query(
    "by_day",
    "Logins a day, by method",
    f"""SELECT c.local_day, coalesce(max(n.password), 0) AS password,
        coalesce(max(n.iam), 0) AS iam, coalesce(max(n.other), 0) AS other
    FROM calendar c LEFT JOIN (
        SELECT local_day, {_sum(f"{_BY_WORD} AND NOT {_IAM}", "password")}, {_sum(_IAM, "iam")},
            {_sum(f"NOT {_BY_WORD} AND NOT {_IAM}", "other")}
        FROM connect WHERE {LOGIN} GROUP BY local_day) n ON n.local_day = c.local_day
    GROUP BY c.local_day""",
    (DAY, count("password", "Password"), count("iam", "IAM"), count("other", "Other")),
    ("local_day",),
)


def _shared(rows: Sequence[Row], asked: Questions) -> list[Noted]:
    """Accounts with many addresses; a person behind IAM is known whatever the address."""
    many = [row for row in rows if whole(row["addresses"]) >= asked.shared_addresses]
    found = [
        noted(
            _ID,
            "medium" if row["identity"] == "local" else "info",
            "An account that may be shared",
            person(row),
            f"{told(whole(row['logins']), 'login')} came from "
            f"{told(whole(row['addresses']), 'address', 'addresses')}, up to "
            f"{whole(row['addresses_in_a_day']):,} in a day.",
            [row],
            counts=whole(row["logins"]),
        )
        for row in many
    ]
    return sorted(found, key=lambda one: one.severity != "medium")


def _findings(answers: Answers, asked: Questions) -> list[Noted]:
    """Shared accounts; users with a password beside IAM; IAM logins that CloudTrail cannot tell."""
    users = answers.get("users", ())
    both = [row for row in users if row["password"] and row["iam"]]
    bare = [row for row in users if row["bare_iam"]]
    return [
        *not_too_many(_shared(answers.get("shared", ()), asked)),
        *not_too_many(
            [
                noted(
                    _ID,
                    "low",
                    "A user of IAM who also has a password",
                    str(row["user_name"]),
                    f"{told(whole(row['password']), 'login')} with a password and "
                    f"{whole(row['iam']):,} with IAM: the password goes around IAM's rules.",
                    [row],
                    counts=whole(row["password"]),
                )
                for row in both
            ]
        ),
        *not_too_many(
            [
                noted(
                    _ID,
                    "low",
                    "IAM logins without an identifier",
                    str(row["user_name"]),
                    f"{told(whole(row['bare_iam']), 'login')} with IAM cannot be matched with "
                    "CloudTrail.",
                    [row],
                    counts=whole(row["bare_iam"]),
                )
                for row in bare
            ],
            5,
        ),
    ]


SECTION = Section(
    id=_ID,
    title="Authentication",
    question="How do users prove who they are, and is each account one person's?",
    logs=("connectionlog",),
    maps={
        "pci-dss-4.0.1": ("8.2.1", "8.2.2", "8.3.1"),
        "nist-800-53-r5": ("AC-2", "IA-2", "IA-5"),
        "iso-27001-2022": ("A.5.16", "A.5.17", "A.8.5"),
        "hipaa": ("164.312(a)(2)(i)", "164.312(d)"),
    },
    queries=(_SHARED, _KINDS, _BY_USER, _GUIDS, _BY_DAY),
    findings=_findings,
    charts=(
        Chart(
            "by_day", "bars", "local_day", ("password", "iam", "other"), "Logins a day, by method"
        ),
    ),
    cannot="Whether a second factor was asked for is known to IAM or the identity provider alone.",
)
