"""What the logs' statements hold of data, taken out: literals and comments become `?`.

A statement is read as Redshift reads it: `''` and `\\'` inside quotes, `$tag$` quotes, nested
comments. Where two readings are possible (a backslash before a quote) or a quote has no end, all
that follows goes: better too much than one character too many.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from agent.report.model import Answered, ColumnKind, Document, Noted, Row

HIDDEN = "?"

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<line>--[^\n]*)
    |(?P<block>/\*)
    |(?P<quote>(?:[bxenBXEN]|[uU]&)?')
    |(?P<dollar>\$(?:[^\W\d]\w*)?\$)
    |(?P<name>"(?:[^"]|"")*")
    |(?P<open>")
    |(?P<number>\.?\d[\w.]*(?:(?<=[eE])[+-]\d[\w.]*)?)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_PLACE = re.compile(r"(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9_.=+-]{1,100}))?(/.*)?")
"""Bucket, first part of the path, and whether there is more of it."""

_MOVES = ("COPY", "UNLOAD")
_BEFORE_PLACE = ("FROM", "TO")


def redact(sql: str) -> str:
    """The statement without its literals and comments; names stay.

    Of an S3 URL after FROM or TO in COPY and UNLOAD the bucket and the first part of the path stay.
    """
    said: list[str] = []
    at, first, before = 0, "", ""
    while at < len(sql):
        found = _TOKEN.match(sql, at)
        kind = found.lastgroup if found else None
        if found is None or kind == "open":
            return _hidden(said)
        at, shown = _after(sql, found, kind or "")
        if kind == "quote" and first in _MOVES and before in _BEFORE_PLACE and at >= 0:
            shown = _place(sql[found.end() : at - 1])
        said.append(shown)
        if at < 0:
            return "".join(said)
        if kind == "word":
            before = shown.upper()
            first = first or before
        elif kind not in ("space", "line", "block"):
            before = ""
            first = "" if shown == ";" else first
    return "".join(said)


def _after(sql: str, found: re.Match[str], kind: str) -> tuple[int, str]:
    """Where reading goes on after this token, -1 for nowhere, and what is shown of it."""
    if kind == "quote":
        return _end_of_quote(sql, found.end()), HIDDEN
    if kind == "dollar":
        end = sql.find(found[0], found.end())
        return (end + len(found[0]) if end >= 0 else -1), HIDDEN
    if kind == "block":
        return _end_of_comment(sql, found.end()), HIDDEN
    if kind in ("line", "number"):
        return found.end(), HIDDEN
    return found.end(), found[0]


def _hidden(said: list[str]) -> str:
    return "".join((*said, HIDDEN))


def _end_of_quote(sql: str, at: int) -> int:
    """Just behind the closing quote; -1 if it has none, or if that can be read in two ways."""
    while True:
        end = sql.find("'", at)
        if end < 0:
            return -1
        if _is_escaped(sql, at, end):
            return -1
        if sql[end + 1 : end + 2] != "'":
            return end + 1
        at = end + 2


def _is_escaped(sql: str, start: int, quote: int) -> bool:
    """An odd number of backslashes stands before the quote."""
    slashes = 0
    while quote - slashes > start and sql[quote - slashes - 1] == "\\":
        slashes += 1
    return slashes % 2 == 1


def _end_of_comment(sql: str, at: int) -> int:
    """Just behind the end of a comment, which may hold others; -1 if it has none."""
    depth = 1
    for edge in _BLOCK_EDGE.finditer(sql, at):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return -1


def _place(text: str) -> str:
    found = _PLACE.fullmatch(text)
    if found is None:
        return HIDDEN
    place, part, more = found.groups()
    return f"'{place}{'/' + part if part else ''}{'/' + HIDDEN if more and more != '/' else ''}'"


SHORTEST_QUOTED = 12
"""Characters of a statement that must agree before a text is taken to quote it."""

_STATEMENT = re.compile(
    r"\b(select\b.*\bfrom|insert\s+into|update\b.*\bset|delete\s+from|merge\s+into|copy\b.*\bfrom"
    r"|unload\s*\(|(create|alter)\s+(or\s+replace\s+)?\w+.*('|\$\$)|call\s+\w+\s*\(|values\s*\("
    r"|set\s+\w+\s*(=|to)|password\s|where\b.*=)",
    re.IGNORECASE | re.DOTALL,
)


def redact_text(text: str, statements: Iterable[str] = ()) -> str:
    """A sentence that may quote a statement, whole or its beginning, without its literals.

    statements: those that it may quote. What looks like a statement of none of these is read as
    one from where it begins.
    """
    for one in statements:
        for form in dict.fromkeys((one, " ".join(one.split()))):
            text = _without(text, form)
    looks = _STATEMENT.search(text)
    return text if looks is None else text[: looks.start()] + redact(text[looks.start() :])


def _without(text: str, statement: str) -> str:
    """The text with each stretch that quotes the statement redacted."""
    head = statement[:SHORTEST_QUOTED]
    at = text.find(head) if len(head) > 3 else -1
    while at >= 0:
        length = len(head)
        while text[at + length : at + length + 1] == statement[length : length + 1] != "":
            length += 1
        shown = redact(text[at : at + length])
        text = text[:at] + shown + text[at + length :]
        at = text.find(head, at + len(shown))
    return text


def redacted(document: Document) -> Document:
    """The document with no literal of any statement in it: every output is made of this one."""
    sections = tuple(_section(one) for one in document.sections)
    statements = {one.section.id: _statements(one) for one in document.sections}
    findings = tuple(_finding(one, statements.get(one.section, ())) for one in document.findings)
    return replace(document, sections=sections, findings=findings)


def _sql_columns(answered: Answered, query: str) -> tuple[str, ...]:
    return tuple(
        column.name
        for one in answered.section.queries
        for column in one.columns
        if one.name == query and column.kind is ColumnKind.SQL
    )


def _section(answered: Answered) -> Answered:
    answers = {
        name: _rows(rows, _sql_columns(answered, name)) for name, rows in answered.answers.items()
    }
    return replace(answered, answers=answers, failed=redact(answered.failed))


def _rows(rows: Sequence[Row], columns: tuple[str, ...]) -> Sequence[Row]:
    if not columns:
        return rows
    return tuple({**row, **{name: _value(row, name) for name in columns}} for row in rows)


def _value(row: Row, name: str) -> str | None:
    value = row.get(name)
    return None if value is None else redact(str(value))


def _statements(answered: Answered) -> tuple[str, ...]:
    """The statements in the answers of a section, the longest first, each once."""
    found: Mapping[str, None] = {
        str(row[column]): None
        for name, rows in answered.answers.items()
        for column in _sql_columns(answered, name)
        for row in rows
        if row.get(column)
    }
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def _finding(noted: Noted, statements: Sequence[str]) -> Noted:
    return replace(
        noted,
        subject=redact_text(noted.subject, statements),
        because=redact_text(noted.because, statements),
    )
