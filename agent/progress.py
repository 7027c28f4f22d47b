"""Progress on a terminal, on stderr, for whatever takes longer than two seconds."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agent.collect import Progress

PATIENCE_SECONDS = 2.0


@contextmanager
def shown_progress(patience: float = PATIENCE_SECONDS) -> Iterator[Progress]:
    """A progress callback; draws a bar on a terminal after `patience` seconds, else nothing."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    drawn = _Drawn()
    timer = threading.Timer(patience, drawn.start)
    timer.daemon = True
    timer.start()
    try:
        yield drawn.note
    finally:
        timer.cancel()
        drawn.stop()


class _Drawn:
    """The bar: shown when its time comes, whether or not anything is done by then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bar: Any = None
        self._task: Any = None
        self._latest = ("asking AWS", 0, 0)
        self._over = False

    def note(self, what: str, done: int, total: int) -> None:
        """So many of so many are done."""
        with self._lock:
            self._latest = (what, done, total)
            self._draw()

    def start(self) -> None:
        """Show the bar from now on."""
        bar = _new_bar()
        with self._lock:
            if not self._over:
                self._bar = bar
                self._bar.start()
                self._task = self._bar.add_task(self._latest[0], total=None)
                self._draw()

    def stop(self) -> None:
        """Take the bar away; what is printed next has the terminal to itself."""
        with self._lock:
            self._over = True
            if self._bar is not None:
                self._bar.stop()

    def _draw(self) -> None:
        if self._bar is not None:
            what, done, total = self._latest
            self._bar.update(self._task, description=what, completed=done, total=total or None)


def _new_bar() -> Any:
    from rich.console import Console  # noqa: PLC0415 - costs what a short check need not pay
    from rich.progress import Progress as Bar  # noqa: PLC0415

    return Bar(console=Console(stderr=True), transient=True)
