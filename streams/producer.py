"""The listener's producer: a message counts as taken when every in-sync replica has it, and the waiting coroutine is told then."""

import asyncio
import threading
from collections.abc import Mapping

from confluent_kafka import KafkaError, Message, Producer

from infra.settings import KafkaSettings, ListenSettings

Waiting = tuple["asyncio.Future[bool]", bool]

DELIVERY_S = 30
"""After which a message that Kafka did not confirm is answered AE, so that the sender sends it again; should it have arrived after all, the
second is recognised as the same bytes."""


class ConfirmingProducer:
    """Idempotent, acks=all. Delivery reports are handed to the event loop once a poll, not once a message."""

    def __init__(self, kafka: KafkaSettings, listen: ListenSettings, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._done: list[Waiting] = []
        self._stopping = threading.Event()
        self._producer = Producer(
            {
                "bootstrap.servers": kafka.bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": listen.linger_ms,
                "message.max.bytes": listen.max_frame_bytes + 65_536,
                "delivery.timeout.ms": DELIVERY_S * 1000,
                "queue.buffering.max.messages": 100_000,
                "queue.buffering.max.kbytes": 256 * 1024,
                "socket.keepalive.enable": True,
                "log_level": 0,
            }
        )
        self._thread = threading.Thread(target=self._poll, name="kafka-delivery", daemon=True)
        self._thread.start()

    def send(self, topic: str, key: str, value: bytes, headers: Mapping[str, str]) -> "asyncio.Future[bool]":
        """Queues a message; the future becomes True once the broker has it, False where it refused or did not answer in time."""
        future: asyncio.Future[bool] = self._loop.create_future()

        def delivered(error: KafkaError | None, _: Message) -> None:
            self._done.append((future, error is None))

        try:
            self._producer.produce(
                topic, value, key.encode(), headers=[(name, text.encode()) for name, text in headers.items()], on_delivery=delivered
            )
        except (BufferError, ValueError):  # the queue is full because Kafka is away
            future.set_result(False)
        return future

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._producer.poll(0.05)
            self._hand_over()

    def _hand_over(self) -> None:
        if self._done:
            done, self._done = self._done, []
            self._loop.call_soon_threadsafe(_resolve, done)

    def close(self, timeout_s: float = 10.0) -> None:
        """Waits for what is on its way, then ends the thread."""
        self._producer.flush(timeout_s)
        self._stopping.set()
        self._thread.join(1.0)
        self._hand_over()


def _resolve(done: list[Waiting]) -> None:
    for future, arrived in done:
        if not future.done():
            future.set_result(arrived)
