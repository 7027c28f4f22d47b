"""The made-up month with every kind of damage, loaded: each record is counted, or told as lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from agent.auditlog.loading import Loaded, load
from agent.auditlog.local import LocalSource
from agent.auditlog.objects import FOLDERS_AFTER, Listing, ObjectStatus
from agent.auditlog.schema import TABLE_OF
from agent.report.model import Month
from agent.sandbox.month import Truth, generate

MONTH = Month(2026, 2)
SCALE = 0.02


@dataclass(frozen=True)
class Read:
    """A month that was made, and what the loader made of it."""

    truth: Truth
    listing: Listing
    loaded: Loaded
    curated: Path

    def rows(self, sql: str, **tables: str) -> list[tuple[Any, ...]]:
        """What DuckDB says of the Parquet; `{name}` stands for all files of a table."""
        files = {
            name: f"read_parquet('{self.curated}/{table}/**/*.parquet')"
            for name, table in tables.items()
        }
        begin, end = (int(each.timestamp() * 1000) for each in (MONTH.start, MONTH.end))
        month = f"(at_ms >= {begin} and at_ms < {end})"
        return duckdb.sql(sql.format(month=month, **files)).fetchall()

    def status(self, what: str) -> set[ObjectStatus]:
        """What became of the objects with one kind of damage."""
        keys = {one.key for one in self.truth.damaged if one.what == what}
        return {one.status for one in self.loaded.results if one.object.key in keys}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """One load of it."""
    folder, curated = tmp_path_factory.mktemp("logs"), tmp_path_factory.mktemp("curated")
    truth = generate(MONTH, folder, scale=SCALE)
    source = LocalSource(folder)
    last = (MONTH.end + timedelta(days=FOLDERS_AFTER - 1)).date()
    listing = source.list(MONTH.start.date(), last)
    loaded = load(source, listing, curated, jobs=1, said=lambda done, total: None)
    return Read(truth, listing, loaded, curated)


@pytest.mark.parametrize("log_type", ["useractivitylog", "connectionlog", "userlog"])
def test_every_record_of_every_hour_is_counted(read: Read, log_type: str) -> None:
    counted = read.rows(
        "select at_ms // 3600000, count(distinct (object_id, ordinal)) from {table}"
        " where {month} group by 1",
        table=TABLE_OF[log_type],
    )
    told = {hour: n for (log, hour), n in read.truth.hours.items() if log == log_type and n}

    assert dict(counted) == told


@pytest.mark.parametrize("log_type", ["useractivitylog", "connectionlog"])
def test_records_of_the_months_around_it_are_read_too(read: Read, log_type: str) -> None:
    [(outside,)] = read.rows(
        "select count(distinct (object_id, ordinal)) from {table} where not {month}",
        table=TABLE_OF[log_type],
    )

    assert outside == read.truth.outside[log_type]


@pytest.mark.parametrize("column", ["verb_class", "verb"])
def test_every_statement_has_its_user_and_what_it_does(read: Read, column: str) -> None:
    """A driver's second copy is only known where the first one stands in the same object's body:
    one that is its object's last record is a statement of its own, and no other may be."""
    rows = read.rows(
        f"select user_name, {column}, count(*) from {{table}} where {{month}} "  # noqa: S608 - ours
        "and not is_internal and not is_duplicate group by all",
        table="activity",
    )
    [(copies,)] = read.rows(
        "select count(*) from {table} where {month} and is_duplicate and not is_internal",
        table="activity",
    )
    counted = Counter({(user, what): n for user, what, n in rows})
    told = Counter(read.truth.statements if column == "verb_class" else read.truth.verbs)
    added = counted - told

    assert not told - counted
    assert {what for _, what in added} <= {"SELECT", "DQL"}
    assert added.total() == read.truth.duplicates - copies
    assert added.total() <= read.truth.duplicates // 10


def test_what_the_service_asks_of_itself_is_told_apart(read: Read) -> None:
    [(internal,)] = read.rows(
        "select count(*) from {table} where {month} and is_internal", table="activity"
    )

    assert internal == read.truth.internal


@pytest.mark.parametrize("event", ["authenticated", "authentication failure"])
def test_logins_and_failures_are_counted_by_user_and_address(read: Read, event: str) -> None:
    counted = read.rows(
        "select user_name, remote_host, event, count(*) from {table} where {month} group by all",
        table="connection",
    )
    told = read.truth.logins if event == "authenticated" else read.truth.failures

    assert {(user, host): n for user, host, kind, n in counted if kind == event} == dict(told)


def test_lines_that_are_no_record_are_listed(read: Read) -> None:
    counted = read.rows("select log_type, count(*) from {table} group by 1", table="bad_line")

    told = {log: n for log, n in read.truth.bad_lines.items() if n}

    assert dict(counted) == told | {"useractivitylog": len(read.truth.orphans)}


@pytest.mark.parametrize("log_type", ["useractivitylog", "connectionlog"])
def test_records_with_bytes_that_are_no_text_are_kept_and_flagged(
    read: Read, log_type: str
) -> None:
    [(flagged,)] = read.rows(
        "select count(distinct (object_id, ordinal)) from {table} where {month} and has_bad_bytes",
        table=TABLE_OF[log_type],
    )

    assert flagged == read.truth.bad_bytes[log_type]


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("truncated", {ObjectStatus.DAMAGED}),
        ("zero bytes", {ObjectStatus.EMPTY}),
        ("nothing in it", {ObjectStatus.EMPTY}),
        ("several members", {ObjectStatus.READ}),
        ("twice", {ObjectStatus.DUPLICATE}),
        ("underscore", {ObjectStatus.READ}),
        ("late", {ObjectStatus.READ}),
        ("across two", {ObjectStatus.READ}),
        ("across three", {ObjectStatus.READ}),
    ],
)
def test_each_kind_of_damage_ends_as_it_should(
    read: Read, what: str, expected: set[ObjectStatus]
) -> None:
    assert read.status(what) == expected


def test_what_is_no_log_is_refused_and_not_missed(read: Read) -> None:
    foreign = {one.key for one in read.truth.damaged if one.what == "foreign"}

    assert {one.key: one.counts for one in read.listing.refused} == dict.fromkeys(foreign, False)


def test_the_orphan_and_the_cut_record_are_named(read: Read) -> None:
    [ends] = read.loaded.ends.values()
    cut = {
        one.key
        for one in read.truth.damaged
        if one.what == "truncated" and "_useractivitylog_" in one.key
    }

    assert {key for one in ends for key in one.orphans} == set(read.truth.orphans)
    assert {key for one in ends for key in one.cut if "_useractivitylog_" in key} == cut


def test_a_record_across_objects_has_its_whole_text(read: Read) -> None:
    whole = read.rows(
        "select count(*) from {table} where query_text like '%column_000%column_059%1'",
        table="activity",
    )

    assert whole == [(2,)]


def test_objects_are_all_accounted_for(read: Read) -> None:
    assert Counter(one.object.log_type for one in read.loaded.results) == read.truth.objects
