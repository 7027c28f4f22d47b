"""Which findings were asked for, as query parameters say it: one language for pages and API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from agent.web.index import GRAVITY
from controls.history import Tracked
from controls.model import Severity, Status

LONGEST_SEARCH = 500

_SORTS: Mapping[str, Callable[[Tracked], Any]] = {
    "severity": lambda one: GRAVITY[one.finding.severity],
    "since": lambda one: -one.since.timestamp(),
    "-since": lambda one: one.since,
    "rule": lambda one: one.finding.rule,
    "resource": lambda one: one.finding.ref.name,
    "account": lambda one: (one.finding.ref.account, one.finding.ref.region),
}
"""Each over the order that puts the worst first, which stays among equals."""

SORTS = ("worst", *_SORTS)


class BadQueryError(Exception):
    """A query parameter that means nothing. To leave it out would show what was not asked for."""


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked for; an empty part asks for everything. Pages count from 1."""

    status: tuple[Status, ...] = ()
    severity: tuple[Severity, ...] = ()
    rule: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    text: str = ""
    sort: str = "worst"
    page: int = 1

    @property
    def filtered(self) -> bool:
        """Anything narrows it."""
        return replace(self, sort="worst", page=1) != Query()

    def link(self, **changed: Any) -> str:
        """The address of the same question with some parts changed; back on the first page."""
        query = replace(self, **{"page": 1, **changed})
        parts: list[tuple[str, str]] = []
        for name in ("status", "severity", "rule", "account", "region", "kind"):
            parts += [(name, str(each)) for each in getattr(query, name)]
        if query.text:
            parts.append(("q", query.text))
        if query.sort != "worst":
            parts.append(("sort", query.sort))
        if query.page != 1:
            parts.append(("page", str(query.page)))
        return "/findings" + (f"?{urlencode(parts, errors='replace')}" if parts else "")


_NAMES = ("status", "severity", "rule", "account", "region", "kind", "q", "sort", "page")


def parse(pairs: Sequence[tuple[str, str]]) -> Query:
    """The question in these parameters; empty ones, as forms send them, say nothing.

    Raises:
        BadQueryError: a name or value that is not known, with those that are.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in _NAMES:
            raise BadQueryError(f"there is no filter {name!r}; there are {', '.join(_NAMES)}")
        if value.strip():
            given.setdefault(name, []).append(value.strip())
    return Query(
        status=tuple(_one_of(Status, "status", given)),
        severity=tuple(_one_of(Severity, "severity", given)),
        rule=tuple(given.get("rule", ())),
        account=tuple(given.get("account", ())),
        region=tuple(given.get("region", ())),
        kind=tuple(given.get("kind", ())),
        text=" ".join(given.get("q", ()))[:LONGEST_SEARCH],
        sort=_sort(given.get("sort", ["worst"])[-1]),
        page=_page(given.get("page", ["1"])[-1]),
    )


def _one_of(kind: Any, name: str, given: Mapping[str, Sequence[str]]) -> Iterable[Any]:
    for value in given.get(name, ()):
        try:
            yield kind(value)
        except ValueError:
            known = ", ".join(kind)
            raise BadQueryError(f"{name} {value!r} is none of {known}") from None


def _sort(value: str) -> str:
    if value not in SORTS:
        raise BadQueryError(f"sort {value!r} is none of {', '.join(SORTS)}")
    return value


def _page(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) < 8 and int(value) > 0):
        raise BadQueryError(f"page {value!r} is not a number from 1 on")
    return int(value)


def chosen(findings: Sequence[Tracked], query: Query) -> Sequence[Tracked]:
    """Those that were asked for, of findings that come the worst first, in the order asked for."""
    words = tuple(query.text.casefold().split())
    found = [one for one in findings if _fits(one, query, words)] if query.filtered else findings
    key = _SORTS.get(query.sort)
    return found if key is None else sorted(found, key=key)


def _fits(tracked: Tracked, query: Query, words: Sequence[str]) -> bool:
    finding, ref = tracked.finding, tracked.finding.ref
    return (
        (not query.status or finding.status in query.status)
        and (not query.severity or finding.severity in query.severity)
        and (not query.rule or finding.rule in query.rule)
        and (not query.account or ref.account in query.account)
        and (not query.region or ref.region in query.region)
        and (not query.kind or ref.kind in query.kind)
        and (not words or _says(tracked, words))
    )


def _says(tracked: Tracked, words: Sequence[str]) -> bool:
    """Every word stands in its name, its reasons or its tags."""
    finding, ref = tracked.finding, tracked.finding.ref
    said = f"{finding.rule}\n{finding.title}\n{ref.id}\n{ref.arn}\n{finding.because}"
    if finding.reasons:
        said = "\n".join((said, *finding.reasons))
    for name, value in finding.tags.items():
        said += f"\n{name}={value}"
    said = said.casefold()
    return all(word in said for word in words)
