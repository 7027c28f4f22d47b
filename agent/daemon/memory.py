"""Memory that a sweep is done with, given back to the machine."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Let go of freed memory that glibc holds on to: each thread of a sweep leaves some of it.

    Takes a few milliseconds, in which the other threads run. Elsewhere than on glibc: nothing.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, TypeError, AttributeError):
        return  # Windows has no such handle; other C libraries no such function
    trim(0)
