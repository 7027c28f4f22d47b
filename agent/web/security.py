"""Who may read, by which methods, and the headers that keep a browser from doing more."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""What a probe asks without a token: they say nothing about the estate."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)

HEADERS: Mapping[str, str] = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""On every answer, errors among them."""

TRANSPORT_SECURITY = "max-age=31536000"


class Guard:
    """The outermost layer: refuses what may not read, and puts the headers on every answer.

    `token`: what all but `OPEN_PATHS` ask for, as a bearer token or as the password of HTTP Basic.
    It is never logged and compared in constant time.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, tls: bool) -> None:
        self._app = app
        self._token = None if token is None else token.encode()
        self._headers = {
            **HEADERS,
            **({"strict-transport-security": TRANSPORT_SECURITY} if tls else {}),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or answer 401."""
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        open_to_all = self._token is None or scope["path"] in OPEN_PATHS
        app = self._app if open_to_all or self._admitted(scope) else _REFUSAL
        await app(scope, receive, with_headers)

    def _admitted(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) != 1 or self._token is None:
            return False
        return hmac.compare_digest(_secret(given[0]), self._token)


def _secret(header: bytes) -> bytes:
    """The token of a bearer header, or the password of a basic one; else nothing."""
    scheme, _, rest = header.strip().partition(b" ")
    match scheme.lower():
        case b"bearer":
            return rest.strip()
        case b"basic":
            return _password(rest.strip())
        case _:
            return b""


def _password(encoded: bytes) -> bytes:
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return b""
    return decoded.partition(b":")[2]


def _refusal() -> PlainTextResponse:
    """It shows nothing of the estate; a browser answers it by asking for a password."""
    answer = PlainTextResponse(
        "This agent asks for its token: send `Authorization: Bearer TOKEN`, "
        "or any user name with the token as the password.\n",
        status_code=401,
    )
    answer.headers["www-authenticate"] = 'Bearer realm="trailkeeper"'
    answer.headers.append("www-authenticate", 'Basic realm="trailkeeper", charset="UTF-8"')
    return answer


_REFUSAL = _refusal()
