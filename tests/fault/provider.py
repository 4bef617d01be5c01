"""A paging provider of the tests: takes pages by SNPP and web hook, writes each down, and hesitates, refuses or holds the line as it is told."""

import asyncio
import re
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from aiohttp import web

from infra.local.ports import HOST

LINK = re.compile(r"/p/([\w-]+)")
Hold = Literal["before", "after"]
BUSY = {429: "421 Too many pages, try again", 503: "554 Out of order for the moment", 400: "550 No such pager"}
"""What SNPP says (RFC 1861, 3) where HTTP has these statuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A page this provider has accepted: `token` is the one in its link."""

    channel: str
    token: str
    at: datetime


class Provider:
    """Runs on a thread of its own. `hold`: "before" keeps whoever calls waiting and takes nothing, "after" takes the page and does not say so;
    `release` cuts those who were kept. `refuse`: an HTTP status by channel, its SNPP kin by SNPP.
    """

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.refusals: Counter[str] = Counter()
        self.refuse: dict[str, int] = {}
        self.ports: dict[str, int] = {}
        self.held = 0
        self._hold: Hold | None = None
        self._go = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), name="provider", daemon=True)

    def start(self) -> "Provider":
        """Opens the ports."""
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        """Closes them."""
        self.release()
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(20)
        self._loop.close()

    def hold(self, when: Hold) -> None:
        """From now on nobody hears the end of a call."""
        self.held = 0
        self._hold = when
        self._loop.call_soon_threadsafe(self._go.clear)

    def release(self) -> None:
        """Cuts all who were held; who calls now is served."""
        self._hold = None
        self._loop.call_soon_threadsafe(self._go.set)

    def takes(self) -> Counter[str]:
        """How often each page was taken, by token."""
        return Counter(one.token for one in list(self.taken))

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_post("/{name}", self._hook)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        pager = await asyncio.start_server(self._snpp, HOST, 0)
        self.ports = {"http": runner.addresses[0][1], "snpp": pager.sockets[0].getsockname()[1]}
        self._ready.set()
        await self._stopping.wait()
        pager.close()
        await runner.cleanup()

    async def _take(self, channel: str, token: str) -> bool:
        """Whether the caller is to be told that the page is taken."""
        hold = self._hold
        if hold != "before":
            self.taken.append(Taken(channel=channel, token=token, at=datetime.now(UTC)))
        if hold is None:
            return True
        self.held += 1
        await self._go.wait()
        return False

    async def _hook(self, request: web.Request) -> web.Response:
        channel = request.match_info["name"]
        found = LINK.search(await request.text())
        status = self.refuse.get(channel)
        if status is not None or found is None:
            self.refusals[channel] += 1
            return web.Response(status=status or 400)
        if await self._take(channel, found.group(1)):
            return web.Response(status=204)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)

    async def _snpp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        token = ""
        while line := await reader.readline():
            text = line.decode("ascii", "replace")
            found = LINK.search(text)
            token = found.group(1) if found else token
            answer = "250 OK"
            if text.startswith("SEND"):
                status = self.refuse.get("pager")
                if status is not None:
                    self.refusals["pager"] += 1
                    answer = BUSY[status]
                elif not await self._take("pager", token):
                    return
            writer.write(f"{'221 OK' if text.startswith('QUIT') else answer}\r\n".encode())
            await writer.drain()
