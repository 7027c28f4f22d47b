"""The catalogue: every rule in use, why it is there, and how many resources keep it."""

from __future__ import annotations

from collections import Counter

from agent.web.index import score
from agent.web.page import Look, NotFoundError, Page
from agent.web.resource import fact_docs, kind_doc
from agent.web.shown import short, value
from controls.bounds import bounds_text
from controls.rule import Rule

WORST = 20


def rules(look: Look) -> Page:
    """All of them by kind, with their counts; and those no longer in use that left findings."""
    by_kind: dict[str, list[Rule]] = {}
    for rule in look.view.rules():
        by_kind.setdefault(rule.kind, []).append(rule)
    counts = look.index.by_rule
    return Page(
        "rules.html",
        "Rules",
        "rules",
        {
            "by_kind": by_kind,
            "docs": {kind: kind_doc(kind) for kind in by_kind},
            "counts": {rule.id: counts.get(rule.id, Counter()) for rule in look.view.rules()},
            "score": score,
        },
    )


def rule(look: Look, name: str) -> Page:
    """One rule as it is written, and what it finds. Raises NotFoundError."""
    found = next((one for one in look.view.rules() if one.id == name), None)
    if found is None:
        raise NotFoundError(f"No rule {short(name)} is in use; the list of rules names them all.")
    mine = [one for one in look.index.findings if one.finding.rule == name]
    return Page(
        "rule.html",
        found.id,
        "rules",
        {
            "rule": found,
            "counts": look.index.by_rule.get(name, Counter()),
            "share": score(look.index.by_rule.get(name, Counter())),
            "params": [(each, _param(found, each)) for each in sorted(found.params)],
            "facts": [(each, fact_docs(found.kind).get(each, "")) for each in sorted(found.reads)],
            "worst": mine[:WORST],
            "total": len(mine),
        },
    )


def _param(of: Rule, name: str) -> str:
    """`24 (may be set from 3 to 72)`."""
    default = value(of.params[name])
    if name not in of.bounds:
        return default
    return f"{default} (may be set: {bounds_text(of.bounds[name])})"
