"""What came of the records that stand at the edges of objects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ends:
    """The last records of one writer's objects of one log, written with what continued them.

    files: Parquet files relative to the curated folder, sorted. statements: rows in them that are
    statements. orphans: keys of objects that begin with the end of a record whose beginning is
    nowhere. cut: keys of objects whose last record has no end. bad: lines that are no record,
    listed in files of `bad_line`. records: those that no object holds whole and that came to
    light as two were joined (a header cut in two); not among the objects' own.
    """

    files: tuple[str, ...] = ()
    statements: int = 0
    orphans: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    bad: int = 0
    records: int = 0
