"""The web application: which address is answered by what."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from agent.web import api, filters
from agent.web.index import Indexes
from agent.web.security import Guard
from agent.web.view import View

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def build(
    view: View,
    *,
    token: str | None,
    tls: bool,
    on_error: Callable[[str], None] = lambda part: None,
) -> Starlette:
    """The application over what the agent knows.

    `token`: what all but the health checks ask for. `tls`: browsers are told to stay with it.
    `on_error` is called with `page` for each page that could not be made.
    """
    indexes = Indexes()

    async def metrics(request: Request) -> Response:
        gzipped = takes_gzip(request.headers.get("accept-encoding", ""))
        headers = {"vary": "accept-encoding", **({"content-encoding": "gzip"} if gzipped else {})}
        body = view.metrics(gzipped=gzipped)
        return Response(body, headers={"content-type": METRICS_TYPE, **headers})

    async def healthz(_: Request) -> Response:
        health = view.health()
        if health.alive:
            return PlainTextResponse("ok\n")
        return PlainTextResponse(f"{health.why_dead or 'the loop stands still'}\n", 503)

    async def readyz(_: Request) -> Response:
        if view.health().ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse("not ready: the configuration is not loaded yet\n", 503)

    def findings(request: Request) -> Response:
        try:
            query = filters.parse(request.query_params.multi_items())
        except filters.BadQueryError as error:
            return JSONResponse({"error": str(error)}, 400)
        state = view.state()
        found = filters.chosen(indexes.of(state).findings, query)
        pieces = api.document(state, found, view.health().version)
        return StreamingResponse(pieces, media_type="application/json")

    return Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/api/v1/findings", findings),
        ],
        middleware=[Middleware(Guard, token=token, tls=tls)],
    )


def takes_gzip(accept_encoding: str) -> bool:
    """The client names gzip, or anything, and not with weight zero."""
    weights: dict[str, float] = {}
    for part in accept_encoding.split(","):
        name, *params = (piece.strip().lower() for piece in part.split(";"))
        weights[name] = _weight(params)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weight(params: list[str]) -> float:
    for param in params:
        if param.startswith("q="):
            try:
                return float(param[2:])
            except ValueError:
                return 0.0
    return 1.0
