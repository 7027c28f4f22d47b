"""One pass as every command makes it: load what was written, look, judge."""

from __future__ import annotations

import os
import threading
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent import __version__
from agent.aws.access import partition_of
from agent.aws.clock import system_clock
from agent.aws.door import Aws
from agent.aws.settings import AwsSettings
from agent.collect import Progress, collect
from agent.config import Settings, load_settings
from agent.packs import load_packs
from agent.stop import WRONG_USE, StopError
from agent.targets import Plan, plan_targets
from agent.targets_written import every_region_is_asked
from agent.waivers import load_waivers
from agent.yaml_file import ConfigProblems
from controls import params, waiver
from controls.evaluate import evaluate
from controls.kinds.catalog import KINDS
from controls.model import Report, Resource, Snapshot, Value
from controls.rule import Rule
from controls.waiver import Waiver
from controls.written import Problem


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was written: settings, the rules in use, waivers. Checked against each other."""

    settings: Settings
    rules: tuple[Rule, ...]
    waivers: tuple[Waiver, ...]


def load(args: Namespace) -> Loaded:
    """Settings, rules and waivers. Raises StopError naming every problem in them."""
    settings = settings_of(args)
    waivers, wrong_waivers = _waivers_of(settings)
    rules, wrong_rules = packs_of(args, settings)
    if wrong_rules or wrong_waivers:
        both = [*map(str, wrong_rules), *wrong_waivers]
        raise StopError(WRONG_USE, _several("the rules and waivers", both))
    declared = {rule.id: rule.params for rule in rules}
    wrong = params.problems(settings.all_overrides(), declared)
    wrong += waiver.problems(waivers, declared)
    if wrong:
        raise StopError(WRONG_USE, _several("the configuration", wrong))
    return Loaded(settings, only(rules, args.only_rules), waivers)


def _waivers_of(settings: Settings) -> tuple[tuple[Waiver, ...], tuple[str, ...]]:
    try:
        return (load_waivers(settings.waivers) if settings.waivers else ()), ()
    except ConfigProblems as problems:
        return (), problems.problems


def settings_of(args: Namespace) -> Settings:
    """The settings. Raises StopError naming every problem in them."""
    path = Path(args.config) if args.config else None
    try:
        return load_settings(path, os.environ)
    except ConfigProblems as problems:
        raise StopError(WRONG_USE, _several("the configuration", problems.problems)) from problems


def packs_of(args: Namespace, settings: Settings) -> tuple[tuple[Rule, ...], tuple[Problem, ...]]:
    """The rules of the packs in use, and every problem of all their files."""
    folders = [*settings.rules, *(Path(folder) for folder in args.rule_dirs or ())]
    return load_packs(settings.packs, folders, {kind.name: kind for kind in KINDS})


def only(rules: Sequence[Rule], wanted: Sequence[str] | None) -> tuple[Rule, ...]:
    """The rules of these names; all if none is named. Raises StopError for a name there is not."""
    known = {rule.id for rule in rules}
    missing = [name for name in wanted or () if name not in known]
    if missing:
        raise StopError(
            WRONG_USE, f"no rule {', '.join(missing)}: `trailkeeper rules list` names them all"
        )
    return tuple(rule for rule in rules if not wanted or rule.id in wanted)


def _several(where: str, problems: Sequence[str]) -> str:
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in {where}"
    return "\n".join([f"{count}:", *problems])


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
        plan = plan_targets(aws, loaded.settings, accounts=args.accounts, regions=args.regions)
        buckets = loaded.settings.known_log_buckets()
        sweep = aws.sweep(aws.utc(), plan.accesses, buckets)
        snapshot = collect(
            sweep,
            plan.targets,
            loaded.rules,
            KINDS,
            log_buckets=buckets,
            workers=loaded.settings.workers,
            progress=progress,
            stop=stop.set,
        )
        everywhere = every_region_is_asked(loaded.settings, args.regions)
        unseen = () if everywhere else not_looked_at(aws, plan)
        return Looked(snapshot, plan, sweep.calls, unseen)
    finally:
        aws.close()


def not_looked_at(aws: Aws, plan: Plan) -> tuple[str, ...]:
    """Where Redshift exists (as botocore knows) and the sweep did not go; enabled or not."""
    looked = {target.region for target in plan.targets}
    partitions = {partition_of(region) for region in looked}
    known = {one for partition in partitions for one in aws.regions_of("redshift", partition)}
    return tuple(sorted(known - looked))


def open_aws(settings: Settings, stop: threading.Event | None = None) -> Aws:
    """The door to AWS with the configured timeouts. Imports botocore. `stop` ends every wait."""
    timeouts = settings.call_timeouts
    return Aws(
        AwsSettings(
            version=__version__,
            workers=settings.workers,
            connect_timeout=timeouts.connect_seconds,
            read_timeout=timeouts.read_seconds,
            target_seconds=settings.target_deadline_seconds,
        ),
        clock=system_clock(stop),
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
    return Report(__version__, snapshot.taken_at, snapshot.targets, waived, notes)


def narrowed(loaded: Loaded, rule: str) -> Loaded:
    """The same with one rule only. Raises StopError if there is none of that name."""
    return replace(loaded, rules=only(loaded.rules, [rule]))
