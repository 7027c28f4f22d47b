"""A relay between the agent and its database, which can be told to fall silent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Relay:
    """Passes on what comes to `port`, unless it is silent: then it takes everything, as a server
    that hangs does, and says nothing."""

    to: int
    listener: socket.socket = field(
        default_factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=64)
    )
    talks: threading.Event = field(default_factory=threading.Event)
    met: threading.Event = field(default_factory=threading.Event)
    """Set once somebody connected."""
    open: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self.listener.getsockname()[1])

    def run(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                self.open.append(near)
                self.met.set()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        self.talks.wait()
        with suppress(OSError):
            far = socket.create_connection(("127.0.0.1", self.to))
            self.open.append(far)
            threading.Thread(target=self._pass, args=(far, near), daemon=True).start()
            self._pass(near, far)

    def _pass(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := here.recv(65_536):
                self.talks.wait()
                there.sendall(data)
        for end in (here, there):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of everything."""
        self.talks.set()
        for one in (self.listener, *self.open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextmanager
def relay(to: int, *, silent: bool) -> Iterator[Relay]:
    """A relay that runs."""
    made = Relay(to)
    if not silent:
        made.talks.set()
    threading.Thread(target=made.run, daemon=True).start()
    try:
        yield made
    finally:
        made.close()
