"""Who we are in an account: how it is reached, and which calls go where."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controls.model import AwsError


@dataclass(frozen=True, slots=True)
class AccountAccess:
    """One account and the way in: the base credentials, or a role assumed with them.

    `profile` names the base credentials; none: the usual boto3 chain (environment, shared
    files, IRSA, instance profile). `region` is one where the account is read: its buckets are
    listed there.
    """

    account: str
    role_arn: str | None = None
    external_id: str | None = None
    profile: str | None = None
    region: str = ""

    def partition(self, region: str) -> str:
        """The partition that is read; of the pseudo region `global`, that of our own region."""
        return partition_of(self.region if region == "global" else region, self.role_arn)

    @property
    def base(self) -> AccountAccess:
        """The credentials that assume the role; their account is not asked for."""
        return AccountAccess("", profile=self.profile)


@dataclass(frozen=True, slots=True)
class Identity:
    """What STS says of a caller."""

    account: str
    arn: str
    partition: str


class Tally:
    """Attempts on the wire by `service:Operation`, counted from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, operation: str) -> None:
        """One more attempt."""
        with self._lock:
            self._counts[operation] += 1

    def counts(self) -> Counter[str]:
        """A copy."""
        with self._lock:
            return Counter(self._counts)


@dataclass(frozen=True, slots=True)
class Ask:
    """One call: by whom, where, what, and until when (monotonic seconds)."""

    access: AccountAccess
    region: str
    service: str
    operation: str
    params: Mapping[str, Any]
    deadline: float
    tally: Tally

    @property
    def name(self) -> str:
        """`service:Operation`."""
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer or the error of one call, and when it came (UTC).

    `out_of_time`: the deadline ended it, so that a later deadline may fare better.
    """

    answer: Mapping[str, Any] | AwsError
    at: datetime
    out_of_time: bool = False


_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-iso-", "aws-iso"),
    ("eusc-", "aws-eusc"),
)
_HOME = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_GLOBAL_SERVICES = frozenset({"iam", "organizations"})


def partition_of(region: str, role_arn: str | None = None) -> str:
    """The partition of a role's ARN, else of a region's name."""
    if role_arn:
        return role_arn.split(":")[1]
    return next((name for prefix, name in _PARTITIONS if region.startswith(prefix)), "aws")


def region_for(service: str, region: str, partition: str) -> str:
    """Where the call goes: a global service has one place, so that equal calls are equal.

    The pseudo region `global` means the partition's home for every service.
    """
    if service in _GLOBAL_SERVICES or region == "global":
        return _HOME.get(partition, region)
    return region
