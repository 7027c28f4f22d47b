"""What the store keeps of a sweep, and what it tells of the past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class SweepRecord:
    """One sweep that has ended.

    `kind` is `full` or `freshness`; `outcome` is `complete`, `partial` (a target was not or not
    wholly read) or `failed` (nothing was published; `reason` says why). `counts` are findings by
    status over everything known after it; `calls` the attempts on the wire.
    """

    id: str
    kind: str
    started_at: datetime
    ended_at: datetime
    outcome: str
    reason: str = ""
    calls: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Day:
    """The findings of one day (UTC): the mean of each status over its full sweeps.

    A day without a sweep has no `Day`: nobody looked, which is not the same as nothing found.
    """

    day: date
    counts: Mapping[str, float]
    sweeps: int


class StoreError(Exception):
    """The store cannot be read or written now. Says what, where and what to do; may pass."""


class NotStorableError(StoreError):
    """What is to be written is nothing that can be stored. The store itself is well."""


class StoreRefusedError(Exception):
    """The store must not be used at all: locked by another agent, on a network file system, of a
    newer version, no such driver. Says what to do; waiting does not help."""
