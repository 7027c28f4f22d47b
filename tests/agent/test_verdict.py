"""The exit code for every combination of what was found, seen and allowed."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from agent.verdict import exit_code
from controls.model import Coverage, Finding, Ref, Report, Severity, Status, TargetStatus

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LOW, HIGH = Severity.LOW, Severity.HIGH


def finding(
    status: Status, severity: Severity = HIGH, *, rule_error: bool = False, region: str = "r"
) -> Finding:
    ref = Ref("kind", "a", region, "name")
    return Finding("rule", "title", severity, status, ref, "because", rule_error=rule_error)


def report(findings: list[Finding], *coverage: Coverage) -> Report:
    targets = tuple(
        TargetStatus("a", f"r{number or ''}", status, None, 0)
        for number, status in enumerate(coverage or (Coverage.COMPLETE,))
    )
    return Report("0", NOW, targets, tuple(findings))


PASS = finding(Status.PASS)
FAIL = finding(Status.FAIL)
UNKNOWN = finding(Status.UNKNOWN)
WAIVED = finding(Status.WAIVED)
SKIPPED = finding(Status.NOT_APPLICABLE)
MISTAKE = finding(Status.UNKNOWN, rule_error=True)
LOW_MISTAKE = finding(Status.UNKNOWN, LOW, rule_error=True)
LOW_FAIL = finding(Status.FAIL, LOW)
LOW_UNKNOWN = finding(Status.UNKNOWN, LOW)

# For each: plain, with --allow-unknown, with --allow-empty, with both.
TABLE = [
    pytest.param([PASS], (0, 0, 0, 0), id="all passes"),
    pytest.param([], (3, 3, 0, 0), id="nothing there"),
    pytest.param([SKIPPED], (3, 3, 0, 0), id="no rule applies"),
    pytest.param([WAIVED], (0, 0, 0, 0), id="all is waived"),
    pytest.param([FAIL], (1, 1, 1, 1), id="a failure"),
    pytest.param([FAIL, PASS], (1, 1, 1, 1), id="a failure beside a pass"),
    pytest.param([FAIL, UNKNOWN], (1, 1, 1, 1), id="a failure outweighs an unknown"),
    pytest.param([FAIL, MISTAKE], (1, 1, 1, 1), id="a failure outweighs a mistaken rule"),
    pytest.param([UNKNOWN], (3, 3, 3, 0), id="all is unknown: nothing was judged either"),
    pytest.param([UNKNOWN, PASS], (3, 0, 3, 0), id="an unknown beside a pass"),
    pytest.param([UNKNOWN, WAIVED], (3, 0, 3, 0), id="an unknown beside a waived failure"),
    pytest.param([UNKNOWN, SKIPPED], (3, 3, 3, 0), id="an unknown where no rule applies"),
    pytest.param([MISTAKE, PASS], (3, 3, 3, 3), id="a mistaken rule is excused by nothing"),
]


@pytest.mark.parametrize(("findings", "codes"), TABLE)
def test_what_was_found(findings: list[Finding], codes: tuple[int, ...]) -> None:
    assert codes == tuple(
        exit_code(report(findings), fail_on=LOW, allow_unknown=unknown, allow_empty=empty)
        for empty, unknown in product((False, True), repeat=2)
    )


@pytest.mark.parametrize(
    ("findings", "codes"),
    [
        pytest.param([PASS], (3, 3, 3, 3), id="all else passes"),
        pytest.param([], (3, 3, 3, 3), id="nothing else there"),
        pytest.param([UNKNOWN, PASS], (3, 3, 3, 3), id="an unknown"),
        pytest.param([FAIL], (1, 1, 1, 1), id="a failure outweighs it"),
    ],
)
def test_an_unreadable_target_is_excused_by_nothing(
    findings: list[Finding], codes: tuple[int, ...]
) -> None:
    seen = report(findings, Coverage.COMPLETE, Coverage.UNREADABLE)

    assert codes == tuple(
        exit_code(seen, fail_on=LOW, allow_unknown=unknown, allow_empty=empty)
        for empty, unknown in product((False, True), repeat=2)
    )


@pytest.mark.parametrize(
    ("findings", "fail_on", "codes"),
    [
        pytest.param([PASS], LOW, (3, 0), id="no finding says what is missing"),
        pytest.param([PASS, UNKNOWN], LOW, (3, 0), id="an unknown says it, and weighs"),
        pytest.param([PASS, LOW_UNKNOWN], HIGH, (0, 0), id="an unknown says it, below the bar"),
        pytest.param(
            [PASS, finding(Status.UNKNOWN, LOW, region="elsewhere")],
            HIGH,
            (3, 0),
            id="an unknown of another target does not speak for it",
        ),
        pytest.param([FAIL], LOW, (1, 1), id="a failure outweighs it"),
    ],
)
def test_a_target_read_in_part_is_weighed_by_what_is_unknown_there(
    findings: list[Finding], fail_on: Severity, codes: tuple[int, int]
) -> None:
    seen = report(findings, Coverage.PARTIAL)

    assert codes == tuple(
        exit_code(seen, fail_on=fail_on, allow_unknown=allowed) for allowed in (False, True)
    )


@pytest.mark.parametrize(("severity", "fail_on"), list(product(Severity, repeat=2)))
def test_the_bar_weighs_failures_and_unknowns_alike(severity: Severity, fail_on: Severity) -> None:
    weighs = severity.rank >= fail_on.rank

    failing = exit_code(report([PASS, finding(Status.FAIL, severity)]), fail_on=fail_on)
    blind = exit_code(report([PASS, finding(Status.UNKNOWN, severity)]), fail_on=fail_on)

    assert (1 if weighs else 0, 3 if weighs else 0) == (failing, blind)


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        pytest.param([LOW_FAIL], 0, id="a failure below the bar was judged"),
        pytest.param([LOW_UNKNOWN], 3, id="an unknown below the bar was not"),
        pytest.param([LOW_MISTAKE, PASS], 3, id="a mistaken rule counts at any severity"),
    ],
)
def test_below_the_bar(findings: list[Finding], expected: int) -> None:
    assert expected == exit_code(report(findings), fail_on=HIGH)


def test_a_report_without_targets_is_no_verdict() -> None:
    assert exit_code(Report("0", NOW, (), ()), fail_on=LOW) == 3
