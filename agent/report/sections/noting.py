"""What the chapters on statements share: columns, pieces of SQL, names compared with settings."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from agent.report.model import Column, ColumnKind, Questions, Row
from agent.report.sections.common import person

VERB = Column("verb", "Statement kind")
OBJECT = Column("object_name", "Object")
STATEMENT = Column("query_text", "Statement", ColumnKind.SQL)
TIMES = Column("times", "Statements", ColumnKind.COUNT)

DAYS = Column("days", "Days", ColumnKind.COUNT)
HABIT_DAYS = 5
"""Days of a month on which the same is done, from which on it is taken for somebody's work."""

_BEGINS = "replace_all(lower(name), '(?s)[^a-z0-9_$-].*$', '')"
_ENDS = "replace_all(lower(name), '(?s)^.*[^a-z0-9_$-]', '')"

NAMES = f"""(SELECT name, pattern,
        CASE WHEN length({_BEGINS}) >= length({_ENDS}) THEN {_BEGINS} ELSE {_ENDS} END AS piece
    FROM sensitive)"""  # noqa: S608 - no one's text
"""SQL: `sensitive` with a piece of each name without wildcards, for `mentions`."""


def mentions(low: str) -> str:
    """SQL: whether a lower-case text holds what the row `p` of NAMES names.

    A pattern that comes from a table may be compiled anew for every row: a piece of the name is
    looked for first, and engines may know the patterns beforehand.
    """
    return f"CASE WHEN position(p.piece IN {low}) > 0 THEN sensitive_like({low}, p.pattern) END"


def text(row: Row, name: str) -> str:
    """A text of a row; empty where it is null."""
    value = row[name]
    return "" if value is None else str(value)


def number(row: Row, name: str) -> int:
    """A number of a row; 0 where it is null."""
    value = row[name]
    return 0 if value is None else int(value)


def is_like(value: str, globs: Iterable[str]) -> bool:
    """Whether one of the globs matches, in lower case."""
    return any(fnmatchcase(value.lower(), glob.lower()) for glob in globs)


def is_admin(row: Row, questions: Questions) -> bool:
    """Whether the row's user is listed as an administrator."""
    return is_like(text(row, "user_name"), questions.admins) or is_like(
        person(row), questions.admins
    )


def by_user(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    """The rows by user, told as `common.person` does, in the users' order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(person(row), []).append(row)
    return sorted(found.items())


def times(rows: Iterable[Row]) -> int:
    """Statements behind rows that count them."""
    return sum(number(row, "times") for row in rows)


def listed(values: Iterable[str], most: int = 5) -> str:
    """Values for a sentence: each once, the first few, and how many more."""
    found = sorted({value for value in values if value})
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def is_sensitive(name: str, questions: Questions) -> bool:
    """Whether one of the objects named is a sensitive one: its whole name, or its end."""
    for each in name.split(", "):
        parts = each.split(".")
        ends = (".".join(parts[start:]) for start in range(len(parts)))
        if any(is_like(end, questions.sensitive) for end in ends):
            return True
    return False
