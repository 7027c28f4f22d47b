"""The derived tables, on DuckDB: sessions put together, and statements that find theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from agent.report.engines import DUCKDB, Engine, EngineSettings, open_engine
from agent.report.model import EVIDENCE_SHIFT, Column, Query, Row
from tests.report.engines.month import END, START, Given, month, ms, random_month

Ask = Callable[..., list[Row]]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """`ask(sql, earlier, table=rows)`: the rows of that text over these raw rows."""
    opened: list[Engine] = []

    def asked(sql: str, earlier: Sequence[Given] = (), **rows: Sequence[Given]) -> list[Row]:
        engine = open_engine(DUCKDB, EngineSettings(jobs=1))
        opened.append(engine)
        engine.prepare(month(tmp_path, rows, earlier))
        return engine.select(sql)

    yield asked
    for one in opened:
        one.close()


def came(event: str, at: str, **more: object) -> Given:
    known = {"user_name": "ada", "pid": 7, "remote_host": "10.0.0.1"}
    return known | {"event": event, "at": f"2026-10-05 {at}"} | more  # type: ignore[return-value]


IN, BEGIN, OUT = "authenticated", "initiating session", "disconnecting session"
KILL = "terminating backend on administrator's request"
STARTS = "SELECT start_ms, end_ms, end_event FROM session ORDER BY start_ms"


def of(hours: str) -> int:
    return ms(f"2026-10-05 {hours}")


@pytest.mark.parametrize("session_id", ["", "f" * 36], ids=["without an id", "with an id"])
def test_the_events_of_a_session_are_one_session(ask: Ask, session_id: str) -> None:
    events = [
        came(IN, "10:00:00"),
        came(BEGIN, "10:00:00"),
        came("set application_name", "10:00:01", application_name="psql"),
        came(KILL, "10:05:00"),
        came(OUT, "10:05:00", duration_us=300_000_000),
    ]

    (row,) = ask(
        "SELECT * FROM session",
        connection=[event | {"session_id": session_id} for event in events],
    )

    assert (row["start_ms"], row["end_ms"]) == (of("10:00:00"), of("10:05:00"))
    assert (row["application_name"], row["remote_host"]) == ("psql", "10.0.0.1")
    assert (row["duration_us"], row["end_event"]) == (300_000_000, KILL)


@pytest.mark.parametrize(
    ("events", "starts"),
    [
        pytest.param(
            [came(IN, "10:00:00"), came(OUT, "10:01:00"), came(IN, "11:00:00")],
            ["10:00:00", "11:00:00"],
            id="one process, two sessions",
        ),
        pytest.param(
            [came(IN, "10:00:00"), came(BEGIN, "10:00:00"), came(IN, "11:00:00")],
            ["10:00:00", "11:00:00"],
            id="the end of the first is lost",
        ),
        pytest.param(
            [came(BEGIN, "10:00:00"), came(BEGIN, "11:00:00")],
            ["10:00:00", "11:00:00"],
            id="begun without being authenticated",
        ),
        pytest.param(
            [came(OUT, "10:00:00", duration_us=1_000_000), came(OUT, "11:00:00")],
            ["09:59:59", "11:00:00"],
            id="two ends, the beginnings are lost",
        ),
        pytest.param(
            [came(IN, "10:00:00"), came(IN, "10:00:00", user_name="bob")],
            ["10:00:00", "10:00:00"],
            id="another user",
        ),
        pytest.param([came("authentication failure", "10:00:00")], [], id="a failure is none"),
    ],
)
def test_sessions_without_an_id_are_told_apart(
    ask: Ask, events: list[Given], starts: list[str]
) -> None:
    found = [row["start_ms"] for row in ask(STARTS, connection=events)]

    assert found == [of(start) for start in starts]


def test_a_session_that_only_touches_the_month_is_in_it(ask: Ask) -> None:
    before = {"user_name": "a", "event": IN, "at_ms": START - 1000}
    after = {"user_name": "b", "event": OUT, "at_ms": END + 5000, "duration_us": 9_000_000}
    neither = {"user_name": "c", "event": OUT, "at_ms": START - 1}
    ended = before | {"event": OUT, "at_ms": START + 1000}

    rows = ask(
        "SELECT user_name, start_ms FROM session",
        connection=[
            before,
            ended,
            after | {"event": IN, "at_ms": END - 4000, "duration_us": None},
            after,
            neither,
        ],
    )

    assert {row["user_name"]: row["start_ms"] for row in rows} == {
        "a": START - 1000,
        "b": END - 4000,
    }


def said(at: str, **more: object) -> Given:
    known = {"user_name": "ada", "pid": 7, "verb": "GRANT", "verb_class": "DCL"}
    return known | {"at": f"2026-10-05 {at}"} | more  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("statement", "host"),
    [
        pytest.param(said("10:00:00"), "10.0.0.1", id="in the second in which it began"),
        pytest.param(said("10:30:00"), "10.0.0.1", id="within the session"),
        pytest.param(said("11:30:00"), "", id="after its end"),
        pytest.param(said("09:59:59"), "", id="before its beginning"),
        pytest.param(said("12:00:01"), "10.0.0.2", id="in the next session of the process"),
        pytest.param(said("10:30:00", user_name="bob"), "", id="of another user"),
        pytest.param(said("10:30:00", pid=8), "", id="of another process"),
    ],
)
def test_a_statement_has_the_address_of_the_session_it_ran_in(
    ask: Ask, statement: Given, host: str
) -> None:
    first = [came(IN, "10:00:00"), came(OUT, "11:00:00")]
    second = came(IN, "12:00:00", remote_host="10.0.0.2")
    half = {"at_ms": of("10:00:00") + 500}
    first[0] = {name: value for name, value in first[0].items() if name != "at"} | half

    (row,) = ask("SELECT remote_host FROM event", connection=[*first, second], activity=[statement])

    assert row["remote_host"] == host


def test_sessions_that_overlap_do_not_multiply_a_statement(ask: Ask) -> None:
    both = [came(IN, "10:00:00", session_id="a"), came(IN, "10:00:00", session_id="b")]

    rows = ask("SELECT * FROM event", connection=both, activity=[said("10:01:00")])

    assert len(rows) == 1


def test_an_event_is_no_plain_statement_no_internal_one_and_no_duplicate(ask: Ask) -> None:
    statements = [
        said("10:00:00"),
        said("10:00:00", verb_class="DQL"),
        said("10:00:00", verb_class="DML", is_unfiltered=True),
        said("10:00:00", is_internal=True),
        said("10:00:00", is_duplicate=True),
    ]

    rows = ask("SELECT evidence FROM event ORDER BY evidence", activity=statements)

    assert [int(row["evidence"] or 0) % EVIDENCE_SHIFT for row in rows] == [1, 3]


def test_a_user_event_has_its_actor_and_the_statement_that_names_it(ask: Ask) -> None:
    change = {"at": "2026-10-05 10:00:03", "user_name": "eve", "action": "create"}
    other = said("10:00:03", xid=5, verb="BEGIN", verb_class="TCL", query_text="begin")
    wrong = said("10:00:03", xid=5, verb="CREATE USER", object_name="bob", query_text="no")
    right = said("10:00:01", xid=5, verb="CREATE USER", object_name="EVE", query_text="yes")

    rows = ask(
        "SELECT user_name, actor, statement, remote_host FROM user_event ORDER BY ordinal",
        activity=[other, wrong, right],
        connection=[came(IN, "09:00:00")],
        user_change=[change | {"pid": 7, "xid": 5}, change | {"pid": 7, "xid": 6}],
    )

    assert [tuple(row.values()) for row in rows] == [
        ("eve", "ada", "yes", "10.0.0.1"),
        ("eve", "", "", ""),
    ]


def test_hours_count_every_statement_and_every_record_of_the_month_once(ask: Ask) -> None:
    statements = [
        said("10:00:00", ordinal=1),
        said("10:59:59", ordinal=1, statement_no=2),
        said("11:00:00", ordinal=2),
        {"at_ms": END, "user_name": "ada"},
    ]

    rows = ask(
        "SELECT statements, records, evidence FROM activity_hour ORDER BY first_ms",
        activity=statements,
    )

    first = rows[0]["evidence"]
    assert [tuple(row.values()) for row in rows] == [(2, 1, first), (1, 1, int(str(first)) + 1)]


def test_nothing_is_earlier_where_there_is_no_earlier_month(ask: Ask) -> None:
    late = {"at_ms": START - 5, "event": IN, "user_name": "ada"}

    assert ask("SELECT * FROM connect_before", connection=[late]) == []


def test_what_came_late_counts_as_earlier_with_the_earlier_months(ask: Ask) -> None:
    late = {"at_ms": START - 5, "event": IN, "user_name": "ada"}
    old = {"at_ms": START - 9, "event": IN, "user_name": "ada"}

    (row,) = ask("SELECT * FROM connect_before", [old, old | {"at_ms": START}], connection=[late])

    assert (row["records"], row["first_ms"], row["last_ms"]) == (2, START - 9, START - 5)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    found = open_engine(DUCKDB, EngineSettings(jobs=1))
    found.prepare(random_month(tmp_path_factory.mktemp("month"), sessions=60, statements=5))
    yield found
    found.close()


QUERY = Query(
    "q",
    "Q",
    "SELECT * FROM (VALUES (1, 'b'), (1, 'Z'), (1, 'é'), (2, 'a'), (NULL, 'x')) v(n, t)",
    (Column("n", "N"), Column("t", "T")),
    ("-n",),
)


def test_rows_come_in_the_querys_order_then_by_every_other_column(engine: Engine) -> None:
    rows, beyond = engine.rows(QUERY)

    assert [row["t"] for row in rows] == ["a", "Z", "b", "é", "x"]
    assert beyond == 0


def test_what_the_limit_leaves_out_is_counted(engine: Engine) -> None:
    rows, beyond = engine.rows(replace(QUERY, limit=2))

    assert (len(rows), beyond) == (2, 3)


def test_an_order_by_a_column_that_is_not_there_is_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match="no such column"):
        engine.rows(replace(QUERY, order=("m",)))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("SELECT * FROM read_text('/etc/hostname')", id="no file but its own"),
        pytest.param("SELECT * FROM read_text('http://127.0.0.1/x')", id="no network"),
        pytest.param("SET enable_external_access = true", id="no way to open it again"),
    ],
)
def test_duckdb_reaches_nothing_else(engine: Engine, text: str) -> None:
    with pytest.raises(duckdb.Error):
        engine.select(text)
