"""A small month of curated files, of which a test knows what is in it; or a large one."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from agent.auditlog.objects import LogObject, Writer
from agent.auditlog.schema import (
    ACTIVITY,
    BAD_LINE,
    COLUMNS,
    CONNECTION,
    SLOT_MS,
    TABLE_OF,
    USER_CHANGE,
    arrow_schema,
    file_of,
)
from agent.report.model import Month, Questions, Value
from agent.report.tables import Tables

MONTH = Month(2026, 10)
WRITER = Writer("111122223333", "eu-west-1", "orders")
START = round(MONTH.start.timestamp() * 1000)
END = round(MONTH.end.timestamp() * 1000)
DAY = 86_400_000
ASKED = Questions(
    time_zone="Europe/Berlin",
    change_windows=((5, 22 * 60, 2 * 60),),
    admins=("admin*",),
    sensitive=("sales.cards", "person*"),
    allowed_buckets=("own-bucket",),
)

_PLAIN: dict[str, Value] = {"int64": 0, "text": "", "bool": False}
_USUAL: dict[str, dict[str, Value]] = {
    ACTIVITY: {"identity": "local", "db_name": "dev", "statement_no": 1, "statements": 1},
    CONNECTION: {"identity": "local", "db_name": "dev", "remote_port": None, "columns": 22},
}

Given = Mapping[str, Value]


def log_object(log_type: str, stamp: datetime, key: str = "") -> LogObject:
    """An object of the one writer."""
    return LogObject(
        key or f"{log_type}/{stamp:%Y-%m-%dT%H:%M}.gz", log_type, WRITER, stamp, 1, "e", stamp
    )


def ms(when: str) -> int:
    """Milliseconds since 1970 of `2026-10-05 03:04:05`."""
    return round(datetime.fromisoformat(when).replace(tzinfo=UTC).timestamp() * 1000)


def write(curated: Path, item: LogObject, table: str, given: Iterable[Given]) -> str:
    """Curated rows of one object, filled up; their file's name. `at` is a time in words."""
    rows: list[dict[str, Value]] = []
    for ordinal, one in enumerate(given, start=1):
        row: dict[str, Any] = {name: _PLAIN[kind] for name, kind in COLUMNS[table]}
        row |= _USUAL.get(table, {}) | {"object_id": item.object_id, "ordinal": ordinal} | one
        if table == BAD_LINE:
            row |= {"at_ms": None, "slot": None}
        else:
            row["at_ms"] = ms(row.pop("at")) if "at" in row else row["at_ms"]
            row["slot"] = row["at_ms"] // SLOT_MS
        rows.append(row)
    path = curated / file_of(table, item)
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(table)), path)
    return file_of(table, item)


def month(
    folder: Path, rows: Mapping[str, Sequence[Given]], earlier: Sequence[Given] = ()
) -> Tables:
    """The tables of one object a log with these rows (by raw table)."""
    of_table = {table: log for log, table in TABLE_OF.items()} | {BAD_LINE: "userlog"}
    objects: dict[str, LogObject] = {
        log: log_object(log, MONTH.start + timedelta(hours=1)) for log in TABLE_OF
    }
    curated = folder / "curated"
    files = {
        table: (write(curated, objects[of_table[table]], table, given),)
        for table, given in rows.items()
    }
    before: tuple[str, ...] = ()
    if earlier:
        old = log_object("connectionlog", MONTH.start - timedelta(days=9))
        before = (write(curated, old, CONNECTION, earlier),)
    return Tables(
        curated, WRITER, MONTH, files, before, tuple(objects.values()), ASKED, folder / "work"
    )


NAMES = ("ada", "bob", "Zoë", "ärger", "zzz", "Ünal", "admin1", "o\"malley's", "=cmd|x", "李")
_VERBS = (
    ("SELECT", "DQL", "public.orders", "select * from public.orders where id = 1"),
    ("SELECT", "DQL", "sales.cards", 'select pan from "sales" . "cards"'),
    ("INSERT", "DML", "person_log", "insert into person_log values (1)"),
    ("DELETE", "DML", "sales.cards", "delete from sales.cards"),
    ("CREATE TABLE", "DDL", "public.t", "create table public.t (a int)"),
    ("GRANT", "DCL", "sales.cards", "grant select on sales.cards to bob"),
    ("UNLOAD", "DATA_MOVE", "s3://elsewhere/x", "unload ('select 1') to 's3://elsewhere/x'"),
    ("SET", "UTILITY", "search_path", "set search_path to x"),
    ("TRUNCATE", "DDL", "sales.cards", "truncate sales.cards"),
    ("COMMIT", "TCL", "", "commit"),
)
_WEIGHTS = (30, 5, 20, 2, 3, 2, 2, 10, 2, 20)


def random_month(folder: Path, sessions: int, statements: int, seed: int = 1) -> Tables:
    """Sessions with so many statements each, in one object a log and day, and some of all else."""
    dice = random.Random(seed)  # noqa: S311 - test data
    activity: dict[int, list[Given]] = {}
    connection: dict[int, list[Given]] = {}
    changes: dict[int, list[Given]] = {}
    for number in range(sessions):
        begins = START - DAY // 24 + dice.randrange(31 * DAY + DAY // 12)
        day = min(max(begins - START, 0) // DAY, 32)
        name, pid = dice.choice(NAMES), dice.randrange(1000, 1000 + max(20, sessions // 30))
        connection.setdefault(day, []).extend(_session(dice, number, name, pid, begins))
        said = activity.setdefault(day, [])
        said.extend(_statements(dice, statements, name, pid, begins, number))
        if number % 40 == 0:
            xid = 1_000_000 + number
            at = begins // 1000 * 1000 + 1000
            said.append(_made(name, pid, xid, at, number))
            changes.setdefault(day, []).append(
                {
                    "at_ms": at + 300,
                    "user_name": f"new{number}",
                    "action": dice.choice(("create", "alter")),
                    "superuser": number % 80 == 0,
                    "pid": pid,
                    "xid": xid + (number % 120 == 0),
                }
            )
    earlier = [
        {
            "at_ms": START - DAY - n,
            "event": "authenticated",
            "user_name": name,
            "remote_host": "9.9.9.9",
        }
        for n, name in enumerate(NAMES[:4])
    ]
    bad = [{"log_type": "userlog", "reason": "columns", "line": "x|y"}]
    return _written(
        folder,
        {ACTIVITY: activity, CONNECTION: connection, USER_CHANGE: changes, BAD_LINE: {3: bad}},
        earlier,
    )


def _session(dice: random.Random, number: int, name: str, pid: int, begins: int) -> list[Given]:
    known = {
        "user_name": name,
        "pid": pid,
        "remote_host": f"10.0.{dice.randrange(3)}.{dice.randrange(9)}",
        "tls_version": dice.choice(("TLSv1.2", "TLSv1.3", "")),
        "auth_method": "password",
        "session_id": f"{number:036x}" if number % 3 else "",
        "driver_version": "JDBC 2.1",
    }
    if number % 13 == 0:
        return [known | {"event": "authentication failure", "at_ms": begins}]
    events: list[Given] = [
        known | {"event": "authenticated", "at_ms": begins},
        known | {"event": "initiating session", "at_ms": begins},
    ]
    app = {"event": "set application_name", "at_ms": begins + 40, "application_name": "Tïnt|x"}
    if number % 2:
        events.append(known | app)
    if number % 7:
        lasts = dice.randrange(1, 3_000_000)
        events.append(
            known
            | {
                "event": "disconnecting session",
                "at_ms": begins + lasts,
                "duration_us": lasts * 1000 + 7,
            }
        )
    return events


def _statements(
    dice: random.Random, most: int, name: str, pid: int, begins: int, number: int
) -> list[Given]:
    found: list[Given] = []
    for count in range(most):
        verb, kind, thing, text = dice.choices(_VERBS, _WEIGHTS)[0]
        found.append(
            {
                "at_ms": begins // 1000 * 1000 + count * 1000 * dice.randrange(1, 60),
                "user_name": name,
                "pid": pid,
                "xid": number * most + count,
                "user_id": 100 + NAMES.index(name),
                "verb": verb,
                "verb_class": kind,
                "object_name": thing,
                "is_unfiltered": verb == "DELETE",
                "is_internal": count % 17 == 9,
                "is_duplicate": count % 11 == 5,
                "query_text": f"{text} -- {number % 50}",
            }
        )
    return found


def _made(name: str, pid: int, xid: int, at: int, number: int) -> Given:
    return {
        "at_ms": at, "user_name": name, "pid": pid, "xid": xid, "verb": "CREATE USER",
        "verb_class": "DCL", "object_name": f"new{number}",
        "query_text": f"create user new{number} password '***'",
    }  # fmt: skip


def _written(
    folder: Path, rows: Mapping[str, Mapping[int, Sequence[Given]]], earlier: Sequence[Given]
) -> Tables:
    curated = folder / "curated"
    log_of = {table: log for log, table in TABLE_OF.items()} | {BAD_LINE: "userlog"}
    days = sorted({(log_of[table], day) for table, found in rows.items() for day in found})
    objects = {
        each: log_object(each[0], MONTH.start + timedelta(days=each[1], hours=23)) for each in days
    }
    files = {
        table: tuple(
            write(curated, objects[log_of[table], day], table, found[day]) for day in sorted(found)
        )
        for table, found in rows.items()
    }
    old = log_object("connectionlog", MONTH.start - timedelta(days=9))
    before = (write(curated, old, CONNECTION, earlier),)
    return Tables(
        curated, WRITER, MONTH, files, before, tuple(objects.values()), ASKED, folder / "work"
    )
