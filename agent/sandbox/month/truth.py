"""What was put into the logs: counted while it was made, by nothing that reads logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.auditlog.objects import Writer
from agent.report.model import Month

HOUR_MS = 3_600_000

CLASS_OF = {
    "SELECT": "DQL",
    "INSERT": "DML",
    "UPDATE": "DML",
    "DELETE": "DML",
    "CREATE TABLE": "DDL",
    "CREATE FUNCTION": "DDL",
    "ALTER TABLE": "DDL",
    "DROP TABLE": "DDL",
    "TRUNCATE": "DDL",
    "GRANT": "DCL",
    "REVOKE": "DCL",
    "CREATE USER": "DCL",
    "ALTER USER": "DCL",
    "DROP USER": "DCL",
    "BEGIN": "TCL",
    "COMMIT": "TCL",
    "SET": "UTILITY",
    "ANALYZE": "UTILITY",
    "VACUUM": "UTILITY",
    "ALTER SYSTEM": "UTILITY",
    "COPY": "DATA_MOVE",
    "UNLOAD": "DATA_MOVE",
}
"""The class of each verb that is written."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something planted that a report must show. `section`: the id of the section that shows it;
    `subject`: a text that its finding or one of its rows holds."""

    name: str
    section: str
    subject: str
    at_ms: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class Damaged:
    """An object that is not as it should be. `lost`: records that nobody can read any more.

    what: truncated | zero bytes | nothing in it | several members | twice | underscore | late |
    foreign | cut by its end | continues
    """

    key: str
    what: str
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Truth:
    """What the logs of one cluster hold. Times are UTC; hours are since 1970.

    records: readable records of the month by log type, a cut one among them; a forged header counts
    as a record, for no reader can tell. outside: those of other months, in the same objects.
    statements: by (user, verb class), internal ones and duplicates aside; verbs: by (user, verb).
    logins, failures: by (user, address). Users are named without IAM: or IAMR:.
    bad_lines: lines that are no record, by log type. bad_bytes: records with invalid UTF-8.
    gaps: (log type, first hour, hours) in which nothing is told. objects: by log type, all.
    """

    month: Month
    writer: Writer
    records: Mapping[str, int]
    outside: Mapping[str, int]
    hours: Mapping[tuple[str, int], int]
    statements: Mapping[tuple[str, str], int]
    verbs: Mapping[tuple[str, str], int]
    internal: int
    duplicates: int
    logins: Mapping[tuple[str, str], int]
    failures: Mapping[tuple[str, str], int]
    bad_lines: Mapping[str, int]
    bad_bytes: Mapping[str, int]
    orphans: tuple[str, ...]
    damaged: tuple[Damaged, ...]
    gaps: tuple[tuple[str, int, int], ...]
    incidents: tuple[Incident, ...]
    objects: Mapping[str, int]
    plain_bytes: Mapping[str, int]


@dataclass(slots=True)
class Tally:
    """The counters of a truth that is being made."""

    first_hour: int
    end_hour: int
    hours: Counter[tuple[str, int]] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)
    statements: Counter[tuple[str, str]] = field(default_factory=Counter)
    verbs: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Connection records by (event, user, address)."""
    kinds: Counter[str] = field(default_factory=Counter)
    bad_lines: Counter[str] = field(default_factory=Counter)
    bad_bytes: Counter[str] = field(default_factory=Counter)
    objects: Counter[str] = field(default_factory=Counter)
    plain_bytes: Counter[str] = field(default_factory=Counter)
    orphans: list[str] = field(default_factory=list)
    damaged: list[Damaged] = field(default_factory=list)
    gaps: list[tuple[str, int, int]] = field(default_factory=list)

    def within(self, hour: int) -> bool:
        """Whether an hour is of the month."""
        return self.first_hour <= hour < self.end_hour

    def truth(self, month: Month, writer: Writer, incidents: tuple[Incident, ...]) -> Truth:
        """As it stands."""
        records: Counter[str] = Counter()
        for (log_type, _), count in self.hours.items():
            records[log_type] += count
        return Truth(
            month=month,
            writer=writer,
            records=records,
            outside=self.outside,
            hours=self.hours,
            statements=self.statements,
            verbs=self.verbs,
            internal=self.kinds["internal"],
            duplicates=self.kinds["duplicate"],
            logins=self._of("authenticated"),
            failures=self._of("authentication failure"),
            bad_lines=self.bad_lines,
            bad_bytes=self.bad_bytes,
            orphans=tuple(self.orphans),
            damaged=tuple(self.damaged),
            gaps=tuple(self.gaps),
            incidents=incidents,
            objects=self.objects,
            plain_bytes=self.plain_bytes,
        )

    def _of(self, event: str) -> dict[tuple[str, str], int]:
        return {key[1:]: n for key, n in self.events.items() if key[0] == event}
