"""The catalogue of fixes for people: what each changes, what it may cost, how it is undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.write_permissions import write_policy
from controls.change import Cost, Fix
from controls.fixes.catalog import FIXES
from controls.rule import Rule


@dataclass(frozen=True, slots=True)
class Price:
    """What a fix may cost, and how it is undone, in words; the plan says what holds in the case."""

    undo: str
    costs: Mapping[Cost, str] = field(default_factory=dict)


PRICES: Mapping[str, Price] = {
    "enable_logging": Price(
        "what was exported before (weakens); none where logging was off: `DisableLogging` is never "
        "called"
    ),
    "enable_user_activity_logging": Price(
        "the value or the group of before (weakens); a group that was made stays"
    ),
    "reboot_cluster": Price(
        "none",
        {
            Cost.INTERRUPTS: "the cluster is out of service, its sessions end, and all else that "
            "waits for a reboot is applied too"
        },
    ),
    "admit_delivery": Price("the policy of before (weakens)"),
    "require_tls": Price(
        "the policy of before (weakens)", {Cost.INTERRUPTS: "requests without TLS are refused"}
    ),
    "use_sse_s3": Price(
        "the encryption of before (weakens)",
        {Cost.WEAKENS: "new objects are no longer under the KMS key"},
    ),
    "encrypt_bucket": Price(
        "the encryption of before, or none (weakens)",
        {Cost.INTERRUPTS: "where there was no configuration: uploads with SSE-C may be refused"},
    ),
    "block_public_access": Price(
        "the switches of before (weakens)",
        {Cost.INTERRUPTS: "whoever a public policy or ACL lets in loses access"},
    ),
    "expire_logs": Price(
        "the lifecycle of before, not what was deleted meanwhile",
        {Cost.DESTROYS: "logs older than the limit are deleted, those there are today counted"},
    ),
    "keep_logs": Price("the lifecycle of before (destroys: logs go sooner again)"),
    "abort_uploads": Price(
        "the lifecycle of before, not what was deleted meanwhile",
        {Cost.DESTROYS: "the parts of incomplete uploads are deleted"},
    ),
    "set_log_retention": Price(
        "the retention of before (destroys, if that was shorter); none for a group that was made",
        {Cost.DESTROYS: "where it gets shorter: events older than that are deleted"},
    ),
    "export_all_logs": Price("the exports of before (weakens); none where nothing was exported"),
    "enable_serverless_activity": Price(
        "the parameters of before (weakens); none where it was not listed",
        {Cost.INTERRUPTS: "the workgroup is `MODIFYING` until it is done"},
    ),
}
"""What fixes say of single changes, in general; a test holds the costs against their sources."""

_INTRODUCTION = """\
What `--remediate` may do, if `remediation.fixes` names it; see [remediation.md](remediation.md).
*May cost* is what needs a consent, *undo puts back* says what undoing costs. IAM actions are those
of the role that writes; `trailkeeper iam --remediate` prints them with their resources. *Whole
bucket*: held unless the bucket is declared `dedicated`.
""".splitlines()


def fixes_of(rule: Rule) -> list[str]:
    """Lines that say what would put right what fails by this rule."""
    if not rule.fixes:
        return ["Fix: none; it is for a person to put right.", ""]
    named = ", then ".join(f"[`{name}`](#fixes)" for name in rule.fixes)
    return [f"Fix: {named}.", ""]


def fix_section(rules: Sequence[Rule]) -> list[str]:
    """Every fix there is, with the rules that name it, as a table."""
    lines = [
        "## Fixes",
        "",
        *_INTRODUCTION,
        "",
        "| fix | for | what it changes | may cost | undo puts back | IAM actions |",
        "|---|---|---|---|---|---|",
    ]
    return [*lines, *(_row(fix, rules) for fix in FIXES.values()), ""]


def _row(fix: Fix, rules: Sequence[Rule]) -> str:
    named = [f"`{rule.id}`" for rule in rules if fix.name in rule.fixes]
    price = PRICES[fix.name]
    costs = [f"*{cost.value}*: {said}" for cost, said in price.costs.items()]
    granted = {action for one in write_policy([fix], ())["Statement"] for action in one["Action"]}
    cells = (
        f"`{fix.name}`",
        ", ".join(named) or "no rule in use",
        fix.doc + (" Whole bucket." if fix.bucket_wide else ""),
        "; ".join(costs) or "nothing",
        price.undo,
        ", ".join(f"`{action}`" for action in sorted(granted)),
    )
    return f"| {' | '.join(cells)} |"
