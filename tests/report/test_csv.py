"""CSV: whatever a user calls himself, a spreadsheet sees text."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.report.outputs.as_csv import FORMULA, files, harmless
from agent.report.redact import redacted
from tests.report.documents import HOSTILE, SECRET, document

CASES = [
    pytest.param("=1+1", "'=1+1", id="equals"),
    pytest.param("+1", "'+1", id="plus"),
    pytest.param("-1", "'-1", id="minus"),
    pytest.param("@x", "'@x", id="at"),
    pytest.param("\t=1", "'\t=1", id="tab"),
    pytest.param("\r=1", "'\\r=1", id="carriage return"),
    pytest.param("\n=1", "'\n=1", id="line feed"),
    pytest.param("＝1", "'＝1", id="full width"),
    pytest.param("  =1", "'  =1", id="blanks before"),
    pytest.param("\u200f=1", "'\\u200f=1", id="a mark before"),
    pytest.param("\ufeff=1", "'\\ufeff=1", id="a byte order mark before"),
    pytest.param("bob", "bob", id="a name"),
    pytest.param("a=b", "a=b", id="later"),
    pytest.param("", "", id="empty"),
    pytest.param("a\x00b", "a\\x00b", id="NUL"),
]


@pytest.mark.parametrize(("text", "written"), CASES)
def test_what_is_written(text: str, written: str) -> None:
    assert harmless(text) == written


@given(st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_no_text_begins_a_formula(text: str) -> None:
    found = harmless(text)
    bare = "".join(one for one in found if unicodedata.category(one)[0] not in "ZC")

    assert not bare or bare[0] not in FORMULA


def read(name: str) -> list[list[str]]:
    content = dict(files(redacted(document())))[name]
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_every_query_that_was_answered_has_its_file() -> None:
    assert [name for name, _ in files(document())] == [
        "findings.csv",
        "failures-by_user.csv",
        "failures-by_hour.csv",
        "failures-nothing.csv",
        "privileges-statements.csv",
    ]


def test_every_row_is_in_it_and_hostile_names_keep_to_their_cell() -> None:
    rows = read("failures-by_user.csv")

    assert rows[0] == ["user_name", "failures", "first_ms", "took", "size", "is_new", "evidence"]
    assert [row[0] for row in rows[1 : len(HOSTILE) + 1]] == [harmless(name) for name in HOSTILE]
    assert {len(row) for row in rows} == {7}
    assert len(rows) == 1 + len(HOSTILE) + 60


def test_times_are_iso_and_evidence_names_key_and_record() -> None:
    row = read("failures-by_user.csv")[2]

    assert row[2] == "2026-10-01T00:01:00.000Z"
    assert row[6].endswith("_connectionlog_2026-10-01T01:50.gz#2")


def test_no_cell_holds_a_literal() -> None:
    assert SECRET.encode() not in b"".join(content for _, content in files(redacted(document())))
