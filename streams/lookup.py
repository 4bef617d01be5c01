"""Looks single messages up on Kafka, outside every group: nothing that is looked at is taken from anybody."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from streams.record import Record, Source, record_of


class KafkaAway(Exception):
    """Kafka does not answer, or a topic is missing. Look at `vigil status`, or at the brokers that kafka.bootstrap names."""


class Gone(Exception):
    """Kafka no longer holds the message: its retention has passed."""


def onlooker(bootstrap: str, group: str = "vigil-look") -> Consumer:
    """A consumer that joins no group and commits nothing."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False, "log_level": 0, "auto.offset.reset": "earliest",
            "queued.max.messages.kbytes": 16_384,
        }
    )  # fmt: skip


@contextmanager
def looking(bootstrap: str) -> Iterator[Consumer]:
    """An onlooker for a few questions. Raises KafkaAway where one of them gets no answer."""
    consumer = onlooker(bootstrap)
    try:
        yield consumer
    except KafkaException as error:
        raise KafkaAway(str(error.args[0].str()) if error.args else "no answer") from error
    finally:
        consumer.close()


def record_from(message: Message) -> Record:
    """A message as confluent_kafka hands it over, as the worker knows it."""
    source = Source(topic=message.topic() or "", partition=message.partition() or 0, offset=message.offset() or 0)
    headers = {name: content for name, content in dict(message.headers() or {}).items() if isinstance(content, bytes)}
    return record_of(source, message.value(), headers, message.timestamp()[1] / 1000)


def look_up(bootstrap: str, source: Source, timeout_s: float = 10.0) -> Record:
    """The message at one place. Raises Gone, KafkaAway."""
    with looking(bootstrap) as consumer:
        low, high = consumer.get_watermark_offsets(TopicPartition(source.topic, source.partition), timeout=timeout_s)
        if not low <= source.offset < high:
            raise Gone(f"Kafka holds {low} to {high} of {source.topic}/{source.partition}")
        consumer.assign([TopicPartition(source.topic, source.partition, source.offset)])
        message = consumer.poll(timeout_s)
        if message is None or message.error() is not None:
            raise KafkaAway("no answer")
        if message.offset() != source.offset:
            raise Gone(f"Kafka goes on at {message.offset()}")
        return record_from(message)
