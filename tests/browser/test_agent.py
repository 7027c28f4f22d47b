"""The pages of the real agent, on the simulated estate, in a real Chromium."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.walk import pages_walk

PICTURES = "PICTURES_INTO"
"""Names a folder that keeps the pictures, for the documentation; else they go with the test."""

STARTS_WITHIN = 120.0


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """The address of an agent that sweeps the simulated estate."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "agent", "demo", "--listen", "127.0.0.1:0"]
    with out.open("wb") as stdout, (tmp_path / "err").open("wb") as stderr:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr)
        try:
            yield _address(process, out)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(process: subprocess.Popen[bytes], out: Path) -> str:
    """As it says it itself, once it serves."""
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        assert process.poll() is None, (out.parent / "err").read_text()[-2000:]
        found = re.search(r"(http://\S+)/ +what fails now", out.read_text())
        if found:
            return found[1]
        time.sleep(0.1)
    pytest.fail(f"the agent did not serve within {STARTS_WITHIN} s")


def test_a_person_finds_the_way_in_the_real_agent(agent: str, page: Page, tmp_path: Path) -> None:
    into = Path(os.environ.get(PICTURES) or tmp_path)
    page.goto(agent)
    deadline = time.monotonic() + STARTS_WITHIN
    while "Nothing has been judged yet" in page.content():
        assert time.monotonic() < deadline, "no sweep has ended"
        time.sleep(0.2)
        page.reload()

    pictures = pages_walk(page, agent, into)

    assert all(path.exists() for path in pictures)
