"""The report as data: sections, the questions they ask, what they find, and the whole document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from agent.auditlog.objects import ObjectResult, Refused, Writer

Value = int | float | str | bool | None
Row = Mapping[str, Value]
"""One row of an answer, by column name."""

Answers = Mapping[str, Sequence[Row]]
"""The rows of each query of a section, by the query's name, in the query's order."""

EVIDENCE_SHIFT = 2**32
"""An evidence number is object number * EVIDENCE_SHIFT + record number: see `Evidence`."""


class ColumnKind(StrEnum):
    """How a value is shown. Text may be hostile; SQL also has its literals redacted."""

    TEXT = "text"
    SQL = "sql"
    COUNT = "count"
    TIME = "time"
    """Milliseconds since 1970."""
    DAY = "day"
    DURATION = "duration"
    """Microseconds."""
    BYTES = "bytes"
    EVIDENCE = "evidence"
    """An evidence number, shown as object key and record number."""
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an answer: its name in the SQL, its heading, and how it is shown."""

    name: str
    title: str
    kind: ColumnKind = ColumnKind.TEXT


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of a query's rows: `x` names the column of categories, `y` those of counts.

    shape: `bars` (one bar an x, stacked by y), `hours` (day by hour heat map: x day, y[0] hour,
    y[1] count), `lines`.
    """

    query: str
    shape: str
    x: str
    y: tuple[str, ...]
    title: str


@dataclass(frozen=True, slots=True)
class Query:
    """One question, in the SQL that DuckDB, Athena and Spark share: see `agent.report.sql`.

    sql: names its columns exactly as `columns` do, without ORDER BY and LIMIT. order: columns, each
    ascending, or descending with a leading `-`; the engine adds every other column after them,
    so that rows of equal rank have one order everywhere. limit: rows at most; what is beyond is
    counted and said.
    """

    name: str
    title: str
    sql: str
    columns: tuple[Column, ...]
    order: tuple[str, ...]
    limit: int = 1000
    none: str = "None this month."
    """What is said where there are no rows."""


@dataclass(frozen=True, slots=True)
class Section:
    """One chapter: a question of auditors or DBAs, the requirements it serves, and its queries.

    findings: from the answers and the settings, what a person must look at; pure.
    """

    id: str
    title: str
    question: str
    logs: tuple[str, ...]
    maps: Mapping[str, tuple[str, ...]]
    """Requirement by framework, as rules name them: pci-dss-4.0.1, nist-800-53-r5, …"""
    queries: tuple[Query, ...]
    findings: Callable[[Answers, Questions], Sequence[Noted]]
    charts: tuple[Chart, ...] = ()
    cannot: str = ""
    """What the logs cannot say about it, in one sentence."""


SEVERITIES = ("critical", "high", "medium", "low", "info")


@dataclass(frozen=True, slots=True)
class Noted:
    """One thing found in the logs that a person must look at.

    subject: what it is about (a user, an address, an hour); may be hostile text. evidence: evidence
    numbers, at most ten, the first ones.
    """

    section: str
    severity: str
    title: str
    subject: str
    because: str
    count: int = 1
    first_ms: int | None = None
    last_ms: int | None = None
    evidence: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """From `YYYY-MM`. Raises ValueError for anything else."""
        when = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
        if text != f"{when:%Y-%m}":
            raise ValueError(f"{text!r} is not a month written YYYY-MM")
        return cls(when.year, when.month)

    @property
    def start(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment of the next month."""
        return self.shifted(1).start

    def shifted(self, months: int) -> Month:
        """So many months later."""
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True, slots=True)
class Questions:
    """What the report asks about, as configured. Globs are of fnmatch, compared in lower case."""

    time_zone: str = "UTC"
    work_days: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Monday is 0."""
    work_from: int = 7 * 60
    work_to: int = 19 * 60
    """Minutes of the local day; work_to is the first that is off hours again."""
    change_windows: tuple[tuple[int, int, int], ...] = ()
    """(weekday, from minute, to minute), local; none: changes are not judged by time."""
    admins: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    """Objects by name, `schema.table`, `table` or with `*`."""
    allowed_buckets: tuple[str, ...] = ()
    """Buckets that COPY and UNLOAD may name; none: every bucket is shown, none found wrong."""
    burst_failures: int = 5
    burst_minutes: int = 10
    shared_addresses: int = 5
    """A user seen from this many addresses or more may be shared."""
    gap_hours: int = 1
    """Hours in a row without any record that make the month incomplete."""


class Completeness(StrEnum):
    """Whether the month's logs are all there."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    """Something is known to be missing, damaged or unexplained."""
    RUNNING = "running"
    """The month, or the time in which its last records may arrive, is not over."""
    EMPTY = "empty"
    """There is no record at all."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of whole hours in which a log has no record. Hours are since 1970."""

    log_type: str
    first_hour: int
    hours: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The evidence behind the month: what was read, what is missing, and the verdict.

    hours: record counts by (log type, hour since 1970), the month's only. outside: records of the
    read objects that are of another month. because: one sentence a reason, worst first.
    """

    verdict: Completeness
    because: tuple[str, ...]
    objects: tuple[ObjectResult, ...]
    refused: tuple[Refused, ...]
    hours: Mapping[tuple[str, int], int]
    gaps: tuple[Gap, ...]
    records: Mapping[str, int]
    """Records of the month by log type."""
    outside: int = 0
    orphans: tuple[str, ...] = ()
    """Keys of objects that begin with the end of a record whose beginning is nowhere."""
    cut: tuple[str, ...] = ()
    """Keys of objects whose last record is cut off, and its end nowhere."""
    late: tuple[str, ...] = ()
    """Keys of objects that arrived more than a day after their stamp."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A section with its answers. `beyond`: rows that the limit left out, by query. `failed`: why
    it could not be answered; it has no answers then."""

    section: Section
    answers: Answers
    beyond: Mapping[str, int]
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """The report of one cluster and month: all that any output shows. Holds no time of making, so
    that the same logs and settings give the same bytes.

    objects: the key of each object number, for evidence. headlines: the front page's figures, name
    to number; before: those of the month before, where its report is at hand.
    """

    writer: Writer
    month: Month
    source: str
    questions: Questions
    coverage: Coverage
    sections: tuple[Answered, ...]
    findings: tuple[Noted, ...]
    objects: Mapping[int, str]
    headlines: Mapping[str, int]
    before: Mapping[str, int] = field(default_factory=dict)

    def evidence(self, number: int) -> tuple[str, int]:
        """Object key and record number of an evidence number."""
        return self.objects[number // EVIDENCE_SHIFT], number % EVIDENCE_SHIFT
