"""One connection to the server: who asks nothing, or reads nothing, must not keep others out."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 256
"""Open at the same time. One more takes the place of whoever has waited longest for nothing."""

IDLE_SECONDS = 15.0
"""For a whole request to arrive, or an answer to be taken; then the connection is closed. Longer
than Prometheus' shortest usual interval, so that its connection lives from scrape to scrape."""


class Connection(H11Protocol):
    """uvicorn's, with an end to patience.

    By itself it waits for the first request for ever, and counts a connection that never asks
    like any other: a few hundred of them, opened by anybody, would leave probes unanswered and
    have an orchestrator kill an agent that is well.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle_since: float | None = None
        """The loop's time since when the client keeps us waiting; None while we work for it."""
        self._timer: asyncio.TimerHandle | None = None
        self._left: int | None = None
        """Bytes that the client had still to take when it was last looked at."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait; make room where there is none."""
        super().connection_made(transport)
        self._wait()
        self._timer = self.loop.call_later(IDLE_SECONDS, self._look)
        while len(self.connections) >= MOST_CONNECTIONS:
            waiting = [one for one in self.connections if one is not self and _idle(one) > 0]
            if not waiting:
                break  # all are being worked for: uvicorn answers 503
            longest = min(waiting, key=_idle)
            self.connections.discard(longest)
            longest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """A request that is whole ends the waiting."""
        super().handle_events()
        if self._at_work() and not self.flow.write_paused:
            self._idle_since = None

    def on_response_complete(self) -> None:
        """The next request is waited for."""
        self._wait()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The client does not take what it asked for."""
        super().pause_writing()
        self._wait()

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        self._idle_since = None if self._at_work() else self._idle_since

    @property
    def idle_since(self) -> float | None:
        """Since when it keeps us waiting."""
        return self._idle_since

    def _at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._idle_since = self.loop.time()

    def _look(self) -> None:
        """Close it where it has kept us waiting too long; else look again when it may have."""
        before, self._left = self._left, self.transport.get_write_buffer_size()
        if self._left and (before is None or self._left < before):
            self._wait()  # a slow line, and no standstill
        waited = 0.0 if self._idle_since is None else self.loop.time() - self._idle_since
        if waited < IDLE_SECONDS:
            self._timer = self.loop.call_later(IDLE_SECONDS - waited, self._look)
        elif self._left:
            self.transport.abort()  # to close would be to wait until it has taken all
        else:
            self.transport.close()


def _idle(one: object) -> float:
    """Since when it waits for its client, in the loop's time; 0 while it does not."""
    return (one.idle_since or 0.0) if isinstance(one, Connection) else 0.0
