"""What a retention fix is told: both sides of the class, whichever rule failed."""

from __future__ import annotations

from agent.remedy.rounds import with_both_days
from controls.model import Finding, Ref, Severity, Status, Value

LOGS = Ref("s3_log_location", "111122223333", "eu-west-1", "audit-logs/prod/")
OTHER = Ref("s3_log_location", "111122223333", "eu-west-1", "audit-logs/test/")


def finding(rule: str, ref: Ref, **params: Value) -> Finding:
    return Finding(rule, rule, Severity.HIGH, Status.FAIL, ref, "", params=params)


def test_each_finding_knows_both_days_of_its_own_resource() -> None:
    found = with_both_days(
        [
            finding("expire", LOGS, max_days=400),
            finding("keep", LOGS, min_days=365),
            finding("expire", OTHER, max_days=180),
            finding("uploads", OTHER, abort_within_days=7),
        ]
    )

    assert [dict(one.params) for one in found] == [
        {"min_days": 365, "max_days": 400},
        {"min_days": 365, "max_days": 400},
        {"max_days": 180},
        {"max_days": 180, "abort_within_days": 7},
    ]
