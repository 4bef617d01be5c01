"""What Kafka holds of the raw topics: the first and next offset of every partition, and where an hour begins."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from confluent_kafka import TopicPartition

from streams import topics
from streams.lookup import KafkaAway, looking

Place = tuple[str, int]


def offsets(bootstrap: str, names: Sequence[str] = topics.RAW, timeout_s: float = 10.0) -> dict[Place, tuple[int, int]]:
    """(first offset held, next offset to be written) of each partition. Raises KafkaAway."""
    with looking(bootstrap) as consumer:
        found = {}
        known = consumer.list_topics(timeout=timeout_s).topics
        for name in names:
            if name not in known or known[name].error is not None:
                raise KafkaAway(f"topic {name} does not exist")
            for partition in known[name].partitions:
                low, high = consumer.get_watermark_offsets(TopicPartition(name, partition), timeout=timeout_s)
                found[name, partition] = (low, high)
        return found


def since(bootstrap: str, places: Iterable[Place], at: datetime, timeout_s: float = 10.0) -> dict[Place, int]:
    """The first offset of each partition that was written at `at` (real time) or later; the next one to be written where none was. Raises KafkaAway."""
    with looking(bootstrap) as consumer:
        wanted = [TopicPartition(topic, partition, int(at.timestamp() * 1000)) for topic, partition in places]
        found = {(one.topic, one.partition): one.offset for one in consumer.offsets_for_times(wanted, timeout=timeout_s)}
        for (topic, partition), offset in found.items():
            if offset < 0:
                found[topic, partition] = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=timeout_s)[1]
        return found
