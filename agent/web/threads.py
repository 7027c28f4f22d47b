"""Pages are made in threads of their own, which nothing that hangs can turn against the agent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

AT_ONCE = 8
"""Pages in the making at the same time; the next one waits its turn."""


class Threads:
    """Runs functions in daemon threads, a few at a time.

    The usual pools are waited for when a process ends: a page that hangs in a store read would
    keep an agent that was told to stop from ending.
    """

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def run(self, function: Callable[[], T]) -> T:
        """What `function` gives or raises. Cancelled, it is left to itself."""
        async with self._turns:
            loop = asyncio.get_running_loop()
            future: asyncio.Future[T] = loop.create_future()

            def settle(how: Callable[[Any], None], what: Any) -> None:
                if not future.done():
                    how(what)

            def work() -> None:
                try:
                    how, what = future.set_result, function()
                except Exception as error:  # noqa: BLE001 - handed to who waits for the page
                    how, what = future.set_exception, error  # type: ignore[assignment]
                with suppress(RuntimeError):  # the server has ended: nobody waits any more
                    loop.call_soon_threadsafe(settle, how, what)

            threading.Thread(target=work, name="page", daemon=True).start()
            return await future
