"""The list of findings: filtered, sorted, a page at a time; and one finding by its permalink."""

from __future__ import annotations

from collections.abc import Sequence

from agent.web import filters
from agent.web.filters import Query
from agent.web.history_of import history_of
from agent.web.page import Look, NotFoundError, Page
from agent.web.shown import short
from controls.rule import Rule

PER_PAGE = 200


def findings(look: Look, parameters: Sequence[tuple[str, str]]) -> Page:
    """Those that were asked for. Raises BadQueryError."""
    query = filters.parse(parameters)
    found = filters.chosen(look.index.findings, query)
    pages = max(1, -(-len(found) // PER_PAGE))
    if query.page > pages:
        raise NotFoundError(f"There are {pages} pages of these findings, and no page {query.page}.")
    start = (query.page - 1) * PER_PAGE
    return Page(
        "findings.html",
        "Findings",
        "findings",
        {
            "query": query,
            "found": found[start : start + PER_PAGE],
            "start": start,
            "total": len(found),
            "all": len(look.index.findings),
            "pages": pages,
            "choices": _choices(look, query),
            "api": "/api/v1" + query.link(),
        },
    )


def _choices(look: Look, query: Query) -> dict[str, list[str]]:
    """What can be chosen in each filter; what was asked for stands there even if nothing has it."""
    index = look.index
    return {
        "rule": sorted({*index.rules, *query.rule}),
        "account": sorted({*index.accounts, *query.account}),
        "region": sorted({*index.regions, *query.region}),
        "kind": sorted({*index.kinds, *query.kind}),
    }


def finding(look: Look, name: str) -> Page:
    """One finding by its id. Raises NotFoundError: it has gone, or never was."""
    found = look.index.state.findings.get(name)
    if found is None:
        raise NotFoundError(
            f"There is no finding {short(name)} now. If there once was, its resource is gone or "
            "its rule no longer in use; the page of the resource keeps the history."
        )
    rule = rule_of(look, found.finding.rule)
    ref = found.finding.ref
    return Page(
        "finding.html",
        f"{found.finding.rule}: {short(ref.name, 80)}",
        "findings",
        {
            "tracked": found,
            "finding": found.finding,
            "ref": ref,
            "rule": rule,
            "others": [one for one in look.index.by_resource[ref.id] if one.finding.id != name],
            "history": history_of(look, ref.id, finding=name),
        },
    )


def rule_of(look: Look, name: str) -> Rule | None:
    """The rule of that id, if it is in use."""
    return next((rule for rule in look.view.rules() if rule.id == name), None)
