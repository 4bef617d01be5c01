"""What the worker itself puts on Kafka: quarantined messages, confirmed before the batch commits, and scores for whoever listens, after it."""

from collections.abc import Iterable, Sequence

from confluent_kafka import Producer

from streams import topics
from streams.processing import Taken
from streams.writer import DependencyAway

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
            self._producer.produce(
                topics.QUARANTINE, record.value, (taken.patient_id or "").encode(), headers=headers,
                on_delivery=lambda error, _: refused.append(str(error)) if error is not None else None,
            )  # fmt: skip
        if self._producer.flush(CONFIRM_S) > 0 or refused:
            raise DependencyAway("Kafka did not confirm the quarantined messages")

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
