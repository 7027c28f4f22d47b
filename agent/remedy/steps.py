"""From findings to steps: what each fix would do, and why it is held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from agent.aws.trace import trace
from controls.change import Change, Destination, Fix, Held, Planned, Right, Task
from controls.guard import Circumstances, why_held
from controls.model import AwsError, CannotTellError, Finding, Reader, Status
from controls.remedy import Policy
from controls.rule import Rule

log = structlog.get_logger()

ReaderOf = Callable[[str, str], Reader]
"""A fresh reader of an account and region."""

DestinationOf = Callable[[str, str], Destination | None]


@dataclass(frozen=True, slots=True)
class Step:
    """One fix for one failing finding: what it would do, and every reason why it will not."""

    finding: Finding
    fix: Fix
    planned: Planned
    held: tuple[str, ...] = ()

    @property
    def change(self) -> Change | None:
        """What it would do, held or not."""
        return self.planned if isinstance(self.planned, Change) else None


@dataclass(frozen=True, slots=True)
class Blind(Held):
    """It could not be seen what would have to be changed."""


@dataclass(frozen=True, slots=True)
class Planning:
    """What planning needs: fixes by name, the way to look, what is allowed.

    `closed` says why nothing may be written to in an account; empty where it may.
    """

    fixes: Mapping[str, Fix]
    reader_of: ReaderOf
    destination_of: DestinationOf
    policy: Policy
    closed: Callable[[str], str] = lambda account: ""


def steps(
    findings: Iterable[Finding],
    rules: Sequence[Rule],
    planning: Planning,
    met: Circumstances,
    on_error: Callable[[str], object] = lambda part: None,
) -> tuple[Step, ...]:
    """A step for each fix of each failing finding, the gravest first. Looks afresh; writes nothing.

    A rule with several fixes takes the first that has something to do.
    """
    does = {rule.id: rule.fixes for rule in rules}
    failing = [one for one in findings if one.status is Status.FAIL and does.get(one.rule)]
    failing.sort(key=lambda one: (-one.severity.rank, one.id))
    return tuple(
        step
        for finding in failing
        for step in _of_finding(finding, does[finding.rule], planning, met, on_error)
    )


def _of_finding(
    finding: Finding,
    names: Sequence[str],
    planning: Planning,
    met: Circumstances,
    on_error: Callable[[str], object],
) -> list[Step]:
    found: list[Step] = []
    for name in names:
        fix = planning.fixes[name]
        planned = plan_one(fix, finding, planning, met.now, on_error)
        held = why_not_now(planned, finding, planning, met) if isinstance(planned, Change) else ()
        found.append(Step(finding, fix, planned, held))
        if not isinstance(planned, Right):
            break  # the next fix is for what this one leaves
    changes = [step for step in found if not isinstance(step.planned, Right)]
    return changes or found[-1:]


def why_not_now(
    change: Change, finding: Finding, planning: Planning, met: Circumstances
) -> tuple[str, ...]:
    """Every reason not to make the change now: the guard's, and where nobody may write."""
    accounts = dict.fromkeys(call.account for call in change.calls)
    closed = (planning.closed(account) for account in accounts)
    return (*why_held(change, finding, planning.policy, met), *filter(None, closed))


def plan_one(
    fix: Fix,
    finding: Finding,
    planning: Planning,
    now: datetime,
    on_error: Callable[[str], object] = lambda part: None,
) -> Planned:
    """What the fix would do now. What cannot be seen holds it; nothing is raised."""
    ref = finding.ref
    task = Task(ref, now, finding.params, planning.destination_of(ref.account, ref.region))
    try:
        reader = trace(planning.reader_of(ref.account, ref.region), fix.reads)
        planned = fix.plan(reader, task)
        if isinstance(planned, Change):
            _refuse_what_is_not_its_own(planned, fix, finding)
        return planned
    except (AwsError, CannotTellError) as error:
        why = f"it cannot be seen what would have to be changed: {error}"
    except Exception as error:  # one target: the others go on
        on_error("plan")
        log.exception("plan_failed", fix=fix.name, resource=ref.id)
        why = f"planning {fix.name} failed inside Trailkeeper: {error!r}"
    return Blind(why, later=True)


def _refuse_what_is_not_its_own(change: Change, fix: Fix, finding: Finding) -> None:
    """What a fix may write is declared, and consents and IAM policies rest on that.

    Raises ValueError.
    """
    names = {call.name for call in (*change.calls, *change.undo)}
    if undeclared := sorted(names - set(fix.writes)):
        raise ValueError(f"it would call {', '.join(undeclared)}, which it does not declare")
    if (change.fix, change.ref.id) != (fix.name, finding.ref.id):
        raise ValueError(f"it would do {change.fix} on {change.ref.id}")
    if not change.calls:
        raise ValueError("it would change something without any call")
