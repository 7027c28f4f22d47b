"""Which account an access key belongs to, and which regions an account has enabled."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass, field

DEFAULT_ACCOUNT = "111122223333"

DEFAULT_REGIONS = (
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)
"""Enabled in every account; all other regions are opt-in."""

_ALPHABET = string.ascii_uppercase + "234567"


@dataclass
class Accounts:
    """The accounts of the simulated estate. Keys carry their account, so nothing is looked up."""

    default: str = DEFAULT_ACCOUNT
    enabled: dict[str, tuple[str, ...]] = field(default_factory=dict)
    readers: set[str] = field(default_factory=set)
    """ARNs of roles that may change nothing."""

    def of_key(self, access_key: str) -> str:
        """The account of a key made by `long_term_key` or `session_key`, else the default one."""
        tail = access_key[8:]
        return tail if len(tail) == 12 and tail.isdigit() else self.default

    def regions(self, account: str) -> tuple[str, ...]:
        """The regions enabled in an account."""
        return self.enabled.get(account, DEFAULT_REGIONS)

    def clear(self) -> None:
        """Forget what was planted."""
        self.enabled.clear()
        self.readers.clear()


ACCOUNTS = Accounts()
"""Process-wide, as moto's backends are."""


def long_term_key(account: str) -> str:
    """The access key of an account's own user: the same for every call."""
    return f"AKIASBOX{account}"


def session_key(account: str) -> str:
    """A new access key of a role session in an account."""
    return f"ASIA{''.join(random.choices(_ALPHABET, k=4))}{account}"  # noqa: S311 - not a secret
