"""A plan for people, and as JSON that can be applied later; and what came of it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from agent.remedy.acting import Result
from agent.remedy.steps import Step
from controls.change import Call, Change, Document, Held, Right
from controls.json_values import moment
from controls.model import Finding, Status
from controls.remedy import change_to_json

SCHEMA = "trailkeeper.plan/1"


# ---------------------------------------------------------------- text


def plan_text(steps: Sequence[Step]) -> str:
    """Each step: why, the exact calls, what changes in which document, costs, undo, why held."""
    if not steps:
        return "Nothing that fails has a fix.\n"
    ready = [step for step in steps if step.change and not step.held]
    head = (
        f"{_many(len(steps), 'step')}: {len(ready)} would be made, "
        f"{len(steps) - len(ready)} not. Nothing was changed.\n"
    )
    return "\n".join([head, *("\n".join(_step(step)) + "\n" for step in steps)])


def _step(step: Step) -> Iterator[str]:
    finding, ref = step.finding, step.finding.ref
    yield f"{_verdict(step):<12} {step.fix.name}  {ref.name}  ({ref.account}/{ref.region})"
    yield f"    why     {finding.rule}: {finding.because}"
    match step.planned:
        case Right(why, awaits):
            yield f"    as is   {awaits or why}"
        case Held(why):
            yield f"    held    {why}"
        case Change() as change:
            for reason in step.held:
                yield f"    held    {reason}"
            yield from _change(change)


def _verdict(step: Step) -> str:
    match step.planned:
        case Right(awaits=awaits):
            return "awaiting" if awaits else "right"
        case Change() if not step.held:
            return "would make"
        case _:
            return "held"


def _change(change: Change) -> Iterator[str]:
    yield f"    what    {change.summary}"
    for cost, said in change.costs.items():
        yield f"    {cost.value:<7} {said}"
    if change.affects:
        yield f"    touches {', '.join(change.affects)}"
    if change.awaits:
        yield f"    then    {change.awaits}"
    for call in change.calls:
        yield from _call("call", call)
    for document in change.documents:
        yield from ("    " + line for line in diff(document))
    if change.undo:
        for call in change.undo:
            yield from _call("undo", call)
        for cost, said in change.undo_costs.items():
            yield f"            undoing {cost.value}: {said}"
    else:
        yield f"    undo    cannot be undone: {change.no_undo}"


def _call(what: str, call: Call) -> Iterator[str]:
    yield f"    {what:<7} {call.name} in {call.account}/{call.region}"
    for line in json.dumps(call.params, indent=2, sort_keys=True).splitlines():
        yield f"            {line}"


def diff(document: Document) -> Iterator[str]:
    """The document's lines that change, as a unified diff."""
    before, after = _lines(document.before), _lines(document.after)
    named = f"{document.what} (now)", f"{document.what} (then)"
    yield from difflib.unified_diff(before, after, *named, lineterm="")


def _lines(document: Any) -> list[str]:
    if document is None:
        return []
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return str(document).splitlines()
    return json.dumps(document, indent=2, sort_keys=True).splitlines()


def results_text(results: Sequence[Result]) -> str:
    """A line for each step that was tried, and what came of it."""
    if not results:
        return "Nothing was to be put right.\n"
    lines = [f"{_many(len(results), 'step')} of remediation:"]
    for result in results:
        step, ref = result.step, result.step.finding.ref
        change = f" (change {result.entry.id})" if result.entry else ""
        name = f"{step.fix.name}  {ref.name}  ({ref.account}/{ref.region}){change}"
        lines += [f"  {result.outcome.value:<13} {name}", f"                {result.why}"]
    return "\n".join(lines) + "\n"


def left_text(findings: Iterable[Finding], results: Sequence[Result]) -> str:
    """A line for each finding that fails and has no fix; empty where there is none."""
    tried = {result.step.finding.id for result in results}
    left = [one for one in findings if one.status is Status.FAIL and one.id not in tried]
    if not left:
        return ""
    head = "1 finding fails and has" if len(left) == 1 else f"{len(left)} findings fail and have"
    lines = [f"{head} no fix; only a person can mend it:"]
    for finding in left:
        ref = finding.ref
        lines.append(f"  {finding.rule}  {ref.name}  ({ref.account}/{ref.region})")
    return "\n".join(lines) + "\n"


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


# ---------------------------------------------------------------- JSON


def plan_json(steps: Iterable[Step], version: str, at: datetime) -> dict[str, Any]:
    """The plan as a document; what `--apply-plan` reads."""
    return {
        "schema": SCHEMA,
        "version": version,
        "planned_at": moment(at),
        "steps": [_step_json(step) for step in steps],
    }


def _step_json(step: Step) -> dict[str, Any]:
    planned = step.planned
    match planned:
        case Change():
            reasons = list(step.held)
        case Right(why, awaits):
            reasons = [awaits or why]
        case Held(why):
            reasons = [why]
    return {
        "finding": step.finding.id,
        "rule": step.finding.rule,
        "fix": step.fix.name,
        "verdict": _verdict(step),
        "because": step.finding.because,
        "reasons": reasons,
        "change": change_to_json(planned) if isinstance(planned, Change) else None,
    }


def result_json(result: Result) -> dict[str, Any]:
    """What came of a step, as a report's `changes` lists it."""
    return {
        "id": result.entry.id if result.entry else None,
        "finding": result.step.finding.id,
        "rule": result.step.finding.rule,
        "fix": result.step.fix.name,
        "outcome": result.outcome.value,
        "why": result.why,
    }
