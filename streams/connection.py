"""One MLLP connection: reads frames, hands them to Kafka, and answers in order, each only once Kafka has it."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime

from infra.logs import logger
from infra.metrics import Metrics
from infra.settings import FeedSettings, ListenSettings
from parsers.mllp import Decoder, Frame, Noise, Received, TooLong, encode
from streams.intake import Taken, take
from streams.producer import ConfirmingProducer
from streams.topics import type_label

log = logger("streams")

CHUNK = 64 * 1024
WRITE_S = 30.0
"""A client that does not take its acknowledgements for so long is cut off; it will come back and send again what was not answered."""

Pending = tuple[Taken, "asyncio.Future[bool]"]


class Connection:
    """Runs until the client leaves, misbehaves beyond the limits, or the listener stops. Its queue bounds what it can hold."""

    def __init__(
        self, feed: FeedSettings, settings: ListenSettings, producer: ConfirmingProducer, metrics: Metrics, now: Callable[[], datetime]
    ) -> None:
        self._feed, self._heed = feed.name, feed.acknowledge == "enhanced"
        self._settings, self._producer, self._metrics, self._now = settings, producer, metrics, now
        self._decoder = Decoder(settings.max_frame_bytes)
        self._pending: asyncio.Queue[Pending | None] = asyncio.Queue(maxsize=settings.in_flight)

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reads and answers side by side; when the reading ends, what was taken in is still answered."""
        answering = asyncio.create_task(self._answer(writer))
        try:
            await self._read(reader)
        finally:
            await self._pending.put(None)
            await answering

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                async with asyncio.timeout(self._settings.idle_s if self._decoder.within_frame else None):
                    data = await reader.read(CHUNK)
            except TimeoutError:
                log.warning("frame_without_end", feed=self._feed, limit_s=self._settings.idle_s)
                return
            except (ConnectionError, OSError):
                return
            if not data:
                return
            for received in self._decoder.receive(data):
                await self._take(received)

    async def _take(self, received: Received) -> None:
        match received:
            case Frame(content):
                taken = take(content, self._feed, self._now())
            case TooLong(beginning, length):
                taken = take(beginning, self._feed, self._now(), too_long=length)
            case Noise(length):
                log.warning("noise_between_frames", feed=self._feed, bytes=length)
                return
        self._metrics.messages_received_total.labels(feed=self._feed, type=type_label(taken.envelope.type)).inc()
        stored = self._producer.send(taken.topic, taken.key, taken.value, taken.headers)
        await self._pending.put((taken, stored))

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        broken = False
        while (pending := await self._pending.get()) is not None:
            taken, stored = pending
            answer, ack = taken.ack(await stored, secrets.token_hex(8), self._now(), heed=self._heed)
            if ack is None or broken:
                continue
            try:
                writer.write(encode(ack))
                async with asyncio.timeout(WRITE_S):
                    await writer.drain()
                self._metrics.messages_acked_total.labels(feed=self._feed, code=answer).inc()
            except (TimeoutError, ConnectionError, OSError):
                broken = True  # what is stored stays stored; the sender will ask again
                writer.transport.abort()
