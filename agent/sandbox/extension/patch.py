"""Changes to moto that notice when moto has changed by itself."""

from __future__ import annotations

from typing import Any

PATCHES: list[tuple[str, str, str]] = []
"""What was done in this process: `replace` or `add`, target, name."""


def replace(target: Any, name: str, value: Any) -> None:
    """Puts `value` in the place of something. Raises LookupError if moto no longer has it."""
    if not hasattr(target, name):
        raise LookupError(f"moto no longer has {target.__name__}.{name}: look at the extension")
    _put("replace", target, name, value)


def add(target: Any, name: str, value: Any) -> None:
    """Adds what moto lacks. Raises LookupError if moto has it now."""
    if hasattr(target, name):
        raise LookupError(f"moto now has {target.__name__}.{name}: the extension may go")
    _put("add", target, name, value)


def _put(what: str, target: Any, name: str, value: Any) -> None:
    setattr(target, name, value)
    PATCHES.append((what, target.__name__, name))
