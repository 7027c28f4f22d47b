"""The user log into Parquet: changes of users, without who made them.

Eleven columns in every release seen: userid, username, oldusername, action, usecreatedb, usesuper,
usecatupd, valuntil, pid, xid, recordtime; separated by `|`, text with one space behind it.

A line cut by the end of an object within its userid cannot be told: the rest is a line of its own
with a shorter number. The object before is then listed as cut.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from agent.auditlog.identity import identity_of
from agent.auditlog.line_files import (
    MAX_LINE,
    TOO_LONG,
    Bad,
    Decoded,
    LineError,
    Lines,
    Row,
    read_lines,
    rows_table,
    time_ms,
)
from agent.auditlog.objects import LogObject, ObjectResult
from agent.auditlog.schema import SLOT_MS, USER_CHANGE

COLUMNS = 11
NEVER = str(2**63 - 1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""PostgreSQL counts microseconds from here; its `infinity` is the largest 64-bit integer."""
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_ACTION = re.compile(r"[A-Za-z]+")
_FLAGS = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}


def read_userlog(stream: BinaryIO, item: LogObject, curated: Path) -> ObjectResult:
    """Read one user log object; see `line_files.read_lines`."""
    return read_lines(stream, item, curated, decode, is_whole)


def decode(lines: Lines, item: LogObject, layout: int) -> Decoded:
    """Lines to records, in the order of the log."""
    decoded = Decoded(layout=layout or COLUMNS)
    rows: list[tuple[int, Row]] = []
    for index, text in enumerate(lines.texts):
        if not text.strip():
            continue
        is_flagged = index in lines.flagged
        try:
            rows.append((lines.first + index, parse(text, is_flagged=is_flagged)))
        except LineError as error:
            decoded.bad.append(Bad(lines.first + index, error.reason, text, is_flagged))
    if rows:
        decoded.table = rows_table(USER_CHANGE, item, rows)
    return decoded


def is_whole(line: str, layout: int, before: str) -> bool:
    """Whether an object's unended last line is complete: the time, its last column, has no other
    length than one with all its digits. The lines before say nothing more."""
    del layout, before
    try:
        parse(line)
    except LineError:
        return False
    return re.search(r":[0-9]{3}$", line) is not None


def parse(line: str, layout: int = 0, *, is_flagged: bool = False) -> Row:
    """The record of a line. Raises LineError for what is no record."""
    del layout  # there is but one
    if len(line.encode("utf-8", "surrogatepass")) > MAX_LINE:
        raise LineError(TOO_LONG)
    pieces = line.split("|")
    if len(pieces) != COLUMNS:
        raise LineError(f"{len(pieces)} columns, where a line has {COLUMNS}")
    user, name, old, action, *flags, until, pid, xid, when = (
        piece.removesuffix(" ") for piece in pieces
    )
    at = time_ms(when)
    if at is None:
        raise LineError(f"column {COLUMNS} is no time")
    if _ACTION.fullmatch(action) is None:
        raise LineError("column 4 is no action")
    create_db, superuser, catupd = (_flag(text, column) for column, text in enumerate(flags, 5))
    return {
        "at_ms": at,
        "slot": at // SLOT_MS,
        "user_id": _integer(user, 1),
        "user_name": identity_of(name)[0],
        "old_name": identity_of(old)[0],
        "action": action.lower(),
        "create_db": create_db,
        "superuser": superuser,
        "catupd": catupd,
        "valid_until": _until(until),
        "pid": _integer(pid, 9),
        "xid": _integer(xid, 10),
        "has_bad_bytes": is_flagged,
    }


def _integer(text: str, column: int) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise LineError(f"column {column} is no integer")
    return int(text)


def _flag(text: str, column: int) -> bool:
    if text.lower() not in _FLAGS:
        raise LineError(f"column {column} is neither 0 nor 1")
    return _FLAGS[text.lower()]


def _until(text: str) -> str:
    """Until when a password holds: `never`, an ISO time, or as logged where it is neither."""
    if text in (NEVER, "infinity"):
        return "never"
    try:
        if _INTEGER.fullmatch(text):
            return (_EPOCH + timedelta(microseconds=int(text))).isoformat(timespec="seconds")
        return datetime.fromisoformat(text).isoformat()
    except (ValueError, OverflowError):
        return text
