"""The report as one page that needs nothing else: no script, no network, safe to mail and print."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from agent.auditlog.objects import ObjectResult, ObjectStatus
from agent.report.headlines import HEADLINES, change
from agent.report.model import (
    EVIDENCE_SHIFT,
    SEVERITIES,
    Answered,
    Column,
    ColumnKind,
    Document,
    Noted,
    Query,
    Row,
    Value,
)
from agent.report.outputs import charts, text
from agent.report.outputs.as_csv import file_name
from agent.report.outputs.cannot import CANNOT

ROWS = 50
"""Rows of a table on the page; the CSV has them all."""

LINED_ROWS = 25
"""Rows of a table that has lines beneath them: each takes the room of several."""

PAPER = 32
"""Rows that are printed whole, a day each; of a longer table the style prints the first 20."""

FINDINGS = 300
"""Findings on the page, the worst ones; the JSON and the CSV have them all."""

_SAME = "byte for byte the same as "

REASONS = 12
OBJECTS = 24
"""Objects up to which the appendix has them all; of more, those alone that a reader may look up: a
busy month has thousands, and they would be most of what is printed."""

SOURCES = 5
"""Objects and records that are named beside a finding."""

LOGS = ("connectionlog", "useractivitylog", "userlog")

VERDICTS = {
    "complete": "The evidence is complete",
    "incomplete": "The evidence is incomplete",
    "running": "The month is still running",
    "empty": "There is no evidence",
}

_BELOW = (ColumnKind.SQL, ColumnKind.EVIDENCE)
_SPAN = ("first_ms", "last_ms")
_NUMBERS = (ColumnKind.COUNT, ColumnKind.BYTES, ColumnKind.DURATION)


@dataclass(frozen=True, slots=True)
class Link:
    """An evidence number as it is shown: where in the appendix, what file, which record."""

    anchor: str
    name: str
    key: str
    record: int


@dataclass(frozen=True, slots=True)
class Table:
    """A query's answer as it is shown. Cells are texts, or a `Link`."""

    query: Query
    columns: Sequence[tuple[Column, str]]
    """Each with its class."""
    rows: Sequence[Sequence[tuple[str, str | Link]]]
    """Each cell with its class."""
    details: Sequence[Sequence[tuple[str, str, str | Link]]]
    """By row: title, class and value of what stands below it, over the whole width."""
    total: int
    beyond: int
    file: str
    is_drawn: bool
    """Whether the picture says it all."""
    quiet: int
    """Days without any, which are left out of it."""

    @property
    def is_long(self) -> bool:
        """Whether paper has its beginning alone."""
        return len(self.rows) > PAPER

    @property
    def is_slim(self) -> bool:
        """Whether it has so few columns that it is a table on a telephone, too, and that its
        figures would stand far from their names if it had the whole width."""
        return len(self.columns) < SLIM and not self.below

    @property
    def below(self) -> bool:
        """Whether anything stands below the rows."""
        return any(self.details)

    @property
    def pairs(self) -> Sequence[tuple[Any, Any]]:
        """Each row with what stands below it."""
        return list(zip(self.rows, self.details, strict=True))


MANY = 6
"""Columns beyond which statements and evidence stand below the row: A4 has no room beside."""

SLIM = 5

MOST = 9
"""Columns beyond which the first and the last time stand there, too."""

UNBROKEN = 15
NAME = 24
"""Characters up to which a word is broken nowhere, and not on a screen: names and addresses are to
be found by the eye. What is longer breaks anywhere, or a hostile name would drive a table off the
page."""


def page(document: Document) -> str:
    """The whole page. The document's literals are redacted before, or they are shown."""
    style = files("agent.report").joinpath("templates/style.css").read_text(encoding="utf-8")
    numbers = {key: number for number, key in document.objects.items()}
    environment = Environment(
        loader=PackageLoader("agent.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"seen": text.seen, "short": text.short, "size": text.size}
    environment.filters |= {"time": text.time, "number": text.number, "reason": _reason}
    shown = environment.get_template("report.html").render(
        document=document,
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        link=_linker(document),
        **_front(document),
        sections=[_section(one, document) for one in document.sections],
        appendix=_appendix(document, numbers),
        anchors={key: f"o{number}" for key, number in numbers.items()},
    )
    return shown if shown.endswith("\n") else shown + "\n"


def _front(document: Document) -> dict[str, Any]:
    coverage = document.coverage
    by_severity = dict.fromkeys(SEVERITIES, 0)
    for one in document.findings:
        by_severity[one.severity] = by_severity.get(one.severity, 0) + 1
    return {
        "month_name": f"{document.month.start:%B %Y}",
        "verdict": VERDICTS[coverage.verdict],
        "reasons": coverage.because[:REASONS],
        "more_reasons": len(coverage.because) - REASONS,
        "tiles": _tiles(document),
        "findings": [_finding(one, document) for one in document.findings[:FINDINGS]],
        "more_findings": len(document.findings) - FINDINGS,
        "sources": SOURCES,
        "by_severity": by_severity,
        "heat": [
            (log, coverage.records.get(log, 0), charts.coverage(coverage, log, document.month))
            for log in LOGS
        ],
        "gaps": [(one.log_type, _hour(one.first_hour), one.hours) for one in coverage.gaps],
        "failed": [one for one in document.sections if one.failed],
        "cannot": CANNOT,
        "facts": _facts(document),
    }


def _hour(number: int) -> str:
    return f"{datetime.fromtimestamp(number * 3600, UTC):%Y-%m-%d %H:00}"


def _tiles(document: Document) -> list[tuple[str, int, str]]:
    titles = {one.name: one.title for one in HEADLINES}
    return [
        (titles.get(name, name), count, change(count, document.before.get(name)))
        for name, count in document.headlines.items()
    ]


def _facts(document: Document) -> list[tuple[str, str]]:
    """The small figures about the evidence."""
    found, coverage = document.coverage.objects, document.coverage
    by_status = {status: sum(1 for one in found if one.status is status) for status in ObjectStatus}
    objects = ", ".join(f"{count:,} {status}" for status, count in by_status.items() if count)
    facts = [
        ("Objects", objects or "none"),
        ("Stored bytes", text.size(sum(one.object.size for one in found))),
        ("Records of other months in them", f"{coverage.outside:,}"),
        ("Lines that are no record", f"{_no_record(document):,}"),
    ]
    for title, keys in (
        ("Objects that begin with the end of a lost record", coverage.orphans),
        ("Objects whose last record is cut off", coverage.cut),
        ("Objects that came more than a day late", coverage.late),
    ):
        facts.append((title, f"{len(keys):,}"))
    missing = sum(1 for one in coverage.refused if one.counts)
    return [*facts, ("Refused, evidence among it", f"{missing:,}")]


def _no_record(document: Document) -> int:
    """Those at the edges of objects among them, as the figure of the front page counts."""
    within = sum(one.bad for one in document.coverage.objects)
    return document.headlines.get("bad_lines", within)


def _linker(document: Document) -> Callable[[int], Link]:
    def link(evidence: int) -> Link:
        key, record = text.source_of(document, evidence)
        number = evidence // EVIDENCE_SHIFT
        anchor = f"o{number}" if number in document.objects else ""
        return Link(anchor, text.short(_file(key), 80), text.short(key), record)

    return link


def _reason(told: str) -> str:
    """Why an object was not taken; of the object that it repeats, its name without the folders."""
    said, found, key = told.partition(_SAME)
    return text.short(said + found + (_file(key) if found else ""), 200)


def _file(key: str) -> str:
    """The end of a key that tells its log and time; the rest says what the whole report does."""
    name = key.rpartition("/")[2] or key
    for log in LOGS:
        head, found, tail = name.rpartition(f"_{log}_")
        if found and head:
            return f"{log}_{tail}"
    return name


def _finding(noted: Noted, document: Document) -> dict[str, Any]:
    section = next(
        (one.section for one in document.sections if one.section.id == noted.section), None
    )
    when = [text.time(at) for at in (noted.first_ms, noted.last_ms) if at is not None]
    return {
        "noted": noted,
        "section": section,
        "when": list(dict.fromkeys(when)),
        "maps": section.maps if section else {},
    }


def _section(answered: Answered, document: Document) -> dict[str, Any]:
    section = answered.section
    tables = []
    for query in section.queries:
        if query.name in answered.answers:
            rows = answered.answers[query.name]
            found = [
                one
                for one in section.charts
                if one.query == query.name and not charts.is_empty(one, rows)
            ]
            pictures = [(one.title, charts.draw(one, rows, query.columns)) for one in found]
            is_drawn = any(charts.says_all(one, rows, query.columns) for one in found)
            tables.append((pictures, _table(answered, query, document, is_drawn=is_drawn)))
    return {
        "answered": answered,
        "section": section,
        "findings": [one for one in document.findings if one.section == section.id],
        "tables": tables,
    }


def _table(answered: Answered, query: Query, document: Document, *, is_drawn: bool) -> Table:
    answer, link = answered.answers[query.name], _linker(document)
    below = _below(query)
    beside = [one for one in query.columns if one not in below]
    rows = _busy(query, answer)
    shown = rows[: _most(query)]
    return Table(
        query,
        [(column, _class(column.kind)) for column in beside],
        [[_shown(row.get(one.name), one.kind, link) for one in beside] for row in shown],
        [
            [(one.title, one.kind.value, _cell(row.get(one.name), one.kind, link)) for one in below]
            for row in shown
        ],
        len(rows),
        answered.beyond.get(query.name, 0),
        f"csv/{file_name(answered.section.id, query.name)}",
        is_drawn,
        len(answer) - len(rows),
    )


def _below(query: Query) -> list[Column]:
    """The columns that stand below their row: those that are wide, where there are many."""
    if len(query.columns) <= MANY:
        return []
    is_wide = len(query.columns) > MOST
    return [one for one in query.columns if one.kind in _BELOW or (is_wide and one.name in _SPAN)]


def _most(query: Query) -> int:
    """Rows of it on the page."""
    return LINED_ROWS if _below(query) else ROWS


def _busy(query: Query, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows; of a table of days and counts, the days that have any."""
    counts = [one.name for one in query.columns if one.kind is ColumnKind.COUNT]
    days = sum(1 for one in query.columns if one.kind is ColumnKind.DAY)
    if days != 1 or len(counts) != len(query.columns) - 1:
        return rows
    return [row for row in rows if any(row.get(name) for name in counts)]


def _shown(value: Value, kind: ColumnKind, link: Callable[[int], Link]) -> tuple[str, str | Link]:
    """A cell beside others, with its class."""
    cell = _cell(value, kind, link)
    if kind is not ColumnKind.TEXT or not isinstance(cell, str):
        return _class(kind), cell
    longest = max((len(word) for word in cell.split()), default=0)
    wide = "" if longest <= UNBROKEN else " name" if longest <= NAME else " broken"
    return "text" + wide, cell


def _class(kind: ColumnKind) -> str:
    return f"{kind.value} n" if kind in _NUMBERS else kind.value


def _cell(value: Value, kind: ColumnKind, link: Callable[[int], Link]) -> str | Link:
    if kind is ColumnKind.EVIDENCE and isinstance(value, int) and value > 0:
        return link(value)
    if kind is ColumnKind.SQL and isinstance(value, str):
        return text.in_one_run(value)
    return text.written(value, kind)


def _appendix(document: Document, numbers: Mapping[str, int]) -> dict[str, Any]:
    """The objects that are shown: all, or where there are many, those that the page refers to and
    those with which something is the matter."""
    coverage = document.coverage
    if len(coverage.objects) <= OBJECTS:
        return {"objects": coverage.objects, "left_out": 0}
    linked = _linked(document)
    named = {*coverage.orphans, *coverage.cut, *coverage.late}

    def matters(one: ObjectResult) -> bool:
        key = one.object.key
        is_plain = one.status is ObjectStatus.READ and not one.bad and key not in named
        return not is_plain or numbers.get(key) in linked

    shown = [one for one in coverage.objects if matters(one)]
    return {"objects": shown, "left_out": len(coverage.objects) - len(shown)}


def _linked(document: Document) -> set[int]:
    """The numbers of the objects that the page links to."""
    shown = document.findings[:FINDINGS]
    found = {number for one in shown for number in one.evidence[:SOURCES]}
    for answered in document.sections:
        for query in answered.section.queries:
            names = [one.name for one in query.columns if one.kind is ColumnKind.EVIDENCE]
            for row in answered.answers.get(query.name, ())[: _most(query)]:
                found |= {value for name in names if isinstance(value := row.get(name), int)}
    return {number // EVIDENCE_SHIFT for number in found}
