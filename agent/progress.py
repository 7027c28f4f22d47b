"""Progress on a terminal, on stderr, for whatever takes longer than two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agent.collect import Progress

PATIENCE_SECONDS = 2.0


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """A progress callback; draws a bar on a terminal after two seconds, else nothing."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    began, bars = time.monotonic(), dict[str, Any]()

    def note(what: str, done: int, total: int) -> None:
        if "bar" not in bars:
            if time.monotonic() - began < PATIENCE_SECONDS:
                return
            bars["bar"] = _start()
        bar = bars["bar"]
        if what not in bars:
            bars[what] = bar.add_task(what, total=total)
        bar.update(bars[what], completed=done, total=total)

    try:
        yield note
    finally:
        if "bar" in bars:
            bars["bar"].stop()


def _start() -> Any:
    from rich.console import Console  # noqa: PLC0415 - costs what a short check need not pay
    from rich.progress import Progress as Bar  # noqa: PLC0415

    bar = Bar(console=Console(stderr=True), transient=True)
    bar.start()
    return bar
