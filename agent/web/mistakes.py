"""The net under every page: what a page raises becomes a clean answer, a log line and a count."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PART = "page"
"""What a page that could not be made is counted as."""


class Mistakes:
    """Answers for what raised: with `answer`, or plainly where even that cannot be made."""

    def __init__(
        self, app: ASGIApp, *, on_error: Callable[[str], None], answer: Callable[[], Response]
    ) -> None:
        self._app = app
        self._on_error = on_error
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:  # noqa: BLE001 - one page: logged, counted, shown
            self._on_error(PART)
            structlog.get_logger().error(
                "page.failed",
                path=scope["path"],
                error=f"{type(error).__name__}: {error}",
                exc_info=error,
            )
            # Half an answer cannot be mended; the server then closes the connection.
            if not begun:
                await self._clean()(scope, receive, send)

    def _clean(self) -> Response:
        try:
            return self._answer()
        except Exception:  # noqa: BLE001 - what every page is made of is broken too
            return PlainTextResponse("This page could not be made; the log says why.\n", 500)
