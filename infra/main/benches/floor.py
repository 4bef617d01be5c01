"""The floors of the whole path: a bare producer, and a bare consumer that copies the same number of rows; no logic in either."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import psycopg
from confluent_kafka import Consumer, Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic

BATCH = 500


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
    admin.create_topics([NewTopic(topic, 4, 1)])[topic].result()
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
    """Messages a second, their rows copied into a table without an index, a transaction for each 500."""
    consumer = _consumer(bootstrap, topic)
    done, began = 0, 0.0
    with _bare_table(url) as connection:
        while done < count:
            found = consumer.consume(BATCH, timeout=1.0)
            began = began or time.perf_counter() if found else began
            _insert(connection, found)
            done += len(found)
    consumer.close()
    return count / (time.perf_counter() - began)


def latencies_ms(bootstrap: str, url: str, messages: Sequence[bytes], rate: float) -> list[float]:
    """From the produce call to the commit of the rows, at a steady rate, each message by itself unless several wait."""
    with own_topic(bootstrap) as topic, _bare_table(url) as connection:
        consumer, sent, found_ms = _consumer(bootstrap, topic), [0.0] * len(messages), list[float]()
        producing = threading.Thread(target=_produce_paced, args=(bootstrap, topic, messages, rate, sent))
        producing.start()
        while len(found_ms) < len(messages):
            first = consumer.poll(1.0)
            if first is None:
                continue
            found = [first, *consumer.consume(BATCH, timeout=0)]
            _insert(connection, found)
            now = time.perf_counter()
            found_ms += [1000 * (now - sent[int(message.key() or b"0")]) for message in found]
        producing.join()
        consumer.close()
        return found_ms


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


def _consumer(bootstrap: str, topic: str) -> Consumer:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest", "enable.auto.commit": False, "log_level": 0}
    )
    consumer.subscribe([topic])
    return consumer


@contextmanager
def _bare_table(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE bare (message text, code text, value text)")
        connection.commit()
        yield connection
        connection.execute("DROP TABLE bare")


def _insert(connection: psycopg.Connection, found: Sequence[Message]) -> None:
    with connection.transaction(), connection.cursor().copy("COPY bare FROM STDIN") as copy:
        for message in found:
            fields = [line.split("|") for line in (message.value() or b"").decode().split("\r")]
            for line in fields:
                if line[0] == "OBX":
                    copy.write_row((fields[0][9], line[3], line[5]))
