"""What is found for many records at once is what each of them would tell alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.auditlog import activity
from agent.auditlog.activity_rows import Known
from agent.auditlog.told import LONGEST_SHAPE, MOST_PARTS, ZERO, of_shape, of_text
from tests.auditlog.activity_samples import everything, header

LONG = "select '" + "x" * (LONGEST_SHAPE + 1) + "'"
OTHERS = "".join(f"{header(pid=77)}select 'between'\n" for _ in range(9))
END = f"{header(pid=78)}select 'the last'\n"


def duplicates(tmp_path: Path, *records: str) -> list[bool]:
    found, _, _ = everything(tmp_path, "".join(records) + END)
    return [row["is_duplicate"] for row in found if row["pid"] not in (77, 78)]


@pytest.mark.parametrize(
    ("first", "second", "is_so"),
    [
        pytest.param(f"{header()}select 1\n", f"{header()}select 1;\n", True, id="a-semicolon"),
        pytest.param(f"{header()}{LONG}\n", f"{header()}/* x */ {LONG}\n", True, id="a-long-text"),
        pytest.param(f"{header()}select 1\n", f"{header()}select 2\n", False, id="another-text"),
        pytest.param(f"{header(7)}select 1\n", f"{header(8)}select 1\n", False, id="another-xid"),
        pytest.param(f"{header()}fetch 9\n", f"{header()}fetch 9\n", False, id="sent-in-earnest"),
        pytest.param(
            f"{header()}select 1\n", f"{header(second=5)}select 1\n", False, id="two-seconds-later"
        ),
        pytest.param(
            f"{header()}select 1\n", f"{header(second=2)}select 1\n", False, id="a-second-earlier"
        ),
        pytest.param(
            f"{header()}select 1\n", f"{header(pid=5)}select 1\n", False, id="another-session"
        ),
    ],
)
@pytest.mark.parametrize("block", [4 << 20, 100])
def test_a_second_copy_is_marked_in_the_same_block_and_in_the_next(
    first: str,
    second: str,
    is_so: bool,
    block: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(activity, "BLOCK", block)

    assert duplicates(tmp_path, first, OTHERS, second) == [False, is_so]


def test_a_copy_is_sent_by_the_same_session(tmp_path: Path) -> None:
    one, other = f"{header()}select 1\n", f"{header(pid=5)}select 1\n"

    assert duplicates(tmp_path, one, other) == [False, False]


def test_a_copy_may_be_told_by_its_shape_and_the_other_by_its_text(tmp_path: Path) -> None:
    one, other = f"{header()}select 1\n", f"{header()}/* $a1$ */ select 1\n"

    assert of_shape(b"select 0") is not None
    assert of_shape(b"/* $a0$ */ select 0") is None
    assert duplicates(tmp_path, one, other) == [False, True]


def test_of_a_long_text_its_hash_is_kept_for_the_next_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Known()
    monkeypatch.setattr(activity, "Known", lambda: known)
    everything(tmp_path, f"{header(pid=1)}{LONG}\n{header(pid=2)}select 1\n{END}")

    assert [type(text) for text, _, _ in known.last.values()] == [int, bytes]


def test_a_copy_is_one_of_the_record_just_before(tmp_path: Path) -> None:
    one, other = f"{header()}select 1\n", f"{header()}select 22\n"

    assert duplicates(tmp_path, one, OTHERS, other, OTHERS, one) == [False] * 3


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 1", ["select 1"]),
        ("select 1;", ["select 1"]),
        ("select 1; \n", ["select 1"]),
        ("select 1;;", ["select 1"]),
        ("select ';' ;", ["select ';' "]),
        ("begin;commit", ["begin", "commit"]),
        ("begin;commit;", ["begin", "commit"]),
        ("begin; drop table t1 ;", ["begin", "drop table t1"]),
        ("create user ü1; drop table ü2;", ["create user ü1", "drop table ü2"]),
    ],
)
def test_the_text_of_a_row_is_that_of_its_statement(
    sql: str, expected: list[str], tmp_path: Path
) -> None:
    others = f"{header()}select 2;\n{header()}select 3\n"
    found, _, _ = everything(tmp_path, f"{others}{header()}{sql}\n{others}{END}")

    assert [row["query_text"] for row in found] == [
        *("select 2", "select 3"),
        *expected,
        *("select 2", "select 3", "select 'the last'"),
    ]


def test_texts_of_one_shape_keep_what_their_digits_tell(tmp_path: Path) -> None:
    sqls = [
        *("drop table s1.t1", "drop table s1.t22", "drop table s1.t2; drop table s3.t4;"),
        *("delete from t where 1=1", "delete from t where 1=2", "delete from t where 1=1"),
        *("select $a1$ x $a1$; drop table t", "select $a1$ x $a2$; drop table t; $a1$"),
    ]
    found, _, _ = everything(tmp_path, "".join(f"{header()}{one}\n" for one in sqls) + END)

    assert [(row["verb"], row["object_name"], row["is_unfiltered"]) for row in found[:-1]] == [
        ("DROP TABLE", "s1.t1", False),
        ("DROP TABLE", "s1.t22", False),
        ("DROP TABLE", "s1.t2", False),
        ("DROP TABLE", "s3.t4", False),
        ("DELETE", "t", True),
        ("DELETE", "t", False),
        ("DELETE", "t", True),
        ("SELECT", "", False),
        ("DROP TABLE", "t", False),
        ("SELECT", "", False),
    ]


def test_a_long_text_is_told_and_not_remembered(tmp_path: Path) -> None:
    of_shape.cache_clear()
    of_text.cache_clear()
    long = f"{header()}drop table t1 -- {'1' * LONGEST_SHAPE}\n"
    found, _, _ = everything(tmp_path, long + long)

    assert [row["object_name"] for row in found] == ["t1"] * 2
    assert of_shape.cache_info().currsize == of_text.cache_info().currsize == 0


@pytest.mark.parametrize("at", [0, 1, 2])
def test_flags_stand_with_their_record(at: int, tmp_path: Path) -> None:
    names = [b"bob", b"bob", b"bob"]
    names[at] = b"b\xfeb"
    texts = [b"select 1;select 2" if at == other else b"select 3" for other in range(3)]
    raw = b"".join(
        header(n).encode().replace(b"bob", name) + text + b"\n"
        for n, (name, text) in enumerate(zip(names, texts, strict=True))
    )
    found, _, _ = everything(tmp_path, raw)

    assert [(row["ordinal"], row["has_bad_bytes"]) for row in found] == sorted(
        [(n + 1, n == at) for n in range(3)] + [(at + 1, True)]
    )


@pytest.mark.parametrize("is_last", [False, True], ids=["in the middle", "at the object's end"])
def test_a_record_of_very_many_statements_costs_as_much_as_it_is_long(
    tmp_path: Path, is_last: bool
) -> None:
    """To repeat its text for each of them would be 2 GB, and more than Arrow takes."""
    many = f"{header(9)}{'a;' * 33_000}\n"
    found, _, _ = everything(tmp_path, many if is_last else many + END)
    own = [row for row in found if row["pid"] != 78]

    assert [row["statement_no"] for row in own] == list(range(1, 33_001))
    assert {row["query_text"] for row in own} == {"a"}


@pytest.mark.parametrize("count", [MOST_PARTS, MOST_PARTS + 1, MOST_PARTS + 300])
def test_many_statements_are_told_by_their_text_and_few_by_their_shape(
    tmp_path: Path, count: int
) -> None:
    text = "".join(f"drop table t{number};" for number in range(count))
    found, _, _ = everything(tmp_path, f"{header(9)}{text}\n" + END)

    names = [row["object_name"] for row in found if row["pid"] != 78]
    assert names == [f"t{number}" for number in range(count)]
    assert (of_shape(text.encode().translate(ZERO)) is None) == (count > MOST_PARTS)


def test_texts_of_many_statements_are_not_remembered(tmp_path: Path) -> None:
    before = of_text.cache_info().currsize
    text = "a;" * (MOST_PARTS + 1)
    everything(tmp_path, f"{header(9)}{text}\n" + END)

    assert of_text.cache_info().currsize == before
