"""The alert rules: valid, proven by promtool, complete, and with somewhere to read on."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.metrics.own import Own
from agent.metrics.pages import Pages
from tests.deploy.files import (
    PROMETHEUS,
    ROOT,
    RULES,
    UNITS,
    alerts,
    metrics_in,
    recorded,
    rules,
    unit_tests,
)
from tests.prometheus import tool
from tests.rules.packs import shipped_rules

ALERTMANAGER = PROMETHEUS / "alertmanager.yml"
ALERTS = sorted({rule["alert"] for rule in alerts()})


def ran(*command: str) -> tuple[int, str]:
    """The exit code and all that was printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def exposed() -> set[str]:
    """Every metric of the agent's page, and what Prometheus makes of a histogram."""
    page = Pages(Own(), resource_series=10).page(gzipped=False).decode()
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))
    histograms = {name for name, kind in types.items() if kind == "histogram"}
    parts = {name + part for name in histograms for part in ("_bucket", "_sum", "_count")}
    return set(types) - histograms | parts


# ---------------------------------------------------------------- promtool and amtool


def test_promtool_accepts_the_rules_and_has_no_lint() -> None:
    code, told = ran(tool("promtool"), "check", "rules", "--lint=all", "--lint-fatal", str(RULES))

    assert code == 0, told


def test_promtool_accepts_the_example_configuration() -> None:
    code, told = ran(tool("promtool"), "check", "config", str(PROMETHEUS / "prometheus.yml"))

    assert code == 0, told


@pytest.mark.parametrize("file", UNITS, ids=lambda file: str(file.stem))
def test_promtool_proves_the_rules(file: Path) -> None:
    code, told = ran(tool("promtool"), "test", "rules", str(file))

    assert code == 0, told


@pytest.mark.parametrize(
    ("was", "becomes", "unit"),
    [
        pytest.param(
            "(\n              resource:trailkeeper_failing:held",
            "(\n              trailkeeper_resource_failing",
            "truth.yml",
            id="what failed is not held while the agent is away",
        ),
        pytest.param(
            'trailkeeper_sweep_last_success_timestamp_seconds{sweep="full"}\n            )\n',
            "trailkeeper_build_info\n            )\n",
            "truth.yml",
            id="held only until an agent answers, though it has not looked",
        ),
        pytest.param(
            'trailkeeper_sweep_last_success_timestamp_seconds{sweep="full"}\n            )\n',
            "(trailkeeper_verdicts_stale == 0)\n            )\n",
            "truth.yml",
            id="a freshness sweep is taken for a look at everything",
        ),
        pytest.param(
            "unless on (job) trailkeeper_sweep",
            "unless on () trailkeeper_sweep",
            "truth.yml",
            id="any other agent clears what this one saw",
        ),
        pytest.param(
            "and on (job) present_over_time(trailkeeper_build_info[7d])",
            "",
            "week.yml",
            id="what an agent saw that was taken away is held for ever",
        ),
        pytest.param(
            'trailkeeper_resource_noncompliant{status="unknown"}\n              )',
            "(trailkeeper_target_readable == 2)\n              )",
            "truth.yml",
            id="an agent without memory, denied a call, clears what failed",
        ),
        pytest.param(
            "(trailkeeper_target_readable == 0)\n",
            "(trailkeeper_target_readable == 2)\n",
            "truth.yml",
            id="an agent without memory clears what failed in a target that it cannot read",
        ),
        pytest.param(
            "                and on (job, account, region) (trailkeeper_target_readable == 0)\n",
            "",
            "truth.yml",
            id="what is unseen elsewhere holds what was put right",
        ),
        pytest.param(
            "for: 20m\n        keep_firing_for: 10m",
            "for: 20m",
            "truth.yml",
            id="no keep_firing_for",
        ),
        pytest.param(
            "max without (instance, pod, container, endpoint, node, service) (trailkeeper_reso",
            "(trailkeeper_reso",
            "truth.yml",
            id="a new pod is a new alert",
        ),
    ],
)
def test_the_unit_tests_notice_when_a_guard_goes(
    was: str, becomes: str, unit: str, tmp_path: Path
) -> None:
    shipped = RULES.read_text(encoding="utf-8")
    assert was in shipped
    (tmp_path / "unit").mkdir()
    (tmp_path / "rules.yml").write_text(shipped.replace(was, becomes), encoding="utf-8")
    shutil.copy(PROMETHEUS / "unit" / unit, tmp_path / "unit" / unit)

    valid, told = ran(tool("promtool"), "check", "rules", str(tmp_path / "rules.yml"))
    assert valid == 0, told
    code, _ = ran(tool("promtool"), "test", "rules", str(tmp_path / "unit" / unit))
    assert code == 1


def test_amtool_accepts_the_example_configuration() -> None:
    code, told = ran(tool("amtool"), "check-config", str(ALERTMANAGER))

    assert code == 0, told


@pytest.mark.parametrize(
    ("severity", "receiver"),
    [
        pytest.param("critical", "on-call", id="critical wakes somebody"),
        pytest.param("high", "on-call", id="high wakes somebody"),
        pytest.param("medium", "tickets", id="medium can wait"),
        pytest.param("low", "tickets", id="low can wait"),
    ],
)
def test_the_example_routes_by_severity(severity: str, receiver: str) -> None:
    routes = ("config", "routes", "test", f"--config.file={ALERTMANAGER}")
    labels = ("alertname=TrailkeeperControlFailing", f"severity={severity}")
    code, told = ran(tool("amtool"), *routes, *labels)

    assert (code, told.split()[0]) == (0, receiver)


def test_the_example_inhibits_nothing_that_fails_in_aws_and_names_only_alerts_that_exist() -> None:
    example = yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))
    inhibited: set[str] = set()
    for rule in example["inhibit_rules"]:
        named = set(re.findall(r"Trailkeeper\w+", str(rule)))
        assert named <= set(ALERTS)
        inhibited |= set(re.findall(r"Trailkeeper\w+", str(rule["target_matchers"])))

    assert inhibited.isdisjoint(
        {
            "TrailkeeperControlFailing",
            "TrailkeeperLogsStale",
            "TrailkeeperLogDeliveryFailing",
            "TrailkeeperTargetUnreadable",
            "TrailkeeperAgentDown",
        }
    )


# ---------------------------------------------------------------- complete


def expected_of(alert: str) -> list[bool]:
    """Of each look at an alert in the unit tests, whether it is expected to fire."""
    looks = [look for test in unit_tests() for look in test.get("alert_rule_test", ())]
    return [bool(look["exp_alerts"]) for look in looks if look["alertname"] == alert]


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_shown_firing_and_silent(alert: str) -> None:
    assert set(expected_of(alert)) == {True, False}


def test_every_recording_rule_is_shown() -> None:
    """By a query of its own, or by the alerts that use it."""
    asked = " ".join(
        look["expr"] for test in unit_tests() for look in test.get("promql_expr_test", ())
    )
    used = " ".join(str(rule["expr"]) for rule in rules())

    assert [name for name in recorded() if name not in asked + used] == []


def selectors(metric: str) -> dict[str, list[dict[str, tuple[str, str]]]]:
    """By alert, the matchers on a metric: label to (operator, value)."""
    found: dict[str, list[dict[str, tuple[str, str]]]] = {}
    for rule in alerts():
        for matchers in re.findall(rf"{metric}\{{([^}}]*)\}}", rule["expr"]):
            parts = re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', matchers)
            found.setdefault(rule["alert"], []).append({k: (op, v) for k, op, v in parts})
    return found


def matches(labels: dict[str, str], matchers: dict[str, tuple[str, str]]) -> bool:
    """Whether a series with these labels is selected."""
    for label, (operator, value) in matchers.items():
        same = (
            bool(re.fullmatch(value, labels[label])) if "~" in operator else labels[label] == value
        )
        if same == operator.startswith("!"):
            return False
    return True


@pytest.mark.parametrize("rule", shipped_rules(), ids=lambda rule: str(rule.id))
def test_a_failure_of_any_shipped_rule_is_exactly_one_alert(rule: Any) -> None:
    labels = {"rule": rule.id, "severity": rule.severity.value}
    chosen = Counter(
        alert
        for alert, several in selectors("resource:trailkeeper_failing:held").items()
        for matchers in several
        if matches(labels, matchers)
    )

    assert sum(chosen.values()) == 1, chosen


def test_every_metric_in_the_rules_is_one_that_the_agent_or_a_rule_makes() -> None:
    known = exposed() | recorded()

    assert [
        name for rule in rules() for name in metrics_in(rule["expr"]) if name not in known
    ] == []


def test_every_metric_in_the_unit_tests_is_one_that_the_agent_makes() -> None:
    fed = {
        name
        for test in unit_tests()
        for series in test["input_series"]
        for name in metrics_in(series["series"])
    }

    assert fed - exposed() == set()


def test_no_job_is_named() -> None:
    assert not re.search(r'job=~?"', " ".join(rule["expr"] for rule in rules()))


# ---------------------------------------------------------------- what the person paged reads


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_every_alert_says_what_where_how_grave_and_where_to_read_on(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]

    assert rule["labels"]["severity"] in {"critical", "high", "medium", "low"}
    assert set(notes) == {"summary", "description", "runbook_url"}
    assert len(notes["summary"]) < 100
    assert "First:" in notes["description"]
    assert notes["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"


def anchors(text: str) -> list[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return [
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    ]


def test_the_runbook_has_one_section_for_each_alert_and_no_other() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    sections = [anchor for anchor in anchors(text) if anchor.startswith("trailkeeper")]

    assert sorted(sections) == [alert.lower() for alert in ALERTS]


PARTS = ("What it means", "Who is affected", "Look", "Fix", "Escalate", "What it does not mean")


@pytest.mark.parametrize("alert", ALERTS)
def test_every_section_of_the_runbook_has_all_its_parts(alert: str) -> None:
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^### {alert}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)

    assert re.findall(r"^- \*\*([^*]+)\.\*\*", section, re.MULTILINE) == list(PARTS)


def test_every_metric_that_the_runbook_names_exists() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    named = {name for code in re.findall(r"`([^`]+)`", text) for name in metrics_in(code)}

    assert named - exposed() - recorded() == set()
