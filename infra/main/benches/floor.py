"""The floors of the whole path: a bare producer, and a bare consumer that copies the same number of rows; no logic in either."""

import time
from collections.abc import Sequence
from uuid import uuid4

import psycopg
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

BATCH = 500


def bare(bootstrap: str, url: str, messages: Sequence[bytes]) -> tuple[float, float]:
    """(produced a second, consumed and copied a second) of these messages on a topic of their own."""
    topic = f"bench-{uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    admin.create_topics([NewTopic(topic, 4, 1)])[topic].result()
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True, "linger.ms": 2, "log_level": 0})
    began = time.perf_counter()
    for number, message in enumerate(messages):
        producer.produce(topic, message, str(number % 300).encode())
        producer.poll(0)
    producer.flush()
    produced = len(messages) / (time.perf_counter() - began)
    consumed = len(messages) / _consume(bootstrap, url, topic, len(messages))
    admin.delete_topics([topic])[topic].result()
    return produced, consumed


def _consume(bootstrap: str, url: str, topic: str, count: int) -> float:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest", "enable.auto.commit": False, "log_level": 0}
    )
    consumer.subscribe([topic])
    done, began = 0, 0.0
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE bare (message text, code text, value text)")
        connection.commit()
        while done < count:
            found = consumer.consume(BATCH, timeout=1.0)
            began = began or time.perf_counter() if found else began
            with connection.transaction(), connection.cursor().copy("COPY bare FROM STDIN") as copy:
                for message in found:
                    fields = [line.split("|") for line in (message.value() or b"").decode().split("\r")]
                    for line in fields:
                        if line[0] == "OBX":
                            copy.write_row((fields[0][9], line[3], line[5]))
            done += len(found)
        connection.execute("DROP TABLE bare")
    consumer.close()
    return time.perf_counter() - began
