"""The SQL of the log's integrity. Each asks the largest table for narrow columns, once.

A header forged inside a statement cannot be told by its form; these are the things that the forger
must also know or match: the transaction, the user's number, the time, and the session.
"""

# ruff: noqa: S608 - no text of a user is put into SQL here

from __future__ import annotations

from agent.report.model import EVIDENCE_SHIFT

BACK_MS = 5_000
"""Times have whole seconds, and records of busy processes may pass each other by a few."""

_SLACK_MS = 5_000
"""What the clocks of the two logs may differ by."""

_DAY_HOURS = 24

# rdsdb's too: passing for the service hides a statement best. The largest of all groupings is by
# numbers alone, which costs half as much; numbers that have several names are few.
TRANSACTIONS = """SELECT s.pid, s.xid, min(s.user_name) AS one_user,
    max(s.user_name) AS another_user, count(*) AS times, min(s.at_ms) AS first_ms,
    max(s.at_ms) AS last_ms, min(s.evidence) AS evidence, max(s.evidence) AS other_evidence
    FROM statement s
    JOIN (SELECT pid, xid FROM activity GROUP BY pid, xid HAVING min(user_id) <> max(user_id)
        UNION SELECT a.pid, a.xid FROM activity a
            JOIN (SELECT user_id FROM activity GROUP BY user_id
                HAVING min(user_name) <> max(user_name)) n ON n.user_id = a.user_id) t
        ON t.pid = s.pid AND t.xid = s.xid
    GROUP BY s.pid, s.xid HAVING min(s.user_name) <> max(s.user_name)"""

# What the user log says of a number and name in this month explains them. One number may log in
# with a password and through IAM: its names are compared without the kind of identity.
ACCOUNTS = """SELECT w.user_name, w.identity, w.user_id,
    CASE WHEN w.one_name = w.last_name THEN '' WHEN w.one_name = w.user_name THEN w.last_name
        ELSE w.one_name END AS other_name,
    CASE WHEN w.one_id = w.last_id THEN NULL WHEN w.one_id = w.user_id THEN w.last_id
        ELSE w.one_id END AS other_id,
    w.times, w.first_ms, w.last_ms, w.evidence
    FROM (SELECT g.*, min(user_name) OVER (PARTITION BY user_id) AS one_name,
            max(user_name) OVER (PARTITION BY user_id) AS last_name,
            min(user_id) OVER (PARTITION BY user_name, identity) AS one_id,
            max(user_id) OVER (PARTITION BY user_name, identity) AS last_id
        FROM (SELECT user_name, identity, user_id, sum(statements) AS times,
                min(first_ms) AS first_ms, max(last_ms) AS last_ms, min(evidence) AS evidence
            FROM activity_hour GROUP BY user_name, identity, user_id) g) w
    LEFT JOIN (SELECT user_id, user_name FROM user_event
        UNION SELECT user_id, old_name AS user_name FROM user_event WHERE old_name <> '') k
        ON k.user_id = w.user_id AND k.user_name = w.user_name
    WHERE k.user_id IS NULL AND (w.one_name <> w.last_name OR w.one_id <> w.last_id)"""

# Told of records outside the month too, where they stand beside one of it: else a header that is
# forged into another month would hide itself, and the way back. Few rows are found: to sort narrow
# ones, and to name these alone, costs half as much.
BACKWARDS = f"""SELECT r.at_ms, r.user_name, r.identity, b.before_ms - r.at_ms AS back_ms,
        o.object_no * {EVIDENCE_SHIFT} + r.ordinal AS evidence
    FROM activity r
    JOIN (SELECT object_id, ordinal, at_ms,
            lag(at_ms) OVER (PARTITION BY object_id ORDER BY ordinal) AS before_ms
        FROM activity WHERE statement_no = 1) b
        ON b.object_id = r.object_id AND b.ordinal = r.ordinal
    JOIN object_list o ON o.object_id = r.object_id
    CROSS JOIN setting s
    WHERE r.statement_no = 1 AND b.at_ms < b.before_ms - {BACK_MS}
        AND b.at_ms < s.month_end_ms AND b.before_ms >= s.month_start_ms"""

# By process, user and hour first: a hundredth of the rows. A process that is new on the first day
# of the month may have begun before it, and its session then has no record.
_ASKED = """(SELECT g.*, min(hour_index) OVER (PARTITION BY pid, user_name, identity) AS one_hour
    FROM (SELECT pid, user_name, identity, hour_index, count(*) AS times, min(at_ms) AS first_ms,
            max(at_ms) AS last_ms, min(evidence) AS evidence
        FROM statement WHERE NOT is_internal AND user_name <> 'rdsdb'
        GROUP BY pid, user_name, identity, hour_index) g)"""


def _overlaps(session: str, asked: str) -> str:
    """Whether a session was open at some time of a row of statements."""
    return (
        f"({session}.start_ms IS NULL OR {session}.start_ms <= {asked}.last_ms + {_SLACK_MS}) AND "
        f"({session}.end_ms IS NULL OR {session}.end_ms >= {asked}.first_ms - {_SLACK_MS})"
    )


# The connection log may cut long names: what both keep is compared.
_OWNLESS = f"""(SELECT a.pid, a.user_name, a.identity, a.one_hour, a.times, a.first_ms, a.last_ms,
        a.evidence
    FROM {_ASKED} a
    JOIN (SELECT DISTINCT hour_index FROM connect) h ON h.hour_index = a.hour_index
    LEFT JOIN session n ON n.pid = a.pid AND substr(n.user_name, 1, 46) = substr(a.user_name, 1, 46)
        AND {_overlaps("n", "a")}
    WHERE n.pid IS NULL)"""

SESSIONLESS = f"""SELECT u.user_name, u.identity, u.pid, u.holder, sum(u.times) AS times,
    min(u.first_ms) AS first_ms, max(u.last_ms) AS last_ms, min(u.evidence) AS evidence
    FROM (SELECT o.pid, o.user_name, o.identity, o.one_hour, o.times, o.first_ms, o.last_ms,
            o.evidence, coalesce(max(m.user_name), '') AS holder
        FROM {_OWNLESS} o
        LEFT JOIN session m ON m.pid = o.pid AND {_overlaps("m", "o")}
        GROUP BY o.pid, o.user_name, o.identity, o.one_hour, o.times, o.first_ms, o.last_ms,
            o.evidence) u
    CROSS JOIN (SELECT min(hour_index) AS month_hour FROM calendar) c
    WHERE u.holder <> '' OR u.one_hour >= c.month_hour + {_DAY_HOURS}
    GROUP BY u.user_name, u.identity, u.pid, u.holder"""

_AUDIT_TABLES = (
    *("stl_connection_log", "stl_userlog", "stl_querytext", "stl_ddltext", "stl_utilitytext"),
    *("stl_query", "stl_unload_log", "svl_statementtext", "svl_qlog", "svl_user_info"),
    *("sys_connection_log", "sys_userlog", "sys_query_history", "sys_query_text"),
    *("sys_unload_history", "sys_datashare_usage_consumer", "sys_datashare_usage_producer"),
)
_AUDIT_PATTERN = "_(?i:" + "|".join(name.partition("_")[2] for name in _AUDIT_TABLES) + ")"
_READ_TABLE = " ".join(
    f"WHEN position('{name}' IN lower(query_text)) > 0 THEN '{name}'" for name in _AUDIT_TABLES
)

# The pattern begins with a plain character, which RE2 can leap to: three times as fast. It stands
# inside the CASE, since engines push conditions down to where they read.
READS = f"""SELECT user_name, identity, read_table, count(*) AS times, min(at_ms) AS first_ms,
    max(at_ms) AS last_ms, min(evidence) AS evidence
    FROM (SELECT user_name, identity, at_ms, evidence,
            CASE WHEN NOT regexp_like(query_text, '{_AUDIT_PATTERN}') THEN ''
                {_READ_TABLE} ELSE '' END AS read_table
        FROM statement
        WHERE verb_class = 'DQL' AND user_name <> 'rdsdb' AND NOT is_duplicate) r
    WHERE read_table <> ''
    GROUP BY user_name, identity, read_table"""
