"""The listener's producer: a message counts as taken when every in-sync replica has it, and the waiting coroutine is told then."""

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import Literal

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from infra.logs import logger
from infra.settings import KafkaSettings, ListenSettings
from parsers.mllp import KEPT
from streams import topics
from streams.intake import TOO_LARGE
from streams.pressure import Pressure

log = logger("streams")

Outcome = Literal["stored", "too_large", "lost"]
"""`too_large`: the broker refused its size, and its beginning is stored with the reason instead. `lost`: not confirmed; it may have arrived."""

Headers = list[tuple[str, str | bytes | None]]
Waiting = tuple["asyncio.Future[Outcome]", int, Outcome]

DELIVERY_S = 30
"""After which a message that Kafka did not confirm counts as lost: its sender hears nothing, and sends it again. Should it have arrived
after all, the second is recognised as the same bytes."""

UNCONFIRMED_BYTES = 128 * 1024 * 1024
"""What may wait for Kafka, over all connections; beyond it nothing more is read, so that an outage of Kafka costs no more memory than this."""

POLL_S, COMPLAIN_S = 0.2, 10.0


class ConfirmingProducer:
    """Idempotent, acks=all. Delivery reports are handed to the event loop once a poll, not once a message.

    `pressure` knows how far the workers are behind. `failed` is set when librdkafka cannot go on: the process has to end, and a new one goes on.
    """

    def __init__(self, kafka: KafkaSettings, listen: ListenSettings, loop: asyncio.AbstractEventLoop) -> None:
        self.failed = asyncio.Event()
        self._loop = loop
        self._done: list[Waiting] = []
        self._unconfirmed = 0
        self._room = asyncio.Event()
        self._room.set()
        self._stopping = threading.Event()
        self._complained = -COMPLAIN_S
        self.pressure = Pressure(kafka.bootstrap, listen.hold_s, loop)
        self._producer = Producer(_configuration(kafka, listen) | {"error_cb": self._on_error})
        self._thread = threading.Thread(target=self._poll, name="kafka-delivery", daemon=True)
        self._thread.start()

    async def room(self) -> None:
        """Waits until there is room for more; Kafka's confirmations, or their lateness, always make some."""
        while not self._room.is_set():
            await self._room.wait()

    def send(self, topic: str, key: str, value: bytes, headers: Mapping[str, str], told: "asyncio.Future[Outcome]") -> None:
        """Queues a message; `told` will say what became of it."""
        self._unconfirmed += len(value)
        if self._unconfirmed > UNCONFIRMED_BYTES:
            self._room.clear()
        encoded: Headers = [(name, text.encode("utf-8", "replace")) for name, text in headers.items()]
        self._produce(topic, key.encode("utf-8", "replace"), value, encoded, (told, len(value), "stored"))

    def _produce(self, topic: str, key: bytes, value: bytes, headers: Headers, waiting: Waiting) -> None:
        future, size, outcome = waiting

        def refused(error: KafkaError, beginning: bytes) -> None:
            if error.code() == KafkaError.MSG_SIZE_TOO_LARGE and outcome == "stored":
                reason = f"{TOO_LARGE.code}: {TOO_LARGE.detail}".encode()
                kept: Headers = [*((name, text) for name, text in headers if name != topics.REASON), (topics.REASON, reason)]
                self._produce(topic, key, beginning, kept, (future, size, "too_large"))
            else:
                self._done.append((future, size, "lost"))

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is None:
                self.pressure.estimate.delivered(message.topic() or "", message.partition() or 0, message.offset() or 0)
                self._done.append(waiting)
            else:
                refused(error, (message.value() or b"")[:KEPT])

        try:
            self._producer.produce(topic, value, key, headers=headers, on_delivery=delivered)
        except KafkaException as error:
            refused(error.args[0], value[:KEPT])
        except BufferError:  # librdkafka's own queue is full
            self._done.append((future, size, "lost"))

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._producer.poll(POLL_S)
            self._hand_over()

    def _hand_over(self) -> None:
        if self._done:
            done, self._done = self._done, []
            self._loop.call_soon_threadsafe(self._resolve, done)

    def _resolve(self, done: list[Waiting]) -> None:
        for future, size, outcome in done:
            self._unconfirmed -= size
            if not future.done():
                future.set_result(outcome)
        if self._unconfirmed <= UNCONFIRMED_BYTES:
            self._room.set()

    def _on_error(self, error: KafkaError) -> None:
        """Called from the polling thread; the text of an error names brokers, never messages."""
        if error.fatal():
            log.error("kafka_producer_failed", error=error.name(), text=error.str())
            self._loop.call_soon_threadsafe(self.failed.set)
        elif time.monotonic() - self._complained >= COMPLAIN_S:
            self._complained = time.monotonic()
            log.warning("kafka_trouble", error=error.name(), text=error.str())

    async def close(self, timeout_s: float = 5.0) -> None:
        """Waits for what is on its way, then ends the thread."""
        await asyncio.to_thread(self._end, timeout_s)

    def _end(self, timeout_s: float) -> None:
        self._stopping.set()
        self.pressure.close()
        self._thread.join()
        self._producer.flush(timeout_s)
        self._hand_over()


def _configuration(kafka: KafkaSettings, listen: ListenSettings) -> dict[str, object]:
    return {
        "bootstrap.servers": kafka.bootstrap,
        "acks": "all",
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "linger.ms": listen.linger_ms,
        "message.max.bytes": listen.max_frame_bytes + 65_536,
        "delivery.timeout.ms": DELIVERY_S * 1000,
        "queue.buffering.max.messages": 200_000,
        "queue.buffering.max.kbytes": 2 * UNCONFIRMED_BYTES // 1024,
        "socket.keepalive.enable": True,
        "log_level": 0,
    }
