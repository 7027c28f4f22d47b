"""Exit code 0 if the agent in this container answers /healthz, with TLS or without; else 1."""

from __future__ import annotations

import http.client
import os
import ssl
import sys

TIMEOUT = 4.0
EVERY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "::1"}  # noqa: S104 - what may be written
"""Where to ask an agent that listens on every address."""


def main() -> int:
    """Ask the address that the agent was told to listen on; say what is wrong."""
    host, _, port = os.environ["TRAILKEEPER_HTTP__LISTEN"].rpartition(":")
    host = EVERY.get(host, host.strip("[]"))
    answers = []
    for connection in _plain(host, int(port)), _tls(host, int(port)):
        try:
            connection.request("GET", "/healthz")
            status = connection.getresponse().status
            if status == http.client.OK:
                return 0
            answers.append(f"status {status}")
        except (OSError, http.client.HTTPException) as error:
            answers.append(f"{type(error).__name__}: {error}")
        finally:
            connection.close()
    sys.stderr.write(f"/healthz on {host}:{port}: {answers[0]}; with TLS: {answers[1]}\n")
    return 1


def _plain(host: str, port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(host, port, timeout=TIMEOUT)


def _tls(host: str, port: int) -> http.client.HTTPConnection:
    """Whose name the certificate bears does not matter here: we ask ourselves."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)


if __name__ == "__main__":
    sys.exit(main())
