"""Messages set aside for a person: found in the database, read again from Kafka, and put back on their topic when somebody says so."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import psycopg
from confluent_kafka import Message, Producer
from msgspec import Struct

from infra.database.sql import statements
from parsers.profile import PLAIN, Profile
from streams import topics
from streams.forward import LARGEST_BYTES
from streams.intake import TOO_LONG, take
from streams.lookup import KafkaAway, record_from
from streams.record import Record, Source

SQL = statements("streams", "quarantine.sql")

RETRIED_FROM = "retried_from"
"""Header of a message that was put back: the place it was set aside at."""

CONFIRM_S = 15.0


class OnlyBeginning(Exception):
    """The frame was longer than its feed allows and only its beginning was kept. Raise listen.max_frame_bytes and have it sent again."""


class SetAside(Struct, frozen=True, kw_only=True):
    """One message that could not be taken in. `state`: waiting, retried, discarded."""

    topic: str
    partition: int
    offset: int
    feed: str | None
    control_id: str | None
    message_type: str | None
    received_at: datetime
    reason: str | None
    state: str
    decided_at: datetime | None
    decided_by: str | None
    note: str | None

    @property
    def source(self) -> Source:
        """Its place on Kafka, which is its name here."""
        return Source(topic=self.topic, partition=self.partition, offset=self.offset)


def place_of(name: str) -> Source | None:
    """The place that a name like `hl7.oru/0/15` means; None where it means none.

    >>> str(place_of("hl7.oru/0/15"))
    'hl7.oru/0/15'
    >>> place_of("hl7.oru/0"), place_of("vigil.scores/0/1")
    (None, None)
    """
    topic, _, rest = name.partition("/")
    partition, _, offset = rest.partition("/")
    if topic not in topics.RAW or not (partition.isdecimal() and offset.isdecimal()):
        return None
    return Source(topic=topic, partition=int(partition), offset=int(offset))


def listed(connection: psycopg.Connection, *, everything: bool, limit: int) -> Sequence[SetAside]:
    """What waits for somebody, the newest first; with `everything` also what was decided."""
    return [_row(row) for row in connection.execute(SQL["list"].encode(), {"all": everything, "limit": limit})]


def found(connection: psycopg.Connection, source: Source) -> SetAside | None:
    """One of them."""
    names = {"topic": source.topic, "partition": source.partition, "offset": source.offset}
    row = connection.execute(SQL["one"].encode(), names).fetchone()
    return _row(row) if row else None


def decide(cursor: psycopg.Cursor, source: Source, decision: str, by: str, note: str | None, at: datetime) -> None:
    """Writes down what was decided, within the caller's transaction."""
    cursor.execute(
        SQL["decide"].encode(),
        {
            "topic": source.topic, "partition": source.partition, "offset": source.offset, "decision": decision, "by": by, "note": note, "at": at,
        },
    )  # fmt: skip


def put_back(bootstrap: str, record: Record, profile: Profile = PLAIN) -> Source:
    """Puts a message on its topic once more and tells where it lies now; returns when every in-sync replica has it. Raises KafkaAway, OnlyBeginning.

    It is judged anew, as the listener would today: a reader that has learned since then gives another key, another topic and no refusal.
    The time of receipt stays what it was. Put back twice, the second is a duplicate like any other.
    """
    if TOO_LONG in (record.refused or ""):
        raise OnlyBeginning(f"{record.source} is the beginning of a longer frame")
    again = take(record.value, record.feed or "", record.received_at, profile=profile)
    placed: list[Source] = []

    def delivered(error: object, message: Message) -> None:
        if error is None:
            placed.append(record_from(message).source)

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "message.max.bytes": LARGEST_BYTES,
            "log_level": 0,
        }
    )
    headers: list[tuple[str, str | bytes | None]] = [(name, text.encode()) for name, text in again.headers.items()]
    producer.produce(
        again.topic,
        record.value,
        again.key.encode(),
        headers=[*headers, (RETRIED_FROM, str(record.source).encode())],
        on_delivery=delivered,
    )
    producer.flush(CONFIRM_S)
    if not placed:
        raise KafkaAway("Kafka did not confirm the message")
    return placed[0]


def _row(row: tuple[object, ...]) -> SetAside:
    return msgspec.convert(dict(zip(SetAside.__struct_fields__, row, strict=True)), SetAside)
