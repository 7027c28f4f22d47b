"""The numbers of the door to AWS, each with its default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

OnCall = Callable[[str, str, str, float, str, str], None]
"""(service, operation, outcome, seconds, account, region) of every attempt on the wire.

Outcomes: ok, denied, throttled, timeout, unreachable, unparseable, error.
"""


def no_hook(*_: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """Times in seconds."""

    version: str = "0"
    workers: int = 16
    clients: int = 256
    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    target_seconds: float = 300.0
    """The deadline of a reader that is given none."""
    transient_seconds: float = 30.0
    """How long server errors and timeouts of one call are tried again, within its deadline."""
    on_call: OnCall = no_hook
