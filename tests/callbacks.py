"""A board that providers can call back, and a provider of HTTP that writes down what it is sent; each on a real port of its own."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from alerts.board.app import Board
from alerts.board.providers import Providers
from infra.database.connect import connect
from infra.settings import ChannelSettings
from tests.episodes import NOON, Bedside

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    form: Mapping[str, str]


@dataclass(slots=True)
class Sink:
    """Answers every request as it is told just then, and keeps it."""

    url: str = ""
    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.requests.append(Request(request.method, request.raw_path, dict(request.headers), raw, form))
        return web.Response(status=self.status, text=self.body, headers=self.headers)


def free_port() -> int:
    """One that nobody has just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def served(application: web.Application, port: int) -> Iterator[None]:
    """Serves from a thread of its own until the end of the block."""
    loop, up = asyncio.new_event_loop(), threading.Event()
    runner = web.AppRunner(application, access_log=None)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        up.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.run_forever()

    thread = threading.Thread(target=run)
    thread.start()
    assert up.wait(30)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def sink(**answer: Any) -> Iterator[Sink]:
    """A provider's HTTP interface."""
    port = free_port()
    one = Sink(url=f"http://127.0.0.1:{port}", **answer)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", one.take)
    with served(application, port):
        yield one


@contextmanager
def board(bedside: Bedside, channels: Mapping[str, ChannelSettings], base: str = "") -> Iterator[str]:
    """The board of a bedside with the routes for providers; tells where it is. `base`: what the providers call it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    application = Board(lambda: connect(bedside.url), bedside.metrics, lambda: NOON).application()
    Providers(lambda: connect(bedside.url), channels, base or url, bedside.metrics, lambda: NOON).add_to(application)
    with served(application, port):
        yield url
