"""What the agent holds of its store: it writes before anything is published, and waits out what
goes wrong."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from agent.store.address import parse_address
from agent.store.opening import open_store
from agent.store.records import Day, NotStorableError, StoreError, StoreRefusedError, SweepRecord
from agent.store.store import Store
from controls.history import Event, State
from controls.history_advance import reconcile
from controls.remedy import Entry

WAITING_SWEEPS = 1_000
WAITING_EVENTS = 100_000

_FIRST_RETRY = 2.0
_LAST_RETRY = 60.0
_PING_SECONDS = 30.0
_FIRST_PRUNE = 3_600.0
"""A clock that is wrong when the machine starts has been set right by then."""
_PRUNE_SECONDS = 86_400.0


class Keeper:
    """The store, up or down. Safe for threads: one writes at a time, reading waits for nobody.

    While the store is down, sweeps and events wait here, so many at most, and reading raises
    StoreError. If the agent had to start without it, the stored state is joined to the current
    one by the first `keep` after it is back: that is the one place where a state is replaced, so
    no sweep can advance from a state that has just been exchanged.
    """

    def __init__(
        self, url: str, *, history_days: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Opens nothing yet. Raises StoreRefusedError for a URL that is none."""
        self.where = parse_address(url).where
        self.problem = ""
        self._url = url
        self._history = timedelta(days=history_days)
        self._monotonic = monotonic
        self._lock = threading.RLock()
        self._store: Store | None = None
        self._closed = False
        self._state: State | None = None
        self._sweeps: deque[SweepRecord] = deque()
        self._events: deque[Event] = deque()
        self._dropped = 0
        self._unjoined: State | None = None
        """What the store holds and the current state does not know of yet."""
        self._newest: str | None = None
        """The sweep that stood last in the store; None until it was read for the first time."""
        self._down_since = 0.0
        self._retry_in = _FIRST_RETRY
        self._next_try = 0.0
        self._next_ping = 0.0
        self._next_prune = 0.0
        self._clock: tuple[datetime, float] | None = None

    @property
    def up(self) -> bool:
        """Whether the store can be written, as far as is known."""
        return self._store is not None

    @property
    def pending(self) -> int:
        """Sweeps that wait to be written."""
        return len(self._sweeps)

    # ------------------------------------------------------------ the agent's side

    def open(self) -> State:
        """The stored state, all stale; an empty one where the store cannot be reached now.

        Raises:
            StoreRefusedError: the store must not be used.
        """
        with self._lock:
            self._next_prune = self._monotonic() + _FIRST_PRUNE
            try:
                self._open()
            except StoreError as error:
                self._fell(error)
                return State()
            stored, self._unjoined = self._unjoined, None
            return stored or State()

    def keep(self, sweep: SweepRecord, state: State, events: Sequence[Event]) -> State:
        """Write a sweep with what it found, then give back the state to publish.

        That is the one given, or the one joined with what was stored. Where the store cannot be
        written the sweep waits here. Never raises for the store's sake.
        """
        with self._lock:
            self._clock = self._clock or (sweep.ended_at, self._monotonic())
            self._state = state
            self._sweeps.append(sweep)
            self._events.extend(events)
            self._bound()
            self._try_again()
            self._join()
            self._flush()
            return self._state

    def journal(self, entry: Entry) -> None:
        """Write a change down; durable on return. It never waits here, as sweeps do.

        Raises:
            StoreError: it is not written. Then nothing may be changed.
        """
        with self._lock:
            store = self._there()
            try:
                store.put(entry)
            except NotStorableError:
                raise
            except StoreError as error:
                self._fell(error)
                raise

    def tick(self) -> None:
        """Every few seconds: reach for a store that is down, and once a day prune one that is up.

        What waits is written as soon as the store is back; only where the agent started without
        it, that waits for the next `keep`.
        """
        with self._lock:
            self._try_again()
            if self._unjoined is None:
                self._flush()
            self._look()
            self._prune()

    def close(self) -> None:
        """Write what waits, if the store is up, and let go of it. Never raises."""
        with self._lock:
            if self._store is not None and self._state is not None:
                self._join()
                self._flush()
            self._closed = True
            self.problem = "The store is closed: the agent is stopping."
            self._drop_store()

    # ------------------------------------------------------------ readers

    def events(
        self, *, resource: str = "", since: datetime | None = None, limit: int = 200
    ) -> tuple[Event, ...]:
        """The newest first; of one resource (`Ref.id`) if named. Raises StoreError."""
        return self._there().events(resource=resource, since=since, limit=limit)

    def sweeps(self, limit: int = 50) -> tuple[SweepRecord, ...]:
        """The newest first. Raises StoreError."""
        return self._there().sweeps(limit)

    def days(self, since: datetime) -> tuple[Day, ...]:
        """Findings by day, the oldest first. Raises StoreError."""
        return self._there().days(since)

    def entries(
        self,
        *,
        since: datetime | None = None,
        resource: str = "",
        open_only: bool = False,
        limit: int | None = 200,
    ) -> tuple[Entry, ...]:
        """Changes as `Store.entries` gives them. Raises StoreError."""
        return self._there().entries(
            since=since, resource=resource, open_only=open_only, limit=limit
        )

    def entry(self, identity: str) -> Entry | None:
        """The change with this id. Raises StoreError."""
        return self._there().entry(identity)

    def _there(self) -> Store:
        store = self._store
        if store is None:
            raise StoreError(self.problem or f"The store {self.where} is not open yet.")
        return store

    # ------------------------------------------------------------ up and down

    def _open(self) -> None:
        """Open the store and see whether it is as we left it. Raises StoreError."""
        store = open_store(self._url)
        try:
            newest = store.newest_sweep()
            ours = {self._newest, *(sweep.id for sweep in self._sweeps)}
            # The newest is one of ours, too, where the answer to its commit was lost. Another's
            # means: never read, another agent in between, or put back from a copy.
            unjoined = None if newest in ours else store.load()
        except BaseException:
            store.close()
            raise
        self._unjoined = unjoined or self._unjoined
        self._newest = newest
        self._store = store
        self.problem = ""
        self._retry_in = _FIRST_RETRY
        self._next_ping = self._monotonic() + _PING_SECONDS

    def _try_again(self) -> None:
        if self._store is not None or self._closed or self._monotonic() < self._next_try:
            return
        try:
            self._open()
        except (StoreError, StoreRefusedError) as error:
            self.problem = str(error)
            self._retry_in = min(self._retry_in * 2, _LAST_RETRY)
            self._next_try = self._monotonic() + self._retry_in
            return
        structlog.get_logger().info(
            "store_back",
            where=self.where,
            pending_sweeps=len(self._sweeps),
            pending_events=len(self._events),
            dropped=self._dropped,
            down_seconds=round(self._monotonic() - self._down_since, 1),
        )
        self._dropped = 0

    def _fell(self, error: StoreError) -> None:
        self._drop_store()
        self.problem = str(error)
        self._down_since = self._monotonic()
        self._retry_in = _FIRST_RETRY
        self._next_try = self._down_since + self._retry_in
        structlog.get_logger().error("store_down", where=self.where, problem=self.problem)

    def _drop_store(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            store.close()

    # ------------------------------------------------------------ what waits

    def _bound(self) -> None:
        """An outage of weeks must not eat the memory: the oldest go first, and it is said."""
        over = max(0, len(self._sweeps) - WAITING_SWEEPS)
        over += max(0, len(self._events) - WAITING_EVENTS)
        if over and not self._dropped:
            structlog.get_logger().error(
                "store_dropping",
                where=self.where,
                problem="What waits for the store is more than is kept; the oldest is dropped.",
            )
        self._dropped += over
        while len(self._sweeps) > WAITING_SWEEPS:
            self._sweeps.popleft()
        while len(self._events) > WAITING_EVENTS:
            self._events.popleft()

    def _join(self) -> None:
        """The events of the join lead from what is stored to now: they replace what waited."""
        if self._store is None or self._unjoined is None or self._state is None:
            return
        self._state, events = reconcile(self._unjoined, self._state)
        self._unjoined = None
        self._events = deque(events)

    def _flush(self) -> None:
        if self._store is None or self._state is None or not self._sweeps:
            return
        try:
            self._store.write(tuple(self._sweeps), self._state, tuple(self._events))
        except StoreError as error:
            self._fell(error)
            return
        self._newest = self._sweeps[-1].id
        self._sweeps.clear()
        self._events.clear()

    # ------------------------------------------------------------ now and then

    def _look(self) -> None:
        """A store that is gone is to be noticed before the next sweep wants to be written."""
        if self._store is None or self._monotonic() < self._next_ping:
            return
        self._next_ping = self._monotonic() + _PING_SECONDS
        try:
            self._store.ping()
        except StoreError as error:
            self._fell(error)

    def _prune(self) -> None:
        if self._store is None or self._clock is None or self._monotonic() < self._next_prune:
            return
        self._next_prune = self._monotonic() + _PRUNE_SECONDS
        # By the time of the first sweep and what has passed since: a clock that jumps ahead must
        # not take the history with it.
        began, then = self._clock
        now = began + timedelta(seconds=self._monotonic() - then)
        try:
            rows = self._store.prune(now - self._history)
        except StoreError as error:
            self._fell(error)
            return
        structlog.get_logger().info("store_pruned", where=self.where, rows=rows)
