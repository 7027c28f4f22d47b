"""Opening a store: what is made, what is refused, and one agent at a time."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from agent.store import sqlite_file
from agent.store.address import parse_address
from agent.store.failures import told
from agent.store.opening import open_store
from agent.store.probe import probe
from agent.store.records import StoreError, StoreRefusedError
from controls.history import State
from tests.agent.store import states
from tests.agent.store.test_store import opened
from tests.postgres import PASSWORD, QUOTED, Server

NOBODY = 65534


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and what is in it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# ---------------------------------------------------------------- what is made


def test_folder_and_file_are_made_for_the_agent_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "trailkeeper.db"
    before = os.umask(0o022)
    try:
        with opened(f"sqlite:///{path}") as store:
            store.write((states.sweep(0, states.START),), State(), ())
            modes = {
                one.name: stat.S_IMODE(one.stat().st_mode) for one in (tmp_path / "a").rglob("*")
            }
    finally:
        os.umask(before)

    assert modes.pop("b") == 0o700
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    assert set(modes) >= {"trailkeeper.db", "trailkeeper.db.lock", "trailkeeper.db-wal"}
    assert set(modes.values()) == {0o600}


def test_commits_reach_the_disk_before_they_count(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path / 't.db'}") as store:
        assert store._writer is not None
        asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        settings = [store._writer.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]

    assert settings == ["wal", 2, 1, 5000]


def test_an_empty_file_is_a_new_store(tmp_path: Path) -> None:
    (tmp_path / "t.db").touch()
    with opened(f"sqlite:///{tmp_path / 't.db'}") as store:
        assert store.load() == State(stale=True)


# ---------------------------------------------------------------- one agent


def test_a_second_agent_is_refused_and_let_in_once_the_first_is_gone(url: str) -> None:
    with opened(url):
        with pytest.raises(StoreRefusedError, match="in use by another agent") as refused:
            open_store(url)
        holder = f"(pid {os.getpid()})" if url.startswith("sqlite") else "(connected from 127.0.0.1"
        assert holder in str(refused.value)

    with opened(url) as store:
        store.ping()


def test_two_databases_of_one_server_are_two_stores(postgres_server: Server, postgres: str) -> None:
    with opened(postgres), opened(postgres_server.url("postgres")) as store:
        store.ping()
    postgres_server.execute(
        "DROP TABLE sweeps, findings, events, targets, meta, trailkeeper_version"
    )


def test_a_store_that_lost_its_connection_never_writes_without_its_lock(
    postgres_server: Server, postgres: str
) -> None:
    with opened(postgres) as store:
        postgres_server.disconnect(postgres.rpartition("/")[2])
        with opened(postgres) as other:
            for _ in range(3):
                with pytest.raises(StoreError, match=r"cannot be|was lost"):
                    store.write((states.sweep(0, states.START),), State(), ())
            assert other.sweeps() == ()


def test_a_write_waits_for_another_program_that_writes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with opened(f"sqlite:///{path}") as store:
        store.load()
        other = sqlite3.connect(path, check_same_thread=False)
        other.execute("INSERT INTO meta VALUES ('theirs', '1')")
        done = threading.Timer(0.2, other.commit)
        done.start()
        store.write((states.sweep(0, states.START),), State(), ())
        done.join()
        other.close()

        assert store.newest_sweep() == "sweep-000000"


def test_a_file_that_was_replaced_under_the_agent_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with opened(f"sqlite:///{path}") as store:
        path.unlink()
        with pytest.raises(StoreError, match="removed or replaced"):
            store.write((states.sweep(0, states.START),), State(), ())
        with pytest.raises(StoreError, match="removed or replaced"):
            store.ping()


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("mysql://h/d", "no such driver", id="another database"),
        pytest.param("postgresql+asyncpg://h/d", "no such driver", id="another driver"),
        pytest.param("sqlite://", "names one file", id="SQLite in memory"),
        pytest.param("sqlite:///:memory:", "names one file", id="SQLite in memory, said so"),
        pytest.param("sqlite:///file:x?mode=memory&uri=true", "names one file", id="a file: URI"),
        pytest.param("sqlite://host/x.db", "names one file", id="a host"),
        pytest.param("postgresql://u:pa@ss:w0rd@h/d", "cannot be", id="a password that is no URL"),
        pytest.param("nonsense", "cannot be read", id="no URL at all"),
    ],
)
def test_a_url_of_no_store_is_refused_without_repeating_it(url: str, said: str) -> None:
    with pytest.raises((StoreRefusedError, StoreError), match=said) as refused:
        open_store(url)
    assert "w0rd" not in str(refused.value)


def test_a_folder_at_the_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreRefusedError, match=r"is a folder.*trailkeeper\.db"):
        open_store(f"sqlite:///{tmp_path}")


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x", encoding="ascii")
    with pytest.raises(StoreRefusedError, match="cannot be written"):
        open_store(f"sqlite:///{tmp_path}/f/t.db")


def _other_program(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.commit()
    connection.close()


def _torn(path: Path) -> None:
    open_store(f"sqlite:///{path}").close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * (size - 100))


def _notes(path: Path) -> None:
    path.write_text("my notes of last week, long enough for a header", encoding="ascii")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(_notes, "not a SQLite database", id="a text"),
        pytest.param(_other_program, r"tables of another program \(recipes\)", id="another's file"),
        pytest.param(_torn, "damaged", id="a torn file"),
    ],
)
def test_what_is_no_store_of_ours_is_refused_and_left_as_it_is(
    tmp_path: Path, make: object, said: str
) -> None:
    path = tmp_path / "t.db"
    assert callable(make)
    make(path)
    before = path.read_bytes()

    with pytest.raises(StoreRefusedError, match=said):
        open_store(f"sqlite:///{path}")

    assert path.read_bytes()[100:] == before[100:]  # WAL marks the header of a sound file


def test_tables_of_the_same_name_in_a_server_are_refused(
    postgres_server: Server, postgres: str
) -> None:
    name = postgres.rpartition("/")[2]
    postgres_server.execute("CREATE TABLE events (x int)", name)
    with pytest.raises(StoreRefusedError, match=r"another program \(events\)"):
        open_store(postgres)


def test_other_tables_in_a_server_do_not_matter(postgres_server: Server, postgres: str) -> None:
    postgres_server.execute("CREATE TABLE recipes (x int)", postgres.rpartition("/")[2])
    open_store(postgres).close()


def test_a_user_who_may_make_no_tables_is_refused_with_advice(
    postgres_server: Server, postgres: str
) -> None:
    postgres_server.execute("DROP ROLE IF EXISTS reader")
    postgres_server.execute(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
    with pytest.raises(StoreRefusedError, match=r"permission denied.*Grant"):
        open_store(postgres.replace("//postgres:", "//reader:"))


def test_a_folder_that_may_not_be_written_is_refused() -> None:
    """As another user, for root may write anywhere; so not below pytest's own folder either."""
    code = (
        "import os, sys; from agent.store.opening import open_store\n"
        "from agent.store.records import StoreRefusedError\n"
        f"if os.geteuid() == 0: os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "try: open_store(sys.argv[1])\n"
        "except StoreRefusedError as error: print(error)"
    )
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", code, f"sqlite:///{folder}/t.db"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    folder.rmdir()
    assert "cannot be written: Permission denied. Make the file and its folder" in done.stdout


MOUNTINFO = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/a\\040b rw,relatime shared:9 master:2 - nfs4 server:/x rw
31 22 0:41 / /mnt/local rw - xfs /dev/sdb rw
32 31 0:42 / /mnt/local/share rw - cifs //server/share rw
33 22 0:43 / /mnt/over rw - nfs server:/y rw
34 33 0:44 / /mnt/over rw - ext4 /dev/sdc rw
35 22 0:45 / /mnt/bucket rw - fuse.s3fs s3fs rw
36 22 0:46 / /mnt/smb rw - smb3 //server/x rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param("/mnt/a b/t.db", "nfs4", id="NFS, a blank in its name"),
        pytest.param("/mnt/a bc/t.db", None, id="a folder whose name only begins so"),
        pytest.param("/mnt/local/t.db", None, id="a local volume"),
        pytest.param("/mnt/local/share/x/y/t.db", "cifs", id="a share inside of a local volume"),
        pytest.param("/mnt/over/t.db", None, id="a share that a local volume covers"),
        pytest.param("/mnt/bucket/t.db", "fuse.s3fs", id="a bucket as a folder"),
        pytest.param("/mnt/smb/t.db", "smb3", id="SMB"),
    ],
)
def test_a_network_file_system_is_refused(tmp_path: Path, path: str, kind: str | None) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTINFO, encoding="ascii")
    if kind is None:
        sqlite_file.refuse_network(Path(path), mounts)
        return
    with pytest.raises(StoreRefusedError, match=rf"network file system \({kind}.*PostgreSQL"):
        open_store(f"sqlite:///{path}", mounts=mounts)
    assert not Path(path).parent.exists()


def test_where_the_system_does_not_tell_its_mounts_nothing_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 't.db'}"
    open_store(url, mounts=tmp_path / "none").close()


# ---------------------------------------------------------------- passwords


@pytest.mark.parametrize("wrong", ["password", "port", "database"])
def test_a_password_stands_in_no_message(
    postgres_server: Server, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url = {
        "password": postgres_server.url().replace(QUOTED, "hunter2hunter2"),
        "port": postgres_server.url().replace(f":{postgres_server.port}/", ":1/"),
        "database": postgres_server.url("absent"),
    }[wrong]
    with pytest.raises(StoreError) as down:
        open_store(url)

    for word in ("hunter2", PASSWORD, QUOTED):
        assert word not in str(down.value)
        assert word not in "".join(capsys.readouterr())
    assert "postgresql://postgres@127.0.0.1:" in str(down.value)


def test_a_password_is_taken_out_of_whatever_a_driver_says() -> None:
    address = parse_address(f"postgresql://u:{QUOTED}@h/d?sslpassword=hunter2")
    with (
        pytest.raises(StoreError) as down,
        told(address, "read"),
    ):
        raise OSError(5, f"no answer to {PASSWORD}, {QUOTED} or hunter2")

    assert str(down.value) == (
        "The store postgresql://u@h/d cannot be read: no answer to ***, *** or ***."
    )
    assert "hunter2" not in repr(address)


# ---------------------------------------------------------------- the doctor's look


def test_the_probe_of_a_store_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    (found,) = probe(f"sqlite:///{tmp_path}/a/b/t.db")

    assert found.ok
    assert "is made when the agent starts" in found.what
    assert tree(tmp_path) == {}
    assert not list(tmp_path.iterdir())


def test_the_probe_of_a_store_in_use_and_free_is_well(url: str) -> None:
    with opened(url):
        used = probe(url)
    free = probe(url)

    assert all(one.ok for one in (*used, *free)), (used, free)
    assert any("in use by an agent (" in one.what for one in used)
    assert any("free" in one.what for one in free)
    assert any("schema is 0" in one.what for one in free)


def test_who_only_looks_at_the_lock_keeps_no_agent_out(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    open_store(f"sqlite:///{path}").close()
    looking = os.open(sqlite_file.lock_path(path), os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    done = threading.Timer(0.05, os.close, [looking])
    done.start()

    open_store(f"sqlite:///{path}").close()
    done.join()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(_notes, "not a SQLite database", id="a text"),
        pytest.param(_other_program, "another program", id="another's file"),
        pytest.param(_torn, "damaged|malformed", id="a torn file"),
        pytest.param(Path.mkdir, "is a folder", id="a folder"),
    ],
)
def test_the_probe_says_what_is_wrong_and_what_to_do(
    tmp_path: Path, make: object, said: str
) -> None:
    path = tmp_path / "t.db"
    assert callable(make)
    make(path)

    found = probe(f"sqlite:///{path}")[-1]

    assert not found.ok
    assert found.advice
    with pytest.raises(StoreRefusedError, match=said):
        raise StoreRefusedError(f"{found.what} {found.advice}")


def test_the_probe_of_a_server_that_is_down_says_so(tmp_path: Path) -> None:
    (found,) = probe("postgresql://u:hunter2@127.0.0.1:1/d")

    assert not found.ok
    assert "127.0.0.1:1/d" in found.what
    assert "hunter2" not in found.what + found.advice
