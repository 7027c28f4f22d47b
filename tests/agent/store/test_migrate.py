"""The migrations give exactly the tables of the code, from empty and from every version."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from agent import __version__
from agent.store.address import parse_address
from agent.store.migrate import configuration, head, version_of
from agent.store.opening import open_store
from agent.store.probe import probe
from agent.store.records import StoreRefusedError
from agent.store.schema import METADATA, VERSION_TABLE
from controls.history import State
from controls.remedy import Outcome
from tests.agent.store.states import drifting, swept
from tests.agent.store.test_store import as_restored, opened, replayed, unsettled
from tests.postgres import Server

DATA = Path(__file__).with_name("data")
CHANGES = [
    ("e-4", None),
    ("e-3", Outcome.REFUSED),
    ("e-2", Outcome.UNDONE),
    ("e-1", Outcome.APPLIED),
]
"""What stands in the journal of every version that has one."""


def test_the_migrations_make_exactly_the_tables_of_the_code(url: str) -> None:
    with opened(url) as store, store._engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_server_default": True}
        )
        assert compare_metadata(context, METADATA) == []
        made = inspect(connection).get_table_names()

    assert set(made) == {*METADATA.tables, VERSION_TABLE}


def test_the_migrations_give_sqlite_the_words_that_the_code_would(tmp_path: Path) -> None:
    """What the comparison does not see: AUTOINCREMENT, keys, what is unique."""
    open_store(f"sqlite:///{tmp_path}/by_migration.db").close()
    engine = create_engine(f"sqlite:///{tmp_path}/by_code.db")
    METADATA.create_all(engine)
    engine.dispose()

    def words(name: str) -> set[str]:
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
            written = {" ".join(row[0].split()) for row in found}
        return {one for one in written if VERSION_TABLE not in one}

    assert words("by_migration.db") == words("by_code.db")


def test_the_chain_has_one_end_and_no_gap() -> None:
    scripts = ScriptDirectory.from_config(configuration())
    chain = [script.revision for script in scripts.walk_revisions()]

    assert chain == [f"{number:04}" for number in range(len(chain), 0, -1)]
    assert chain[0] == head()


def test_opening_again_changes_nothing(url: str) -> None:
    record, state, events = swept(State(), 0, drifting(0))
    with opened(url) as store:
        store.write((record,), state, events)
    for _ in range(2):
        with opened(url) as store:
            assert as_restored(store.load()) == as_restored(state)


@pytest.mark.parametrize("script", sorted(path.name for path in DATA.glob("*.sql")))
def test_a_store_of_every_released_version_opens_with_all_that_is_in_it(
    tmp_path: Path, script: str
) -> None:
    path = tmp_path / "t.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((DATA / script).read_text(encoding="ascii"))
        findings = dict(connection.execute("SELECT id, status FROM findings").fetchall())
        ((events, newest),) = connection.execute(
            "SELECT (SELECT count(*) FROM events), (SELECT max(id) FROM sweeps)"
        )
        journal = "SELECT count(*) FROM sqlite_master WHERE name = 'changes'"
        has_changes = connection.execute(journal).fetchone() == (1,)

    with opened(f"sqlite:///{path}") as store:
        state = store.load()
        assert {key: one.finding.status.value for key, one in state.findings.items()} == findings
        assert len(store.events(limit=10_000)) == events > 20
        assert store.newest_sweep() == newest
        assert replayed(store) == unsettled(state)
        changes = [(one.id, one.outcome) for one in store.entries()]
        assert changes == (CHANGES if has_changes else [])
        with store._engine.connect() as connection:
            assert version_of(connection) == head()


def test_there_is_a_store_of_every_version_to_try() -> None:
    scripts = ScriptDirectory.from_config(configuration())

    assert {path.stem for path in DATA.glob("*.sql")} == {
        script.revision for script in scripts.walk_revisions()
    }


def _make_newer(url: str, version: str) -> None:
    engine = create_engine(parse_address(url).url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE trailkeeper_version SET version_num = '9001'"))
        if version:
            told = text("UPDATE meta SET value = :version WHERE name = 'agent_version'")
            connection.execute(told, {"version": f'"{version}"'})
        else:
            connection.execute(text("DROP TABLE meta"))
    engine.dispose()


@pytest.mark.parametrize(
    ("version", "said"),
    [
        pytest.param("7.3.1", "Run Trailkeeper 7.3.1 or newer", id="it says which"),
        pytest.param("", "Run the newest Trailkeeper", id="nothing else can be read"),
    ],
)
def test_a_store_of_a_newer_version_is_refused(url: str, version: str, said: str) -> None:
    open_store(url).close()
    _make_newer(url, version)

    for lock in (True, False):
        with pytest.raises(StoreRefusedError, match=rf"newer version.*9001.*{said}"):
            open_store(url, lock=lock)
    found = probe(url)[-1]
    assert not found.ok
    assert said in found.advice or said in found.what


def test_the_version_that_migrated_is_signed_before_its_first_sweep(url: str) -> None:
    with opened(url) as store, store._engine.connect() as connection:
        signed = connection.execute(text("SELECT value FROM meta WHERE name = 'agent_version'"))
        assert signed.scalar() == f'"{__version__}"'


def test_a_migration_that_breaks_leaves_the_store_as_it_was(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All tables are made, then something fails: no table may stand."""

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("agent.store.opening.sign", fails)
        with pytest.raises(Exception, match=r"No space left on device\. Make room"):
            open_store(url)

    engine = create_engine(parse_address(url).url)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()
    open_store(url).close()


def test_a_store_in_a_schema_of_its_own_is_apart_from_others(
    postgres_server: Server, postgres: str
) -> None:
    postgres_server.execute("CREATE SCHEMA other", postgres.rpartition("/")[2])
    elsewhere = f"{postgres}?options=-csearch_path%3Dother"
    record, state, events = swept(State(), 0, drifting(0))
    with opened(postgres) as here, opened(elsewhere) as there:
        there.write((record,), state, events)

        assert here.sweeps() == ()
        assert there.sweeps() == (record,)
