"""Between which numbers a rule lets its parameters be set."""

from __future__ import annotations

from typing import TypeAlias

from controls.model import Value

Bounds: TypeAlias = tuple[int | float | None, int | float | None]
"""The least and the most that a parameter may be, both included; None where there is no end."""


def outside(value: Value, bounds: Bounds) -> str:
    """Which bound the value breaks (`at most 72`); empty where it breaks none.

    What is no number has no bounds; a number that is none (NaN) is within none.
    """
    least, most = bounds
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if least is not None and not value >= least:
        return f"at least {least}"
    if most is not None and not value <= most:
        return f"at most {most}"
    return ""


def bounds_text(bounds: Bounds) -> str:
    """`3 to 72`, `at least 3` or `at most 72`."""
    match bounds:
        case (None, None):
            return "any"
        case (least, None):
            return f"at least {least}"
        case (None, most):
            return f"at most {most}"
        case (least, most):
            return f"{least} to {most}"
