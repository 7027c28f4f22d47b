"""The agent's own metrics: counted as things happen, shown live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog
from prometheus_client import (
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.registry import Collector

from agent import __version__
from agent.aws.hands import CREDENTIALS, FIXER, PLANNER
from agent.metrics.text import PREFIX

log = structlog.get_logger()

SWEEPS = ("full", "freshness")
ENDED = ("complete", "partial", "failed", "stopped")
SKIPS = ("one_waiting", "full_sweep")
"""Why a sweep that was due did not run: one of its kind waits; a full one covers it."""
PARTS = (
    "fact",
    "listing",
    "sweep",
    "store",
    "metrics",
    "page",
    "reload",
    "watch",
    "plan",
    "remediation",
)

OPERATIONS: frozenset[str] = PLANNER | FIXER | CREDENTIALS
OUTCOMES = ("ok", "denied", "throttled", "timeout", "unreachable", "unparseable", "error")
OTHER = "other"
"""The label of what is in none of the lists here: no text from outside makes a series."""

ERRORS = PREFIX + "errors_total"

SWEEP_BUCKETS = (1, 5, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600)
CALL_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)


def _utc() -> datetime:
    return datetime.now(UTC)


class Own:
    """The agent's own metrics, where nothing else registers any. Every method is thread-safe.

    A label takes the words of the lists above and no others, whatever is handed in.
    """

    def __init__(self, version: str = __version__, utc: Callable[[], datetime] = _utc) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # the client's, untyped
        self._utc = utc
        self._broken: frozenset[str] = frozenset()
        self._collectors: dict[str, Collector] = {}
        self._make_sweeps()
        self._make_calls()
        self._make_rest()
        build = self._gauge("build_info", "1; the version is in the label.", "version")
        build.labels(version).set(1)
        self.add("process", ProcessCollector(registry=None))
        self.add("python", PlatformCollector(registry=None))
        self._errors = self._counter("errors", "Errors caught, by part of the agent.", "part")
        for part in PARTS:
            self._errors.labels(part)

    def add(self, name: str, collector: Collector) -> None:
        """Show one more; `name` is what the log calls it when it fails."""
        self._collectors[name] = collector

    def exposition(self) -> bytes:
        """All of it in the text format, version 0.0.4. Never raises: what fails is left out."""
        # The errors last, so that what fails in a scrape is counted in the same scrape.
        last = (ERRORS, self._errors)
        others = [each for each in tuple(self._collectors.items()) if each[0] != ERRORS]
        return b"".join([self._shown(*each) for each in (*others, last)])

    def _shown(self, name: str, collector: Collector) -> bytes:
        try:
            shown = generate_latest(collector)
        except Exception as error:
            self.error("metrics")
            if name not in self._broken:  # once, not at every scrape
                self._broken |= {name}
                log.exception("metrics are left out of /metrics", metrics=name, error=str(error))
            return b""
        if name in self._broken:
            self._broken -= {name}
            log.info("metrics are shown in /metrics again", metrics=name)
        return shown

    # ------------------------------------------------------------ what happens

    def sweep_began(self, kind: str) -> None:
        """A sweep is under way."""
        self._in_progress.labels(_of(SWEEPS, kind)).set(1)

    def sweep_ended(self, kind: str, outcome: str, seconds: float) -> None:
        """It ended just now and took so long."""
        sweep, now = _of(SWEEPS, kind), self._utc().timestamp()
        self._in_progress.labels(sweep).set(0)
        self._sweeps.labels(sweep, _of(ENDED, outcome)).inc()
        self._sweep_seconds.labels(sweep).observe(seconds)
        self._last_end.labels(sweep).set(now)
        if outcome in ("complete", "partial"):
            self._last_success.labels(sweep).set(now)

    def skipped(self, kind: str, reason: str) -> None:
        """A sweep was due and did not begin."""
        self._skipped.labels(_of(SWEEPS, kind), _of(SKIPS, reason)).inc()

    def intervals(self, seconds: Mapping[str, float]) -> None:
        """How often each kind of sweep is due."""
        for kind, interval in seconds.items():
            self._interval.labels(_of(SWEEPS, kind)).set(interval)

    def call(
        self,
        service: str,
        operation: str,
        outcome: str,
        seconds: float,
        account: str,
        region: str,
    ) -> None:
        """One attempt on the wire (`agent.aws.settings.OnCall`). Account and region make no series:
        target times operation times outcome would be too many."""
        known = f"{service}:{operation}" in OPERATIONS
        service, operation = (service, operation) if known else (OTHER, OTHER)
        self._requests.labels(service, operation, _of(OUTCOMES, outcome)).inc()
        self._request_seconds.labels(service).observe(seconds)

    def error(self, part: str) -> None:
        """An error was caught in that part."""
        self._errors.labels(_of(PARTS, part)).inc()

    def rules(self, loaded: int) -> None:
        """So many rules are in use."""
        self._rules.set(loaded)

    def rule_errors(self, findings: int) -> None:
        """A sweep ended, and so many findings are mistakes in a rule."""
        self._rule_errors.set(findings)
        self._rule_errors_total.inc(findings)

    def reloaded(self, ok: bool, at: datetime) -> None:
        """Configuration, rules and waivers were read; `ok`: they are in use since `at`."""
        self._reload_ok.set(ok)
        if ok:
            self._reloaded_at.set(at.timestamp())

    def store(self, up: bool, pending: int) -> None:
        """Whether the store answers, and how many sweeps wait to be written."""
        self._store_up.set(up)
        self._store_pending.set(pending)

    def alive(self, turning: bool) -> None:
        """Whether the watchdog finds that the loop turns."""
        self._alive.set(turning)

    def planned(self, ready: int, held: int) -> None:
        """A round of remediation began with so many steps to make, and so many held."""
        self._planned.labels("ready").set(ready)
        self._planned.labels("held").set(held)

    def kill_switch(self, thrown: bool) -> None:
        """Whether the kill switch is thrown: then nothing is changed."""
        self._kill_switch.set(thrown)

    def remediated(self, fix: str, outcome: str) -> None:
        """A fix was tried. `fix` is the name of one that is shipped."""
        self._remediations.labels(fix, outcome).inc()

    # ------------------------------------------------------------ what there is

    def _make_sweeps(self) -> None:
        self._in_progress = self._gauge(
            "sweep_in_progress", "1 while a sweep is under way, else 0.", "sweep"
        )
        self._sweeps = self._counter("sweeps", "Sweeps that ended.", "sweep", "outcome")
        self._sweep_seconds = self._histogram(
            "sweep_duration_seconds", "How long sweeps took.", SWEEP_BUCKETS, "sweep"
        )
        self._last_end = self._gauge(
            "sweep_last_end_timestamp_seconds", "When the last sweep ended, however.", "sweep"
        )
        self._last_success = self._gauge(
            "sweep_last_success_timestamp_seconds",
            "When a sweep last ended and published what it saw (complete or partial).",
            "sweep",
        )
        self._interval = self._gauge("sweep_interval_seconds", "How often a sweep is due.", "sweep")
        self._skipped = self._counter(
            "sweeps_skipped", "Sweeps that were due and did not begin.", "sweep", "reason"
        )
        for sweep in SWEEPS:
            self._in_progress.labels(sweep)
            for outcome in ENDED:
                self._sweeps.labels(sweep, outcome)
            for reason in SKIPS:
                self._skipped.labels(sweep, reason)

    def _make_calls(self) -> None:
        self._requests = self._counter(
            "aws_requests", "Attempts of AWS calls.", "service", "operation", "outcome"
        )
        self._request_seconds = self._histogram(
            "aws_request_duration_seconds", "How long attempts took.", CALL_BUCKETS, "service"
        )

    def _make_rest(self) -> None:
        self._alive = self._gauge("loop_alive", "1 while the agent's loop turns, else 0.")
        self._rules = self._gauge("rules_loaded", "Rules in use.")
        self._rule_errors = self._gauge(
            "rule_errors", "Findings that are mistakes in a rule, as of the last sweep."
        )
        self._rule_errors_total = self._counter(
            "rule_errors", "Findings that are mistakes in a rule, added up after every sweep."
        )
        self._reload_ok = self._gauge(
            "config_last_reload_successful",
            "1 if configuration, rules and waivers were good when last read, else 0.",
        )
        self._reloaded_at = self._gauge(
            "config_last_reload_success_timestamp_seconds",
            "When those in use were read.",
        )
        self._store_up = self._gauge("store_up", "1 while the store answers, else 0.")
        self._store_pending = self._gauge(
            "store_pending_sweeps", "Sweeps that wait to be written to the store."
        )
        self._remediations = self._counter(
            "remediations", "Fixes that were tried.", "fix", "outcome"
        )
        self._planned = self._gauge(
            "changes_planned", "Steps of the last round of remediation, ready or held.", "state"
        )
        for state in ("ready", "held"):
            self._planned.labels(state)
        self._kill_switch = self._gauge(
            "kill_switch", "1 while the kill switch of remediation is thrown, else 0."
        )

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        counter = Counter(PREFIX + name, told, labels, registry=None)
        self.add(f"{PREFIX}{name}_total", counter)
        return counter

    def _gauge(self, name: str, told: str, *labels: str) -> Gauge:
        gauge = Gauge(PREFIX + name, told, labels, registry=None)
        self.add(PREFIX + name, gauge)
        return gauge

    def _histogram(
        self, name: str, told: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        histogram = Histogram(PREFIX + name, told, labels, buckets=buckets, registry=None)
        self.add(PREFIX + name, histogram)
        return histogram


def _of(words: tuple[str, ...], word: str) -> str:
    return word if word in words else OTHER
