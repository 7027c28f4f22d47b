"""How times, values and texts are written on a page. Everything here is a pure function."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from markupsafe import Markup, escape

from controls.because import value_text
from controls.model import Ref, Status, Value

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Controls, line breaks, changes of writing direction, what has no width, halves of characters."""

_DOTS = re.compile(r"(?<![^/])\.{1,2}(?=/|$)")
"""A step of a path that is no name: here, or one up."""

SHORT = 160
"""Characters of a text in a table; the whole stands on the page of its own."""

STATUS_WORDS = {
    Status.FAIL: "Fail",
    Status.UNKNOWN: "Unknown",
    Status.WAIVED: "Waived",
    Status.PASS: "Pass",
    Status.NOT_APPLICABLE: "N/A",
}

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def visible(value: Any) -> Any:
    """A text in which nothing hides: what has no shape, or turns the line, as its escape.

    Numbers and markup go through as they are: markup is made of texts that came through here.
    """
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return _UNSEEN.sub(lambda match: ascii(match[0])[1:-1], value)


def short(text: str, most: int = SHORT) -> str:
    """The beginning of a long text, and that there is more."""
    return text if len(text) <= most else f"{text[:most].rstrip()}…"


def lines(of: Iterable[str]) -> Markup:
    """Each on a line of its own, as `pre` shows them; line breaks within one are made visible."""
    return escape("".join(f"{visible(line)}\n" for line in of))


def words(text: str) -> Markup:
    """A sentence with what stands in backticks as code. It alone puts elements around texts."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:  # a backtick without its other: it is no mark
        return escape(visible(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(visible(piece)) if at % 2 else escape(visible(piece))
        for at, piece in enumerate(pieces)
    )


# ---------------------------------------------------------------- times and numbers


def moment(time: datetime) -> str:
    """`2026-11-22 08:00:00`, in UTC, as every page says at its top."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(time: datetime) -> str:
    """For the `datetime` attribute."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(time: datetime, now: datetime) -> str:
    """`3 min ago`, `in 12 min`: rounded down, in the largest unit that is full."""
    seconds = int((now - time).total_seconds())
    return f"in {span(-seconds)}" if seconds < 0 else f"{span(seconds)} ago"


def span(seconds: float | timedelta) -> str:
    """`0.4 s`, `12 s`, `3 min`, `5 h`, `12 d`."""
    if isinstance(seconds, timedelta):
        seconds = seconds.total_seconds()
    for unit, size in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds >= size * (2 if unit == "d" else 1):
            return f"{int(seconds / size)} {unit}"
    return f"{seconds:.1f} s" if 0 < seconds < 10 and seconds % 1 else f"{int(seconds)} s"


def percent(share: float | None) -> str:
    """`97.4 %`, rounded down: 100 % is said only where nothing fails and nothing is unknown."""
    if share is None:
        return "–"
    tenths = int(share * 1000 + 1e-9)
    return f"{tenths // 10}.{tenths % 10} %" if tenths < 1000 else "100 %"


def number(count: float) -> str:
    """`12,345`; a mean with a digit behind the point."""
    return f"{count:,.0f}" if float(count).is_integer() else f"{count:,.1f}"


def value(of: Value | None) -> str:
    """A fact's or parameter's value, as the command line writes it."""
    return "no value" if of is None else value_text(of)


# ---------------------------------------------------------------- links


def resource_link(ref: Ref) -> str:
    """The address of a resource's page."""
    parts = [_path(part, safe=":*@") for part in (ref.kind, ref.account, ref.region)]
    return "/".join(["/resources", *parts, _path(ref.name)])


def finding_link(finding: str) -> str:
    """The permalink of a finding."""
    return f"/findings/{_path(finding)}"


def rule_link(rule: str) -> str:
    """The address of a rule's page."""
    return f"/rules/{_path(rule)}"


def change_link(change: str) -> str:
    """The address of a change's page."""
    return f"/changes/{_path(change)}"


def _path(text: str, safe: str = "/:*@") -> str:
    """The text as part of a path: quoted, and quoted again.

    Browsers take `..` away, and servers undo one quoting before they look for a page, so that
    line breaks and what is no character would find none. Ordinary names stay as they are.
    """
    once = quote(text, safe=safe, errors="surrogatepass")
    return quote(_DOTS.sub(lambda dots: "%2E" * len(dots[0]), once), safe=safe)


def query(text: str) -> str:
    """The text as the value of a query parameter."""
    return quote(text, safe="", errors="replace")


def from_path(path: str) -> str:
    """The text that `_path` was given, from the path of a request."""
    return unquote(path, errors="surrogatepass")


FILTERS: Mapping[str, Any] = {
    "short": short,
    "words": words,
    "lines": lines,
    "moment": moment,
    "iso": iso,
    "ago": ago,
    "span": span,
    "percent": percent,
    "number": number,
    "value": value,
    "resource_link": resource_link,
    "finding_link": finding_link,
    "rule_link": rule_link,
    "change_link": change_link,
    "query": query,
    "status_word": STATUS_WORDS.__getitem__,
}
