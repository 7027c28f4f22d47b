"""Both backends: what is asked of one is asked of the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgres import postgres, postgres_server

__all__ = ["postgres", "postgres_server", "url"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store' / 'trailkeeper.db'}"
    found: str = request.getfixturevalue("postgres")
    return found
