"""The Parquet beside the report: which rows, in which order, and that no other's text is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agent.auditlog.objects import LogObject
from agent.auditlog.schema import (
    ACTIVITY,
    BAD_LINE,
    COLUMNS,
    CONNECTION,
    SLOT_MS,
    TABLES,
    arrow_schema,
    file_of,
    partition,
)
from agent.report.outputs import tables_out
from agent.report.outputs.tables_out import Curated, write_tables
from tests.report.engines.month import DAY, END, MONTH, START, log_object

SECRET = "hunter2"
_EMPTY: dict[str, Any] = {"int64": 0, "text": "", "bool": False}

Given = Mapping[str, Any]


def at(hour: int, log_type: str = "useractivitylog") -> LogObject:
    return log_object(log_type, datetime(2026, 10, 5, tzinfo=UTC) + timedelta(hours=hour))


def table_of(name: str, rows: Iterable[Given]) -> pa.Table:
    usual = {column: _EMPTY[kind] for column, kind in COLUMNS[name]}
    whole = [{**usual, "at_ms": START + DAY, "slot": START // SLOT_MS, **row} for row in rows]
    return pa.Table.from_pylist(whole, schema=arrow_schema(name))


class Files:
    """Curated files of a test, and the argument that tells of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects: list[LogObject] = []
        self.files: dict[str, dict[str, str]] = {}
        self.ends: list[str] = []

    def add(self, item: LogObject, name: str, *groups: Iterable[Given]) -> None:
        """An object's file of a table, a row group each."""
        mine = [[{"object_id": item.object_id, **row} for row in rows] for rows in groups]
        self.objects = sorted({*self.objects, item}, key=lambda one: one.stamp)
        self.files.setdefault(item.key, {})[name] = file_of(name, item)
        self._write(name, file_of(name, item), mine)

    def add_ends(self, item: LogObject, name: str, rows: Iterable[Given]) -> None:
        """The file of ends of the object's day."""
        path = f"{partition(name, item)}/ends.parquet"
        self.ends.append(path)
        self._write(name, path, [list(rows)])

    def _write(self, name: str, path: str, groups: Iterable[Iterable[Given]]) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(self.folder / path, arrow_schema(name)) as writer:
            for rows in groups:
                writer.write_table(table_of(name, rows))

    def written(self, out: Path, name: str = ACTIVITY) -> pa.Table:
        write_tables(Curated(self.folder, self.objects, self.files, self.ends), MONTH, out)
        return pq.read_table(out / f"{name}.parquet")


@pytest.fixture
def month(tmp_path: Path) -> Files:
    return Files(tmp_path / "curated")


def numbered(*ordinals: int, **more: Any) -> list[dict[str, Any]]:
    return [{"ordinal": each, **more} for each in ordinals]


def test_rows_are_by_object_in_the_order_of_stamps_then_by_record(
    month: Files, tmp_path: Path
) -> None:
    month.add(at(2), ACTIVITY, numbered(1, 2))
    month.add(at(1), ACTIVITY, numbered(1, 2, 3))
    found = month.written(tmp_path / "out")
    first, second = at(1).object_id, at(2).object_id
    assert found["object_id"].to_pylist() == [first] * 3 + [second] * 2
    assert found["ordinal"].to_pylist() == [1, 2, 3, 1, 2]


def test_an_end_stands_behind_the_other_rows_of_its_object(month: Files, tmp_path: Path) -> None:
    first, second = at(1), at(2)
    month.add(first, ACTIVITY, numbered(1, user_name="bob"))
    month.add(second, ACTIVITY, numbered(1, user_name="eve"))
    ends = [
        {"object_id": second.object_id, "ordinal": 3, "user_name": "mallory"},
        {"object_id": first.object_id, "ordinal": 4, "user_name": "alice"},
        {"object_id": first.object_id, "ordinal": 2, "verb": "BEGIN"},
        {"object_id": first.object_id, "ordinal": 2, "verb": "GRANT"},
    ]
    month.add_ends(first, ACTIVITY, ends)
    found = month.written(tmp_path / "out").select(["object_id", "ordinal", "user_name", "verb"])
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        (first.object_id, 1, "bob", ""),
        (first.object_id, 2, "", "BEGIN"),
        (first.object_id, 2, "", "GRANT"),
        (first.object_id, 4, "alice", ""),
        (second.object_id, 1, "eve", ""),
        (second.object_id, 3, "mallory", ""),
    ]


def test_an_object_that_has_but_an_end_is_there(month: Files, tmp_path: Path) -> None:
    item = at(1)
    month.objects = [item]
    month.add_ends(item, ACTIVITY, [{"object_id": item.object_id, "ordinal": 1}])
    assert month.written(tmp_path / "out")["ordinal"].to_pylist() == [1]


EDGES = [
    pytest.param(START - 1, False, id="the millisecond before the month"),
    pytest.param(START, True, id="its first millisecond"),
    pytest.param(END - 1, True, id="its last millisecond"),
    pytest.param(END, False, id="the millisecond after it"),
    pytest.param(None, False, id="no time"),
]


@pytest.mark.parametrize(("when", "is_own"), EDGES)
def test_a_record_of_another_month_is_left_out(
    when: int | None, is_own: bool, month: Files, tmp_path: Path
) -> None:
    alone = numbered(1, at_ms=when)
    beside_own = [*numbered(2), *numbered(3, at_ms=when)]
    beside_other = [*numbered(4, at_ms=END), *numbered(5, at_ms=when)]
    month.add(at(1), ACTIVITY, alone, beside_own, beside_other)
    month.add_ends(at(1), ACTIVITY, numbered(6, at_ms=when, object_id=at(1).object_id))
    found = month.written(tmp_path / "out")
    assert found["ordinal"].to_pylist() == ([1, 2, 3, 5, 6] if is_own else [2])


def every_text(path: Path) -> set[str]:
    """What stands in the file's dictionaries, and values of text, whether a row has it or not."""
    schema = pq.read_schema(path)
    texts = [each.name for each in schema if pa.types.is_string(each.type)]
    table = pq.ParquetFile(path, read_dictionary=texts).read()
    chunks = [chunk for name in texts for chunk in table[name].chunks]
    return {value for chunk in chunks for value in chunk.dictionary.to_pylist()}


def test_no_text_of_a_record_that_is_left_out_stands_in_the_dictionaries(
    month: Files, tmp_path: Path
) -> None:
    gone = {"at_ms": END, "user_name": SECRET}
    month.add(at(1), ACTIVITY, [{"ordinal": 1, "user_name": "bob"}, {"ordinal": 2, **gone}])
    other = {"object_id": at(9).object_id, "user_name": SECRET, "ordinal": 1}
    month.add_ends(at(1), ACTIVITY, [other, {"object_id": at(1).object_id, "user_name": "eve"}])
    assert month.written(tmp_path / "out")["user_name"].to_pylist() == ["bob", "eve"]
    assert every_text(tmp_path / "out" / "activity.parquet") == {"bob", "eve", ""}


@pytest.mark.parametrize(
    ("name", "column"),
    [(ACTIVITY, "query_text"), (ACTIVITY, "fingerprint"), (BAD_LINE, "line")],
    ids=["statement", "fingerprint", BAD_LINE],
)
def test_text_as_it_was_logged_is_in_none(
    name: str, column: str, month: Files, tmp_path: Path
) -> None:
    month.add(at(1), name, numbered(1, **{column: SECRET}))
    found = month.written(tmp_path / "out", name)
    assert found.num_rows == 1
    assert column not in found.schema.names
    assert SECRET not in every_text(tmp_path / "out" / f"{name}.parquet")


def test_a_line_that_is_no_record_has_no_time_and_is_there(month: Files, tmp_path: Path) -> None:
    month.add(at(1), BAD_LINE, numbered(7, at_ms=None, slot=None, reason="too long"))
    (row,) = month.written(tmp_path / "out", BAD_LINE).to_pylist()
    assert (row["ordinal"], row["at_ms"], row["reason"]) == (7, None, "too long")


def test_row_groups_and_dictionaries_that_differ_come_to_the_same_rows(
    month: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables_out, "GROUP", 70)
    expected = []
    for hour in range(4):
        names = [f"{hour}-{each % (3 + hour)}" for each in range(60)]
        rows = [{"ordinal": each, "user_name": name} for each, name in enumerate(names)]
        month.add(at(hour, "connectionlog"), CONNECTION, rows[:25], rows[25:])
        expected += list(enumerate(names))
    found = month.written(tmp_path / "out", CONNECTION)
    rows = found.select(["ordinal", "user_name"]).to_pylist()
    assert [(row["ordinal"], row["user_name"]) for row in rows] == expected
    told = pq.ParquetFile(tmp_path / "out" / "connection.parquet").metadata
    sizes = [told.row_group(each).num_rows for each in range(told.num_row_groups)]
    assert sizes == [85, 95, 60]


def test_text_that_hardly_recurs_is_as_it_was(month: Files, tmp_path: Path) -> None:
    """More of it than a dictionary in a file may hold."""
    names = [f"{each:08d}" * 30 for each in range(9_000)]
    rows = [{"ordinal": each, "user_name": name} for each, name in enumerate(names)]
    month.add(at(1), ACTIVITY, rows)
    assert month.written(tmp_path / "out")["user_name"].to_pylist() == names


def test_the_same_files_give_the_same_bytes(month: Files, tmp_path: Path) -> None:
    for hour in range(3):
        month.add(at(hour), ACTIVITY, numbered(1, 2, user_name=f"u{hour}"), numbered(3))
    month.add_ends(at(1), ACTIVITY, numbered(4, object_id=at(1).object_id))
    for out in ("one", "two"):
        month.written(tmp_path / out)
    for name in TABLES:
        one, two = (tmp_path / out / f"{name}.parquet" for out in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_without_rows_has_its_columns(name: str, month: Files, tmp_path: Path) -> None:
    month.objects = [at(1)]  # of which no file was written
    found = month.written(tmp_path / "out", name)
    hidden = {ACTIVITY: ("query_text", "fingerprint"), BAD_LINE: ("line",)}.get(name, ())
    assert found.num_rows == 0
    assert found.schema == pa.schema([one for one in arrow_schema(name) if one.name not in hidden])


def test_text_is_read_as_text_again(month: Files, tmp_path: Path) -> None:
    month.add(at(1), ACTIVITY, numbered(1))
    schema = month.written(tmp_path / "out").schema
    assert schema.field("user_name").type == pa.string()


def test_text_that_recurs_stands_once_in_a_row_group(month: Files, tmp_path: Path) -> None:
    for hour in range(5):
        names = [f"{each}" * 1_000 for each in range(hour, hour + 3)]
        month.add(at(hour), ACTIVITY, [{"ordinal": 1, "user_name": name} for name in names])
    month.written(tmp_path / "out")
    group = pq.ParquetFile(tmp_path / "out" / "activity.parquet").metadata.row_group(0)
    (column,) = [
        group.column(each)
        for each in range(group.num_columns)
        if group.column(each).path_in_schema == "user_name"
    ]
    assert 7_000 < column.total_uncompressed_size < 8_000
