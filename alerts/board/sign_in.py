"""Who is at the board: the name that a trusted proxy gives, or the owner of a secret; written down with what they look at. A page's link needs none of it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

import psycopg
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from alerts import ledger
from alerts.board import access
from alerts.board.ask import Ask
from infra.logs import logger
from infra.settings import BoardSettings

PAGE: Final = (files("alerts.board") / "sign_in.html").read_text(encoding="utf-8")
COOKIE: Final = "vigil_board"
WHO: Final = web.RequestKey("who", str)
SIGNED_IN: Final = timedelta(hours=12)
"""As long as a shift; whoever comes next on a shared computer signs in again."""
LOOKED: Final = timedelta(hours=1)
"""The ward is asked for every two seconds: who looks at it is written down at first, and again each hour that they do."""
OPEN: Final = ("/p/", "/provider/", "/healthz", "/metrics", "/sign-in")
"""Links of pages carry their own secret and show one patient without a name, providers sign, and neither health nor figures are about anybody."""
SAFE: Final = ("GET", "HEAD")

log = logger("alerts")


class SignInError(Exception):
    """The board would show the ward to whoever reaches its port; the second line says what to do."""


def is_loopback(host: str) -> bool:
    """Whether only this very machine reaches an address.

    >>> [is_loopback(one) for one in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "10.1.2.3", "board.hospital.example", "")]
    [True, True, True, False, False, False, False]
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def asks(settings: BoardSettings) -> bool:
    """Whether anybody must say who they are: not where only this machine reaches the board and no proxy stands before it."""
    return bool(settings.user_header) or not is_loopback(settings.host)


def check(settings: BoardSettings, granted: int) -> None:
    """Raises SignInError where the board may not be opened so. `granted`: how many people have a secret."""
    if bool(settings.user_header) != bool(settings.trusted_proxies):
        raise SignInError("board.user_header and board.trusted_proxies go together\nset both, or neither")
    try:
        _networks(settings.trusted_proxies)
    except ValueError as error:
        raise SignInError("board.trusted_proxies: that is no address\nwrite them like 10.1.2.3 or 10.1.0.0/16") from error
    if asks(settings) and not settings.user_header and not granted:
        raise SignInError(
            f"board.host {settings.host} is reached from elsewhere, and nobody could sign in\n"
            "grant somebody access (vigil board grant NAME), or set board.user_header and board.trusted_proxies"
        )


class SignIn:
    """Knows who asks. With `asks(settings)` false it knows nobody and lets everybody in, as on one's own machine."""

    def __init__(self, ask: Ask, settings: BoardSettings, now: Callable[[], datetime], *, secure: bool) -> None:
        self._ask, self._settings, self._now, self._secure = ask, settings, now, secure
        self._proxies = _networks(settings.trusted_proxies)
        self._asks = asks(settings)
        self._looked: dict[tuple[str, str], datetime] = {}

    def add_to(self, app: web.Application) -> None:
        """The middleware and its page; nothing where nobody is asked."""
        if self._asks:
            app.middlewares.append(self.middleware())
            app.router.add_get("/sign-in", self.page)
            app.router.add_post("/sign-in", self.enter)

    def middleware(self) -> Middleware:
        """Lets nobody in who has not said who they are, but by a page's own link."""

        @web.middleware
        async def known(request: web.Request, handler: Handler) -> web.StreamResponse:
            who = await self._who(request)
            if who is None:
                if request.path.startswith(OPEN):
                    return await handler(request)
                if request.method in SAFE and "text/html" in request.headers.get("Accept", ""):
                    raise web.HTTPSeeOther("/sign-in")
                raise web.HTTPUnauthorized(text="sign in first")
            request[WHO] = who
            if not request.path.startswith(("/provider/", "/healthz", "/metrics", "/sign-in")):
                await self._write_down(request, who)
            return await handler(request)

        return known

    async def page(self, _: web.Request) -> web.Response:
        """Where the secret is given."""
        return web.Response(text=PAGE, content_type="text/html", headers={"Cache-Control": "no-store", "X-Frame-Options": "DENY"})

    async def enter(self, request: web.Request) -> web.Response:
        """Takes the secret; it stays in a cookie that no script reads and no other site sends."""
        token = str((await request.post()).get("token") or "").strip()
        who = await self._ask(lambda connection: access.who(connection.cursor(), token))
        if who is None:
            log.warning("sign_in_refused")
            raise web.HTTPForbidden(text="nobody has this secret")
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie(
            COOKIE, token, max_age=int(SIGNED_IN.total_seconds()), httponly=True, samesite="Strict", secure=self._secure, path="/"
        )  # fmt: skip
        return answer

    async def _who(self, request: web.Request) -> str | None:
        if self._settings.user_header and self._is_proxy(request.remote):
            name = _printed(request.headers.get(self._settings.user_header, ""))
            if name:
                return name
        given = request.cookies.get(COOKIE, "") or request.headers.get("Authorization", "").removeprefix("Bearer ")
        return await self._ask(lambda connection: access.who(connection.cursor(), given)) if given else None

    def _is_proxy(self, remote: str | None) -> bool:
        try:
            address = ip_address((remote or "").partition("%")[0])
        except ValueError:
            return False
        return any(address in network for network in self._proxies)

    async def _write_down(self, request: web.Request, who: str) -> None:
        """A look at the same again and again is one entry an hour; an answer is its own, where it is taken."""
        if request.method not in SAFE:
            return
        now, what = self._now(), "/p/…" if request.path.startswith("/p/") else request.path
        key = (who, request.path)
        if key in self._looked and now - self._looked[key] < LOOKED:
            return

        def write(connection: psycopg.Connection) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                ledger.put(cursor, now, who, "board_view", what, {})

        await self._ask(write)
        self._looked = {one: at for one, at in self._looked.items() if now - at < LOOKED} | {key: now}


def named(request: web.Request, given: str) -> str:
    """Who answers: whoever is signed in, else as they call themselves."""
    return request.get(WHO) or given


def _networks(addresses: Sequence[str]) -> list[IPv4Network | IPv6Network]:
    return [ip_network(one, strict=False) for one in addresses]


def _printed(name: str) -> str:
    return "".join(character for character in name if character.isprintable()).strip()[:60]
