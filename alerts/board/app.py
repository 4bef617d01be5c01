"""The board's web application: the ward, the page behind a link, acknowledgement, metrics and health."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from importlib.resources import files

import msgspec
import psycopg
from aiohttp import web
from prometheus_client import generate_latest

from alerts import answers, rapid_response
from alerts.answers import Answer
from alerts.board import person
from alerts.board.ask import Ask
from alerts.board.oncall import oncall
from alerts.board.rapid_response import RapidResponse
from alerts.board.sign_in import SignIn, named
from alerts.board.ward import ward
from alerts.response_lists import CALLED_FOR, CalledFor
from alerts.roster_file import CurrentRoster, no_roster
from alerts.routing import Route
from alerts.steps import Steps
from infra.metrics import Metrics
from infra.settings import BoardSettings

WARD = (files("alerts.board") / "ward.html").read_text(encoding="utf-8")

SAFE = {
    "Content-Security-Policy": "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
TOKEN = re.compile(r"[\w-]+", re.ASCII)
LINK_LIVES = timedelta(hours=24)
"""After the end of its episode: long enough to say how it turned out at the end of a shift."""


class Board:
    """Handlers over one database connection a request; boards are few and refresh every two seconds."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection], metrics: Metrics, now: Callable[[], datetime], roster: CurrentRoster = no_roster,
        routes: Sequence[Route] = (), settings: BoardSettings | None = None,
    ) -> None:  # fmt: skip
        settings = settings or BoardSettings()
        self._ask, self._metrics, self._now, self._roster = Ask(connect), metrics, now, roster
        self._steps = Steps(roster, routes, metrics)
        self._sign_in = SignIn(self._ask, settings, now, secure=settings.public_url.startswith("https:"))

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=16_384)
        app.router.add_get("/", self.ward)
        app.router.add_get("/api/ward", self.api_ward)
        app.router.add_get("/api/oncall", self.api_oncall)
        app.router.add_get("/p/{token}", self.page)
        app.router.add_post("/p/{token}/{kind:acknowledge|decline|bedside|outcome}", self.answer)
        app.router.add_post("/p/{token}/handover", self.hand_over)
        app.router.add_post("/p/{token}/rapid", self.call_team)
        RapidResponse(self._ask, self._steps, self._metrics, self._now, SAFE).add_to(app)
        self._sign_in.add_to(app)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/healthz", self.health)
        return app

    async def ward(self, _: web.Request) -> web.Response:
        """The ward's page."""
        return web.Response(text=WARD, content_type="text/html", headers=SAFE)

    async def api_ward(self, _: web.Request) -> web.Response:
        """What the page shows, as JSON."""
        found = await self._ask(lambda connection: ward(connection, self._now()))
        return web.Response(body=msgspec.json.encode(found), content_type="application/json", headers=SAFE)

    async def api_oncall(self, _: web.Request) -> web.Response:
        """Who is on call now, by name; empty where there is no schedule."""
        roster = self._roster()
        found = await self._ask(lambda connection: oncall(connection, roster, self._now())) if roster is not None else []
        return web.Response(body=msgspec.json.encode(found), content_type="application/json", headers=SAFE)

    async def page(self, request: web.Request) -> web.Response:
        """One alert, for whoever holds its link."""
        token = _token(request)
        seen = await self._ask(lambda connection: answers.look(connection.cursor(), token))
        return self._shown(_alive(seen, self._now()), token)

    async def answer(self, request: web.Request) -> web.Response:
        """Takes an answer; again is no harm."""
        token, form = _token(request), await request.post()
        kind = request.match_info["kind"]
        given = {"kind": kind, "by": named(request, _name(form.get("by")))}
        try:
            answer = msgspec.convert(
                given | ({name: form.get(name) for name in ("outcome", "action")} if kind == "outcome" else {}), Answer
            )
        except msgspec.ValidationError as error:
            raise web.HTTPBadRequest(text="that is no outcome that this page offers") from error
        if not answer.by:
            raise web.HTTPBadRequest(text="say who answers")
        _alive(await self._ask(lambda connection: answers.look(connection.cursor(), token)), self._now())
        result, seen = await self._ask(lambda connection: answers.give(connection, token, answer, self._now()))
        self._metrics.answers_total.labels(kind=answer.kind, result=result).inc()
        return self._shown(seen, token)

    async def hand_over(self, request: web.Request) -> web.Response:
        """Offers the episode to another person of the schedule, who is paged."""
        token, form = _token(request), await request.post()
        person_key, by = str(form.get("to") or ""), named(request, _name(form.get("by")))
        roster = self._roster()
        if roster is None or person_key not in roster.people or not by:
            raise web.HTTPBadRequest(text="say who hands it over, and to whom of the schedule")
        contacts = roster.people[person_key].contacts
        _alive(await self._ask(lambda connection: answers.look(connection.cursor(), token)), self._now())
        result, seen = await self._ask(lambda connection: answers.hand_over(connection, token, person_key, contacts, by, self._now()))
        self._metrics.answers_total.labels(kind="handover", result=result).inc()
        return self._shown(seen, token)

    async def call_team(self, request: web.Request) -> web.Response:
        """Calls the rapid-response team to the patient of a page."""
        token, form = _token(request), await request.post()
        by = named(request, _name(form.get("by")))
        if form.get("called_for") not in CALLED_FOR or not by:
            raise web.HTTPBadRequest(text="say who calls, and what for")
        called_for = msgspec.convert(form.get("called_for"), CalledFor)
        seen = _alive(await self._ask(lambda connection: answers.look(connection.cursor(), token)), self._now())

        def call(connection: psycopg.Connection) -> rapid_response.Called | None:
            with connection.transaction(), connection.cursor() as cursor:
                return rapid_response.activate_for_page(cursor, self._steps, token, called_for, by, self._now())

        called = await self._ask(call)
        self._metrics.answers_total.labels(kind="rrt_call", result="done" if called is not None and called.new else "already").inc()
        nobody = called is not None and not called.paged
        return self._shown(seen, token, "Nobody is paged: call by telephone" if nobody else "The rapid-response team is called")

    def _shown(self, seen: answers.Seen | None, token: str, also: str = "") -> web.Response:
        if seen is None:
            raise web.HTTPNotFound(text="this link leads nowhere; it may have been cut short")
        roster = self._roster()
        people = roster.people if roster is not None else {}
        names = {key: one.name for key, one in people.items()}
        return web.Response(text=person.shown(seen, token, names, also), content_type="text/html", headers=SAFE)

    async def metrics(self, _: web.Request) -> web.Response:
        """Prometheus."""
        return web.Response(body=generate_latest(self._metrics.registry), content_type="text/plain", charset="utf-8")

    async def health(self, _: web.Request) -> web.Response:
        """200 when the database answers."""
        await self._ask(lambda connection: connection.execute("SELECT 1").fetchone())
        return web.Response(text="ok")


def _alive(seen: answers.Seen | None, now: datetime) -> answers.Seen | None:
    """A link ends a day after its episode: what was sent to a lost phone opens nothing for long."""
    if seen is not None and seen.closed_at is not None and now - seen.closed_at > LINK_LIVES:
        raise web.HTTPGone(text="this link has ended; the episode was over a day ago")
    return seen


def _token(request: web.Request) -> str:
    """The secret of the link, of the characters that `token_urlsafe` makes; a page's id is no secret and opens nothing here."""
    token = request.match_info["token"]
    return "" if token.startswith("pg-") or not TOKEN.fullmatch(token) else token


def _name(given: object) -> str:
    """Who answers, on one line and without what no name holds and no database keeps."""
    return "".join(character for character in str(given or "") if character.isprintable()).strip()[:60]
