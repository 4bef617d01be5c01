"""A person looks at what was set aside, tries it again or discards it: on a real Kafka and a real PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from infra.database.connect import connect
from streams import quarantine, topics
from streams.intake import TOO_LONG
from streams.lookup import Gone, look_up
from streams.progress import seed
from streams.quarantine import OnlyBeginning, decide, found, listed, put_back
from streams.record import Record, Source
from streams.transaction import Transactor
from tests.edge.test_backlog import Judge
from tests.hl7 import WELL, oru

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def put(bootstrap: str, value: bytes, reason: str | None) -> Source:
    """A message as the listener puts it on Kafka."""
    placed: list[Source] = []
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    headers: list[tuple[str, str | bytes | None]] = [(topics.RECEIVED_AT, NOON.isoformat().encode()), (topics.FEED, b"main")]
    headers += [(topics.REASON, reason.encode())] if reason else []
    producer.produce(
        topics.ORU, value, uuid4().bytes, headers=headers,
        on_delivery=lambda _, message: placed.append(Source(topic=topics.ORU, partition=message.partition() or 0, offset=message.offset() or 0)),
    )  # fmt: skip
    producer.flush(10)
    return placed[0]


@pytest.fixture
def taken(kafka_bootstrap: str, postgres_url: str) -> Iterator[tuple[Source, Transactor[Any]]]:
    """A good message that was refused once, recorded as quarantined."""
    source = put(kafka_bootstrap, oru("77", NOON, WELL), "102: OBX[1]-2: not understood yet")
    with connect(postgres_url) as connection:
        seed(connection.cursor(), {(source.topic, source.partition): source.offset})
    judge = Judge()
    transactor: Transactor[Any] = Transactor(
        lambda: connect(postgres_url), judge, judge, now=lambda: NOON, timezones={}, quarantine=lambda _: None
    )
    transactor.record([look_up(kafka_bootstrap, source)])
    yield source, transactor
    transactor.forget()


def test_it_is_listed_until_somebody_decides(postgres_url: str, taken: tuple[Source, Transactor[Any]]) -> None:
    source, _ = taken
    with connect(postgres_url) as connection:
        [one] = listed(connection, everything=False, limit=10)
        assert (one.source, one.reason, one.state) == (source, "102: OBX[1]-2: not understood yet", "waiting")
        decide(connection.cursor(), source, "discarded", "Dr Lab", "sent again by hand", NOON)
        assert listed(connection, everything=False, limit=10) == []
        [one] = listed(connection, everything=True, limit=10)
        assert (one.state, one.decided_by, one.note) == ("discarded", "Dr Lab", "sent again by hand")
        assert found(connection, Source(topic=topics.ADT, partition=0, offset=999)) is None


def test_put_back_it_is_read_as_any_other_and_twice_put_back_is_recorded_once(
    kafka_bootstrap: str, postgres_url: str, taken: tuple[Source, Transactor[Any]]
) -> None:
    source, transactor = taken
    places = [put_back(kafka_bootstrap, look_up(kafka_bootstrap, source)) for _ in range(2)]
    assert len(set(places)) == 2
    outcomes = []
    for place in places:
        with connect(postgres_url) as connection:
            connection.execute("DELETE FROM vigil_store.progress")
            seed(connection.cursor(), {(place.topic, place.partition): place.offset})
        record = look_up(kafka_bootstrap, place)
        assert (record.received_at, record.feed, record.refused) == (NOON, "main", None)
        outcomes += [one.outcome for one in transactor.record([record]).taken]
    assert outcomes == ["stored", "duplicate"]


def test_the_beginning_of_a_longer_frame_is_not_put_back(kafka_bootstrap: str) -> None:
    cut = Record(
        source=Source(topic=topics.ORU, partition=0, offset=0), value=b"MSH|", received_at=NOON, refused=f"207: {TOO_LONG}: 99 bytes"
    )
    with pytest.raises(OnlyBeginning):
        put_back(kafka_bootstrap, cut)


def test_what_kafka_no_longer_holds_is_told(kafka_bootstrap: str) -> None:
    with pytest.raises(Gone):
        look_up(kafka_bootstrap, Source(topic=topics.MDM, partition=0, offset=10**9))


@pytest.mark.parametrize("name", ["", "hl7.oru", "hl7.oru/0", "hl7.oru/x/1", "hl7.oru/0/-1", "vigil.scores/0/1", "hl7.oru/0/1/2"])
def test_what_names_no_place_is_none(name: str) -> None:
    assert quarantine.place_of(name) is None
