"""Panels, variables and dashboards as Grafana has them in JSON (schema 39: Grafana 10 or later)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

WIDTH = 24
"""Columns of Grafana's grid."""

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
JOB = 'job=~"$job"'
PLACE = f'{JOB}, account=~"$account", region=~"$region"'
VERDICT = f'{PLACE}, rule=~"$rule"'
INSTANCE = f'{JOB}, instance=~"$instance"'

GREEN, YELLOW, ORANGE, RED = "green", "yellow", "orange", "red"

Steps = Sequence[tuple[float | None, str]]
"""Colours from a value on; the first has none."""

ONCE = "max without (instance, pod, container, endpoint, node, service)"
"""Two agents that look at the same estate for a while (a rolling update) count once."""

FINDING = (
    "${agent_url}/findings?rule=${__data.fields.rule}&account=${__data.fields.account}"
    "&region=${__data.fields.region}&q=${__data.fields.resource}"
)
"""The finding of a row of a table, on the agent's page."""

ANY_IS_BAD: Steps = ((None, GREEN), (1, RED))
ANY_IS_DOUBT: Steps = ((None, GREEN), (1, ORANGE))
ZERO_IS_BAD: Steps = ((None, RED), (1, GREEN))
SHARE: Steps = ((None, RED), (0.9, ORANGE), (1, GREEN))
PLAIN: Steps = ((None, "text"),)


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression and how its series are called."""

    expr: str
    legend: str = ""
    instant: bool = False
    table: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; `wide` and `high` in grid units, its place comes from the row it stands in."""

    kind: str
    title: str
    description: str
    queries: Sequence[Query]
    unit: str
    wide: int
    high: int
    steps: Steps = PLAIN
    options: Json = field(default_factory=dict)
    custom: Json = field(default_factory=dict)
    defaults: Json = field(default_factory=dict)
    overrides: Sequence[Json] = ()
    transformations: Sequence[Json] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A heading and the panels under it, left to right, wrapped at the grid's edge."""

    title: str
    panels: Sequence[Panel]


def now(title: str, description: str, expr: str, *, unit: str = "short", **more: Any) -> Panel:
    """One number, or one a series (`legend`), as it is now."""
    legend = more.pop("legend", "")
    options = {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    size: Json = {"wide": 4, "high": 4} | more
    return Panel(
        "stat",
        title,
        description,
        [Query(expr, legend, instant=True)],
        unit,
        options=options,
        **size,
    )


def over_time(title: str, description: str, queries: Sequence[Query], **more: Any) -> Panel:
    """Lines over time; `stacked=True` piles them up."""
    stacked = more.pop("stacked", False)
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 30 if stacked else 5,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
    }
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    size: Json = {"wide": 12, "high": 8, "unit": "short"} | more
    return Panel("timeseries", title, description, queries, options=options, custom=custom, **size)


def bars(title: str, description: str, expr: str, legend: str, **more: Any) -> Panel:
    """One bar a series, as it is now."""
    options = {
        "displayMode": "basic",
        "orientation": "horizontal",
        "valueMode": "color",
        "showUnfilled": True,
        "minVizHeight": 10,
        "minVizWidth": 0,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    size: Json = {"wide": 12, "high": 10, "unit": "short"} | more
    return Panel(
        "bargauge", title, description, [Query(expr, legend, instant=True)], options=options, **size
    )


def table(
    title: str,
    description: str,
    queries: Sequence[tuple[str, str]],
    columns: Sequence[str],
    **more: Any,
) -> Panel:
    """Rows by `columns`; each query (column name, expression) adds one column of values."""
    asked = [Query(expr, "", instant=True, table=True) for _, expr in queries]
    letters = [refid(index) for index in range(len(queries))]
    # One query alone keeps the name Value; several are told apart by their letter.
    values = ["Value"] if len(queries) == 1 else [f"Value #{letter}" for letter in letters]
    renamed = {value: name for value, (name, _) in zip(values, queries, strict=True) if name}
    hidden = {value: True for value, (name, _) in zip(values, queries, strict=True) if not name}
    order = {name: place for place, name in enumerate([*columns, *values])}
    transformations = [
        *([{"id": "merge", "options": {}}] if len(queries) > 1 else []),
        {
            "id": "organize",
            "options": {
                "excludeByName": {"Time": True, **hidden},
                "indexByName": order,
                "renameByName": renamed,
            },
        },
    ]
    size: Json = {"wide": 24, "high": 10, "unit": "short"} | more
    return Panel(
        "table",
        title,
        description,
        asked,
        options={"showHeader": True, "cellHeight": "sm"},
        custom={"align": "auto", "filterable": True},
        transformations=transformations,
        **size,
    )


def column(name: str, *, unit: str = "", link: str = "", steps: Steps = ()) -> Json:
    """What is different about one column of a table."""
    properties: list[Json] = []
    if unit:
        properties.append({"id": "unit", "value": unit})
    if link:
        target = {"title": "Open on the agent's page", "url": link, "targetBlank": True}
        properties.append({"id": "links", "value": [target]})
    if steps:
        properties.append({"id": "thresholds", "value": _thresholds(steps)})
        properties.append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


def refid(index: int) -> str:
    """A, B, C …"""
    return "ABCDEFGHIJ"[index]


def _thresholds(steps: Steps) -> Json:
    return {
        "mode": "absolute",
        "steps": [{"color": colour, "value": value} for value, colour in steps],
    }


def _target(query: Query, index: int) -> Json:
    return {
        "refId": refid(index),
        "datasource": DATASOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "format": "table" if query.table else "time_series",
        "instant": query.instant,
        "range": not query.instant,
    }


def _panel(panel: Panel, number: int, x: int, y: int) -> Json:
    colour = "palette-classic" if panel.kind == "timeseries" else "thresholds"
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.wide, "h": panel.high},
        "targets": [_target(query, index) for index, query in enumerate(panel.queries)],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "color": {"mode": colour},
                "thresholds": _thresholds(panel.steps),
                "custom": panel.custom,
                **panel.defaults,
            },
            "overrides": list(panel.overrides),
        },
        "options": panel.options,
        "transformations": list(panel.transformations),
    }


def _laid_out(rows: Sequence[Row]) -> list[Json]:
    """Every row with its panels, from the top down; ids count from 1."""
    found: list[Json] = []
    y = 0
    for row in rows:
        head = {"type": "row", "title": row.title, "collapsed": False, "panels": []}
        grid = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        found.append({"id": len(found) + 1, **head, "gridPos": grid})
        x, y, high = 0, y + 1, 0
        for panel in row.panels:
            if x + panel.wide > WIDTH:
                x, y, high = 0, y + high, 0
            found.append(_panel(panel, len(found) + 1, x, y))
            x, high = x + panel.wide, max(high, panel.high)
        y += high
    return found


def _choice(name: str, label: str, query: str) -> Json:
    """A variable whose values Prometheus knows; several may be chosen, and all are at first."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": f"variable-{name}"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


def _text(name: str, label: str, description: str, value: str) -> Json:
    return {
        "name": name,
        "label": label,
        "description": description,
        "type": "textbox",
        "query": value,
        "current": {"selected": True, "text": value, "value": value},
        "options": [{"selected": True, "text": value, "value": value}],
        "hide": 0,
    }


SOURCE: Json = {
    "name": "datasource",
    "label": "Data source",
    "type": "datasource",
    "query": "prometheus",
    "refresh": 1,
    "multi": False,
    "includeAll": False,
    "hide": 0,
}
JOBS = _choice("job", "Job", "label_values(trailkeeper_build_info, job)")
INSTANCES = _choice(
    "instance", "Instance", f"label_values(trailkeeper_build_info{{{JOB}}}, instance)"
)
ACCOUNTS = _choice("account", "Account", f"label_values(trailkeeper_findings{{{JOB}}}, account)")
REGIONS = _choice("region", "Region", f"label_values(trailkeeper_findings{{{JOB}}}, region)")
RULES = _choice("rule", "Rule", f"label_values(trailkeeper_findings{{{JOB}}}, rule)")
PLACES = (
    _text("agent_url", "Agent", "Where the agent's pages are.", "http://localhost:9712"),
    _text(
        "docs_url",
        "Documents",
        "Where the folder docs/ of Trailkeeper is published.",
        "https://docs.example.com/trailkeeper",
    ),
)


def _link(title: str, url: str, tooltip: str, **more: Any) -> Json:
    return {
        "title": title,
        "type": "link",
        "url": url,
        "tooltip": tooltip,
        "icon": "external link",
        "tags": [],
        "asDropdown": False,
        "targetBlank": True,
        "includeVars": False,
        "keepTime": False,
        **more,
    }


LINKS = [
    _link("Agent", "${agent_url}/", "The agent's own pages"),
    _link("Findings", "${agent_url}/findings", "Every finding, with its reason and remedy"),
    _link("Runbook", "${docs_url}/runbook.md", "What each alert means and what to do"),
    {
        **_link("Trailkeeper", "", "The other dashboards of Trailkeeper"),
        "type": "dashboards",
        "tags": ["trailkeeper"],
        "targetBlank": False,
        "includeVars": True,
        "keepTime": True,
    },
]


def dashboard(
    uid: str, title: str, description: str, variables: Sequence[Json], rows: Sequence[Row]
) -> Json:
    """The whole model. Holds nothing of one Grafana: no numeric id, no version, no data source."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["trailkeeper", "aws", "audit"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "utc",
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "1m",
        "timepicker": {},
        "annotations": {"list": []},
        "templating": {"list": [SOURCE, JOBS, *variables, *PLACES]},
        "links": LINKS,
        "panels": _laid_out(rows),
    }
