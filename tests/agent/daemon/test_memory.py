"""What a sweep is done with does not stay resident, however many threads it had."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cli import build_parser
from agent.daemon import run, sweeper
from agent.daemon.memory import ARENAS, few_arenas, give_back
from agent.daemon.sweeper import Parts, Sweeper
from agent.daemon.wanted_sweeps import Sweep, WantedSweeps
from agent.daemon.watchdog import Limits, Watchdog
from agent.loading import load
from agent.metrics.own import Own
from agent.metrics.pages import Pages
from agent.stop import StopError
from agent.store.keeper import Keeper
from controls.history import State

PIECE = 4_096
PIECES = 16_000


def resident() -> int:
    """Bytes of this process in memory, as Linux tells it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


on_glibc = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"),
    reason="only glibc keeps freed memory in arenas, and only Linux has /proc",
)


@on_glibc
def test_memory_freed_by_a_thread_is_given_back() -> None:
    kept: list[bytes] = []

    def work() -> None:
        pieces = [bytes(PIECE) for _ in range(PIECES)]
        kept.append(bytes(PIECE))  # above all the others: what is freed below it stays resident
        del pieces

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    before = resident()

    give_back()

    assert before - resident() > PIECE * PIECES / 2


HEAPS = """
import ctypes, sys, threading
from agent.daemon.memory import few_arenas
if sys.argv[1] == "few":
    few_arenas()
together = threading.Barrier(8)
def work():
    together.wait()
    kept = [bytes(4096) for _ in range(2000)]
    together.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
[one.start() for one in threads]
[one.join() for one in threads]
library = ctypes.CDLL(None)
library.fdopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(library.fdopen(1, b"w"))
library.malloc_info(0, stream)
library.fflush(stream)
"""
"""Prints glibc's own account of its heaps, after eight threads worked at the same time."""


@on_glibc
@pytest.mark.parametrize(("how", "few"), [("few", True), ("many", False)])
def test_threads_share_two_heaps_where_that_is_asked_for(how: str, *, few: bool) -> None:
    told = subprocess.run(
        [sys.executable, "-c", HEAPS, how], capture_output=True, text=True, check=True
    ).stdout
    assert (0 < told.count("<heap ") <= ARENAS) is few


def test_it_is_asked_for_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(run, "few_arenas", lambda: asked.append(True))
    with pytest.raises(StopError):
        run.run(build_parser().parse_args(["--config", "there-is-no-such-file"]))
    assert asked


@pytest.mark.parametrize("does", [few_arenas, give_back])
def test_a_c_library_that_cannot_is_no_error(
    does: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    does()


def test_it_is_given_back_after_each_sweep_even_one_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    given = threading.Event()
    monkeypatch.setattr(sweeper, "give_back", given.set)
    args = build_parser().parse_args([])
    own, wanted = Own(), WantedSweeps()
    watchdog = Watchdog(Limits({Sweep.FULL: 60.0}, 60.0), 0.0)
    keeper = Keeper(f"sqlite:///{tmp_path / 'store.db'}", history_days=1)
    keeper.open()
    running = Sweeper(
        Parts(args, wanted, watchdog, keeper, Pages(own, 10), own), load(args), State()
    )
    running.start()
    wanted.ask(Sweep.FULL)
    try:
        assert given.wait(30)
    finally:
        assert running.stop(10)
        keeper.close()
