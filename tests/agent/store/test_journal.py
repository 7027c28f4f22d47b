"""The journal of changes on both backends: written ahead, read back whole, loud in ruins."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from structlog.testing import capture_logs

from agent.store.keeper import Keeper
from agent.store.opening import open_store
from agent.store.records import NotStorableError, StoreError
from agent.store.store import Store
from controls.guard import BREAKER_WINDOW
from controls.history import State
from controls.model import Ref
from controls.remedy import Entry, Outcome
from tests.agent.store.journaling import CALLS
from tests.agent.store.test_store import opened
from tests.controls.changes import ENTRIES, NOW, PLACE, call, change, entry

HERE = Path(__file__).resolve().parents[3]
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ROUNDS = 4


def ids(found: tuple[Entry, ...]) -> list[str]:
    return [one.id for one in found]


def damage(store: Store, identity: str, column: str = "document", value: str = "{}") -> None:
    """Some other program, or a disk, wrote into the row."""
    with store._engine.begin() as connection:
        broken = text(f"UPDATE changes SET {column} = :value WHERE id = :id")  # noqa: S608 - ours
        connection.execute(broken, {"value": value, "id": identity})


# ---------------------------------------------------------------- what comes back


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One SQLite store for many examples."""
    return f"sqlite:///{tmp_path_factory.mktemp('journal')}/t.db"


WRITTEN = st.lists(ENTRIES, min_size=1, max_size=4, unique_by=lambda one: one.id)


def _comes_back(url: str, written: list[Entry]) -> None:
    with opened(url) as store:
        for one in written:
            store.put(one)
        assert [store.entry(one.id) for one in written] == written
    with opened(url, lock=False) as store:
        found = {one.id: one for one in store.entries(limit=None)}
        assert [found[one.id] for one in written] == written


@given(written=WRITTEN)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_entry_comes_back_as_it_was_put(lasting: str, written: list[Entry]) -> None:
    _comes_back(lasting, written)


@given(written=WRITTEN)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_so_it_is_on_the_other_backend(postgres: str, written: list[Entry]) -> None:
    _comes_back(postgres, written)


def test_an_entry_is_followed_from_its_intent_to_its_undoing(url: str) -> None:
    intent = entry(change=change(calls=(call(), call())), outcome=None)
    steps = [
        intent,
        replace(intent, done=1),
        replace(intent, done=2, ended_at=NOW, outcome=Outcome.APPLIED, why="it reads so"),
        replace(intent, done=2, ended_at=NOW, outcome=Outcome.APPLIED, undone_by="e-2"),
    ]
    with opened(url) as store:
        for one in steps:
            store.put(one)
            assert store.entries() == (one,)
            assert store.entry("e-1") == one
        assert store.entry("e-2") is None


def test_what_is_written_last_about_an_entry_leaves_its_place(url: str) -> None:
    with opened(url) as store:
        for number in range(3):
            store.put(entry(f"e-{number}", outcome=None))
        store.put(entry("e-0"))

        assert ids(store.entries()) == ["e-2", "e-1", "e-0"]


def test_a_text_that_no_column_can_hold_keeps_no_change_out(url: str) -> None:
    one = entry("e\x00-1", change=change(summary="\x00 and \ud800"), why="AWS said \ud800\x00")
    with opened(url) as store:
        store.put(one)

        expected = replace(one, id="e\ufffd-1", why="AWS said \ufffd\ufffd")
        assert store.entry("e\x00-1") == expected
        assert store.entries() == (expected,)


def test_a_time_of_any_zone_is_the_same_moment(url: str) -> None:
    with opened(url) as store:
        store.put(replace(entry(), began_at=NOW.astimezone(timezone(2 * HOUR))))

        assert store.entries(since=NOW)[0].began_at == NOW


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"Days": float("nan")}, id="no number"),
        pytest.param({"Since": NOW}, id="a time"),
        pytest.param({"Body": b"{}"}, id="bytes"),
    ],
)
def test_what_json_cannot_hold_is_refused_before_it_is_made(url: str, params: object) -> None:
    one = entry(change=change(calls=(call(Configuration=params),)), outcome=None)
    with opened(url) as store, pytest.raises(NotStorableError, match=r"e-1.*be written down"):
        store.put(one)


def test_a_reader_beside_the_agent_may_look_and_not_write(url: str) -> None:
    with opened(url) as store, opened(url, lock=False) as beside:
        store.put(entry())
        assert beside.entries() == (entry(),)
        with pytest.raises(StoreError, match="for reading only"):
            beside.put(entry("e-2"))
        assert ids(store.entries()) == ["e-1"]


# ---------------------------------------------------------------- what is asked for

OTHER = Ref("redshift_cluster", "111122223333", "eu-west-1", "c-1")
PAST = (
    entry("e-old", 30 * DAY),
    entry("e-stuck", 20 * DAY, outcome=None),
    entry("e-cluster", 2 * HOUR, change=change(ref=OTHER)),
    entry("e-held", HOUR, outcome=Outcome.HELD),
    entry("e-now", outcome=None),
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param({}, ["e-now", "e-held", "e-cluster", "e-stuck", "e-old"], id="all"),
        pytest.param({"limit": 2}, ["e-now", "e-held"], id="the newest two"),
        pytest.param({"open_only": True}, ["e-now", "e-stuck"], id="what is open"),
        pytest.param({"resource": OTHER.id}, ["e-cluster"], id="of one resource"),
        pytest.param({"resource": "c-1"}, [], id="a resource goes by its id"),
        pytest.param(
            {"since": NOW - HOUR},
            ["e-now", "e-held", "e-stuck"],
            id="since a time: begun right then counts, and so does what is open since before",
        ),
        pytest.param(
            {"since": NOW - HOUR + timedelta(microseconds=1)},
            ["e-now", "e-stuck"],
            id="since a moment later",
        ),
        pytest.param(
            {"resource": PLACE.id, "open_only": True, "limit": 1}, ["e-now"], id="all together"
        ),
    ],
)
def test_entries_are_told_newest_first_as_they_are_asked_for(
    url: str, asked: dict[str, object], found: list[str]
) -> None:
    with opened(url) as store:
        for one in PAST:
            store.put(one)

        assert ids(store.entries(**asked)) == found  # type: ignore[arg-type]


def test_two_hundred_are_told_unless_all_are_asked_for(url: str) -> None:
    with opened(url) as store:
        for number in range(205):
            store.put(entry(f"e-{number:03}"))

        assert len(store.entries()) == 200
        assert len(store.entries(limit=None)) == 205


# ---------------------------------------------------------------- what is damaged

HARM = [
    pytest.param("document", "{}", id="an empty document"),
    pytest.param("document", '{"fix": ', id="half a document"),
    pytest.param("document", "null", id="no document"),
]


@pytest.mark.parametrize(("column", "value"), HARM)
def test_an_ended_change_that_is_damaged_is_left_out_and_said(
    url: str, column: str, value: str
) -> None:
    with opened(url) as store:
        store.put(entry("e-1"))
        store.put(entry("e-2"))
        damage(store, "e-1", column, value)

        with capture_logs() as logs:
            assert ids(store.entries()) == ["e-2"]
        assert [(log["event"], log["row"], log["id"]) for log in logs] == [
            ("store_row_damaged", "change", "e-1")
        ]
        with pytest.raises(StoreError, match=r"Change e-1 .*has ended .applied"):
            store.entry("e-1")


@pytest.mark.parametrize(("column", "value"), HARM)
def test_an_open_change_that_is_damaged_is_named_and_stops_every_reading(
    url: str, column: str, value: str
) -> None:
    said = f"Change e-1 .block_public_access on {PLACE.id}, .*is still open.*outcome to 'partial'"
    with opened(url) as store:
        store.put(entry("e-1", outcome=None))
        store.put(entry("e-2"))
        damage(store, "e-1", column, value)

        for asked in ({}, {"open_only": True}, {"since": NOW + DAY}):
            with pytest.raises(StoreError, match=said):
                store.entries(**asked)  # type: ignore[arg-type]
        with pytest.raises(StoreError, match=said):
            store.entry("e-1")

        damage(store, "e-1", "outcome", "partial")  # as the message says
        assert ids(store.entries()) == ["e-2"]


def test_an_outcome_of_no_known_name_is_damage(url: str) -> None:
    with opened(url) as store:
        store.put(entry("e-1"))
        damage(store, "e-1", "outcome", "celebrated")

        with capture_logs() as logs:
            assert store.entries() == ()
        assert logs[0]["event"] == "store_row_damaged"


# ---------------------------------------------------------------- what is old


def test_pruning_keeps_what_is_open_and_a_week_more_than_other_history(url: str) -> None:
    before = NOW - 10 * DAY
    last_look = before - BREAKER_WINDOW
    second = timedelta(seconds=1)
    kept = [
        entry("e-open", 900 * DAY, outcome=None),
        replace(entry("e-edge", 30 * DAY), ended_at=last_look),
        replace(entry("e-long", 900 * DAY), ended_at=last_look + second),
        entry("e-young"),
    ]
    gone = [
        replace(entry("e-gone", 30 * DAY), ended_at=last_look - second),
        replace(entry("e-held", 30 * DAY), ended_at=None, outcome=Outcome.HELD),
    ]
    with opened(url) as store:
        for one in (*kept, *gone):
            store.put(one)

        assert store.prune(before) == len(gone)
        assert set(ids(store.entries())) == set(ids(tuple(kept)))
        assert store.prune(before) == 0


# ---------------------------------------------------------------- durable


def test_sqlite_commits_to_the_disk_before_it_returns(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path}/t.db") as store:
        assert store._writer is not None
        mode = store._writer.exec_driver_sql("PRAGMA synchronous").scalar()
        store._writer.rollback()

    assert mode == 2  # FULL


def test_what_was_written_down_is_there_after_kill_9(url: str) -> None:
    chance = random.Random(20261122)  # noqa: S311 - moments that can be repeated
    for round_ in range(ROUNDS):
        said = _said_until_killed(url, round_, chance)
        assert len(said) >= 3
        with opened(url) as store:
            found = {one.id: one for one in store.entries(limit=None)}
            assert set(said) <= set(found)
            for identity, (done, outcome) in said.items():
                one = found[identity]
                if identity != max(said):
                    assert (one.done, one.outcome) == (CALLS, Outcome.APPLIED)
                else:  # the last may have been killed between writing and saying
                    assert one.done in (done, done + 1)
                    assert (one.outcome or "open") in (outcome, Outcome.APPLIED)
                    assert one.outcome is None or one.done == CALLS
            first = f"change-{round_ * 100_000:06}"
            assert len([one for one in found if one >= first and one not in said]) <= 1
            assert len(store.entries(open_only=True)) <= round_ + 1


def _said_until_killed(url: str, round_: int, chance: random.Random) -> dict[str, tuple[int, str]]:
    """What the process said last of each entry: how many calls were done, and the outcome."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.agent.store.journaling", url, str(round_ * 100_000)],
        stdout=subprocess.PIPE,
        cwd=HERE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(chance.randint(15, 60))]
        killer = threading.Timer(chance.uniform(0, 0.02), child.kill)
        killer.start()
        lines += child.stdout.readlines()
        killer.join()
    assert child.returncode == -9
    words = [line.split() for line in lines if line.endswith("\n")]
    return {identity: (int(done), outcome) for identity, done, outcome in words}


# ---------------------------------------------------------------- the keeper


class Clock:
    """A monotonic clock that stands still until it is told."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def test_the_keeper_writes_and_tells_changes(url: str) -> None:
    keeper = Keeper(url, history_days=400)
    keeper.open()
    for one in PAST:
        keeper.journal(one)

    assert ids(keeper.entries(open_only=True)) == ["e-now", "e-stuck"]
    assert ids(keeper.entries(since=NOW, resource=PLACE.id, limit=1)) == ["e-now"]
    assert keeper.entry("e-held") == PAST[3]
    assert keeper.entry("e-none") is None
    keeper.close()
    with opened(url) as store:
        assert store.entries() == PAST[::-1]


def test_a_store_that_is_not_there_takes_no_change_and_keeps_none_for_later(
    url: str, request: pytest.FixtureRequest
) -> None:
    clock = Clock()
    keeper = Keeper(url, history_days=400, monotonic=clock)
    with pytest.raises(StoreError, match="not open yet"):
        keeper.journal(entry())
    keeper.open()
    keeper.journal(entry("e-1"))
    _lose(url, keeper, request)

    with capture_logs() as logs, pytest.raises(StoreError):
        keeper.journal(entry("e-2"))
    assert not keeper.up
    assert [log["event"] for log in logs] == ["store_down"]
    for asked in (keeper.entries, lambda: keeper.entry("e-1"), lambda: keeper.journal(entry())):
        with pytest.raises(StoreError):
            asked()

    _give_back(url)
    clock.seconds += 100
    keeper.tick()
    assert keeper.up
    assert keeper.entry("e-2") is None
    keeper.journal(entry("e-3"))
    assert ids(keeper.entries()) == ["e-3", "e-1"]
    keeper.close()
    with pytest.raises(StoreError, match="stopping"):
        keeper.journal(entry("e-4"))


def _lose(url: str, keeper: Keeper, request: pytest.FixtureRequest) -> None:
    """The file is taken away; the server cuts the connection that has the lock."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        path.rename(path.with_suffix(".away"))
    else:
        server = request.getfixturevalue("postgres_server")
        server.disconnect(url.rpartition("/")[2])


def _give_back(url: str) -> None:
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        path.with_suffix(".away").rename(path)


def test_a_change_that_cannot_be_written_does_not_take_the_store_down(url: str) -> None:
    keeper = Keeper(url, history_days=400)
    keeper.open()
    with pytest.raises(NotStorableError):
        keeper.journal(entry(change=change(calls=(call(Since=NOW),))))

    assert keeper.up
    assert keeper.entries() == ()
    keeper.close()


def test_changes_and_sweeps_are_written_beside_each_other(url: str) -> None:
    keeper = Keeper(url, history_days=400)
    assert keeper.open() == State(stale=True)
    failed: list[Exception] = []

    def write(name: str) -> None:
        try:
            for number in range(10):
                keeper.journal(entry(f"{name}-{number}", outcome=None))
                keeper.journal(entry(f"{name}-{number}"))
        except Exception as error:  # noqa: BLE001 - whatever a writer meets fails the test
            failed.append(error)

    writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert failed == []
    assert len(keeper.entries()) == 30
    assert keeper.entries(open_only=True) == ()
    keeper.close()


def test_a_damaged_open_change_does_not_take_the_store_down(url: str) -> None:
    with opened(url) as store:
        store.put(entry("e-1", outcome=None))
        damage(store, "e-1")
    keeper = Keeper(url, history_days=400)
    keeper.open()
    with pytest.raises(StoreError, match="Change e-1"):
        keeper.entries(open_only=True)

    assert keeper.up
    keeper.journal(entry("e-2"))
    keeper.close()
    assert ids(open_and_read(url, "e-2")) == ["e-2"]


def open_and_read(url: str, identity: str) -> tuple[Entry, ...]:
    store = open_store(url)
    found = store.entry(identity)
    store.close()
    return (found,) if found else ()
