"""The tables that questions are asked of (`agent.report.sql`), in memory, from rows a test writes.

A test hands the columns it is about, by name; every other has a plain value of its type. Times are
written `2026-10-05 03:04:05`, or as milliseconds. `activity_hour` and `event` are derived from the
statements, as the engines derive them; every other table holds what the test says.
"""

# ruff: noqa: S608 - no text of a user is put into SQL here

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from agent.auditlog.schema import ACTIVITY, COLUMNS, CONNECTION, SLOT_MS, USER_CHANGE
from agent.auditlog.told import fingerprint_of
from agent.report.derived import CONNECT_COLUMNS, EVENT_COLUMNS
from agent.report.kinds import BY_KIND
from agent.report.model import EVIDENCE_SHIFT, Answers, Month, Query, Questions, Row, Section, Value

MONTH = Month(2026, 10)

_CALENDAR = (
    ("hour_index", "int64"),
    ("utc_day", "text"),
    ("local_day", "text"),
    ("local_hour", "int64"),
    ("weekday", "int64"),
    ("is_off_hours", "bool"),
    ("in_window", "bool"),
)
_EVIDENCE = (("evidence", "int64"),)
_ACTOR = (("actor", "text"), ("statement", "text"), ("remote_host", "text"))
_HOUR_KEY = (
    *(
        (name, "text")
        for name in ("user_name", "identity", "db_name", "verb", "verb_class", "utc_day")
    ),
    ("user_id", "int64"),
    ("local_day", "text"),
    ("local_hour", "int64"),
    ("weekday", "int64"),
    ("hour_index", "int64"),
    *((name, "bool") for name in ("is_off_hours", "is_internal", "is_duplicate")),
)

_KINDS = dict((*COLUMNS[ACTIVITY], *COLUMNS[CONNECTION], *_CALENDAR, *_EVIDENCE))
"""The type of each column of the logs."""

SHAPES: dict[str, tuple[tuple[str, str], ...]] = {
    "object_list": (
        ("object_id", "int64"),
        ("object_no", "int64"),
        ("source_key", "text"),
        ("log_type", "text"),
        ("stamp_ms", "int64"),
    ),
    "calendar": (("slot", "int64"), *_CALENDAR),
    "setting": (
        ("burst_failures", "int64"),
        ("burst_ms", "int64"),
        ("month_start_ms", "int64"),
        ("month_end_ms", "int64"),
    ),
    "statement": (*COLUMNS[ACTIVITY], *_CALENDAR, *_EVIDENCE),
    "activity_hour": (
        *_HOUR_KEY,
        ("statements", "int64"),
        ("records", "int64"),
        ("first_ms", "int64"),
        ("last_ms", "int64"),
        *_EVIDENCE,
    ),
    "event": (
        *((name, _KINDS[name]) for name in EVENT_COLUMNS),
        ("remote_host", "text"),
        ("application_name", "text"),
    ),
    "connect": tuple((name, _KINDS[name]) for name in CONNECT_COLUMNS),
    "connect_before": (
        ("user_name", "text"),
        ("remote_host", "text"),
        ("application_name", "text"),
        ("driver_version", "text"),
        ("os_version", "text"),
        ("first_ms", "int64"),
        ("last_ms", "int64"),
        ("records", "int64"),
    ),
    "session": (
        ("session_id", "text"),
        ("pid", "int64"),
        *(
            (name, "text")
            for name in (
                "db_name",
                "user_name",
                "identity",
                "remote_host",
                "application_name",
                "driver_version",
                "os_version",
            )
        ),
        ("start_ms", "int64"),
        ("end_ms", "int64"),
        ("duration_us", "int64"),
        ("end_event", "text"),
        *_EVIDENCE,
    ),
    "user_event": (*COLUMNS[USER_CHANGE], *_CALENDAR, *_EVIDENCE, *_ACTOR),
    "sensitive": (("pattern", "text"), ("name", "text")),
    "bad_line_seen": (
        ("object_id", "int64"),
        ("ordinal", "int64"),
        ("log_type", "text"),
        ("reason", "text"),
        ("line", "text"),
        *_EVIDENCE,
    ),
}
"""Column and type of every table."""

_SQL_TYPES = {"int64": "BIGINT", "text": "VARCHAR", "bool": "BOOLEAN"}
_ARROW_TYPES = {"int64": pa.int64(), "text": pa.string(), "bool": pa.bool_()}
_PLAIN: dict[str, Value] = {"int64": 0, "text": "", "bool": False}
_USUAL: dict[str, dict[str, Value]] = {
    "statement": {
        "user_name": "bob",
        "identity": "local",
        "db_name": "dev",
        "verb": "SELECT",
        "verb_class": "DQL",
        "statement_no": 1,
        "statements": 1,
    },
    "connect": {
        "event": "authenticated",
        "remote_host": "10.0.0.1",
        "user_name": "bob",
        "identity": "local",
        "db_name": "dev",
        "auth_method": "password",
        "tls_version": "TLSv1.2",
    },
    "connect_before": {"user_name": "bob", "remote_host": "10.0.0.1", "records": 1},
    "session": {
        "user_name": "bob",
        "identity": "local",
        "db_name": "dev",
        "remote_host": "10.0.0.1",
        "end_ms": None,
        "duration_us": None,
    },
    "user_event": {"user_name": "bob", "action": "alter", "actor": "admin"},
}
"""What a row says where the test does not."""

_OBJECTS = """
SELECT object_id, row_number() OVER (ORDER BY object_id), 'key', 'useractivitylog', 0
FROM (SELECT DISTINCT object_id FROM statement) s"""
_EVENT_CLASSES = "('DDL', 'DCL', 'DATA_MOVE', 'UTILITY', 'OTHER')"
_DERIVED = {
    "activity_hour": f"""
        SELECT {", ".join(name for name, _ in _HOUR_KEY)}, count(*),
            count(DISTINCT evidence), min(at_ms), max(at_ms), min(evidence)
        FROM statement GROUP BY {", ".join(name for name, _ in _HOUR_KEY)}""",
    "event": f"""
        SELECT {", ".join(f"s.{name}" for name in EVENT_COLUMNS)}, coalesce(n.remote_host, ''),
            coalesce(n.application_name, '')
        FROM statement s LEFT JOIN session n ON n.pid = s.pid AND n.user_name = s.user_name
            AND n.start_ms <= s.at_ms AND (n.end_ms IS NULL OR n.end_ms >= s.at_ms)
        WHERE (s.verb_class IN {_EVENT_CLASSES} OR s.is_unfiltered)
            AND NOT s.is_internal AND NOT s.is_duplicate""",
}


def ms(when: str | int) -> int:
    """Milliseconds since 1970 of a time written `2026-10-05 03:04:05`, with or without a part
    of the second."""
    if isinstance(when, int):
        return when
    moment = datetime.fromisoformat(when).replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


_EMPTY = ";".join(
    (
        "CREATE MACRO regexp_like(t, p) AS regexp_matches(t, p)",
        "CREATE MACRO replace_all(t, p, r) AS regexp_replace(t, p, r, 'g')",
        "CREATE MACRO sensitive_like(t, p) AS regexp_matches(t, p)",
        *(
            f"CREATE TABLE {table} ({', '.join(f'{n} {_SQL_TYPES[kind]}' for n, kind in shape)})"
            for table, shape in SHAPES.items()
        ),
        *(f"CREATE VIEW {name} AS {sql}" for name, sql in BY_KIND.items()),
        f"CREATE VIEW activity AS SELECT {', '.join(dict(COLUMNS[ACTIVITY]))} FROM statement",
    )
)
_NUMBERS = itertools.count(1)


@cache
def _duckdb() -> duckdb.DuckDBPyConnection:
    """Started once: that costs more than all the tables of a test."""
    return duckdb.connect(":memory:", config={"threads": "1"})


def made(
    questions: Questions | None = None, month: Month = MONTH, **rows: Sequence[Mapping[str, Value]]
) -> duckdb.DuckDBPyConnection:
    """A database with every table of `agent.report.sql`, holding these rows; by table. A time is
    under the name `at` (`at_ms`, `slot` and the calendar follow), or under the column's name."""
    asked = questions or Questions()
    unknown = set(rows) - set(SHAPES)
    assert not unknown, f"no such table: {unknown}"
    name = f"made_{next(_NUMBERS)}"
    base = _duckdb().cursor()
    base.execute(f"ATTACH ':memory:' AS {name}; USE {name}; {_EMPTY}")
    setting = {
        "burst_failures": asked.burst_failures,
        "burst_ms": asked.burst_minutes * 60_000,
        "month_start_ms": round(month.start.timestamp() * 1000),
        "month_end_ms": round(month.end.timestamp() * 1000),
    }
    _insert(base, "setting", [setting], asked)
    for table, given in rows.items():
        _insert(base, table, given, asked)
    if "object_list" not in rows:
        base.execute(f"INSERT INTO object_list {_OBJECTS}")
    for table, sql in _DERIVED.items():
        if table not in rows:
            base.execute(f"INSERT INTO {table} {sql}")
    return base


def _insert(
    base: duckdb.DuckDBPyConnection,
    table: str,
    given: Iterable[Mapping[str, Value]],
    asked: Questions,
) -> None:
    """Fills the rows up and writes them."""
    shape = SHAPES[table]
    full = [_filled(table, number, row, asked) for number, row in enumerate(given, 1)]
    for row in full:
        unknown = set(row) - {name for name, _ in shape}
        assert not unknown, f"{table} has no column {unknown}"
    if full:
        names = [name for name, _ in shape]
        table_of_rows = pa.table(
            [pa.array([row[name] for row in full], _ARROW_TYPES[kind]) for name, kind in shape],
            names,
        )
        base.register("given", table_of_rows)
        base.execute(f"INSERT INTO {table} SELECT * FROM given")
        base.unregister("given")


def _filled(
    table: str, number: int, given: Mapping[str, Value], asked: Questions
) -> dict[str, Value]:
    """A whole row: plain values, what is usual, what follows from its time, and what was given."""
    names = [name for name, _ in SHAPES[table]]
    row: dict[str, Value] = {name: _PLAIN[kind] for name, kind in SHAPES[table]}
    row |= _USUAL.get(table, {})
    if "ordinal" in row:
        row["ordinal"] = number
    rest = dict(given)
    when = rest.pop("at", None)
    if "at_ms" in names:
        assert when is not None or "at_ms" in given, f"a row of {table} has a time: `at`"
        timed_by = _timed(ms(given["at_ms"] if when is None else when), asked)  # type: ignore[arg-type]
        row |= {name: value for name, value in timed_by.items() if name in names}
    for name, value in rest.items():
        timed = name.endswith("_ms") and isinstance(value, str)
        row[name] = ms(value) if timed else value
    if "fingerprint" in names and "fingerprint" not in rest:
        row["fingerprint"] = fingerprint_of(str(row["query_text"]).encode())
    if "evidence" in names and "evidence" not in rest:
        row["evidence"] = EVIDENCE_SHIFT + number
    return row


def _timed(at_ms: int, asked: Questions) -> dict[str, Value]:
    """What the calendar says of a moment."""
    slot = at_ms // SLOT_MS
    begins = datetime.fromtimestamp(slot * SLOT_MS / 1000, UTC)
    local = begins.astimezone(ZoneInfo(asked.time_zone))
    minute = local.hour * 60 + local.minute
    works = local.weekday() in asked.work_days and asked.work_from <= minute < asked.work_to
    return {
        "at_ms": at_ms,
        "slot": slot,
        "hour_index": slot // 4,
        "utc_day": f"{begins:%Y-%m-%d}",
        "local_day": f"{local:%Y-%m-%d}",
        "local_hour": local.hour,
        "weekday": local.weekday(),
        "is_off_hours": not works,
        "in_window": not asked.change_windows
        or any(
            local.weekday() == weekday and start <= minute < end
            for weekday, start, end in asked.change_windows
        ),
    }


def filled_calendar(month: Month = MONTH, asked: Questions | None = None) -> list[dict[str, Value]]:
    """Rows for `calendar`, all the quarters of an hour of a month: for questions that join it."""
    found = []
    moment = month.start
    while moment < month.end:
        row = _timed(round(moment.timestamp() * 1000), asked or Questions())
        del row["at_ms"]
        found.append(row)
        moment += timedelta(minutes=15)
    return found


def ask(base: duckdb.DuckDBPyConnection, query: Query) -> list[Row]:
    """The query's rows in its order, as an engine gives them."""
    names = [column.name for column in query.columns]
    asked = [(name.lstrip("-"), name.startswith("-")) for name in query.order]
    rest = [(name, False) for name in names if name not in {each for each, _ in asked}]
    order = ", ".join(
        f'"{name}" {"DESC NULLS LAST" if down else "ASC NULLS FIRST"}'
        for name, down in asked + rest
    )
    found = base.execute(
        f"SELECT * FROM ({query.sql}) AS asked ORDER BY {order} LIMIT {query.limit}"
    )
    assert [each[0] for each in found.description] == names, query.name
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def answers(base: duckdb.DuckDBPyConnection, section: Section) -> Answers:
    """The answers of all queries of a section."""
    return {query.name: ask(base, query) for query in section.queries}
