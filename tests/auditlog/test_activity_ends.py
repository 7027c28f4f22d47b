"""Records of the activity log that begin in one object and end in another."""

from __future__ import annotations

import gzip
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.auditlog.activity import write_activity_ends
from agent.auditlog.activity_ends import ORPHAN
from agent.auditlog.ends import Ends
from agent.auditlog.objects import ObjectResult, ObjectStatus
from agent.auditlog.schema import ACTIVITY, arrow_schema
from tests.auditlog.activity_samples import everything, header, item, read, rows

H = header()
DAY = "account=111122223333/region=eu-central-1/cluster=lark/day=2026-10-05"

Told = list[tuple[str, bool, bool]]


def told(found: list[dict[str, Any]]) -> Told:
    """Text, is_stitched and is_cut of each row."""
    return [(row["query_text"], row["is_stitched"], row["is_cut"]) for row in found]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([f"{H}select 1\n{H}select 2\n"],
                     [("select 1", False, False), ("select 2", False, False)],
                     id="the-last-record-of-a-file-is-kept"),
        pytest.param([f"{H}select 1"], [("select 1", False, False)], id="without-a-newline"),
        pytest.param([f"{H}select 1,\n", f"  2\n{H}end\n"],
                     [("select 1,\n  2", True, False), ("end", False, False)],
                     id="cut-between-lines"),
        pytest.param([f"{H}select 'a", f"b'\n{H}end"],
                     [("select 'ab'", True, False), ("end", False, False)], id="cut-in-a-word"),
        pytest.param([f"{H}select 1", f"\n{H}end"],
                     [("select 1", False, False), ("end", False, False)],
                     id="cut-before-its-newline"),
        pytest.param([f"{H}select (", "1\n,", f"2)\n{H}end"],
                     [("select (1\n,2)", True, False), ("end", False, False)],
                     id="across-three-files"),
        pytest.param([f"{H}select 1,\n", "2\n"], [("select 1,\n2", True, False)],
                     id="to-the-end-of-the-last-file"),
        pytest.param([f"{H}select 1,\n", "", f"2\n{H}end"],
                     [("select 1,\n2", True, False), ("end", False, False)],
                     id="across-an-empty-file"),
        pytest.param([f"{H}select 'a", f"{H}end\n"],
                     [("select 'a", False, True), ("end", False, False)], id="its-end-is-lost"),
        pytest.param([f"{H}select 1 /* a", f"b\n{H}end"],
                     [("select 1 /* ab", True, True), ("end", False, False)],
                     id="continued-and-still-open"),
    ],
)  # fmt: skip
def test_a_record_comes_out_whole(parts: list[str], expected: Told, tmp_path: Path) -> None:
    found, ends, _ = everything(tmp_path, *parts)

    assert told(found) == expected
    assert ends.orphans == ()
    assert len(ends.cut) == sum(is_cut for *_, is_cut in expected)
    assert (ends.records, ends.bad) == (0, 0)


def test_a_header_cut_in_two_gives_a_record_more(tmp_path: Path) -> None:
    found, ends, results = everything(
        tmp_path, f"{H}select 1\n{H[:40]}", f"{H[40:]}select 2\n{H}select 3\n"
    )

    assert [(row["query_text"], row["ordinal"]) for row in found] == [
        ("select 1", 1), ("select 2", 2), ("select 3", 1),
    ]  # fmt: skip
    assert sum(result.records for result in results) + ends.records == 3


def test_a_character_cut_in_two_is_whole_again(tmp_path: Path) -> None:
    first, second = "é".encode()[:1], "é".encode()[1:]
    found, _, _ = everything(
        tmp_path, f"{H}select '".encode() + first, second + f"'\n{H}end".encode()
    )

    assert [(row["query_text"], row["has_bad_bytes"]) for row in found] == [
        ("select 'é'", False), ("end", False),
    ]  # fmt: skip


def test_the_end_of_a_record_without_a_beginning_is_an_orphan_and_listed(tmp_path: Path) -> None:
    found, ends, _ = everything(tmp_path, f"from t\xa0;\n{H}select 1\n")
    (row,) = rows(tmp_path, [one for one in ends.files if one.startswith("bad_line/")])

    assert told(found) == [("select 1", False, False)]
    assert (ends.orphans, ends.bad) == ((item(0).key,), 1)
    assert (row["reason"], row["line"]) == (ORPHAN, "from t\xa0;")
    assert (row["log_type"], row["object_id"]) == ("useractivitylog", item(0).object_id)


def test_a_blank_line_before_the_first_record_is_no_orphan(tmp_path: Path) -> None:
    assert everything(tmp_path, f"\n{H}select 1\n")[1].orphans == ()


def test_nothing_is_joined_behind_a_damaged_object(tmp_path: Path) -> None:
    stored = gzip.compress(f"{H}select 1\n{H}select 2,\n".encode())[:-4]
    first = read("", tmp_path, 0, stored=stored)
    second = read(f"3\n{H}end\n", tmp_path, 1)
    ends = write_activity_ends([first, second], tmp_path)

    assert first.status is ObjectStatus.DAMAGED
    assert (ends.orphans, ends.cut) == ((item(1).key,), (item(0).key,))
    found = rows(tmp_path, [one for one in ends.files if one.startswith("activity/")])
    assert told(found) == [("select 2,", False, True), ("end", False, False)]


@pytest.mark.parametrize("last", ["grant all on t to eve;", "select 1 ; ", "select ';' ;\n"])
def test_nothing_is_joined_to_a_record_that_is_closed(last: str, tmp_path: Path) -> None:
    """The object between, which holds the beginning, may be missing without any sign but this."""
    found, ends, _ = everything(tmp_path, f"{H}{last}\n", f"from secret;\n{H}end\n")

    texts = [row["query_text"].rstrip() for row in found]
    assert texts == [last.rstrip("; \n"), "end"]
    assert (ends.orphans, ends.cut, ends.bad) == ((item(1).key,), (), 1)


@pytest.mark.parametrize("last", ["select 1;", "select '1;\n", "/* a;\n", "$$ begin a;\n"])
def test_what_a_semicolon_does_not_close_is_joined(last: str, tmp_path: Path) -> None:
    _, ends, _ = everything(tmp_path, f"{H}{last}", f"'$$*/ 2\n{H}end\n")

    assert ends.orphans == ()


def test_nothing_is_joined_across_an_object_that_cannot_be_read(tmp_path: Path) -> None:
    results = [
        read(f"{H}select 1\n", tmp_path, 0),
        ObjectResult(item(1), ObjectStatus.UNREADABLE, "denied"),
        read(f"2\n{H}end\n", tmp_path, 2),
    ]
    ends = write_activity_ends(results, tmp_path)

    assert (ends.orphans, ends.cut) == ((item(2).key,), ())


def test_a_copy_is_passed_over(tmp_path: Path) -> None:
    first = read(f"{H}select 1,\n", tmp_path, 0)
    copy = replace(read(f"{H}select 1,\n", tmp_path, 1), status=ObjectStatus.DUPLICATE)
    last = read(f"2\n{H}end\n", tmp_path, 2)
    ends = write_activity_ends([first, copy, last], tmp_path)

    assert told(rows(tmp_path, ends.files)) == [
        ("select 1,\n2", True, False),
        ("end", False, False),
    ]


def test_objects_are_joined_by_stamp_and_key_in_whatever_order_they_come(tmp_path: Path) -> None:
    _, ends, results = everything(tmp_path, f"{H}select (", "1,", f"2)\n{H}end")
    same = write_activity_ends(list(reversed(results)), tmp_path)

    assert same == ends


def test_of_two_objects_of_one_stamp_the_key_decides(tmp_path: Path) -> None:
    first, second = read(f"{H}select 1,\n", tmp_path, 0), read(f"2\n{H}end\n", tmp_path, 1)
    renamed = [replace(first, object=item(0, "a")), replace(second, object=item(0, "b"))]

    assert write_activity_ends(renamed, tmp_path).orphans == ()
    renamed = [replace(first, object=item(0, "b")), replace(second, object=item(0, "a"))]
    assert write_activity_ends(renamed, tmp_path).orphans == ("a",)


def test_there_is_one_file_a_day_with_the_schema_of_the_table(tmp_path: Path) -> None:
    results = [read(f"{H}begin;select {hour};commit\n", tmp_path, hour) for hour in range(0, 48, 6)]
    ends = write_activity_ends(results, tmp_path)

    assert ends.files == (
        f"{ACTIVITY}/{DAY}/ends.parquet",
        f"{ACTIVITY}/{DAY[:-2]}06/ends.parquet",
    )
    assert ends.statements == 24
    assert pq.read_schema(tmp_path / ends.files[0]).equals(arrow_schema(ACTIVITY))
    found = rows(tmp_path, ends.files)
    assert [row["object_id"] for row in found[::3]] == [one.object.object_id for one in results]


def test_files_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    result = read(f"x\n{H}select 1\n", tmp_path)
    earlier = write_activity_ends([result], tmp_path)
    later = write_activity_ends([replace(result, status=ObjectStatus.DUPLICATE)], tmp_path)

    assert len(earlier.files) == 2
    assert later == Ends()
    assert [one for one in earlier.files if (tmp_path / one).exists()] == []


def test_no_object_has_no_ends(tmp_path: Path) -> None:
    assert write_activity_ends([], tmp_path) == Ends()


@settings(max_examples=25, deadline=None)
@given(
    sqls=st.lists(
        st.sampled_from(["select 'a;é'", "begin; select 2", "select\n'2026 x'\r\n", "", "x\n\ny"]),
        min_size=1, max_size=6,
    ),
    cuts=st.lists(st.integers(len(header()), 500), max_size=4),
)  # fmt: skip
def test_a_log_cut_anywhere_behind_its_first_header_is_read_as_if_it_were_one_object(
    sqls: list[str], cuts: list[int]
) -> None:
    plain = "".join(f"{header(n)}{sql}\n" for n, sql in enumerate(sqls)).encode()
    edges = [0, *sorted(min(cut, len(plain)) for cut in cuts), len(plain)]
    parts = [plain[a:b] for a, b in pairwise(edges)]
    keys = ("xid", "statement_no", "query_text", "verb")
    with TemporaryDirectory() as one, TemporaryDirectory() as many:
        whole, _, (result,) = everything(Path(one), plain)
        found, ends, results = everything(Path(many), *parts)

    assert [[row[key] for key in keys] for row in found] == [
        [row[key] for key in keys] for row in whole
    ]
    assert sum(each.records for each in results) + ends.records == result.records
