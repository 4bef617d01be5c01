"""What Kafka holds of the raw topics: the first and next offset of every partition, and when one message was received."""

from collections.abc import Sequence
from datetime import datetime

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams import topics
from streams.record import Source, record_of

Place = tuple[str, int]


class KafkaAway(Exception):
    """Kafka does not answer, or a topic is missing. Look at `vigil status`, or at the brokers that kafka.bootstrap names."""


def offsets(bootstrap: str, names: Sequence[str] = topics.RAW, timeout_s: float = 10.0) -> dict[Place, tuple[int, int]]:
    """(first offset held, next offset to be written) of each partition. Raises KafkaAway."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "vigil-look", "enable.auto.commit": False, "log_level": 0})
    try:
        found = {}
        known = consumer.list_topics(timeout=timeout_s).topics
        for name in names:
            if name not in known or known[name].error is not None:
                raise KafkaAway(f"topic {name} does not exist")
            for partition in known[name].partitions:
                low, high = consumer.get_watermark_offsets(TopicPartition(name, partition), timeout=timeout_s)
                found[name, partition] = (low, high)
        return found
    except KafkaException as error:
        raise KafkaAway(str(error.args[0].str()) if error.args else "no answer") from error
    finally:
        consumer.close()


def received_at(bootstrap: str, place: Place, offset: int, timeout_s: float = 10.0) -> datetime | None:
    """When the message at this offset was received by the listener's clock; None where Kafka does not hand it over in time."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "vigil-look", "enable.auto.commit": False, "log_level": 0})
    try:
        consumer.assign([TopicPartition(place[0], place[1], offset)])
        message = consumer.poll(timeout_s)
        if message is None or message.error() is not None:
            return None
        source = Source(topic=place[0], partition=place[1], offset=offset)
        headers = {name: content for name, content in dict(message.headers() or {}).items() if isinstance(content, bytes)}
        return record_of(source, message.value(), headers, message.timestamp()[1] / 1000).received_at
    finally:
        consumer.close()
