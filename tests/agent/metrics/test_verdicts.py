"""Verdicts as metrics: complete, without two equal series, and none greener than what is known."""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.metrics.verdicts import Rendered, render
from controls.history import State, Tracked
from controls.model import Coverage, Severity, Status
from tests.agent.metrics.states import labelled, parsed, report_facts, state, target, tracked
from tests.fakes import ACCOUNT, NOW, REGION

GOLDEN = Path(__file__).with_name("page.prom")


def shown(known: State, *, most: int = 100, stale: bool = False) -> Rendered:
    """Rendered."""
    return render(known, resource_series=most, stale=stale)


def resources(known: State, metric: str, *, most: int = 100) -> list[str]:
    """The names in a metric, in the order of the page."""
    series = parsed(shown(known, most=most).text).get(f"trailkeeper_{metric}", {})
    return [dict(key)["resource"] for key in series]


def test_a_small_page_is_the_golden_one() -> None:
    known = state(
        tracked("analytics"),
        tracked("billing", Status.PASS),
        tracked("*", Status.UNKNOWN),
        tracked('he said "no"\\\n', Status.UNKNOWN, known=Status.FAIL, stale=True),
        tracked(
            "analytics/connectionlog",
            Status.PASS,
            rule="redshift-logs-fresh",
            kind="audit_log",
            last_record=NOW - timedelta(minutes=30),
        ),
        targets=[
            target(Coverage.COMPLETE),
            target(Coverage.UNREADABLE, "444455556666", read=False),
        ],
    )

    assert shown(known, most=2, stale=True).text.decode() == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("verdict", "complete"),
    [("complete", 1.0), ("incomplete", 0.0), ("running", 0.0), ("missing", 0.0)],
)
def test_the_report_of_last_month_is_complete_or_not(verdict: str, complete: float) -> None:
    one = tracked("sales", Status.PASS, rule="audit-report-produced", kind="audit_report")
    finding = replace(one.finding, facts=report_facts(verdict))
    page = parsed(shown(state(replace(one, finding=finding))).text)

    labels = (("account", ACCOUNT), ("cluster", "sales"), ("region", REGION))
    assert page["trailkeeper_report_complete"] == {labels: complete}
    ended = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
    assert page["trailkeeper_report_month_end_timestamp_seconds"] == {labels: ended}


def test_a_report_that_cannot_be_seen_has_no_series() -> None:
    one = tracked("sales", Status.UNKNOWN, rule="audit-report-produced", kind="audit_report")
    unseen = replace(one.finding, facts={})

    page = parsed(shown(state(replace(one, finding=unseen))).text)

    assert page.get("trailkeeper_report_complete", {}) == {}


def test_the_compressed_page_is_the_same() -> None:
    page = shown(state(tracked()))

    assert gzip.decompress(page.gzipped) == page.text


@pytest.mark.parametrize(
    ("finding", "failing", "noncompliant"),
    [
        pytest.param(tracked(status=Status.FAIL), True, True, id="fail"),
        pytest.param(tracked(status=Status.UNKNOWN), False, True, id="unknown, never judged"),
        pytest.param(
            tracked(status=Status.UNKNOWN, known=Status.FAIL), True, True, id="unknown, failed once"
        ),
        pytest.param(
            tracked(status=Status.UNKNOWN, known=Status.PASS), False, True, id="unknown, passed"
        ),
        pytest.param(tracked(status=Status.PASS), False, False, id="pass"),
        pytest.param(tracked(status=Status.WAIVED), False, False, id="waived"),
        pytest.param(tracked(status=Status.NOT_APPLICABLE), False, False, id="not applicable"),
    ],
)
def test_what_has_a_series_of_its_own(finding: Tracked, failing: bool, noncompliant: bool) -> None:
    known = state(finding)

    assert bool(resources(known, "resource_failing")) is failing
    assert bool(resources(known, "resource_noncompliant")) is noncompliant
    assert sum(parsed(shown(known).text)["trailkeeper_findings_failing"].values()) == failing


def test_counts_are_complete_where_there_are_resources_and_nowhere_else() -> None:
    known = state(tracked("a"), tracked("b"), tracked("c", Status.PASS))

    counts = parsed(shown(known).text)["trailkeeper_findings"]

    assert labelled(counts, "account", "region", "severity", "status") == {
        (ACCOUNT, REGION, "high", "fail"): 2,
        (ACCOUNT, REGION, "high", "pass"): 1,
        (ACCOUNT, REGION, "high", "unknown"): 0,
        (ACCOUNT, REGION, "high", "waived"): 0,
        (ACCOUNT, REGION, "high", "not_applicable"): 0,
    }


def test_the_cap_keeps_the_gravest_then_the_first_by_name() -> None:
    known = state(
        tracked("a", severity=Severity.LOW),
        tracked("b", severity=Severity.CRITICAL),
        tracked("d", severity=Severity.HIGH),
        tracked("c", severity=Severity.HIGH),
    )

    assert resources(known, "resource_failing", most=3) == ["b", "c", "d"]
    assert resources(known, "resource_noncompliant", most=3) == ["b", "c", "d"]


@pytest.mark.parametrize(("most", "dropped"), [(3, 0), (2, 1), (0, 3)])
def test_what_the_cap_leaves_out_is_counted(most: int, dropped: int) -> None:
    page = shown(state(tracked("a"), tracked("b"), tracked("c")), most=most)

    left_out = parsed(page.text)["trailkeeper_resources_dropped"]
    assert labelled(left_out, "metric") == {
        ("trailkeeper_resource_failing",): dropped,
        ("trailkeeper_resource_noncompliant",): dropped,
    }
    assert page.dropped == 2 * dropped
    assert parsed(page.text)["trailkeeper_findings_failing"].popitem()[1] == 3


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param((tracked(), tracked()), id="twice the same"),
        pytest.param((tracked(owner="1"), tracked(owner="2")), id="of two owners"),
        pytest.param((tracked("\udc80"), tracked("\\udc80")), id="equal once escaped"),
    ],
)
def test_two_findings_with_equal_labels_are_one_series(pair: tuple[Tracked, Tracked]) -> None:
    page = shown(state(*pair), most=1)

    assert len(resources(state(*pair), "resource_failing")) == 1
    assert page.dropped == 0
    assert parsed(page.text)["trailkeeper_findings_failing"].popitem()[1] == 2


def test_a_log_shows_its_newest_record_as_it_was_read_last() -> None:
    log = {"kind": "audit_log", "name": "analytics/userlog"}
    known = state(
        tracked(**log, last_record=NOW, read_at=NOW - timedelta(hours=1)),  # type: ignore[arg-type]
        tracked(**log, last_record=NOW - timedelta(days=1)),  # type: ignore[arg-type]
    )

    series = parsed(shown(known).text)["trailkeeper_log_last_record_timestamp_seconds"]
    assert labelled(series, "account", "region", "cluster", "log_type") == {
        (ACCOUNT, REGION, "analytics", "userlog"): (NOW - timedelta(days=1)).timestamp()
    }


@pytest.mark.parametrize(
    "finding",
    [
        pytest.param(tracked("a/userlog", kind="audit_log"), id="not seen"),
        pytest.param(tracked("a/userlog", last_record=NOW), id="of another kind"),
    ],
)
def test_a_log_whose_newest_record_is_not_known_has_no_series(finding: Tracked) -> None:
    assert "trailkeeper_log_last_record_timestamp_seconds" not in parsed(shown(state(finding)).text)


@pytest.mark.parametrize(
    ("status", "coverage", "shown_at"),
    [
        pytest.param(Status.UNKNOWN, Coverage.UNREADABLE, None, id="its target is dark"),
        pytest.param(Status.UNKNOWN, Coverage.PARTIAL, None, id="its cluster could not be listed"),
        # A sweep of other rules looked at the target since, and not for the log.
        pytest.param(Status.PASS, Coverage.COMPLETE, NOW, id="it was not looked for"),
    ],
)
def test_a_log_that_is_out_of_sight_does_not_seem_to_stand_still(
    status: Status, coverage: Coverage, shown_at: datetime | None
) -> None:
    log = tracked("a/userlog", status, kind="audit_log", last_record=NOW)
    since = replace(target(coverage), seen_at=NOW + timedelta(minutes=5))

    page = parsed(shown(state(log, targets=[since])).text)

    series = page.get("trailkeeper_log_last_record_timestamp_seconds", {})
    assert list(series.values()) == ([shown_at.timestamp()] if shown_at else [])


@pytest.mark.parametrize(
    ("coverage", "readable", "complete", "seen"),
    [
        pytest.param(Coverage.COMPLETE, 1, 1, 3, id="read wholly"),
        pytest.param(Coverage.PARTIAL, 1, 0, 3, id="read in part"),
        pytest.param(Coverage.UNREADABLE, 0, 0, None, id="not read: no quiet zero"),
    ],
)
def test_targets(coverage: Coverage, readable: int, complete: int, seen: int | None) -> None:
    page = parsed(shown(state(targets=[target(coverage)])).text)

    place = (("account", ACCOUNT), ("region", REGION))
    assert page["trailkeeper_target_readable"] == {place: readable}
    assert page["trailkeeper_target_complete"] == {place: complete}
    assert page.get("trailkeeper_target_resources", {}).get(place) == seen
    assert page["trailkeeper_target_last_success_timestamp_seconds"] == {
        place: (NOW - timedelta(hours=1)).timestamp()
    }


def test_a_target_that_was_never_read_has_no_time_of_success() -> None:
    known = state(targets=[target(Coverage.UNREADABLE, read=False)])

    assert "trailkeeper_target_last_success_timestamp_seconds" not in parsed(shown(known).text)


def test_before_the_first_sweep_there_is_no_verdict_and_no_time() -> None:
    page = parsed(shown(State(), stale=True).text)

    assert page["trailkeeper_verdicts_stale"] == {(): 1}
    assert set(page) == {
        "trailkeeper_verdicts_stale",
        "trailkeeper_findings_stale",
        "trailkeeper_resources_dropped",
    }


def test_what_no_sweep_has_confirmed_is_counted() -> None:
    known = state(tracked(stale=True), tracked("b"))

    assert parsed(shown(known).text)["trailkeeper_findings_stale"] == {(): 1}


NAMES = st.one_of(
    st.text(st.characters(), min_size=1, max_size=12),
    st.sampled_from(
        ['"', "\\", "\n", "\\n", '"} 1\n# TYPE x gauge\nx 2', "<script>", "\udfff", ","]
    ),
)
"""Any text, half surrogate pairs too; and what would break out of a label."""

FINDINGS = st.builds(
    tracked,
    NAMES,
    st.sampled_from(Status),
    rule=NAMES,
    severity=st.sampled_from(Severity),
    account=st.sampled_from(["1", "2", '"']),
    owner=st.sampled_from(["1", "2"]),
    known=st.none() | st.sampled_from(Status),
)


def readable(text: str) -> str:
    """As the page can hold it."""
    return text.encode("utf-8", "backslashreplace").decode()


@settings(max_examples=150, deadline=None)
@given(st.lists(FINDINGS, max_size=12), st.integers(0, 12))
def test_every_page_reads_back_as_the_state(findings: list[Tracked], most: int) -> None:
    page = shown(state(*findings), most=most)
    series = parsed(page.text)

    expected = Counter(
        (readable(each.finding.rule), readable(each.finding.ref.account), each.finding.status.value)
        for each in findings
    )
    counted: Counter[tuple[str, ...]] = Counter()
    for key, value in series.get("trailkeeper_findings", {}).items():
        labels = dict(key)
        counted[labels["rule"], labels["account"], labels["status"]] += int(value)
    assert +counted == expected
    failing = {
        (
            readable(each.finding.rule),
            each.finding.severity,
            readable(each.finding.ref.account),
            readable(each.finding.ref.name),
        )
        for each in findings
        if each.failing
    }
    seen = labelled(
        series.get("trailkeeper_resource_failing", {}), "rule", "severity", "account", "resource"
    )
    assert set(seen) <= failing
    assert len(seen) == min(most, len(failing))
    assert set(seen.values()) <= {1}


def test_findings_are_told_apart_by_severity() -> None:
    """A rule's severity may change while findings of the old one still stand."""
    one = tracked()
    other = replace(one, finding=replace(one.finding, severity=Severity.LOW))

    assert len(resources(state(one, other), "resource_failing")) == 2
