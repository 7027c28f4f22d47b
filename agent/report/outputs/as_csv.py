"""Each answer as CSV that a spreadsheet may open: no value of the logs can become a formula."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from agent.report.model import Column, ColumnKind, Document, Value
from agent.report.outputs.text import iso, seen, source_of

FORMULA = "=+-@\t\r\n|%＝＋－＠﹦﹢﹣﹫"
"""What begins a formula (or a cell of its own) in some spreadsheet, full-width forms among it."""


def file_name(section: str, query: str) -> str:
    """The name of a query's file."""
    return f"{section}-{query}.csv"


def harmless(text: str) -> str:
    """The text with what cannot be seen as escapes, and with `'` before what begins a formula.

    Blanks before it help nobody: spreadsheets take them away.
    """
    if not text:
        return text
    bare = next((char for char in text if char not in FORMULA and not _is_blank(char)), "")
    head = text[: text.index(bare)] if bare else text
    guard = "'" if any(char in FORMULA for char in head) else ""
    return guard + seen(text)


def _is_blank(char: str) -> bool:
    return unicodedata.category(char)[0] in "ZC"


def files(document: Document) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file: one a query that was answered, and the findings."""
    yield "findings.csv", _findings(document)
    for answered in document.sections:
        for query in answered.section.queries:
            if query.name in answered.answers:
                rows = answered.answers[query.name]
                head = [column.name for column in query.columns]
                body = (
                    [_cell(row.get(column.name), column, document) for column in query.columns]
                    for row in rows
                )
                yield file_name(answered.section.id, query.name), table(head, body)


def table(head: Sequence[str], body: Iterable[Sequence[Value]]) -> bytes:
    """UTF-8 with the mark that Excel asks for, CRLF, every text in quotes."""
    into = io.StringIO(newline="")
    writer = csv.writer(into, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows(
        ["" if one is None else harmless(one) if isinstance(one, str) else one for one in row]
        for row in body
    )
    return into.getvalue().encode("utf-8-sig")


def _cell(value: Value, column: Column, document: Document) -> Value:
    """Times as ISO, evidence as `key#record`, the rest as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and column.kind is ColumnKind.TIME:
        return iso(value) or str(value)
    if isinstance(value, int) and column.kind is ColumnKind.EVIDENCE:
        return "{}#{}".format(*source_of(document, value))
    return value


def _findings(document: Document) -> bytes:
    head = [
        "severity",
        "section",
        "title",
        "subject",
        "because",
        "count",
        "first",
        "last",
        "requirements",
        "evidence",
    ]
    maps = {one.section.id: one.section.maps for one in document.sections}
    body = [
        (
            one.severity,
            one.section,
            one.title,
            one.subject,
            one.because,
            one.count,
            iso(one.first_ms),
            iso(one.last_ms),
            "; ".join(
                f"{name} {n}" for name, all_ in maps.get(one.section, {}).items() for n in all_
            ),
            "\n".join("{}#{}".format(*source_of(document, number)) for number in one.evidence),
        )
        for one in document.findings
    ]
    return table(head, body)
