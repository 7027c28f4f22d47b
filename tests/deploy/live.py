"""Dashboards against a running Prometheus: what every panel and variable shows now."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from tests.deploy.files import DASHBOARDS, Asked, dashboard, queries
from tests.prometheus import Prometheus, Sample, until

MODELS = tuple(dashboard(file) for file in DASHBOARDS)

PANELS = tuple(asked for model in MODELS for asked in queries(model))
"""Every query of every panel of every dashboard."""

CHOSEN = {
    "$job": ".+",
    "$instance": ".+",
    "$account": ".+",
    "$region": ".+",
    "$rule": ".+",
    "$__rate_interval": "30s",
    "$__range": "5m",
}
"""What Grafana would put in: all of everything, over a time as short as a test."""


def filled(expr: str, chosen: Mapping[str, str] = CHOSEN) -> str:
    """The expression as Grafana would send it; fails where a variable is not known here."""
    for name, value in chosen.items():
        expr = expr.replace(name, value)
    assert "$" not in expr, f"a variable that the test does not know: {expr}"
    return expr


def shown(prometheus: Prometheus, asked: Asked) -> list[Sample]:
    """What one query of a panel gives now; fails with Prometheus's words where it is refused."""
    return prometheus.query(filled(asked.expr))


def settled(prometheus: Prometheus) -> None:
    """Wait until the agent was scraped twice and the recording rules have followed."""
    for expr in (
        "rate(process_cpu_seconds_total[30s])",
        "trailkeeper_verdicts_taken_timestamp_seconds",
        "rule_account:trailkeeper_compliance:ratio",
        "severity:trailkeeper_failing:sum",
        "job_instance:trailkeeper_agent:seen",
    ):
        until(lambda expr=expr: prometheus.query(expr), f"{expr} has a value")  # type: ignore[misc]


def empty_panels(prometheus: Prometheus, rightly: Collection[str] = ()) -> list[str]:
    """The queries that show nothing, but for panels that are `rightly` empty (their titles).

    Each is asked until it shows something, for a while: a sweep may be under way.
    """

    def silent() -> list[Asked]:
        return [
            asked for asked in PANELS if asked.panel not in rightly and not shown(prometheus, asked)
        ]

    seen: list[list[Asked]] = []

    def done() -> bool:
        seen.append(silent())
        return not seen[-1] or len(seen) >= 20

    until(done, "the panels have been looked at")
    return [str(asked) for asked in seen[-1]]


def variables(model: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Of each variable that Prometheus answers, the label and the selector of its values."""
    found = {}
    for one in model["templating"]["list"]:
        if one["type"] == "query":
            match = re.fullmatch(r"label_values\((.+), (\w+)\)", one["query"]["query"])
            assert match, one["query"]
            found[one["name"]] = (match[2], filled(match[1]))
    return found
