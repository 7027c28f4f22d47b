"""One sweep after the other on one thread: look, judge, remember, publish."""

from __future__ import annotations

import threading
import time
import zlib
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog

from agent.aws.door import Aws
from agent.aws.hands import OBSERVER, PLANNER
from agent.collect import Target
from agent.config import Settings
from agent.daemon.memory import give_back
from agent.daemon.remedies import Remedies
from agent.daemon.wanted_sweeps import Sweep, WantedSweeps
from agent.daemon.watchdog import Watchdog
from agent.loading import Loaded
from agent.metrics.own import Own
from agent.metrics.pages import Pages
from agent.stop import WRONG_USE, StopError
from agent.store.keeper import Keeper
from agent.store.records import SweepRecord
from agent.sweep import blind, judge, look_with, open_aws
from agent.turns import StoppedError
from agent.web.index import Indexes
from controls.history import Event, State
from controls.history_advance import advance
from controls.model import Coverage, Finding, Report, Snapshot, Status

log = structlog.get_logger()

TICK = 5.0
"""Seconds between two looks at the store while no sweep is due."""

SILENT = 60.0
"""Seconds for a target that gave no answer at all last time: it must not hold up the others."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a sweeper works with. `monotonic` and `utc` are the clocks."""

    args: Namespace
    wanted: WantedSweeps
    watchdog: Watchdog
    keeper: Keeper
    pages: Pages
    own: Own
    indexes: Indexes = field(default_factory=Indexes)
    """What pages look things up in: made when a state is published, so that none waits for it."""
    monotonic: Callable[[], float] = time.monotonic
    utc: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Ended:
    """What one sweep came to: all that is known after it, what changed, and the calls it took."""

    state: State
    events: tuple[Event, ...]
    outcome: str
    reason: str = ""
    calls: int = 0
    findings: tuple[Finding, ...] = ()
    """What this sweep judged itself: nothing that is only remembered is ever acted on."""
    loaded: Loaded | None = None
    """The configuration it was judged by."""


@dataclass(frozen=True, slots=True)
class _Began:
    """When a sweep did: what the clock on the wall said, and the one that is never set."""

    at: datetime
    monotonic: float


class Sweeper:
    """Owns the state: nobody else changes it. `loaded` may be replaced at any time."""

    def __init__(self, parts: Parts, loaded: Loaded, restored: State) -> None:
        self._parts = parts
        self.loaded = loaded
        self.state = restored
        self.rule_errors = sum(1 for one in restored.findings.values() if one.finding.rule_error)
        self.running: tuple[Sweep, datetime] | None = None
        self.last: Mapping[str, SweepRecord] = {}
        self.fatal: StopError | None = None
        """Set where the first sweep says that the agent was started in a way that cannot work."""
        self._stop = threading.Event()
        self._started_with = loaded
        self._aws: tuple[Settings, Aws] | None = None
        self.remedies: Remedies | None = None
        if parts.args.remediate:
            self.remedies = Remedies(parts.args, parts.keeper, parts.own, self._stop)
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin to take what is due."""
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """Take nothing more and give up the sweep under way: half a look must not be published.

        Returns whether the thread ended within the time.
        """
        self._stop.set()
        self._parts.wanted.close()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether its thread has not ended. Pages are served before it begins."""
        return self._thread.ident is None or self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            kind = self._parts.wanted.take(TICK)
            if kind is not None:
                self._sweep(kind)
                give_back()
            # After each sweep too: where they follow closely upon each other, none is waited for.
            if not self._stop.is_set():
                self._tick()
        if self._aws is not None:
            self._aws[1].close()

    def _tick(self) -> None:
        """Let the store catch up."""
        try:
            self._parts.keeper.tick()
        except Exception:
            self._parts.own.error("store")
            log.exception("store_tick_failed")

    def _sweep(self, kind: Sweep) -> None:
        """One sweep. Whatever goes wrong ends it, is said and counted; the next one comes."""
        parts = self._parts
        began = _Began(parts.utc(), parts.monotonic())
        sweep = uuid4().hex[:12]
        structlog.contextvars.bind_contextvars(sweep=sweep, kind=kind.value)
        self.running = (kind, began.at)
        parts.watchdog.began(began.monotonic)
        parts.own.sweep_began(kind.value)
        outcome, swept = "failed", None
        try:
            ended = self._swept(kind)
            self._keep(self._record(sweep, kind, began, ended), ended)
            outcome = ended.outcome
            swept = ended
        except StoppedError:
            outcome = "stopped"
            log.info("sweep_stopped")
        except StopError as refused:
            if self.fatal is None:
                # It says all there is to say; where it comes from is no help to anyone.
                log.error("sweep_failed", reason=refused.message)  # noqa: TRY400
                self._failed(sweep, kind, began, refused.message)
        except Exception as error:
            log.exception("sweep_failed", reason=repr(error))
            self._failed(sweep, kind, began, f"it ended in a mistake of Trailkeeper: {error!r}")
        finally:
            took = parts.monotonic() - began.monotonic
            parts.own.sweep_ended(kind.value, outcome, took)
            parts.watchdog.ended(parts.monotonic())
            self.running = None
            parts.wanted.done()
        if swept is not None and not self._stop.is_set():
            self._remedy(kind, began.at, swept)
        structlog.contextvars.unbind_contextvars("sweep", "kind")

    def _remedy(self, kind: Sweep, began: datetime, ended: Ended) -> None:
        """Put right what just failed, if that is allowed; what was changed is looked at again."""
        if self.remedies is None or kind is not Sweep.FULL or ended.loaded is None:
            return
        door = self._door(ended.loaded.settings)
        if self.remedies.after(ended.findings, ended.loaded, door, began):
            self._parts.wanted.ask(Sweep.FULL)

    def _failed(self, sweep: str, kind: Sweep, began: _Began, reason: str) -> None:
        """Nothing came of it: what was known stays, and the pages say why."""
        self._parts.own.error("sweep")
        failed = Ended(self.state, (), "failed", reason)
        self.last = {**self.last, kind.value: self._record(sweep, kind, began, failed)}

    def _record(self, sweep: str, kind: Sweep, began: _Began, ended: Ended) -> SweepRecord:
        """It ends now: after what it took, whatever was done to the clock meanwhile."""
        took = timedelta(seconds=self._parts.monotonic() - began.monotonic)
        return SweepRecord(
            id=sweep,
            kind=kind.value,
            started_at=began.at,
            ended_at=began.at + took,
            outcome=ended.outcome,
            reason=ended.reason,
            calls=ended.calls,
            counts=counts(ended.state),
        )

    def _swept(self, kind: Sweep) -> Ended:
        """Look and judge. Raises StoppedError where the agent is asked to end meanwhile.

        Raises StopError where no target can be named and none is known.
        """
        whole = self.loaded  # once: what is looked at by one configuration is not judged by another
        loaded, in_use = part_of(whole, kind), {rule.id for rule in whole.rules}
        calls = 0
        try:
            looked = look_with(
                self._door(loaded.settings),
                loaded,
                self._parts.args,
                no_progress,
                target_seconds=self._seconds_for(loaded.settings),
                begins=offsets(self.state.targets, loaded.settings.intervals.spread_seconds),
                on_error=self._parts.own.error,
                stop=self._stop,
            )
            snapshot, calls = looked.snapshot, sum(looked.calls.values())
        except StopError as refused:
            snapshot = self._blinded(whole, loaded, refused)
        if self._stop.is_set():
            raise StoppedError
        report = judge(snapshot, loaded)
        state, events = advance(
            self.state, report, snapshot.gaps, {rule.id for rule in loaded.rules}, in_use
        )
        self._parts.own.rule_errors(sum(one.finding.rule_error for one in state.findings.values()))
        return Ended(
            state,
            events,
            outcome_of(report),
            why_partial(report),
            calls,
            report.findings,
            loaded,
        )

    def _door(self, settings: Settings) -> Aws:
        """The door to AWS, opened anew where the settings changed since."""
        if self._aws is None or self._aws[0] != settings:
            if self._aws is not None:
                self._aws[1].close()
            hand = PLANNER if self.remedies else OBSERVER
            self._aws = (settings, open_aws(settings, self._stop, self._called, hand))
        return self._aws[1]

    def _called(
        self,
        service: str,
        operation: str,
        outcome: str,
        seconds: float,
        account: str,
        region: str,
    ) -> None:
        """AWS was asked: as long as that happens, a sweep gets on, however large the estate."""
        self._parts.watchdog.got_on(self._parts.monotonic())
        self._parts.own.call(service, operation, outcome, seconds, account, region)

    def _seconds_for(self, settings: Settings) -> Callable[[Target], float]:
        """How long a target may take: little, where it gave no answer at all last time."""
        seconds = settings.target_deadline_seconds
        places = self.state.targets.items()
        silent = {at for at, one in places if one.status.status is Coverage.UNREADABLE}
        return lambda target: (
            min(seconds, SILENT) if (target.account, target.region) in silent else seconds
        )

    def _blinded(self, whole: Loaded, loaded: Loaded, refused: StopError) -> Snapshot:
        """No target can even be named: all that were known are unreadable, and nothing is lost."""
        if not self.state.targets:
            # What was reloaded meanwhile may be as wrong, but is not what it was started with.
            if refused.code == WRONG_USE and whole is self._started_with:
                self.fatal = refused
            raise refused
        log.error("no_target_reached", reason=refused.message)
        return blind(tuple(self.state.targets), loaded, refused.message, self._parts.utc())

    def _keep(self, record: SweepRecord, ended: Ended) -> None:
        """Write, then publish: what is published is on disk, as far as the store can be reached."""
        state = self._parts.keeper.keep(record, ended.state, ended.events)
        self._publish(state)
        self.last = {**self.last, record.kind: record}
        for event in ended.events:
            log_event(event)
        log.info(
            "sweep_ended",
            outcome=record.outcome,
            seconds=round((record.ended_at - record.started_at).total_seconds(), 3),
            calls=record.calls,
            changed=len(ended.events),
            reason=record.reason or None,
            **record.counts,
        )

    def _publish(self, state: State) -> None:
        self.rule_errors = sum(1 for one in state.findings.values() if one.finding.rule_error)
        self.state = state
        self._parts.pages.publish(state, stale=state.stale)
        self._parts.indexes.of(state)
        self._parts.own.store(self._parts.keeper.up, self._parts.keeper.pending)


def no_progress(what: str, done: int, total: int) -> None:
    """Nobody watches."""


def part_of(loaded: Loaded, kind: Sweep) -> Loaded:
    """The rules of that kind of sweep."""
    if kind is Sweep.FULL:
        return loaded
    wanted = loaded.settings.freshness_rules
    return replace(loaded, rules=tuple(rule for rule in loaded.rules if rule.id in wanted))


def offsets(known: Collection[tuple[str, str]], spread: float) -> Callable[[Target], float]:
    """Seconds after which each target begins, evenly over `spread`, in every sweep the same.

    A target that was not swept before begins at once: nobody should wait for a first verdict.
    """

    def mixed(place: tuple[str, str]) -> int:
        return zlib.crc32("/".join(place).encode())

    after = {
        place: index * spread / len(known) for index, place in enumerate(sorted(known, key=mixed))
    }
    return lambda target: after.get((target.account, target.region), 0.0)


def outcome_of(report: Report) -> str:
    """`complete`; `partial` where a target was not or not wholly read; `failed` where none was."""
    coverage = {target.status for target in report.targets}
    if coverage <= {Coverage.COMPLETE}:
        return "complete"
    return "failed" if coverage == {Coverage.UNREADABLE} else "partial"


def why_partial(report: Report) -> str:
    """What was not seen, target by target; the first few."""
    told = [
        f"{one.account}/{one.region}: {one.reason}"
        for one in report.targets
        if one.status is not Coverage.COMPLETE
    ]
    more = f"; and {len(told) - 5} more targets" if len(told) > 5 else ""
    return "; ".join(told[:5]) + more


def counts(state: State) -> dict[str, int]:
    """Findings by status, over everything known."""
    found = Counter(one.finding.status for one in state.findings.values())
    return {status.value: found[status] for status in Status}


def log_event(event: Event) -> None:
    """One line a changed finding, for whoever reads logs rather than pages."""
    log.info(
        f"finding_{event.happening.value}",
        finding=event.finding,
        rule=event.rule,
        severity=event.severity.value,
        account=event.ref.account,
        region=event.ref.region,
        resource=event.ref.name,
        before=event.before.value if event.before else None,
        after=event.after.value if event.after else None,
        because=event.because,
    )
