"""The derived tables that the questions are asked of, in the SQL that the engines share.

`agent.report.sql` says what each holds. They rest on the raw tables of `agent.auditlog.schema`, on
`connection_earlier` (connection records of earlier months) and on the helper tables. Rows of
objects that are not in `object_list` are in none of them.
"""

# ruff: noqa: S608 - column names and numbers of our own are put in, no text of anybody else

from __future__ import annotations

import re

from agent.auditlog.schema import ACTIVITY, BAD_LINE, COLUMNS, CONNECTION, USER_CHANGE
from agent.report.calendar import COLUMNS as CALENDAR_COLUMNS
from agent.report.calendar import bounds
from agent.report.kinds import BY_KIND
from agent.report.model import EVIDENCE_SHIFT, Month

_READ = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)", re.IGNORECASE)

EARLIER = "connection_earlier"
RAW = (ACTIVITY, CONNECTION, USER_CHANGE, BAD_LINE, EARLIER)
"""Read from curated files; `connection_earlier` has the columns of `connection`."""

VIEWS = frozenset({"statement", "connect", "bad_line_seen"})
"""Those that cost little to make anew for each question; every other is made once."""

_EVIDENCE = f"o.object_no * {EVIDENCE_SHIFT} + r.ordinal"
_CALENDAR = tuple(name for name, _ in CALENDAR_COLUMNS if name != "slot")
_DAYS = ", ".join(f"c.{name}" for name in _CALENDAR)
_EVENT_CLASSES = "('DDL', 'DCL', 'DATA_MOVE', 'UTILITY', 'OTHER')"
NAME_KEPT = 46
"""Characters of a user name that both logs keep: the connection log has 50, `IAM:` among them."""


def derived(month: Month) -> dict[str, str]:
    """The SQL of each derived table by name, each after those it reads."""
    start, end = bounds(month)
    return {
        "statement": _dated(ACTIVITY),
        "connect": f"SELECT {_CONNECT} FROM ({_dated(CONNECTION)}) d",
        "bad_line_seen": _BAD_LINE_SEEN,
        "activity_hour": _ACTIVITY_HOUR,
        "connect_before": _CONNECT_BEFORE.format(start=start),
        "session": _SESSION.format(start=start, end=end),
        "event": _EVENT,
        "user_event": _USER_EVENT,
        **BY_KIND,
    }


def reads(sql: str, tables: dict[str, str]) -> list[str]:
    """The derived tables that a text reads, and those that they read, each after what it reads.

    A table stands behind FROM or JOIN: `event` is a column too.
    """
    wanted: set[str] = set()
    left = [sql]
    while left:
        named = {name.lower() for name in _READ.findall(left.pop())}
        new = [name for name in tables if name in named and name not in wanted]
        wanted.update(new)
        left += [tables[name] for name in new]
    return [name for name in tables if name in wanted]


def _columns(table: str) -> str:
    return ", ".join(f"r.{name}" for name, _ in COLUMNS[table])


def _dated(table: str) -> str:
    """The month's rows of a raw table, with calendar and evidence."""
    return f"""
SELECT {_columns(table)}, {_DAYS}, {_EVIDENCE} AS evidence
FROM {table} r JOIN calendar c ON c.slot = r.slot JOIN object_list o ON o.object_id = r.object_id"""


CONNECT_COLUMNS = (
    *("at_ms", "hour_index", "local_day", "local_hour", "weekday", "is_off_hours", "evidence"),
    *("event", "remote_host", "pid", "db_name", "user_name", "identity", "auth_method"),
    *("tls_version", "tls_cipher", "iam_guid", "application_name", "os_version", "driver_version"),
)
"""What `connect` has of `connection` and the calendar: it is asked some fifty times."""

_CONNECT = ", ".join(CONNECT_COLUMNS)

_BAD_LINE_SEEN = f"""
SELECT r.object_id, r.ordinal, r.log_type, r.reason, r.line, {_EVIDENCE} AS evidence
FROM bad_line r JOIN object_list o ON o.object_id = r.object_id"""

_HOUR_KEY = "user_name, identity, user_id, db_name, verb, verb_class"
_HOUR_DAYS = "utc_day, local_day, local_hour, weekday, hour_index, is_off_hours"
# Counted by slot first, on what is in the log: the calendar then meets few rows.
_ACTIVITY_HOUR = f"""
SELECT {_HOUR_KEY}, {_HOUR_DAYS}, is_internal, is_duplicate,
    CAST(sum(n) AS bigint) AS statements, CAST(sum(firsts) AS bigint) AS records,
    min(first_ms) AS first_ms, max(last_ms) AS last_ms, min(evidence) AS evidence
FROM (SELECT {_HOUR_KEY}, r.slot, is_internal, is_duplicate, count(*) AS n,
        sum(CASE WHEN statement_no = 1 THEN 1 ELSE 0 END) AS firsts,
        min(at_ms) AS first_ms, max(at_ms) AS last_ms, min({_EVIDENCE}) AS evidence
    FROM activity r JOIN object_list o ON o.object_id = r.object_id
    GROUP BY {_HOUR_KEY}, r.slot, is_internal, is_duplicate) s
JOIN calendar c ON c.slot = s.slot
GROUP BY {_HOUR_KEY}, {_HOUR_DAYS}, is_internal, is_duplicate"""

_CLIENT = "user_name, remote_host, application_name, driver_version, os_version"
# What came late, in this month's objects, counts as earlier only where there is something earlier.
_CONNECT_BEFORE = f"""
SELECT {_CLIENT}, min(at_ms) AS first_ms, max(at_ms) AS last_ms, count(*) AS records
FROM (SELECT {_CLIENT}, at_ms FROM connection_earlier WHERE at_ms < {{start}}
    UNION ALL
    SELECT {_CLIENT}, at_ms FROM connection WHERE at_ms < {{start}}
        AND (SELECT count(*) FROM connection_earlier WHERE at_ms < {{start}}) > 0) b
GROUP BY {_CLIENT}"""

_ENDS = "(event = 'disconnecting session' OR event LIKE 'terminating%')"
_LONE = "PARTITION BY pid, db_name, user_name ORDER BY"
_RUNNING = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
_PRECEDING = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
_TEXTS = ("driver_version", "os_version")
_SUMMED = ", ".join(f"max({name}) AS {name}" for name in ("identity", *_TEXTS))
_IS_LONE = "session_id = ''"

# Sessions with an id are one group each. Those without one share pid, database and user, and are
# told apart by where one begins: `authenticated`; `initiating session` that follows no
# `authenticated` of its own; anything after an end; a second disconnect in a row. The windows run
# over these few columns alone. `last` is the last event but `set application_name`: 1 entered,
# 2 begun, 3 ended, 4 disconnected, besides its place.
_SESSION = f"""
WITH known AS (
    SELECT {_columns(CONNECTION)}, {_EVIDENCE} AS evidence
    FROM connection r JOIN object_list o ON o.object_id = r.object_id
    WHERE r.event <> 'authentication failure'),
placed AS (
    SELECT pid, db_name, user_name, event, {_EVIDENCE} AS evidence,
        row_number() OVER ({_LONE} at_ms, {_EVIDENCE}) AS n,
        CASE WHEN event = 'authenticated' THEN 1 WHEN event = 'initiating session' THEN 2
            WHEN event LIKE 'terminating%' THEN 3 WHEN event = 'disconnecting session' THEN 4
            ELSE 0 END AS kind
    FROM connection r JOIN object_list o ON o.object_id = r.object_id
    WHERE r.event <> 'authentication failure' AND {_IS_LONE}),
followed AS (
    SELECT p.*, coalesce(max(CASE WHEN kind > 0 THEN n * 8 + kind END)
        OVER ({_LONE} n {_PRECEDING}), 0) AS last
    FROM placed p),
parted AS (
    SELECT evidence, sum(CASE WHEN kind = 1 THEN 1
        WHEN kind = 2 AND mod(last, 8) <> 1 THEN 1
        WHEN kind = 4 AND mod(last, 8) = 4 THEN 1
        WHEN kind = 0 AND mod(last, 8) >= 3 THEN 1
        ELSE 0 END) OVER ({_LONE} n {_RUNNING}) AS part
    FROM followed),
grouped AS (
    SELECT k.*, coalesce(p.part, 0) AS part, CASE WHEN {_IS_LONE} THEN pid ELSE 0 END AS lone_pid,
        CASE WHEN {_IS_LONE} THEN db_name ELSE '' END AS lone_db,
        CASE WHEN {_IS_LONE} THEN user_name ELSE '' END AS lone_user
    FROM known k LEFT JOIN parted p ON p.evidence = k.evidence),
summed AS (
    SELECT session_id, max(pid) AS pid, max(db_name) AS db_name, max(user_name) AS user_name,
        {_SUMMED},
        coalesce(min_by(remote_host, CASE WHEN remote_host <> '' THEN evidence END), '')
            AS remote_host,
        coalesce(min_by(application_name, CASE WHEN application_name <> '' THEN -evidence END), '')
            AS application_name,
        min(CASE WHEN event IN ('authenticated', 'initiating session') THEN at_ms END) AS began_ms,
        max(CASE WHEN {_ENDS} THEN at_ms END) AS end_ms,
        max(CASE WHEN event = 'disconnecting session' THEN duration_us END) AS told_us,
        max(CASE WHEN {_ENDS} THEN event END) AS end_event,
        min(at_ms) AS first_ms, max(at_ms) AS last_ms, min(evidence) AS evidence
    FROM grouped GROUP BY session_id, lone_pid, lone_db, lone_user, part)
SELECT session_id, pid, db_name, user_name, identity, remote_host, application_name,
    {", ".join(_TEXTS)},
    coalesce(began_ms,
        end_ms - CAST(round((told_us - mod(told_us, 1000)) * 1e-3) AS bigint),
        first_ms) AS start_ms,
    end_ms,
    CASE WHEN end_ms IS NULL THEN NULL
        WHEN told_us > 0 THEN told_us
        ELSE (end_ms - coalesce(began_ms, first_ms)) * 1000 END AS duration_us,
    coalesce(end_event, '') AS end_event, evidence
FROM summed WHERE first_ms < {{end}} AND last_ms >= {{start}}"""

_PICKED = f"(r.verb_class IN {_EVENT_CLASSES} OR r.is_unfiltered)"
_OWN = "NOT r.is_internal AND NOT r.is_duplicate"
_NAME = f"substr(user_name, 1, {NAME_KEPT})"
EVENT_COLUMNS = (
    *("at_ms", "utc_day", "local_day", "is_off_hours", "in_window", "evidence"),
    *("user_name", "identity", "db_name", "verb", "verb_class", "object_name"),
    *("statement_no", "statements", "is_unfiltered", "query_text"),
)
"""What `event` has of `statement`: it is held, and a month may have a million of them."""

_HELD = ", ".join(f"r.{name}" for name in EVENT_COLUMNS)
# The latest session that began before a statement, by one window over both: a join on times would
# pair every statement with every session of its process. The activity log has whole seconds, so a
# session counts from the beginning of its second. Joined by its number, it multiplies nothing.
_EVENT = f"""
WITH begun AS (
    SELECT pid, {_NAME} AS name, start_ms AS start_ms, end_ms, remote_host,
        application_name, row_number() OVER (ORDER BY start_ms, evidence) AS n
    FROM session),
asked AS (
    SELECT DISTINCT r.pid, substr(r.user_name, 1, {NAME_KEPT}) AS name, r.at_ms
    FROM activity r WHERE {_PICKED} AND {_OWN}),
line AS (
    SELECT pid, name, start_ms - 999 AS at_ms, n, 0 AS is_asked FROM begun
    UNION ALL
    SELECT pid, name, at_ms, CAST(NULL AS bigint) AS n, 1 AS is_asked FROM asked),
latest AS (
    SELECT pid, name, at_ms, is_asked,
        max(n) OVER (PARTITION BY pid, name ORDER BY at_ms, is_asked, n {_RUNNING}) AS n
    FROM line),
found AS (
    SELECT l.pid, l.name, l.at_ms, b.remote_host, b.application_name
    FROM latest l JOIN begun b ON b.n = l.n
    WHERE l.is_asked = 1 AND (b.end_ms IS NULL OR b.end_ms >= l.at_ms))
SELECT {_HELD}, coalesce(f.remote_host, '') AS remote_host,
    coalesce(f.application_name, '') AS application_name
FROM statement r LEFT JOIN found f
    ON f.at_ms = r.at_ms AND f.pid = r.pid AND f.name = substr(r.user_name, 1, {NAME_KEPT})
WHERE {_PICKED} AND {_OWN}"""

_VERB_OF = """CASE action WHEN 'create' THEN 'CREATE USER' WHEN 'drop' THEN 'DROP USER'
    ELSE 'ALTER USER' END"""
# Who ran the transaction did it, whatever is found of the statement: it may be in a procedure.
_USER_EVENT = f"""
WITH change AS ({_dated(USER_CHANGE)}),
said AS (
    SELECT u.evidence AS change_evidence, r.user_name AS actor,
        {_EVIDENCE} AS evidence, r.statement_no,
        CASE WHEN r.verb LIKE '% USER' OR r.verb = 'CALL' THEN 1 ELSE 0 END AS is_told,
        row_number() OVER (PARTITION BY u.evidence ORDER BY
            CASE WHEN r.verb = u.verb THEN 0 WHEN r.verb LIKE '% USER' THEN 1
                WHEN r.verb = 'CALL' THEN 2 ELSE 3 END,
            CASE WHEN lower(r.object_name) IN (lower(u.user_name), lower(u.old_name)) THEN 0
                ELSE 1 END,
            CASE WHEN r.is_duplicate THEN 1 ELSE 0 END,
            abs(r.at_ms - u.at_ms), {_EVIDENCE}, r.statement_no) AS nth
    FROM activity r
    JOIN (SELECT pid, xid, at_ms, evidence, user_name, old_name, {_VERB_OF} AS verb FROM change) u
        ON u.xid = r.xid AND u.pid = r.pid
    JOIN object_list o ON o.object_id = r.object_id)
SELECT u.*, coalesce(s.actor, '') AS actor,
    CASE WHEN s.is_told = 1 THEN coalesce(e.query_text, '') ELSE '' END AS statement,
    coalesce(e.remote_host, '') AS remote_host
FROM change u
LEFT JOIN said s ON s.change_evidence = u.evidence AND s.nth = 1
LEFT JOIN event e ON e.evidence = s.evidence AND e.statement_no = s.statement_no"""
