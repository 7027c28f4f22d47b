"""The connection log: every layout, stray separators, damage; nothing is lost or mis-parsed."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.auditlog import connection_line
from agent.auditlog.connection import decode, read_connection
from agent.auditlog.identity import identity_of
from agent.auditlog.line_files import LineError, Lines, time_ms
from agent.auditlog.objects import ObjectResult, ObjectStatus
from agent.auditlog.schema import CONNECTION, SLOT_MS, arrow_schema
from tests.auditlog import line_samples as sample
from tests.auditlog.line_samples import AT_MS, LAYOUTS, bad, item, line, records, stored, written

NAMES = {
    6: "db_name",
    8: "auth_method",
    10: "tls_version",
    11: "tls_cipher",
    15: "iam_guid",
    16: "application_name",
    17: "os_version",
    18: "driver_version",
    19: "plugin_name",
    20: "protocol_version",
    21: "session_id",
    22: "compression",
}
"""Columns that are kept as logged, counted from 1."""


def read(plain: bytes | str, curated: Path) -> ObjectResult:
    """One object of the connection log, read."""
    return read_connection(stored(plain), item(), curated)


@pytest.mark.parametrize("layout", [*LAYOUTS, 17, 18, 20])
def test_every_layout_is_read_and_absent_columns_are_empty(layout: int, tmp_path: Path) -> None:
    result = read(line(layout) + "\n", tmp_path)
    (row,) = records(result, tmp_path)

    for column, name in NAMES.items():
        assert row[name] == (sample.COLUMNS[column - 1] if column <= layout else ""), name
    assert row["columns"] == layout
    assert (row["event"], row["at_ms"], row["slot"]) == ("authenticated", AT_MS, AT_MS // SLOT_MS)
    assert (row["remote_host"], row["remote_port"], row["pid"]) == ("10.1.2.3", 53211, 1073741850)
    assert (row["user_name"], row["identity"], row["duration_us"]) == ("alice", "local", 0)
    assert not row["is_repaired"]
    assert not row["has_bad_bytes"]
    assert row["object_id"] == item().object_id
    assert (result.records, result.bad, result.tail, result.head) == (1, 0, None, None)
    assert result.first_ms == result.last_ms == AT_MS


def test_the_file_has_the_tables_schema(tmp_path: Path) -> None:
    result = read(f"{line()}\n{line(c16='a|b')}\n", tmp_path)

    schema = pq.read_schema(tmp_path / result.files[CONNECTION])
    assert schema.equals(arrow_schema(CONNECTION))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"c3": "[local]", "c4": ""}, {"remote_host": "local", "remote_port": None},
                     id="a local session has no port"),
        pytest.param({"c3": "::FFFF:10.0.0.7"}, {"remote_host": "10.0.0.7"}, id="mapped IPv6"),
        pytest.param({"c3": "::ffff:nonsense"}, {"remote_host": "::ffff:nonsense"},
                     id="what only looks mapped stays"),
        pytest.param({"c3": "::1"}, {"remote_host": "::1"}, id="plain IPv6 stays"),
        pytest.param({"c4": "66790"}, {"remote_port": 66790}, id="a port is not validated"),
        pytest.param({"c7": "IAM:bob", "c8": "IAM AssumeUser"},
                     {"user_name": "bob", "identity": "IAM"}, id="IAM user"),
        pytest.param({"c7": "IAMR:etl"}, {"user_name": "etl", "identity": "IAMR"}, id="IAM role"),
        pytest.param({"c7": ""}, {"user_name": "", "identity": "local"}, id="no user name"),
        pytest.param({"c7": " a 'b\"; -- "}, {"user_name": " a 'b\"; -- "}, id="a hostile name"),
        pytest.param({"c7": "a\rb\x00c"}, {"user_name": "a\rb\x00c"}, id="control characters"),
        pytest.param({"c2": "Thu, 1 Oct 2026 10:20:30:456"}, {"at_ms": AT_MS}, id="day unpadded"),
        pytest.param({"c2": "Thu, 01 Oct 2026 10:20:30:5"}, {"at_ms": AT_MS - 451},
                     id="milliseconds are an integer"),
        pytest.param({"c2": "Mon, 01 Oct 2026 10:20:30:456"}, {"at_ms": AT_MS},
                     id="a wrong weekday does not matter"),
        pytest.param({"c1": "Terminating backend on administrator's request"},
                     {"event": "terminating backend on administrator's request"},
                     id="events are in lower case"),
        pytest.param({"c9": "9007199254740993"}, {"duration_us": 9007199254740993},
                     id="durations have 64 bits"),
        pytest.param({"c10": "", "c11": ""}, {"tls_version": "", "tls_cipher": ""}, id="no TLS"),
    ],
)  # fmt: skip
def test_a_column_is_read_as_it_should(
    changed: dict[str, str], expected: dict[str, object], tmp_path: Path
) -> None:
    (row,) = records(read(line(**changed) + "\n", tmp_path), tmp_path)

    assert {name: row[name] for name in expected} == expected


def neighbours(layout: int, odd: str, tmp_path: Path) -> tuple[ObjectResult, dict[str, object]]:
    """An odd line among well-formed ones, and the second record."""
    result = read("\n".join([line(layout), odd, line(layout), line(layout)]) + "\n", tmp_path)
    return result, records(result, tmp_path)[1]


STRAY = [
    (layout, name)
    for name in ("a|b", "|", "a |b", "| |x ||", "x |Linux |driver |none |0|abc")
    for layout in (16, 19, 21, 22)
    # What makes a well-formed line of another layout, nothing tells apart.
    if layout > 20 or line(layout, c16=name).count("|") + 1 not in LAYOUTS
]


@pytest.mark.parametrize(("layout", "name"), STRAY)
def test_a_stray_separator_goes_back_into_the_applications_name(
    layout: int, name: str, tmp_path: Path
) -> None:
    result, row = neighbours(layout, line(layout, c16=name), tmp_path)

    assert (result.records, result.bad) == (4, 0)
    assert row["application_name"] == name
    assert row["is_repaired"]
    for column, each in NAMES.items():
        if column != 16:
            assert row[each] == (sample.COLUMNS[column - 1] if column <= layout else "")


@pytest.mark.parametrize("column", [17, 18, 19])
def test_a_separator_without_a_space_before_it_stays_where_it_is(
    column: int, tmp_path: Path
) -> None:
    _, row = neighbours(21, line(**{f"c{column}": "a|b"}), tmp_path)

    assert (row[NAMES[column]], row["application_name"]) == ("a|b", "psql")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x", "1 columns"),
        (line().replace("authenticated", 'dir="ltr">authenticated'), "column 1 is no event"),
        (line(c1="session"), "column 1 is no event"),
        (line(c2="Thu, 31 Sep 2026 10:20:30:456"), "column 2 is no time"),
        (line(c2="Thu, 01 Okt 2026 10:20:30:456"), "column 2 is no time"),
        (line(c2="Thu, 01 Oct 2026 24:20:30:456"), "column 2 is no time"),
        (line(c2="Thu, 01 Oct 2026 10:20:60:456"), "column 2 is no time"),
        (line(c2="Thu, 01 Oct 2026 10:20:30.456"), "column 2 is no time"),
        (line(c2="2026-10-01T10:20:30Z"), "column 2 is no time"),
        (line(c2=""), "column 2 is no time"),
        (line(c5="12a"), "column 5 is no integer"),
        (line(c5="1" * 19), "column 5 is no integer"),
        (line(c9=""), "column 9 is no integer"),
        (line(c12="-1"), "column 12 is no integer"),
        (line(c4="http"), "column 4 is no port"),
        (line(c7="a|b"), "column 9 is no integer"),
        (line().replace("dev |", "dev|"), "column 6 has no space at its end"),
        (line(c20="x"), "column 20 is no protocol version"),
        (line(c21="<b>"), "column 21 is no session id"),
        (line(c20="x", c16="a|b|c"), "no telling which"),
    ],
)
def test_a_line_that_is_no_record_is_quarantined_with_its_number_and_why(
    text: str, reason: str, tmp_path: Path
) -> None:
    result = read(f"{line()}\n\n{text}\n{line()}\n", tmp_path)
    (row,) = bad(result, tmp_path)

    assert (result.records, result.bad) == (2, 1)
    assert reason in row["reason"]
    assert (row["ordinal"], row["line"], row["at_ms"]) == (3, text, None)
    assert [each["ordinal"] for each in records(result, tmp_path)] == [1, 4]


def test_bytes_that_are_no_utf8_are_written_as_escapes_and_flagged(tmp_path: Path) -> None:
    damaged = line(c16="caf\xe9").encode("latin-1")
    result = read(b"\n".join([line().encode(), damaged, b"\xff\xfe", b""]), tmp_path)
    first, second = records(result, tmp_path)
    (worse,) = bad(result, tmp_path)

    assert not first["has_bad_bytes"]
    assert (second["application_name"], second["has_bad_bytes"]) == ("caf\\xe9", True)
    assert worse["line"] == "\\xff\\xfe"


def test_flags_stay_with_their_lines_when_there_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.auditlog.line_files.FEW", 3)
    lines = [line(c7=f"u{n}\xe9" if n in (2, 7) else f"u{n}") for n in range(1, 9)]
    result = read(("\n".join(lines) + "\n").encode("latin-1"), tmp_path)

    found = records(result, tmp_path)
    assert [row["ordinal"] for row in found if row["has_bad_bytes"]] == [2, 7]


def test_carriage_returns_and_blank_lines_are_no_part_of_records(tmp_path: Path) -> None:
    result = read(f"\r\n{line(16)}\r\n  \r\n\r\n{line(16)}\r", tmp_path)

    assert [row["ordinal"] for row in records(result, tmp_path)] == [2, 5]
    assert [row["application_name"] for row in records(result, tmp_path)] == ["psql", "psql"]
    assert (result.bad, result.head, result.tail) == (0, None, None)


def test_layouts_may_change_within_an_object_and_the_order_stays(tmp_path: Path) -> None:
    lines = [line(layout, c7=f"u{n}") for n, layout in enumerate([16, 22, 19, 21, 16, 15])]
    lines.insert(3, line(22, c16="x|y", c7="odd"))
    found = records(read("\n".join(lines) + "\n", tmp_path), tmp_path)

    assert [row["ordinal"] for row in found] == list(range(1, 8))
    assert [row["user_name"] for row in found] == ["u0", "u1", "u2", "odd", "u3", "u4", "u5"]


@pytest.mark.parametrize("size", [3, 20, 65_536, 10**6])
def test_blocks_may_end_anywhere(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.auditlog.line_files.BLOCK", size)
    monkeypatch.setattr("agent.auditlog.line_files.FEW", 10)
    lines = [line(c7=f"ü{n}") if n % 7 else "oops" for n in range(1, 60)]
    result = read("\n".join(lines) + "\n", tmp_path)

    found = records(result, tmp_path)
    assert [row["ordinal"] for row in found] == [n for n in range(1, 60) if n % 7]
    assert [row["user_name"] for row in found] == [f"ü{n}" for n in range(1, 60) if n % 7]
    assert [row["ordinal"] for row in bad(result, tmp_path)] == [7, 14, 21, 28, 35, 42, 49, 56]


@pytest.mark.parametrize("size", [1000, 10**6])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n" + line() + "\n"])
def test_a_line_without_end_costs_only_itself_and_little_memory(
    size: int, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.auditlog.line_files.BLOCK", size)
    result = read(f"{line()}\n{line(c16='x' * 70_000)}{end}", tmp_path)
    (row,) = bad(result, tmp_path)

    assert result.records == 1 + (len(end) > 2)
    assert (row["ordinal"], len(row["line"])) == (2, 2000)
    assert row["reason"] == "longer than 65,536 bytes"


@pytest.mark.parametrize(
    ("stored_bytes", "status", "count"),
    [
        pytest.param(b"", ObjectStatus.EMPTY, 0, id="no byte"),
        pytest.param(gzip.compress(b""), ObjectStatus.EMPTY, 0, id="a gzip of nothing"),
        pytest.param(gzip.compress((line() + "\n").encode()) * 2, ObjectStatus.READ, 2,
                     id="two members"),
        pytest.param((line() + "\n").encode(), ObjectStatus.READ, 1, id="plain text"),
        pytest.param(gzip.compress((line() + "\n").encode())[:-4], ObjectStatus.DAMAGED, 1,
                     id="a truncated gzip"),
        pytest.param(b"\x1f\x8bnonsense", ObjectStatus.UNREADABLE, 0, id="no gzip"),
    ],
)  # fmt: skip
def test_damage_costs_only_itself(
    stored_bytes: bytes, status: ObjectStatus, count: int, tmp_path: Path
) -> None:
    result = read_connection(io.BytesIO(stored_bytes), item(), tmp_path)

    assert (result.status, result.records) == (status, count)
    assert bool(result.reason) == (status in (ObjectStatus.DAMAGED, ObjectStatus.UNREADABLE))
    assert len(result.files) == bool(count)


class Broken(io.BytesIO):
    """A stream that breaks."""

    def read(self, size: int | None = -1, /) -> bytes:
        """The beginning, then an error."""
        if data := super().read(size):
            return data
        raise OSError("gone")


def test_a_stream_that_breaks_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.auditlog.line_files.BLOCK", 200)
    with pytest.raises(OSError, match="gone"):
        read_connection(Broken((line() + "\n").encode() * 9), item(), tmp_path)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@settings(max_examples=60)
@given(st.lists(sample.well_formed(), min_size=1, max_size=8))
def test_any_well_formed_line_comes_back_field_by_field(lines: list[list[str]]) -> None:
    table = decode(Lines(1, [written(columns) for columns in lines]), item(), 0).table

    assert table is not None
    assert table.num_rows == len(lines)
    for columns, row in zip(lines, table.to_pylist(), strict=True):
        for column, name in NAMES.items():
            assert row[name] == (columns[column - 1] if column <= len(columns) else "")
        assert row["at_ms"] == time_ms(columns[1])
        assert (row["user_name"], row["identity"]) == identity_of(columns[6])
        assert row["remote_port"] == (int(columns[3]) if columns[3] else None)
        assert (row["pid"], row["duration_us"]) == (int(columns[4]), int(columns[8]))
        assert (row["columns"], row["is_repaired"]) == (len(columns), False)


_MESS = st.text("|ab 0\r", max_size=6)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(sample.well_formed(), st.integers(0, 21), _MESS, st.booleans()),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([0, 16, 17, 21]),
)
def test_the_fast_way_agrees_with_the_grammar_line_by_line(
    drawn: list[tuple[list[str], int, str, bool]], layout: int
) -> None:
    texts = []
    for columns, at, mess, is_raw in drawn:
        pieces = list(columns)
        if not is_raw:
            pieces[at % len(pieces)] = mess
        texts.append(written(pieces))
    decoded = decode(Lines(1, texts), item(), layout)
    found = {row["ordinal"]: row for row in (decoded.table.to_pylist() if decoded.table else [])}

    # Which layout the lines around have can differ only where that settles a stray separator.
    for number, text in enumerate(texts, 1):
        around = {layout, *(len(text.split("|")) for text in texts)}
        outcomes = [_outcome(text, each) for each in around]
        row = found.get(number)
        if row is not None:
            row = {key: row[key] for key in row if key not in ("object_id", "ordinal")}
        assert row in outcomes


def _outcome(text: str, layout: int) -> dict[str, object] | None:
    try:
        return dict(connection_line.parse(text, layout))
    except LineError:
        return None


@settings(max_examples=40)
@given(st.lists(st.one_of(
    st.binary(max_size=40),
    sample.well_formed().map(lambda columns: written(columns).encode()),
    st.tuples(sample.well_formed(), st.integers(0, 300)).map(
        lambda pair: written(pair[0]).encode()[: pair[1]]
    ),
), max_size=10))  # fmt: skip
def test_every_line_is_a_record_or_a_bad_line_or_an_edge(lines: list[bytes]) -> None:
    plain = b"\n".join(lines)
    with tempfile.TemporaryDirectory() as folder:
        result = read_connection(io.BytesIO(gzip.compress(plain)), item(), Path(folder))
        numbers = [row["ordinal"] for row in records(result, Path(folder))]
        worse = [row["ordinal"] for row in bad(result, Path(folder))]

    edges = [1] * (result.head is not None)
    edges += [result.tail_ordinal] * (result.tail is not None)
    filled = [
        number
        for number, text in enumerate(plain.split(b"\n"), 1)
        if text.decode("utf-8", "backslashreplace").strip()
    ]
    assert sorted(numbers + worse + edges) == filled
    assert result.records == len(numbers) + (result.tail is not None)
    assert result.bad == len(worse)


SAMPLES = Path(os.environ.get("LOG_SAMPLES", "."))


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "count", "layout"),
    [
        ("signalfx-aws-log-collector/redshift_connectionlog.log", 3, 19),
        ("aws-redshift-test-drive/connectionlog_rendered.txt", 3, 21),
        ("documentation/connectionlog_rejoined.txt", 2, 16),
        ("documentation/ibm_connectionlog.txt", 1, 21),
    ],
)
def test_published_lines_are_read_whole(name: str, count: int, layout: int, tmp_path: Path) -> None:
    result = read((SAMPLES / name).read_bytes(), tmp_path)
    found = records(result, tmp_path)

    assert (len(found), result.bad, result.head, result.tail) == (count, 0, None, None)
    assert {row["columns"] for row in found} == {layout}
    assert not any(row["is_repaired"] for row in found)
    assert all("Driver" not in row["os_version"] for row in found)


@pytest.mark.samples
def test_published_lines_damaged_by_markup_are_never_records(tmp_path: Path) -> None:
    path = SAMPLES / "documentation/connectionlog_as_published_html_damaged.txt"
    result = read(path.read_bytes(), tmp_path)

    assert records(result, tmp_path) == []
    lines = [text for text in path.read_text(encoding="utf-8").split("\n") if text.strip()]
    assert result.bad + (result.head is not None) + (result.tail is not None) == len(lines)


def test_dictionaries_never_reach_the_reader(tmp_path: Path) -> None:
    result = read(f"{line()}\n", tmp_path)

    types = pq.read_schema(tmp_path / result.files[CONNECTION]).types
    assert not any(pa.types.is_dictionary(each) for each in types)
