"""How a snapshot and a report write the same things in JSON: times, values, targets."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from controls.model import TargetStatus, Value


def moment(time: datetime) -> str:
    """A time in UTC as `2026-11-22T08:00:00Z`."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def plain(value: Value | None) -> Any:
    """A fact's or parameter's value: times as texts, and so what JSON has no number for."""
    match value:
        case datetime():
            return moment(value)
        case float() if not math.isfinite(value):
            return repr(value)
        case _:
            return value


def target(status: TargetStatus) -> dict[str, Any]:
    """One target of the sweep and how much of it was read."""
    return {
        "account": status.account,
        "region": status.region,
        "status": status.status.value,
        "reason": status.reason,
        "resources": status.resources,
    }
