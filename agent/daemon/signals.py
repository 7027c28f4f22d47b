"""Signals as something to wait for: handlers that run in the middle of things do nothing."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Collection
from types import FrameType, TracebackType

HANDLED = tuple(
    number
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1")
    if (number := getattr(signal, name, None)) is not None
)


class Signals:
    """While entered, SIGTERM, SIGINT, SIGHUP and SIGUSR1 end a `wait` instead of the process.

    A handler that took a lock could find it held by the very code that it interrupts. So the
    handlers are empty, and the interpreter writes each signal's number into a pipe.
    """

    def __enter__(self) -> Signals:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._before = {number: signal.signal(number, _nothing) for number in HANDLED}
        self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._read)
        os.close(self._write)

    def wait(self, seconds: float) -> Collection[int]:
        """The signals that came, at once if any did; none after so many seconds."""
        readable, _, _ = select.select([self._read], [], [], seconds)
        return frozenset(os.read(self._read, 4096)) if readable else frozenset()


def _nothing(number: int, frame: FrameType | None) -> None:
    """The number is in the pipe already."""
