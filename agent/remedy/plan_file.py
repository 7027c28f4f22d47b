"""A plan that was written down, taken up again: by its findings, and only as it was planned."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.loading import Loaded, narrowed
from agent.remedy.rounds import Surroundings
from agent.remedy.shown import SCHEMA
from agent.remedy.steps import Step
from agent.stop import WRONG_USE, StopError
from agent.sweep import judge, look_with
from controls.change import Change
from controls.remedy import change_from_json


class PlanError(StopError):
    """The document is no plan that can be applied here and now. Says what to do."""

    def __init__(self, why: str) -> None:
        super().__init__(WRONG_USE, why)


@dataclass(frozen=True, slots=True)
class Written:
    """One step as it was written: the finding, its rule, the fix and the change."""

    finding: str
    rule: str
    fix: str
    change: Change


def read_plan(text: str) -> tuple[Written, ...]:
    """The steps that would have been made. Raises PlanError."""
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"this is no JSON: {error}") from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise PlanError(
            f"the schema is {schema!r}, this version reads {SCHEMA!r}: make one with "
            "--remediate --dry-run --format json"
        )
    try:
        return tuple(_written(one) for one in document["steps"] if one["verdict"] == "would make")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PlanError(f"the plan is damaged ({error!r}): plan anew") from error


def _written(step: Mapping[str, Any]) -> Written:
    """Raises KeyError, TypeError, ValueError, AttributeError: it is no step."""
    change = change_from_json(step["change"])
    written = Written(step["finding"], step["rule"], step["fix"], change)
    if written.finding != f"{written.rule}:{change.ref.id}" or written.fix != change.fix:
        raise ValueError(f"{written.finding} is not what its change is for")
    return written


def taken_up(planned: Sequence[Written], loaded: Loaded, around: Surroundings) -> tuple[Step, ...]:
    """The written steps as steps, each with its finding as it is now.

    Raises:
        PlanError: one names a rule or fix that there is not.
        StopError: no look is possible.
    """
    steps: list[Step] = []
    for rule in dict.fromkeys(one.rule for one in planned):
        alone = narrowed(loaded, rule)
        looked = look_with(around.read, alone, around.args, lambda what, done, total: None)
        found = {one.id: one for one in judge(looked.snapshot, alone).findings}
        for one in planned:
            if one.rule != rule:
                continue
            if one.fix not in around.fixes or one.fix not in alone.rules[0].fixes:
                raise PlanError(f"rule {rule} has no fix {one.fix} in this version: plan anew")
            if one.finding not in found:
                raise PlanError(f"there is no finding {one.finding} any more: plan anew")
            steps.append(Step(found[one.finding], around.fixes[one.fix], one.change))
    return tuple(steps)
