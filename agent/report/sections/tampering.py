"""Section 15: signs that the audit trail was touched, read by others, or forged."""

from __future__ import annotations

from collections.abc import Sequence

from agent.report.kinds import EVENT, SHOWN
from agent.report.model import (
    Answers,
    Column,
    ColumnKind,
    Noted,
    Query,
    Questions,
    Section,
)
from agent.report.sections.common import (
    AT,
    DATABASE,
    EVIDENCE,
    FIRST,
    HOST,
    IDENTITY,
    LAST,
    USER,
    not_too_many,
    noted,
    told,
)
from agent.report.sections.noting import (
    STATEMENT,
    TIMES,
    VERB,
    by_user,
    is_admin,
    listed,
    text,
    times,
)
from agent.report.sections.tampering_sql import (
    ACCOUNTS,
    BACKWARDS,
    READS,
    SESSIONLESS,
    TRANSACTIONS,
)

ID = "tampering"

# SYSLOG ACCESS UNRESTRICTED lets a user see what others ran, in the tables of the audit.
_TOUCHES = """CASE
    WHEN verb = 'SHOW' OR verb_class = 'DATA_MOVE' THEN ''
    WHEN low LIKE '%enable_user_activity_logging%' THEN 'activity logging'
    WHEN regexp_like(low, '[^a-z]syslog[^a-z]+access') THEN 'syslog access'
    WHEN regexp_like(low, '^[^a-z]*(set|reset|alter)[^a-z]') AND regexp_like(low,
        '[^a-z0-9_](log_statement|log_connections|log_disconnections|log_min_[a-z_]+|log_destination|logging_collector)([^a-z0-9_]|$)')
        THEN 'log settings'
    ELSE '' END"""

_LOGGING = Query(
    name="logging",
    title="Statements that touch logging",
    sql=f"""SELECT touched, at_ms, user_name, identity, remote_host, db_name, verb, {SHOWN},
        evidence
        FROM (SELECT e.*, {_TOUCHES} AS touched FROM {EVENT} e
            WHERE position('log' IN lower(e.query_text)) > 0) t
        WHERE touched <> ''""",  # noqa: S608 - no one's text
    columns=(
        Column("touched", "What"),
        AT,
        USER,
        IDENTITY,
        HOST,
        DATABASE,
        VERB,
        STATEMENT,
        EVIDENCE,
    ),
    order=("touched", "at_ms", "evidence"),
)
_READS = Query(
    name="reads",
    title="Reading of the audit's own tables, by user",
    sql=READS,
    columns=(USER, IDENTITY, Column("read_table", "Table"), TIMES, FIRST, LAST, EVIDENCE),
    order=("-times", "user_name"),
)
_OTHER_EVIDENCE = Column("other_evidence", "Further evidence", ColumnKind.EVIDENCE)
_PID = Column("pid", "Process")

_TRANSACTIONS = Query(
    name="transactions",
    title="Transactions with statements of more than one user",
    sql=TRANSACTIONS,
    columns=(
        _PID,
        Column("xid", "Transaction"),
        Column("one_user", "User"),
        Column("another_user", "Another user"),
        TIMES,
        FIRST,
        LAST,
        EVIDENCE,
        _OTHER_EVIDENCE,
    ),
    order=("first_ms", "pid"),
)
_ACCOUNTS = Query(
    name="accounts",
    title="User numbers with several names, and names with several numbers",
    sql=ACCOUNTS,
    columns=(
        USER,
        IDENTITY,
        Column("user_id", "User number"),
        Column("other_name", "Other name of the number"),
        Column("other_id", "Other number of the name"),
        TIMES,
        FIRST,
        LAST,
        EVIDENCE,
    ),
    order=("user_id", "user_name"),
    none="None, but for users that were created, dropped or renamed this month.",
)
_BACKWARDS = Query(
    name="backwards",
    title="Records more than five seconds earlier than the one before",
    sql=BACKWARDS,
    columns=(
        AT,
        USER,
        IDENTITY,
        Column("back_ms", "Earlier by (ms)", ColumnKind.COUNT),
        EVIDENCE,
    ),
    order=("-back_ms", "evidence"),
)
_SESSIONLESS = Query(
    name="sessionless",
    title="Statements whose process had no session of their user",
    sql=SESSIONLESS,
    columns=(
        USER,
        IDENTITY,
        _PID,
        Column("holder", "Whose session it was"),
        TIMES,
        FIRST,
        LAST,
        EVIDENCE,
    ),
    order=("-holder", "first_ms"),
    none="None, as far as there are connection records.",
)

_SUSPICION = "It may be a forged record header inside a statement."


def findings(answers: Answers, questions: Questions) -> Sequence[Noted]:
    """What was done to logging, who reads it, and each sign of forgery: those are suspicions."""
    return (
        *_touched(answers, questions),
        *_read(answers, questions),
        *_shared_transactions(answers),
        *_ambiguous_accounts(answers),
        *_time_goes_back(answers),
        *_without_session(answers),
    )


def _touched(answers: Answers, questions: Questions) -> list[Noted]:
    found = []
    for user, rows in by_user(answers["logging"]):
        what = listed(text(row, "touched") for row in rows)
        strong = any(row["touched"] == "activity logging" for row in rows)
        severity = "high" if strong else "low" if is_admin(rows[0], questions) else "medium"
        that = "that touches" if len(rows) == 1 else "that touch"
        because = f"{user} ran {told(len(rows), 'statement')} {that} what is logged ({what})."
        found.append(noted(ID, severity, "Logging touched", user, because, rows))
    return not_too_many(found)


def _read(answers: Answers, questions: Questions) -> list[Noted]:
    """Nobody's by right where no administrators are listed: then it is told, and no more."""
    found = []
    severity = "low" if questions.admins else "info"
    for user, rows in by_user(answers["reads"]):
        if is_admin(rows[0], questions):
            continue
        tables = listed(text(row, "read_table") for row in rows)
        because = (
            f"{user}, who is not listed as an administrator, read {tables} in "
            f"{told(times(rows), 'statement')}."
        )
        title = "Audit tables read by another than an administrator"
        found.append(noted(ID, severity, title, user, because, rows, counts=times(rows)))
    return not_too_many(found)


def _shared_transactions(answers: Answers) -> list[Noted]:
    found = []
    for row in answers["transactions"]:
        users = f"{text(row, 'one_user')} and {text(row, 'another_user')}"
        because = (
            f"Transaction {row['xid']} of process {row['pid']} holds statements of {users}, though "
            f"a transaction has one user. {_SUSPICION}"
        )
        title = "Suspicion: one transaction, two users"
        rows = [row, {**row, "evidence": row["other_evidence"]}]
        severity = "medium" if "rdsdb" in (row["one_user"], row["another_user"]) else "high"
        found.append(noted(ID, severity, title, users, because, rows, counts=times([row])))
    return not_too_many(sorted(found, key=lambda one: one.severity))


def _ambiguous_accounts(answers: Answers) -> list[Noted]:
    found = []
    for user, rows in by_user(answers["accounts"]):
        names = listed(text(row, "other_name") for row in rows)
        numbers = listed(text(row, "user_id") for row in rows)
        others = listed(text(row, "other_id") for row in rows)
        said = f"number {numbers} is also {names}'s" if names else ""
        more = f"the name also has number {others}" if others else ""
        because = (
            f"{told(times(rows), 'statement')} of {user}: "
            f"{' and '.join(each for each in (said, more) if each)}"
            f", which the user log does not explain. {_SUSPICION}"
        )
        title = "Suspicion: a user's name and number do not agree"
        found.append(noted(ID, "medium", title, user, because, rows, counts=times(rows)))
    return not_too_many(found)


def _time_goes_back(answers: Answers) -> list[Noted]:
    found = []
    for user, rows in by_user(answers["backwards"]):
        most = max(int(row["back_ms"] or 0) for row in rows)
        because = (
            f"{told(len(rows), 'record')} of {user}, or what stands just before, "
            f"{'is' if len(rows) == 1 else 'are'} out of order, by up to "
            f"{told(most // 1000, 'second')}. It may be a forged record header, or a clock that "
            "was set."
        )
        title = "Suspicion: time goes backwards in a log file"
        found.append(noted(ID, "low", title, user, because, rows))
    return not_too_many(found)


def _without_session(answers: Answers) -> list[Noted]:
    """Stronger where the process had a session, and it was another's, or where the time is out of
    order too: one sign may be a lost record, two are none."""
    misplaced = {row["evidence"] for row in answers["backwards"]}
    found = []
    for user, rows in by_user(answers["sessionless"]):
        holders = listed(text(row, "holder") for row in rows)
        is_misplaced = any(row["evidence"] in misplaced for row in rows)
        where = "a process" if len(rows) == 1 else "processes"
        said = f"{told(times(rows), 'statement')} of {user} ran in {where}"
        late = ", and its time is out of order in the log file" if is_misplaced else ""
        if holders:
            because = (
                f"{said} that had no session of {user} then; some were {holders}'s{late}. "
                f"{_SUSPICION}"
            )
        else:
            because = (
                f"{said} of which the connection log knows no session{late}. {_SUSPICION[:-1]}"
                f"{'.' if is_misplaced else ', or a connection record is lost.'}"
            )
        title = "Suspicion: statements without a session of their user"
        severity = "high" if holders or is_misplaced else "low"
        found.append(noted(ID, severity, title, user, because, rows, counts=times(rows)))
    return not_too_many(sorted(found, key=lambda one: one.severity))


SECTION = Section(
    id=ID,
    title="Tampering and log integrity",
    question="Was the audit trail touched, read by others, or forged?",
    logs=("useractivitylog", "connectionlog", "userlog"),
    maps={
        "pci-dss-4.0.1": ("10.2.1.3", "10.2.1.6", "10.3.2"),
        "nist-800-53-r5": ("AU-9", "AU-10", "SI-7"),
        "iso-27001-2022": ("A.8.15",),
        "hipaa": ("164.312(b)", "164.312(c)(1)"),
        "sox": ("integrity of audit trails",),
    },
    queries=(
        _LOGGING,
        _TRANSACTIONS,
        _ACCOUNTS,
        _SESSIONLESS,
        _BACKWARDS,
        _READS,
    ),
    findings=findings,
    cannot="Whether a record's header is real: whoever writes a statement can write a perfect one "
    "into it; changes made through the AWS API are in CloudTrail. A statement "
    "that reads several audit tables is told under one of them.",
)
