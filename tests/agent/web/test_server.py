"""The server on a real socket: port, TLS, token, HEAD, keep-alive, stopping."""

from __future__ import annotations

import http.client
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.stop import StopError
from agent.web import app
from agent.web.server import Server, bind, tls_context
from tests.agent.web.estate import FakeView, view

TOKEN = "s3cr3t-täken"


class SlowStore(FakeView):
    """A view whose store answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.release = threading.Event()

    def events(self, **_: object) -> tuple[()]:  # type: ignore[override]
        self.entered.set()
        self.release.wait(30)
        return ()


def certificate(folder: Path, name: str = "agent") -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key, made by openssl."""
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        ["openssl", "req", "-x509", *kind, "-keyout", str(key), "-out", str(cert), *subject],
        check=True,
        capture_output=True,
    )
    return cert, key


@pytest.fixture
def fake() -> FakeView:
    return view()


@pytest.fixture
def server(fake: FakeView) -> Iterator[Server]:
    running = Server(app.build(fake, token=TOKEN, tls=False), bind("127.0.0.1", 0))
    running.start()
    yield running
    running.stop(5)


def bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}".encode().decode("latin-1")}


def test_one_connection_serves_many_requests(server: Server) -> None:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    client.connect()
    socket = client.sock

    for _ in range(3):
        client.request("GET", "/metrics", headers=bearer())
        answer = client.getresponse()
        answer.read()

        assert answer.status == 200
        assert client.sock is socket
        assert answer.getheader("server") is None


def test_head_has_the_headers_and_no_body(server: Server) -> None:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)

    client.request("HEAD", "/metrics", headers=bearer())
    answer = client.getresponse()

    assert (answer.status, answer.read()) == (200, b"")
    assert int(answer.getheader("content-length") or 0) > 0


def test_without_the_token_a_real_client_is_refused(server: Server) -> None:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)

    client.request("GET", "/metrics")

    assert client.getresponse().status == 401


def test_a_port_in_use_is_said_in_a_sentence() -> None:
    taken = bind("127.0.0.1", 0)
    port = taken.getsockname()[1]

    with pytest.raises(StopError, match=f"port in use: .* 127.0.0.1:{port}.*http.listen") as stop:
        bind("127.0.0.1", port)

    taken.close()
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("host", "port", "sentence"),
    [
        pytest.param("192.0.2.1", 0, "does not have that address", id="another machine's"),
        pytest.param("no.such.host.invalid", 0, "is no address", id="no address"),
    ],
)
def test_an_address_that_cannot_be_bound_is_said(host: str, port: int, sentence: str) -> None:
    with pytest.raises(StopError, match=sentence) as stop:
        bind(host, port)

    assert stop.value.code == 2


def test_the_port_may_be_bound_again_at_once(fake: FakeView) -> None:
    first = Server(app.build(fake, token=None, tls=False), bind("127.0.0.1", 0))
    port = first.port
    first.start()
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    client.request("GET", "/healthz")
    client.getresponse().read()
    first.stop(5)

    bind("127.0.0.1", port).close()


def test_who_connects_before_the_start_is_answered_after_it(fake: FakeView) -> None:
    waiting = Server(app.build(fake, token=None, tls=False), bind("127.0.0.1", 0))
    client = http.client.HTTPConnection("127.0.0.1", waiting.port, timeout=5)
    client.request("GET", "/healthz")

    waiting.start()

    assert client.getresponse().status == 200
    waiting.stop(5)


# ---------------------------------------------------------------- stopping


def test_it_stops_in_time_though_a_page_hangs_and_a_client_is_idle() -> None:
    before = set(threading.enumerate())
    fake = SlowStore()
    slow = Server(app.build(fake, token=None, tls=False), bind("127.0.0.1", 0))
    slow.start()
    idle = http.client.HTTPConnection("127.0.0.1", slow.port, timeout=5)
    idle.request("GET", "/healthz")
    idle.getresponse().read()
    stuck = http.client.HTTPConnection("127.0.0.1", slow.port, timeout=5)
    stuck.request("GET", "/")
    assert fake.entered.wait(5)

    began = time.monotonic()
    slow.stop(3)
    took = time.monotonic() - began
    keeping = [one for one in set(threading.enumerate()) - before if not one.daemon]

    fake.release.set()
    assert took < 3.5
    assert not slow.serving
    assert keeping == []  # else the process could not end


def test_it_stops_at_once_when_nobody_is_served(server: Server) -> None:
    began = time.monotonic()

    server.stop(10)

    assert time.monotonic() - began < 3
    assert not server.serving


def test_stopping_before_the_start_lets_the_port_go(fake: FakeView) -> None:
    never = Server(app.build(fake, token=None, tls=False), bind("127.0.0.1", 0))
    port = never.port

    never.stop(1)

    bind("127.0.0.1", port).close()


# ---------------------------------------------------------------- TLS


def https(port: int, trusted: Path, most: ssl.TLSVersion | None = None) -> int:
    """The status of /healthz over TLS."""
    context = ssl.create_default_context(cafile=str(trusted))
    if most is not None:
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = most
        context.set_ciphers("ALL:@SECLEVEL=0")
    client = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
    client.request("GET", "/healthz")
    answer = client.getresponse()
    assert "max-age" in (answer.getheader("strict-transport-security") or "")
    return answer.status


def test_tls_is_spoken_from_version_1_2_on(fake: FakeView, tmp_path: Path) -> None:
    pair = certificate(tmp_path)
    secure = Server(app.build(fake, token=None, tls=True), bind("127.0.0.1", 0), *pair)
    secure.start()

    assert https(secure.port, pair[0]) == 200
    assert https(secure.port, pair[0], ssl.TLSVersion.TLSv1_2) == 200
    with pytest.raises((ssl.SSLError, ConnectionError)):
        https(secure.port, pair[0], ssl.TLSVersion.TLSv1_1)
    secure.stop(5)


def test_a_renewed_certificate_is_served_to_new_connections(fake: FakeView, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    secure = Server(app.build(fake, token=None, tls=True), bind("127.0.0.1", 0), cert, key)
    secure.start()
    other = certificate(tmp_path, "other")
    cert.write_bytes(other[0].read_bytes())

    with pytest.raises(StopError, match="is not the key of"):
        secure.renew_certificate()
    key.write_bytes(other[1].read_bytes())
    secure.renew_certificate()

    assert https(secure.port, other[0]) == 200
    secure.stop(5)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        pytest.param(
            lambda cert, _: cert.unlink(), "tls_certificate: .* cannot be read", id="gone"
        ),
        pytest.param(lambda _, key: key.unlink(), "tls_key: .* cannot be read", id="no key"),
        pytest.param(
            lambda _, key: key.write_bytes(certificate(key.parent, "b")[1].read_bytes()),
            "is not the key of the certificate",
            id="another's key",
        ),
        pytest.param(
            lambda cert, _: cert.write_text("no"), "tls_certificate .*agent.crt", id="no PEM"
        ),
        pytest.param(
            lambda _, key: (
                subprocess.run(
                    [
                        "openssl",
                        "pkey",
                        "-in",
                        key,
                        "-aes256",
                        "-passout",
                        "pass:x",
                        "-out",
                        f"{key}2",
                    ],
                    check=True,
                )
                and Path(f"{key}2").replace(key)
            ),
            "is encrypted",
            id="encrypted key",
        ),
    ],
)
def test_a_pair_that_cannot_serve_is_refused_before(
    tmp_path: Path, spoil: object, sentence: str
) -> None:
    cert, key = certificate(tmp_path)
    spoil(cert, key)  # type: ignore[operator]

    with pytest.raises(StopError, match=sentence) as stop:
        tls_context(cert, key)

    assert stop.value.code == 2


# ---------------------------------------------------------------- who waits for whom


def test_probes_and_metrics_never_wait_for_a_page_that_waits_for_the_store() -> None:
    fake = SlowStore()
    slow = Server(app.build(fake, token=None, tls=False), bind("127.0.0.1", 0))
    slow.start()
    waiting = http.client.HTTPConnection("127.0.0.1", slow.port, timeout=30)
    waiting.request("GET", "/")
    assert fake.entered.wait(5)

    for path in ("/healthz", "/readyz", "/metrics"):
        client = http.client.HTTPConnection("127.0.0.1", slow.port, timeout=5)
        client.request("GET", path)
        assert client.getresponse().status == 200

    fake.release.set()
    assert waiting.getresponse().status == 200
    slow.stop(5)


def test_a_request_that_is_too_long_is_refused_and_the_server_goes_on(server: Server) -> None:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    client.request("GET", "/findings/" + "x" * 200_000)
    assert client.getresponse().status == 400

    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    client.request("GET", "/healthz")
    assert client.getresponse().status == 200


def test_the_token_is_in_no_log(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    for path in ("/", "/nowhere", "/findings?status=green"):
        client.request("GET", path, headers=bearer())
        client.getresponse().read()

    assert bearer()["Authorization"].split()[1] not in "".join(capfd.readouterr())
