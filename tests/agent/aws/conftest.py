"""An environment in which nothing of the machine's own AWS set-up is found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import create_loader

from agent.aws import clients
from agent.aws.door import Aws
from agent.aws.settings import AwsSettings
from tests.agent.aws.fake_wire import Answer, Wire, fake_wire

BASE = "000000000000"
"""The account of the base credentials."""

Open = Callable[..., tuple[Aws, Wire]]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Base keys, no files, no metadata service, no proxy."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": f"AKIA{BASE}",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def loader() -> Any:
    """AWS's service models, read once for all tests (0.15 s a service)."""
    return create_loader()


@pytest.fixture(autouse=True)
def one_loader(monkeypatch: pytest.MonkeyPatch, loader: Any) -> None:
    """Every door of the tests shares it, as all sessions of one door do anyway."""
    monkeypatch.setattr(clients, "create_loader", lambda _: loader)


@pytest.fixture
def open_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """`open_aws(answer, read_timeout=…)`: a door to a fake server that answers so."""
    undo: list[Callable[[], object]] = []

    def opened(answer: Answer, **settings: object) -> tuple[Aws, Wire]:
        context = fake_wire(answer)
        wire = context.__enter__()
        undo.append(lambda: context.__exit__(None, None, None))
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
        aws = Aws(AwsSettings(**settings))  # type: ignore[arg-type]
        undo.append(aws.close)
        return aws, wire

    yield opened
    for one in reversed(undo):
        one()
