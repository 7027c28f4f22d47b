"""What the engineer on call must know before reading a page: the agent's own troubles, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from agent.daemon.health import Health, PlannedRound
from agent.web.changed import troubled
from agent.web.index import Index
from agent.web.shown import ago, change_link, moment, short
from controls.remedy import Entry, Outcome

FEW = 3
"""So many unreadable targets are named; the rest is counted."""


class Level(StrEnum):
    """How grave: what is shown cannot be relied on; something is amiss; good to know."""

    ALARM = "alarm"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Notice:
    """One line at the top of every page; `link` leads to more."""

    level: Level
    what: str
    detail: str
    link: str = ""


def notices(
    index: Index,
    health: Health,
    planned: PlannedRound | None = None,
    lately: Sequence[Entry] = (),
) -> tuple[Notice, ...]:
    """All that hold now, the gravest first. `lately`: the changes of the last day."""
    found = [
        *_of_agent(health),
        *_of_sweeps(health),
        *_of_verdicts(index, health),
        *_of_targets(index),
        *_of_remediation(planned),
        *_of_changes(lately, health),
    ]
    return tuple(sorted(found, key=lambda one: list(Level).index(one.level)))


def _of_agent(health: Health) -> Iterator[Notice]:
    if not health.alive:
        yield Notice(
            Level.ALARM,
            "The agent stands still.",
            f"{_sentence(health.why_dead or 'The watchdog found its loop not turning')} What is "
            "shown is no longer renewed; restart the agent (an orchestrator does so by /healthz).",
            "/agent",
        )
    if not health.store_up:
        waiting = health.store_pending
        kept = (
            f" {waiting} sweep{'s' if waiting != 1 else ''} wait to be written." if waiting else ""
        )
        yield Notice(
            Level.WARNING,
            "The store cannot be reached.",
            f"{_sentence(health.store_problem)} Verdicts here are live, history is missing.{kept}",
            "/agent",
        )
    if not health.reload_ok:
        since = f" of {moment(health.reloaded_at)} UTC" if health.reloaded_at else ""
        yield Notice(
            Level.WARNING,
            "The changed configuration was refused.",
            f"The one{since} stays in force. {_sentence(health.reload_problem)}",
            "/agent",
        )
    if health.needs_restart:
        yield Notice(
            Level.NOTE,
            "Changed settings wait for a restart:",
            f"{', '.join(health.needs_restart)}.",
            "/agent",
        )


def _of_sweeps(health: Health) -> Iterator[Notice]:
    for kind, sweep in sorted(health.last_sweeps.items()):
        if sweep.outcome == "failed":
            yield Notice(
                Level.ALARM,
                f"The last {kind} sweep failed {ago(sweep.ended_at, health.now)}.",
                f"{_sentence(sweep.reason)} What failed before still counts; nothing here was "
                "confirmed by it.",
                "/agent",
            )


def _of_verdicts(index: Index, health: Health) -> Iterator[Notice]:
    state = index.state
    if state.taken_at is None:
        running = f"the {health.sweeping} sweep is under way" if health.sweeping else "none runs"
        yield Notice(
            Level.WARNING,
            "Nothing has been judged yet.",
            f"No sweep has ended since the start {ago(health.started_at, health.now)}; {running}.",
        )
    elif state.stale:
        yield Notice(
            Level.WARNING,
            "Restored from the store, not yet confirmed by a sweep.",
            f"These verdicts were taken {moment(state.taken_at)} UTC, "
            f"{ago(state.taken_at, health.now)}, before the agent started.",
        )
    mistaken = sum(one.finding.rule_error for one in index.findings)
    if mistaken:
        yield Notice(
            Level.WARNING,
            f"{mistaken} finding{'s are' if mistaken != 1 else ' is'} unknown by a rule's mistake.",
            "The rule has to be put right: what it watches over is not judged.",
            "/findings?status=unknown",
        )


def _of_targets(index: Index) -> Iterator[Notice]:
    blind = index.unreadable
    if not blind:
        return
    named = [
        f"{target.status.account}/{target.status.region}"
        f" ({short(target.status.reason or 'no reason was given')})"
        for target in blind[:FEW]
    ]
    more = f" and {len(blind) - FEW} more" if len(blind) > FEW else ""
    total = len(index.state.targets)
    yield Notice(
        Level.ALARM,
        f"{len(blind)} of {total} target{'s' if total != 1 else ''} could not be read.",
        f"Findings there are unknown, and no longer watched: {'; '.join(named)}{more}.",
        "/targets",
    )


def _of_remediation(planned: PlannedRound | None) -> Iterator[Notice]:
    if planned is None:
        return
    if planned.killed:
        yield Notice(
            Level.WARNING,
            "The kill switch of remediation is thrown: nothing is changed.",
            _sentence(planned.killed),
            "/changes",
        )
    if planned.problem:
        yield Notice(
            Level.WARNING,
            "The last round of remediation was impossible.",
            _sentence(planned.problem),
            "/changes",
        )


def _of_changes(lately: Sequence[Entry], health: Health) -> Iterator[Notice]:
    """What ended half made, or without effect, where nothing has come after it."""
    for outcome, what in (
        (Outcome.PARTIAL, "was made in part, then failed"),
        (Outcome.INEFFECTIVE, "was made, and its resource does not read so"),
    ):
        found = [one for one in troubled(lately) if one.outcome is outcome]
        if not found:
            continue
        first = found[0]
        many = f"{len(found)} changes of the last day: each" if len(found) > 1 else "A change"
        newest = "The newest: " if len(found) > 1 else ""
        yield Notice(
            Level.WARNING,
            f"{many} {what}.",
            f"{newest}{first.change.fix} on {short(first.change.ref.name)}, "
            f"{ago(first.began_at, health.now)}: {short(first.why)}",
            change_link(first.id) if len(found) == 1 else "/changes",
        )


def _sentence(text: str) -> str:
    """With a capital and a full stop, whatever it came with; a file or setting keeps its name."""
    text = text.strip()
    if not text:
        return ""
    first = text.split(maxsplit=1)[0]
    start = text[0].upper() if first.isalpha() else text[0]
    return f"{start}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"
