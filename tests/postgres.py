"""A real PostgreSQL for tests: one server a session, on a free port, a fresh database per test.

Use it by importing the two fixtures into a conftest:
`from tests.postgres import postgres, postgres_server`.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

PASSWORD = "s3cret/w@rd"
QUOTED = "s3cret%2Fw%40rd"


def programs() -> Path | None:
    """The folder with `initdb` and `pg_ctl`, the newest where there are several."""
    on_path = shutil.which("initdb")
    places = [
        *([Path(on_path).resolve().parent] if on_path else []),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
        Path("/usr/local/bin"),
    ]
    return next((place for place in places if (place / "pg_ctl").exists()), None)


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass
class Server:
    """A server of our own. PostgreSQL refuses to run as root: then it runs as another user."""

    bin: Path
    folder: Path
    port: int = field(default_factory=free_port)

    def prepare(self) -> None:
        """Make the cluster."""
        if user := _other_user():
            shutil.chown(self.folder, user.pw_uid, user.pw_gid)
        secret = self.folder / "password"
        secret.write_text(PASSWORD, encoding="ascii")
        secret.chmod(0o644)
        made = ("-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync")
        self._run("initdb", "-D", str(self.folder / "data"), *made, "--no-locale", "-E", "UTF8")

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = (
            f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
            " -c shared_buffers=16MB -c max_connections=60"
        )
        self._pg_ctl("-o", options, "-w", "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        """Stop it at once: its clients lose their connections."""
        self._pg_ctl("-m", "immediate", "-w", "stop")

    def url(self, database: str = "postgres") -> str:
        """The URL, with the password in it."""
        return f"postgresql://postgres:{QUOTED}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> None:
        """One statement, outside of any transaction."""
        url = self.url(database).replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def disconnect(self, database: str) -> None:
        """Cut every connection to the database."""
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
        self.execute(f"{cut}'{database}'")

    def _pg_ctl(self, *words: str) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), *words)

    def _run(self, program: str, *words: str) -> None:
        user = _other_user()
        done = subprocess.run(
            [self.bin / program, *words],
            stdin=subprocess.DEVNULL,
            # Not a pipe: the server would hold it open for as long as it runs.
            stdout=(self.folder / f"{program}.out").open("ab"),
            stderr=subprocess.STDOUT,
            cwd="/",
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=() if user else None,
            check=False,
            timeout=120,
        )
        if done.returncode:
            said = (self.folder / f"{program}.out").read_text(encoding="utf-8", errors="replace")
            raise AssertionError(f"{program} ended with {done.returncode}: {said[-2000:]}")


def _other_user() -> pwd.struct_passwd | None:
    """Whom the server runs as, where these tests run as root."""
    if os.geteuid() != 0:
        return None
    users = {user.pw_name: user for user in pwd.getpwall()}
    return users.get("postgres") or users["nobody"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The server of this session. In CI it has to be there; on a laptop its tests skip."""
    place = programs()
    if place is None:
        why = "no PostgreSQL server here (initdb, pg_ctl): install the package postgresql"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    # Not below pytest's own folder, which another user may not enter; its path is short enough
    # for a socket.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    folder.chmod(0o755)
    server = Server(place, folder)
    try:
        server.prepare()
        server.start()
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


_NUMBERS = itertools.count(1)


@pytest.fixture
def postgres(postgres_server: Server) -> Iterator[str]:
    """The URL of an empty database of this test's own."""
    name = f"test_{next(_NUMBERS)}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    postgres_server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
