"""One round of remediation: what fails is planned, and what nothing holds is carried out."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from agent.aws.access import AccountAccess
from agent.aws.door import Aws
from agent.collect import Hooks
from agent.config import Settings
from agent.loading import Loaded, narrowed
from agent.remedy.acting import Result, act
from agent.remedy.doors import Doors
from agent.remedy.making import Hands
from agent.remedy.recovery import recover
from agent.remedy.retention import DAYS, unless_hidden, with_both_days
from agent.remedy.steps import Planning, Step, steps
from agent.stop import WRONG_USE, StopError
from agent.sweep import judge, look_with
from agent.targets import plan_targets
from agent.turns import StoppedError
from controls.change import Fix, Held, Right
from controls.fixes.catalog import FIXES
from controls.guard import Circumstances
from controls.model import Finding, Report, Status
from controls.remedy import Entry, Outcome

log = structlog.get_logger()

LOOK_BACK = timedelta(days=8)
"""So much of the journal limits, cool-down and the breaker ask for."""

MOST_ENTRIES = 10_000

MOST_CHANGES = 1_000
"""In one pass of several rounds, whatever the limits allow."""


class Books(Protocol):
    """Where the journal is kept: `agent.store.keeper.Keeper`. All raise StoreError."""

    def journal(self, entry: Entry) -> None:
        """Durable on return."""
        ...

    def entries(
        self,
        *,
        since: datetime | None = None,
        resource: str = "",
        open_only: bool = False,
        limit: int = 200,
    ) -> Sequence[Entry]:
        """Newest first."""
        ...

    def entry(self, identity: str) -> Entry | None:
        """The change with this id."""
        ...


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal as acting asks it."""

    books: Books
    utc: Callable[[], datetime]

    def put(self, entry: Entry) -> None:
        """Raises StoreError."""
        self.books.journal(entry)

    def past(self) -> list[Entry]:
        """The last days' changes. Raises StoreError."""
        return list(self.books.entries(since=self.utc() - LOOK_BACK, limit=MOST_ENTRIES))

    def get(self, identity: str) -> Entry | None:
        """The change with this id. Raises StoreError."""
        return self.books.entry(identity)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a round is handed: two doors, the journal, and how to wait, stop and count.

    `thrown` says why the kill switch is on, besides its file; `noted` is told of each outcome.
    """

    read: Aws
    write: Aws
    args: Namespace
    books: Books
    wait: Callable[[float], bool]
    thrown: Callable[[], str] = lambda: ""
    on_error: Callable[[str], object] = lambda part: None
    noted: Callable[[str, str], object] = lambda fix, outcome: None
    hooks: Hooks = field(default_factory=Hooks)
    fixes: Mapping[str, Fix] = field(default_factory=lambda: FIXES)


@dataclass(frozen=True, slots=True)
class Round:
    """What was planned, and what came of what was carried out."""

    steps: tuple[Step, ...]
    results: tuple[Result, ...] = ()


def plan_round(findings: Iterable[Finding], loaded: Loaded, around: Surroundings) -> Round:
    """What would be done about these findings, and what holds it. Changes nothing.

    Raises:
        StopError: it cannot be told which accounts there are.
        StoreError: the journal cannot be read.
    """
    hands = hands_of(loaded, around, around.read.utc())
    return Round(_planned(findings, loaded, hands))


def run_round(
    findings: Iterable[Finding], loaded: Loaded, around: Surroundings, began: datetime
) -> Round:
    """Plan, and carry out what nothing holds, one after the other. `began`: when the sweep did.

    What an earlier round had to leave open in the journal is looked at first.

    Raises:
        StopError, StoreError: as `plan_round`; nothing was changed then.
    """
    hands = hands_of(loaded, around, began)
    _recovered(hands, around)
    planned = _planned(findings, loaded, hands)
    return Round(planned, carry_out(planned, hands, around))


def run_until_settled(
    look: Callable[[], Report], loaded: Loaded, around: Surroundings, began: datetime
) -> tuple[Report, tuple[Result, ...]]:
    """Look and run rounds until one makes nothing: the last report, and what came of each step.

    One change is often what another waits for: a bucket that admits delivery, then logging to it,
    then the expiry of what is logged there. The limits of a sweep hold for all rounds together.

    Raises:
        StopError, StoreError: as `run_round`.
    """
    made: list[Result] = []
    while True:
        report = look()
        results = run_round(report.findings, loaded, around, began).results
        changed = [result for result in results if result.entry is not None]
        made += changed
        if not any(one.outcome in (Outcome.APPLIED, Outcome.AWAITING) for one in changed):
            rest = [result for result in results if result.entry is None]
            return look() if changed else report, (*made, *rest)
        if len(made) >= MOST_CHANGES:
            return look(), tuple(made)


def carry_out(
    planned: Iterable[Step], hands: Hands, around: Surroundings, *, exactly: bool = False
) -> tuple[Result, ...]:
    """What came of each step. One that fails inside Trailkeeper is said, and the others go on."""
    results: list[Result] = []
    for step in planned:
        result = _not_begun(step) or _carried_out(step, hands, around, exactly=exactly)
        around.noted(step.fix.name, result.outcome.value)
        results.append(result)
    return tuple(results)


def _not_begun(step: Step) -> Result | None:
    """What the plan says already: there is nothing to do, or something holds it."""
    match step.planned:
        case Right(why, awaits):
            outcome = Outcome.AWAITING if awaits else Outcome.ALREADY_RIGHT
            return Result(step, outcome, awaits or why)
        case Held(why):
            held: tuple[str, ...] = (why,)
        case _:
            held = step.held
    if not held:
        return None
    log.info("change_held", fix=step.fix.name, resource=step.finding.ref.id, why=held)
    return Result(step, Outcome.HELD, "; ".join(held))


def _carried_out(step: Step, hands: Hands, around: Surroundings, *, exactly: bool) -> Result:
    try:
        return act(step, hands, exactly=exactly)
    except Exception as error:
        around.on_error("remediation")
        log.exception("change_failed", fix=step.fix.name, resource=step.finding.ref.id)
        why = f"failed inside Trailkeeper: {error!r}; the journal tells how far it came"
        return Result(step, Outcome.PARTIAL, why)


def recover_open(loaded: Loaded, around: Surroundings) -> tuple[Entry, ...]:
    """Close what was under way when the process ended before. Raises StopError, StoreError."""
    if not around.books.entries(open_only=True, limit=1):
        return ()
    return _recovered(hands_of(loaded, around, around.read.utc()), around)


def _recovered(hands: Hands, around: Surroundings) -> tuple[Entry, ...]:
    return recover(around.books.entries(open_only=True, limit=MOST_ENTRIES), hands)


def _planned(findings: Iterable[Finding], loaded: Loaded, hands: Hands) -> tuple[Step, ...]:
    met = Circumstances(hands.utc(), hands.sweep_began, hands.journal.past(), hands.killed())
    failing = [one for one in with_both_days(findings) if one.status is Status.FAIL]
    return steps(failing, loaded.rules, hands.planning, met, hands.on_error)


# ---------------------------------------------------------------- the hands


def hands_of(loaded: Loaded, around: Surroundings, began: datetime) -> Hands:
    """Everything that acting needs, from the configuration. Raises StopError."""
    settings, args = loaded.settings, around.args
    plan = plan_targets(around.read, settings, accounts=args.accounts, regions=args.regions)
    doors = Doors(
        around.read,
        around.write,
        plan.accesses,
        writers(settings, plan.accesses),
        settings.known_log_buckets(),
    )
    written = settings.remediation
    policy = written.policy(settings.dedicated_buckets(), settings.held_buckets())
    return Hands(
        judge=lambda finding: judged_now(finding, loaded, around),
        make=doors.make,
        journal=Journal(around.books, around.read.utc),
        planning=Planning(around.fixes, doors.reader, written.destination, policy, doors.closed),
        wait=around.wait,
        utc=around.read.utc,
        monotonic=time.monotonic,
        killed=lambda: killed_by(written.kill_switch, around.thrown()),
        sweep_began=began,
        verify_seconds=written.verify_seconds,
        on_error=around.on_error,
    )


def killed_by(file: Path | None, thrown: str) -> str:
    """Who threw the kill switch; empty while nobody did. What cannot be looked at counts as on."""
    if thrown:
        return thrown
    if file is None:
        return ""
    try:
        file.lstat()
    except FileNotFoundError:
        return _unthrowable(file.parent)
    except (OSError, ValueError) as error:
        return f"whether {file} is there cannot be told: {error}"
    return f"the file {file} is there"


def _unthrowable(folder: Path) -> str:
    """A folder that is not there, or not mounted, is one where nobody can put the file."""
    try:
        folder.stat()
    except OSError as error:
        return f"nobody could throw it, for its folder {folder} cannot be reached: {error.strerror}"
    return ""


def judged_now(finding: Finding, loaded: Loaded, around: Surroundings) -> Finding | None:
    """The finding by a fresh look with its rule; None where there is none any more."""
    rule = narrowed(loaded, finding.rule)
    limits = tuple(one for one in loaded.rules if set(DAYS) & set(one.params))
    if rule.rules[0] in limits:
        kind = rule.rules[0].kind
        rule = replace(rule, rules=tuple(one for one in limits if one.kind == kind))
    with suppress(StopError, StoppedError):
        looked = look_with(
            around.read, rule, around.args, lambda what, done, total: None, **around.hooks
        )
        for found in with_both_days(judge(looked.snapshot, rule).findings):
            if found.id == finding.id:
                return unless_hidden(found, looked.snapshot)
    return None


def writers(settings: Settings, readers: Sequence[AccountAccess]) -> tuple[AccountAccess, ...]:
    """How each account may be written to: by the role that its target names for that.

    Raises:
        StopError: that role is of another account than the one that is read.
    """
    found: list[AccountAccess] = []
    for target, access in zip(settings.targets, readers, strict=True):
        role = target.remediation_role if target.role else settings.remediation.role
        if role == "current":
            found.append(AccountAccess(access.account, region=access.region))
        elif role:
            if role.split(":")[4] != access.account:
                raise StopError(
                    WRONG_USE,
                    f"{role} is to change things in account {access.account}, and is of another: "
                    "correct remediation.role",
                )
            external = target.external_id
            found.append(AccountAccess(access.account, role, external, region=access.region))
    return tuple(found)
