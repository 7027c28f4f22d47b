"""The keeper: up, down at start, lost later, and back, without losing what was published."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.store import keeper as keeper_module
from agent.store.keeper import Keeper
from agent.store.opening import open_store
from agent.store.records import StoreError, StoreRefusedError
from agent.store.store import Store
from controls.history import Happening, State
from controls.model import Status
from tests.agent.store import states
from tests.agent.store.states import QUARTER, START, drifting, finding, swept
from tests.agent.store.test_store import as_restored, opened, replayed, unsettled
from tests.postgres import PASSWORD, QUOTED, Server


@dataclass
class Clock:
    """A monotonic clock that stands still until it is told."""

    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """Monotonic."""
    return Clock()


def keeping(url: str, clock: Clock, days: int = 400) -> Keeper:
    """A keeper of that store, not opened."""
    return Keeper(url, history_days=days, monotonic=clock)


def run(keeper: Keeper, state: State, number: int) -> State:
    """One sweep: what is published after it."""
    record, state, events = swept(state, number, drifting(number))
    return keeper.keep(record, state, events)


@pytest.fixture
def stoppable(postgres_server: Server) -> Iterator[Server]:
    """The server, for a test that stops it; it runs again afterwards."""
    yield postgres_server
    if not (postgres_server.folder / "data" / "postmaster.pid").exists():
        postgres_server.start()


# ---------------------------------------------------------------- up


def test_what_was_kept_is_there_for_the_next_agent(url: str, clock: Clock) -> None:
    keeper = keeping(url, clock)
    state = keeper.open()
    assert state == State(stale=True)
    for number in range(3):
        record, state, events = swept(state, number, drifting(number))
        assert keeper.keep(record, state, events) is state
        assert (keeper.up, keeper.problem, keeper.pending) == (True, "", 0)
    told = keeper.events(), keeper.sweeps(), keeper.days(START)
    keeper.close()

    after = keeping(url, clock)
    restored = after.open()
    assert as_restored(restored) == as_restored(state)
    assert restored.stale
    assert (after.events(), after.sweeps(), after.days(START)) == told
    after.close()


def test_a_store_that_must_not_be_used_stops_the_agent(url: str, clock: Clock) -> None:
    with opened(url), pytest.raises(StoreRefusedError, match="another agent"):
        keeping(url, clock).open()


def test_where_the_store_is_holds_no_password(postgres_server: Server, clock: Clock) -> None:
    where = keeping(postgres_server.url() + "?sslpassword=hunter2", clock).where

    assert where == f"postgresql://postgres@127.0.0.1:{postgres_server.port}/postgres"


def test_reading_from_many_threads_goes_on_while_sweeps_are_kept(url: str, clock: Clock) -> None:
    keeper = keeping(url, clock)
    state = keeper.open()
    stop, failed = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            try:
                keeper.events(limit=20)
                keeper.sweeps(5)
                keeper.days(START)
            except Exception as error:  # noqa: BLE001 - whatever a reader meets fails the test
                failed.append(error)
                return

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(25):
        state = run(keeper, state, number)
    stop.set()
    for reader in readers:
        reader.join()
    keeper.close()

    assert failed == []
    assert not keeper.up


def test_a_keeper_that_is_closed_says_so(url: str, clock: Clock) -> None:
    keeper = keeping(url, clock)
    with pytest.raises(StoreError, match="not open yet"):
        keeper.events()
    keeper.open()
    keeper.close()
    keeper.close()
    clock.seconds += 1_000
    keeper.tick()

    assert not keeper.up
    with pytest.raises(StoreError, match="stopping"):
        keeper.sweeps()


# ---------------------------------------------------------------- down at start


def test_an_agent_that_starts_without_its_store_joins_it_when_it_is_back(
    stoppable: Server, postgres: str, clock: Clock
) -> None:
    before = [finding(Status.FAIL, "c-1"), finding(Status.PASS, "c-2"), finding(Status.FAIL, "c-3")]
    record, stored, events = swept(State(), 0, before)
    with opened(postgres) as store:
        store.write((record,), stored, events)
    stoppable.stop()

    keeper = keeping(postgres, clock)
    with capture_logs() as logs:
        state = keeper.open()
        assert state == State()
        assert not keeper.up
        assert "cannot be opened" in keeper.problem
        now = [finding(Status.FAIL, "c-1"), finding(Status.FAIL, "c-2")]
        for number in (1, 2):
            record, state, events = swept(state, number, now)
            assert keeper.keep(record, state, events) is state
            clock.seconds += 100
            keeper.tick()
        assert keeper.pending == 2
        with pytest.raises(StoreError, match="cannot be opened"):
            keeper.events()

        stoppable.start()
        clock.seconds += 100
        keeper.tick()
        assert keeper.up
        record, state, events = swept(state, 3, now)
        joined = keeper.keep(record, state, events)

    assert keeper.pending == 0
    assert joined.findings[now[0].id].since == START
    assert joined.findings[now[0].id].first_seen == START
    happened = {(one.ref.name, one.happening) for one in keeper.events()}
    assert happened == {
        ("c-1", Happening.OPENED),
        ("c-2", Happening.OPENED),
        ("c-3", Happening.OPENED),
        ("c-3", Happening.WITHDRAWN),
    }
    assert len(keeper.events()) == 4
    assert [one.id for one in keeper.sweeps()] == [f"sweep-00000{n}" for n in (3, 2, 1, 0)]
    keeper.close()
    with opened(postgres) as store:
        assert as_restored(store.load()) == as_restored(joined)
        assert replayed(store) == unsettled(joined)
    assert [log["event"] for log in logs] == ["store_down", "store_back"]
    assert (logs[1]["pending_sweeps"], logs[1]["dropped"]) == (2, 0)
    assert not [log for log in logs if PASSWORD in str(log) or QUOTED in str(log)]


def test_a_failed_first_sweep_publishes_what_was_stored(
    stoppable: Server, postgres: str, clock: Clock
) -> None:
    record, stored, events = swept(State(), 0, [finding(Status.FAIL)])
    with opened(postgres) as store:
        store.write((record,), stored, events)
    stoppable.stop()
    keeper = keeping(postgres, clock)
    state = keeper.open()
    stoppable.start()
    clock.seconds += 100

    failed = replace(states.sweep(1, START + QUARTER), outcome="failed", reason="no credentials")
    published = keeper.keep(failed, state, ())

    assert as_restored(published) == as_restored(stored)
    assert published.stale
    assert keeper.sweeps()[0] == failed
    keeper.close()


# ---------------------------------------------------------------- lost later


def test_a_store_that_is_lost_gets_everything_when_it_is_back(
    stoppable: Server, postgres: str, clock: Clock
) -> None:
    keeper = keeping(postgres, clock)
    with capture_logs() as logs:
        state = run(keeper, keeper.open(), 0)
        stoppable.stop()
        clock.seconds += 60
        keeper.tick()
        assert not keeper.up  # noticed before the next sweep
        for number in (1, 2, 3):
            state = run(keeper, state, number)
            clock.seconds += 60
            keeper.tick()
        assert keeper.pending == 3

        stoppable.start()
        clock.seconds += 120
        keeper.tick()

    assert (keeper.up, keeper.pending, keeper.problem) == (True, 0, "")
    keeper.close()
    assert [log["event"] for log in logs] == ["store_down", "store_back"]
    with opened(postgres) as store:
        assert [one.id for one in store.sweeps()] == [f"sweep-00000{n}" for n in (3, 2, 1, 0)]
        assert as_restored(store.load()) == as_restored(state)
        assert replayed(store) == unsettled(state)


def _cannot_write(keeper: Keeper, server: Server | None, url: str) -> None:
    """The file may not grow by a page; the server has become a standby that only reads."""
    if server is None:
        assert keeper._store is not None
        assert keeper._store._writer is not None
        writer = keeper._store._writer
        pages = writer.exec_driver_sql("PRAGMA page_count").scalar()
        writer.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        writer.rollback()
        return
    name = url.rpartition("/")[2]
    server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    server.disconnect(name)


def test_a_store_that_cannot_be_written_recovers(
    url: str, clock: Clock, request: pytest.FixtureRequest
) -> None:
    server = None if url.startswith("sqlite") else request.getfixturevalue("postgres_server")
    keeper = keeping(url, clock)
    state = run(keeper, keeper.open(), 0)
    _cannot_write(keeper, server, url)

    many = [finding(Status.FAIL, f"c-{number}") for number in range(300)]
    record, state, events = swept(state, 1, many)
    assert keeper.keep(record, state, events) is state
    assert not keeper.up
    assert keeper.pending == 1
    if server is None:
        assert "database or disk is full. Make room" in keeper.problem
    else:
        clock.seconds += 60
        keeper.tick()
        assert "read-only" in keeper.problem
        name = url.rpartition("/")[2]
        server.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")

    clock.seconds += 120
    keeper.tick()  # the new connection may grow the file: there is room again
    assert (keeper.up, keeper.pending) == (True, 0)
    keeper.close()
    with opened(url) as store:
        assert as_restored(store.load()) == as_restored(state)
        assert replayed(store) == unsettled(state)


def test_another_agent_that_took_over_is_said_and_its_history_joined(
    postgres_server: Server, postgres: str, clock: Clock
) -> None:
    keeper = keeping(postgres, clock)
    record, state, events = swept(keeper.open(), 0, [finding(Status.PASS, "c-1")])
    state = keeper.keep(record, state, events)
    name = postgres.rpartition("/")[2]
    postgres_server.disconnect(name)
    with opened(postgres) as other:
        record, theirs, events = swept(other.load(), 1, [finding(Status.FAIL, "c-1")])
        other.write((replace(record, id="theirs"),), theirs, events)
        clock.seconds += 60
        keeper.tick()  # notices that the connection is gone
        clock.seconds += 60
        keeper.tick()  # and that another has the lock
        assert not keeper.up
        assert "in use by another agent" in keeper.problem

    clock.seconds += 120
    keeper.tick()
    record, state, events = swept(state, 2, [finding(Status.FAIL, "c-1")])
    joined = keeper.keep(record, state, events)

    assert joined.findings.keys() == theirs.findings.keys()
    assert keeper.pending == 0
    assert [one.happening for one in keeper.events()] == [Happening.OPENED]
    keeper.close()


def test_a_commit_whose_answer_was_lost_is_not_written_twice(
    url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = keeping(url, clock)
    state = run(keeper, keeper.open(), 0)
    write = Store.write

    def lost(*call: object) -> None:
        write(*call)  # type: ignore[arg-type]  # whatever it was called with
        raise StoreError("the answer was lost")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "write", lost)
        state = run(keeper, state, 1)
    assert keeper.pending == 1

    clock.seconds += 60
    keeper.tick()
    state = run(keeper, state, 2)
    keeper.close()

    with opened(url) as store:
        assert [one.id for one in store.sweeps()] == [f"sweep-00000{n}" for n in (2, 1, 0)]
        assert as_restored(store.load()) == as_restored(state)
        happened = store.events(limit=10_000)
        assert len(happened) == len(set(happened))
        assert replayed(store) == unsettled(state)


def test_a_file_that_was_removed_is_made_anew_with_all_that_is_known(
    tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "t.db"
    keeper = keeping(f"sqlite:///{path}", clock)
    state = run(keeper, keeper.open(), 0)
    for name in ("t.db", "t.db-wal", "t.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)

    state = run(keeper, state, 1)
    assert "removed or replaced" in keeper.problem
    clock.seconds += 60
    state = run(keeper, state, 2)

    assert (keeper.up, keeper.pending) == (True, 0)
    keeper.close()
    with opened(f"sqlite:///{path}") as store:
        assert as_restored(store.load()) == as_restored(state)
        assert replayed(store) == unsettled(state)


# ---------------------------------------------------------------- how long and how much it waits


def test_retries_come_less_and_less_often_up_to_a_minute(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[float] = []

    def unreachable(_: str) -> Store:
        tried.append(clock.seconds)
        raise StoreError("no route to the store")

    monkeypatch.setattr(keeper_module, "open_store", unreachable)
    keeper = keeping(f"sqlite:///{tmp_path}/t.db", clock)
    with capture_logs() as logs:
        keeper.open()
        for _ in range(400):
            clock.seconds += 1
            keeper.tick()

    waits = [round(after - before) for before, after in pairwise(tried)]
    assert waits[:6] == [2, 4, 8, 16, 32, 60]
    assert set(waits[6:]) == {60}
    assert [log["event"] for log in logs] == ["store_down"]


def test_of_what_waits_too_long_the_oldest_is_dropped_and_that_is_said(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(_: str) -> Store:
        raise StoreError("no route to the store")

    monkeypatch.setattr(keeper_module, "WAITING_SWEEPS", 3)
    monkeypatch.setattr(keeper_module, "WAITING_EVENTS", 10)
    url = f"sqlite:///{tmp_path}/t.db"
    keeper = keeping(url, clock)
    state = keeper.open()
    clock.seconds += 1
    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr(keeper_module, "open_store", unreachable)
        assert keeper._store is not None
        keeper._store.close()
        for number in range(8):
            state = run(keeper, state, number)
        assert keeper.pending == 3
        assert len(keeper._events) == 10
    clock.seconds += 120
    with capture_logs() as later:
        keeper.tick()

    assert [log["event"] for log in logs] == ["store_down", "store_dropping"]
    assert later[0]["event"] == "store_back"
    assert later[0]["dropped"] > 5
    assert [one.id for one in keeper.sweeps()] == [f"sweep-00000{n}" for n in (7, 6, 5)]
    assert len(keeper.events()) == 10
    keeper.close()
    with opened(url) as store:
        assert as_restored(store.load()) == as_restored(state)


def test_what_waits_is_written_when_the_agent_stops(
    url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = keeping(url, clock)
    state = keeper.open()

    def fails(*_: object) -> None:
        raise StoreError("for a moment")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "write", fails)
        state = run(keeper, state, 0)
    clock.seconds += 60
    keeper._try_again()  # it is back, and no tick came since
    assert keeper.pending == 1
    keeper.close()

    with opened(url) as store:
        assert as_restored(store.load()) == as_restored(state)


# ---------------------------------------------------------------- history of so many days


def test_history_is_pruned_after_an_hour_and_then_daily(url: str, clock: Clock) -> None:
    old = START - timedelta(days=500)
    with opened(url) as store:
        for number, status in enumerate((Status.FAIL, Status.PASS)):
            before = store.load() if number else State()
            at = old + number * QUARTER
            record, state, events = swept(before, number, [finding(status)], at=at)
            store.write((record,), state, events)
    keeper = keeping(url, clock)
    state = run(keeper, keeper.open(), 5)

    clock.seconds += 3_500
    keeper.tick()
    assert len(keeper.sweeps()) == 3
    with capture_logs() as logs:
        clock.seconds += 200
        keeper.tick()
        clock.seconds += 3_600
        keeper.tick()
    assert [log["event"] for log in logs] == ["store_pruned"]
    assert logs[0]["rows"] == 4
    assert [one.id for one in keeper.sweeps()] == ["sweep-000005"]
    assert min(one.at for one in keeper.events()) > START
    keeper.close()


def test_a_clock_that_jumps_ahead_takes_no_history_with_it(url: str, clock: Clock) -> None:
    keeper = keeping(url, clock)
    state = keeper.open()
    for number, status in enumerate((Status.FAIL, Status.PASS)):
        record, state, events = swept(state, number, [finding(status)])
        state = keeper.keep(record, state, events)
    jump = START + timedelta(days=5_000)
    record, state, events = swept(state, 2, [finding(Status.PASS)], at=jump)
    keeper.keep(record, state, events)

    clock.seconds += 4_000
    keeper.tick()

    assert len(keeper.events()) == 2
    assert len(keeper.sweeps()) == 3
    keeper.close()


def test_opening_is_free_again_once_the_keeper_is_closed(url: str, clock: Clock) -> None:
    keeper = keeping(url, clock)
    keeper.open()
    keeper.close()
    open_store(url).close()
