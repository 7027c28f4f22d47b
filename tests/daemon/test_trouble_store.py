"""The store in trouble: the agent sweeps, serves and says so, and loses nothing when it is back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.store.opening import open_store
from controls.history import Happening
from tests.agent_process import AgentProcess, Agents, eventually
from tests.daemon.relay import relay
from tests.daemon.test_truth import LOGS, RULE, forever, healed
from tests.postgres import PASSWORD, QUOTED, Server, postgres, postgres_server
from tests.sandbox_server import Sandbox

__all__ = ["postgres", "postgres_server"]


@pytest.fixture
def stoppable(postgres_server: Server) -> Iterator[Server]:
    """The server, for a test that stops it; it runs again afterwards."""
    yield postgres_server
    if not (postgres_server.folder / "data" / "postmaster.pid").exists():
        postgres_server.start()


def store(url: str) -> dict[str, Any]:
    """The setting."""
    return {"store": {"url": url}}


def up(agent: AgentProcess, value: int) -> None:
    """Wait until the store is up, or down."""
    eventually(lambda: agent.metric("trailkeeper_store_up") == value, f"store_up {value}")


def pending(agent: AgentProcess) -> float:
    """Sweeps that wait to be written."""
    return agent.metric("trailkeeper_store_pending_sweeps") or 0.0


def happened(url: str) -> list[tuple[str, Happening]]:
    """What the store tells of the finding, the newest first: who holds it need not be asked."""
    found = open_store(url, lock=False)
    try:
        events = [one for one in found.events() if (one.rule, one.ref.name) == (RULE, LOGS)]
    finally:
        found.close()
    return [(one.at.isoformat(), one.happening) for one in events]


def test_a_database_that_comes_late_and_goes_again_loses_nothing(
    agents: Agents, right: Sandbox, stoppable: Server, postgres: str
) -> None:
    right.plant([forever()])
    first = agents.start(store(postgres))
    since = first.until(RULE, LOGS, "fail")["since"]
    first.swept()
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL

    # Not there at the start.
    stoppable.stop()
    agent = agents.start(store(postgres), name="late")
    assert agent.until(RULE, LOGS, "fail")["since"] > since
    assert agent.get("/healthz")[0] == agent.get("/readyz")[0] == 200
    assert "The store cannot be reached" in agent.get("/")[1]
    up(agent, 0)
    before = pending(agent)
    eventually(lambda: pending(agent) > before, "more sweeps that wait")
    assert agent.logged("store_down")

    # It comes: what was known before is known again.
    stoppable.start()
    up(agent, 1)
    eventually(lambda: pending(agent) == 0, "everything written")
    assert agent.until(RULE, LOGS, "fail")["since"] == since
    assert "The store cannot be reached" not in agent.get("/")[1]
    assert [what for _, what in happened(postgres)] == [Happening.OPENED]

    # It goes, and what happens meanwhile is written when it is back.
    stoppable.stop()
    up(agent, 0)
    right.plant([healed()])
    agent.until(RULE, LOGS, "pass")
    assert agent.get("/readyz")[0] == 200
    stoppable.start()
    up(agent, 1)
    eventually(lambda: pending(agent) == 0, "everything written")
    assert [what for _, what in happened(postgres)] == [Happening.RESOLVED, Happening.OPENED]

    second = agents.start(store(postgres), name="second", serving=False)
    assert second.process.wait(60) == 2
    assert "in use by another agent" in second.said()
    agent.swept()
    assert agent.stop() == 0
    for one in (first, agent, second):
        assert "Traceback" not in one.said()
        assert PASSWORD not in one.said()
        assert QUOTED not in one.said()


def test_a_database_that_says_nothing_holds_up_neither_start_nor_end(
    agents: Agents, postgres_server: Server, postgres: str
) -> None:
    with relay(postgres_server.port, silent=True) as between:
        url = postgres.replace(f":{postgres_server.port}/", f":{between.port}/")
        url += "?connect_timeout=2"

        # SIGTERM while it waits for an answer, before anything is served or swept.
        early = agents.start(store(url), name="early", serving=False)
        assert between.met.wait(60)
        began = time.monotonic()
        early.send(signal.SIGTERM)
        time.sleep(0.2)
        assert early.stop() == 0, early.said()
        assert time.monotonic() - began < 10
        assert not early.logged("sweep_ended")

        agent = agents.start(store(url))
        agent.until(RULE, LOGS, "pass")
        assert agent.metric("trailkeeper_store_up") == 0
        assert agent.get("/healthz")[0] == 200

        # It falls silent in the middle of writing: pages may wait for it, the end does not.
        between.talks.set()
        up(agent, 1)
        between.talks.clear()
        eventually(lambda: agent.metric("trailkeeper_sweep_in_progress") == 1, "a sweep")
        time.sleep(1.0)
        assert agent.get("/healthz")[0] == 200
        began = time.monotonic()
        assert agent.stop() == 0, agent.said()
        assert time.monotonic() - began < 10


# ---------------------------------------------------------------- SQLite


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A volume of two megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    words = ("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place))
    can = os.geteuid() == 0 and shutil.which("mount")
    if not can or subprocess.run(words, check=False, capture_output=True).returncode:
        why = "a small volume cannot be mounted here: that takes root and CAP_SYS_ADMIN"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    yield place
    subprocess.run(("umount", "--lazy", str(place)), check=True)


def test_a_full_disk_is_said_and_waited_out(agents: Agents, right: Sandbox, small: Path) -> None:
    agent = agents.start({"state_directory": str(small / "state")})
    agent.until(RULE, LOGS, "pass")
    up(agent, 1)

    filling = small / "filling"
    with filling.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(b"\0" * 4_096)
            except OSError:
                break
    right.plant([forever()])
    agent.until(RULE, LOGS, "fail")
    up(agent, 0)
    assert agent.get("/healthz")[0] == agent.get("/readyz")[0] == 200
    page = agent.get("/agent")[1]
    assert "Make room on its volume" in page

    filling.unlink()
    up(agent, 1)
    eventually(lambda: pending(agent) == 0, "everything written")
    found = happened(f"sqlite:///{small / 'state' / 'trailkeeper.db'}")
    assert [what for _, what in found] == [Happening.OPENED]
    assert agent.stop() == 0
    assert "Traceback" not in agent.said()


def blocked(state: Path) -> None:
    """A file where the folder should be."""
    state.write_text("")


def a_folder(state: Path) -> None:
    """A folder where the file should be."""
    (state / "trailkeeper.db").mkdir(parents=True)


def no_database(state: Path) -> None:
    """Something else in the file."""
    state.mkdir()
    (state / "trailkeeper.db").write_text(
        "a shopping list: milk, bread, and butter for the weekend"
    )


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        pytest.param(blocked, "cannot be written: ", id="a file where the folder should be"),
        pytest.param(a_folder, "is a folder; it has to be a file", id="a folder for a file"),
        pytest.param(no_database, "is not a SQLite database", id="a file that is no database"),
    ],
)
def test_a_store_that_must_not_be_used_ends_with_2_and_one_sentence(
    agents: Agents, tmp_path: Path, prepare: Any, said: str
) -> None:
    prepare(tmp_path / "state")
    agent = agents.start({"state_directory": str(tmp_path / "state")}, serving=False)

    assert agent.process.wait(60) == 2
    assert f"the store cannot be used: The store {tmp_path}/state/trailkeeper.db" in agent.said()
    assert said in agent.said()
    assert agent.said().count("\n") == 1


@pytest.fixture
def unwritable(small: Path) -> Path:
    """A volume that is mounted read-only: root, too, may not write there."""
    (small / "state").mkdir()
    subprocess.run(("mount", "-o", "remount,ro", str(small)), check=True)
    return small / "state"


def test_a_folder_that_may_not_be_written_ends_with_2(agents: Agents, unwritable: Path) -> None:
    agent = agents.start({"state_directory": str(unwritable)}, serving=False)

    assert agent.process.wait(60) == 2
    assert "cannot be written: Read-only file system. Make the file" in agent.said()
    assert agent.said().count("\n") == 1


def test_an_address_of_no_store_in_a_file_ends_with_2(agents: Agents, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("mysql://agent:hush@db/trails\n")
    agent = agents.start({"store": {"url_file": str(tmp_path / "url")}}, serving=False)

    assert agent.process.wait(60) == 2
    assert "the store cannot be used" in agent.said()
    assert "Traceback" not in agent.said()
    assert "hush" not in agent.said()
