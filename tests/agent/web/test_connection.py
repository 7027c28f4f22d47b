"""Clients that hold a connection and do nothing: others are answered all the same."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from agent.web import app, connection
from agent.web import server as servers
from agent.web.server import Server, bind
from tests.agent.web.estate import FakeView, view

HALF_A_REQUEST = b"GET / HTTP/1.1\r\nHost: agent\r\nX-Slow: "


class Large(FakeView):
    """A view whose metrics fill every buffer on the way."""

    def metrics(self, *, gzipped: bool) -> bytes:
        return b"x" * 20_000_000


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Little patience, and room for few."""
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 8)
    monkeypatch.setattr(servers, "MOST_CONNECTIONS", 8)
    fake = view()
    fake.__class__ = Large
    running = Server(app.build(fake, token="s3cr3t", tls=False), bind("127.0.0.1", 0))
    running.start()
    yield running
    running.stop(5)


def asked(server: Server, path: str = "/healthz") -> int:
    """The status of an answer on a connection of its own."""
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    client.request("GET", path)
    try:
        return client.getresponse().status
    finally:
        client.close()


def closed(client: socket.socket, seconds: float) -> bool:
    """Whether the server lets go of it within the time, whatever it sends before."""
    client.settimeout(seconds)
    try:
        while client.recv(65_536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="asks nothing"),
        pytest.param(HALF_A_REQUEST, id="asks half a thing"),
    ],
)
def test_probes_are_answered_though_others_hold_every_connection(
    server: Server, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "IDLE_SECONDS", 60.0)
    with ExitStack() as held:
        for _ in range(40):
            client = held.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            client.sendall(sent)

        assert [asked(server) for _ in range(3)] == [200, 200, 200]


@pytest.mark.parametrize(
    ("sent", "trickle"),
    [
        pytest.param(b"", b"", id="that never asks"),
        pytest.param(HALF_A_REQUEST, b"", id="that stops in the middle"),
        pytest.param(HALF_A_REQUEST, b"x", id="that asks a byte at a time"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", b"", id="that asks no more"),
    ],
)
def test_a_connection_is_closed(server: Server, sent: bytes, trickle: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(sent)
        end = time.monotonic() + 5
        done = False
        while not done and time.monotonic() < end:
            if trickle:
                try:
                    client.sendall(trickle)
                except ConnectionError:
                    done = True
                    continue
            done = closed(client, 0.1)

    assert done


def test_an_answer_that_nobody_takes_is_given_up(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer s3cr3t\r\n\r\n")
        time.sleep(2.5)  # the client's own doing: it does not read for so long
        client.settimeout(5)
        got = 0
        try:
            while piece := client.recv(1_000_000):
                got += len(piece)
        except ConnectionError:
            pass

    assert 0 < got < 20_000_000


def test_who_takes_an_answer_slowly_gets_all_of_it(server: Server) -> None:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    client.request("GET", "/metrics", headers={"Authorization": "Bearer s3cr3t"})
    answer = client.getresponse()
    got = 0
    while piece := answer.read(2_000_000):
        got += len(piece)
        time.sleep(0.2)  # a slow line: two seconds in all, four times what one may stand still

    assert got == 20_000_000
