"""The MLLP listener: one port a feed, TLS where it is set, limits that keep one client from hurting the others."""

import asyncio
import ssl
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from infra.logs import logger
from infra.metrics import Metrics
from infra.settings import FeedSettings, ListenSettings
from streams.connection import Connection
from streams.producer import ConfirmingProducer

log = logger("streams")

BACKLOG = 1024
"""Connections that the kernel holds while they wait to be accepted; hospitals' engines reconnect all at once."""
STOP_S = 15.0
"""How long open connections may take to be answered when the listener is told to stop."""


class Listener:
    """Serves every feed until it is stopped; then no new frame is read, and what was read is answered."""

    def __init__(self, settings: ListenSettings, producer: ConfirmingProducer, metrics: Metrics, now: Callable[[], datetime]) -> None:
        self._settings, self._producer, self._metrics, self._now = settings, producer, metrics, now
        self._servers: list[asyncio.Server] = []
        self._open: dict[asyncio.Task[None], asyncio.StreamReader] = {}
        self._last_heard: dict[str, float] = {}

    async def start(self) -> dict[str, tuple[str, int]]:
        """Opens the ports and tells the address of each feed."""
        addresses = {}
        for feed in self._settings.feeds:
            self._last_heard[feed.name] = time.monotonic()
            self._metrics.feed_silence_seconds.labels(feed=feed.name).set_function(partial(self._silence_s, feed.name))
            server = await asyncio.start_server(self._handler(feed), feed.host, feed.port, ssl=tls(feed), backlog=BACKLOG)
            self._servers.append(server)
            host, port = server.sockets[0].getsockname()[:2]
            addresses[feed.name] = (host, port)
            log.info("listening", feed=feed.name, port=port, tls=bool(feed.tls_cert))
        return addresses

    def _handler(self, feed: FeedSettings) -> "Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]":
        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(self._open) >= self._settings.max_connections:
                log.warning("too_many_connections", feed=feed.name, limit=self._settings.max_connections)
                writer.transport.abort()
                return
            task = asyncio.create_task(self._serve(feed, reader, writer))
            self._open[task] = reader
            task.add_done_callback(lambda done: self._open.pop(done, None))

        return connected

    async def _serve(self, feed: FeedSettings, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def now() -> datetime:
            self._last_heard[feed.name] = time.monotonic()
            return self._now()

        try:
            await Connection(feed, self._settings, self._producer, self._metrics, now).run(reader, writer)
        finally:
            writer.close()

    def _silence_s(self, feed: str) -> float:
        return time.monotonic() - self._last_heard[feed]

    async def stop(self) -> None:
        """Stops accepting, lets every connection finish what it took in, then closes."""
        for server in self._servers:
            server.close()
        for reader in self._open.values():
            reader.feed_eof()
        if self._open:
            await asyncio.wait(list(self._open), timeout=STOP_S)
        self._producer.close()


def tls(feed: FeedSettings) -> ssl.SSLContext | None:
    """The feed's TLS: none without a certificate; with a client CA, clients must show a certificate it signed."""
    if not feed.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(feed.tls_cert, feed.tls_key or None)
    if feed.tls_client_ca:
        context.load_verify_locations(feed.tls_client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
