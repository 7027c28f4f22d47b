"""The curated tables: one Parquet file an object and table, for every engine alike.

Layout: `<curated>/<table>/account=A/region=R/cluster=C/day=YYYY-MM-DD/<digest>.parquet`, where the
day is that of the object's name. A file holds one row group order of the log itself. Types are
those that DuckDB, Athena and Spark read alike: 64-bit integers, text, booleans. Times are
milliseconds since 1970 (UTC). What the logs leave empty is the empty text or null as stated.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from agent.auditlog.objects import LogObject

if TYPE_CHECKING:
    import pyarrow as pa

ACTIVITY = "activity"
CONNECTION = "connection"
USER_CHANGE = "user_change"
BAD_LINE = "bad_line"
TABLES = (ACTIVITY, CONNECTION, USER_CHANGE, BAD_LINE)

TABLE_OF = {
    "useractivitylog": ACTIVITY,
    "connectionlog": CONNECTION,
    "userlog": USER_CHANGE,
}

SLOT_MS = 900_000
"""Milliseconds of a slot: a quarter of an hour, the finest that a zone's offset needs."""

CLASSES = ("DQL", "DML", "DDL", "DCL", "TCL", "UTILITY", "DATA_MOVE", "OTHER")

_EVERY = (
    ("object_id", "int64"),  # LogObject.object_id
    ("ordinal", "int64"),  # number of the record in its object, from 1; of a line in BAD_LINE
    ("at_ms", "int64"),  # record time
    ("slot", "int64"),  # at_ms // SLOT_MS
)

COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    # One row a statement; a record with several has several rows of one ordinal.
    ACTIVITY: (
        *_EVERY,
        ("db_name", "text"),
        ("user_name", "text"),  # as logged, without a prefix IAM: or IAMR:
        ("identity", "text"),  # local | IAM | IAMR | federated
        ("user_id", "int64"),
        ("pid", "int64"),
        ("xid", "int64"),
        ("statement_no", "int64"),  # from 1 within its record
        ("statements", "int64"),  # how many statements the record has
        ("verb", "text"),  # CREATE USER, GRANT, SELECT, … upper case; empty: only a comment
        ("verb_class", "text"),  # one of CLASSES
        ("object_name", "text"),  # what it is about, as written without quotes; empty: not told
        ("is_internal", "bool"),  # the service's own: user rdsdb, internal rewrites, undo notes
        ("is_duplicate", "bool"),  # a driver's second copy of the statement before it
        ("is_unfiltered", "bool"),  # DELETE or UPDATE without WHERE
        ("is_stitched", "bool"),  # its end stood in the next object
        ("is_cut", "bool"),  # its end is lost
        ("has_bad_bytes", "bool"),  # held invalid UTF-8, written here as \xNN
        ("query_text", "text"),  # this statement, without its semicolon
        ("fingerprint", "text"),  # its beginning, literals and figures taken out
    ),
    CONNECTION: (
        *_EVERY,
        ("event", "text"),  # lower case, as logged: authenticated, authentication failure, …
        ("remote_host", "text"),  # IPv4-mapped IPv6 as IPv4; `local` for [local]
        ("remote_port", "int64"),  # null: none
        ("pid", "int64"),
        ("db_name", "text"),
        ("user_name", "text"),
        ("identity", "text"),
        ("auth_method", "text"),
        ("duration_us", "int64"),
        ("tls_version", "text"),  # empty: without TLS
        ("tls_cipher", "text"),
        ("iam_guid", "text"),
        ("application_name", "text"),
        ("os_version", "text"),
        ("driver_version", "text"),
        ("plugin_name", "text"),
        ("protocol_version", "text"),
        ("session_id", "text"),
        ("compression", "text"),
        ("columns", "int64"),  # how many the line had
        ("is_repaired", "bool"),  # a stray | was put back where it belongs
        ("has_bad_bytes", "bool"),
    ),
    USER_CHANGE: (
        *_EVERY,
        ("user_id", "int64"),
        ("user_name", "text"),
        ("old_name", "text"),
        ("action", "text"),  # create | alter | drop | rename
        ("create_db", "bool"),
        ("superuser", "bool"),
        ("catupd", "bool"),
        ("valid_until", "text"),  # ISO time; `never`; empty: not told
        ("pid", "int64"),
        ("xid", "int64"),
        ("has_bad_bytes", "bool"),
    ),
    # at_ms and slot are null here: such a line has no time that could be trusted.
    BAD_LINE: (
        *_EVERY,
        ("log_type", "text"),
        ("reason", "text"),
        ("line", "text"),  # the first 2,000 characters, invalid bytes as \xNN
    ),
}


@cache
def arrow_schema(table: str) -> pa.Schema:
    """The table's Arrow schema. Raises KeyError for a table that there is not."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    types = {"int64": pa.int64(), "text": pa.string(), "bool": pa.bool_()}
    return pa.schema([pa.field(name, types[kind]) for name, kind in COLUMNS[table]])


def file_of(table: str, item: LogObject) -> str:
    """Where an object's rows of one table lie, relative to the curated folder."""
    return f"{partition(table, item)}/{item.digest}.parquet"


def partition(table: str, item: LogObject) -> str:
    """The folder of the object's partition, relative to the curated folder."""
    writer = item.writer
    return (
        f"{table}/account={writer.account}/region={writer.region}/"
        f"cluster={writer.cluster}/day={item.day}"
    )
