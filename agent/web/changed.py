"""How a change is written on a page: its verdict, its calls, its diffs, the consent it needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Any

import yaml

from agent.remedy.shown import diff
from agent.remedy.steps import Step
from controls.change import Change, Document, Held, Right
from controls.remedy import MADE, Entry, Outcome

CONSENT_LASTS = timedelta(days=7)
"""What a consent that a page writes down is given, so that none is left behind for ever."""

OUTCOME_WORDS: Mapping[Outcome | None, tuple[str, str]] = {
    Outcome.APPLIED: ("✓", "Applied"),
    Outcome.AWAITING: ("→", "Awaiting"),
    Outcome.ALREADY_RIGHT: ("=", "Already right"),
    Outcome.HELD: ("‖", "Held"),
    Outcome.REFUSED: ("–", "Refused"),
    Outcome.PARTIAL: ("◐", "Partial"),
    Outcome.INEFFECTIVE: ("✕", "Ineffective"),
    Outcome.UNDONE: ("↶", "Undone"),
    None: ("…", "Under way"),
}

VERDICTS = ("ready", "held", "awaiting", "right")
"""What becomes of a step, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step of the plan, why it is held, what would have to be written to let it through.

    `latest` is the newest change of the journal by the same fix on the same resource: what a step
    that was ready became of, or what holds this one.
    """

    step: Step
    verdict: str
    reasons: tuple[str, ...]
    allow: tuple[str, ...]
    latest: Entry | None = None


def shown_steps(steps: Iterable[Step], journal: Iterable[Entry], at: datetime) -> list[ShownStep]:
    """The steps of a round at that time: ready ones first, then held ones, then what waits."""
    latest = latest_of_each(journal)
    found = [
        ShownStep(
            step,
            verdict_of(step),
            _reasons(step),
            allow(step, at),
            latest.get((step.fix.name, step.finding.ref.id)),
        )
        for step in steps
    ]
    return sorted(found, key=lambda one: VERDICTS.index(one.verdict))


def verdict_of(step: Step) -> str:
    """One of `VERDICTS`."""
    match step.planned:
        case Right(awaits=awaits):
            return "awaiting" if awaits else "right"
        case Change() if not step.held:
            return "ready"
        case _:
            return "held"


def _reasons(step: Step) -> tuple[str, ...]:
    match step.planned:
        case Right(why, awaits):
            return (awaits or why,)
        case Held(why):
            return (why,)
        case Change():
            return step.held


def allow(step: Step, at: datetime) -> tuple[str, ...]:
    """The lines of YAML that would let it through: the fix, and a consent for each cost held for.

    Nothing else is written down: what else holds it is no matter of one entry.
    """
    change = step.change
    if change is None:
        return ()
    written: dict[str, Any] = {}
    if _held_for(step, f"{change.fix} ", "remediation.fixes"):
        written["fixes"] = [change.fix]
    consents = [
        {
            "to": cost.value,
            "fix": change.fix,
            "resource": change.ref.name,
            "account": change.ref.account,
            "by": "NAME, TICKET",
            "until": (at + CONSENT_LASTS).date(),
        }
        for cost, said in change.costs.items()
        if _held_for(step, f"it {cost.value} ({said})", "remediation.consents")
    ]
    if consents:
        written["consents"] = consents
    if not written:
        return ()
    text = yaml.safe_dump({"remediation": written}, sort_keys=False, width=10**6)
    return tuple(text.rstrip("\n").split("\n"))


def _held_for(step: Step, begins: str, names: str) -> bool:
    """Whether the guard gives that reason; it names the key of the configuration it asks for."""
    return any(reason.startswith(begins) and names in reason for reason in step.held)


def why_no_undo(entry: Entry) -> str:
    """Why `trailkeeper undo` would not put it back, as far as the journal tells; else empty."""
    if entry.undoes:
        return f"It is itself the undoing of {entry.undoes}."
    if entry.outcome is None:
        return "It is under way."
    if entry.outcome not in MADE:
        return "It changed nothing."
    if entry.undone_by:
        return f"It was undone already, by {entry.undone_by}."
    if not entry.change.undo:
        return f"It cannot be undone: {entry.change.no_undo or 'no call puts back what was there'}"
    return ""


def json_lines(params: Any) -> list[str]:
    """JSON as it is read best, ASCII alone."""
    return json.dumps(params, indent=2, sort_keys=True, default=str).split("\n")


def diff_runs(document: Document, most: int = 0) -> list[tuple[str, list[str]]]:
    """The lines of the unified diff, those of one sort that follow each other together.

    The sorts are head, place, add, take and same. With `most`, no more than so many lines; the
    last then says that there are more.
    """
    all_lines = diff(document)
    found = [(_kind(at, line), line) for at, line in enumerate(islice(all_lines, most or None))]
    if next(all_lines, None) is not None:
        found.append(("place", "… and more: `trailkeeper --check --remediate --dry-run` has all"))
    runs = groupby(found, key=lambda one: one[0])
    return [(kind, [line for _, line in run]) for kind, run in runs]


_KINDS = {"+": "add", "-": "take", "@": "place"}


def _kind(number: int, line: str) -> str:
    return "head" if number < 2 else _KINDS.get(line[:1], "same")


def outcome_word(entry: Entry) -> str:
    """`Applied`."""
    return OUTCOME_WORDS[entry.outcome][1]


def outcome_sign(entry: Entry) -> str:
    """The sign before the word: outcomes are not told by colour alone."""
    return OUTCOME_WORDS[entry.outcome][0]


def troubled(journal: Sequence[Entry]) -> list[Entry]:
    """Changes, newest first, that ended partial or ineffective, where nothing came after."""
    return [
        entry
        for entry in latest_of_each(journal).values()
        if entry.outcome in (Outcome.PARTIAL, Outcome.INEFFECTIVE) and not entry.undone_by
    ]


def latest_of_each(journal: Iterable[Entry]) -> dict[tuple[str, str], Entry]:
    """The newest change by each fix and resource, of a journal that has the newest first."""
    latest: dict[tuple[str, str], Entry] = {}
    for entry in journal:
        latest.setdefault((entry.change.fix, entry.change.ref.id), entry)
    return latest


FILTERS: Mapping[str, Any] = {
    "json_lines": json_lines,
    "diff_runs": diff_runs,
    "outcome_word": outcome_word,
    "outcome_sign": outcome_sign,
}
