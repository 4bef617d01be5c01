"""One MLLP connection: reads frames, hands them to Kafka, and answers in order, each only once Kafka has it."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

from infra.logs import logger
from infra.metrics import Metrics
from infra.settings import FeedSettings, ListenSettings
from parsers.mllp import Decoder, Frame, Noise, Received, TooLong, encode
from parsers.profile import PLAIN, Profile
from streams.intake import TOO_LARGE, Reply, take
from streams.limits import Limits
from streams.producer import ConfirmingProducer, Outcome
from streams.topics import type_label

log = logger("streams")

CHUNK = 64 * 1024
WRITE_S = 30.0
"""A client that does not take its acknowledgements for so long is cut off; it will come back and send again what was not answered."""
NOISE_BYTES = 64 * 1024
"""Bytes outside any frame, since the last one, after which a client is no HL7 sender: a port scan, a browser, a line that lost its framing."""
ENDLESS = 64
"""A frame that has grown to so many times the limit has no end; until then its end is awaited, so that it can be refused by name."""

Pending = tuple[Reply, "asyncio.Future[Outcome]"]


class Connection:
    """Runs until the client leaves, misbehaves beyond the limits, or `stop` is called. Its queue bounds what it can hold."""

    def __init__(
        self,
        feed: FeedSettings,
        settings: ListenSettings,
        producer: ConfirmingProducer,
        metrics: Metrics,
        heard: Callable[[bytes], datetime],
        now: Callable[[], datetime],
        limits: Limits,
        profile: Profile = PLAIN,
    ) -> None:
        self._feed, self._heed = feed.name, feed.acknowledge == "enhanced"
        self._profile = profile
        self._settings, self._producer, self._metrics, self._heard, self._now, self._limits = (
            settings,
            producer,
            metrics,
            heard,
            now,
            limits,
        )
        self._decoder = Decoder(settings.max_frame_bytes)
        self._pending: asyncio.Queue[Pending | None] = asyncio.Queue(maxsize=settings.in_flight)
        self._reading: asyncio.Task[None] | None = None
        self._held = self._noise = self._all_noise = 0

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reads and answers side by side; when the reading ends, what was taken in is still answered."""
        async with asyncio.TaskGroup() as group:
            self._reading = group.create_task(self._read(reader))
            group.create_task(self._answer(writer))

    def stop(self) -> None:
        """Reads no more."""
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while data := await self._some(reader):
                for received in self._decoder.receive(data):
                    await self._take(received)
                self._limits.hold(self._decoder.held - self._held)
                self._held = self._decoder.held
                if (fault := self._fault()) is not None:
                    log.warning(fault, feed=self._feed, bytes=self._decoder.length + self._noise)
                    return
        finally:
            self._limits.hold(-self._held)
            with suppress(asyncio.QueueFull):  # then there is something to answer, after which the end of the reading is seen
                self._pending.put_nowait(None)

    async def _some(self, reader: asyncio.StreamReader) -> bytes:
        """What came; nothing where the client has left, or keeps us waiting in the middle of a frame."""
        try:
            async with asyncio.timeout(self._settings.idle_s if self._decoder.within_frame else None):
                return await reader.read(CHUNK)
        except TimeoutError:
            log.warning("frame_without_end", feed=self._feed, limit_s=self._settings.idle_s)
        except OSError:
            return b""
        return b""

    def _fault(self) -> str | None:
        """Why this client is cut off."""
        if self._decoder.length > ENDLESS * self._settings.max_frame_bytes:
            return "frame_without_end"
        if self._limits.refuses(self._held):
            return "too_much_in_open_frames"
        return "noise_without_frames" if self._noise > NOISE_BYTES else None

    async def _take(self, received: Received) -> None:
        match received:
            case Frame(content):
                opening = partial(take, content, self._feed, self._heard(content), profile=self._profile)
            case TooLong(content, length):
                opening = partial(take, content, self._feed, self._heard(content), too_long=length, profile=self._profile)
            case Noise(length):
                if not self._all_noise:
                    log.warning("noise_between_frames", feed=self._feed, bytes=length)
                self._noise += length
                self._all_noise += length
                return
        self._noise = 0
        taken = await self._limits.aside(len(content), opening)
        self._metrics.messages_received_total.labels(feed=self._feed, type=type_label(taken.reply.header.type)).inc()
        await self._producer.room()
        stored: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        await self._pending.put((taken.reply, stored))  # before it is sent: what is on its way to Kafka is always waited for
        self._producer.send(taken.topic, taken.key, taken.value, taken.headers, stored)

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        answering = True
        while (pending := await self._next()) is not None:
            if answering and not await self._reply(writer, *pending):
                answering = False
                self.stop()

    async def _next(self) -> Pending | None:
        """What is to be answered next; None once all is."""
        ended = self._reading is not None and self._reading.done()
        return None if ended and self._pending.empty() else await self._pending.get()

    async def _reply(self, writer: asyncio.StreamWriter, reply: Reply, stored: "asyncio.Future[Outcome]") -> bool:
        """Answers once Kafka has the message; False where that cannot be done, and the connection is over."""
        outcome = await stored
        if outcome == "lost":
            log.error("message_not_stored", feed=self._feed)
            writer.close()  # unanswered, so that the sender comes back and sends it again
            return False
        await self._producer.pressure.ease()
        reply = reply.refused(TOO_LARGE) if outcome == "too_large" else reply
        acks = reply.acks(secrets.token_hex(8), self._now(), heed=self._heed)
        if not acks:
            return True
        try:
            writer.write(b"".join(encode(ack) for ack in acks))
            async with asyncio.timeout(WRITE_S):
                await writer.drain()
        except (TimeoutError, OSError):  # what is stored stays stored; the sender will ask again
            writer.transport.abort()
            return False
        self._metrics.messages_acked_total.labels(feed=self._feed, code=reply.answer).inc()
        return True
