"""JUnit XML, read back by a reader that is not ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from agent.formats import junit
from controls.model import Report, Status
from tests.agent.formats.samples import (
    ADVERSARIAL,
    EMPTY,
    NOTHING_THERE,
    NOW,
    TYPICAL,
    WALKTHROUGH,
    finding,
)


def read(report: Report, *, allow_empty: bool = False) -> JUnitXml:
    text = junit.render(report, allow_empty=allow_empty)
    return JUnitXml.fromstring(text.encode("utf-8"))


@pytest.mark.parametrize(
    ("status", "outcome", "said"),
    [
        (Status.PASS, None, ""),
        (Status.FAIL, Failure, "because"),
        (Status.UNKNOWN, Error, "because"),
        (Status.WAIVED, Skipped, "waived by Ada until 2026-12-31: moving"),
        (Status.NOT_APPLICABLE, Skipped, "not applicable: because"),
    ],
)
def test_each_status_is_an_outcome(status: Status, outcome: type | None, said: str) -> None:
    waiver = {"why": "moving", "by": "Ada", "until": "2026-12-31"}
    found = finding("rule", status, because="because", waiver=waiver)

    told = read(Report("0", NOW, (), (found,)))
    (case,) = [case for suite in told for case in suite if case.classname == "rule"]

    assert (case.classname, case.name) == ("rule", "redshift_cluster prod-dwh")
    assert [type(result) for result in case.result] == ([outcome] if outcome else [])
    assert [result.message for result in case.result] == ([said] if outcome else [])


def test_a_suite_for_each_target_and_each_place_where_something_was_found() -> None:
    suites = {suite.name: suite for suite in read(TYPICAL)}

    assert list(suites) == [
        "111122223333/eu-west-1",
        "111122223333/global",
        "111122223333/us-east-1",
        "999988887777/eu-west-1",
    ]
    assert suites["111122223333/eu-west-1"].timestamp == "2026-11-22T08:00:00"


def test_the_counts_are_those_of_the_cases() -> None:
    told = read(TYPICAL)
    counted = (told.tests, told.failures, told.errors, told.skipped)

    told.update_statistics()

    assert counted == (told.tests, told.failures, told.errors, told.skipped) == (10, 2, 5, 2)


@pytest.mark.parametrize(
    ("suite", "said"),
    [
        ("999988887777/eu-west-1", "could not be read: sts:AssumeRole denied"),
        ("111122223333/us-east-1", "was read in part: ListNamespaces denied"),
    ],
)
def test_a_target_that_was_not_wholly_read_is_an_error(suite: str, said: str) -> None:
    suites = {each.name: each for each in read(TYPICAL)}

    (case,) = [case for case in suites[suite] if case.classname == "target"]

    assert isinstance(case.result[0], Error)
    assert said in case.result[0].message


def test_a_failure_carries_reason_and_remedy() -> None:
    (case,) = [
        c for suite in read(TYPICAL) for c in suite if c.classname == "audit-logs-expire-in-time"
    ]

    assert case.result[0].message == WALKTHROUGH.because
    assert f"Remedy: {WALKTHROUGH.remedy}" in case.result[0].text
    assert case.result[0].type == "high"


def test_an_unknown_carries_all_its_reasons() -> None:
    (case,) = [c for suite in read(TYPICAL) for c in suite if c.classname == "log-bucket-encrypted"]

    assert "GetEncryptionConfiguration denied" in case.result[0].text
    assert "the owner of audit-logs is not known" in case.result[0].text


@pytest.mark.parametrize(
    ("allow_empty", "outcome", "errors"), [(False, Error, 1), (True, Skipped, 0)]
)
@pytest.mark.parametrize("report", [EMPTY, NOTHING_THERE])
def test_nothing_judged_is_not_green_by_being_empty_unless_it_may_be(
    report: Report, allow_empty: bool, outcome: type, errors: int
) -> None:
    told = read(report, allow_empty=allow_empty)
    cases = [case for suite in told for case in suite]

    assert [(type(case.result[0]), case.result[0].message) for case in cases] == [
        (outcome, "Nothing was judged: nothing was found that a rule is for.")
    ]
    assert told.errors == errors


def test_what_xml_cannot_hold_is_left_out_and_the_rest_is_kept() -> None:
    text = junit.render(ADVERSARIAL)

    cases = [case for suite in JUnitXml.fromstring(text.encode("utf-8")) for case in suite]

    assert not set("\x00\x1b\ud800\ufffe") & set(text)
    assert any("[bold]x[/bold] <script>&\"'[31m" in case.name for case in cases)
    assert len(cases) == len(Status) + 2


def test_the_file_can_be_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(junit.render(TYPICAL), encoding="utf-8")

    assert JUnitXml.fromfile(str(path)).tests == 10


def test_equal_reports_are_equal_texts() -> None:
    turned = Report(
        TYPICAL.version, NOW, TYPICAL.targets[::-1], TYPICAL.findings[::-1], TYPICAL.waiver_notes
    )

    assert junit.render(TYPICAL) == junit.render(turned)
