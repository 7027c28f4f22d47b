"""The agent's own metrics: they count what happens, bounded, and never fail the page."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from prometheus_client import Metric
from prometheus_client.registry import Collector
from structlog.testing import capture_logs

from agent.daemon.wanted_sweeps import Skipped, Sweep
from agent.metrics.own import ENDED, OPERATIONS, OUTCOMES, PARTS, SKIPS, SWEEPS, Own
from agent.metrics.pages import Pages
from tests.agent.metrics.states import estate, families, labelled, parsed
from tests.fakes import ACCOUNT, NOW, REGION
from tests.prometheus import tool


def busy() -> Own:
    """Everything has happened once."""
    own = Own("1.2.3", utc=lambda: NOW)
    own.sweep_began("full")
    own.sweep_ended("full", "complete", 12.5)
    own.skipped("freshness", "one_waiting")
    own.intervals({"full": 900, "freshness": 300})
    own.call("s3", "GetBucketPolicy", "ok", 0.03, ACCOUNT, REGION)
    own.error("fact")
    own.rules(20)
    own.rule_errors(2)
    own.reloaded(True, NOW)
    own.store(up=True, pending=3)
    own.alive(True)
    own.remediated("set-lifecycle", "fixed")
    return own


def value(own: Own, name: str, **labels: str) -> float | None:
    """The one sample with these labels; None where there is none."""
    return (
        parsed(own.exposition()).get(f"trailkeeper_{name}", {}).get(tuple(sorted(labels.items())))
    )


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("sweep_in_progress", {"sweep": "full"}, 0),
        ("sweeps_total", {"sweep": "full", "outcome": "complete"}, 1),
        ("sweeps_total", {"sweep": "full", "outcome": "failed"}, 0),
        ("sweep_duration_seconds_sum", {"sweep": "full"}, 12.5),
        ("sweep_last_end_timestamp_seconds", {"sweep": "full"}, NOW.timestamp()),
        ("sweep_last_success_timestamp_seconds", {"sweep": "full"}, NOW.timestamp()),
        ("sweep_last_end_timestamp_seconds", {"sweep": "freshness"}, None),
        ("sweep_interval_seconds", {"sweep": "freshness"}, 300),
        ("sweeps_skipped_total", {"sweep": "freshness", "reason": "one_waiting"}, 1),
        (
            "aws_requests_total",
            {"service": "s3", "operation": "GetBucketPolicy", "outcome": "ok"},
            1,
        ),
        ("aws_request_duration_seconds_count", {"service": "s3"}, 1),
        ("errors_total", {"part": "fact"}, 1),
        ("errors_total", {"part": "watch"}, 0),
        ("rules_loaded", {}, 20),
        ("rule_errors", {}, 2),
        ("rule_errors_total", {}, 2),
        ("config_last_reload_successful", {}, 1),
        ("config_last_reload_success_timestamp_seconds", {}, NOW.timestamp()),
        ("store_up", {}, 1),
        ("store_pending_sweeps", {}, 3),
        ("loop_alive", {}, 1),
        ("remediations_total", {"fix": "set-lifecycle", "outcome": "fixed"}, 1),
        ("build_info", {"version": "1.2.3"}, 1),
    ],
)
def test_what_happened_is_shown(name: str, labels: dict[str, str], expected: float | None) -> None:
    assert value(busy(), name, **labels) == expected


def test_a_sweep_under_way_shows_until_it_ends() -> None:
    own = Own()
    own.sweep_began("full")

    assert value(own, "sweep_in_progress", sweep="full") == 1


def test_a_failed_sweep_is_an_end_and_no_success() -> None:
    own = Own(utc=lambda: NOW)
    own.sweep_ended("full", "failed", 1)

    assert value(own, "sweep_last_end_timestamp_seconds", sweep="full") == NOW.timestamp()
    assert value(own, "sweep_last_success_timestamp_seconds", sweep="full") is None


def test_a_refused_reload_leaves_the_time_of_the_one_in_use() -> None:
    own = busy()
    own.reloaded(False, datetime(2027, 1, 1, tzinfo=UTC))

    assert value(own, "config_last_reload_successful") == 0
    assert value(own, "config_last_reload_success_timestamp_seconds") == NOW.timestamp()


def test_no_word_from_outside_becomes_a_label() -> None:
    own = Own()
    own.call("s3", "GetObject\n", "ValueError: boom", 0.1, "account", "region")
    own.error("boom")
    own.sweep_ended("boom", "boom", 1)
    own.skipped("boom", "boom")

    other = {"service": "other", "operation": "other", "outcome": "other"}
    assert value(own, "aws_requests_total", **other) == 1
    assert value(own, "errors_total", part="other") == 1
    page = own.exposition().decode()
    assert [word for word in ("boom", "GetObject", "account=", "region=") if word in page] == []


def test_the_lists_bound_the_page() -> None:
    own = Own()
    for each in (*OPERATIONS, "x:Y"):
        service, operation = each.split(":")
        for outcome in (*OUTCOMES, "z"):
            own.call(service, operation, outcome, 0.1, ACCOUNT, REGION)
    requests = parsed(own.exposition())["trailkeeper_aws_requests_total"]

    assert len(requests) == (len(OPERATIONS) + 1) * (len(OUTCOMES) + 1)


def test_every_word_has_its_series_before_it_first_happens() -> None:
    """`increase()` sees no first event of a series that was not there before it."""
    page = parsed(Own().exposition())

    assert set(labelled(page["trailkeeper_errors_total"], "part")) == {(each,) for each in PARTS}
    assert len(page["trailkeeper_sweeps_total"]) == len(SWEEPS) * len(ENDED)
    assert len(page["trailkeeper_sweeps_skipped_total"]) == len(SWEEPS) * len(SKIPS)


def test_the_words_of_sweeps_are_the_schedules_own() -> None:
    assert (tuple(Sweep), tuple(Skipped)) == (SWEEPS, SKIPS)


class _Breaks(Collector):
    """A collector that raises while `broken`."""

    broken = True

    def collect(self) -> Iterable[Metric]:
        """One metric, or the error."""
        if self.broken:
            raise OSError("no /proc here")
        yield Metric("proc", "Told again.", "gauge")


def test_a_collector_that_raises_is_left_out_counted_and_logged_once() -> None:
    own, breaks = busy(), _Breaks()
    own.add("proc", breaks)

    with capture_logs() as logs:
        first, second = own.exposition(), own.exposition()
        breaks.broken = False
        own.exposition()

    whole = parsed(first)
    assert whole["trailkeeper_rules_loaded"] == {(): 20}
    assert "proc" not in {family.name for family in families(first)}
    assert labelled(parsed(second)["trailkeeper_errors_total"], "part")["metrics",] == 2
    assert [(line["log_level"], line["metrics"]) for line in logs] == [
        ("error", "proc"),
        ("info", "proc"),
    ]


def test_times_of_creation_are_not_shown() -> None:
    assert b"_created" not in busy().exposition()


def test_two_agents_in_one_process_do_not_meet() -> None:
    busy()

    assert value(Own(), "rules_loaded") == 0


def test_names_keep_to_the_conventions() -> None:
    pages = Pages(busy(), 100)
    pages.publish(estate(), stale=False)
    found = families(pages.page(gzipped=False))

    names = [sample.name for family in found for sample in family.samples]
    assert [name for name in names if not re.fullmatch(r"[a-z_][a-z0-9_]*", name)] == []
    assert [
        name
        for name in {family.name for family in found}
        if not name.startswith(("trailkeeper_", "process_", "python_"))
    ] == []
    ends_as_a_counter = [one.name for one in found if one.name.endswith("_total")]
    assert ends_as_a_counter == []  # the parser takes the ending from counters alone


def test_promtool_finds_nothing_to_say() -> None:
    pages = Pages(busy(), 100)
    pages.publish(estate(), stale=False)

    said = subprocess.run(
        [tool("promtool"), "check", "metrics"],
        input=pages.page(gzipped=False),
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert (said.returncode, said.stdout + said.stderr) == (0, b"")
