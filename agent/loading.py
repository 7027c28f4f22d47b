"""What a person wrote, loaded and checked against each other: settings, rules, waivers."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.config import Settings, load_settings
from agent.packs import load_packs
from agent.stop import WRONG_USE, StopError
from agent.waivers import load_waivers
from agent.yaml_file import ConfigProblems
from controls import params, waiver
from controls.fixes.catalog import FIXES
from controls.kinds.catalog import KINDS
from controls.near import near
from controls.rule import Rule
from controls.rule_file import check_examples
from controls.waiver import Waiver
from controls.written import Problem


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was written: settings, the rules in use, waivers. Checked against each other."""

    settings: Settings
    rules: tuple[Rule, ...]
    waivers: tuple[Waiver, ...]


def load(args: Namespace) -> Loaded:
    """Settings, rules and waivers. Raises StopError naming every problem in them.

    A rule whose own examples do not hold is refused: what it says of real resources cannot be
    trusted either.
    """
    settings = settings_of(args)
    waivers, wrong_waivers = _waivers_of(settings)
    rules, wrong_rules = packs_of(args, settings)
    wrong_rules += tuple(problem for rule in rules for problem in check_examples(rule))
    if wrong_rules or wrong_waivers:
        both = [*map(str, wrong_rules), *wrong_waivers]
        raise StopError(WRONG_USE, _several("the rules and waivers", both))
    declared = {rule.id: rule for rule in rules}
    wrong = params.problems(settings.all_overrides(), declared, settings.retention_policy())
    wrong += waiver.problems(waivers, declared)
    wrong += _freshness_problems(settings, declared)
    wrong += _fix_problems(settings, rules)
    if wrong:
        raise StopError(WRONG_USE, _several("the configuration", wrong))
    return Loaded(settings, only(rules, args.only_rules), waivers)


def _freshness_problems(settings: Settings, declared: Mapping[str, Rule]) -> tuple[str, ...]:
    """A name that is no rule would leave logs unjudged between full sweeps, in silence."""
    if "freshness_rules" not in settings.model_fields_set:
        return ()  # who chooses other packs need not know of the default
    return tuple(
        f"freshness_rules: no rule {name}{near(name, declared)}"
        for name in settings.freshness_rules
        if name not in declared
    )


def _fix_problems(settings: Settings, rules: Sequence[Rule]) -> tuple[str, ...]:
    """Fixes that do not exist, or are for another kind of resource than their rule."""
    wrong = [
        f"{rule.path}: fix {name} is for {FIXES[name].kind}, the rule is for {rule.kind}"
        for rule in rules
        for name in rule.fixes
        if name in FIXES and FIXES[name].kind != rule.kind
    ]
    written = settings.remediation
    for where, names in (
        ("remediation.fixes", written.fixes),
        ("remediation.consents", tuple(consent.fix for consent in written.consents)),
    ):
        missing = (name for name in names if name not in FIXES)
        wrong += [f"{where}: there is no fix {name!r}{near(name, FIXES)}" for name in missing]
    return tuple(wrong)


def _waivers_of(settings: Settings) -> tuple[tuple[Waiver, ...], tuple[str, ...]]:
    try:
        return (load_waivers(settings.waivers) if settings.waivers else ()), ()
    except ConfigProblems as problems:
        return (), tuple(map(str, problems.problems))


def settings_of(args: Namespace) -> Settings:
    """The settings. Raises StopError naming every problem in them."""
    path = Path(args.config) if args.config else None
    try:
        return load_settings(path, os.environ)
    except ConfigProblems as problems:
        wrong = list(map(str, problems.problems))
        raise StopError(WRONG_USE, _several("the configuration", wrong)) from problems


def packs_of(args: Namespace, settings: Settings) -> tuple[tuple[Rule, ...], tuple[Problem, ...]]:
    """The rules of the packs in use, and every problem of all their files."""
    folders = [*settings.rules, *(Path(folder) for folder in args.rule_dirs or ())]
    return load_packs(settings.packs, folders, {kind.name: kind for kind in KINDS})


def only(rules: Sequence[Rule], wanted: Sequence[str] | None) -> tuple[Rule, ...]:
    """The rules of these names; all if none is named. Raises StopError for a name there is not."""
    known = {rule.id for rule in rules}
    missing = [name for name in wanted or () if name not in known]
    if missing:
        meant = near(missing[0], known)
        raise StopError(
            WRONG_USE,
            f"no rule {', '.join(missing)}{meant or ':'} `trailkeeper rules list` names them all",
        )
    return tuple(rule for rule in rules if not wanted or rule.id in wanted)


def _several(where: str, problems: Sequence[str]) -> str:
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in {where}"
    return "\n".join([f"{count}:", *problems])


def narrowed(loaded: Loaded, rule: str) -> Loaded:
    """The same with one rule only. Raises StopError if there is none of that name."""
    return replace(loaded, rules=only(loaded.rules, [rule]))


def refuse_what_may_do_nothing(loaded: Loaded) -> None:
    """Whoever says --remediate relies on it: that no fix is allowed must not be found out later."""
    if not loaded.settings.remediation.fixes:
        raise StopError(
            WRONG_USE,
            "--remediate has nothing it may do: name the fixes that are allowed under "
            "remediation.fixes in the configuration (--remediate --dry-run shows what there is)",
        )
