"""One line of the connection log: its grammar, and what a stray `|` in it is repaired to.

Columns are separated by `|` without quoting. Text is written with one space behind it, integers
and the time bare, and the last column bare. Releases added columns at the end: 15, 16 with
application_name, 19 with os_version, driver_version, plugin_name (in this order in every real line,
though older documentation has it otherwise), 21 with protocol_version and sessionid, 22 with
compression.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from ipaddress import AddressValueError, IPv6Address

from agent.auditlog.identity import identity_of
from agent.auditlog.line_files import MAX_LINE, TOO_LONG, LineError, Row, time_ms
from agent.auditlog.schema import SLOT_MS

LAYOUTS = (15, 16, 19, 21, 22)
SHORTEST, LONGEST = 15, 22

EVENT, TIME, HOST, PORT, PID, DATABASE, USER, METHOD, DURATION = range(9)
TLS_VERSION, TLS_CIPHER, MTU, _, _, GUID, APPLICATION, OS, DRIVER, PLUGIN = range(9, 19)
PROTOCOL, SESSION, COMPRESSION = 19, 20, 21

EVENTS = (
    "authenticated",
    "authentication failure",
    "initiating session",
    "set application_name",
    "disconnecting session",
    "Terminating backend on administrator's request",
)
"""Those seen; others are taken too."""
INTEGERS = (PID, DURATION, MTU)
TEXTS = {
    "tls_version": TLS_VERSION,
    "tls_cipher": TLS_CIPHER,
    "iam_guid": GUID,
    "application_name": APPLICATION,
    "os_version": OS,
    "driver_version": DRIVER,
    "plugin_name": PLUGIN,
    "protocol_version": PROTOCOL,
    "session_id": SESSION,
    "compression": COMPRESSION,
    "db_name": DATABASE,
    "auth_method": METHOD,
}
"""Columns that are kept as they are, and where they stand."""
BARE = frozenset((TIME, *INTEGERS, PROTOCOL))
"""Columns without a space behind them, wherever they stand."""

MASK = "\x1f"
"""Stands for a `|` that separates nothing. Not printed, and one byte: texts stay ASCII."""

_SPACED = tuple(column for column in range(LONGEST) if column not in BARE)

_EVENT = re.compile(r"[A-Za-z][A-Za-z_' -]*")
_INTEGER = re.compile(r"[0-9]{1,18}")
_SESSION = re.compile(r"[0-9A-Za-z-]*")
_MAPPED = "::ffff:"
_LONGEST_MAPPED = 100
"""Characters, a zone among them; whatever is longer is taken as it is, and not remembered."""


def is_event(text: str) -> bool:
    """Whether it can be an event: words, so that what is left of markup is none, and not the end
    of a known one, which is what an object begins with whose first line was cut there."""
    if _EVENT.fullmatch(text) is None:
        return False
    return text in EVENTS or not any(known.endswith(text) for known in EVENTS)


def is_integer(text: str) -> bool:
    """Whether it is an integer of at most 18 digits, which fits 64 bits."""
    return _INTEGER.fullmatch(text) is not None


def is_session(text: str) -> bool:
    """Whether it can be a session id: real ones have 24 or 36 characters."""
    return _SESSION.fullmatch(text) is not None


def host_of(text: str) -> str:
    """The address as it is joined by: `local` for `[local]`, IPv4-mapped IPv6 as IPv4."""
    if text == "[local]":
        return "local"
    if len(text) <= _LONGEST_MAPPED and text.lower().startswith(_MAPPED):
        return unmapped(text)
    return text


@lru_cache(maxsize=4096)
def unmapped(text: str) -> str:
    """IPv4-mapped IPv6 as IPv4; what is none as it is."""
    try:
        return str(IPv6Address(text).ipv4_mapped or text)
    except AddressValueError:
        return text


def parse(line: str, layout: int = 0, *, is_flagged: bool = False) -> Row:
    """The record of a line. layout: how many columns the lines around it have, 0 where unknown.

    Raises LineError for what is no record.
    """
    if len(line.encode("utf-8", "surrogatepass")) > MAX_LINE:
        raise LineError(TOO_LONG)
    pieces = line.split("|")
    _check_left(pieces)
    count = len(pieces)
    settled = _settled(pieces, layout)
    if settled is not None:
        return _row(settled, is_flagged, is_repaired=len(settled) < count, columns=count)
    if count > LONGEST:
        raise LineError(f"{count} columns, and no telling which | does not separate them")
    fault = _fault(pieces)
    if fault is not None:
        raise LineError(fault)
    return _row(pieces, is_flagged)


@lru_cache(maxsize=1024)
def masked(tail: str, layout: int) -> tuple[int, str] | None:
    """What `parse` takes a line for whose columns from GUID on are `tail`: the number of columns,
    and the tail with MASK for each stray `|`. None: `parse` is to be asked, with all of the line.

    tail: without MASK. The same few come again and again, all those of a session among them.
    """
    settled = _settled([*[""] * GUID, *tail.split("|")], layout)
    if settled is None:
        return None
    return len(settled), "|".join(piece.replace("|", MASK) for piece in settled[GUID:])


def _settled(pieces: Sequence[str], layout: int) -> Sequence[str] | None:
    """The columns, by what stands from GUID on; None where neither all nor some `|` separate."""
    count = len(pieces)
    if (count in LAYOUTS or count == layout) and _fault(pieces) is None:
        return pieces
    return _repaired(pieces, layout)


def _check_left(pieces: Sequence[str]) -> None:
    """The left anchor, whatever the layout. Raises LineError."""
    if len(pieces) < SHORTEST:
        raise LineError(f"{len(pieces)} columns, where a line has {SHORTEST} to {LONGEST}")
    if not is_event(_text(pieces, EVENT)):
        raise LineError("column 1 is no event")
    if time_ms(pieces[TIME]) is None:
        raise LineError("column 2 is no time")
    for column in INTEGERS:
        if not is_integer(pieces[column]):
            raise LineError(f"column {column + 1} is no integer")
    port = _text(pieces, PORT)
    if port and not is_integer(port):
        raise LineError(f"column {PORT + 1} is no port")
    fault = _unspaced(pieces, 0, GUID)
    if fault is not None:
        raise LineError(fault)


def _unspaced(pieces: Sequence[str], first: int, end: int) -> str | None:
    """What is wrong with the spaces behind text, in these columns."""
    for column in _SPACED:
        if first <= column < end and pieces[column][-1:] != " ":
            return f"column {column + 1} has no space at its end"
    return None


def _fault(pieces: Sequence[str]) -> str | None:
    """What is wrong behind the left anchor, taking every `|` for a separator."""
    count = len(pieces)
    fault = _unspaced(pieces, GUID, count - 1)
    if fault is None and count > PROTOCOL and not is_integer(pieces[PROTOCOL]):
        fault = f"column {PROTOCOL + 1} is no protocol version"
    if fault is None and count > SESSION and not is_session(_text(pieces, SESSION)):
        fault = f"column {SESSION + 1} is no session id"
    return fault


def _repaired(pieces: Sequence[str], layout: int) -> list[str] | None:
    """The line with its stray `|` where they belong; None where there is no telling.

    Layouts with a protocol version and a session id are told by these, counted from the right. A
    shorter one has no anchor there, and is taken if every surplus `|` has no space before it, or if
    the lines around have it.
    """
    for candidate, may_guess in _tries(layout):
        if not APPLICATION < candidate < len(pieces):
            continue
        joined = _joined(pieces, candidate, may_guess=may_guess)
        if joined is not None and _fault(joined) is None:
            return joined
    return None


@cache
def _tries(layout: int) -> list[tuple[int, bool]]:
    """The layouts to try, and whether one may guess which columns belong together."""
    long = sorted((each for each in LAYOUTS if each > PROTOCOL), key=lambda each: each != layout)
    short = [each for each in reversed(LAYOUTS) if each <= PROTOCOL]
    return [(each, True) for each in long] + [(each, False) for each in short] + [(layout, True)]


def _joined(pieces: Sequence[str], layout: int, *, may_guess: bool) -> list[str] | None:
    """The pieces as `layout` columns. A `|` with no space before it separates nothing; what is
    too many after that belongs to the application's name, if one may guess. None where it does
    not come out."""
    right = max(0, layout - PROTOCOL)
    middle: list[str] = []
    for piece in pieces[APPLICATION : len(pieces) - right]:
        if middle and not middle[-1].endswith(" "):
            middle[-1] += f"|{piece}"
        else:
            middle.append(piece)
    surplus = len(middle) - (min(layout, PROTOCOL) - APPLICATION)
    if surplus < 0 or (surplus and not may_guess):
        return None
    name = "|".join(middle[: surplus + 1])
    return [
        *pieces[:APPLICATION],
        name,
        *middle[surplus + 1 :],
        *pieces[len(pieces) - right :],
    ]


def _text(pieces: Sequence[str], column: int) -> str:
    """A column's text, without the one space behind it; empty where the line is shorter."""
    if column >= len(pieces):
        return ""
    if column == len(pieces) - 1:
        return pieces[column]
    return pieces[column].removesuffix(" ")


def _row(
    pieces: Sequence[str], is_flagged: bool, *, is_repaired: bool = False, columns: int = 0
) -> Row:
    at = time_ms(pieces[TIME]) or 0
    count = len(pieces)
    texts = [piece.removesuffix(" ") for piece in pieces[:-1]]
    texts += [pieces[-1]] + [""] * (LONGEST - count)
    port = texts[PORT]
    user, identity = identity_of(texts[USER])
    row: Row = {name: texts[column] for name, column in TEXTS.items()}
    return row | {
        "at_ms": at,
        "slot": at // SLOT_MS,
        "event": texts[EVENT].lower(),
        "remote_host": host_of(texts[HOST]),
        "remote_port": int(port) if port else None,
        "pid": int(pieces[PID]),
        "duration_us": int(pieces[DURATION]),
        "user_name": user,
        "identity": identity,
        "columns": columns or count,
        "is_repaired": is_repaired,
        "has_bad_bytes": is_flagged,
    }


def is_whole(line: str, layout: int, before: str) -> bool:
    """Whether an object's unended last line is complete, as far as can be told.

    It is not if it has fewer columns than the lines before (layout, 0 where there are none), or
    ends with a session id of another length than that of the line before it.
    """
    try:
        row = parse(line, layout)
    except LineError:
        return False
    columns, session = row["columns"], row["session_id"]
    if columns not in (*LAYOUTS, layout) or columns < layout:
        return False
    if columns != SESSION + 1 or before.count("|") != SESSION:
        return True
    return len(str(session)) == len(before) - before.rindex("|") - 1
