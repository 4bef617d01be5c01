"""The board's web application: the ward, the page behind a link, acknowledgement, metrics and health."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from html import escape
from importlib.resources import files
from string import Template
from typing import TypeVar

import msgspec
import psycopg
from aiohttp import web
from prometheus_client import generate_latest

from alerts import answers
from alerts.answers import Seen
from alerts.board.ward import ward
from infra.metrics import Metrics

WARD = (files("alerts.board") / "ward.html").read_text(encoding="utf-8")
PAGE = Template((files("alerts.board") / "page.html").read_text(encoding="utf-8"))

SAFE = {
    "Content-Security-Policy": "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
FORM = (
    '<form method="post" action="/p/$token/acknowledge"><label>Your name or bleep<input name="by" required maxlength="60" autocomplete="name"></label>'
    "<button>Acknowledge</button></form>"
)

T = TypeVar("T")


class Board:
    """Handlers over one database connection a request; boards are few and refresh every two seconds."""

    def __init__(self, connect: Callable[[], psycopg.Connection], metrics: Metrics, now: Callable[[], datetime]) -> None:
        self._connect, self._metrics, self._now = connect, metrics, now

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=16_384)
        app.router.add_get("/", self.ward)
        app.router.add_get("/api/ward", self.api_ward)
        app.router.add_get("/p/{token}", self.page)
        app.router.add_post("/p/{token}/acknowledge", self.acknowledge)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/healthz", self.health)
        return app

    async def _ask(self, question: Callable[[psycopg.Connection], T]) -> T:
        def asked() -> T:
            with self._connect() as connection:
                return question(connection)

        try:
            return await asyncio.to_thread(asked)
        except psycopg.OperationalError as away:
            raise web.HTTPServiceUnavailable(text="the database does not answer") from away

    async def ward(self, _: web.Request) -> web.Response:
        """The ward's page."""
        return web.Response(text=WARD, content_type="text/html", headers=SAFE)

    async def api_ward(self, _: web.Request) -> web.Response:
        """What the page shows, as JSON."""
        found = await self._ask(lambda connection: ward(connection, self._now()))
        return web.Response(body=msgspec.json.encode(found), content_type="application/json", headers=SAFE)

    async def page(self, request: web.Request) -> web.Response:
        """One alert, for whoever holds its link."""
        token = _token(request)
        seen = await self._ask(lambda connection: answers.look(connection.cursor(), token))
        return _page(seen, token)

    async def acknowledge(self, request: web.Request) -> web.Response:
        """Acknowledges it; again is no harm."""
        token = _token(request)
        form = await request.post()
        by = str(form.get("by") or "").strip()[:60]
        if not by:
            raise web.HTTPBadRequest(text="say who acknowledges")
        _, seen = await self._ask(lambda connection: answers.acknowledge(connection, token, by, self._now()))
        return _page(seen, token)

    async def metrics(self, _: web.Request) -> web.Response:
        """Prometheus."""
        return web.Response(body=generate_latest(self._metrics.registry), content_type="text/plain", charset="utf-8")

    async def health(self, _: web.Request) -> web.Response:
        """200 when the database answers."""
        await self._ask(lambda connection: connection.execute("SELECT 1").fetchone())
        return web.Response(text="ok")


def _token(request: web.Request) -> str:
    """The secret of the link; a page's id is no secret and opens nothing here."""
    token = request.match_info["token"]
    return "" if token.startswith("pg-") else token


def _page(seen: Seen | None, token: str) -> web.Response:
    if seen is None:
        raise web.HTTPNotFound(text="this link leads nowhere; it may have been cut short")
    if seen.acknowledged_by:
        answer = f'<p class="done">Acknowledged by {escape(seen.acknowledged_by)}</p>'
    elif seen.closed_at is not None:
        answer = '<p class="done">Over: nothing to acknowledge any more</p>'
    else:
        answer = FORM.replace("$token", escape(token))
    text = PAGE.substitute(
        tier=escape(seen.tier.replace("_", " ").title()),
        place=escape(" ".join(part for part in (seen.unit, seen.bed) if part) or "unit unknown"),
        reason=escape(seen.reason),
        created_at=f"{seen.created_at:%H:%M}",
        answer=answer,
    )
    return web.Response(text=text, content_type="text/html", headers=SAFE)
