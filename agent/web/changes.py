"""Changes: what the agent would do and what holds it, and the journal of what it did."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.store.records import StoreError
from agent.web.changed import outcome_word, shown_steps, verdict_of, why_no_undo
from agent.web.filters import BadQueryError
from agent.web.lately import MOST
from agent.web.page import Look, NotFoundError, Page, past
from agent.web.shown import short
from controls.json_values import moment
from controls.remedy import Entry, change_to_json

PER_PAGE = 12
"""Steps of the plan on one page; each has its calls and diffs."""

DIFF_LINES = 200
"""Lines of one diff in the plan."""

LONGEST = 1_000
"""Entries that the API gives at most."""

SCHEMA = "trailkeeper.changes/1"


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands where the agent puts things right, in a few numbers.

    `done` counts the changes of the last day by how they ended; `at_least` where there were more
    than are looked at.
    """

    ready: int
    held: int
    killed: str
    problem: str
    done: tuple[tuple[str, int], ...]
    at_least: bool
    gap: str


def standing(look: Look) -> Standing | None:
    """None where the agent only observes."""
    if not look.view.remediating():
        return None
    planned = look.view.planned()
    verdicts = Counter(verdict_of(step) for step in (planned.steps if planned else ()))
    counts = Counter(outcome_word(entry) for entry in look.lately.found)
    return Standing(
        ready=verdicts["ready"],
        held=verdicts["held"],
        killed=planned.killed if planned else "",
        problem=planned.problem if planned else "",
        done=tuple(counts.most_common()),
        at_least=len(look.lately.found) >= MOST,
        gap=look.lately.problem,
    )


def changes(look: Look, parameters: Sequence[tuple[str, str]]) -> Page:
    """The last round's plan, some steps a page, and the journal. Raises BadQueryError."""
    number = _number(parameters)
    journal = past(lambda: look.view.changes(limit=MOST))
    planned = look.view.planned()
    steps = shown_steps(planned.steps, journal.found, planned.at) if planned else []
    pages = max(1, -(-len(steps) // PER_PAGE))
    if number > pages:
        raise NotFoundError(f"There are {pages} pages of the plan, and no page {number}.")
    start = (number - 1) * PER_PAGE
    return Page(
        "changes.html",
        "Changes",
        "changes",
        {
            "standing": standing(look),
            "planned": planned,
            "steps": steps[start : start + PER_PAGE],
            "start": start,
            "total": len(steps),
            "number": number,
            "pages": pages,
            "journal": journal,
            "most": MOST,
            "diff_most": DIFF_LINES,
        },
    )


def _number(parameters: Sequence[tuple[str, str]]) -> int:
    """The page of the plan. Raises BadQueryError."""
    given = _only(parameters, ("page",)).get("page", "1")
    return _count("page", given, 10_000_000)


def change(look: Look, identity: str) -> Page:
    """One change whole. Raises NotFoundError: the journal has none of that id."""
    try:
        entry = look.view.change(identity)
    except StoreError as error:
        why = f"Whether there is a change {short(identity)} cannot be told now: {error}"
        values = {"what": "The journal cannot be read now", "why": why, "status": 503}
        return Page("problem.html", "Changes", "changes", values, 503)
    if entry is None:
        raise NotFoundError(
            f"There is no change {short(identity)} in the journal: it never was, or it is older "
            "than the history that is kept."
        )
    return Page(
        "change.html",
        f"Change {short(entry.id, 40)}",
        "changes",
        {
            "entry": entry,
            "change": entry.change,
            "ref": entry.change.ref,
            "no_undo": why_no_undo(entry),
            "finding": look.index.state.findings.get(entry.finding),
        },
    )


# ---------------------------------------------------------------- for programs


def asked(parameters: Sequence[tuple[str, str]]) -> tuple[str, int]:
    """Of which resource, and how many entries, the newest. Raises BadQueryError."""
    given = _only(parameters, ("resource", "limit"))
    return given.get("resource", ""), _count("limit", given.get("limit", str(MOST)), LONGEST)


def document(entries: Sequence[Entry], version: str) -> Iterator[str]:
    """The journal as JSON, one entry after the other."""
    head = json.dumps({"schema": SCHEMA, "version": version})
    yield f'{head[:-1]}, "changes": ['
    for number, entry in enumerate(entries):
        yield f"{',' if number else ''}\n{json.dumps(entry_json(entry))}"
    yield "\n]}\n"


def entry_json(entry: Entry) -> dict[str, object]:
    """One change of the journal. Times are UTC; `outcome` is null while it is under way."""
    ref = entry.change.ref
    return {
        "id": entry.id,
        "rule": entry.rule,
        "finding": entry.finding,
        "fix": entry.change.fix,
        "kind": ref.kind,
        "account": ref.account,
        "region": ref.region,
        "resource": ref.name,
        "arn": ref.arn,
        "outcome": entry.outcome.value if entry.outcome else None,
        "why": entry.why,
        "began_at": moment(entry.began_at),
        "ended_at": moment(entry.ended_at) if entry.ended_at else None,
        "done": entry.done,
        "undoes": entry.undoes,
        "undone_by": entry.undone_by,
        "change": change_to_json(entry.change),
    }


def _only(parameters: Sequence[tuple[str, str]], names: Sequence[str]) -> dict[str, str]:
    """What was given; empty values, as forms send them, say nothing. Raises BadQueryError."""
    for name, _ in parameters:
        if name not in names:
            raise BadQueryError(f"there is no parameter {name!r}; there are {', '.join(names)}")
    return {name: value.strip() for name, value in parameters if value.strip()}


def _count(name: str, value: str, most: int) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) < 9 and 0 < int(value) <= most):
        raise BadQueryError(f"{name} {value!r} is not a number from 1 to {most}")
    return int(value)
