"""Reports for the formats: nothing, an ordinary estate, and one that means harm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from controls.model import (
    Coverage,
    Finding,
    Reading,
    Ref,
    Report,
    Severity,
    State,
    Status,
    TargetStatus,
    WaiverNote,
)

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
ACCOUNT, ARCHIVE, REGION = "111122223333", "999988887777", "eu-west-1"

CLUSTER = Ref(
    "redshift_cluster",
    ACCOUNT,
    REGION,
    "prod-dwh",
    "arn:aws:redshift:eu-west-1:111122223333:namespace:0b5a5a2e",
)
LOCATION = Ref(
    "s3_log_location", ACCOUNT, REGION, "audit-logs/prod/", "arn:aws:s3:::audit-logs", ARCHIVE
)
BUCKET = Ref("s3_log_bucket", ARCHIVE, REGION, "audit-logs", "arn:aws:s3:::audit-logs")
UNLISTED = Ref("redshift_serverless_namespace", ACCOUNT, "us-east-1", "*")
ROLE = Ref("redshift_role", ACCOUNT, "global", "etl")


def known(value: Any, reason: str = "") -> Reading:
    read_at = NOW - timedelta(seconds=2)
    return Reading(State.KNOWN, value, reason, "s3:GetLifecycleConfiguration", read_at)


def finding(
    rule: str,
    status: Status,
    ref: Ref = CLUSTER,
    *,
    severity: Severity = Severity.HIGH,
    because: str = "must `logging_enabled`; logging_enabled is false",
    **more: Any,
) -> Finding:
    title = more.pop("title", f"The title of {rule}")
    return Finding(rule, title, severity, status, ref, because, **more)


WALKTHROUGH = finding(
    "audit-logs-expire-in-time",
    Status.FAIL,
    LOCATION,
    title="Audit logs are due for deletion within the time that the policy allows",
    because=(
        "must `logs_expire && deleted_after_days <= params.max_days`; logs_expire is false: rule "
        "remove-6month-old-file deletes noncurrent versions only, and the bucket has no versions"
    ),
    remedy="Give the lifecycle rule an expiration of 180 days for current versions.",
    facts={
        "logs_expire": known(False, "the bucket has no versions"),
        "deleted_after_days": Reading(State.ABSENT, None, "never", "", NOW),
    },
    params={"max_days": 180},
    maps={"nist-800-53-r5": ("AU-11",), "pci-dss-4.0.1": ("10.5.1", "3.2.1")},
    tags={"team": "data"},
)

TYPICAL = Report(
    "0.1.0",
    NOW,
    (
        TargetStatus(ACCOUNT, REGION, Coverage.COMPLETE, None, 3),
        TargetStatus(ACCOUNT, "us-east-1", Coverage.PARTIAL, "ListNamespaces denied", 0),
        TargetStatus(
            ARCHIVE,
            REGION,
            Coverage.UNREADABLE,
            "sts:AssumeRole denied for arn:aws:iam::999988887777:role/trailkeeper; let the role "
            "trust arn:aws:iam::111122223333:role/runner",
            0,
        ),
    ),
    (
        finding("redshift-audit-logging-on", Status.PASS, because="all conditions hold"),
        WALKTHROUGH,
        finding(
            "redshift-user-activity-logged",
            Status.FAIL,
            severity=Severity.CRITICAL,
            because=(
                "must `user_activity_in_force`; user_activity_in_force is false: parameter group "
                "dwh-params is pending-reboot"
            ),
            remedy="Reboot the cluster in its maintenance window.",
        ),
        finding(
            "redshift-log-types-complete",
            Status.WAIVED,
            severity=Severity.MEDIUM,
            waiver={"why": "moves to CloudWatch", "by": "Ada", "until": "2026-12-31"},
        ),
        finding(
            "log-bucket-encrypted",
            Status.UNKNOWN,
            BUCKET,
            because="cannot tell whether `encryption_on` holds",
            reasons=(
                "s3:GetEncryptionConfiguration denied in 999988887777/eu-west-1",
                "the owner of audit-logs is not known",
            ),
        ),
        finding(
            "serverless-log-types-complete",
            Status.UNKNOWN,
            UNLISTED,
            because="redshift-serverless:ListNamespaces denied in 111122223333/us-east-1",
        ),
        finding(
            "redshift-role-least-privilege",
            Status.UNKNOWN,
            ROLE,
            severity=Severity.LOW,
            because="index 3 is out of range",
            rule_error=True,
        ),
        finding(
            "redshift-logs-fresh",
            Status.NOT_APPLICABLE,
            severity=Severity.LOW,
            because="where `available` is false",
        ),
    ),
    (
        WaiverNote(
            "expired", "log-bucket-private", ("old-*",), "decommissioned", "Bob", "2026-01-31"
        ),
        WaiverNote("unused", "redshift-logs-fresh", ("dev", "test"), "noisy", "Eve", "2027-01-31"),
    ),
)

EMPTY = Report("0.1.0", NOW, (), ())
NOTHING_THERE = Report(
    "0.1.0", NOW, (TargetStatus(ACCOUNT, REGION, Coverage.COMPLETE, None, 0),), ()
)

NASTY = "[bold]x[/bold] <script>&\"'\x00\x1b[31m\ud800\u202e\r\n\t]]> :smile: é 漢字 {0} \ufffe"


def adversarial() -> Report:
    """Every text that comes from outside is one that breaks something somewhere."""
    findings = tuple(
        Finding(
            rule=NASTY,
            title=NASTY,
            severity=Severity.HIGH,
            status=status,
            ref=Ref(NASTY, NASTY, NASTY, f"{NASTY}{status}", NASTY, NASTY),
            because=NASTY,
            remedy=NASTY,
            reasons=(f"{NASTY}!",),
            facts={NASTY: known(float("nan"), NASTY), "time": known(NOW), "list": known([NASTY])},
            params={NASTY: float("inf")},
            maps={NASTY: tuple(f"{NASTY}{number}" for number in range(30))},
            tags={NASTY: NASTY},
            waiver={"why": NASTY, "by": NASTY, "until": NASTY} if status is Status.WAIVED else None,
            rule_error=status is Status.UNKNOWN,
        )
        for status in Status
    )
    targets = tuple(TargetStatus(NASTY, NASTY, coverage, NASTY, 1) for coverage in Coverage)
    notes = tuple(
        WaiverNote(s, NASTY, (NASTY,), NASTY, NASTY, NASTY) for s in ("expired", "unused")
    )
    return Report(NASTY, NOW, targets, findings, notes, (NASTY,))


ADVERSARIAL = adversarial()
