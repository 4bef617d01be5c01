"""The rapid-response team's part of the board: its open calls, the button that calls it, and the same as an API; places and times, no patient."""

from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec
import psycopg
from aiohttp import web
from msgspec import Meta, Struct

from alerts import rapid_response
from alerts.board.ask import Ask
from alerts.board.sign_in import named
from alerts.rapid_response import Result
from alerts.response_lists import CALLED_FOR, CANCEL_REASONS, DISPOSITIONS, CalledFor, CancelReason, Disposition
from alerts.steps import Steps
from infra.metrics import Metrics

PAGE = (files("alerts.board") / "rapid_response.html").read_text(encoding="utf-8")

PRINTED: Final = r"^[^\x00-\x1f\x7f]*$"
"""One line, and without the NUL that no database keeps."""
Name = Annotated[str, Meta(min_length=1, max_length=60, pattern=PRINTED)]
Place = Annotated[str, Meta(min_length=1, max_length=40, pattern=PRINTED)]


class CallBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls the team to a place."""

    unit: Place
    by: Name
    bed: Place | None = None
    called_for: CalledFor = "worried"


class ArriveBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The team is there."""

    by: Name


class CloseBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The team leaves."""

    by: Name
    disposition: Disposition


class CancelBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nobody need come."""

    by: Name
    reason: CancelReason


class ArrestBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cardiac arrest; without a time, now."""

    unit: Place
    by: Name
    bed: Place | None = None
    at: datetime | None = None


class RapidResponse:
    """Handlers; `ask`, `steps` and `now` are the board's."""

    def __init__(self, ask: Ask, steps: Steps, metrics: Metrics, now: Callable[[], datetime], headers: dict[str, str]) -> None:
        self._ask, self._steps, self._metrics, self._now, self._headers = ask, steps, metrics, now, headers

    def add_to(self, app: web.Application) -> None:
        """The routes."""
        app.router.add_get("/rrt", self.page)
        app.router.add_get("/api/rrt/calls", self.calls)
        app.router.add_post("/api/rrt/calls", self.call)
        app.router.add_post("/api/rrt/calls/{call}/arrive", self.arrive)
        app.router.add_post("/api/rrt/calls/{call}/close", self.close)
        app.router.add_post("/api/rrt/calls/{call}/cancel", self.cancel)
        app.router.add_post("/api/rrt/arrests", self.arrest)

    async def page(self, _: web.Request) -> web.Response:
        """The team's page."""
        return web.Response(text=PAGE, content_type="text/html", headers=self._headers)

    async def calls(self, _: web.Request) -> web.Response:
        """Open calls, what can be said about one, and the beds there are."""

        def read(connection: psycopg.Connection) -> Any:
            with connection.transaction(), connection.cursor() as cursor:
                return rapid_response.calls(cursor, self._now() - rapid_response.SHOWN), rapid_response.places(cursor)

        found, places = await self._ask(read)
        choices = {"called_for": CALLED_FOR, "disposition": DISPOSITIONS, "reason": CANCEL_REASONS}
        return self._json({"now": self._now(), "calls": found, "places": places, "choices": choices})

    async def call(self, request: web.Request) -> web.Response:
        """Calls the team; again while it is called is no harm."""
        body = await _read(request, CallBody)

        def write(connection: psycopg.Connection) -> rapid_response.Called:
            with connection.transaction(), connection.cursor() as cursor:
                place = rapid_response.at_bed(cursor, body.unit, body.bed)
                return rapid_response.activate(cursor, self._steps, place, body.called_for, body.by, self._now())

        called = await self._ask(write)
        self._count("rrt_call", "done" if called.new else "already")
        return self._json(called, status=201 if called.new else 200)

    async def arrive(self, request: web.Request) -> web.Response:
        """The team is with the patient."""
        body, call_id = await _read(request, ArriveBody), request.match_info["call"]
        return self._said(
            "rrt_arrive", await self._ask(lambda connection: rapid_response.arrive(connection, call_id, body.by, self._now(), "link"))
        )

    async def close(self, request: web.Request) -> web.Response:
        """The team leaves."""
        body, call_id = await _read(request, CloseBody), request.match_info["call"]
        ended = await self._ask(lambda connection: rapid_response.end(connection, call_id, body.disposition, body.by, self._now()))
        return self._said("rrt_close", ended)

    async def cancel(self, request: web.Request) -> web.Response:
        """Nobody need come."""
        body, call_id = await _read(request, CancelBody), request.match_info["call"]
        return self._said(
            "rrt_cancel", await self._ask(lambda connection: rapid_response.cancel(connection, call_id, body.reason, body.by, self._now()))
        )

    async def arrest(self, request: web.Request) -> web.Response:
        """A cardiac arrest is written down."""
        body, now = await _read(request, ArrestBody), self._now()
        at = body.at or now
        if at.tzinfo is None or at > now:
            raise web.HTTPBadRequest(text="say when it was, with an offset; it cannot be still to come")

        def write(connection: psycopg.Connection) -> bool:
            with connection.transaction(), connection.cursor() as cursor:
                return rapid_response.arrest(cursor, rapid_response.at_bed(cursor, body.unit, body.bed), at, body.by, now)

        return self._said("rrt_arrest", "done" if await self._ask(write) else "already")

    def _said(self, kind: str, result: Result) -> web.Response:
        self._count(kind, result)
        if result == "unknown":
            raise web.HTTPNotFound(text="there is no such call")
        return self._json({"result": result}, status=409 if result == "over" else 200)

    def _count(self, kind: str, result: str) -> None:
        self._metrics.answers_total.labels(kind=kind, result=result).inc()

    def _json(self, value: Any, status: int = 200) -> web.Response:
        return web.Response(body=msgspec.json.encode(value), content_type="application/json", headers=self._headers, status=status)


B = TypeVar("B", bound=Struct)


async def _read(request: web.Request, kind: type[B]) -> B:
    """The body, checked, by whoever is signed in. Only JSON, which no form of another site can send, and only from the board's own pages or from no page at all."""
    origin = request.headers.get("Origin")
    if request.content_type != "application/json" or (origin is not None and urlsplit(origin).netloc != request.host):
        raise web.HTTPUnsupportedMediaType(text="send JSON, from the board itself")
    try:
        body = msgspec.json.decode(await request.read(), type=kind)
        return msgspec.structs.replace(body, by=named(request, getattr(body, "by", "")))
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise web.HTTPBadRequest(text="that is not what can be said here: GET /api/rrt/calls lists the choices") from error
