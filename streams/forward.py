"""What the worker itself puts on Kafka: quarantined messages, confirmed before the batch commits, and scores for whoever listens, after it."""

from collections.abc import Iterable, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams import topics
from streams.intake import BOUND
from streams.processing import Taken
from streams.writer import DependencyAway

LARGEST_BYTES = 20 * 1024 * 1024
"""What the brokers that Vigil starts take (`infra/local/kafka_server.py`); the listener's largest frame is 16 MB."""
BEGINNING_BYTES = 256 * 1024

CONFIRM_S = 10.0
"""How long a quarantined message may take to be confirmed before the whole batch is tried again."""


class Forward:
    """One idempotent producer. A batch tried again may quarantine a message twice on the topic, never in the database: the headers name its place."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "message.max.bytes": LARGEST_BYTES,
                "log_level": 0,
            }
        )

    def quarantine(self, set_aside: Sequence[Taken]) -> None:
        """Puts messages on `hl7.quarantine`, byte for byte, with the reason; returns when the broker has them all. Raises DependencyAway."""
        refused: list[str] = []
        for taken in set_aside:
            record = taken.record
            headers: list[tuple[str, str | bytes | None]] = [
                (topics.REASON, (taken.reason or "").encode()),
                ("source", str(record.source).encode()),
                (topics.RECEIVED_AT, record.received_at.isoformat().encode()),
                (topics.FEED, (record.feed or "").encode()),
                (topics.CONTROL_ID, (record.control_id or "").encode()),
                (topics.SENT_BY, (record.sent_by or "").encode()),
            ]
            self._put(record.value, (taken.patient_id or "").encode()[:BOUND], headers, refused)
        if self._producer.flush(CONFIRM_S) > 0 or refused:
            raise DependencyAway("Kafka did not confirm the quarantined messages")

    def _put(self, value: bytes, key: bytes, headers: list[tuple[str, str | bytes | None]], refused: list[str]) -> None:
        """The whole message; its beginning where Kafka takes no more here (the whole of it lies on its raw topic)."""

        def delivered(error: object, _: Message) -> None:
            if error is not None:
                refused.append(type(error).__name__)

        for part in (value, value[:BEGINNING_BYTES]):
            try:
                self._producer.produce(topics.QUARANTINE, part, key, headers=headers, on_delivery=delivered)
                return
            except KafkaException as error:
                if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                    raise DependencyAway("Kafka did not take a quarantined message") from error
            except BufferError as full:
                raise DependencyAway("Kafka has not taken what was given to it before") from full

    def publish(self, topic: str, keyed: Iterable[tuple[str, bytes]]) -> None:
        """Sends (key, value) pairs without waiting: the database is the record, these topics are for listeners."""
        for key, value in keyed:
            try:
                self._producer.produce(topic, value, key.encode())
            except BufferError:  # Kafka is away and the queue is full: the rows are safe, listeners catch up from the view
                break
        self._producer.poll(0)

    def close(self) -> None:
        """Sends what is left, for at most a few seconds."""
        self._producer.flush(3)
