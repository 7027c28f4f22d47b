"""What lies under deploy/, as the tests read it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = PROMETHEUS / "rules.yml"
UNITS = tuple(sorted((PROMETHEUS / "unit").glob("*.yml")))
GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARDS = tuple(sorted((GRAFANA / "dashboards").glob("*.json")))

Rule = Mapping[str, Any]


def rules() -> list[Rule]:
    """Every recording and alert rule."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[Rule]:
    """Every alert rule; four are called TrailkeeperControlFailing."""
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> set[str]:
    """The names that recording rules make."""
    return {rule["record"] for rule in rules() if "record" in rule}


def unit_tests() -> list[Mapping[str, Any]]:
    """Every test of every file that promtool runs."""
    files = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in UNITS]
    return [test for file in files for test in file["tests"]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of one panel."""

    dashboard: str
    panel: str
    expr: str

    def __str__(self) -> str:
        """As a test calls it."""
        return f"{self.dashboard}: {self.panel}"


def dashboard(file: Path) -> dict[str, Any]:
    """One dashboard."""
    read: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return read


def panels(model: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every panel that shows something: rows are headings."""
    return (panel for panel in model["panels"] if panel["type"] != "row")


def queries(model: Mapping[str, Any]) -> list[Asked]:
    """Every query of a dashboard."""
    return [
        Asked(model["uid"], panel["title"], target["expr"])
        for panel in panels(model)
        for target in panel["targets"]
    ]


def metrics_in(expr: str) -> set[str]:
    """The names of metrics in an expression, those of recording rules among them."""
    bare = re.sub(r'"[^"]*"', '""', expr)
    return set(re.findall(r"(?<![\w:$])(?:[a-z_]+:)?(?:trailkeeper|process)_[\w:]+", bare))
