"""Tests of real samples run where there are some; elsewhere they are deselected."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SAMPLES = "LOG_SAMPLES"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what is marked `samples` where the variable is unset or names no folder."""
    if Path(os.environ.get(SAMPLES) or "/nowhere").is_dir():
        return
    left_out = [item for item in items if item.get_closest_marker("samples")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def samples() -> Path:
    """The folder of real samples."""
    return Path(os.environ[SAMPLES])
