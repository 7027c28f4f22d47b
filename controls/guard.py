"""Whether a change may be made: every reason why not, in the order in which one would ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from controls.change import Change, Cost, Document
from controls.legal_hold import texts_in, why_on_hold
from controls.model import Finding, Status
from controls.remedy import MADE, Consent, Entry, Outcome, Policy, Selector

BREAKER_WINDOW = timedelta(days=7)
BREAKER_TURNS = 2
"""Put right so often within the window, and each time undone by somebody else: it stops here."""

BREAKER_HALVES = 5
"""Begun so often within the window, and never made whole."""

_NAMES = frozenset(
    {
        "Bucket",
        "ClusterIdentifier",
        "ParameterGroupName",
        "ClusterParameterGroupName",
        "logGroupName",
        "namespaceName",
        "workgroupName",
    }
)
"""The parameters of calls that name the thing which is written to."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a change meets: the time (UTC), what was changed before, and what stops everything.

    `past` are journal entries of the last week at least, this sweep's among them; `sweep_began`
    tells those apart. `killed` says who or what threw the kill switch.
    """

    now: datetime
    sweep_began: datetime
    past: Sequence[Entry] = ()
    killed: str = ""


def why_held(
    change: Change, finding: Finding, policy: Policy, met: Circumstances
) -> tuple[str, ...]:
    """Every reason not to make the change; none where it may be made."""
    reasons = [
        *_stopped(policy, met),
        *_not_allowed(change, finding, policy),
        *_owned(change, policy),
        *_costs(change, policy, met),
        *_too_much(change, policy, met),
        *_again(change, met, timedelta(seconds=policy.limits.cool_down_seconds)),
    ]
    return tuple(dict.fromkeys(reasons))


def _stopped(policy: Policy, met: Circumstances) -> Iterator[str]:
    if met.killed:
        yield f"the kill switch is thrown: {met.killed}"
    for freeze in policy.freezes:
        if freeze.begins <= met.now < freeze.ends:
            yield f"changes are frozen until {freeze.ends:%Y-%m-%d %H:%M}Z: {freeze.why}"


def _not_allowed(change: Change, finding: Finding, policy: Policy) -> Iterator[str]:
    if change.ref.id != finding.ref.id:
        yield f"it changes {change.ref.id}, and the finding is about {finding.ref.id}"
    if finding.status is not Status.FAIL:
        yield f"the finding is {finding.status.value}: only what fails is put right"
    if change.fix not in policy.fixes:
        yield f"{change.fix} is not among the fixes that are allowed (remediation.fixes)"
    if policy.only and not any(selects(one, finding) for one in policy.only):
        yield "nothing under remediation.only selects it"
    for one in policy.never:
        if reaches(one, change, finding):
            yield f"remediation.never selects it: {shown(one)}"


def reaches(selector: Selector, change: Change, finding: Finding) -> bool:
    """Whether all that is set matches the finding, or what else the change would reach.

    That is: what it affects beside it, where its calls are made, and whatever they name.
    """
    ref, calls = finding.ref, change.calls
    names = {ref.name, change.ref.name, *change.affects}
    names |= {text for call in calls for text in texts_in(call.params)}
    tags = [*finding.tags.items(), *change.tags.items(), *change.affected_tags]
    return (
        selector.rule in ("", finding.rule)
        and selector.account in ("", ref.account, ref.owner_account, *(c.account for c in calls))
        and selector.region in ("", ref.region, *(call.region for call in calls))
        and (not selector.resource or any(fnmatchcase(n, selector.resource) for n in names))
        and (selector.tag is None or selector.tag in tags)
    )


def selects(selector: Selector, finding: Finding) -> bool:
    """Whether all that is set matches the finding."""
    ref = finding.ref
    return (
        selector.rule in ("", finding.rule)
        and selector.account in ("", ref.account, ref.owner_account)
        and selector.region in ("", ref.region)
        and (not selector.resource or fnmatchcase(ref.name, selector.resource))
        and (selector.tag is None or finding.tags.get(selector.tag[0]) == selector.tag[1])
    )


def shown(selector: Selector) -> str:
    """The selector as it would be written."""
    parts = [
        f"{name} {value}"
        for name, value in (
            ("rule", selector.rule),
            ("account", selector.account),
            ("region", selector.region),
            ("tag", "=".join(selector.tag) if selector.tag else ""),
            ("resource", selector.resource),
        )
        if value
    ]
    return ", ".join(parts)


def _owned(change: Change, policy: Policy) -> Iterator[str]:
    for key, value in sorted(change.tags.items()):
        written = (key.casefold(), f"{key}={value}".casefold())
        if any(fnmatchcase(text, p.casefold()) for p in policy.owned_by_code for text in written):
            yield (
                f"infrastructure as code owns it (tag {key}): change it there, the plan shows how"
            )
            return


def _costs(change: Change, policy: Policy, met: Circumstances) -> Iterator[str]:
    yield from why_on_hold(change, policy.legal_hold)
    if change.bucket_wide and change.bucket_wide not in policy.dedicated:
        yield (
            f"it concerns all of bucket {change.bucket_wide}, which is not declared to hold audit "
            "logs alone (log_buckets, dedicated: true)"
        )
    for cost, said in change.costs.items():
        if not any(_consents(one, cost, change, met.now) for one in policy.consents):
            yield (
                f"it {cost.value} ({said}): that needs a consent (to: {cost.value}, fix: "
                f"{change.fix}, resource: {change.ref.name}) under remediation.consents"
            )


def _consents(consent: Consent, cost: Cost, change: Change, now: datetime) -> bool:
    return (
        (consent.cost, consent.fix, consent.resource) == (cost, change.fix, change.ref.name)
        and consent.account in ("", change.ref.account)
        and consent.region in ("", change.ref.region)
        and (consent.until is None or now < consent.until)
    )


def _too_much(change: Change, policy: Policy, met: Circumstances) -> Iterator[str]:
    limits, made = policy.limits, [entry for entry in met.past if counts(entry)]
    sweep = [entry for entry in made if entry.began_at >= met.sweep_began]
    hour = [entry for entry in made if met.now - entry.began_at < timedelta(hours=1)]
    accounts = {call.account for call in change.calls}
    account = [e for e in hour if accounts & {call.account for call in e.change.calls}]
    for found, most, what in (
        (sweep, limits.per_sweep, "this sweep"),
        (hour, limits.per_hour, "the last hour"),
        (account, limits.per_account, "the account in the last hour"),
    ):
        if len(found) >= most:
            yield f"the limit of {most} changes for {what} is reached"
    if len(change.affects) > limits.affected:
        yield (
            f"it touches {len(change.affects)} more ({_listed(change.affects)}), "
            f"{limits.affected} at most may be touched at once (remediation.limits.affected)"
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")


def counts(entry: Entry) -> bool:
    """Whether the entry is a change that was made, or may have been: one under way is."""
    return entry.outcome in (None, Outcome.UNDONE, *MADE) or entry.done > 0


def _again(change: Change, met: Circumstances, cool_down: timedelta) -> Iterator[str]:
    for entry in met.past:
        if entry.outcome is None and things(entry.change) & things(change):
            yield f"an earlier change of it ({entry.id}) is still open in the journal"
    before = [
        entry
        for entry in met.past
        if counts(entry) and (entry.change.fix, entry.change.ref.id) == (change.fix, change.ref.id)
    ]
    # One that came half the way is gone on with: planned anew, it begins where that one ended.
    latest = max((entry.began_at for entry in before if not _half_made(entry)), default=None)
    if latest is not None and met.now - latest < cool_down:
        yield (
            f"it was changed at {latest:%Y-%m-%d %H:%M}Z: nothing is changed again before "
            f"{latest + cool_down:%Y-%m-%d %H:%M}Z"
        )
    yield from _turned_back([e for e in before if met.now - e.began_at < BREAKER_WINDOW])


def things(change: Change) -> set[tuple[str, str]]:
    """What the change writes to or touches: (account, name) of each."""
    ref = change.ref
    touched = {(ref.account, name) for name in (ref.name, *change.affects)}
    named = {
        (call.account, str(value))
        for call in change.calls
        for name, value in call.params.items()
        if name in _NAMES
    }
    return touched | named


def _half_made(entry: Entry) -> bool:
    return entry.outcome is Outcome.PARTIAL and not entry.undoes


def _turned_back(before: Sequence[Entry]) -> Iterator[str]:
    """Whether it was undone by name, or put right so often that it makes no sense to go on."""
    undone = [entry for entry in before if entry.undoes]
    if undone:
        last = max(undone, key=lambda entry: entry.began_at)
        yield (
            f"it was undone at {last.began_at:%Y-%m-%d %H:%M}Z ({last.id}): it is not made again "
            f"before {last.began_at + BREAKER_WINDOW:%Y-%m-%d %H:%M}Z; to have it stay so, select "
            "it under remediation.never"
        )
    own = [entry for entry in before if not entry.undoes and not entry.undone_by]
    halves = [entry for entry in own if _half_made(entry)]
    turns = [entry for entry in own if not _half_made(entry)]
    if len(halves) >= BREAKER_HALVES:
        yield (
            f"it was begun {len(halves)} times within a week and never came to its end: the "
            "journal says why; put that right before it is allowed again"
        )
    if len(turns) >= BREAKER_TURNS:
        yield (
            f"it was changed {len(turns)} times within a week and is wrong again: either somebody "
            "or something changes it back, or the change does not last; find out which before it "
            "is allowed again"
        )


def why_undo_held(entry: Entry, policy: Policy, now: datetime, killed: str) -> tuple[str, ...]:
    """Every reason not to put back what a change replaced; none where it may be.

    What somebody asks for by name needs no limits; what it costs needs the same consents.
    """
    change = replace(
        entry.change,
        calls=entry.change.undo,
        documents=tuple(Document(d.what, d.after, d.before) for d in entry.change.documents),
        costs=entry.change.undo_costs,
    )
    met = Circumstances(now, now, (), killed)
    return tuple(dict.fromkeys([*_stopped(policy, met), *_costs(change, policy, met)]))
