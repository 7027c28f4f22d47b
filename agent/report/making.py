"""A month's report: what is listed and loaded becomes, cluster by cluster, a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import structlog

from agent.auditlog.ends import Ends
from agent.auditlog.loading import Loaded
from agent.auditlog.objects import (
    FOLDERS_AFTER,
    Listing,
    LogObject,
    ObjectResult,
    ObjectStatus,
    Source,
    Writer,
    by_writer,
)
from agent.auditlog.schema import CONNECTION, TABLES
from agent.report.calendar import bounds
from agent.report.coverage import coverage
from agent.report.engines import Engine
from agent.report.headlines import headlines
from agent.report.model import (
    SEVERITIES,
    Answered,
    Document,
    Month,
    Noted,
    Questions,
    Row,
    Section,
)
from agent.report.tables import Tables, numbered

COUNTS = (ObjectStatus.READ, ObjectStatus.DAMAGED)
"""The states of an object whose records are in the tables."""

HOURS = """
SELECT 'connectionlog' AS log_type, hour_index, count(*) AS n FROM connect GROUP BY hour_index
UNION ALL
SELECT 'userlog' AS log_type, hour_index, count(*) AS n FROM user_event GROUP BY hour_index
UNION ALL
SELECT 'useractivitylog' AS log_type, hour_index, sum(records) AS n
FROM activity_hour GROUP BY hour_index
"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One writer's objects and what became of them, this month's and earlier ones apart."""

    writer: Writer
    results: tuple[ObjectResult, ...]
    """This month's, the folders after it among them."""
    earlier: tuple[ObjectResult, ...]
    ends: tuple[Ends, ...]

    def used(self) -> tuple[LogObject, ...]:
        """This month's objects whose records are in the tables."""
        return tuple(one.object for one in self.results if one.status in COUNTS)


def find(source: Source, month: Month, baseline: int, clusters: Sequence[str]) -> Listing:
    """The month's objects, those of the days in which its last records may arrive, and connection
    logs of so many months before. Raises StopError."""
    last = (month.end - timedelta(days=1)).date() + timedelta(days=FOLDERS_AFTER)
    found = source.list(month.start.date(), last, clusters=clusters)
    if not baseline:
        return found
    first = date.fromisoformat(first_day(month, baseline))
    day_before = (month.start - timedelta(days=1)).date()
    before = source.list(first, day_before, clusters=clusters, types=("connectionlog",))
    # What is denied of earlier months leaves this month's evidence whole.
    seen = {one.key for one in found.refused}
    other = tuple(replace(one, counts=False) for one in before.refused if one.key not in seen)
    # An export that began before the month may go on in it, and is found both times.
    objects = dict.fromkeys((*before.objects, *found.objects))
    return Listing(tuple(objects), (*found.refused, *other))


def first_day(month: Month, baseline: int) -> str:
    """The first day of the earliest month that is looked at, as YYYY-MM-DD."""
    return f"{month.shifted(-baseline).start:%Y-%m-%d}"


def evidence(loaded: Loaded, month: Month) -> list[Evidence]:
    """What was loaded, writer by writer. One that fell silent before the month is among them.

    An object stamped before the month is the month's if it has records of it: an export is stamped
    by the first of its messages."""
    results = {one.object.digest: one for one in loaded.results}
    day, start = f"{month.start:%Y-%m-%d}", bounds(month)[0]

    def is_own(one: ObjectResult) -> bool:
        return one.object.day >= day or (one.last_ms is not None and one.last_ms >= start)

    found = []
    for writer, items in by_writer(one.object for one in loaded.results):
        mine = [results[item.digest] for item in items]
        found.append(
            Evidence(
                writer,
                tuple(one for one in mine if is_own(one)),
                tuple(one for one in mine if not is_own(one)),
                loaded.ends.get(writer, ()),
            )
        )
    return found


def tables(
    found: Evidence, month: Month, curated: Path | str, questions: Questions, work: Path
) -> Tables:
    """What the engine is handed: the files; those of ends by the day of their partition."""
    days = {f"day={one.object.day}" for one in found.results}
    ends = [name for one in found.ends for name in one.files]
    own = {name: list[str]() for name in TABLES}
    for result in found.results:
        if result.status in COUNTS:
            for table, name in result.files.items():
                own[table].append(name)
    earlier = [
        result.files[CONNECTION]
        for result in found.earlier
        if result.status in COUNTS and CONNECTION in result.files
    ]
    for name in dict.fromkeys(ends):
        table, day = name.partition("/")[0], name.rsplit("/", 2)[-2]
        if day in days:
            own[table].append(name)
        elif table == CONNECTION:
            earlier.append(name)
    files = {table: tuple(names) for table, names in own.items()}
    return Tables(
        curated, found.writer, month, files, tuple(earlier), found.used(), questions, work
    )


def make(
    engine: Engine,
    asked: Tables,
    found: Evidence,
    listing: Listing,
    sections: Sequence[Section],
    *,
    source: str,
    now: datetime,
) -> Document:
    """The whole document of one cluster, with `before` still empty. What the engine raises over a
    section is told in it; what it raises over the coverage or the headlines passes."""
    engine.prepare(asked)
    hours = {
        (str(row["log_type"]), int(row["hour_index"] or 0)): int(row["n"] or 0)
        for row in engine.select(HOURS)
    }
    covered = coverage(
        asked.month,
        listing,
        found.results,
        _ends_of(found),
        hours,
        asked.questions,
        now,
    )
    told = [_answer(engine, section, asked.questions) for section in sections]
    findings = worst_first((one for _, some in told for one in some), sections)
    return Document(
        found.writer,
        asked.month,
        source,
        asked.questions,
        covered,
        tuple(answered for answered, _ in told),
        findings,
        {number: item.key for number, item in numbered(asked.objects).items()},
        headlines(engine.select, covered, findings),
    )


def _ends_of(found: Evidence) -> tuple[Ends, ...]:
    """The ends, of which only what concerns this month's objects is told."""
    keys = {one.object.key for one in found.results}
    return tuple(_of_keys(one, keys) for one in found.ends)


def _of_keys(one: Ends, keys: set[str]) -> Ends:
    """What is told of these objects. Bad are all orphans, and of the logs of lines all cut ones."""
    orphans = tuple(key for key in one.orphans if key in keys)
    cut = tuple(key for key in one.cut if key in keys)
    others = len(one.orphans) - len(orphans)
    if one.bad > len(one.orphans):
        others += len(one.cut) - len(cut)
    return replace(one, orphans=orphans, cut=cut, bad=one.bad - others)


def _answer(
    engine: Engine, section: Section, questions: Questions
) -> tuple[Answered, Sequence[Noted]]:
    """The section's answers and findings; where it breaks, why."""
    answers: dict[str, Sequence[Row]] = {}
    beyond: dict[str, int] = {}
    try:
        for query in section.queries:
            rows, left = engine.rows(query)
            answers[query.name] = rows
            if left:
                beyond[query.name] = left
        return Answered(section, answers, beyond), tuple(section.findings(answers, questions))
    except Exception as error:  # noqa: BLE001 - a section that breaks must not cost the others
        structlog.get_logger().exception("section could not be answered", section=section.id)
        first = str(error).strip().partition("\n")[0][:300]
        return Answered(section, {}, {}, f"{type(error).__name__}: {first}"), ()


def worst_first(found: Iterable[Noted], sections: Sequence[Section]) -> tuple[Noted, ...]:
    """By severity, then in the order of the sections, then the most frequent ones first."""
    rank = {name: place for place, name in enumerate(SEVERITIES)}
    place = {section.id: number for number, section in enumerate(sections)}

    def key(one: Noted) -> tuple[int, int, int, str, str]:
        grave = rank.get(one.severity, len(rank))
        return grave, place.get(one.section, len(place)), -one.count, one.title, one.subject

    return tuple(sorted(found, key=key))


def summary(document: Document, titles: Mapping[str, str], most: int = 20) -> list[str]:
    """The report in a few lines of text: verdict, figures, findings."""
    writer, covered = document.writer, document.coverage
    lines = [
        f"{writer.cluster} ({writer.account}, {writer.region}), {document.month}: {covered.verdict}"
    ]
    lines += _some([f"  {reason}" for reason in covered.because], 10)
    lines += [
        f"  {one.section.title} could not be answered: {one.failed}"
        for one in document.sections
        if one.failed
    ]
    figures = [f"{titles.get(name, name)} {n:,}" for name, n in document.headlines.items()]
    lines.append("  " + "; ".join(figures))
    said = [
        f"  {one.severity:<8}  {one.title}{f': {one.subject}' if one.subject else ''}"
        f" ({one.because})"
        for one in document.findings
    ]
    return [*lines, *(_some(said, most) or ["  no findings"])]


def _some(lines: Sequence[str], most: int) -> list[str]:
    shown = list(lines[:most])
    return shown if len(lines) <= most else [*shown, f"  and {len(lines) - most:,} more"]
