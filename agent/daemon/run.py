"""The agent from start to end: everything is put together here, and taken apart again."""

from __future__ import annotations

import os
import signal
import threading
import time
from argparse import Namespace
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import structlog

from agent import __version__
from agent.config import Settings
from agent.daemon.certificate import Certificate
from agent.daemon.files import Files, read_files
from agent.daemon.memory import few_arenas
from agent.daemon.reload import Reloader
from agent.daemon.schedule import Schedule
from agent.daemon.signals import Signals
from agent.daemon.sweeper import Parts, Sweeper, part_of
from agent.daemon.view import AgentView
from agent.daemon.wanted_sweeps import Sweep, WantedSweeps
from agent.daemon.watchdog import Limits, Watchdog
from agent.loading import Loaded, load, refuse_what_may_do_nothing
from agent.metrics.own import Own
from agent.metrics.pages import Pages
from agent.stop import WRONG_USE, StopError
from agent.store.keeper import Keeper
from agent.store.records import StoreRefusedError
from agent.web.app import build
from agent.web.server import Server, bind
from controls.history import State

log = structlog.get_logger()

DRAIN = 6.0
"""Seconds for the sweep under way to give up. With the next two, the agent ends within ten."""

LAST_PAGES = 1.5
"""Seconds for the pages that were asked for."""

LAST_WRITE = 1.5
"""Seconds for the store to take what waits, and for its lock to be given back."""

TURN = 1.0
"""Seconds of one turn of the main loop."""


@dataclass(frozen=True, slots=True)
class Agent:
    """The running parts, as the main loop holds them."""

    parts: Parts
    sweeper: Sweeper
    schedule: Schedule
    reloader: Reloader
    certificate: Certificate
    view: AgentView
    url: str
    """Where it serves."""


def run(
    args: Namespace,
    ready: Callable[[Agent], object] = lambda agent: None,
    signals: Signals | None = None,
) -> int:
    """Serve and sweep until SIGTERM or SIGINT; 0 then. `ready` is told once it serves.

    `signals` are those that are awaited already, by whoever had something to do before.

    Raises StopError (2): wrong configuration, a port in use, a store that must not be used, no
    credentials or region at all.
    """
    few_arenas()
    with ExitStack() as undo:
        signals = signals or undo.enter_context(Signals())
        loaded = load(args)
        if args.remediate:
            refuse_what_may_do_nothing(loaded)
        files = read_files(loaded.settings, os.environ)
        agent = _start(args, loaded, files, undo)
        log.info("agent_started", version=__version__, url=agent.url, rules=len(loaded.rules))
        ready(agent)
        _turn(agent, signals)
    log.info("agent_ended")
    if agent.sweeper.fatal is not None:
        raise agent.sweeper.fatal
    return 0


# ---------------------------------------------------------------- start


def _start(args: Namespace, loaded: Loaded, files: Files, undo: ExitStack) -> Agent:
    """Store, port, pages, sweeper, schedule: each ends, in the other order, with `undo`."""
    settings = loaded.settings
    keeper, restored = _restored(files.store, settings, undo)
    own = Own()
    parts = Parts(
        args,
        WantedSweeps(),
        Watchdog(_limits(settings, loaded), time.monotonic()),
        keeper,
        Pages(own, settings.metrics.resource_series),
        own,
    )
    sweeper = Sweeper(parts, loaded, restored)
    reloader = Reloader(args, loaded, parts.utc())
    schedule = Schedule(lambda kind: _ask(parts, kind), _intervals(settings, loaded), parts.utc())
    view = AgentView(parts, sweeper, reloader, schedule)
    _publish(parts, loaded, restored)
    server, url = _serve(settings, files, view, parts, undo)
    undo.callback(_stop_sweeping, sweeper, schedule)
    sweeper.start()
    schedule.start()
    certificate = Certificate(server, files)
    return Agent(parts, sweeper, schedule, reloader, certificate, view, url)


def _restored(url: str, settings: Settings, undo: ExitStack) -> tuple[Keeper, State]:
    """The store and what it knows, marked stale. Raises StopError where it must not be used."""
    try:
        keeper = Keeper(url, history_days=settings.store.history_days)
        undo.callback(_close, keeper)
        return keeper, keeper.open()
    except StoreRefusedError as refused:
        raise StopError(WRONG_USE, f"the store cannot be used: {refused}") from refused


def _publish(parts: Parts, loaded: Loaded, restored: State) -> None:
    """The metrics as they stand before the first sweep."""
    own, intervals = parts.own, _intervals(loaded.settings, loaded)
    own.intervals({kind.value: seconds for kind, seconds in intervals.items()})
    own.rules(len(loaded.rules))
    own.alive(turning=True)
    own.reloaded(ok=True, at=parts.utc())
    own.store(parts.keeper.up, parts.keeper.pending)
    parts.pages.publish(restored, stale=True)


def _serve(
    settings: Settings, files: Files, view: AgentView, parts: Parts, undo: ExitStack
) -> tuple[Server, str]:
    """The pages, served from now on, and where. Raises StopError: port in use, no certificate."""
    host, port = settings.http.listen
    listening = bind(host, port)
    app = build(
        view,
        token=files.token,
        tls=files.certificate is not None,
        on_error=parts.own.error,
        indexes=parts.indexes,
    )
    server = Server(app, listening, files.certificate, files.key)
    undo.callback(server.stop, LAST_PAGES)
    server.start()
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    scheme = "https" if files.certificate else "http"
    return server, f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{server.port}"


def _intervals(settings: Settings, loaded: Loaded) -> dict[Sweep, float]:
    """Seconds by the kind of sweep; no freshness sweep where it would have no rule."""
    intervals = {Sweep.FULL: settings.intervals.full_seconds}
    if part_of(loaded, Sweep.FRESHNESS).rules:
        intervals[Sweep.FRESHNESS] = settings.intervals.freshness_seconds
    return intervals


def _limits(settings: Settings, loaded: Loaded) -> Limits:
    """A sweep takes its targets' time, their spread, and what evaluating and writing take."""
    longest = 2 * settings.target_deadline_seconds + settings.intervals.spread_seconds + 120
    return Limits(_intervals(settings, loaded), longest)


def _ask(parts: Parts, kind: Sweep) -> None:
    """A sweep is due."""
    parts.watchdog.asked(kind, parts.monotonic())
    skipped = parts.wanted.ask(kind)
    if skipped is not None:
        parts.own.skipped(kind.value, skipped.value)


# ---------------------------------------------------------------- while it runs


def _turn(agent: Agent, signals: Signals) -> None:
    """The main loop: signals, changed files, the watchdog. Ends when asked to, or for good."""
    looked = agent.parts.monotonic()
    while agent.sweeper.fatal is None:
        came = signals.wait(TURN)
        if {signal.SIGTERM, signal.SIGINT} & set(came):
            log.info("stopping", signals=[signal.Signals(number).name for number in came])
            return
        if getattr(signal, "SIGUSR1", 0) in came and agent.sweeper.remedies is not None:
            agent.sweeper.remedies.throw("the signal SIGUSR1 came")
        now = agent.parts.monotonic()
        agent.parts.watchdog.beat(now)
        hung_up = getattr(signal, "SIGHUP", 0) in came
        every = agent.sweeper.loaded.settings.intervals.reload_seconds
        if hung_up or now - looked >= every:
            looked = now
            _guarded(agent, "reload", partial(_reload, force=hung_up))
            _guarded(agent, "reload", lambda agent: agent.certificate.look())
        _guarded(agent, "watch", _watch)


def _guarded(agent: Agent, part: str, work: Callable[[Agent], object]) -> None:
    """One turn's work: what goes wrong in it must not end the agent."""
    try:
        work(agent)
    except Exception:
        agent.parts.own.error(part)
        log.exception(f"{part}_failed")


def _reload(agent: Agent, *, force: bool) -> None:
    before = agent.reloader.last
    try:
        taken = agent.reloader.look(agent.parts.utc(), force=force)
    finally:
        if (last := agent.reloader.last) is not before:
            agent.parts.own.reloaded(ok=not last.problem, at=last.at)
    if taken:
        _take(agent, agent.reloader.loaded)


def _take(agent: Agent, loaded: Loaded) -> None:
    """The new configuration is in force, and everything is judged by it at once."""
    intervals = _intervals(loaded.settings, loaded)
    agent.sweeper.loaded = loaded
    agent.schedule.change(intervals, agent.parts.utc())
    agent.parts.watchdog.change(_limits(loaded.settings, loaded), agent.parts.monotonic())
    agent.parts.own.intervals({kind.value: seconds for kind, seconds in intervals.items()})
    agent.parts.own.rules(len(loaded.rules))
    agent.parts.pages.resource_series = loaded.settings.metrics.resource_series
    agent.parts.wanted.ask(Sweep.FULL)


def _watch(agent: Agent) -> None:
    """A schedule that stands still, as after the clock was set back, is set going again."""
    for kind in agent.parts.watchdog.overdue(agent.parts.monotonic()):
        log.warning("schedule_stood_still", kind=kind.value, likely="the clock was set back")
        _ask(agent.parts, kind)
        agent.schedule.revive(kind, agent.parts.utc())
    dead = agent.view.why_dead()
    agent.parts.own.alive(not dead)
    agent.parts.own.store(agent.parts.keeper.up, agent.parts.keeper.pending)
    if agent.sweeper.remedies is not None:
        agent.parts.own.kill_switch(agent.sweeper.remedies.killed(agent.sweeper.loaded) != "")


# ---------------------------------------------------------------- end


def _stop_sweeping(sweeper: Sweeper, schedule: Schedule) -> None:
    schedule.stop()
    if not sweeper.stop(DRAIN):
        log.warning("sweep_abandoned", after_seconds=DRAIN)


def _close(keeper: Keeper) -> None:
    """A database that hangs must not keep the agent from ending: what it did not take is lost."""
    closing = threading.Thread(target=keeper.close, name="store", daemon=True)
    closing.start()
    closing.join(LAST_WRITE)
    if closing.is_alive():
        log.warning("store_abandoned", after_seconds=LAST_WRITE, pending_sweeps=keeper.pending)
