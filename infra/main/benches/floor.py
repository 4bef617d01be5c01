"""The floors of the whole path: a bare producer, and a bare consumer that copies the same observations; no logic in either."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import psycopg
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from infra.database.sql import statements

SQL = statements("infra.main.benches", "load.sql")

BATCH: Final = 500
PARTITIONS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A topic of the run's own, and how many messages a second were produced into it."""

    topic: str
    produced: float


@contextmanager
def own_topic(bootstrap: str) -> Iterator[str]:
    """A topic with four partitions, for as long as it is needed."""
    topic = f"bench-{uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result()
    yield topic
    admin.delete_topics([topic])[topic].result()


@contextmanager
def stored(bootstrap: str, messages: Sequence[bytes]) -> Iterator[Stored]:
    """These messages on a topic of their own."""
    with own_topic(bootstrap) as topic:
        producer = _producer(bootstrap)
        began = time.perf_counter()
        for number, message in enumerate(messages):
            producer.produce(topic, message, str(number % 300).encode())
            producer.poll(0)
        producer.flush()
        yield Stored(topic=topic, produced=len(messages) / (time.perf_counter() - began))


def consumed(bootstrap: str, url: str, topic: str, count: int) -> float:
    """Messages a second, their rows copied into a table like Vigil's own, a transaction for each 500."""
    done = 0
    with _consuming(bootstrap, topic) as consumer, _emptied(url) as connection:
        began = time.perf_counter()
        while done < count:
            found = consumer.consume(BATCH, timeout=0.2)
            _insert(connection, found)
            done += len(found)
        return count / (time.perf_counter() - began)


def latencies_ms(bootstrap: str, url: str, messages: Sequence[bytes], rate: float) -> list[float]:
    """From the produce call to the commit of the rows, at a steady rate, each message by itself unless several wait; without the first second's."""
    sent, waits_ms = [0.0] * len(messages), dict[int, float]()
    with own_topic(bootstrap) as topic, _consuming(bootstrap, topic) as consumer, _emptied(url) as connection:
        producing = threading.Thread(target=_produce_paced, args=(bootstrap, topic, messages, rate, sent))
        producing.start()
        while len(waits_ms) < len(messages):
            first = consumer.poll(1.0)
            if first is None:
                continue
            found = [first, *consumer.consume(BATCH, timeout=0)]
            _insert(connection, found)
            now = time.perf_counter()
            for number in (int(message.key() or b"0") for message in found):
                waits_ms[number] = 1000 * (now - sent[number])
        producing.join()
    return [wait_ms for number, wait_ms in waits_ms.items() if number >= rate]


def _produce_paced(bootstrap: str, topic: str, messages: Sequence[bytes], rate: float, sent: list[float]) -> None:
    producer = _producer(bootstrap)
    began = time.perf_counter()
    for number, message in enumerate(messages):
        time.sleep(max(0.0, began + number / rate - time.perf_counter()))
        sent[number] = time.perf_counter()
        producer.produce(topic, message, str(number).encode())
        producer.poll(0)
    producer.flush()


def _producer(bootstrap: str) -> Producer:
    return Producer({"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True, "linger.ms": 2, "log_level": 0})


@contextmanager
def _consuming(bootstrap: str, topic: str) -> Iterator[Consumer]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "enable.auto.commit": False, "log_level": 0})
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
    yield consumer
    consumer.close()


@contextmanager
def _emptied(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url) as connection:
        connection.execute(SQL["empty"].encode())
        connection.commit()
        yield connection


def _insert(connection: psycopg.Connection, found: Sequence[Message]) -> None:
    with connection.transaction(), connection.cursor().copy(SQL["copy_bare"].encode()) as copy:
        for message in found:
            place = (message.topic(), message.partition(), message.offset())
            received_at = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
            lines = [line.split("|") for line in (message.value() or b"").decode().split("\r")]
            patient, visit, filler = lines[1][3].split("^")[0], lines[2][19], lines[3][3]
            for ordinal, line in enumerate(lines[4:-1]):
                code = line[3].split("^")[0]
                number, text = (line[5], None) if line[2] == "NM" else (None, line[5])
                observed_at = f"{line[14][:8]}T{line[14][8:]}"
                copy.write_row(
                    (patient, visit, code, "LN", number, text, line[6], code, number, line[6], text, observed_at, received_at, "final",
                     f"{filler}|{code}|", *place, ordinal)
                )  # fmt: skip
