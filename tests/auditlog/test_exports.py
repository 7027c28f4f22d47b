"""CloudWatch exports: the same text comes out of them that Redshift would have delivered."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.auditlog import messages
from agent.auditlog.exports import ExportSource, source_at
from agent.auditlog.local import LocalSource
from agent.auditlog.messages import Pieces, type_of
from agent.auditlog.objects import Listing, Writer
from agent.auditlog.reading import Steady

FIRST, LAST = date(2026, 10, 1), date(2026, 11, 2)
TASK = "exports/0f0e1d2c-1111-2222-3333-444455556666"
SQL = "'2026-10-05T07:00:01Z UTC [ db=dev user=bob pid=7 userid=100 xid=9 ]' LOG: select 1\nfrom t"
CONNECTION = (
    "authenticated |Mon, 5 Oct 2026 07:00:00:123|1.2.3.4 |5 |7|dev |bob |password |0| | |0| | |"
)
USER = "100|bob||create|0|0|0||7|9|Mon, 05 Oct 2026 07:00:00:123"
AT = "2026-10-05T07:00:02.123Z "


def put(root: Path, key: str, text: str | bytes, *, zipped: bool = True) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data) if zipped else data)


def listed(root: Path) -> Listing:
    return ExportSource(LocalSource(root)).list(FIRST, LAST)


def text_of(root: Path, number: int = 0) -> str:
    source = ExportSource(LocalSource(root))
    with source.open(source.list(FIRST, LAST).objects[number]) as stream:
        steady = Steady(stream)
        text = steady.read()
    return (text + steady.broke.encode()).decode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("message", "log_type"),
    [(SQL, "useractivitylog"), (CONNECTION, "connectionlog"), (USER, "userlog"), ("hello", "")],
)
def test_the_log_of_a_message_is_told_by_its_form(message: str, log_type: str) -> None:
    assert type_of(message) == log_type


def test_an_export_task_becomes_the_text_of_the_log(tmp_path: Path) -> None:
    put(tmp_path, f"{TASK}/c1/000000.gz", f"{AT}{SQL}\n{AT}{SQL}\n")
    put(tmp_path, "exports/aws-logs-write-test", "Permission Check Successful", zipped=False)
    (found,) = listed(tmp_path).objects

    assert found.writer == Writer("unknown", "unknown", "c1")
    assert found.log_type == "useractivitylog"
    assert found.stamp == datetime(2026, 10, 5, 7, 0, 2, tzinfo=UTC)
    assert text_of(tmp_path) == f"{SQL}\n{SQL}\n"
    ((key, counts),) = [(one.key, one.counts) for one in listed(tmp_path).refused]
    assert (key, counts) == ("exports/aws-logs-write-test", False)


def test_a_time_at_the_beginning_of_a_line_of_sql_stays(tmp_path: Path) -> None:
    put(tmp_path, f"{TASK}/c1/000000.gz", f"{AT}{SQL}\n{AT}is a literal\n{AT}{SQL}\n")

    assert text_of(tmp_path) == f"{SQL}\n{AT}is a literal\n{SQL}\n"


def test_the_log_is_told_by_the_path_before_the_message(tmp_path: Path) -> None:
    put(tmp_path, "x/aws/redshift/cluster/c1/userlog/task/c1/000001.gz", f"{AT}no record\n")
    (found,) = listed(tmp_path).objects

    assert (found.log_type, found.writer.cluster) == ("userlog", "c1")
    assert text_of(tmp_path) == "no record\n"


def lines(*documents: Any) -> str:
    return "".join(json.dumps(one) for one in documents)


EVENT = {"timestamp": 1_791_183_600_000, "message": CONNECTION}
FIREHOSE = {
    "messageType": "DATA_MESSAGE",
    "owner": "111122223333",
    "logGroup": "/aws/redshift/cluster/c1/connectionlog",
    "logStream": "c1",
    "logEvents": [EVENT, EVENT],
}


@pytest.mark.parametrize(
    ("text", "writer", "expected"),
    [
        pytest.param(
            json.dumps(EVENT) + "\n" + json.dumps(EVENT) + "\n",
            Writer("unknown", "unknown", "unknown"),
            f"{CONNECTION}\n" * 2,
            id="JSON lines",
        ),
        pytest.param(
            lines(EVENT, EVENT),
            Writer("unknown", "unknown", "unknown"),
            f"{CONNECTION}\n" * 2,
            id="one after the other",
        ),
        pytest.param(
            lines({"messageType": "CONTROL_MESSAGE", "logEvents": [{}]}, FIREHOSE),
            Writer("111122223333", "unknown", "c1"),
            f"{CONNECTION}\n" * 2,
            id="a subscription's events",
        ),
        pytest.param(
            lines({"message": "odd"}, EVENT, {"message": "odder"}, {"other": 1}, [EVENT], 7),
            Writer("unknown", "unknown", "unknown"),
            f'odd\n{CONNECTION}\nodder\n{{"other": 1}}\n{json.dumps([EVENT])}\n7\n',
            id="what is no record stays, to be listed as bad",
        ),
        pytest.param(
            lines(EVENT) + '{"message": "cut o',
            Writer("unknown", "unknown", "unknown"),
            f"{CONNECTION}\nfrom some place on it is no JSON",
            id="JSON that breaks off",
        ),
        pytest.param(
            b'{"message": "' + CONNECTION.encode().replace(b"bob", b"b\xffb") + b'"}',
            Writer("unknown", "unknown", "unknown"),
            CONNECTION.replace("bob", "b\udcffb") + "\n",
            id="bytes that are no UTF-8",
        ),
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_json_becomes_the_text_of_the_log(
    tmp_path: Path, text: str | bytes, writer: Writer, expected: str, zipped: bool
) -> None:
    put(tmp_path, "x/2026/log.json", text, zipped=zipped)
    (found,) = listed(tmp_path).objects

    assert (found.writer, found.log_type) == (writer, "connectionlog")
    assert text_of(tmp_path) == expected


def test_streams_in_one_object_are_objects_of_their_own(tmp_path: Path) -> None:
    other = FIREHOSE | {"logStream": "c2"}
    users = FIREHOSE | {
        "logGroup": "/aws/redshift/cluster/c1/userlog",
        "logEvents": [{"message": USER}],
    }
    key = "f-1-2026-10-05-07-00-00-0f0e1d2c-1111-2222-3333-444455556666"
    put(tmp_path, key, lines(FIREHOSE, other, users), zipped=False)

    assert [one.key for one in listed(tmp_path).objects] == [
        f"{key}#c1/connectionlog",
        f"{key}#c1/userlog",
        f"{key}#c2/connectionlog",
    ]
    assert text_of(tmp_path, 1) == f"{USER}\n"
    assert text_of(tmp_path, 2) == f"{CONNECTION}\n" * 2


def test_clusters_of_one_name_in_two_accounts_are_told_apart(tmp_path: Path) -> None:
    """Serverless namespaces are often called `default`, and one stream collects all accounts."""
    mine, other = (
        FIREHOSE | {"owner": owner, "logEvents": [{"message": CONNECTION.replace("bob", owner)}]}
        for owner in ("111122223333", "444455556666")
    )
    put(tmp_path, "f.json", lines(mine, other, mine), zipped=False)
    found = listed(tmp_path).objects

    assert [one.key for one in found] == [
        f"f.json#{account}/c1/connectionlog" for account in ("111122223333", "444455556666")
    ]
    assert [one.writer.account for one in found] == ["111122223333", "444455556666"]
    assert text_of(tmp_path, 0) == 2 * f"{CONNECTION.replace('bob', '111122223333')}\n"
    assert text_of(tmp_path, 1) == f"{CONNECTION.replace('bob', '444455556666')}\n"


def test_more_streams_than_are_taken_are_refused_and_not_left_out(tmp_path: Path) -> None:
    streams = [FIREHOSE | {"logStream": f"c{number}"} for number in range(messages.STREAMS + 1)]
    put(tmp_path, "f.json", lines(*streams), zipped=False)
    found = listed(tmp_path)

    assert found.objects == ()
    assert [one.counts for one in found.refused] == [True]
    assert "more than 256 streams" in found.refused[0].reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"hello", "holds no message of an audit log", id="other text"),
        pytest.param(b'{"a": 1}', "holds no message of an audit log", id="other JSON"),
        pytest.param(b'{"a', "cannot be read: from some place on it is no JSON", id="no JSON"),
        pytest.param(
            gzip.compress(b"x" * 99)[:9], "cannot be read: the gzip is truncated", id="cut"
        ),
    ],
)
def test_what_looks_like_an_export_and_is_none_counts_as_missing(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    put(tmp_path, "a/000000.gz", data, zipped=False)
    (refused,) = listed(tmp_path).refused

    assert (refused.reason, refused.counts) == (reason, True)


def test_only_exports_that_begin_after_the_last_day_are_left_out(tmp_path: Path) -> None:
    for number, day in enumerate(("2026-08-01", "2026-11-02", "2026-11-03")):
        put(tmp_path, f"{TASK}/c1/00000{number}.gz", f"{day}T00:00:00.000Z {SQL}\n")

    assert [f"{one.stamp:%m-%d}" for one in listed(tmp_path).objects] == ["08-01", "11-02"]


def test_the_source_is_what_lies_there(tmp_path: Path) -> None:
    assert isinstance(source_at(str(tmp_path)), LocalSource)

    put(tmp_path, f"{TASK}/c1/000000.gz", f"{AT}{SQL}\n")
    found = source_at(str(tmp_path), account="111122223333", region="eu-west-1")
    assert isinstance(found, ExportSource)
    assert found.list(FIRST, LAST).objects[0].writer == Writer("111122223333", "eu-west-1", "c1")

    put(tmp_path, "111122223333_redshift_eu-west-1_c1_connectionlog_2026-10-05T07:00.gz", "x")
    assert isinstance(source_at(str(tmp_path)), LocalSource)


records = st.lists(
    st.text("ab\n'|Z -:T019.", max_size=30).map(lambda tail: SQL.partition("\n")[0] + tail),
    max_size=6,
)


@given(records, st.integers(1, 90))
@settings(max_examples=60, deadline=None)
def test_messages_come_out_as_they_went_in_wherever_the_blocks_end(
    records: list[str], size: int
) -> None:
    exported = "".join(f"{AT}{one}\n" for one in records).encode()
    blocks = (exported[at : at + size] for at in range(0, len(exported), size))
    text = Pieces(messages._unstamped(blocks, "useractivitylog")).read()

    assert text == "".join(f"{one}\n" for one in records).encode()


@given(st.lists(st.text(max_size=20), max_size=5), st.integers(1, 40), st.sampled_from(["", "\n"]))
@settings(max_examples=60, deadline=None)
def test_json_comes_out_as_it_went_in_wherever_the_blocks_end(
    texts: list[str], size: int, between: str
) -> None:
    data = between.join(json.dumps({"message": one}, ensure_ascii=False) for one in texts)
    raw = data.encode("utf-8", "surrogatepass")
    blocks = (raw[at : at + size] for at in range(0, len(raw), size))

    assert [one["message"] for one in messages._documents(blocks)] == texts
