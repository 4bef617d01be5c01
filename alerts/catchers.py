"""Local catchers for the demo and for tests: an SNPP server, a mail server and a web hook that write down every page they take."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

Caught = Callable[[str, Mapping[str, str]], None]
Dialogue = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Caught], Coroutine[None, None, None]]


class Book:
    """One JSON object a line: when (real time), by which channel, and what."""

    def __init__(self, path: Path, on_page: Callable[[str], None] = lambda _: None) -> None:
        self._path, self._on_page = path, on_page

    def write(self, channel: str, page: Mapping[str, str]) -> None:
        """Appends a page and tells it."""
        line = json.dumps({"caught_at": datetime.now(UTC).isoformat(), "channel": channel, **page})
        with self._path.open("a") as file:
            file.write(line + "\n")
        self._on_page(line)


async def snpp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, caught: Caught) -> None:
    """The server's side of SNPP level 1 (RFC 1861): PAGE, MESS, RESE, SEND, QUIT."""
    pager, message = "", ""
    writer.write(b"220 Vigil catcher, SNPP ready\r\n")
    while line := await reader.readline():
        verb, _, rest = line.decode("ascii", "replace").strip().partition(" ")
        match verb.upper():
            case "PAGE" if rest:
                pager, answer = rest, "250 Pager ID accepted"
            case "MESS" if rest:
                message, answer = rest, "250 Message OK"
            case "RESE":
                pager = message = ""
                answer = "250 Reset OK"
            case "SEND" if pager and message:
                caught("snpp", {"target": pager, "text": message})
                pager = message = ""
                answer = "250 Message sent"
            case "SEND":
                answer = "503 Pager ID or message missing"
            case "QUIT":
                writer.write(b"221 OK, goodbye\r\n")
                break
            case "PAGE" | "MESS":
                answer = "550 Parameter missing"
            case _:
                answer = "500 Command not recognised"
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()
    writer.close()


async def smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, caught: Caught) -> None:
    """The least of a mail server that RFC 5321 (4.5.1) asks for."""
    target, lines, in_data = "", list[str](), False
    writer.write(b"220 vigil-catcher ESMTP\r\n")
    while line := await reader.readline():
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if in_data:
            if text == ".":
                caught("smtp", {"target": target, "text": "\n".join(lines)})
                in_data, lines = False, []
                writer.write(b"250 OK\r\n")
            else:
                lines.append(text.removeprefix(".") if text.startswith("..") else text)
            continue
        verb = text[:4].upper()
        if verb == "QUIT":
            writer.write(b"221 Bye\r\n")
            break
        if verb == "RCPT":
            target = text.partition(":")[2].strip().strip("<>")
        in_data = verb == "DATA"
        known = verb in ("EHLO", "HELO", "MAIL", "RCPT", "RSET", "NOOP")
        writer.write(b"354 Go ahead\r\n" if in_data else b"250 vigil-catcher\r\n" if known else b"502 Not implemented\r\n")
        await writer.drain()
    writer.close()


def _quietly(dialogue: Dialogue, book: Book) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]:
    """A client that hangs up in the middle is nothing to tell."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await dialogue(reader, writer, book.write)

    return served


def hook(caught: Caught) -> web.Application:
    """Takes POST / and GET /healthz."""

    async def take(request: web.Request) -> web.Response:
        caught("webhook", {"target": "", "text": await request.text(), "id": request.headers.get("webhook-id", "")})
        return web.Response(status=204)

    async def health(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/", take)
    app.router.add_get("/healthz", health)
    return app


async def serve(book: Book, ports: tuple[int, int, int], stopping: asyncio.Event, host: str = "127.0.0.1") -> None:
    """Runs all three on (SNPP, SMTP, HTTP) ports until told to stop."""
    pager = await asyncio.start_server(_quietly(snpp, book), host, ports[0])
    mail = await asyncio.start_server(_quietly(smtp, book), host, ports[1])
    runner = web.AppRunner(hook(book.write), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, ports[2]).start()
    await stopping.wait()
    pager.close()
    mail.close()
    await runner.cleanup()
