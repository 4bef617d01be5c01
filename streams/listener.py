"""The MLLP listener: one port a feed, TLS where it is set, limits that keep one client from hurting the others."""

import asyncio
import socket
import ssl
import time
import traceback
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from infra.logs import logger
from infra.metrics import Metrics
from infra.settings import FeedSettings, ListenSettings
from parsers.profile_files import load_profile
from streams import synthetic
from streams.connection import Connection
from streams.limits import Limits
from streams.producer import ConfirmingProducer

log = logger("streams")

BACKLOG = 1024
"""Connections that the kernel holds while they wait to be accepted; hospitals' engines reconnect all at once."""
STOP_S = 10.0
"""How long open connections may take to be answered when the listener is told to stop; supervisors kill after 20 s."""
CLOSE_S = 5.0
"""How long a client may take to read its last acknowledgements before the connection is cut."""
HANDSHAKE_S = 15.0
"""For a TLS handshake; asyncio's default of 60 lets silent clients hold sockets that no limit counts."""

KEEPALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))
"""MLLP connections stay open and may be silent for hours; a peer that vanished without a word is found out within two minutes,
so that what an engine left behind when it lost its network does not use up the connections it needs to come back."""

Serving = tuple[Connection, "asyncio.Task[None]"]


class Listener:
    """Serves every feed until it is stopped; then no new frame is read, and what was read is answered. Raises ProfileFault for a profile that cannot be used."""

    def __init__(self, settings: ListenSettings, producer: ConfirmingProducer, metrics: Metrics, now: Callable[[], datetime]) -> None:
        self._settings, self._producer, self._metrics, self._now = settings, producer, metrics, now
        self._limits = Limits()
        self._profiles = {feed.name: load_profile(feed.profile) for feed in settings.feeds}
        self._servers: list[asyncio.Server] = []
        self._open: defaultdict[str, set[Serving]] = defaultdict(set)
        self._last_heard: dict[str, float] = {}

    async def start(self) -> dict[str, tuple[str, int]]:
        """Opens the ports and tells the address of each feed. Raises OSError where a port or a certificate cannot be had."""
        addresses = {}
        for feed in self._settings.feeds:
            self._last_heard[feed.name] = time.monotonic()
            self._metrics.feed_silence_seconds.labels(feed=feed.name).set_function(partial(self._silence_s, feed.name))
            context = tls(feed)
            server = await asyncio.start_server(
                partial(self._connected, feed), feed.host, feed.port,
                ssl=context, ssl_handshake_timeout=HANDSHAKE_S if context else None, backlog=BACKLOG,
            )  # fmt: skip
            self._servers.append(server)
            host, port = server.sockets[0].getsockname()[:2]
            addresses[feed.name] = (host, port)
            log.info("listening", feed=feed.name, port=port, tls=context is not None)
        return addresses

    def _connected(self, feed: FeedSettings, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Takes a connection, or cuts it where its feed has as many as it may; the limit is a feed's own, so that one cannot starve another."""
        if len(self._open[feed.name]) >= self._settings.max_connections:
            log.warning("too_many_connections", feed=feed.name, limit=self._settings.max_connections)
            writer.transport.abort()
            return
        _keep_alive(writer)
        connection = Connection(
            feed,
            self._settings,
            self._producer,
            self._metrics,
            partial(self._heard, feed.name),
            self._now,
            self._limits,
            self._profiles[feed.name],
        )
        serving = (connection, asyncio.create_task(_serve(connection, feed.name, reader, writer)))
        self._open[feed.name].add(serving)
        serving[1].add_done_callback(lambda _: self._open[feed.name].discard(serving))

    def _heard(self, feed: str, frame: bytes) -> datetime:
        """When a frame came. Vigil's own messages break no feed's silence."""
        if not frame.startswith(synthetic.OPENING):
            self._last_heard[feed] = time.monotonic()
        return self._now()

    def _silence_s(self, feed: str) -> float:
        return time.monotonic() - self._last_heard[feed]

    async def stop(self) -> None:
        """Stops accepting, lets every connection finish what it took in, then closes."""
        for server in self._servers:
            server.close()
        tasks = []
        for connection, task in [serving for feed in self._open.values() for serving in feed]:
            connection.stop()
            tasks.append(task)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_S)
            for task in late:
                task.cancel()
        await self._producer.close()
        self._limits.close()


async def _serve(connection: Connection, feed: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Runs a connection to its end. A bug of ours ends this one alone, and is told by its place; its text might hold what was sent."""
    try:
        await connection.run(reader, writer)
    except* Exception as bugs:
        places = traceback.extract_tb(bugs.exceptions[0].__traceback__)[-1:]
        where = [f"{Path(place.filename).name}:{place.lineno}" for place in places]
        log.error("connection_ended_by_a_bug", feed=feed, error=type(bugs.exceptions[0]).__name__, where=where)
    finally:
        await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        async with asyncio.timeout(CLOSE_S):
            await writer.wait_closed()
    except (TimeoutError, OSError):
        writer.transport.abort()


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with suppress(OSError):  # a client that is gone already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)


def tls(feed: FeedSettings) -> ssl.SSLContext | None:
    """The feed's TLS: none without a certificate; with a client CA, clients must show a certificate it signed. Raises OSError."""
    if not feed.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(feed.tls_cert, feed.tls_key or None)
    if feed.tls_client_ca:
        context.load_verify_locations(feed.tls_client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
