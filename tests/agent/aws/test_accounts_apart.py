"""No answer is ever read with another account's credentials."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.aws.access import AccountAccess
from agent.aws.clients import Clients
from agent.aws.door import Aws
from tests.agent.aws.conftest import Open
from tests.agent.aws.fake_wire import Reply, Seen, account_of, identity, logging_status

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
ACCOUNTS = [f"{number:012}" for number in range(111111111111, 111111111143)]


def whose(seen: Seen) -> Reply:
    """Every bucket bears the number of the account whose key asked."""
    return identity(seen) or logging_status(account_of(seen.key))


def mixed_up(aws: Aws, accounts: list[str], rounds: int) -> list[tuple[str, str]]:
    """(asked, answered) wherever the two differ: 32 threads, all accounts interleaved."""
    ways = [
        AccountAccess(one, role_arn=f"arn:aws:iam::{one}:role/audit", external_id="our-id")
        for one in accounts
    ]
    sweep = aws.sweep(NOW, ways)

    def ask(number: int) -> tuple[str, str]:
        account = accounts[number % len(accounts)]
        reader = sweep.reader(account, "eu-west-1")
        answer = reader.call("redshift", "DescribeLoggingStatus", ClusterIdentifier=f"c{number}")
        return account, answer["BucketName"]

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(ask, range(rounds * len(accounts))))
    return [(asked, answered) for asked, answered in answers if asked != answered]


def test_32_accounts_on_32_threads_are_kept_apart(open_aws: Open) -> None:
    aws, wire = open_aws(whose, workers=32)

    assert mixed_up(aws, ACCOUNTS, rounds=12) == []
    assert wire.count("redshift:DescribeLoggingStatus") == 12 * len(ACCOUNTS)
    assert wire.count("sts:AssumeRole") == len(ACCOUNTS)


def test_accounts_are_kept_apart_while_clients_come_and_go(open_aws: Open) -> None:
    aws, _ = open_aws(whose, workers=32, clients=3)

    assert mixed_up(aws, ACCOUNTS[:8], rounds=8) == []


def test_a_client_shared_between_accounts_would_be_noticed(
    open_aws: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = Clients.lease

    @contextmanager
    def careless(self: Clients, key: Any, session: Any) -> Iterator[Any]:
        with lease(self, ("anybody", *key[1:]), session) as client:
            yield client

    aws, _ = open_aws(whose, workers=32)
    aws.sweep(NOW, [])
    monkeypatch.setattr(Clients, "lease", careless)

    assert mixed_up(aws, ACCOUNTS[:8], rounds=4)
