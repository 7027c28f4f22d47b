"""A simulated AWS for tests: one server process a session, emptied before each test.

Use it by importing the two fixtures into a conftest:
`from tests.sandbox_server import sandbox, sandbox_process`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from agent.sandbox.accounts import DEFAULT_ACCOUNT, long_term_key
from agent.sandbox.server import Server, start_server

REGION = "eu-west-1"
OTHER_ACCOUNT = "444455556666"
ARCHIVE_ACCOUNT = "999988887777"


@cache
def _session() -> Any:
    """One for all clients: it holds the service models, which are what costs."""
    return botocore.session.Session()


@dataclass(frozen=True)
class Sandbox:
    """The running server, its admin API, and clients for it."""

    server: Server

    @property
    def endpoint(self) -> str:
        """The URL that stands for every AWS endpoint."""
        return self.server.endpoint

    def plant(self, steps: Sequence[Mapping[str, Any]]) -> None:
        """Takes planting steps (`agent.sandbox.planting`); datetimes may be used as times."""
        self._admin("POST", "plant", list(steps))

    def fault(self, *rules: Mapping[str, Any]) -> None:
        """Adds fault rules (`agent.sandbox.faults`)."""
        self._admin("POST", "faults", list(rules))

    def faults(self) -> Any:
        """The rules in force, with how often each was seen and met."""
        return self._admin("GET", "faults")

    def clear_faults(self) -> None:
        """Drops all fault rules and lets hanging requests go."""
        self._admin("DELETE", "faults")

    def calls(self) -> list[dict[str, Any]]:
        """Every AWS request: account, region, service, operation, resource, fault, status."""
        found: list[dict[str, Any]] = self._admin("GET", "calls")["calls"]
        return found

    def counts(self) -> dict[str, int]:
        """How many requests of each `service:Operation`."""
        found: dict[str, int] = self._admin("GET", "calls")["counts"]
        return found

    def forget_calls(self) -> None:
        """Starts the record of calls anew."""
        self._admin("DELETE", "calls")

    def reset(self) -> None:
        """An empty AWS: no resources, faults or calls."""
        self._admin("POST", "reset")

    def client(
        self, service: str, *, account: str = "", region: str = REGION, timeout: float = 20
    ) -> Any:
        """A botocore client that tries once, acts for an account and waits `timeout` seconds."""
        client = _session().create_client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=long_term_key(account or self.server.account),
            aws_secret_access_key="sandbox",
            config=Config(
                retries={"total_max_attempts": 1},
                connect_timeout=5,
                read_timeout=timeout,
            ),
        )
        client.meta.events.register("before-sign.s3-control", _without_account)
        return client

    def environment(self, account: str = "", region: str = REGION) -> dict[str, str]:
        """The environment of a subprocess that takes this server for AWS."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": long_term_key(account or self.server.account),
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def _admin(self, method: str, path: str, body: Any = None) -> Any:
        try:
            return self.server.admin(method, path, body)
        except RuntimeError as refused:
            raise AssertionError(str(refused)) from refused


def _without_account(request: Any, **_: Any) -> None:
    """S3 Control puts the account id before any host, even before an address."""
    request.url = re.sub(r"//\d{12}\.", "//", request.url)


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    """The error code botocore found in a refused call."""
    code: str = error.value.response["Error"]["Code"]
    return code


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[Sandbox]:
    """The server of this test session."""
    with start_server(account=DEFAULT_ACCOUNT) as server:
        yield Sandbox(server)


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The server, emptied for this test."""
    sandbox_process.reset()
    return sandbox_process
