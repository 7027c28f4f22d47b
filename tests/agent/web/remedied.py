"""Rounds of remediation and a journal, as the pages show them; held by the guard itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from agent.daemon.health import PlannedRound
from agent.remedy.steps import Step
from controls.change import Call, Change, Cost, Document, Fix, Held, Planned, Right
from controls.guard import Circumstances, why_held
from controls.model import Finding, Ref
from controls.remedy import Entry, Outcome, Policy
from tests.agent.formats.samples import ACCOUNT, BUCKET, LOCATION, NOW, REGION, TYPICAL, WALKTHROUGH

MINUTE = timedelta(minutes=1)

RULE = {
    "ID": "remove-6month-old-file",
    "Status": "Enabled",
    "Filter": {"Prefix": "prod/"},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 180},
}
EXPIRING = {**RULE, "Expiration": {"Days": 180}}


def lifecycle(**other: Any) -> Change:
    """Logs begin to be deleted after 180 days."""
    return Change(
        **{
            "fix": "expire_logs",
            "ref": LOCATION,
            "summary": "let `prod/` expire after 180 days",
            "calls": (_put(EXPIRING),),
            "documents": (
                Document("lifecycle of audit-logs", {"Rules": [RULE]}, {"Rules": [EXPIRING]}),
            ),
            "undo": (_put(RULE),),
            "undo_costs": {},
            "costs": {Cost.DESTROYS: "1,204 objects (3.1 GB) older than 180 days are deleted"},
            "params": {"max_days": 180},
            **other,
        }
    )


def _put(rule: dict[str, Any]) -> Call:
    return Call(
        "s3",
        "PutBucketLifecycleConfiguration",
        {"Bucket": "audit-logs", "LifecycleConfiguration": {"Rules": [rule]}},
        ACCOUNT,
        REGION,
    )


def reboot(finding: Finding = TYPICAL.findings[2], **other: Any) -> Change:
    """The cluster restarts; nothing takes that back."""
    return Change(
        **{
            "fix": "reboot_cluster",
            "ref": finding.ref,
            "summary": "reboot prod-dwh",
            "calls": (
                Call(
                    "redshift",
                    "RebootCluster",
                    {"ClusterIdentifier": "prod-dwh"},
                    ACCOUNT,
                    REGION,
                ),
            ),
            "no_undo": "a reboot is over when it is over",
            "costs": {Cost.INTERRUPTS: "queries that run are cancelled"},
            "affects": ("reporting", "etl"),
            "awaits": "the parameter is in force once the cluster is available",
            **other,
        }
    )


def step(
    planned: Planned, finding: Finding = WALKTHROUGH, name: str = "", policy: Policy | None = None
) -> Step:
    """A step with the reasons that the guard gives under the policy; without one, ready."""
    change = planned if isinstance(planned, Change) else None
    plan = _named(name or (change.fix if change else "put_right"))
    held: tuple[str, ...] = ()
    if change and policy is not None:
        held = why_held(change, finding, policy, Circumstances(NOW, NOW))
    return Step(finding, Fix(plan, finding.ref.kind, (), ()), planned, held)


def _named(name: str) -> Any:
    def plan(*_: Any) -> Planned:
        raise AssertionError

    plan.__name__ = name
    return plan


def plan(**other: Any) -> PlannedRound:
    """One step of each sort, in an order that no page shows."""
    unknown = TYPICAL.findings[4]
    steps = (
        step(Right("it is as it should be"), unknown, "encrypt_bucket"),
        step(reboot(), TYPICAL.findings[2], policy=Policy()),
        step(Held("the cluster is `modifying`", later=True), TYPICAL.findings[2], "enable_logging"),
        step(Right("", "a reboot of prod-dwh"), TYPICAL.findings[2], "set_parameter"),
        step(lifecycle(costs={})),
    )
    return replace(PlannedRound(NOW + MINUTE, steps), **other)


def entry(identity: str = "0a1b2c3d4e5f", ago: timedelta = MINUTE, **other: Any) -> Entry:
    """A change that was applied."""
    given: dict[str, Any] = {
        "rule": WALKTHROUGH.rule,
        "change": lifecycle(),
        "began_at": NOW - ago,
        "ended_at": NOW - ago + timedelta(seconds=4),
        "outcome": Outcome.APPLIED,
        "why": "it reads so since",
        "done": 1,
    }
    return Entry(identity, **{**given, **other})


def journal() -> tuple[Entry, ...]:
    """One of each outcome, the newest first; one of them undone, and its undoing."""
    others = [
        entry(f"{number:012x}", MINUTE * number, outcome=outcome, change=_of(number))
        for number, outcome in enumerate(Outcome, 10)
        if outcome is not Outcome.UNDONE
    ]
    return (
        entry("a-open", MINUTE, outcome=None, ended_at=None, done=0, why="", change=_of(1)),
        entry("a-undoing", 2 * MINUTE, outcome=Outcome.UNDONE, undoes="a-undone"),
        entry("a-undone", 3 * MINUTE, undone_by="a-undoing"),
        *others,
    )


def _of(number: int) -> Change:
    """Changes of one bucket by fixes of their own: none comes after another."""
    ref = Ref(BUCKET.kind, BUCKET.account, BUCKET.region, BUCKET.name)
    return lifecycle(ref=ref, fix=f"fix_{number}", affects=("a", "b"))


def evil_change(text: str, ref: Ref) -> Change:
    """Every text of it is `text`."""
    call = Call(text, text, {text: text, "list": [text, {text: text}]}, text, text)
    return Change(
        fix=text,
        ref=ref,
        summary=text,
        calls=(call, call),
        documents=(
            Document(text, {text: text}, {text: text, "more": [text]}),
            Document(text, text, None),
            Document(text, text, f"{text}\n{text}"),
        ),
        undo=(call,),
        no_undo=text,
        undo_costs=dict.fromkeys(Cost, text),
        costs=dict.fromkeys(Cost, text),
        affects=(text,) * 30,
        bucket_wide=text,
        tags={text: text},
        awaits=text,
        params={text: text},
    )


def evil_round(text: str, finding: Finding) -> PlannedRound:
    """A plan of which every text is `text`: ready, held by the guard, blind, waiting."""
    change = evil_change(text, finding.ref)
    steps = (
        step(change, finding),
        step(change, finding, policy=Policy()),
        step(replace(change, undo=()), finding, policy=Policy()),
        step(Held(text), finding, text),
        step(Right(text, text), finding, text),
    )
    return PlannedRound(NOW, steps, problem=text, killed=text)


def evil_journal(text: str, ref: Ref) -> tuple[Entry, ...]:
    """A change of every outcome of which every text is `text`, its id among them."""
    of = [evil_change(text, replace(ref, name=f"{ref.name}{number}")) for number in range(3)]
    partial = {"outcome": Outcome.PARTIAL, "why": text, "undoes": "", "undone_by": ""}
    first = entry(text, rule=text, change=of[0], **partial)
    return (
        first,
        entry(f"{text}2", rule=text, change=of[1], why=text, undoes=text, undone_by=text),
        entry(f"{text}3", rule=text, change=replace(of[2], undo=()), why=text),
        entry(f"{text}4", rule=text, change=of[0], outcome=None, ended_at=None, why=text),
        entry(f"{text}5", rule=text, change=replace(of[0], ref=ref), outcome=Outcome.INEFFECTIVE),
    )
