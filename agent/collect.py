"""Collect: the facts that the rules in use read, side by side, into one snapshot."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict, TypeVar, Unpack

import structlog

from agent.aws.trace import trace
from agent.aws.world import World, lacks
from agent.budgets import Budgets
from agent.target_status import status
from agent.turns import AT_ONCE, Begins, side_by_side
from agent.wanted import Wanted, wanted_facts
from controls.condition import check_value
from controls.kinds.kind import Fact, Found, Item, Kind, LogBucket
from controls.model import (
    Absent,
    AwsError,
    CannotTellError,
    Gap,
    Reader,
    Reading,
    Resource,
    Said,
    Snapshot,
    State,
    TargetStatus,
    Unknown,
)
from controls.rule import Rule

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Target:
    """One account x region to sweep. `problem` is set when it is known to be unreadable."""

    account: str
    region: str
    problem: str = ""


Progress = Callable[[str, int, int], None]
"""Called with (what, done, of how many)."""


class Hooks(TypedDict, total=False):
    """What not every sweep needs. What can be called is called in any thread."""

    on_error: Callable[[str], object]
    """Told `fact` or `listing` where reading one ended in an error inside Trailkeeper."""
    begins: Callable[[Target], float]
    """Nothing is asked of a target for so many seconds; its own time is counted from then."""
    stop: threading.Event
    """Set, it ends the sweep with StoppedError, whatever is still under way."""
    reports: str
    """`bucket/prefix` where monthly reports are kept."""


Place = tuple[str, str]
"""(account, region) that is asked."""


@dataclass(slots=True)
class _Sweep:
    """The state of one collection while it runs."""

    world: World
    targets: tuple[Target, ...]
    kinds: tuple[Kind, ...]
    wanted: Wanted
    log_buckets: tuple[LogBucket, ...]
    progress: Progress
    workers: int
    budgets: Budgets[Place]
    hooks: Hooks
    found: dict[str, list[Resource]] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    blind: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    owners: dict[str, tuple[str, str]] = field(default_factory=dict)


def collect(
    world: World,
    targets: Sequence[Target],
    rules: Sequence[Rule],
    kinds: Sequence[Kind],
    *,
    log_buckets: Sequence[LogBucket] = (),
    workers: int = 16,
    target_seconds: float | Callable[[Target], float] = 300.0,
    progress: Progress = lambda what, done, total: None,
    **hooks: Unpack[Hooks],
) -> Snapshot:
    """Everything the rules need to know about the targets, as far as it could be seen.

    Root kinds are listed once per target, derived kinds from what was found; then each resource's
    facts are read, resources side by side on `workers` threads, each target for `target_seconds`
    at most. What cannot be listed is a Gap, what cannot be read an unknown fact; the sweep itself
    does not fail. Interrupted, it does not wait for its threads. Raises StoppedError (`Hooks`).
    """

    def seconds(place: Place) -> float:
        return target_seconds(Target(*place)) if callable(target_seconds) else target_seconds

    wanted = wanted_facts(rules, kinds)
    used = tuple(kind for kind in kinds if kind.name in wanted.facts)
    budgets = Budgets(seconds)
    sweep = _Sweep(
        world, tuple(targets), used, wanted, tuple(log_buckets), progress, workers, budgets, hooks
    )
    _look(sweep)
    resources = tuple(resource for kind in used for resource in sweep.found.get(kind.name, ()))
    collected = {kind.name: tuple(sorted(wanted.facts[kind.name])) for kind in used}
    return Snapshot(world.now, _statuses(sweep), resources, tuple(sweep.gaps), collected)


def _look(sweep: _Sweep) -> None:
    """Root kinds first; what they say leads to the others."""
    _read_all(sweep, _list_roots(sweep))
    if any("s3:ListBuckets" in fact.needs for k in sweep.kinds for fact in sweep.wanted.of(k)):
        _find_owners(sweep)
    derived = [kind for kind in sweep.kinds if kind.derives]
    _read_all(sweep, [entry for kind in derived for entry in _derive(sweep, kind)])


Job = TypeVar("Job")
Result = TypeVar("Result")


def _phase(
    sweep: _Sweep,
    jobs: Sequence[Job],
    work: Callable[[Job], Result],
    place: Callable[[Job], Place],
    done: Callable[[int], object] = lambda number: None,
    begins: Begins = AT_ONCE,
) -> list[Result]:
    """Work side by side, each place in its turn and within its own time."""
    stop = sweep.hooks.get("stop")

    def timed(job: Job) -> Result:
        try:
            return work(job)
        finally:
            sweep.budgets.note(place(job))

    results = side_by_side(
        sweep.workers, jobs, timed, group=place, done=done, begins=begins, stop=stop
    )
    sweep.budgets.end_phase()
    return results


def _reader(sweep: _Sweep, place: Place) -> Reader:
    return sweep.world.reader(*place, deadline=sweep.budgets.deadline(place))


def _count(sweep: _Sweep, part: str) -> None:
    if on_error := sweep.hooks.get("on_error"):
        on_error(part)


Listed = tuple[Kind, Item, datetime]


def _list_roots(sweep: _Sweep) -> list[Listed]:
    """Root kinds of every target. A target that is known to be unreadable is one gap a kind."""
    roots = [kind for kind in sweep.kinds if kind.lists]
    jobs = [(kind, target) for target in sweep.targets for kind in roots]
    answers = _phase(
        sweep,
        jobs,
        lambda job: _list(sweep, *job),
        lambda job: (job[1].account, job[1].region),
        begins=_begins(sweep),
    )
    listed: list[Listed] = []
    seen: set[str] = set()
    for items, gap in answers:
        if gap:
            sweep.gaps.append(gap)
        for entry in items:
            if entry[1].ref.id not in seen:
                seen.add(entry[1].ref.id)
                listed.append(entry)
    return listed


def _begins(sweep: _Sweep) -> Begins:
    """When each target may be asked. One that is known to be unreadable is not asked anyway."""
    if (after := sweep.hooks.get("begins")) is None:
        return AT_ONCE
    asked = [target for target in sweep.targets if not target.problem]
    offsets: dict[Hashable, float] = {(one.account, one.region): after(one) for one in asked}
    return Begins(lambda place: offsets.get(place, 0.0))


def _list(sweep: _Sweep, kind: Kind, target: Target) -> tuple[list[Listed], Gap | None]:
    """One kind in one target, or why not."""
    if target.problem or kind.lists is None:
        return [], Gap(kind.name, target.account, target.region, target.problem)
    try:
        aws = trace(_reader(sweep, (target.account, target.region)), kind.needs)
        items = list(kind.lists(aws))
        read_at = aws.trace.read_at or sweep.world.now
        return [(kind, item, read_at) for item in items], None
    except (AwsError, CannotTellError) as error:
        if kind.optional and lacks(sweep.world, kind.needs[0], target.region, error):
            return [], None
        return [], Gap(kind.name, target.account, target.region, str(error))
    except Exception as error:
        log.exception(
            "listing failed", kind=kind.name, account=target.account, region=target.region
        )
        _count(sweep, "listing")
        reason = f"listing {kind.name} failed inside Trailkeeper: {error!r}"
        return [], Gap(kind.name, target.account, target.region, reason)


def _derive(sweep: _Sweep, kind: Kind) -> list[Listed]:
    """A derived kind from what was found. A gap in what it is listed from is a gap in it too."""
    for gap in tuple(sweep.gaps):
        if gap.kind in kind.sources:
            sweep.gaps.append(Gap(kind.name, gap.account, gap.region, gap.reason))
    found = Found(
        {name: tuple(resources) for name, resources in sweep.found.items()},
        tuple(sweep.gaps),
        sweep.log_buckets,
        sweep.owners,
        _partition(sweep),
        sweep.hooks.get("reports", ""),
    )
    listed: dict[str, Listed] = {}
    try:
        for entry in kind.derives(found) if kind.derives else ():
            if isinstance(entry, Gap):
                sweep.gaps.append(entry)
            else:
                listed.setdefault(entry.ref.id, (kind, entry, sweep.world.now))
    except Exception as error:
        log.exception("listing failed", kind=kind.name)
        _count(sweep, "listing")
        reason = f"listing {kind.name} failed inside Trailkeeper: {error!r}"
        sweep.gaps += [Gap(kind.name, one.account, one.region, reason) for one in sweep.targets]
    return list(listed.values())


def _partition(sweep: _Sweep) -> str:
    for target in sweep.targets:
        if not target.problem:
            try:
                return sweep.world.reader(target.account, target.region).partition
            except (AwsError, CannotTellError):
                continue
    return "aws"


def _find_owners(sweep: _Sweep) -> None:
    """Account and region of every log bucket that is named anywhere, where they can be told."""
    asked: dict[str, tuple[str, str]] = {
        entry.bucket: (entry.account, entry.region) for entry in sweep.log_buckets
    }
    for cluster in sweep.found.get("redshift_cluster", ()):
        reading = cluster.facts.get("log_bucket")
        if reading is not None and isinstance(reading.value, str):
            asked[reading.value] = (cluster.ref.account, cluster.ref.region)

    def owner(entry: tuple[str, tuple[str, str]]) -> tuple[str, tuple[str, str]] | None:
        bucket, (account, region) = entry
        try:
            found = _reader(sweep, (account, region)).of_bucket(bucket)
        except (AwsError, CannotTellError):
            return None  # every fact of the bucket will say why
        except Exception:
            log.exception("finding an owner failed", bucket=bucket)
            _count(sweep, "listing")
            return None
        return bucket, (found.account, found.region)

    jobs = sorted(asked.items())
    owners = _phase(sweep, jobs, owner, lambda entry: entry[1])
    sweep.owners.update(filter(None, owners))


def _read_all(sweep: _Sweep, listed: Sequence[Listed]) -> None:
    """The wanted facts of every listed item, resources side by side."""
    resources = _phase(
        sweep,
        listed,
        lambda entry: _read(sweep, *entry),
        lambda entry: _read_in(sweep, entry[1]),
        lambda number: sweep.progress("resources", number, len(listed)),
    )
    for resource in resources:
        sweep.found.setdefault(resource.ref.kind, []).append(resource)


def _read(sweep: _Sweep, kind: Kind, item: Item, listed_at: datetime) -> Resource:
    """One resource with its facts; facts of one resource are read one after the other."""
    facts = sweep.wanted.of(kind)
    readings: dict[str, Reading] = {}
    try:
        reader: Reader | str = _reader(sweep, _read_in(sweep, item))
    except (AwsError, CannotTellError) as error:
        reader = str(error)
    for fact in facts:
        if isinstance(reader, str):
            _note_blind(sweep, item, reader)
            readings[fact.name] = Reading(State.UNKNOWN, None, reader, "", listed_at)
        else:
            readings[fact.name] = _read_fact(sweep, reader, item, fact, listed_at)
    return Resource(item.ref, readings, item.tags, item.writer_tags)


def _read_in(sweep: _Sweep, item: Item) -> tuple[str, str]:
    """Where to read: global kinds in their account's first region, so that calls are shared."""
    account, region = item.read_in or (item.ref.account, item.ref.region)
    if item.ref.region == "global":
        regions = [target.region for target in sweep.targets if target.account == account]
        region = regions[0] if regions else region
    return account, region


def _read_fact(
    sweep: _Sweep, reader: Reader, item: Item, fact: Fact, listed_at: datetime
) -> Reading:
    """One fact as a reading. Whatever goes wrong ends as unknown, with the reason."""
    aws = trace(reader, fact.needs)
    try:
        answer = fact.read(aws, item)
        if isinstance(answer, Said | Absent | Unknown):
            reading = _reading(answer)
        else:
            reading = (State.KNOWN, answer, "")
        if reading[0] is State.KNOWN and (wrong := check_value(fact.type, reading[1])):
            reading = (State.UNKNOWN, None, f"{fact.name}: {wrong}")
    except (AwsError, CannotTellError) as error:
        _note_blind(sweep, item, str(error))
        reading = (State.UNKNOWN, None, str(error))
    except Exception as error:
        log.exception("fact failed", fact=fact.name, resource=item.ref.id)
        _count(sweep, "fact")
        _note_blind(sweep, item, repr(error))
        reading = (State.UNKNOWN, None, f"reading {fact.name} failed inside Trailkeeper: {error!r}")
    state, value, reason = reading
    source, read_at = aws.trace.source, aws.trace.read_at
    return Reading(state, value, reason, source or item.source, read_at or listed_at)


def _reading(answer: Said[Any] | Absent | Unknown) -> tuple[State, Any, str]:
    match answer:
        case Said(value, reason):
            return State.KNOWN, value, reason
        case Absent(reason):
            return State.ABSENT, None, reason
        case Unknown(reason):
            return State.UNKNOWN, None, reason


def _note_blind(sweep: _Sweep, item: Item, reason: str) -> None:
    """Remember that a target was not read wholly. Appending is atomic; order does not matter."""
    account, region = item.read_in or (item.ref.account, item.ref.region)
    sweep.blind.setdefault((account, region), []).append(reason)


def _statuses(sweep: _Sweep) -> tuple[TargetStatus, ...]:
    kinds = {kind.name for kind in sweep.kinds if kind.lists}
    counts = Counter(
        (one.ref.account, one.ref.region) for found in sweep.found.values() for one in found
    )
    return tuple(
        status(
            (each.account, each.region),
            each.problem,
            roots=kinds,
            gaps=sweep.gaps,
            blind=sweep.blind.get((each.account, each.region), ()),
            resources=counts[each.account, each.region],
        )
        for each in sweep.targets
    )
