"""What a collection reads from: the door to AWS, or what stands for it, at one point in time."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from agent.aws.errors import UNREACHABLE
from controls.model import AwsError, Reader


class World(Protocol):
    """What a sweep reads from."""

    @property
    def now(self) -> datetime:
        """The time of the sweep (UTC, aware)."""
        ...

    def offers(self, service: str, region: str) -> bool:
        """Whether the service exists in the region, as far as is known without asking."""
        ...

    def reader(self, account: str, region: str, *, deadline: float | None = None) -> Reader:
        """It may take until `deadline` (monotonic seconds; none: the world's own).

        Raises CannotTellError if that account is not among the targets.
        """
        ...


def lacks(world: World, operation: str, region: str, error: Exception) -> bool:
    """Whether `service:Operation` failed because the service does not exist in the region."""
    # No host to connect to; not one whose connection broke.
    unreachable = (
        isinstance(error, AwsError)
        and error.code == UNREACHABLE
        and "could not connect to the endpoint" in error.message.lower()
    )
    return unreachable and not world.offers(operation.partition(":")[0], region)
