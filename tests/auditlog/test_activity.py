"""The activity log: records, their texts and marks, whatever the bytes are."""

from __future__ import annotations

import gzip
import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.auditlog import activity, records
from agent.auditlog.activity import read_activity
from agent.auditlog.objects import ObjectStatus
from agent.auditlog.records import Edges, fields_of, whole_records
from agent.auditlog.schema import ACTIVITY, SLOT_MS, arrow_schema, file_of
from agent.auditlog.statements import classify
from tests.auditlog.activity_samples import everything, header, item, read, texts

H = header()
AT_MS = 1791158403000


def test_a_record_becomes_a_row(tmp_path: Path) -> None:
    (row,), _, _ = everything(tmp_path, f"{header(9, user='IAM:bob')}create user x;\n")

    assert row == {
        "object_id": item().object_id,
        "ordinal": 1,
        "at_ms": AT_MS,
        "slot": AT_MS // SLOT_MS,
        "db_name": "prod",
        "user_name": "bob",
        "identity": "IAM",
        "user_id": 104,
        "pid": 1073979586,
        "xid": 9,
        "statement_no": 1,
        "statements": 1,
        "verb": "CREATE USER",
        "verb_class": "DCL",
        "object_name": "x",
        "is_internal": False,
        "is_duplicate": False,
        "is_unfiltered": False,
        "is_stitched": False,
        "is_cut": False,
        "has_bad_bytes": False,
        "query_text": "create user x",
        "fingerprint": "create user x",
    }


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param(f"select 1 -- {H}drop table x\nfrom t", id="a-header-in-mid-line"),
        pytest.param(f"select\n {H}x", id="a-header-behind-a-blank"),
        pytest.param(
            "select\n'open' as state,\n'2026-10-05T00:00:03Z UTC [ db=' as x", id="quotes"
        ),
        pytest.param("select\n'2026-10-05T00:00:03Z UTC [ db=a user=b pid=x ]' LOG: ", id="no-pid"),
        pytest.param(
            "select\n'2026-13-05T00:00:03Z UTC [ db=a user=b pid=1 userid=1 xid=1 ]' LOG: ",
            id="no-such-month",
        ),
        pytest.param("select line from app where line like '% LOG: %'", id="LOG-in-the-SQL"),
        pytest.param("select *\r\nfrom t\r\n\r\nwhere a\r", id="CRLF"),
        pytest.param("\n\nselect 'größer 売上'\n\n\n", id="blank-lines-and-unicode"),
        pytest.param("select '\0' -- \x0b\x0c\x1b", id="control-characters"),
        pytest.param("", id="nothing"),
    ],
)
def test_the_text_of_a_record_is_kept_byte_for_byte(sql: str, tmp_path: Path) -> None:
    assert texts(tmp_path, f"{H}{sql}\n{H}{sql}\n{H}select 2\n") == [sql, sql, "select 2"]


@pytest.mark.parametrize(
    "user",
    ["a b", 'o"x', "svc-x@host", "x ]'", "a pid=1", "it's", "", "größe", "<b>", "a user=b"],
)
def test_odd_names_are_names(user: str, tmp_path: Path) -> None:
    found, _, _ = everything(tmp_path, f"{header(user=user, db='my db')}select 1\n{H}select 2\n")

    assert [(row["db_name"], row["user_name"], row["pid"]) for row in found] == [
        ("my db", user, 1073979586),
        ("prod", "bob", 1073979586),
    ]


def test_a_whole_forged_header_is_a_record_for_others_to_judge(tmp_path: Path) -> None:
    forged = header(1, user="rdsdb")

    assert texts(tmp_path, f"{H}select 1,\n{forged}select 2\n") == ["select 1,", "select 2"]


def test_the_beginning_of_a_header_does_not_swallow_a_true_one(tmp_path: Path) -> None:
    begun = "'2026-10-05T00:00:03Z UTC [ db=x user=y"

    assert texts(tmp_path, f"{H}select 1\n{begun}\n{H}drop table t\n") == [
        f"select 1\n{begun}",
        "drop table t",
    ]


def test_bytes_that_are_no_utf_8_are_written_out_and_flagged(tmp_path: Path) -> None:
    raw = f"{H}select 'é'\n{H}select '".encode() + b"M\xfcller \xed\xa0\x80';\n" + H.encode()
    found, _, _ = everything(tmp_path, raw + b"select 3\n" + H.encode() + b"\xff\n")

    assert [(row["query_text"], row["has_bad_bytes"]) for row in found] == [
        ("select 'é'", False),
        ("select 'M\\xfcller \\xed\\xa0\\x80'", True),
        ("select 3", False),
        ("\\xff", True),
    ]


def test_a_name_that_is_no_utf_8_is_flagged_too(tmp_path: Path) -> None:
    raw = H.encode().replace(b"bob", b"b\xffb") + b"select 1\n"
    (row,), _, _ = everything(tmp_path, raw)

    assert (row["user_name"], row["has_bad_bytes"]) == ("b\\xffb", True)


def test_a_record_of_several_statements_has_a_row_for_each(tmp_path: Path) -> None:
    several = "begin;create /*;*/ user x;delete from t;commit;"
    found, _, (result,) = everything(tmp_path, f"{H}select 0\n{H}{several}\n{H}select 9\n")

    keys = ("ordinal", "statement_no", "statements", "verb", "is_unfiltered", "xid")
    assert [tuple(row[key] for key in keys) for row in found] == [
        (1, 1, 1, "SELECT", False, 7),
        (2, 1, 4, "BEGIN", False, 7),
        (2, 2, 4, "CREATE USER", False, 7),
        (2, 3, 4, "DELETE", True, 7),
        (2, 4, 4, "COMMIT", False, 7),
        (3, 1, 1, "SELECT", False, 7),
    ]
    assert (result.records, result.statements) == (3, 5)


@pytest.mark.parametrize(
    ("user", "sql", "is_so"),
    [
        ("rdsdb", "select 1", True),
        ("rdsdb", "begin; grant a to b", True),
        ("IAM:rdsdb", "select 1", False),
        ("bob", "Undoing transaction 3 on table 7", True),
        ("bob", "Undo on 3 tables", True),
        ("bob", "select 1 /* INTERNAL QUERY */", True),
        ("bob", "select a\ncontext: SQL statement", True),
        ("bob", "grant all on t to bob /* INTERNAL QUERY */", False),
        ("bob", "delete from t -- Undoing transaction", False),
        ("bob", "Undo on x; grant all on t to bob", False),
        ("bob", "select 1 /* INTERNAL QUERY */; drop table t", False),
        ("bob", "select * from cards where id = $1", False),
    ],
)
def test_what_is_the_services_own_is_told_and_hides_no_change(
    user: str, sql: str, is_so: bool, tmp_path: Path
) -> None:
    found, _, _ = everything(tmp_path, f"{header(user=user)}{sql}\n{header()}select 2\n")

    assert [row["is_internal"] for row in found] == [is_so] * (len(found) - 1) + [False]


@pytest.mark.parametrize(
    ("first", "second", "is_so"),
    [
        pytest.param({}, {"sql": "select a;"}, True, id="with-a-semicolon"),
        pytest.param({}, {"sql": "/* x */ select a"}, True, id="behind-a-comment"),
        pytest.param({}, {"second": 4}, True, id="a-second-later"),
        pytest.param({}, {"second": 5}, False, id="two-seconds-later"),
        pytest.param({}, {"xid": 8}, False, id="in-another-transaction"),
        pytest.param({}, {"pid": 9}, False, id="in-another-session"),
        pytest.param({}, {"sql": "select b"}, False, id="another-text"),
        pytest.param({"sql": "fetch 10 from c"}, {"sql": "fetch 10 from c"}, False, id="fetch"),
        pytest.param(
            {"sql": "select 'a'" + " " * 3000 + "x"},
            {"sql": "select 'a'" + " " * 3000 + "x;"},
            True,
            id="a-long-text",
        ),
    ],
)
def test_a_drivers_second_copy_is_marked(
    first: dict[str, Any], second: dict[str, Any], is_so: bool, tmp_path: Path
) -> None:
    def record(sql: str = "select a", **told: Any) -> str:
        return f"{header(**told)}{sql}\n"

    between = record("select between", pid=77)
    found, _, _ = everything(tmp_path, record(**first) + between + record(**second) + between)

    assert [row["is_duplicate"] for row in found[:3]] == [False, False, is_so]


def test_the_files_have_the_schema_of_the_table(tmp_path: Path) -> None:
    result = read(f"{H}select 1; select 2\n{H}select 3\n", tmp_path)

    path = tmp_path / result.files[ACTIVITY]
    assert result.files == {ACTIVITY: file_of(ACTIVITY, item())}
    assert pq.read_schema(path).equals(arrow_schema(ACTIVITY))
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_counters_and_edges_are_told(tmp_path: Path) -> None:
    plain = f"rest\n{header(second=9)}select 1\n{header(second=2)}select 2\n{header(second=5)}x\n"
    result = read(plain, tmp_path)

    assert (result.status, result.records, result.statements) == (ObjectStatus.READ, 3, 2)
    assert (result.first_ms, result.last_ms) == (AT_MS - 1000, AT_MS + 6000)
    assert result.head is not None
    assert result.head.text == "rest"
    assert result.tail is not None
    assert result.tail.text == f"{header(second=5)}x\n"
    assert (result.tail_ordinal, result.plain_bytes) == (3, len(plain))


PLAIN = "".join(f"{header(n)}fetch {n} in t_{n};\n" for n in range(2000)).encode()


@pytest.mark.parametrize(
    ("stored", "status", "records"),
    [
        pytest.param(
            gzip.compress(PLAIN[:54_012]) + gzip.compress(PLAIN[54_012:]),
            ObjectStatus.READ,
            2000,
            id="two-members",
        ),
        pytest.param(PLAIN, ObjectStatus.READ, 2000, id="plain-text"),
        pytest.param(b"", ObjectStatus.EMPTY, 0, id="no-byte"),
        pytest.param(gzip.compress(b""), ObjectStatus.EMPTY, 0, id="a-gzip-of-nothing"),
        pytest.param(b"\x1f\x8bnothing", ObjectStatus.UNREADABLE, 0, id="no-gzip-behind-its-magic"),
        pytest.param(b"\x89PNG\0\0", ObjectStatus.UNREADABLE, 0, id="another-file"),
        pytest.param(gzip.compress(PLAIN) + b"junk", ObjectStatus.DAMAGED, 2000, id="junk-behind"),
    ],
)
def test_objects_of_every_make_are_read(
    stored: bytes, status: ObjectStatus, records: int, tmp_path: Path
) -> None:
    result = read("", tmp_path, stored=stored)

    assert (result.status, result.records) == (status, records)
    assert bool(result.reason) is (status in (ObjectStatus.DAMAGED, ObjectStatus.UNREADABLE))
    assert bool(result.files) is (records > 0)


def test_what_precedes_the_cut_of_a_truncated_object_is_in_the_table(tmp_path: Path) -> None:
    stored = gzip.compress(PLAIN)
    result = read("", tmp_path, stored=stored[: len(stored) // 2])
    found = pq.read_table(tmp_path / result.files[ACTIVITY]).to_pylist()

    assert result.status is ObjectStatus.DAMAGED
    assert result.records == len(found) + 1 > 500
    assert [row["query_text"] for row in found] == [
        f"fetch {n} in t_{n}" for n in range(len(found))
    ]


def test_a_stream_that_breaks_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "BLOCK", 5000)
    monkeypatch.setattr("agent.auditlog.activity_file.GROUP_BYTES", 1)

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if chunk := super().read(size):
                return chunk
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        read_activity(Broken(gzip.compress(PLAIN)), item(), tmp_path)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_a_record_longer_than_any_is_cut_and_flagged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (records, activity):
        monkeypatch.setattr(module, "MAX_RECORD", 5000)
    monkeypatch.setattr("agent.auditlog.activity_rows.MAX_RECORD", 5000)
    monkeypatch.setattr("agent.auditlog.activity_ends.MAX_RECORD", 5000)
    monkeypatch.setattr(activity, "BLOCK", 700)
    long = "select '" + "ü" * 9000 + "'"
    found, ends, (result,) = everything(
        tmp_path, f"{H}select 1\n{H}{long}\n{H}select 2\n{H}{long}\n"
    )

    assert [
        (row["query_text"][:8], len(row["query_text"].encode()), row["is_cut"]) for row in found
    ] == [
        ("select 1", 8, False),
        ("select '", 5000, True),
        ("select 2", 8, False),
        ("select '", 5000, True),
    ]
    assert (result.records, result.reason) == (4, activity.TOO_LONG)
    assert ends.cut == (item().key,)


def test_the_last_record_is_cut_where_it_is_too_long_and_not_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("activity", "activity_ends", "activity_rows", "records"):
        monkeypatch.setattr(f"agent.auditlog.{name}.MAX_RECORD", 5000)
    _, ends, (result,) = everything(tmp_path, f"{H}select 1\n{H}select {'1' * 9000}\n")

    assert (result.reason, ends.cut) == ("", (item().key,))


def test_an_object_without_any_header_is_all_head(tmp_path: Path) -> None:
    result = read("from t\nwhere x\n", tmp_path)

    assert result.head is not None
    assert result.head.text == "from t\nwhere x\n"
    assert (result.status, result.records, result.tail, result.files) == (
        ObjectStatus.READ,
        0,
        None,
        {},
    )


def test_a_head_longer_than_any_record_is_cut_and_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (records, activity):
        monkeypatch.setattr(module, "MAX_RECORD", 3000)
    monkeypatch.setattr(activity, "BLOCK", 700)
    result = read("x\n" * 9000 + f"{H}select 1\n", tmp_path)
    (row,) = pq.read_table(tmp_path / result.files["bad_line"]).to_pylist()

    assert result.head is not None
    assert len(result.head.text) == 3000
    assert (result.bad, result.records, row["reason"]) == (1, 1, activity.HEAD_TOO_LONG)


def test_a_blank_before_the_first_header_is_no_text(tmp_path: Path) -> None:
    result = read(f"\ufeff {H}select 1\n", tmp_path)

    assert (result.records, result.head) == (1, None)


BITS = [
    H,
    header(8, user="a b"),
    "\n",
    "\r\n",
    "'",
    "\n'",
    "select 1",
    ";",
    " LOG: ",
    "'2026-10-05T00:00:03Z",
    "é",
    "\n" + H,
    "commit",
    "--",
    "/*",
    "*/",
    '"',
    "$$",
    "into ",
    "insert into t values (1)",
    "\\",
    "create user x",
    " where ",
    "delete from t",
    "\n" + H + "select 2;",
]
LOGS = st.lists(st.sampled_from(BITS), max_size=25).map("".join)


def split(plain: bytes, size: int) -> tuple[list[tuple[bytes, ...]], Edges]:
    """The records but the last, and the edges, from blocks of a size."""
    edges, found = Edges(), []
    blocks = (plain[at : at + size] for at in range(0, len(plain), size))
    for whole in whole_records(blocks, edges):
        fields = fields_of(whole)
        found += zip(fields.times, fields.sessions, fields.xids, fields.texts, strict=True)
    return found, edges


@settings(max_examples=200, deadline=None)
@given(log=LOGS, size=st.integers(1, 400))
def test_blocks_of_any_size_give_the_same_records(log: str, size: int) -> None:
    raw = log.encode()

    assert split(raw, size) == split(raw, len(raw) or 1)


@settings(max_examples=200, deadline=None)
@given(log=LOGS, size=st.integers(1, 400))
def test_no_byte_of_an_object_is_lost(log: str, size: int) -> None:
    raw = log.encode()
    found, edges = split(raw, size)
    times = rb"'%s" % b"2026-10-05T00:00:03Z UTC ["
    again = [
        b"'" + at + b"Z UTC [ " + session + b" xid=" + xid + b" ]' LOG: " + text
        for at, session, xid, text in found
    ]
    parts = [part for part in (edges.head, *again, edges.tail) if part is not None]

    assert b"\n".join(parts) == raw
    assert all(part.startswith(times) for part in again)


SQL = st.lists(st.sampled_from([bit for bit in BITS if "LOG" not in bit]), max_size=8).map("".join)


@settings(max_examples=40, deadline=None)
@given(st.lists(SQL, min_size=1, max_size=12))
def test_every_record_is_there_and_classified_as_its_text_alone(sqls: list[str]) -> None:
    with TemporaryDirectory() as folder:
        found, _, (result,) = everything(
            Path(folder), "".join(f"{header(n)}{sql}\n" for n, sql in enumerate(sqls))
        )
    expected = [
        (n + 1, at, one.verb, one.verb_class, one.object_name, one.is_unfiltered, one.text)
        for n, sql in enumerate(sqls)
        for at, one in enumerate(classify(sql), 1)
    ]
    keys = (
        "ordinal",
        "statement_no",
        "verb",
        "verb_class",
        "object_name",
        "is_unfiltered",
        "query_text",
    )

    assert result.records == len(sqls)
    assert [tuple(row[key] for key in keys) for row in found] == expected


@pytest.mark.samples
def test_real_logs_come_out_record_for_record(samples: Path, tmp_path: Path) -> None:
    whole = re.compile(r"^ ?'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ UTC \[ db=.*? \]' LOG: ", re.MULTILINE)
    logs = sorted(samples.rglob("*useractivitylog*.txt")) + sorted(
        samples.rglob("*useractivitylog.log")
    )
    assert len(logs) >= 5
    for number, path in enumerate(logs):
        text = path.read_text(encoding="utf-8")
        found, _, (result,) = everything(tmp_path / str(number), text)
        expected = [one.removesuffix("\n") for one in whole.split(text)[1:]]

        assert [row["query_text"] for row in found] == [one.removesuffix(";") for one in expected]
        assert (result.records, result.head) == (len(expected), None)
