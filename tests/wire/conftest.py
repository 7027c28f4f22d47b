"""Whole commands against the simulated AWS, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.loaders import create_loader

from agent.aws import clients
from agent.cli import main
from tests.sandbox_server import Sandbox, sandbox, sandbox_process

__all__ = ["Ran", "run", "sandbox", "sandbox_process"]


class Ran:
    """What one run of the command line gave."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def report(self) -> dict[str, Any]:
        """The findings document on stdout."""
        document: dict[str, Any] = json.loads(self.out)
        return document

    def finding(self, rule: str, resource: str) -> dict[str, Any]:
        """The one finding of a rule on a resource."""
        (found,) = [
            each
            for each in self.report["findings"]
            if (each["rule"], each["resource"]) == (rule, resource)
        ]
        return dict(found)

    def verdicts(self, rule: str) -> dict[str, str]:
        """Resource to verdict of one rule."""
        return {
            each["resource"]: each["status"]
            for each in self.report["findings"]
            if each["rule"] == rule
        }


Run = Callable[..., Ran]


@pytest.fixture(scope="session")
def loader() -> Any:
    """AWS's service models, read once for all tests (0.15 s a service)."""
    return create_loader()


@pytest.fixture(autouse=True)
def one_loader(monkeypatch: pytest.MonkeyPatch, loader: Any) -> None:
    """Every door of the tests shares it, as all sessions of one door do anyway."""
    monkeypatch.setattr(clients, "create_loader", lambda _: loader)


@pytest.fixture
def now() -> datetime:
    """The time of the sweep, near enough: the command takes its own."""
    return datetime.now(UTC)


@pytest.fixture
def run(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Run:
    """Runs the command line in this process against the simulated AWS."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    # Whoever runs the tests may have an agent of their own, and its store.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run(*arguments: str, settings: Mapping[str, Any] | None = None) -> Ran:
        given = list(arguments)
        if settings is not None:
            file = tmp_path / "trailkeeper.yaml"
            file.write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")
            given += ["--config", str(file)]
        capfd.readouterr()
        try:
            code = main(given)
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return run
