"""The dashboards: generated, of Grafana's own types, and free of what breaks one elsewhere.

The checks follow the rules that Grafana publishes for its dashboard-linter.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.files import DASHBOARDS, GRAFANA, dashboard, metrics_in, panels, queries, recorded
from tests.deploy.test_rules import exposed

UNITS = {"short", "percentunit", "s", "bytes", "reqps"}
"""Of Grafana's, those in use here."""

COUNTED = re.compile(r"(\w*)\s*\(\s*(?:trailkeeper|process)_\w+_(?:total|bucket)\b")

each_dashboard = pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: str(file.stem))


def test_there_are_three() -> None:
    assert [file.stem for file in DASHBOARDS] == [
        "trailkeeper-agent",
        "trailkeeper-estate",
        "trailkeeper-logs",
    ]


def test_what_is_committed_is_what_the_builder_makes() -> None:
    command = [sys.executable, "-B", str(GRAFANA / "build.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_provisioning_example_is_one() -> None:
    text = (GRAFANA / "provisioning" / "trailkeeper.yaml").read_text(encoding="utf-8")
    example = yaml.safe_load(text)

    assert example["apiVersion"] == 1
    assert [provider["type"] for provider in example["providers"]] == ["file"]


# ---------------------------------------------------------------- Grafana's own types

PLAIN = """\
import type { Dashboard } from '@grafana/schema';
// An enum's words, as they stand in JSON.
type Plain<T> = T extends string ? `${T}`
  : T extends readonly (infer E)[] ? Plain<E>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
export const model: Plain<Dashboard> = """


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Grafana's types and the TypeScript compiler."""
    folder = tmp_path_factory.mktemp("types")
    npm = shutil.which("npm")
    problem = "npm is not installed: apt-get install npm"
    if npm:
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"]
        packages = ["@grafana/schema@13.2.3", "typescript@7.0.2"]
        done = subprocess.run(
            [*command, *packages], cwd=folder, capture_output=True, text=True, check=False
        )
        problem = f"npm cannot install {packages}: {done.stderr[-300:]}" if done.returncode else ""
    if problem and os.environ.get("CI") == "true":
        pytest.fail(problem)
    if problem:
        pytest.skip(problem)
    return folder


def mistyped(folder: Path, models: Iterable[dict[str, Any]]) -> str:
    """What the compiler says of them."""
    for number, model in enumerate(models):
        (folder / f"model{number}.ts").write_text(f"{PLAIN}{json.dumps(model, indent=1)};\n")
    options = ["--noEmit", "--strict", "--skipLibCheck"]
    options += ["--module", "esnext", "--moduleResolution", "bundler"]
    files = sorted(file.name for file in folder.glob("model*.ts"))
    compiler = str(folder / "node_modules" / ".bin" / "tsc")
    done = subprocess.run(
        [compiler, *options, *files], cwd=folder, capture_output=True, text=True, check=False
    )
    for file in files:
        (folder / file).unlink()
    assert done.returncode == 0 or "error TS" in done.stdout, done.stdout + done.stderr
    return done.stdout


def test_grafanas_types_accept_them(typed: Path) -> None:
    assert mistyped(typed, map(dashboard, DASHBOARDS)) == ""


@pytest.mark.parametrize(
    ("where", "value"),
    [
        pytest.param(("tittle",), "no such field", id="a misspelled field"),
        pytest.param(("panels", 1, "tittle"), "no such field", id="a misspelled field of a panel"),
        pytest.param(("panels", 1, "gridPos", "h"), "4", id="a text for a number"),
        pytest.param(
            ("panels", 1, "fieldConfig", "defaults", "color", "mode"), "treshold", id="no such word"
        ),
    ],
)
def test_grafanas_types_would_notice(where: tuple[Any, ...], value: str, typed: Path) -> None:
    model: Any = dashboard(DASHBOARDS[0])
    part = model
    for step in where[:-1]:
        part = part[step]
    part[where[-1]] = value
    told = mistyped(typed, [model])

    assert where[-1] in told or value in told or "not assignable to type 'number'" in told
    assert told.count("error TS") == 1


# ---------------------------------------------------------------- what breaks elsewhere


@each_dashboard
def test_it_holds_nothing_of_one_grafana(file: Path) -> None:
    model = dashboard(file)

    assert {"id", "version", "iteration", "gnetId"}.isdisjoint(model)
    assert model["uid"] == file.stem
    assert model["editable"] is False
    assert 36 <= model["schemaVersion"] <= 41
    assert {str(panel["datasource"]) for panel in panels(model)} == {
        "{'type': 'prometheus', 'uid': '${datasource}'}"
    }


@each_dashboard
def test_ids_and_titles_are_unique_and_no_panels_overlap(file: Path) -> None:
    model = dashboard(file)
    ids = Counter(panel["id"] for panel in model["panels"])
    titles = Counter(panel["title"] for panel in panels(model))
    cells = [
        {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        for at in (panel["gridPos"] for panel in model["panels"])
    ]

    assert [name for name, many in (ids + titles).items() if many > 1] == []
    assert all(x < 24 for each in cells for x, _ in each)
    assert not any(one & other for one, other in combinations(cells, 2))


@each_dashboard
def test_every_panel_says_what_it_shows_in_a_unit_and_asks_something(file: Path) -> None:
    for panel in panels(dashboard(file)):
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["targets"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)


@each_dashboard
def test_the_variables_are_those_that_everybody_expects(file: Path) -> None:
    variables = {one["name"]: one for one in dashboard(file)["templating"]["list"]}

    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == (
        "datasource",
        "prometheus",
    )
    assert variables["agent_url"]["type"] == variables["docs_url"]["type"] == "textbox"
    for name in set(variables) - {"datasource", "agent_url", "docs_url"}:
        one = variables[name]
        assert (one["type"], one["multi"], one["includeAll"], one["allValue"], one["refresh"]) == (
            "query",
            True,
            True,
            ".+",
            2,
        )
        assert one["datasource"]["uid"] == "${datasource}"
        assert re.fullmatch(
            r"label_values\(trailkeeper_\w+({job=~\"\$job\"})?, \w+\)", one["query"]["query"]
        )


@each_dashboard
def test_every_variable_is_used_and_every_one_that_is_used_exists(file: Path) -> None:
    model = dashboard(file)
    there = {one["name"] for one in model["templating"]["list"]}
    text = json.dumps([model["panels"], model["links"], model["templating"]])
    used = set(re.findall(r"\$\{?([a-z]\w*)", text))

    assert used == there


@each_dashboard
def test_every_query_asks_for_the_chosen_job_and_names_none(file: Path) -> None:
    for asked in queries(dashboard(file)):
        selectors = re.findall(r"(?:trailkeeper|process|scrape)_[\w:]+(\{[^}]*\})?", asked.expr)
        selectors += re.findall(r"ALERTS(\{[^}]*\})", asked.expr)
        assert selectors, asked
        assert [one for one in selectors if 'job=~"$job"' not in one] == [], asked


@each_dashboard
def test_counters_are_asked_for_their_growth_over_grafanas_interval(file: Path) -> None:
    for asked in queries(dashboard(file)):
        assert set(COUNTED.findall(asked.expr)) <= {"rate", "increase"}, asked
        for window in re.findall(r"\[([^\]]+)\]", asked.expr):
            assert window in {"$__rate_interval", "$__range"}, asked


@each_dashboard
def test_every_metric_is_one_that_the_agent_or_a_rule_makes(file: Path) -> None:
    asked = {name for one in queries(dashboard(file)) for name in metrics_in(one.expr)}

    assert asked - exposed() - recorded() == set()


@each_dashboard
def test_it_leads_to_the_agents_pages_and_to_the_runbook(file: Path) -> None:
    model = dashboard(file)
    urls = {link["url"] for link in model["links"]}

    assert {"${agent_url}/", "${agent_url}/findings", "${docs_url}/runbook.md"} <= urls
    assert not re.search(r"https?://(?!localhost:9712|docs\.example\.com)", json.dumps(model))
