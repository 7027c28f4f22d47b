"""SARIF: valid by the official schema, honest about what was not seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agent.formats import sarif
from controls.model import Coverage, Finding, Report, Severity, Status, TargetStatus
from tests.agent.formats.samples import (
    ADVERSARIAL,
    CLUSTER,
    EMPTY,
    NOTHING_THERE,
    NOW,
    TYPICAL,
    WALKTHROUGH,
    finding,
)

SCHEMA = Path(__file__).parents[2] / "data" / "sarif-2.1.0.json"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def run(report: Report, **options: Any) -> dict[str, Any]:
    (only,) = json.loads(sarif.render(report, **options))["runs"]
    assert isinstance(only, dict)
    return only


def results(report: Report, **options: Any) -> dict[str, dict[str, Any]]:
    """The results by rule."""
    return {result["ruleId"]: result for result in run(report, **options)["results"]}


@pytest.mark.parametrize("show_all", [False, True])
@pytest.mark.parametrize(
    "report",
    [
        pytest.param(EMPTY, id="no target"),
        pytest.param(NOTHING_THERE, id="nothing there"),
        pytest.param(TYPICAL, id="typical"),
        pytest.param(ADVERSARIAL, id="adversarial"),
    ],
)
def test_the_document_is_valid(
    validator: Draft202012Validator, report: Report, show_all: bool
) -> None:
    text = sarif.render(report, show_all=show_all)

    assert [error.message for error in validator.iter_errors(json.loads(text))] == []
    assert text.isascii()


def test_the_schema_refuses_what_is_wrong(validator: Draft202012Validator) -> None:
    document = json.loads(sarif.render(TYPICAL))
    document["runs"][0]["results"][0]["level"] = "fail"

    assert not validator.is_valid(document)


@pytest.mark.parametrize(
    ("status", "kind", "level", "by_default"),
    [
        (Status.FAIL, "fail", "error", True),
        (Status.WAIVED, "fail", "error", True),
        (Status.UNKNOWN, "open", "none", True),
        (Status.PASS, "pass", "none", False),
        (Status.NOT_APPLICABLE, "notApplicable", "none", False),
    ],
)
def test_each_status_has_its_kind_and_level(
    status: Status, kind: str, level: str, by_default: bool
) -> None:
    report = Report("0", NOW, (), (finding("rule", status),))

    result = results(report, show_all=True)["rule"]

    assert (result["kind"], result["level"]) == (kind, level)
    assert by_default == bool(results(report))


@pytest.mark.parametrize(
    ("severity", "level", "score"),
    [
        (Severity.CRITICAL, "error", "9.5"),
        (Severity.HIGH, "error", "8.0"),
        (Severity.MEDIUM, "warning", "5.5"),
        (Severity.LOW, "note", "2.0"),
    ],
)
def test_each_severity_has_its_level_and_score(severity: Severity, level: str, score: str) -> None:
    report = Report("0", NOW, (), (finding("rule", Status.FAIL, severity=severity),))

    (rule,) = run(report)["tool"]["driver"]["rules"]

    assert results(report)["rule"]["level"] == level
    assert rule["defaultConfiguration"]["level"] == level
    assert rule["properties"]["security-severity"] == score


def test_only_what_is_waived_is_suppressed() -> None:
    found = results(TYPICAL, show_all=True)

    assert [rule for rule, result in found.items() if "suppressions" in result] == [
        "redshift-log-types-complete"
    ]
    (suppression,) = found["redshift-log-types-complete"]["suppressions"]
    assert suppression == {
        "kind": "external",
        "status": "accepted",
        "justification": "moves to CloudWatch (waived by Ada until 2026-12-31)",
    }


def test_a_result_says_which_resource_why_and_where_its_rule_stands() -> None:
    result = results(TYPICAL)["audit-logs-expire-in-time"]

    assert "s3_log_location audit-logs/prod/" in result["message"]["text"]
    assert WALKTHROUGH.because in result["message"]["text"]
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "rules/audit-logs-expire-in-time.yaml"},
        "region": {"startLine": 1},
    }
    assert location["logicalLocations"] == [
        {
            "name": "audit-logs/prod/",
            "fullyQualifiedName": "arn:aws:s3:::audit-logs",
            "kind": "resource",
        }
    ]


def test_the_file_of_a_rule_can_be_given() -> None:
    result = results(TYPICAL, rule_files={"audit-logs-expire-in-time": "own rules/logs.yaml"})

    place = result["audit-logs-expire-in-time"]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "own%20rules/logs.yaml"


def test_an_unknown_says_all_its_reasons() -> None:
    text = results(TYPICAL)["log-bucket-encrypted"]["message"]["text"]

    assert "s3:GetEncryptionConfiguration denied" in text
    assert "the owner of audit-logs is not known" in text


def test_a_fingerprint_belongs_to_one_finding_and_outlives_its_status() -> None:
    def prints(report: Report) -> list[dict[str, str]]:
        return [r["partialFingerprints"] for r in run(report, show_all=True)["results"]]

    before = prints(TYPICAL)
    passed = replace(
        TYPICAL, findings=tuple(replace(f, status=Status.FAIL) for f in TYPICAL.findings)
    )

    assert before == prints(passed)
    for name in ("primaryLocationLineHash", "trailkeeperFinding/v1"):
        assert len({each[name] for each in before}) == len(TYPICAL.findings)


def test_every_result_points_at_its_rule() -> None:
    told = run(TYPICAL, show_all=True)

    rules = told["tool"]["driver"]["rules"]
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in told["results"])


def test_a_rule_carries_its_remedy_and_frameworks() -> None:
    rules = {rule["id"]: rule for rule in run(TYPICAL)["tool"]["driver"]["rules"]}

    rule = rules["audit-logs-expire-in-time"]
    assert rule["help"]["text"].startswith(WALKTHROUGH.remedy)
    assert rule["properties"]["tags"] == [
        "security",
        "nist-800-53-r5/AU-11",
        "pci-dss-4.0.1/10.5.1",
        "pci-dss-4.0.1/3.2.1",
    ]


def test_no_rule_has_more_tags_than_github_takes_but_all_its_frameworks() -> None:
    (rule,) = run(ADVERSARIAL)["tool"]["driver"]["rules"]

    assert len(rule["properties"]["tags"]) == 20
    assert sum(len(listed) for listed in rule["properties"]["maps"].values()) == 30


def test_the_gravest_results_come_first() -> None:
    assert run(TYPICAL)["results"][0]["ruleId"] == "redshift-user-activity-logged"


def one_target(coverage: Coverage) -> Report:
    target = TargetStatus("111122223333", "eu-west-1", coverage, "role refused", 0)
    return Report("0", NOW, (target,), (finding("rule", Status.PASS),))


@pytest.mark.parametrize(
    ("report", "successful", "levels", "said"),
    [
        pytest.param(one_target(Coverage.COMPLETE), True, [], "", id="all was seen"),
        pytest.param(
            one_target(Coverage.UNREADABLE),
            False,
            ["error"],
            "111122223333/eu-west-1 could not be read: role refused",
            id="unreadable",
        ),
        pytest.param(
            one_target(Coverage.PARTIAL), True, ["warning"], "was read in part", id="partial"
        ),
        pytest.param(NOTHING_THERE, False, ["error"], "Nothing was judged", id="nothing there"),
        pytest.param(
            Report("0", NOW, (), (finding("r", Status.UNKNOWN, rule_error=True), WALKTHROUGH)),
            False,
            ["error"],
            "a mistake in rule r",
            id="a mistake in a rule",
        ),
    ],
)
def test_the_invocation_says_what_was_not_seen(
    report: Report, successful: bool, levels: list[str], said: str
) -> None:
    (invocation,) = run(report)["invocations"]

    notes = invocation["toolExecutionNotifications"]
    assert invocation["executionSuccessful"] is successful
    assert [note["level"] for note in notes] == levels
    assert all(said in note["message"]["text"] for note in notes)


def notices(report: Report, **options: Any) -> list[dict[str, Any]]:
    (invocation,) = run(report, **options)["invocations"]
    return list(invocation["toolExecutionNotifications"])


def test_that_nothing_is_there_is_no_failure_where_that_is_allowed() -> None:
    (invocation,) = run(NOTHING_THERE, allow_empty=True)["invocations"]

    assert invocation["executionSuccessful"] is True
    assert [note["level"] for note in invocation["toolExecutionNotifications"]] == ["warning"]


def unknowns(rule: str, number: int, because: str = "denied", **more: Any) -> list[Finding]:
    """Unknown findings of a rule on so many clusters."""
    refs = [replace(CLUSTER, name=f"c{each}") for each in range(number)]
    return [finding(rule, Status.UNKNOWN, ref, because=because, **more) for ref in refs]


def test_an_unknown_is_seen_by_who_hides_results_that_are_no_failures() -> None:
    report = Report("0", NOW, (), (WALKTHROUGH, *unknowns("rule", 1)))

    (note,) = notices(report)

    index = [rule["id"] for rule in run(report)["tool"]["driver"]["rules"]].index("rule")
    assert note == {
        "level": "warning",
        "descriptor": {"id": "rule"},
        "message": {
            "text": "rule is unknown for redshift_cluster c0 in 111122223333/eu-west-1: denied"
        },
        "associatedRule": {"id": "rule", "index": index},
    }


def test_unknowns_of_one_rule_and_reason_are_told_together_the_gravest_first() -> None:
    found = [
        *unknowns("low", 1, severity=Severity.LOW),
        *unknowns("high", 7),
        *unknowns("high", 1, "timed out"),
    ]

    texts = [note["message"]["text"] for note in notices(Report("0", NOW, (), tuple(found)))[1:]]

    assert [text.partition(" ")[0] for text in texts] == ["high", "high", "low"]
    assert sum(text.endswith(" and 2 more: denied") for text in texts) == 1
    assert sum("c4" in text for text in texts) == 1
    assert not any("c5" in text for text in texts)


def test_of_very_many_unknowns_the_rest_is_counted() -> None:
    found = [one for n in range(sarif.MAX_NOTIFICATIONS + 3) for one in unknowns(f"r{n:03}", 2)]

    notes = notices(Report("0", NOW, (), (WALKTHROUGH, *found)))

    assert len(notes) == sarif.MAX_NOTIFICATIONS + 1
    assert notes[-1]["message"]["text"].startswith("and 6 more unknown findings")
