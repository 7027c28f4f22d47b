"""In what a sweep was judged otherwise than its rules say by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from controls.because import value_text
from controls.model import Resource
from controls.params import (
    RETENTION_KINDS,
    SIX_MONTHS,
    Override,
    Retention,
    assigned,
    days_of,
    reach,
    writers_of,
)
from controls.rule import Rule


def deviations(
    rules: Sequence[Rule],
    resources: Sequence[Resource],
    overrides: Iterable[Override],
    retention: Retention,
) -> tuple[str, ...]:
    """A line for each parameter that these rules are judged with and do not say themselves.

    Overrides in force and retention classes other than six-months; and what was written for
    resources of which the sweep saw none, for that does nothing.
    """
    by_id = {rule.id: rule for rule in rules}
    found: list[str] = []
    for override in overrides:
        if override.rule in by_id:
            found += _override_lines(override, by_id[override.rule], resources)
    if any(days_of(rule.kind, rule.params) for rule in rules):
        found += _class_lines(resources, retention)
    return tuple(found)


def _override_lines(override: Override, rule: Rule, resources: Iterable[Resource]) -> Iterator[str]:
    """What an override changes, or that it changes nothing."""
    of_kind = (each for each in resources if each.ref.kind == rule.kind)
    if override.scope != "all" and not any(reach(override, each) for each in of_kind):
        yield f"the override of {rule.id} for {override.scope} matches nothing"
        return
    for name, value in override.params.items():
        if value != rule.params[name]:
            own = value_text(rule.params[name])
            yield f"{rule.id}: {name} {value_text(value)} instead of {own}, for {override.scope}"


def _class_lines(resources: Iterable[Resource], retention: Retention) -> Iterator[str]:
    """Which retention classes other than six-months are given, and which reach no logs."""
    logs = [each for each in resources if each.ref.kind in RETENTION_KINDS]
    default = retention.classes[retention.default]
    if default.days != SIX_MONTHS.days:
        yield f"retention class {default} instead of {SIX_MONTHS}, for all"
    for assignment in retention.assign:
        given = retention.classes[assignment.retention_class]
        if not any(assigned(assignment, each, tags) for each in logs for tags in writers_of(each)):
            yield f"the retention class {given.name} for {assignment} matches nothing"
        elif given.days != SIX_MONTHS.days:
            yield f"retention class {given} instead of {SIX_MONTHS}, for {assignment}"
