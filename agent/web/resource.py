"""A resource: every rule on it, each fact with its source, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.web.history_of import LONGEST, history_of
from agent.web.lately import MOST
from agent.web.page import Look, NotFoundError, Page, past
from agent.web.shown import short
from controls.history import Tracked
from controls.kinds.catalog import KINDS
from controls.model import Reading, Ref


@dataclass(frozen=True, slots=True)
class ShownFact:
    """A fact, what it means, its newest reading, and the rules that were judged by it."""

    name: str
    doc: str
    reading: Reading
    rules: tuple[str, ...]


def resource(look: Look, ref: Ref) -> Page:
    """Everything known about it; of one that is gone, its history. Raises NotFoundError."""
    found = look.index.by_resource.get(ref.id, ())
    history = history_of(look, ref.id)
    changed = past(lambda: look.view.changes(resource=ref.id, limit=MOST))
    if not found and not history.found and not changed.found:
        why = f" History cannot be read now: {history.problem}" if history.problem else ""
        raise NotFoundError(
            f"No {short(ref.kind)} {short(ref.name)} is known in {short(ref.account)}/"
            f"{short(ref.region)}, now or in the history that is kept.{why}"
        )
    known = (
        *(one.finding.ref for one in found[:1]),
        *(one.ref for one in history.found[:1]),
        *(one.change.ref for one in changed.found[:1]),
    )[0]
    return Page(
        "resource.html",
        f"{short(known.name, 80)} ({known.kind})",
        "findings",
        {
            "ref": known,
            "found": found,
            "tags": found[0].finding.tags if found else {},
            "facts": shown_facts(known.kind, found),
            "kind_doc": kind_doc(known.kind),
            "history": history,
            "changed": changed,
            "most": MOST,
            "longest": LONGEST,
        },
    )


def shown_facts(kind: str, found: Sequence[Tracked]) -> list[ShownFact]:
    """Each fact once: rules share facts, and a sweep of a few rules reads some of them later."""
    newest: dict[str, Reading] = {}
    rules: dict[str, list[str]] = {}
    for tracked in found:
        for name, reading in tracked.finding.facts.items():
            rules.setdefault(name, []).append(tracked.finding.rule)
            if name not in newest or newest[name].read_at < reading.read_at:
                newest[name] = reading
    docs = fact_docs(kind)
    return [
        ShownFact(name, docs.get(name, ""), newest[name], tuple(sorted(rules[name])))
        for name in sorted(newest)
    ]


def fact_docs(kind: str) -> Mapping[str, str]:
    """What each fact of a kind means, by its name."""
    return {fact.name: fact.doc for one in KINDS if one.name == kind for fact in one.facts}


def kind_doc(kind: str) -> str:
    """What a kind is, in a sentence; empty for one that is not known."""
    return next((one.doc for one in KINDS if one.name == kind), "")
