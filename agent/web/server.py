"""The server of metrics and pages: uvicorn in a thread, on a socket that was bound before."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from agent.stop import WRONG_USE, StopError
from agent.web.connection import IDLE_SECONDS, MOST_CONNECTIONS, Connection

LONGEST_REQUEST = 64 * 1024
"""Bytes of a request's line and headers: a resource's name may be long, and stands in its path."""

WAITING_CONNECTIONS = 128

START_SECONDS = 10.0


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens: whoever connects before the server runs is made to wait, not refused.

    Raises:
        StopError: the port is in use, or the address is not one of this machine.
    """
    where = f"{host}:{port}"
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise StopError(
            WRONG_USE, f"cannot listen on {where}: {host!r} is no address ({error.strerror})"
        ) from None
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # Else a restart waits a minute for the connections of the one before.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # At once: two sockets may be bound to one port until one of them listens.
        listener.listen(WAITING_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise StopError(WRONG_USE, _why_not_bound(where, error)) from None
    return listener


def _why_not_bound(where: str, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"port in use: another process listens on {where}, perhaps another agent; "
                "stop it, or set http.listen to a free port"
            )
        case errno.EACCES:
            return f"not allowed to listen on {where}; set http.listen to a port above 1023"
        case errno.EADDRNOTAVAIL:
            return (
                f"cannot listen on {where}: this machine does not have that address; set "
                "http.listen to one that it has, or to 0.0.0.0 for all of them"
            )
        case _:
            return f"cannot listen on {where}: {error}"


# ---------------------------------------------------------------- TLS


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or later with this certificate chain and key (PEM, the key not encrypted).

    Raises:
        StopError: one cannot be read, or they do not belong together.
    """
    for what, path in (("certificate", certificate), ("key", key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise StopError(
                WRONG_USE, f"http.tls_{what}: {path} cannot be read: {error.strerror}"
            ) from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A password is handed in so that an encrypted key never asks for one on a terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        raise StopError(WRONG_USE, _why_no_tls(certificate, key, error)) from None
    return context


def _why_no_tls(certificate: Path, key: Path, error: ssl.SSLError) -> str:
    match error.reason:
        case "KEY_VALUES_MISMATCH" | "KEY_TYPE_MISMATCH":
            return f"http.tls_key: {key} is not the key of the certificate {certificate}"
        case _ if _encrypted(key):
            return f"http.tls_key: {key} is encrypted; hand in the key without a password"
        case reason:
            detail = reason.replace("_", " ").lower() if reason else "not in PEM format"
            return f"http.tls_certificate {certificate} with http.tls_key {key}: {detail}"


def _encrypted(key: Path) -> bool:
    return b"ENCRYPTED" in key.read_bytes()


# ---------------------------------------------------------------- the server


class Server:
    """Serves `app` on a socket from `bind`, with TLS if a certificate and its key are given.

    Raises:
        StopError: certificate or key cannot be used.
    """

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        self._listener = listener
        self._pair = (certificate, key) if certificate is not None and key is not None else None
        self._tls = None if self._pair is None else tls_context(*self._pair)
        self._config = _config(app, self._tls)
        self._uvicorn = uvicorn.Server(self._config)
        # A daemon: a page that hangs in a store read must not keep the agent from ending.
        self._thread = threading.Thread(target=self._run, name="pages", daemon=True)
        self._failed: BaseException | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._listener.getsockname()[1]
        return port

    def start(self) -> None:
        """Begin to serve; returns when requests are answered. Raises RuntimeError if it cannot."""
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._uvicorn.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError(
                    "the server of metrics and pages did not start"
                ) from self._failed
            self._thread.join(0.01)

    @property
    def serving(self) -> bool:
        """Its thread lives and answers."""
        return self._thread.is_alive() and self._uvicorn.started

    def renew_certificate(self) -> None:
        """Take certificate and key from their files anew: new connections get them.

        Raises:
            StopError: they cannot be used; those in use stay.
        """
        if self._pair is None or self._tls is None:
            return
        # Tried in a context of its own: half a pair would break the one in use.
        tls_context(*self._pair)
        self._tls.load_cert_chain(*self._pair, password="")

    def stop(self, seconds: float) -> None:
        """Answer what was asked, close the rest; back within `seconds`, whatever hangs."""
        deadline = time.monotonic() + seconds
        # Half of the time for those who are being answered, the rest to close them.
        self._config.timeout_graceful_shutdown = max(1, int(seconds / 2))
        self._uvicorn.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))
        self._listener.close()

    def _run(self) -> None:
        try:
            self._uvicorn.run(sockets=[self._listener])
        except BaseException as error:  # noqa: BLE001 - of this thread alone; start() tells it
            self._failed = error
            structlog.get_logger().error("server.failed", error=f"{type(error).__name__}: {error}")


def _config(app: ASGIApp, tls: ssl.SSLContext | None) -> uvicorn.Config:
    settings: dict[str, Any] = {
        "http": Connection,
        "ws": "none",
        "loop": "asyncio",
        "lifespan": "off",
        "log_config": None,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "limit_concurrency": MOST_CONNECTIONS,
        "timeout_keep_alive": int(IDLE_SECONDS),
        "h11_max_incomplete_event_size": LONGEST_REQUEST,
    }
    config = uvicorn.Config(app, **settings)
    config.load()
    config.ssl = tls
    return config
