"""The real tools of Prometheus, where they are installed."""

from __future__ import annotations

import os
import shutil

import pytest

NAMES = {"alertmanager": "prometheus-alertmanager"}
"""What Debian calls otherwise."""


def tool(name: str) -> str:
    """The path of `prometheus`, `promtool`, `alertmanager` or `amtool`.

    Without it the test is skipped, and in CI, where nothing may be skipped, it fails.
    """
    for known in (NAMES.get(name, name), name):
        if path := shutil.which(known):
            return path
    missing = f"{name} is not installed: apt-get install prometheus prometheus-alertmanager"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)
