"""The JSON contract: every field, whatever the report holds."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from agent.formats import as_json
from controls.history import LastKnown, State, Tracked, TrackedTarget
from controls.json_values import moment
from controls.model import Report, Status
from tests.agent.formats.samples import (
    ADVERSARIAL,
    EMPTY,
    NASTY,
    NOTHING_THERE,
    TYPICAL,
    WALKTHROUGH,
)


def test_a_finding_has_every_field_of_the_contract() -> None:
    report = Report("0.1.0", TYPICAL.taken_at, TYPICAL.targets[:1], (WALKTHROUGH,))

    document = json.loads(as_json.render(report))

    assert document == {
        "schema": "trailkeeper.findings/1",
        "version": "0.1.0",
        "taken_at": "2026-11-22T08:00:00Z",
        "stale": False,
        "targets": [
            {
                "account": "111122223333",
                "region": "eu-west-1",
                "status": "complete",
                "reason": None,
                "resources": 3,
            }
        ],
        "summary": {
            "pass": 0,
            "fail": 1,
            "unknown": 0,
            "waived": 0,
            "not_applicable": 0,
            "targets_unreadable": 0,
            "targets_partial": 0,
            "rule_errors": 0,
        },
        "findings": [
            {
                "id": (
                    "audit-logs-expire-in-time:"
                    "s3_log_location/111122223333/eu-west-1/audit-logs/prod/"
                ),
                "rule": "audit-logs-expire-in-time",
                "title": WALKTHROUGH.title,
                "severity": "high",
                "status": "fail",
                "account": "111122223333",
                "owner_account": "999988887777",
                "region": "eu-west-1",
                "kind": "s3_log_location",
                "resource": "audit-logs/prod/",
                "arn": "arn:aws:s3:::audit-logs",
                "tags": {"team": "data"},
                "because": WALKTHROUGH.because,
                "remedy": WALKTHROUGH.remedy,
                "reasons": [],
                "facts": {
                    "deleted_after_days": {
                        "state": "absent",
                        "value": None,
                        "reason": "never",
                        "source": "",
                        "read_at": "2026-11-22T08:00:00Z",
                    },
                    "logs_expire": {
                        "state": "known",
                        "value": False,
                        "reason": "the bucket has no versions",
                        "source": "s3:GetLifecycleConfiguration",
                        "read_at": "2026-11-22T07:59:58Z",
                    },
                },
                "params": {"max_days": 180},
                "maps": {"nist-800-53-r5": ["AU-11"], "pci-dss-4.0.1": ["10.5.1", "3.2.1"]},
                "since": None,
                "last_known": None,
                "stale": False,
                "waiver": None,
                "rule_error": False,
            }
        ],
        "waivers": {"expired": [], "unused": []},
        "deviations": [],
    }


def test_parameters_that_are_not_the_rules_own_are_listed() -> None:
    report = replace(TYPICAL, deviations=("redshift-logs-fresh: …", NASTY))

    assert json.loads(as_json.render(report))["deviations"] == ["redshift-logs-fresh: …", NASTY]


def test_the_summary_counts_everything() -> None:
    assert json.loads(as_json.render(TYPICAL))["summary"] == {
        "pass": 1,
        "fail": 2,
        "unknown": 3,
        "waived": 1,
        "not_applicable": 1,
        "targets_unreadable": 1,
        "targets_partial": 1,
        "rule_errors": 1,
    }


def test_every_finding_is_there_whatever_its_status() -> None:
    document = json.loads(as_json.render(TYPICAL))

    assert {f["status"] for f in document["findings"]} == {status.value for status in Status}
    assert len(document["findings"]) == len(TYPICAL.findings)


def test_a_waiver_stands_at_its_finding_and_those_that_did_nothing_in_lists() -> None:
    document = json.loads(as_json.render(TYPICAL))

    (waived,) = [f["waiver"] for f in document["findings"] if f["status"] == "waived"]
    assert waived == {"why": "moves to CloudWatch", "by": "Ada", "until": "2026-12-31"}
    assert document["waivers"]["expired"] == [
        {
            "rule": "log-bucket-private",
            "resources": ["old-*"],
            "why": "decommissioned",
            "by": "Bob",
            "until": "2026-01-31",
        }
    ]
    assert [note["by"] for note in document["waivers"]["unused"]] == ["Eve"]


def test_equal_reports_are_equal_texts_whatever_the_order_of_findings() -> None:
    turned = replace(TYPICAL, findings=TYPICAL.findings[::-1])

    assert as_json.render(TYPICAL) == as_json.render(turned)


@pytest.mark.parametrize("report", [EMPTY, NOTHING_THERE, TYPICAL, ADVERSARIAL])
def test_the_text_is_strict_json_in_ascii(report: Report) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = as_json.render(report)

    json.loads(text, parse_constant=refuse)
    assert text.isascii()
    assert text.endswith("}\n")


def test_nothing_from_outside_is_changed() -> None:
    (fail,) = [
        f for f in json.loads(as_json.render(ADVERSARIAL))["findings"] if f["status"] == "fail"
    ]

    assert (fail["title"], fail["because"], fail["tags"]) == (NASTY, NASTY, {NASTY: NASTY})
    assert fail["params"] == {NASTY: "inf"}
    assert fail["facts"][NASTY]["value"] == "nan"
    assert fail["facts"]["time"]["value"] == "2026-11-22T08:00:00Z"
    assert fail["facts"]["list"]["value"] == [NASTY]


BEFORE = TYPICAL.taken_at - timedelta(days=3)


def known(report: Report, *, stale: bool = False) -> State:
    """The state of an agent that swept that report, three days after the first time."""
    now = report.taken_at
    unknown = LastKnown(Status.FAIL, now - timedelta(hours=1))
    return State(
        {
            one.id: Tracked(
                one, BEFORE, BEFORE, now, unknown if one.status is Status.UNKNOWN else None, stale
            )
            for one in report.findings
        },
        {(one.account, one.region): TrackedTarget(one, now, None) for one in report.targets},
        now,
        report.waiver_notes,
        report.deviations,
        stale,
    )


def of_state(state: State, *chosen: Tracked) -> dict[str, Any]:
    text = "".join(as_json.state_lines(state, "0.1.0", chosen or None))
    document: dict[str, Any] = json.loads(text)
    return document


def test_what_the_agent_knows_is_the_report_with_since_when_and_what_it_was_before() -> None:
    report = json.loads(as_json.render(TYPICAL))
    report["targets"].sort(key=lambda one: (one["account"], one["region"]))
    for finding in report["findings"]:
        finding["since"] = "2026-11-19T08:00:00Z"
        if finding["status"] == "unknown":
            finding["last_known"] = {"status": "fail", "at": "2026-11-22T07:00:00Z"}

    assert of_state(known(TYPICAL)) == report


def test_what_no_sweep_has_confirmed_since_the_start_is_stale() -> None:
    document = of_state(known(TYPICAL, stale=True))

    assert document["stale"] is True
    assert {finding["stale"] for finding in document["findings"]} == {True}


def test_of_an_agent_that_has_not_swept_yet_there_is_no_time() -> None:
    document = of_state(State())

    assert (document["taken_at"], document["findings"]) == (None, [])


def test_the_summary_counts_what_was_asked_for() -> None:
    state = known(TYPICAL)
    failing = [one for one in state.findings.values() if one.finding.status is Status.FAIL]

    document = of_state(state, *failing)

    assert [one["status"] for one in document["findings"]] == ["fail", "fail"]
    assert (document["summary"]["fail"], document["summary"]["unknown"]) == (2, 0)


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC), "2026-01-02T03:04:05.000060Z"),
        (datetime(2026, 1, 2, 1, tzinfo=timezone(timedelta(hours=2))), "2026-01-01T23:00:00Z"),
    ],
)
def test_times_are_utc(time: datetime, text: str) -> None:
    assert moment(time) == text
