"""What goes wrong with stored logs, one of each kind, at fixed hours of the month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from agent.report.model import Month
from agent.sandbox.month.files import cut_off, zipped

ACTIVITY, CONNECTION, USER = "useractivitylog", "connectionlog", "userlog"

GAP = "gap"
ORPHAN = "continues"
ZERO, TRUNCATED, MEMBERS, TWICE = "zero bytes", "truncated", "several members", "twice"
ACROSS_TWO, ACROSS_THREE = "across two", "across three"
UNDERSCORE, LATE, NOTHING = "underscore", "late", "nothing in it"
FEW_COLUMNS, HTML = "few columns", "html"

_WHEN: dict[tuple[str, int, int], str] = {
    **{(ACTIVITY, 8, hour): GAP for hour in (2, 3, 4)},
    (ACTIVITY, 11, 13): ZERO,
    (ACTIVITY, 13, 9): TRUNCATED,
    (ACTIVITY, 15, 10): MEMBERS,
    (ACTIVITY, 18, 12): TWICE,
    (ACTIVITY, 19, 8): ACROSS_TWO,
    (ACTIVITY, 22, 16): ACROSS_THREE,
    (ACTIVITY, 23, 9): UNDERSCORE,
    (ACTIVITY, 24, 15): LATE,
    **{(CONNECTION, 25, hour): GAP for hour in (17, 18, 19, 20)},
    (CONNECTION, 2, 3): NOTHING,
    (CONNECTION, 5, 10): TRUNCATED,
    (CONNECTION, 15, 11): MEMBERS,
    (CONNECTION, 18, 13): TWICE,
    (CONNECTION, 19, 9): ACROSS_TWO,
    (CONNECTION, 23, 10): UNDERSCORE,
    (CONNECTION, 26, 4): ZERO,
    (CONNECTION, 27, 8): FEW_COLUMNS,
    (CONNECTION, 27, 9): HTML,
}

BAD_LINES = {
    FEW_COLUMNS: "authenticated |Tue, 27 Oct 2020 08:15:01:601|::ffff:10.20.8.21 |32828 |15|dev\n",
    HTML: 'dir="ltr">authenticated |Mon, 21 May 2018 01:38:01:601|::ffff:127.0.0.1 |32828 |15523|'
    "dev |rdsdb |password |0| | |0| | | |\n",
}
"""Lines that are no record, each last in its object."""

ORPHANED = b"from mart.orders\nwhere day = 20;\n"
"""The end of a record whose beginning is nowhere."""

LATENESS = timedelta(hours=30)


@dataclass(frozen=True, slots=True)
class Piece:
    """One stored object of an hour: `after` minutes behind the usual name."""

    body: bytes
    after: int = 0
    what: str = ""


@dataclass(frozen=True, slots=True)
class Cut:
    """What becomes of an hour's records.

    kept: how many of the first can still be read. bad: lines that are no record. carry: what the
    next object begins with.
    """

    kept: int
    pieces: tuple[Piece, ...]
    bad: int = 0
    carry: bytes = b""


def planned(month: Month) -> dict[tuple[str, int], str]:
    """What happens, by log type and hour since 1970."""
    first = int(month.start.timestamp()) // 3600
    return {
        (log_type, first + (day - 1) * 24 + hour): kind
        for (log_type, day, hour), kind in _WHEN.items()
    }


def damaged(kind: str, log_type: str, texts: list[bytes], before: bytes, level: int) -> Cut:
    """An hour's records with one kind of damage; `before` is what an earlier object left over.

    Raises KeyError for a kind that is none.
    """
    whole = before + b"".join(texts)
    match kind:
        case "zero bytes":
            cut = Cut(0, (Piece(b"", 0, ZERO),))
        case "truncated":
            cut = _truncated(log_type, texts, before, level)
        case "several members":
            third = len(whole) // 3
            parts = (whole[:third], whole[third : 2 * third], whole[2 * third :])
            body = b"".join(zipped(part, level) for part in parts)
            cut = Cut(len(texts), (Piece(body, 0, MEMBERS),))
        case "across two":
            at = len(whole) - len(texts[-1]) + _middle(log_type, texts[-1])
            piece = Piece(zipped(whole[:at], level), 0, ACROSS_TWO)
            cut = Cut(len(texts), (piece,), carry=whole[at:])
        case "across three":
            cut = _across_three(texts, before, level)
        case "underscore" | "late":
            cut = Cut(len(texts), (Piece(zipped(whole, level), 0, kind),))
        case "twice" | "nothing in it":
            body = zipped(whole, level)
            second = body if kind == TWICE else zipped(b"", level)
            cut = Cut(len(texts), (Piece(body), Piece(second, 1, kind)))
        case _:
            line = BAD_LINES[kind].encode()
            cut = Cut(len(texts), (Piece(zipped(whole + line, level)),), bad=1)
    return cut


def _truncated(log_type: str, texts: list[bytes], before: bytes, level: int) -> Cut:
    """The first half can be read, and of one record more a part.

    That part is a record of the activity log, for its header is whole; of another log it is a line
    with too few columns.
    """
    half = len(texts) // 2
    partial = texts[half][: _middle(log_type, texts[half]) if log_type == ACTIVITY else 40]
    body = cut_off(before + b"".join(texts[:half]) + partial, level)
    whole = log_type == ACTIVITY
    return Cut(half + whole, (Piece(body, 0, TRUNCATED),), bad=1 - whole)


def _across_three(texts: list[bytes], before: bytes, level: int) -> Cut:
    """The longest record of all begins in one object, and ends in the next but one."""
    longest = max(range(len(texts)), key=lambda n: len(texts[n]) * texts[n].isascii())
    text = texts[longest]
    start = _middle(ACTIVITY, text)
    end = (start + len(text)) // 2
    parts = (
        before + b"".join(texts[:longest]) + text[:start],
        text[start:end],
        text[end:] + b"".join(texts[longest + 1 :]),
    )
    pieces = (Piece(zipped(p, level), n, ACROSS_THREE) for n, p in enumerate(parts))
    return Cut(len(texts), tuple(pieces))


def _middle(log_type: str, text: bytes) -> int:
    """Where a record is cut: in the middle of its SQL, or of its line."""
    start = text.index(b" ]' LOG: ") + 9 if log_type == ACTIVITY else 0
    return (start + len(text)) // 2


def gaps(plan: Sequence[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """Log type, first hour and length of each stretch of hours without a record."""
    found: list[tuple[str, int, int]] = []
    for log_type, hour in sorted(plan):
        if found and found[-1][0] == log_type and sum(found[-1][1:]) == hour:
            found[-1] = (log_type, found[-1][1], found[-1][2] + 1)
        else:
            found.append((log_type, hour, 1))
    return found
