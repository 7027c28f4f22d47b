"""Section 7: users that come, change and go, who did it, and accounts that nobody uses."""

from __future__ import annotations

from agent.report.model import Chart, Column, ColumnKind, Query, Section
from agent.report.sections.common import (
    AT,
    DAY,
    EVIDENCE,
    USER,
    count,
    duration,
    flag,
    time,
)
from agent.report.sections.users_found import ID, findings

_ACTION = Column("action", "Change")
_ACTOR = Column("actor", "By")
_FROM = Column("remote_host", "From")
_STATEMENT = Column("statement", "Statement", ColumnKind.SQL)
_SUPERUSER = flag("superuser", "Superuser")
_CREATE_DB = flag("create_db", "May create databases")
_SHOWN = "substr(statement, 1, 1000) AS statement"

_CHANGES = Query(
    "changes",
    "Changes of users",
    f"""SELECT at_ms, action, user_name, old_name, actor, remote_host, superuser, create_db,
        valid_until, {_SHOWN}, evidence
    FROM user_event WHERE user_name <> 'rdsdb'""",  # noqa: S608 - constants
    (
        AT,
        _ACTION,
        USER,
        Column("old_name", "Former name"),
        _ACTOR,
        _FROM,
        _SUPERUSER,
        _CREATE_DB,
        Column("valid_until", "Valid until"),
        _STATEMENT,
        EVIDENCE,
    ),
    ("at_ms", "evidence"),
)

# The log tells the state after a change. What it was before is that of the user's last change this
# month; of the first one it is not known, and the statement has to say it.
_BEFORE = "OVER (PARTITION BY user_id ORDER BY at_ms, evidence)"
_GIVEN = Query(
    "given",
    "Superuser, or the right to create databases, given",
    f"""SELECT at_ms, action, user_name, gives_superuser, gives_create_db, actor, remote_host,
        {_SHOWN}, evidence
    FROM (SELECT at_ms, action, user_name, actor, remote_host, statement, evidence,
            CASE WHEN superuser AND (action = 'create' OR NOT coalesce(had_superuser, TRUE)
                OR (had_superuser IS NULL
                    AND regexp_like(lower(statement), '(^|[^a-z])createuser')))
                THEN TRUE ELSE FALSE END AS gives_superuser,
            CASE WHEN create_db AND (action = 'create' OR NOT coalesce(had_create_db, TRUE)
                OR (had_create_db IS NULL
                    AND regexp_like(lower(statement), '(^|[^a-z])createdb')))
                THEN TRUE ELSE FALSE END AS gives_create_db
        FROM (SELECT at_ms, action, user_name, actor, remote_host, statement, evidence, superuser,
                create_db, lag(superuser) {_BEFORE} AS had_superuser,
                lag(create_db) {_BEFORE} AS had_create_db
            FROM user_event WHERE user_name <> 'rdsdb') u
        WHERE action IN ('create', 'alter')) g
    WHERE gives_superuser OR gives_create_db""",  # noqa: S608 - constants
    (
        AT,
        _ACTION,
        USER,
        flag("gives_superuser", "Superuser"),
        flag("gives_create_db", "May create databases"),
        _ACTOR,
        _FROM,
        _STATEMENT,
        EVIDENCE,
    ),
    ("-gives_superuser", "at_ms"),
)

_EXPIRY = Query(
    "expiry",
    "Expiry removed",
    f"""SELECT at_ms, user_name, coalesce(valid_before, '') AS valid_before, actor, remote_host,
        {_SHOWN}, evidence
    FROM (SELECT at_ms, action, user_name, valid_until, actor, remote_host, statement, evidence,
            lag(valid_until) {_BEFORE} AS valid_before
        FROM user_event WHERE user_name <> 'rdsdb') u
    WHERE action = 'alter' AND valid_until = 'never' AND (valid_before NOT IN ('', 'never')
        OR (valid_before IS NULL
            AND regexp_like(lower(statement), 'valid[^a-z]+until[^a-z]+infinity')))""",  # noqa: S608
    (
        AT,
        USER,
        Column("valid_before", "Was valid until"),
        _ACTOR,
        _FROM,
        _STATEMENT,
        EVIDENCE,
    ),
    ("at_ms",),
)

_PASSWORDS = Query(
    "passwords",
    "Passwords changed or disabled",
    f"""SELECT at_ms, user_name, superuser, actor,
        CASE WHEN actor = user_name THEN TRUE ELSE FALSE END AS by_self,
        CASE WHEN regexp_like(lower(statement), '(^|[^a-z_])password[^a-z_]+disable')
            THEN TRUE ELSE FALSE END AS is_disabled,
        remote_host, {_SHOWN}, evidence
    FROM user_event WHERE user_name <> 'rdsdb' AND action = 'alter'
        AND regexp_like(lower(statement), '(^|[^a-z_])password([^a-z_]|$)')""",  # noqa: S608
    (
        AT,
        USER,
        _SUPERUSER,
        _ACTOR,
        flag("by_self", "Own"),
        flag("is_disabled", "Disabled"),
        _FROM,
        _STATEMENT,
        EVIDENCE,
    ),
    ("at_ms",),
)

_SHORT_LIVED = Query(
    "short_lived",
    "Created and dropped within the month",
    """SELECT user_name, at_ms, actor, next_ms AS dropped_ms, next_actor AS dropped_by,
        (next_ms - at_ms) * 1000 AS lived_us,
        CASE WHEN ever_superuser = 1 THEN TRUE ELSE FALSE END AS superuser, evidence,
        next_evidence AS dropped_evidence
    FROM (SELECT user_id, user_name, action, at_ms, actor, evidence,
            lead(action) OVER (PARTITION BY user_id ORDER BY at_ms, evidence) AS next_action,
            lead(at_ms) OVER (PARTITION BY user_id ORDER BY at_ms, evidence) AS next_ms,
            lead(actor) OVER (PARTITION BY user_id ORDER BY at_ms, evidence) AS next_actor,
            lead(evidence) OVER (PARTITION BY user_id ORDER BY at_ms, evidence) AS next_evidence,
            ever_superuser
        FROM (SELECT user_id, user_name, action, at_ms, actor, evidence,
                max(CASE WHEN superuser THEN 1 ELSE 0 END) OVER (PARTITION BY user_id)
                    AS ever_superuser
            FROM user_event WHERE user_name <> 'rdsdb') e
        WHERE action IN ('create', 'drop')) u
    WHERE action = 'create' AND next_action = 'drop'""",
    (
        USER,
        time("at_ms", "Created"),
        Column("actor", "By"),
        time("dropped_ms", "Dropped"),
        Column("dropped_by", "By"),
        duration("lived_us", "Lived"),
        _SUPERUSER,
        EVIDENCE,
        Column("dropped_evidence", "Evidence of the drop", ColumnKind.EVIDENCE),
    ),
    ("lived_us",),
)

_UNKNOWN = Query(
    "unknown_actor",
    "Changes that no statement in the activity log explains",
    """SELECT at_ms, action, user_name, superuser, evidence
    FROM user_event WHERE actor = '' AND user_name <> 'rdsdb'""",
    (AT, _ACTION, USER, _SUPERUSER, EVIDENCE),
    ("at_ms",),
)

# Named by this month's user log or activity log, and neither dropped nor renamed away since; a
# login under a former name is one. A session begun before the month explains statements without.
_DORMANT = Query(
    "dormant",
    "Accounts without a login this month",
    """WITH named AS (
        SELECT user_name, at_ms, evidence, CASE WHEN action = 'drop' THEN 1 ELSE 0 END AS is_gone,
            CASE WHEN action = 'create' THEN at_ms END AS created_ms
        FROM user_event
        UNION ALL
        SELECT old_name AS user_name, at_ms, evidence, 1 AS is_gone, NULL AS created_ms
        FROM user_event WHERE action = 'rename' AND old_name <> ''),
    gone AS (
        SELECT user_name FROM (SELECT user_name, is_gone, row_number() OVER (
            PARTITION BY user_name ORDER BY at_ms DESC, evidence DESC, is_gone) AS n FROM named) s
        WHERE n = 1 AND is_gone = 1),
    known AS (
        SELECT user_name, max(created_ms) AS created_ms, sum(statements) AS statements,
            min(evidence) AS evidence
        FROM (SELECT user_name, created_ms, 0 AS statements, evidence FROM named
            UNION ALL
            SELECT user_name, NULL AS created_ms, statements, evidence FROM activity_hour
            WHERE NOT is_internal) k
        WHERE user_name <> 'rdsdb' GROUP BY user_name),
    entered AS (
        SELECT user_name FROM connect WHERE event IN ('authenticated', 'initiating session')
        GROUP BY user_name)
    SELECT k.user_name, k.created_ms, k.statements, b.last_ms, k.evidence
    FROM known k
    LEFT JOIN gone g ON g.user_name = k.user_name
    LEFT JOIN (SELECT user_name FROM entered
        UNION SELECT r.user_name FROM user_event r JOIN entered e ON e.user_name = r.old_name
        WHERE r.action = 'rename') l ON l.user_name = k.user_name
    LEFT JOIN (SELECT user_name, max(last_ms) AS last_ms FROM connect_before
        GROUP BY user_name) b ON b.user_name = k.user_name
    WHERE g.user_name IS NULL AND l.user_name IS NULL""",
    (
        USER,
        time("created_ms", "Created"),
        count("statements", "Statements"),
        time("last_ms", "Last seen in earlier months"),
        EVIDENCE,
    ),
    ("user_name",),
)

_SERVICE = Query(
    "service",
    "Changes of the service's own user",
    """SELECT at_ms, action, user_name, actor, evidence FROM user_event
    WHERE user_name = 'rdsdb'""",
    (AT, _ACTION, USER, _ACTOR, EVIDENCE),
    ("at_ms",),
)

_BY_DAY = Query(
    "by_day",
    "Changes by day",
    """SELECT c.local_day, coalesce(max(n.created), 0) AS created,
        coalesce(max(n.changed), 0) AS changed, coalesce(max(n.dropped), 0) AS dropped
    FROM calendar c LEFT JOIN (
        SELECT local_day, sum(CASE WHEN action = 'create' THEN 1 ELSE 0 END) AS created,
            sum(CASE WHEN action NOT IN ('create', 'drop') THEN 1 ELSE 0 END) AS changed,
            sum(CASE WHEN action = 'drop' THEN 1 ELSE 0 END) AS dropped
        FROM user_event WHERE user_name <> 'rdsdb' GROUP BY local_day) n
        ON n.local_day = c.local_day
    GROUP BY c.local_day""",
    (DAY, count("created", "Created"), count("changed", "Changed"), count("dropped", "Dropped")),
    ("local_day",),
)

SECTION = Section(
    id=ID,
    title="Users",
    question="Which users were created, changed and dropped, by whom, and which are not used?",
    logs=("userlog", "useractivitylog", "connectionlog"),
    maps={
        "pci-dss-4.0.1": ("8.2.4", "8.2.6", "10.2.1.5"),
        "nist-800-53-r5": ("AC-2", "AC-2(3)", "AC-2(4)", "IA-4"),
        "iso-27001-2022": ("A.5.16", "A.5.18"),
        "hipaa": ("164.308(a)(3)(ii)(C)", "164.308(a)(4)(ii)(C)"),
    },
    queries=(
        _CHANGES,
        _GIVEN,
        _EXPIRY,
        _PASSWORDS,
        _SHORT_LIVED,
        _UNKNOWN,
        _DORMANT,
        _SERVICE,
        _BY_DAY,
    ),
    findings=findings,
    charts=(
        Chart("by_day", "bars", "local_day", ("created", "changed", "dropped"), "Changes of users"),
    ),
    cannot="Accounts that none of the month's logs names are unknown: compare with pg_user. Roles "
    "are in the activity log alone: see privileges.",
)
