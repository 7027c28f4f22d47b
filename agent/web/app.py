"""The web application: which address is answered by what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from agent.web import api, filters
from agent.web import changes as changes_of
from agent.web.agent_page import agent_page
from agent.web.changes import change, changes
from agent.web.filters import BadQueryError
from agent.web.findings import finding, findings
from agent.web.index import Indexes
from agent.web.lately import Lately
from agent.web.mistakes import Mistakes
from agent.web.overview import overview
from agent.web.page import Look, NotFoundError, Page, Paper, past
from agent.web.resource import resource
from agent.web.rules import rule, rules
from agent.web.security import Guard
from agent.web.shown import from_path
from agent.web.targets import targets
from agent.web.threads import Threads
from agent.web.view import View
from controls.model import Ref

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

PageOf = Callable[[Look, Request], Page]


def build(
    view: View,
    *,
    token: str | None,
    tls: bool,
    on_error: Callable[[str], None] = lambda part: None,
    indexes: Indexes | None = None,
) -> Starlette:
    """The application over what the agent knows.

    `token`: what all but the health checks ask for. `tls`: browsers are told to stay with it.
    `on_error` is called with `page` for each answer that could not be made. `indexes`: handed in
    by who asks it for each new state as it is published; else the next page sorts and counts it.
    """
    site = _Site(view, indexes or Indexes())
    routes = [
        Route("/metrics", site.metrics),
        Route("/healthz", site.healthz),
        Route("/readyz", site.readyz),
        Route("/api/v1/findings", site.findings_json),
        Route("/api/v1/changes", site.changes_json),
        Route("/static/style.css", site.style),
        *(Route(path, site.page(of)) for path, of in PAGES),
    ]
    return Starlette(
        routes=routes,
        exception_handlers={HTTPException: site.refused},
        middleware=[
            Middleware(Guard, token=token, tls=tls),
            Middleware(Mistakes, on_error=on_error, answer=site.broken),
        ],
    )


PAGES: tuple[tuple[str, PageOf], ...] = (
    ("/", lambda look, _: overview(look)),
    ("/findings", lambda look, asked: findings(look, asked.query_params.multi_items())),
    ("/findings/{id:path}", lambda look, asked: finding(look, _from(asked, "id"))),
    (
        "/resources/{kind}/{account}/{region}/{name:path}",
        lambda look, asked: resource(
            look, Ref(*(_from(asked, part) for part in ("kind", "account", "region", "name")))
        ),
    ),
    ("/changes", lambda look, asked: changes(look, asked.query_params.multi_items())),
    ("/changes/{id:path}", lambda look, asked: change(look, _from(asked, "id"))),
    ("/rules", lambda look, _: rules(look)),
    ("/rules/{id:path}", lambda look, asked: rule(look, _from(asked, "id"))),
    ("/targets", lambda look, _: targets(look)),
    ("/agent", lambda look, _: agent_page(look)),
)


def _from(asked: Request, part: str) -> str:
    return from_path(asked.path_params[part])


class _Site:
    """The answers over one view, with the templates and the index they share."""

    def __init__(self, view: View, indexes: Indexes) -> None:
        self._view = view
        self._indexes = indexes
        self._lately = Lately(view)
        self._paper = Paper()
        self._threads = Threads()

    # What machines ask: answered by the loop itself, so that no page keeps it waiting.

    async def metrics(self, request: Request) -> Response:
        """The page of metrics, as it lies ready."""
        gzipped = takes_gzip(request.headers.get("accept-encoding", ""))
        headers = {"vary": "accept-encoding", **({"content-encoding": "gzip"} if gzipped else {})}
        body = self._view.metrics(gzipped=gzipped)
        return Response(body, headers={"content-type": METRICS_TYPE, **headers})

    async def healthz(self, _: Request) -> Response:
        """Whether the loop turns."""
        health = self._view.health()
        if health.alive:
            return PlainTextResponse("ok\n")
        return PlainTextResponse(f"{health.why_dead or 'the loop stands still'}\n", 503)

    async def readyz(self, _: Request) -> Response:
        """Whether the configuration is loaded. Stale verdicts are told, not a reason to vanish."""
        if self._view.health().ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse("not ready: the configuration is not loaded yet\n", 503)

    async def style(self, request: Request) -> Response:
        """The style sheet; unchanged, only that it is."""
        tag = f'"{self._paper.style_tag}"'
        headers = {"etag": tag, "cache-control": "no-cache"}
        known = [one.strip().removeprefix("W/") for one in _header(request, "if-none-match")]
        if tag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        return Response(self._paper.style, media_type="text/css", headers=headers)

    # What people ask: in threads, for the store may be slow.

    async def findings_json(self, request: Request) -> Response:
        """The findings asked for, as they are put into JSON."""
        try:
            query = filters.parse(request.query_params.multi_items())
        except BadQueryError as error:
            return JSONResponse({"error": str(error)}, 400)
        state = self._view.state()
        found = await self._threads.run(
            lambda: filters.chosen(self._indexes.of(state).findings, query)
        )
        pieces = api.document(state, found, self._view.health().version)
        return StreamingResponse(pieces, media_type="application/json")

    async def changes_json(self, request: Request) -> Response:
        """The journal of changes, the newest first."""
        try:
            resource, limit = changes_of.asked(request.query_params.multi_items())
        except BadQueryError as error:
            return JSONResponse({"error": str(error)}, 400)
        read = await self._threads.run(
            lambda: past(lambda: self._view.changes(resource=resource, limit=limit))
        )
        if read.problem:
            return JSONResponse({"error": f"the journal cannot be read now: {read.problem}"}, 503)
        pieces = changes_of.document(read.found, self._view.health().version)
        return StreamingResponse(pieces, media_type="application/json")

    def page(self, of: PageOf) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that writes the page."""

        def made(request: Request) -> Response:
            look = self._look()
            try:
                page = of(look, request)
            except NotFoundError as error:
                page = _problem(404, "Not found", str(error))
            except BadQueryError as error:
                page = _problem(400, "No such question", str(error))
            return HTMLResponse(self._paper.write(page, look), page.status)

        async def endpoint(request: Request) -> Response:
            return await self._threads.run(lambda: made(request))

        return endpoint

    async def refused(self, request: Request, error: Exception) -> Response:
        """No such address, or a method that writes."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = dict((error.headers or {}) if isinstance(error, HTTPException) else {})
        what, why = _REFUSALS.get(status, ("Not possible", "This cannot be answered."))
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": why}, status, headers)
        page = _problem(status, what, why)
        text = await self._threads.run(lambda: self._paper.write(page, self._look()))
        return HTMLResponse(text, status, headers)

    def broken(self) -> Response:
        """The page for a page that could not be made."""
        page = _problem(
            500,
            "This page could not be made",
            "That is a mistake in the agent. The log says which; sweeps, metrics and other pages "
            "go on. Please report it with the line of the log.",
        )
        # On the loop itself: the store is not asked, it may be slow.
        index = self._indexes.of(self._view.state())
        look = Look(self._view, index, self._view.health())
        return HTMLResponse(self._paper.write(page, look), 500)

    def _look(self) -> Look:
        health = self._view.health()
        index = self._indexes.of(self._view.state())
        return Look(self._view, index, health, self._lately.of(health.now))


_REFUSALS = {
    404: ("Not found", "There is no page at this address. The menu leads to those that are."),
    405: ("Not allowed", "Pages are read here and nothing is written: only GET and HEAD."),
}


def _problem(status: int, what: str, why: str) -> Page:
    return Page("problem.html", what, "", {"what": what, "why": why, "status": status}, status)


def _header(request: Request, name: str) -> list[str]:
    return request.headers.get(name, "").split(",")


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
