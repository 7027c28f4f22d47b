"""What became of changes: planned, held, made, proven or undone; and their JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from controls.change import Call, Change, Cost, Document
from controls.model import Ref


class Outcome(StrEnum):
    """How a change ended.

    `applied`: its calls were made, and what it was for reads so since. `awaiting`: likewise, and
    something else must still happen. `already_right`: somebody was faster. `held`: not begun, the
    reasons say why. `refused`: AWS refused its first call, nothing was changed. `partial`: some of
    its calls were made, then one failed. `ineffective`: all were made, and it does not read so.
    `undone`: what was there before stands again.
    """

    APPLIED = "applied"
    AWAITING = "awaiting"
    ALREADY_RIGHT = "already_right"
    HELD = "held"
    REFUSED = "refused"
    INEFFECTIVE = "ineffective"
    PARTIAL = "partial"
    UNDONE = "undone"


MADE = frozenset({Outcome.APPLIED, Outcome.AWAITING, Outcome.INEFFECTIVE, Outcome.PARTIAL})
"""Outcomes after which the world may be another than before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change in the journal. `outcome` is None while it is under way.

    Written before the first call, after each call (`done`, how many were answered) and at its end.
    `undoes` is the id of the entry that this one puts back, `undone_by` the other way round.
    """

    id: str
    rule: str
    change: Change
    began_at: datetime
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    why: str = ""
    done: int = 0
    undoes: str = ""
    undone_by: str = ""

    @property
    def finding(self) -> str:
        """The id of the finding that it is for."""
        return f"{self.rule}:{self.change.ref.id}"


# ---------------------------------------------------------------- JSON


def change_to_json(change: Change) -> dict[str, Any]:
    """As `json.dumps` takes it; nothing is lost."""
    ref = change.ref
    return {
        "fix": change.fix,
        "resource": {
            "kind": ref.kind,
            "account": ref.account,
            "region": ref.region,
            "name": ref.name,
            "arn": ref.arn,
            "owner_account": ref.owner_account,
        },
        "summary": change.summary,
        "calls": [call_to_json(call) for call in change.calls],
        "documents": [
            {"what": one.what, "before": one.before, "after": one.after} for one in change.documents
        ],
        "undo": [call_to_json(call) for call in change.undo],
        "no_undo": change.no_undo,
        "undo_costs": {cost.value: said for cost, said in change.undo_costs.items()},
        "costs": {cost.value: said for cost, said in change.costs.items()},
        "affects": list(change.affects),
        "bucket_wide": change.bucket_wide,
        "tags": dict(change.tags),
        "awaits": change.awaits,
        "params": dict(change.params),
        "affected_tags": [list(tag) for tag in change.affected_tags],
    }


def call_to_json(call: Call) -> dict[str, Any]:
    """One call: where it is made, what it is, with which parameters."""
    return {
        "service": call.service,
        "operation": call.operation,
        "params": dict(call.params),
        "account": call.account,
        "region": call.region,
    }


def change_from_json(written: Mapping[str, Any]) -> Change:
    """The change that `change_to_json` wrote; journals of old have no `affected_tags`.

    Raises:
        KeyError, TypeError, ValueError: it is not one.
    """
    return Change(
        fix=written["fix"],
        ref=Ref(**written["resource"]),
        summary=written["summary"],
        calls=tuple(Call(**call) for call in written["calls"]),
        documents=tuple(Document(**one) for one in written["documents"]),
        undo=tuple(Call(**call) for call in written["undo"]),
        no_undo=written["no_undo"],
        undo_costs={Cost(cost): said for cost, said in dict(written["undo_costs"]).items()},
        costs={Cost(cost): said for cost, said in dict(written["costs"]).items()},
        affects=tuple(written["affects"]),
        bucket_wide=written["bucket_wide"],
        tags=dict(written["tags"]),
        awaits=written["awaits"],
        params=dict(written["params"]),
        affected_tags=tuple((key, value) for key, value in written.get("affected_tags", ())),
    )


# ---------------------------------------------------------------- consent and limits, as written


@dataclass(frozen=True, slots=True)
class Consent:
    """Somebody accepts one cost of one fix on one resource, by its exact name.

    It holds before `until`; None: until it is taken back. Clusters of several accounts and regions
    may have the same name: `account` and `region`, where set, say which is meant.
    """

    cost: Cost
    fix: str
    resource: str
    by: str
    until: datetime | None = None
    account: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Selector:
    """Which findings: all that is set must match. `resource` is a glob."""

    rule: str = ""
    account: str = ""
    region: str = ""
    tag: tuple[str, str] | None = None
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Freeze:
    """From when to when (UTC) nothing is changed, and why."""

    begins: datetime
    ends: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How many changes at most; `affected` is how many clusters one change may touch."""

    per_sweep: int = 5
    per_hour: int = 20
    per_account: int = 5
    affected: int = 5
    cool_down_seconds: float = 3_600.0


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be changed, as configured. The default allows nothing.

    `fixes` are those allowed; `only`, where there are any, limits them to findings that one of
    them selects; `never` takes away what any selects, and what reaches something it selects.
    `owned_by_code` are globs of tag keys, or of `key=value`, in any case, that mark what
    infrastructure as code owns.
    """

    fixes: frozenset[str] = frozenset()
    only: tuple[Selector, ...] = ()
    never: tuple[Selector, ...] = ()
    consents: tuple[Consent, ...] = ()
    limits: Limits = field(default_factory=Limits)
    freezes: tuple[Freeze, ...] = ()
    dedicated: frozenset[str] = frozenset()
    legal_hold: frozenset[str] = frozenset()
    owned_by_code: tuple[str, ...] = ("aws:cloudformation:*",)
