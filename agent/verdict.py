"""A report to an exit code: the one number that a pipeline relies on."""

from __future__ import annotations

from controls.model import Coverage, Finding, Report, Severity, Status

OK = 0
FAILS = 1
NO_VERDICT = 3

JUDGED = frozenset({Status.PASS, Status.FAIL, Status.WAIVED})
"""Verdicts that somebody reached by looking: neither blindness nor a rule that does not apply."""


def exit_code(
    report: Report, *, fail_on: Severity, allow_unknown: bool = False, allow_empty: bool = False
) -> int:
    """0: all that was asked was seen, nothing at or above `fail_on` fails. 1: something does.

    3: nothing fails, but there is no verdict:
    - a finding at or above `fail_on` is unknown, unless `allow_unknown`; so is each target for a
      rule of whose kind the snapshot holds nothing, because nobody looked for it;
    - a target is unreadable; nothing excuses that;
    - a target was read in part and no unknown finding there says what is missing (where one
      does, that finding is weighed instead), unless `allow_unknown`;
    - nothing passed, failed or was waived, unless `allow_empty`;
    - a rule is mistaken, whatever its severity; nothing excuses that.

    What stops Trailkeeper before there is a report (2: wrong use, 4: an error of its own) outweighs
    these, and 1 outweighs 3.
    """
    grave = [f for f in report.findings if f.severity.rank >= fail_on.rank]
    if any(finding.status is Status.FAIL for finding in grave):
        return FAILS
    if any(target.status is Coverage.UNREADABLE for target in report.targets):
        return NO_VERDICT
    if any(finding.rule_error for finding in report.findings):
        return NO_VERDICT
    if not allow_unknown and (_any_unknown(grave) or _any_silent_part(report)):
        return NO_VERDICT
    return OK if allow_empty or not nothing_judged(report) else NO_VERDICT


def nothing_judged(report: Report) -> str:
    """Why nothing was judged, as a sentence; empty where something was."""
    statuses = {finding.status for finding in report.findings}
    if statuses & JUDGED:
        return ""
    if Status.UNKNOWN in statuses:
        return "Nothing was judged: all that was found is unknown."
    if statuses:
        return "Nothing was judged: no rule applies to what was found."
    return "Nothing was judged: nothing was found that a rule is for."


def _any_unknown(findings: list[Finding]) -> bool:
    return any(finding.status is Status.UNKNOWN for finding in findings)


def _any_silent_part(report: Report) -> bool:
    """Whether a target was read in part without a finding that says what was not seen."""
    spoken_for = {
        (f.ref.account, f.ref.region) for f in report.findings if f.status is Status.UNKNOWN
    }
    return any(
        target.status is Coverage.PARTIAL and (target.account, target.region) not in spoken_for
        for target in report.targets
    )
