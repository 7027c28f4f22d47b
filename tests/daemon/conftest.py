"""The agent as a process, on an estate in which everything is as it should be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.agent_process import Agents
from tests.sandbox_server import Sandbox, sandbox, sandbox_process
from tests.wire import estate

__all__ = ["agents", "sandbox", "sandbox_process"]


@pytest.fixture
def right(sandbox: Sandbox) -> Sandbox:
    """The simulated AWS with the estate in which every rule passes."""
    sandbox.plant(estate.right(datetime.now(UTC)))
    return sandbox


@pytest.fixture
def agents(right: Sandbox, tmp_path: Path) -> Iterator[Agents]:
    """Starts agents on that estate."""
    made = Agents(tmp_path, right.environment())
    yield made
    made.end()
