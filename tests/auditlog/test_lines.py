"""Lines cut by the end of their object: glued, or listed as bad, never lost."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.auditlog.connection import read_connection
from agent.auditlog.lines import joined, write_line_ends
from agent.auditlog.objects import Fragment, ObjectResult, ObjectStatus
from agent.auditlog.schema import BAD_LINE, CONNECTION, USER_CHANGE, partition
from agent.auditlog.userlog import read_userlog
from tests.auditlog.line_samples import item, line, records, rows, stored

WHOLE = f"{line(c7='zoë')}\n".encode()
USER = b"104|alice | |create |1|0|0|9223372036854775807|29415|1101|Thu, 01 Oct 2026 10:20:30:456\n"
BAD_ENDS = f"{partition(BAD_LINE, item())}/ends-connectionlog.parquet"
ENDS = f"{partition(CONNECTION, item())}/ends-connectionlog.parquet"


def read(parts: Sequence[bytes], curated: Path) -> list[ObjectResult]:
    """Objects of the connection log, an hour each."""
    return [
        read_connection(stored(plain), item(number=number), curated)
        for number, plain in enumerate(parts)
    ]


@pytest.mark.parametrize("at", [*range(1, 70), *range(70, len(WHOLE), 9), len(WHOLE) - 1])
def test_a_line_cut_anywhere_is_one_record(at: int, tmp_path: Path) -> None:
    results = read([WHOLE + WHOLE[:at], WHOLE[at:] + WHOLE], tmp_path)
    ends = write_line_ends(results, tmp_path)

    found = [row for result in results for row in records(result, tmp_path)]
    found += rows(tmp_path, *ends.files)
    assert [row["user_name"] for row in found] == ["zoë"] * 3
    assert not any(row["has_bad_bytes"] for row in found)
    assert sum(result.records for result in results) == 3
    assert (ends.bad, ends.cut, ends.orphans) == (0, (), ())


def test_a_glued_record_belongs_to_the_object_where_it_begins(tmp_path: Path) -> None:
    results = read([WHOLE + b"\n" + WHOLE[:99], WHOLE[99:]], tmp_path)
    ends = write_line_ends(results, tmp_path)

    assert (ends.files, ends.statements) == ((ENDS,), 1)
    (row,) = rows(tmp_path, ENDS)
    assert (row["object_id"], row["ordinal"]) == (item().object_id, 3)


def test_a_beginning_without_its_end_is_listed_and_counted(tmp_path: Path) -> None:
    results = read([WHOLE + WHOLE[:99], WHOLE], tmp_path)
    ends = write_line_ends(results, tmp_path)

    assert (ends.cut, ends.orphans, ends.bad, ends.statements) == ((item().key,), (), 1, 0)
    assert ends.files == (BAD_ENDS,)
    (row,) = rows(tmp_path, BAD_ENDS)
    assert (row["ordinal"], row["line"]) == (2, WHOLE[:99].decode("utf-8", "backslashreplace"))


def test_an_end_without_its_beginning_is_listed_and_counted(tmp_path: Path) -> None:
    results = read([WHOLE, WHOLE[99:] + WHOLE], tmp_path)
    ends = write_line_ends(results, tmp_path)

    key = item(number=1).key
    assert (ends.cut, ends.orphans, ends.bad) == ((), (key,), 1)
    assert [row["ordinal"] for row in rows(tmp_path, BAD_ENDS)] == [1]
    assert results[1].bad == 0


def test_parts_that_do_not_fit_are_both_listed(tmp_path: Path) -> None:
    ends = write_line_ends(read([WHOLE[:40], WHOLE[90:]], tmp_path), tmp_path)

    assert (ends.bad, ends.statements) == (2, 0)
    assert (ends.cut, ends.orphans) == ((item().key,), (item(number=1).key,))


def test_a_last_line_shorter_than_those_before_is_withheld_and_its_own_record(
    tmp_path: Path,
) -> None:
    short = line(19).encode()
    results = read([WHOLE + short], tmp_path)
    assert results[0].tail is not None
    ends = write_line_ends(results, tmp_path)

    assert (ends.statements, ends.bad, ends.cut) == (1, 0, ())


def test_a_last_line_without_newline_is_a_record_when_whole(tmp_path: Path) -> None:
    (result,) = read([WHOLE + WHOLE[:-1]], tmp_path)

    assert (result.tail, result.records, len(records(result, tmp_path))) == (None, 2, 2)


def test_the_end_of_a_damaged_object_is_not_glued(tmp_path: Path) -> None:
    damaged = gzip.compress(WHOLE + WHOLE[:99])[:-4]
    first = read_connection(io.BytesIO(damaged), item(), tmp_path)
    assert first.status == ObjectStatus.DAMAGED
    then = read_connection(stored(WHOLE[99:]), item(number=1), tmp_path)
    ends = write_line_ends([first, then], tmp_path)

    assert (ends.cut, ends.orphans, ends.bad, ends.statements) == (
        (first.object.key,),
        (then.object.key,),
        2,
        0,
    )


@pytest.mark.parametrize(
    ("status", "glued"),
    [(ObjectStatus.EMPTY, 1), (ObjectStatus.DUPLICATE, 1), (ObjectStatus.UNREADABLE, 0)],
)
def test_an_object_between_parts_them_unless_it_holds_nothing_new(
    status: ObjectStatus, glued: int, tmp_path: Path
) -> None:
    first, last = read([WHOLE + WHOLE[:99], WHOLE[99:]], tmp_path)
    between = ObjectResult(item(number=2), status)

    assert write_line_ends([first, between, last], tmp_path).statements == glued


def test_the_two_logs_do_not_mix(tmp_path: Path) -> None:
    connection = read([WHOLE + WHOLE[:99], WHOLE[99:]], tmp_path)
    user = [
        read_userlog(stored(plain), item("userlog", number), tmp_path)
        for number, plain in enumerate([USER + USER[:20], USER[20:], USER[:10]])
    ]
    mixed = [connection[0], user[0], user[1], connection[1], user[2]]
    ends = write_line_ends(mixed, tmp_path)

    user_ends = f"{partition(USER_CHANGE, user[0].object)}/ends-userlog.parquet"
    assert (ends.statements, ends.bad) == (2, 1)
    assert ends.files == (BAD_ENDS.replace("connectionlog", "userlog"), ENDS, user_ends)
    assert [row["user_name"] for row in rows(tmp_path, ENDS)] == ["zoë"]
    assert [row["user_name"] for row in rows(tmp_path, user_ends)] == ["alice"]


def test_what_an_earlier_run_wrote_is_removed_when_it_is_not_due(tmp_path: Path) -> None:
    first, last = read([WHOLE + WHOLE[:99], WHOLE[99:]], tmp_path)
    write_line_ends([first], tmp_path)
    assert (tmp_path / BAD_ENDS).is_file()
    write_line_ends([first, last], tmp_path)

    assert not (tmp_path / BAD_ENDS).exists()
    assert (tmp_path / ENDS).is_file()


def test_a_character_cut_in_two_is_whole_again() -> None:
    tail, head = Fragment("zo\\xc3", bad_bytes=True), Fragment("\\xab!", bad_bytes=True)

    assert joined(tail, head) == Fragment("zoë!", bad_bytes=False)
    assert joined(tail, Fragment("!")) == Fragment("zo\\xc3!", bad_bytes=True)
    # What only looks like an escaped byte, and is none, is left as it is.
    assert joined(Fragment("\\xc3"), Fragment("\\xab")) == Fragment("\\xc3\\xab")
