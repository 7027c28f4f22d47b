"""Every query of every dashboard, answered by a real Prometheus that scrapes real pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.metrics.own import Own
from agent.metrics.pages import Pages
from tests.agent.metrics.states import estate
from tests.deploy.files import Asked
from tests.deploy.live import MODELS, PANELS, filled, settled, shown, variables
from tests.fakes import ACCOUNT, REGION
from tests.prometheus import Prometheus, running_prometheus, serving_metrics

RIGHTLY_EMPTY = {"Fixes by outcome"}
"""The agent only observes yet: no fix has a series."""


def busy_agent() -> tuple[Pages, Own]:
    """The pages and counters of an agent that has looked at an estate where every status occurs."""
    own = Own("1.2.3")
    own.intervals({"full": 900, "freshness": 300})
    own.rules(21)
    own.rule_errors(0)
    own.reloaded(True, datetime.now(UTC) - timedelta(hours=1))
    own.store(up=True, pending=0)
    own.alive(True)
    pages = Pages(own, resource_series=10_000)
    pages.publish(estate(), stale=False)
    return pages, own


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus over a page on which, between two scrapes, calls are made and some denied."""
    pages, own = busy_agent()

    def page(gzipped: bool) -> bytes:
        own.call("s3", "GetBucketPolicy", "ok", 0.03, ACCOUNT, REGION)
        own.call("s3", "GetBucketPolicy", "denied", 0.03, ACCOUNT, REGION)
        own.sweep_ended("full", "complete", 2.5)
        own.sweep_ended("freshness", "complete", 0.5)
        return pages.page(gzipped)

    folder = tmp_path_factory.mktemp("prometheus")
    with serving_metrics(page) as address, running_prometheus(folder, [address]) as prometheus:
        settled(prometheus)
        yield prometheus


@pytest.mark.parametrize("asked", PANELS, ids=str)
def test_every_panel_shows_something(asked: Asked, fed: Prometheus) -> None:
    samples = shown(fed, asked)

    assert bool(samples) == (asked.panel not in RIGHTLY_EMPTY), filled(asked.expr)
    assert all(sample.value == sample.value for sample in samples), "not a number"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model["uid"]))
def test_every_variable_has_values(model: dict[str, Any], fed: Prometheus) -> None:
    found = {name: fed.label_values(*asked) for name, asked in variables(model).items()}

    assert [name for name, values in found.items() if not values] == []


def test_the_gzipped_page_is_what_prometheus_took(fed: Prometheus) -> None:
    """Two gzip members after each other: verdicts and the agent's own have both arrived."""
    assert fed.query("trailkeeper_findings")
    assert fed.query("trailkeeper_sweeps_total")
    assert [one.value for one in fed.query("up")] == [1]
