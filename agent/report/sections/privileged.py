"""Section 6: what superusers and administrators did."""

# ruff: noqa: S608 - the pieces of SQL are constants

from __future__ import annotations

from collections.abc import Sequence

from agent.report.kinds import SHOWN
from agent.report.model import Answers, Column, Noted, Query, Questions, Row, Section
from agent.report.sections.common import (
    APPLICATION,
    AT,
    BY_PEOPLE,
    DATABASE,
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
    told,
    whole,
)
from agent.report.sections.noting import OBJECT, STATEMENT, VERB, is_admin

_ID = "privileged"
_CLASS = Column("verb_class", "Class")
_STATEMENTS = count("statements", "Statements")
_IS_SUPERUSER = flag("is_superuser", "Superuser")

# Who had the right at any time this month, as far as the user log of this month says.
_SUPERUSERS = """(SELECT user_name FROM user_event
        WHERE superuser AND user_name <> 'rdsdb' GROUP BY user_name)"""
_FLAGGED = "CASE WHEN p.user_name IS NULL THEN FALSE ELSE TRUE END AS is_superuser"
_CLASSES = ("DCL", "DDL", "DATA_MOVE", "DML", "DQL")
_BY_CLASS = ", ".join(
    f"sum(CASE WHEN verb_class = '{each}' THEN statements ELSE 0 END) AS {each.lower()}"
    for each in _CLASSES
)
_NO_CLASS = ", ".join(f"0 AS {each.lower()}" for each in _CLASSES)

_USERS = Query(
    "users",
    "What each user did, superusers first",
    f"""SELECT u.user_name, u.identity, {_FLAGGED}, sum(u.logins) AS logins,
        sum(u.addresses) AS addresses, sum(u.statements) AS statements,
        {", ".join(f"sum(u.{each.lower()}) AS {each.lower()}" for each in _CLASSES)},
        sum(u.off_hours) AS off_hours, min(u.first_ms) AS first_ms, max(u.last_ms) AS last_ms,
        min(u.evidence) AS evidence
    FROM (
        SELECT user_name, identity, 0 AS logins, 0 AS addresses, sum(statements) AS statements,
            {_BY_CLASS},
            sum(CASE WHEN is_off_hours THEN statements ELSE 0 END) AS off_hours,
            min(first_ms) AS first_ms, max(last_ms) AS last_ms, min(evidence) AS evidence
        FROM activity_hour
        WHERE NOT is_internal AND NOT is_duplicate AND user_name <> 'rdsdb'
        GROUP BY user_name, identity
        UNION ALL
        SELECT user_name, identity, count(*) AS logins,
            count(DISTINCT remote_host) AS addresses, 0 AS statements, {_NO_CLASS}, 0 AS off_hours,
            min(at_ms) AS first_ms, max(at_ms) AS last_ms, min(evidence) AS evidence
        FROM connect WHERE {LOGIN} GROUP BY user_name, identity) u
    LEFT JOIN {_SUPERUSERS} p ON p.user_name = u.user_name
    GROUP BY u.user_name, u.identity, CASE WHEN p.user_name IS NULL THEN FALSE ELSE TRUE END""",
    (
        USER,
        IDENTITY,
        _IS_SUPERUSER,
        count("logins", "Logins"),
        count("addresses", "Addresses"),
        _STATEMENTS,
        count("dcl", "Privileges, users"),
        count("ddl", "Schema"),
        count("data_move", "COPY, UNLOAD"),
        count("dml", "Changes of rows"),
        count("dql", "Queries"),
        count("off_hours", "Off hours"),
        FIRST,
        LAST,
        EVIDENCE,
    ),
    ("-is_superuser", "-dcl", "-ddl", "-statements"),
    limit=5000,
    none="Nobody logged in or ran a statement this month.",
)

_VERBS = Query(
    "verbs",
    "What each user did beyond reading and writing rows",
    f"""SELECT e.user_name, e.identity, {_FLAGGED}, e.verb, e.verb_class,
        count(*) AS statements, count(DISTINCT e.object_name) AS objects,
        min(e.at_ms) AS first_ms, max(e.at_ms) AS last_ms, min(e.evidence) AS evidence
    FROM event e LEFT JOIN {_SUPERUSERS} p ON p.user_name = e.user_name
    WHERE e.user_name <> 'rdsdb'
    GROUP BY e.user_name, e.identity, CASE WHEN p.user_name IS NULL THEN FALSE ELSE TRUE END,
        e.verb, e.verb_class""",
    (
        USER,
        IDENTITY,
        _IS_SUPERUSER,
        VERB,
        _CLASS,
        _STATEMENTS,
        count("objects", "Objects"),
        FIRST,
        LAST,
        EVIDENCE,
    ),
    ("-is_superuser", "user_name", "-statements"),
)

_STATEMENTS_OF = Query(
    "statements",
    "Statements of superusers known from the user log, beyond reading and writing rows",
    f"""SELECT e.at_ms, e.user_name, e.identity, e.remote_host, e.application_name, e.db_name,
        e.verb, e.object_name, {SHOWN}, e.evidence
    FROM event e JOIN {_SUPERUSERS} p ON p.user_name = e.user_name""",
    (
        AT,
        USER,
        IDENTITY,
        HOST,
        APPLICATION,
        DATABASE,
        VERB,
        OBJECT,
        STATEMENT,
        EVIDENCE,
    ),
    ("at_ms", "evidence"),
    none="None, or the user log of this month names no superuser.",
)

_SESSIONS = Query(
    "sessions",
    "Sessions by user, address and application, superusers first",
    f"""SELECT n.user_name, n.identity, {_FLAGGED}, n.remote_host, n.application_name,
        count(*) AS sessions, min(n.start_ms) AS first_ms, max(n.start_ms) AS last_ms,
        min(n.evidence) AS evidence
    FROM (SELECT user_name, identity, remote_host, application_name, start_ms, evidence
        FROM session WHERE {BY_PEOPLE}) n
    LEFT JOIN {_SUPERUSERS} p ON p.user_name = n.user_name
    GROUP BY n.user_name, n.identity, CASE WHEN p.user_name IS NULL THEN FALSE ELSE TRUE END,
        n.remote_host, n.application_name""",
    (
        USER,
        IDENTITY,
        _IS_SUPERUSER,
        HOST,
        APPLICATION,
        count("sessions", "Sessions"),
        FIRST,
        LAST,
        EVIDENCE,
    ),
    ("-is_superuser", "user_name", "-sessions"),
    none="No session this month.",
)

_SERVICE = Query(
    "service",
    "The service's own statements, counted nowhere else",
    """SELECT user_name, db_name, verb_class, sum(statements) AS statements,
        min(first_ms) AS first_ms, max(last_ms) AS last_ms, min(evidence) AS evidence
    FROM activity_hour WHERE is_internal OR user_name = 'rdsdb'
    GROUP BY user_name, db_name, verb_class""",
    (USER, DATABASE, _CLASS, _STATEMENTS, FIRST, LAST, EVIDENCE),
    ("-statements",),
)


def _did(row: Row) -> Noted:
    """What an administrator did: to be looked through, not wrong by itself."""
    why = "A superuser by the user log" if row["is_superuser"] else "A listed administrator"
    return noted(
        _ID,
        "info",
        "Privileged use",
        person(row),
        f"{why}: {told(whole(row['statements']), 'statement')} "
        f"({whole(row['dcl']):,} on privileges and users, {whole(row['ddl']):,} on schemas, "
        f"{whole(row['off_hours']):,} off hours), {told(whole(row['logins']), 'login')} from "
        f"{told(whole(row['addresses']), 'address', 'addresses')}.",
        [row],
        counts=whole(row["statements"]),
    )


def _unlisted(row: Row) -> Noted:
    """A superuser that nobody listed."""
    return noted(
        _ID,
        "medium",
        "A superuser who is not listed as an administrator",
        person(row),
        f"The user log says superuser, the configured list of administrators does not name this "
        f"user, who ran {told(whole(row['statements']), 'statement')}.",
        [row],
        counts=whole(row["statements"]),
    )


def _findings(answers: Answers, asked: Questions) -> Sequence[Noted]:
    """Superusers are known from the user log, administrators from the settings."""
    users = answers.get("users", ())
    known = [row for row in users if row["is_superuser"] or is_admin(row, asked)]
    unlisted = [row for row in known if asked.admins and not is_admin(row, asked)]
    return [
        *not_too_many([_unlisted(row) for row in unlisted]),
        *not_too_many([_did(row) for row in known if row not in unlisted]),
    ]


SECTION = Section(
    id=_ID,
    title="Privileged users",
    question="What did superusers and administrators do?",
    logs=("useractivitylog", "connectionlog", "userlog"),
    maps={
        "pci-dss-4.0.1": ("7.2.5", "10.2.1.2"),
        "nist-800-53-r5": ("AC-2(7)", "AC-6(9)", "AU-6"),
        "iso-27001-2022": ("A.8.2", "A.8.15"),
        "hipaa": ("164.308(a)(1)(ii)(D)", "164.312(b)"),
    },
    queries=(_USERS, _STATEMENTS_OF, _VERBS, _SESSIONS, _SERVICE),
    findings=_findings,
    cannot="Who is a superuser is known only of users created or changed this month; list the "
    "others as administrators.",
)
