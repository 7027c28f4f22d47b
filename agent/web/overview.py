"""The first page: how it stands, what fails, what changed, how it went, and the agent's health."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from agent.web.changes import standing
from agent.web.chart import DAYS, chart
from agent.web.index import Counts, score
from agent.web.page import Look, Page, past
from agent.web.reports import reports

WORST = 6
"""Failing findings on this page; the rest is a link away."""

CHANGES = 10


def overview(look: Look) -> Page:
    """How the estate stands now."""
    index = look.index
    changes = past(lambda: look.view.events(limit=CHANGES))
    days = past(lambda: look.view.days(look.now - timedelta(days=DAYS)))
    titles = {rule.id: rule.title for rule in look.view.rules()}
    return Page(
        "overview.html",
        "Overview",
        "overview",
        {
            "counts": index.counts,
            "total": len(index.findings),
            "share": score(index.counts),
            "worst": index.failing[:WORST],
            "failing": len(index.failing),
            "hidden": sum(one.finding.status != "fail" for one in index.failing),
            "by_rule": _scores(index.by_rule),
            "by_account": _scores(index.by_account),
            "titles": titles,
            "changes": changes,
            "days": days,
            "standing": standing(look),
            "reports": reports(index.findings),
            "chart": chart(days.found, look.now.date()),
            "targets": sorted(
                index.state.targets.values(),
                key=lambda one: (one.status.account, one.status.region),
            ),
        },
    )


def _scores(groups: Any) -> list[tuple[str, Counts, float | None]]:
    """Each group with its counts and its score: the lowest first, those without one last."""
    scored = [(name, counts, score(counts)) for name, counts in groups.items()]
    return sorted(scored, key=lambda one: (one[2] is None, one[2] or 0.0, one[0]))
