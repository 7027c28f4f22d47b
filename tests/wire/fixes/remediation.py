"""The small estate with one thing wrong, and a configuration that allows its fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.store.opening import open_store
from controls.fixes.catalog import FIXES
from controls.remedy import Entry
from tests.sandbox_server import Sandbox
from tests.wire.estate import REGION, SCENARIOS, A, Step, cluster, right


@dataclass(frozen=True)
class Case:
    """A rule that fails, its fix, the call that writes, and the costs that need a consent."""

    rule: str
    fix: str
    write: str
    costs: Sequence[str] = ()
    fails: Sequence[Step] = ()
    """Planted instead of the scenario's, where that cannot be put right by this fix."""
    outcome: str = "applied"

    @property
    def resource(self) -> str:
        """What fails."""
        return SCENARIOS[self.rule].resource

    def plant(self, sandbox: Sandbox, now: datetime) -> None:
        """The right estate, with this one thing wrong."""
        sandbox.plant([*right(now), *(self.fails or SCENARIOS[self.rule].fails(now))])


GROUP_OF_ITS_OWN: Sequence[Step] = [
    {"do": "parameter_group", "account": A, "region": REGION, "name": "unset", "values": {}},
    cluster(parameter_group="unset"),
]

CASES: Mapping[str, Case] = {
    case.rule: case
    for case in (
        Case("redshift-audit-logging-on", "enable_logging", "redshift:EnableLogging"),
        Case("redshift-log-types-complete", "enable_logging", "redshift:EnableLogging"),
        Case(
            "redshift-user-activity-logged",
            "enable_user_activity_logging",
            "redshift:ModifyClusterParameterGroup",
            fails=GROUP_OF_ITS_OWN,
            outcome="awaiting",
        ),
        Case("redshift-log-delivery-admitted", "admit_delivery", "s3:PutBucketPolicy"),
        Case(
            "log-bucket-encryption-deliverable",
            "use_sse_s3",
            "s3:PutBucketEncryption",
            ("weakens",),
        ),
        Case("log-bucket-private", "block_public_access", "s3:PutPublicAccessBlock"),
        Case("log-bucket-tls-only", "require_tls", "s3:PutBucketPolicy", ("interrupts",)),
        Case(
            "audit-logs-expire-in-time",
            "expire_logs",
            "s3:PutBucketLifecycleConfiguration",
            ("destroys",),
        ),
        Case(
            "audit-logs-uploads-aborted",
            "abort_uploads",
            "s3:PutBucketLifecycleConfiguration",
            ("destroys",),
        ),
        Case("log-group-retention", "set_log_retention", "logs:PutRetentionPolicy", ("destroys",)),
        Case(
            "log-group-kept-long-enough",
            "set_log_retention",
            "logs:PutRetentionPolicy",
        ),
        Case(
            "serverless-log-types-complete",
            "export_all_logs",
            "redshift-serverless:UpdateNamespace",
        ),
        Case(
            "serverless-user-activity-logged",
            "enable_serverless_activity",
            "redshift-serverless:UpdateWorkgroup",
            ("interrupts",),
        ),
    )
}


def settings_for(case: Case, folder: Path, **changes: Any) -> dict[str, Any]:
    """Everything allowed that the case needs, with its consents, and a journal of its own."""
    remediation: dict[str, Any] = {
        "role": "current",
        "fixes": sorted(FIXES),
        "verify_seconds": 8,
        "log_destinations": [
            {"to": "cloudwatch" if case.resource == "streamed" else "s3"}
            | ({} if case.resource == "streamed" else {"bucket": "audit-logs", "prefix": "prod/"})
        ],
        "consents": [
            {"to": cost, "fix": case.fix, "resource": case.resource, "by": "Ann"}
            for cost in case.costs
        ],
        **changes.pop("remediation", {}),
    }
    remediation = {name: value for name, value in remediation.items() if value is not None}
    return {
        "state_directory": str(folder / "state"),
        "log_buckets": [
            {"bucket": "audit-logs", "account": A, "region": REGION, "dedicated": True}
        ],
        "remediation": remediation,
        **changes,
    }


def journal(folder: Path) -> list[Entry]:
    """What the store holds, the oldest first."""
    store = open_store(f"sqlite:///{folder}/state/trailkeeper.db", lock=False)
    try:
        return list(reversed(store.entries()))
    finally:
        store.close()


def writes(sandbox: Sandbox) -> dict[str, int]:
    """How many calls that change anything, by name."""
    reads = ("Describe", "Get", "List", "Head", "AssumeRole")
    return {
        name: count
        for name, count in sandbox.counts().items()
        if not name.partition(":")[2].startswith(reads)
    }
