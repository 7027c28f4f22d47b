"""`trailkeeper explain RULE RESOURCE`: how one verdict came about."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches

from agent.commands.snapshot import read_snapshot, warn_of_age
from agent.loading import load, narrowed
from agent.output import printable, write_result
from agent.progress import shown_progress
from agent.stop import NO_VERDICT, WRONG_USE, StopError
from agent.sweep import judge, look
from controls.because import value_text
from controls.evaluate import EVERY
from controls.model import Finding, Reading, State
from controls.rule import Rule


def run(args: Namespace, now: datetime | None = None) -> int:
    """Print the explanation of every finding of that rule on a resource of that name.

    `now` is what the age of a snapshot is told by; the machine's time if nobody hands one in.
    """
    loaded = narrowed(load(args), args.rule)
    if args.snapshot:
        snapshot = read_snapshot(args.snapshot)
        warn_of_age(snapshot, now or datetime.now(UTC))
    else:
        with shown_progress() as progress:
            snapshot = look(loaded, args, progress).snapshot
    findings = judge(snapshot, loaded).findings
    chosen = [
        finding
        for finding in findings
        if args.resource in (finding.ref.name, finding.ref.arn, finding.id)
    ]
    if not chosen:
        raise _not_found(args.resource, findings)
    text = "\n\n".join(explained(loaded.rules[0], one) for one in chosen)
    write_result(printable(text), args.output)
    return 0


def _not_found(resource: str, findings: Sequence[Finding]) -> StopError:
    """Nothing of that name was seen: a wrong name, or a place that could not be looked into."""
    unlisted = [finding.because for finding in findings if finding.ref.name == EVERY]
    names = sorted({finding.ref.name for finding in findings} - {EVERY})
    close = get_close_matches(resource, names, n=3) or names[:5]
    known = f"; there are {', '.join(close)}" if close else "; the sweep found none at all"
    message = f"this rule judges no resource {resource!r}{known}"
    if unlisted:
        return StopError(NO_VERDICT, printable("; but ".join([message, *unlisted])))
    return StopError(WRONG_USE, printable(message))


def explained(rule: Rule, finding: Finding) -> str:
    """The verdict with everything it rests on, for a person."""
    where = f"{finding.ref.account}/{finding.ref.region}"
    conditions = [f"  must   {condition}" for condition in rule.must]
    if rule.where:
        conditions.insert(0, f"  where  {rule.where}")
    lines = [
        f"{finding.ref.name} ({finding.ref.kind} in {where}): {finding.status.value.upper()}",
        f"  {finding.because}",
        "",
        f"rule {rule.id} ({rule.severity.value}): {rule.title}",
        f"  why    {rule.why}",
        *conditions,
        *(
            f"  param  {name} = {value_text(value)}"
            for name, value in sorted(finding.params.items())
        ),
        "",
        "facts",
        *(line for name in sorted(finding.facts) for line in _fact(name, finding.facts[name])),
    ]
    if finding.waiver:
        waiver = finding.waiver
        lines.append(f"\nwaived until {waiver['until']} by {waiver['by']}: {waiver['why']}")
    if finding.remedy:
        lines.append(f"\nremedy\n  {finding.remedy}")
    if finding.maps:
        lines += ["", "maps to"]
        lines += [f"  {name}: {', '.join(ids)}" for name, ids in sorted(finding.maps.items())]
    return "\n".join(lines)


def _fact(name: str, reading: Reading) -> list[str]:
    known = reading.state is State.KNOWN
    value = value_text(reading.value) if known and reading.value is not None else reading.state
    lines = [f"  {name} = {value}"]
    if reading.reason:
        lines.append(f"      {reading.reason}")
    source = reading.source or "nothing was asked"
    lines.append(f"      read {reading.read_at:%Y-%m-%d %H:%M:%S}Z from {source}")
    return lines
