"""What glibc does with memory: little of it kept, and that given back after a sweep."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

ARENAS = 2
"""As many heaps as threads of a sweep would each keep what the busiest one once needed."""

_M_ARENA_MAX = -8
"""From glibc's malloc.h."""


def few_arenas() -> None:
    """Have all threads share two heaps; to be called before there are threads.

    Python lets one thread run at a time, so they seldom wait for each other. Elsewhere than on
    glibc: nothing.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Let go of freed memory that glibc holds on to.

    Takes a few milliseconds, in which the other threads run. Elsewhere than on glibc: nothing.
    """
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_glibc(name: str) -> Callable[..., object] | None:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None  # Windows has no such handle
    # What other libraries call `mallopt` may mean something else; none of them has this.
    return getattr(library, name) if hasattr(library, "malloc_trim") else None
