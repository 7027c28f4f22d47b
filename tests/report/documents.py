"""A report made by hand, of a month whose users were named by an attacker."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.auditlog.objects import LogObject, ObjectResult, ObjectStatus, Refused, Writer
from agent.report.model import (
    EVIDENCE_SHIFT,
    Answered,
    Answers,
    Chart,
    Column,
    ColumnKind,
    Completeness,
    Coverage,
    Document,
    Gap,
    Month,
    Noted,
    Query,
    Questions,
    Section,
)

WRITER = Writer("111122223333", "eu-west-1", "sales-dwh")
MONTH = Month(2026, 10)
START_MS = int(MONTH.start.timestamp()) * 1000
START_HOUR = START_MS // 3_600_000

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\n=1+1",
    "\r=1+1",
    "＝1+1",
    " =1+1",
    "\u202ekcatta\u202c",
    "\u200f=1",
    "nul\x00byte",
    "\x1b[31mred",
    "half \udc80 of a character",
    "x" * 3000,
    "{{ 7 * 7 }}",
    "]]>--></style></svg>",
    "javascript:alert(1)",
    "",
)

SECRET = "4111-1111-1111-1111"
STATEMENTS = (
    f"SELECT * FROM cards WHERE pan = '{SECRET}'",  # noqa: S608 - nobody runs it
    f"UPDATE cards SET pan = '{SECRET}",  # noqa: S608
    f"COPY cards FROM 's3://elsewhere/loot/{SECRET}.csv' -- {SECRET}",
    f"CREATE USER eve PASSWORD $$ {SECRET} $$",
)


def item(number: int, log_type: str = "connectionlog", key: str = "") -> LogObject:
    """The object of an hour of the month."""
    stamp = datetime(2026, 10, 1 + number // 24, number % 24, 50, tzinfo=UTC)
    name = f"111122223333_redshift_eu-west-1_sales-dwh_{log_type}_{stamp:%Y-%m-%dT%H:%M}.gz"
    folder = f"AWSLogs/111122223333/redshift/eu-west-1/{stamp:%Y/%m/%d}"
    return LogObject(
        key or f"{folder}/{name}", log_type, WRITER, stamp, 10_000 + number, f"etag{number}", stamp
    )


def results(count: int = 30) -> tuple[ObjectResult, ...]:
    """Objects of every status."""
    read = [
        ObjectResult(item(n), ObjectStatus.READ, sha256=f"{n:064x}", records=100 + n)
        for n in range(count)
    ]
    read += [
        ObjectResult(
            item(40, "useractivitylog"),
            ObjectStatus.DAMAGED,
            "the gzip ends before its end",
            records=7,
            bad=2,
        ),
        ObjectResult(item(41, "userlog"), ObjectStatus.EMPTY, "0 bytes"),
        ObjectResult(
            item(42, "userlog", "odd/<b>\u202e\udcff.gz"), ObjectStatus.UNREADABLE, "AccessDenied"
        ),
    ]
    return tuple(read)


def coverage(verdict: Completeness = Completeness.INCOMPLETE) -> Coverage:
    """A month with a gap and damage."""
    hours = {
        (log, START_HOUR + n): (n * 37) % 900 + 1
        for log in ("connectionlog", "useractivitylog", "userlog")
        for n in range(31 * 24)
        if not 300 <= n < 306
    }
    return Coverage(
        verdict,
        ("connectionlog has no record for 6 hours from 2026-10-13T12:00Z", "1 object is damaged")
        if verdict is Completeness.INCOMPLETE
        else (),
        results(),
        (
            Refused("AWSLogs/secret.gz", "AccessDenied"),
            Refused("<i>notes.txt", "no log object", counts=False),
        ),
        hours,
        (Gap("connectionlog", START_HOUR + 300, 6),),
        {"connectionlog": 123_456, "useractivitylog": 2_345_678, "userlog": 12},
        outside=345,
        cut=("AWSLogs/x",),
    )


def evidence(number: int, record: int) -> int:
    """The evidence number of a record."""
    return (number + 1) * EVIDENCE_SHIFT + record


def _findings(_answers: Answers, _questions: Questions) -> tuple[Noted, ...]:
    return ()


FAILURES = Section(
    "failures",
    "Failed logins",
    "Did anyone try to break in?",
    ("connectionlog",),
    {"pci-dss-4.0.1": ("10.2.1.4",), "nist-800-53-r5": ("AC-7",)},
    (
        Query(
            "by_user",
            "By user",
            "SELECT 1",
            (
                Column("user_name", "User"),
                Column("failures", "Failures", ColumnKind.COUNT),
                Column("first_ms", "First", ColumnKind.TIME),
                Column("took", "Took", ColumnKind.DURATION),
                Column("size", "Size", ColumnKind.BYTES),
                Column("is_new", "New", ColumnKind.FLAG),
                Column("evidence", "Evidence", ColumnKind.EVIDENCE),
            ),
            ("-failures",),
        ),
        Query(
            "by_hour",
            "By hour",
            "SELECT 1",
            (
                Column("utc_day", "Day", ColumnKind.DAY),
                Column("local_hour", "Hour", ColumnKind.COUNT),
                Column("failures", "Failures", ColumnKind.COUNT),
            ),
            ("utc_day",),
        ),
        Query("nothing", "Nothing", "SELECT 1", (Column("a", "A"),), ("a",)),
    ),
    _findings,
    (
        Chart("by_user", "bars", "user_name", ("failures",), "Failures by user"),
        Chart("by_hour", "hours", "utc_day", ("local_hour", "failures"), "Failures by hour"),
        Chart("by_hour", "lines", "utc_day", ("failures",), "Failures by day"),
    ),
    "Whether the address is that of a person.",
)
STATEMENT_SECTION = Section(
    "privileges",
    "Privileges",
    "Who was given what?",
    ("useractivitylog",),
    {"pci-dss-4.0.1": ("10.2.1.5",)},
    (
        Query(
            "statements",
            "Statements",
            "SELECT 1",
            (Column("who", "Who"), Column("statement", "Statement", ColumnKind.SQL)),
            ("who",),
        ),
    ),
    _findings,
)
BROKEN = Section("volume", "Volume", "How much?", ("useractivitylog",), {}, (), _findings)


def answered() -> tuple[Answered, ...]:
    """Three sections: one of every kind of column, one of statements, one that broke."""
    by_user = [
        {
            "user_name": name,
            "failures": 1000 - n,
            "first_ms": START_MS + n * 60_000,
            "took": 1_500_000 * n,
            "size": 1024**2 * n,
            "is_new": n % 2 == 0,
            "evidence": evidence(n, n + 1),
        }
        for n, name in enumerate(HOSTILE)
    ]
    by_user += [{**by_user[0], "user_name": f"user{n}", "failures": 1} for n in range(60)]
    by_hour = [
        {"utc_day": f"2026-10-{d:02d}", "local_hour": h, "failures": (d * h) % 7}
        for d in range(1, 32)
        for h in range(24)
    ]
    told = [{"who": "eve", "statement": text} for text in STATEMENTS]
    return (
        Answered(
            FAILURES, {"by_user": by_user, "by_hour": by_hour, "nothing": []}, {"by_user": 12}
        ),
        Answered(STATEMENT_SECTION, {"statements": told}, {}),
        Answered(BROKEN, {}, {}, f"ConversionError: could not read '{SECRET}'"),
    )


def findings() -> tuple[Noted, ...]:
    """Of every severity, with hostile subjects and one that quotes a statement."""
    return (
        Noted(
            "failures",
            "critical",
            "A login succeeded after a burst of failures",
            HOSTILE[0],
            "57 failures from 203.0.113.9 within 10 minutes, then a login",
            58,
            START_MS,
            START_MS + 600_000,
            (evidence(1, 17), evidence(2, 3)),
        ),
        Noted(
            "privileges",
            "high",
            "Superuser given",
            "eve",
            f"alice ran: {STATEMENTS[1]}",
            1,
            START_MS,
            START_MS,
            (evidence(3, 9),),
        ),
        Noted("failures", "medium", "New address", HOSTILE[16], "never seen before", 2),
        Noted("failures", "low", "Shared account", HOSTILE[11], "from 7 addresses", 7),
        Noted("failures", "info", "Unknown users", HOSTILE[5], "no such user", 1),
    )


def document(verdict: Completeness = Completeness.INCOMPLETE) -> Document:
    """The whole."""
    return Document(
        WRITER,
        MONTH,
        "s3://logs/redshift/",
        Questions(sensitive=("*.cards",)),
        coverage(verdict),
        answered(),
        findings(),
        {number: one.object.key for number, one in enumerate(results(), 1)},
        {"logins": 120_345, "failed_logins": 1_042, "users": 42},
        {"logins": 100_000, "failed_logins": 12},
    )
