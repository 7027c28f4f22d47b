"""Three-valued truth: true, false, or unknown with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from controls.model import Unknown

Truth: TypeAlias = bool | Unknown


def every(truths: Iterable[Truth]) -> Truth:
    """False if any is false; else unknown, with all reasons, if any is unknown; else true."""
    seen = tuple(truths)
    return False if any(truth is False for truth in seen) else _doubt(seen) or True


def some(truths: Iterable[Truth]) -> Truth:
    """True if any is true; else unknown, with all reasons, if any is unknown; else false."""
    seen = tuple(truths)
    return True if any(truth is True for truth in seen) else _doubt(seen) or False


def negate(truth: Truth) -> Truth:
    """The opposite; of unknown, the same unknown."""
    return truth if isinstance(truth, Unknown) else not truth


def _doubt(truths: tuple[Truth, ...]) -> Unknown | None:
    """One unknown with the reasons of all, each once; none if none is unknown."""
    reasons = dict.fromkeys(truth.reason for truth in truths if isinstance(truth, Unknown))
    return Unknown("; ".join(reasons)) if reasons else None
