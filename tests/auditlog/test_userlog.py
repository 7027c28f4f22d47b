"""The user log: changes of users, line by line."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.auditlog.objects import ObjectResult
from agent.auditlog.schema import SLOT_MS, USER_CHANGE, arrow_schema
from agent.auditlog.userlog import parse, read_userlog
from tests.auditlog.line_samples import AT_MS, bad, item, records, stored

NEVER = "9223372036854775807"
WHEN = "Thu, 01 Oct 2026 10:20:30:456"


def line(name: str = "alice", old: str = "", **changed: str) -> str:
    """A line of the user log."""
    user = changed.get("user", "104")
    action = changed.get("action", "create ")
    flags = changed.get("flags", "1|0|0")
    until = changed.get("until", NEVER)
    return f"{user}|{name} |{old} |{action}|{flags}|{until}|29415|1101|{changed.get('at', WHEN)}"


def read(plain: bytes | str, curated: Path) -> ObjectResult:
    """One object of the user log, read."""
    return read_userlog(stored(plain), item("userlog"), curated)


def test_a_line_is_a_row(tmp_path: Path) -> None:
    result = read(f"{line('IAM:bob', 'rob', action='rename ')}\r\n\n", tmp_path)
    (row,) = records(result, tmp_path)

    assert row == {
        "object_id": item("userlog").object_id,
        "ordinal": 1,
        "at_ms": AT_MS,
        "slot": AT_MS // SLOT_MS,
        "user_id": 104,
        "user_name": "bob",
        "old_name": "rob",
        "action": "rename",
        "create_db": True,
        "superuser": False,
        "catupd": False,
        "valid_until": "never",
        "pid": 29415,
        "xid": 1101,
        "has_bad_bytes": False,
    }
    assert (result.records, result.bad, result.first_ms) == (1, 0, AT_MS)
    schema = pq.read_schema(tmp_path / result.files[USER_CHANGE])
    assert schema.equals(arrow_schema(USER_CHANGE))


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        pytest.param(NEVER, "never", id="the largest integer is never"),
        pytest.param("infinity", "never", id="infinity is never"),
        pytest.param("", "", id="nothing told"),
        pytest.param("0", "2000-01-01T00:00:00+00:00", id="microseconds since 2000"),
        pytest.param("2027-01-31 00:00:00", "2027-01-31T00:00:00", id="a date"),
        pytest.param("soon", "soon", id="anything else as logged"),
        pytest.param("9" * 18, "9" * 18, id="a number beyond all years as logged"),
    ],
)
def test_when_a_password_ends_is_told(logged: str, expected: str) -> None:
    assert parse(line(until=logged))["valid_until"] == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (line("a|b"), "12 columns"),
        ("104|alice", "2 columns"),
        (line(user="x"), "column 1 is no integer"),
        (line(action="<b>"), "column 4 is no action"),
        (line(flags="1|2|0"), "column 6 is neither 0 nor 1"),
        (line(at="yesterday"), "column 11 is no time"),
        (line("x" * 70_000), "longer than"),
    ],
)
def test_a_line_that_is_no_record_is_quarantined(text: str, reason: str, tmp_path: Path) -> None:
    result = read(f"{line()}\n{text}\n{line()}\n", tmp_path)
    (row,) = bad(result, tmp_path)

    assert (result.records, result.bad) == (2, 1)
    assert (row["ordinal"], row["log_type"], row["line"]) == (2, "userlog", text[:2000])
    assert reason in row["reason"]


def test_bytes_that_are_no_utf8_are_flagged(tmp_path: Path) -> None:
    (row,) = records(read((line("caf\xe9") + "\n").encode("latin-1"), tmp_path), tmp_path)

    assert (row["user_name"], row["has_bad_bytes"]) == ("caf\\xe9", True)


@pytest.mark.parametrize("length", range(1, len(line()) + 1))
def test_an_unended_last_line_is_a_record_only_when_whole(length: int, tmp_path: Path) -> None:
    result = read(f"{line()}\n{line()[:length]}", tmp_path)

    assert result.records == 2
    assert len(records(result, tmp_path)) == 1 + (length == len(line()))
    assert (result.tail is None) == (length == len(line()))


@given(st.text(st.characters(exclude_characters="|\n", exclude_categories=("Cs",)), max_size=20))
def test_any_name_comes_back(name: str) -> None:
    assert parse(line(f"IAM:x{name}", name))["user_name"] == f"x{name}"


SAMPLES = Path(os.environ.get("LOG_SAMPLES", "."))


@pytest.mark.samples
@pytest.mark.parametrize(
    "name",
    ["signalfx-aws-log-collector/redshift_userlog.log", "documentation/userlog_2021-06-22.txt"],
)
def test_published_lines_are_read_whole(name: str, tmp_path: Path) -> None:
    result = read((SAMPLES / name).read_bytes(), tmp_path)

    assert (result.records, result.bad, result.head, result.tail) == (2, 0, None, None)
    found = records(result, tmp_path)
    assert [(row["user_name"], row["action"]) for row in found] == [
        ("rdsdb", "alter"),
        ("awsuser", "create"),
    ]
    assert {row["valid_until"] for row in found} == {"never"}
