"""Section 2: failed logins, bursts of them, and what came after a burst."""

# ruff: noqa: S608 - the pieces of SQL are constants

from __future__ import annotations

from agent.report.model import (
    Answers,
    Chart,
    Column,
    ColumnKind,
    Noted,
    Query,
    Questions,
    Row,
    Section,
)
from agent.report.sections.common import (
    DAY,
    EVIDENCE,
    FAILURE,
    FIRST,
    HOST,
    IDENTITY,
    LAST,
    LOGIN,
    NAMED,
    USER,
    count,
    grouped,
    not_too_many,
    noted,
    time,
    told,
    total,
    whole,
)

_ID = "failures"
_FAILURES = count("failures", "Failed")
_LOGINS = count("logins", "Logins")
_ADDRESSES = count("addresses", "Addresses")
_USERS = count("users", "Users tried")
_KIND = Column("kind", "Of one")
_SUBJECT = Column("subject", "Who")
AFTER_MS = 3_600_000
"""How long after the last failure of a burst a login counts as its success: an hour."""

_BY_USER = Query(
    "by_user",
    "By user",
    f"""SELECT user_name, identity, count(*) AS failures,
        count(DISTINCT remote_host) AS addresses, min(at_ms) AS first_ms, max(at_ms) AS last_ms,
        min(evidence) AS evidence
    FROM connect WHERE {FAILURE} GROUP BY user_name, identity""",
    (USER, IDENTITY, _FAILURES, _ADDRESSES, FIRST, LAST, EVIDENCE),
    ("-failures",),
)

_BY_ADDRESS = Query(
    "by_address",
    "By address",
    f"""SELECT f.remote_host, f.failures, f.users, coalesce(l.logins, 0) AS logins, f.first_ms,
        f.last_ms, f.evidence
    FROM (SELECT remote_host, count(*) AS failures, count(DISTINCT user_name) AS users,
            min(at_ms) AS first_ms, max(at_ms) AS last_ms, min(evidence) AS evidence
        FROM connect WHERE {FAILURE} GROUP BY remote_host) f
    LEFT JOIN (SELECT remote_host, count(*) AS logins
        FROM connect WHERE {LOGIN} GROUP BY remote_host) l ON l.remote_host = f.remote_host""",
    (HOST, _FAILURES, _USERS, _LOGINS, FIRST, LAST, EVIDENCE),
    ("-failures",),
)

_NEVER_SQL = f"""SELECT f.user_name, f.identity, f.remote_host, f.at_ms, f.evidence
    FROM (SELECT user_name, identity, remote_host, at_ms, evidence
        FROM connect WHERE {FAILURE}) f
    LEFT JOIN (SELECT user_name, identity FROM connect
        WHERE event IN ('authenticated', 'initiating session')
        GROUP BY user_name, identity) l ON l.user_name = f.user_name AND l.identity = f.identity
    WHERE l.user_name IS NULL"""

_NEVER = Query(
    "never",
    "Names that failed and never logged in this month",
    f"""SELECT user_name, identity, count(*) AS failures,
        count(DISTINCT remote_host) AS addresses, min(at_ms) AS first_ms, max(at_ms) AS last_ms,
        min(evidence) AS evidence
    FROM ({_NEVER_SQL}) n GROUP BY user_name, identity""",
    (USER, IDENTITY, _FAILURES, _ADDRESSES, FIRST, LAST, EVIDENCE),
    ("-failures",),
)

_GUESSING = Query(
    "guessing",
    "Addresses by how many names they tried that never logged in",
    f"""SELECT remote_host, count(DISTINCT {NAMED}) AS names, count(*) AS failures,
        min(at_ms) AS first_ms, max(at_ms) AS last_ms, min(evidence) AS evidence
    FROM ({_NEVER_SQL}) n GROUP BY remote_host""",
    (HOST, count("names", "Names"), _FAILURES, FIRST, LAST, EVIDENCE),
    ("-names", "-failures"),
)

# Failures of one address, and of one user, in order. A window is the n-th failure and the one
# burst_failures - 1 after it, if they lie within burst_ms; windows that share failures are one
# burst. The join by number does what a lag would: how far is configured, and a lag's is fixed.
_BURSTS_SQL = f"""failed AS (
        SELECT 'address' AS kind, remote_host AS subject, {NAMED} AS other, at_ms, evidence
        FROM connect WHERE {FAILURE}
        UNION ALL
        SELECT 'user' AS kind, {NAMED} AS subject, remote_host AS other, at_ms, evidence
        FROM connect WHERE {FAILURE}),
    numbered AS (
        SELECT kind, subject, other, at_ms, evidence,
            row_number() OVER (PARTITION BY kind, subject ORDER BY at_ms, evidence) AS n
        FROM failed),
    windowed AS (
        SELECT a.kind, a.subject, a.n AS from_n, b.n AS to_n, b.at_ms AS reached_ms
        FROM numbered a CROSS JOIN setting s
        JOIN numbered b ON b.kind = a.kind AND b.subject = a.subject
            AND b.n = a.n + s.burst_failures - 1
        WHERE b.at_ms - a.at_ms <= s.burst_ms),
    marked AS (
        SELECT kind, subject, from_n, to_n, reached_ms,
            CASE WHEN from_n <= lag(to_n) OVER (PARTITION BY kind, subject ORDER BY from_n)
                THEN 0 ELSE 1 END AS begins
        FROM windowed),
    counted AS (
        SELECT kind, subject, from_n, to_n, reached_ms,
            sum(begins) OVER (PARTITION BY kind, subject ORDER BY from_n
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS burst_no
        FROM marked),
    whole_bursts AS (
        SELECT kind, subject, burst_no, min(from_n) AS from_n, max(to_n) AS to_n,
            min(reached_ms) AS reached_ms
        FROM counted GROUP BY kind, subject, burst_no),
    burst AS (
        SELECT w.kind, w.subject, w.burst_no, w.reached_ms, count(*) AS failures,
            count(DISTINCT f.other) AS others, min(f.at_ms) AS first_ms, max(f.at_ms) AS last_ms,
            min(f.evidence) AS evidence
        FROM whole_bursts w JOIN numbered f ON f.kind = w.kind AND f.subject = w.subject
            AND f.n >= w.from_n AND f.n <= w.to_n
        GROUP BY w.kind, w.subject, w.burst_no, w.reached_ms)"""

_OTHERS = count("others", "Users or addresses")
_BURSTS = Query(
    "bursts",
    "Bursts: many failures of one address or of one user in a short time",
    f"""WITH {_BURSTS_SQL}
    SELECT kind, subject, failures, others, first_ms, last_ms, evidence FROM burst""",
    (_KIND, _SUBJECT, _FAILURES, _OTHERS, FIRST, LAST, EVIDENCE),
    ("-failures", "first_ms"),
)

_AFTER_BURST = Query(
    "after_burst",
    "Logins within an hour after a burst, of the same address or user",
    f"""WITH {_BURSTS_SQL},
    entered AS (
        SELECT 'address' AS kind, remote_host AS subject, user_name, identity, remote_host, at_ms,
            evidence FROM connect WHERE {LOGIN}
        UNION ALL
        SELECT 'user' AS kind, {NAMED} AS subject, user_name, identity, remote_host, at_ms,
            evidence FROM connect WHERE {LOGIN}),
    followed AS (
        SELECT b.kind, b.subject, b.failures, b.others, b.first_ms, b.last_ms, l.user_name,
            l.identity, l.remote_host, l.at_ms, l.evidence, b.evidence AS burst_evidence,
            row_number() OVER (PARTITION BY b.kind, b.subject, b.burst_no
                ORDER BY l.at_ms, l.evidence) AS n
        FROM burst b JOIN entered l ON l.kind = b.kind AND l.subject = b.subject
        WHERE l.at_ms >= b.reached_ms AND l.at_ms <= b.last_ms + {AFTER_MS})
    SELECT kind, subject, failures, others, first_ms, last_ms, user_name, identity, remote_host,
        at_ms, evidence, burst_evidence
    FROM followed WHERE n = 1""",
    (
        _KIND,
        _SUBJECT,
        _FAILURES,
        _OTHERS,
        time("first_ms", "First failure"),
        time("last_ms", "Last failure"),
        Column("user_name", "Logged in"),
        IDENTITY,
        HOST,
        time("at_ms", "Login"),
        EVIDENCE,
        Column("burst_evidence", "First failure", ColumnKind.EVIDENCE),
    ),
    ("at_ms",),
)

_BY_DAY = Query(
    "by_day",
    "By day",
    f"""SELECT c.local_day, coalesce(max(n.failures), 0) AS failures,
        coalesce(max(n.addresses), 0) AS addresses, coalesce(max(n.users), 0) AS users
    FROM calendar c LEFT JOIN (
        SELECT local_day, count(*) AS failures, count(DISTINCT remote_host) AS addresses,
            count(DISTINCT user_name) AS users
        FROM connect WHERE {FAILURE} GROUP BY local_day) n ON n.local_day = c.local_day
    GROUP BY c.local_day""",
    (DAY, _FAILURES, _ADDRESSES, _USERS),
    ("local_day",),
)


def _after(rows: list[Row]) -> Noted:
    """What a login after a burst of failures is. Rows of one address or user."""
    row = rows[0]
    of_address = row["kind"] == "address"
    whose = "from this address" if of_address else "as this user from several addresses"
    return noted(
        _ID,
        "critical" if of_address else "high",
        "A login succeeded after a burst of failures",
        str(row["subject"]),
        f"After {told(whole(row['failures']), 'failed login')} {whose}, {row['user_name']} logged "
        f"in from {row['remote_host']}"
        + (f"; the same happened {told(len(rows) - 1, 'more time')}." if rows[1:] else "."),
        [*rows, *({**each, "evidence": each["burst_evidence"]} for each in rows)],
        counts=len(rows),
    )


def _burst(rows: list[Row], asked: Questions) -> Noted:
    """What the bursts of one address or user are."""
    of_address = rows[0]["kind"] == "address"
    failures, others = total(rows, "failures"), max(whole(row["others"]) for row in rows)
    many = failures >= 10 * asked.burst_failures
    against = told(others, "user") if of_address else told(others, "address", "addresses")
    return noted(
        _ID,
        "high" if many or not of_address else "medium",
        "Many failed logins in a short time",
        str(rows[0]["subject"]),
        f"{told(failures, 'failed login')} {'for' if of_address else 'from'} up to {against} in "
        f"{told(len(rows), 'burst')} ({asked.burst_failures} or more within "
        f"{told(asked.burst_minutes, 'minute')}).",
        rows,
        counts=failures,
    )


def _guessing(row: Row) -> Noted:
    """What an address is that tried names that never log in."""
    failures = whole(row["failures"])
    return noted(
        _ID,
        "medium",
        "Names were tried that never logged in",
        str(row["remote_host"]),
        f"{told(whole(row['names']), 'name')} failed from this address, {told(failures, 'time')} "
        "in all, and logged in from nowhere this month.",
        [row],
        counts=failures,
    )


def _findings(answers: Answers, asked: Questions) -> list[Noted]:
    """Successes first; a user's burst only where it came from more than one address, since that of
    a single one is the address's."""
    after = answers.get("after_burst", ())
    by_address = {row["evidence"] for row in after if row["kind"] == "address"}
    telling = [
        row
        for row in after
        if row["kind"] == "address"
        or (whole(row["others"]) > 1 and row["evidence"] not in by_address)
    ]
    bursts = [
        row
        for row in answers.get("bursts", ())
        if row["kind"] == "address" or whole(row["others"]) > 1
    ]
    guessed = [
        row for row in answers.get("guessing", ()) if whole(row["names"]) >= asked.burst_failures
    ]
    return [
        *not_too_many([_after(rows) for rows in grouped(telling, "kind", "subject")]),
        *not_too_many([_burst(rows, asked) for rows in grouped(bursts, "kind", "subject")]),
        *not_too_many([_guessing(row) for row in guessed]),
    ]


SECTION = Section(
    id=_ID,
    title="Failed logins",
    question="Who tried to get in and failed, and did anybody get in after that?",
    logs=("connectionlog",),
    maps={
        "pci-dss-4.0.1": ("8.3.4", "10.2.1.4", "10.4.1"),
        "nist-800-53-r5": ("AC-7", "AU-6", "SI-4"),
        "iso-27001-2022": ("A.8.5", "A.8.15", "A.8.16"),
        "hipaa": ("164.308(a)(5)(ii)(C)", "164.312(b)"),
    },
    queries=(_BURSTS, _AFTER_BURST, _BY_USER, _BY_ADDRESS, _NEVER, _GUESSING, _BY_DAY),
    findings=_findings,
    charts=(Chart("by_day", "bars", "local_day", ("failures",), "Failed logins a day"),),
    cannot="The log does not tell a wrong password from an unknown user or an expired one.",
)
