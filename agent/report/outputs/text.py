"""How values are written for people: pure functions, and nothing that could deceive the eye."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from agent.auditlog.objects import Writer
from agent.report.model import EVIDENCE_SHIFT, ColumnKind, Document, Value

LONGEST = 400
"""Characters of one value on a page; the rest is in the CSV."""

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""Controls, marks that turn or hide text, halves of characters; tab and line break are none."""


LINE_BREAK = "⏎"
_SPACE = re.compile("[ \t\r\n]+")


def seen(text: str) -> str:
    """The text with what cannot be seen, or turns what is around it, as escapes."""
    return _UNSEEN.sub(lambda match: ascii(match[0])[1:-1], text)


def in_line(text: str) -> str:
    """The same with tabs and line breaks, too, as escapes: for names."""
    return seen(text).replace("\t", "\\t").replace("\n", "\\n")


def short(text: str, most: int = LONGEST, *, lines: bool = False) -> str:
    """The text as it can be seen, cut to `most` characters, which is said. `lines`: it may have
    several."""
    shown = seen if lines else in_line
    if len(text) <= most:
        return shown(text)
    return f"{shown(text[:most])}… ({len(text):,} characters)"


def in_one_run(sql: str, most: int = LONGEST) -> str:
    """A statement without its layout, cut like `short`: white space is one blank, or a mark where
    it breaks the line, so that what follows a comment is not taken for a part of it, and no run of
    empty lines drives the rest out of sight. A mark that the statement has itself is an escape."""
    run = _SPACE.sub(
        lambda match: " " if match[0].strip(" \t") == "" else f" {LINE_BREAK} ",
        sql.replace(LINE_BREAK, ascii(LINE_BREAK)[1:-1]).strip(" \t\r\n"),
    )
    return seen(run) if len(run) <= most else f"{seen(run[:most])}… ({len(sql):,} characters)"


def moment(at_ms: int) -> datetime | None:
    """Milliseconds since 1970 as a time; None where the calendar ends before."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    except OverflowError:
        return None


def time(at_ms: int | None) -> str:
    """`2026-10-03 14:22:05`; empty for None."""
    if at_ms is None:
        return ""
    when = moment(at_ms)
    return f"{when:%Y-%m-%d %H:%M:%S}" if when else f"{at_ms} ms since 1970"


def iso(at_ms: int | None) -> str | None:
    """`2026-10-03T14:22:05.123Z`; None for None, or for what is in no calendar."""
    when = None if at_ms is None else moment(at_ms)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z" if when else None


def duration(microseconds: int) -> str:
    """Two units at most: `2 d 3 h`, `4 min 5 s`, `1.5 s`, `12 ms`."""
    if abs(microseconds) < 1_000:
        return f"{microseconds} µs"
    if abs(microseconds) < 1_000_000:
        return f"{microseconds / 1_000:.3g} ms"
    if abs(microseconds) < 60_000_000:
        return f"{microseconds / 1_000_000:.3g} s"
    seconds = microseconds // 1_000_000
    for size, large, part, little in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min")):
        if seconds >= size:
            return f"{seconds // size:,} {large} {seconds % size // part} {little}"
    return f"{seconds // 60} min {seconds % 60} s"


def size(count: int) -> str:
    """`1.4 MiB`."""
    amount, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if abs(amount) < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{count:,} B" if unit == "B" else f"{amount:.1f} {unit}"


def number(value: Value) -> str:
    """With thousands apart, where it is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return short(str(value))
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def written(value: Value, kind: ColumnKind) -> str:
    """A value as its column shows it; evidence is not shown by this. None is empty."""
    if value is None:
        return ""
    if isinstance(value, bool) or kind is ColumnKind.FLAG:
        return "yes" if value else "no"
    if isinstance(value, int) and kind in _WRITTEN:
        return _WRITTEN[kind](value)
    return (
        number(value)
        if kind is ColumnKind.COUNT
        else short(str(value), lines=kind is ColumnKind.SQL)
    )


_WRITTEN: Mapping[ColumnKind, Callable[[int], str]] = {
    ColumnKind.TIME: time,
    ColumnKind.DURATION: duration,
    ColumnKind.BYTES: size,
}


def source_of(document: Document, evidence: int) -> tuple[str, int]:
    """Object key and record number; of an object that nobody knows its number stands for the key.

    Never raises: a report must not fail over one link.
    """
    known = document.objects.get(evidence // EVIDENCE_SHIFT)
    return known or f"object {evidence // EVIDENCE_SHIFT}", evidence % EVIDENCE_SHIFT


def folder_of(writer: Writer) -> str:
    """`<account>_<region>_<cluster>` as the name of a folder; an export may say anything there."""
    parts = (writer.account, writer.region, writer.cluster)
    safe = [re.sub(r"[^A-Za-z0-9.-]", "-", part)[:80].lstrip(".") or "-" for part in parts]
    name = "_".join(safe)
    if tuple(safe) == parts:
        return name

    told = "\0".join(parts).encode("utf-8", "surrogateescape")
    return f"{name}_{hashlib.sha256(told).hexdigest()[:8]}"
