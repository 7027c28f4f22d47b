"""One pass as every command makes it: look at AWS, judge what was seen."""

from __future__ import annotations

import threading
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Unpack

from agent import __version__
from agent.aws.access import partition_of
from agent.aws.clock import system_clock
from agent.aws.door import Aws
from agent.aws.hands import OBSERVER
from agent.aws.settings import AwsSettings, OnCall, no_hook
from agent.collect import Hooks, Progress, Target, collect
from agent.config import Settings
from agent.loading import Loaded
from agent.targets import Plan, plan_targets
from agent.targets_written import every_region_is_asked
from agent.turns import side_by_side
from controls import params, waiver
from controls.deviations import deviations
from controls.evaluate import evaluate
from controls.kinds.catalog import KINDS
from controls.model import CannotTellError, Reader, Report, Resource, Snapshot, Value
from controls.rule import Rule


@dataclass(frozen=True, slots=True)
class Looked:
    """A sweep's snapshot, what it went to, and the calls it took by `service:Operation`.

    `not_looked_at` are the regions where Redshift exists and no target is.
    """

    snapshot: Snapshot
    plan: Plan
    calls: Mapping[str, int]
    not_looked_at: tuple[str, ...]


def look(loaded: Loaded, args: Namespace, progress: Progress) -> Looked:
    """One sweep of live AWS. Raises StopError if it cannot even begin."""
    stop = threading.Event()
    aws = open_aws(loaded.settings, stop)
    try:
        return look_with(aws, loaded, args, progress)
    finally:
        stop.set()  # where this was interrupted, threads still wait for AWS
        aws.close()


def look_with(
    aws: Aws,
    loaded: Loaded,
    args: Namespace,
    progress: Progress,
    *,
    target_seconds: Callable[[Target], float] | None = None,
    **hooks: Unpack[Hooks],
) -> Looked:
    """One sweep through a door that stays open; many may follow one another.

    `target_seconds` says how long each target may take, where it is not what is configured.

    Raises:
        StopError: it cannot even begin. NO_VERDICT is AWS's doing and may pass.
        StoppedError: `stop` of the hooks was set.
    """
    settings = loaded.settings
    plan = _plan(aws, settings, args, hooks.get("stop"))
    buckets = settings.known_log_buckets()
    given: Hooks = {**hooks, "reports": settings.report_place()}
    sweep = aws.sweep(aws.utc(), plan.accesses, buckets)
    snapshot = collect(
        sweep,
        plan.targets,
        loaded.rules,
        KINDS,
        log_buckets=buckets,
        workers=settings.workers,
        progress=progress,
        target_seconds=target_seconds or settings.target_deadline_seconds,
        **given,
    )
    everywhere = every_region_is_asked(settings, args.regions)
    unseen = () if everywhere else not_looked_at(aws, plan)
    return Looked(snapshot, plan, sweep.calls, unseen)


def _plan(aws: Aws, settings: Settings, args: Namespace, stop: threading.Event | None) -> Plan:
    """The targets. Raises StopError; StoppedError once `stop` is set, though AWS may not answer."""

    def plan(_: None) -> Plan:
        return plan_targets(aws, settings, accounts=args.accounts, regions=args.regions)

    if stop is None:
        return plan(None)
    return side_by_side(1, [None], plan, group=lambda _: None, stop=stop)[0]


@dataclass(frozen=True, slots=True)
class _Nowhere:
    """A world in which nothing can be asked, and why."""

    now: datetime
    reason: str

    def offers(self, service: str, region: str) -> bool:
        """As far as is known."""
        return True

    def reader(self, account: str, region: str, *, deadline: float | None = None) -> Reader:
        """Always raises CannotTellError with the reason."""
        raise CannotTellError(self.reason)


def blind(
    targets: Sequence[tuple[str, str]], loaded: Loaded, reason: str, now: datetime
) -> Snapshot:
    """What is seen of these (account, region) where no sweep could begin: nothing, and why.

    Each target is unreadable, and everything the rules ask for is a gap in it. No call is made.
    """
    return collect(
        _Nowhere(now, reason),
        [Target(account, region, reason) for account, region in targets],
        loaded.rules,
        KINDS,
        log_buckets=loaded.settings.known_log_buckets(),
        reports=loaded.settings.report_place(),
        workers=1,
    )


def not_looked_at(aws: Aws, plan: Plan) -> tuple[str, ...]:
    """Where Redshift exists (as botocore knows) and the sweep did not go; enabled or not."""
    looked = {target.region for target in plan.targets}
    partitions = {partition_of(region) for region in looked}
    known = {one for partition in partitions for one in aws.regions_of("redshift", partition)}
    return tuple(sorted(known - looked))


def open_aws(
    settings: Settings,
    stop: threading.Event | None = None,
    on_call: OnCall = no_hook,
    hand: frozenset[str] = OBSERVER,
) -> Aws:
    """The door to AWS with the configured timeouts, for that hand. Imports botocore.

    `stop` ends every wait; `on_call` is told of every attempt on the wire. Whatever
    the hand, a call that changes something is made once.
    """
    timeouts = settings.call_timeouts
    return Aws(
        AwsSettings(
            version=__version__,
            workers=settings.workers,
            connect_timeout=timeouts.connect_seconds,
            read_timeout=timeouts.read_seconds,
            target_seconds=settings.target_deadline_seconds,
            on_call=on_call,
        ),
        clock=system_clock(stop),
        hand=hand,
    )


def judge(snapshot: Snapshot, loaded: Loaded) -> Report:
    """The report on a snapshot, live or read back. Decides; looks at nothing else."""
    overrides = loaded.settings.all_overrides()
    retention = loaded.settings.retention_policy()

    def params_of(rule: Rule, resource: Resource) -> Mapping[str, Value] | params.Disagreement:
        return params.resolve(rule.id, rule.params, resource, overrides, retention)

    findings = evaluate(loaded.rules, snapshot, params_of)
    in_use = {rule.id for rule in loaded.rules}
    waivers = [one for one in loaded.waivers if one.rule in in_use]
    waived, notes = waiver.apply(findings, waivers, snapshot.taken_at, snapshot.targets)
    different = deviations(loaded.rules, snapshot.resources, overrides, retention)
    return Report(__version__, snapshot.taken_at, snapshot.targets, waived, notes, different)
