"""One order of rows, and one kind of values, whatever engine answers.

Text is compared byte by byte everywhere: DuckDB's and Spark's default collation, and Trino's only
one. Nulls come before every value, and so last where an order descends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from agent.report.model import Query, Row, Value

_CALL = re.compile(r"'(?:[^']|'')*'|\b(\w+)(?=\s*\()")


def names_of(query: Query) -> list[str]:
    """The query's columns, as its rows have them."""
    return [column.name for column in query.columns]


def ordered(query: Query, *, most: int | None) -> str:
    """The query with its order, over every column, and at most so many rows (None: all).

    Raises ValueError where the order names a column that there is not.
    """
    names = names_of(query)
    told = [(name.removeprefix("-"), name.startswith("-")) for name in query.order]
    unknown = {name for name, _ in told} - set(names)
    if unknown:
        raise ValueError(f"{query.name} is ordered by {', '.join(sorted(unknown))}: no such column")
    rest = [(name, False) for name in names if name not in {each for each, _ in told}]
    order = ", ".join(
        f'asked."{name}" {"DESC NULLS LAST" if down else "ASC NULLS FIRST"}'
        for name, down in told + rest
    )
    limit = "" if most is None else f"\nLIMIT {most}"
    columns = ", ".join(f'asked."{name}"' for name in names)
    return f"SELECT {columns}\nFROM ({query.sql}) asked\nORDER BY {order}{limit}"


def counted(query: Query) -> str:
    """How many rows the query has in all."""
    return f"SELECT count(*) AS n FROM ({query.sql}) asked"  # noqa: S608 - the query is ours


def renamed(sql: str, functions: dict[str, str]) -> str:
    """The text with functions called as an engine calls them; what is in quotes stays."""

    def name(found: re.Match[str]) -> str:
        return functions.get(found[1], found[0]) if found[1] else found[0]

    return _CALL.sub(name, sql)


def rows(names: Sequence[str], found: Iterable[Sequence[Any]]) -> list[Row]:
    """Rows with plain values."""
    return [dict(zip(names, map(plain, row), strict=True)) for row in found]


def plain(value: Any) -> Value:
    """A value as int, float, str, bool or None. Raises TypeError for anything else."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"an answer holds a {type(value).__name__}")
