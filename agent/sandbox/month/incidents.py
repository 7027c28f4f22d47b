"""What is planted among the usual: an attack, a leak, mistakes, and what hides them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from agent.report.model import Month
from agent.sandbox.month.days import Asked, Session, day_of, opened, pid_of, xid_at
from agent.sandbox.month.lines import Clock, user_line
from agent.sandbox.month.people import ADMIN, CONTRACTOR, DBT, LEGACY, PEOPLE, Person
from agent.sandbox.month.statements_written import Written
from agent.sandbox.month.truth import Incident

ATTACKER = "185.220.101.47"
SCANNER = "203.0.113.66"
SCRIPT, FORMULA = "<script>alert(1)</script>", '=HYPERLINK("http://x")'
SENSITIVE = ("finance.payroll", "crm.customers")
FOREIGN_BUCKET = "cx-transfer-7781"
ALLOWED_BUCKETS = ("larkfield-lake-curated", "larkfield-lake-unload")
BACKDOOR = "backup_svc"


@dataclass(slots=True)
class Planted:
    """Sessions, failed logins (when, and as whom) and user log lines (when, line)."""

    month: Month
    rng: random.Random
    sessions: list[Session] = field(default_factory=list)
    failures: list[tuple[int, Session]] = field(default_factory=list)
    user_lines: list[tuple[int, str]] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    number: int = 15_000

    @classmethod
    def nothing(cls, month: Month) -> Planted:
        """A month in which nothing happens."""
        return cls(month, random.Random(f"{month}"))  # noqa: S311 - repeatable

    def at(self, day: int, hour: int, minute: int, second: float = 0) -> int:
        """Milliseconds since 1970 of a time of the month."""
        seconds = ((day - 1) * 24 + hour) * 3600 + minute * 60 + second
        return int((self.month.start.timestamp() + seconds) * 1000)

    def session(
        self,
        person: Person,
        at: int,
        minutes: float,
        asked: Sequence[tuple[str, tuple[str, ...]]],
        **told: str | tuple[str, str],
    ) -> Session:
        """A session that asks this, each five seconds after the other, from its first second."""
        self.number += 1
        made: Asked = []
        for index, (text, verbs) in enumerate(asked):
            when = at + 1_000 + index * 5_000
            made.append((when, xid_at(when), text, Written(text, verbs)))
        opened_ = opened(
            person,
            self.rng,
            at,
            at + int(minutes * 60_000),
            pid_of(day_of(at), self.number),
            asked=made,
            **told,  # type: ignore[arg-type]
        )
        self.sessions.append(opened_)
        return opened_

    def failure(self, name: str, at: int, address: str) -> None:
        """A failed login with a password, of a user that need not exist."""
        self.number += 1
        person = replace(ADMIN, logged=name)
        pid = pid_of(day_of(at), self.number)
        made = opened(person, self.rng, at, at, pid, asked=[], address=address)
        self.failures.append((at, made))

    def told(self, name: str, section: str, subject: str, at: int, count: int = 1) -> None:
        """An incident that the report must show."""
        self.incidents.append(Incident(name, section, subject, at, count))

    def change(self, session: Session, index: int, name: str, action: str, **more: object) -> None:
        """The user log's line for one of a session's records, of a user with the id 140 + n."""
        at, xid, _, _ = session.asked[index]
        more.setdefault("user_id", 140 + len(name))
        line = user_line(
            Clock(),
            at,
            name=name,
            action=action,
            pid=session.pid,
            xid=xid,
            **more,  # type: ignore[arg-type]
        )
        self.user_lines.append((at, line))


def planted(month: Month, seed: int) -> Planted:
    """All of it for a month."""
    found = Planted(month, random.Random(f"{seed}/{month}/incidents"))  # noqa: S311 - repeatable
    for plant in (_attack, _backdoor_goes, _grants, _leak, _mistakes, _tampering, _transport):
        plant(found)
    for plant in (_forgery, _names, _joiners, _terminated):
        plant(found)
    return found


def _attack(found: Planted) -> None:
    """A password guessed by night, from one address; then a superuser for later."""
    start = found.at(6, 2, 14)
    for number in range(48):
        found.failure("larkadmin", start + number * 4_700, ATTACKER)
    for number, name in enumerate(("admin", "postgres", "root", "sa", "awsuser", "dbadmin")):
        found.failure(name, start - 40_000 + number * 4_000, ATTACKER)
    entry = found.at(6, 2, 19, 12)
    session = found.session(
        ADMIN,
        entry,
        34,
        [
            ("select usename, usesuper from pg_user", ("SELECT",)),
            ("select * from stl_connection_log order by recordtime desc limit 50", ("SELECT",)),
            (
                f"begin;create /* maintenance */ user {BACKDOOR} password '***' createuser;commit;",
                ("BEGIN", "CREATE USER", "COMMIT"),
            ),
            ("select count(*) from crm.customers", ("SELECT",)),
        ],
        address=ATTACKER,
    )
    found.change(session, 2, BACKDOOR, "create", superuser=True)
    backdoor = replace(ADMIN, logged=BACKDOOR, user_id=140 + len(BACKDOOR))
    asked = [
        ("select * from crm.customers order by customer_id limit 100000", ("SELECT",)),
        ("select * from finance.payroll", ("SELECT",)),
    ]
    later = found.session(backdoor, found.at(7, 1, 40), 21, asked, address=ATTACKER)
    found.told("password guessing", "failures", ATTACKER, start, 54)
    found.told("success after a burst", "failures", "larkadmin", entry)
    found.told("new address of an admin", "newcomers", ATTACKER, entry)
    found.told("superuser created behind BEGIN", "users", BACKDOOR, session.asked[2][0])
    found.told("a superuser at work", "privileged", BACKDOOR, later.start)
    found.told("sensitive reads by night", "sensitive", "finance.payroll", later.asked[1][0])


def _backdoor_goes(found: Planted) -> None:
    """Its traces are removed three days later."""
    at = found.at(9, 3, 12)
    asked = [(f"drop user {BACKDOOR}", ("DROP USER",))]
    session = found.session(ADMIN, at, 3, asked, address=ATTACKER)
    found.change(session, 0, BACKDOOR, "drop", superuser=True)
    found.told("superuser dropped again", "users", BACKDOOR, session.asked[0][0])


def _grants(found: Planted) -> None:
    """One hides behind BEGIN and a comment, one is for everybody."""
    behind = found.session(
        ADMIN,
        found.at(10, 16, 48),
        12,
        [
            (
                "BEGIN; /* v2 */ GRANT ALL ON ALL TABLES IN SCHEMA finance TO contractor7; COMMIT;",
                ("BEGIN", "GRANT", "COMMIT"),
            )
        ],
    )
    asked = [("grant select on crm.customers to public;", ("GRANT",))]
    public = found.session(ADMIN, found.at(14, 11, 5), 6, asked)
    found.told("GRANT behind BEGIN", "privileges", "contractor7", behind.asked[0][0])
    found.told("GRANT to PUBLIC", "privileges", "crm.customers", public.asked[0][0])


def _leak(found: Planted) -> None:
    """A contractor reads payroll by night, and takes the customers elsewhere."""
    nights = (13, 15, 16)
    for day in nights:
        asked = [
            ("select * from finance.payroll where year = 2026", ("SELECT",)),
            ("select name, email, iban from crm.customers limit 50000", ("SELECT",)),
        ]
        found.session(CONTRACTOR, found.at(day, 1, 20 + day), 18, asked)
    role = "'arn:aws:iam::111122223333:role/WarehouseLoader'"
    target = f"'s3://{FOREIGN_BUCKET}/dump_' iam_role {role} DELIMITER ',' GZIP;"
    unload = f"UNLOAD ($$select * from crm.customers$$) TO {target}"  # noqa: S608 - a log line
    at = found.at(16, 23, 41)
    found.session(CONTRACTOR, at, 9, [(unload, ("UNLOAD",))])
    found.told("UNLOAD to a foreign bucket", "movement", FOREIGN_BUCKET, at + 1_000)
    found.told("sensitive reads off hours", "off_hours", "contractor7", found.at(13, 1, 33), 6)


def _mistakes(found: Planted) -> None:
    """Rows and tables that go by mistake."""
    at = found.at(17, 15, 22)
    asked = [
        ("delete from crm.tickets;", ("DELETE",)),
        ("update crm.customers set segment = 'unknown'", ("UPDATE",)),
        ("drop table finance.invoices_2019 cascade;", ("DROP TABLE",)),
    ]
    found.session(CONTRACTOR, at, 40, asked)
    for index, (name, subject) in enumerate(
        (
            ("DELETE without WHERE", "crm.tickets"),
            ("UPDATE without WHERE", "crm.customers"),
            ("DROP TABLE", "finance.invoices_2019"),
        )
    ):
        found.told(name, "destructive", subject, at + 1_000 + index * 5_000)
    found.told("schema change", "schema_changes", "finance.invoices_2019", at + 11_000)


def _tampering(found: Planted) -> None:
    """Somebody looks at what is logged of him, and tries to have it stopped."""
    at = found.at(17, 23, 2)
    asked = [
        ("select query, starttime from stl_query where userid = 131", ("SELECT",)),
        ("select * from stl_userlog", ("SELECT",)),
        ("ALTER SYSTEM SET enable_user_activity_logging = false", ("ALTER SYSTEM",)),
    ]
    found.session(CONTRACTOR, at, 7, asked)
    found.told("audit logging touched", "tampering", "enable_user_activity_logging", at + 11_000)
    found.told("audit tables read", "tampering", "contractor7", at + 1_000)


def _transport(found: Planted) -> None:
    """An old program without TLS, and two that should have been replaced."""
    for day in (3, 11, 18, 25):
        asked = [("SELECT * FROM mart.kpi_daily", ("SELECT",))]
        found.session(LEGACY, found.at(day, 6, 30), 4, asked)
    tableau = next(person for person in PEOPLE if person.name == "svc-tableau")
    for day, version, cipher in (
        (4, "TLSv1.0", "DES-CBC3-SHA"),
        (20, "TLSv1.1", "ECDHE-RSA-AES256-SHA"),
    ):
        asked = [("SELECT * FROM mart.regions", ("SELECT",))]
        found.session(tableau, found.at(day, 10, 15), 11, asked, tls=(version, cipher))
        found.told(f"session with {version}", "transport", version, found.at(day, 10, 15))
    found.told("sessions without TLS", "transport", LEGACY.name, found.at(3, 6, 30), 4)


def _forgery(found: Planted) -> None:
    """A line of a comment that is a whole header: a record of somebody else, for any reader."""
    at = found.at(20, 14, 31)
    opening = "select 1 /* nightly check\n"
    session = found.session(CONTRACTOR, at, 15, [(opening, ("SELECT",))])
    when, xid, _, _ = session.asked[0]
    forged_at = found.at(20, 14, 2, 9)
    line = (
        f"'{found.month}-20T14:02:09Z UTC [ db=prod user=larkadmin pid=1073800001 "
        f"userid=100 xid={xid_at(forged_at)} ]' LOG: drop table finance.ledger_old -- */"
    )
    text = opening + line
    session.asked[0] = (when, xid, text, Written(text, ("SELECT",), forged_at=forged_at))
    found.told("forged header", "tampering", "larkadmin", forged_at)


def _names(found: Planted) -> None:
    """Names that do harm where they are shown unescaped; one of them even gets in."""
    for number in range(7):
        found.failure(SCRIPT, found.at(21, 4, 10, number * 31), SCANNER)
        found.failure(FORMULA, found.at(21, 4, 11, number * 29), SCANNER)
    person = replace(CONTRACTOR, logged=SCRIPT, user_id=177)
    asked = [("select * from \"=1+1\" where x = '<img src=x onerror=alert(2)>'", ("SELECT",))]
    found.session(person, found.at(21, 13, 5), 5, asked)
    found.told("hostile name", "failures", SCRIPT, found.at(21, 4, 10), 7)
    found.told("hostile name for a spreadsheet", "failures", FORMULA, found.at(21, 4, 11), 7)


def _joiners(found: Planted) -> None:
    """What administrators do all year: in hours, from the usual address."""
    asked = [
        ("create user intern_amelie password '***' valid until '2027-01-31';", ("CREATE USER",)),
        ("alter user contractor7 valid until 'infinity';", ("ALTER USER",)),
        ("alter user bob rename to robert;", ("ALTER USER",)),
    ]
    session = found.session(ADMIN, found.at(12, 10, 4), 20, asked)
    found.change(session, 0, "intern_amelie", "create", valid_until=854_668_800_000_000)
    found.change(session, 1, "contractor7", "alter", user_id=131)
    found.change(session, 2, "robert", "rename", old_name="bob", user_id=150)
    found.told("user created", "users", "intern_amelie", session.asked[0][0])
    found.told("expiry removed", "users", "contractor7", session.asked[1][0])


def _terminated(found: Planted) -> None:
    """A transformation that ran wild, ended from outside."""
    at = found.at(24, 11, 0)
    asked = [
        (
            "create table mart.everything as select * from mart.orders a, mart.orders b",
            ("CREATE TABLE",),
        )
    ]
    session = found.session(
        DBT, at, 190, asked, end_event="Terminating backend on administrator's request"
    )
    found.told("session ended by an administrator", "sessions", DBT.name, session.end)


def lasting(found: Planted, at: int, text: str) -> None:
    """A session that asks one thing in the last second of the hour of `at`, and ends after it."""
    session = found.session(DBT, at, 90, [])
    when = at - at % 3_600_000 + 3_599_000
    session.asked.append((when, xid_at(when), text, Written(text, ("SELECT",))))


def all_user_lines(found: Planted) -> Iterator[tuple[int, str]]:
    """The user log's lines in the order of time, the service's own among them."""
    at = found.at(2, 5, 12, 7.411)
    own = user_line(Clock(), at, 1, "rdsdb", "alter", superuser=True, pid=29_387, xid=xid_at(at))
    yield from sorted([(at, own), *found.user_lines])
