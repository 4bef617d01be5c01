"""Workers without Kafka: transactors on a real database, with a clock to turn, and a scorer and policy that only count what they are asked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from infra.database.connect import connect
from parsers.events import Move
from streams.processing import Moment, Taken
from streams.progress import seed
from streams.record import Record, Source
from streams.transaction import Transactor

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Scores:
    """Scorer and policy at once; the stories about facts need no real score."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self.merged: list[tuple[str, str]] = []
        self.moved: list[tuple[str, str, str]] = []

    def recall(self, cursor: psycopg.Cursor, moments: Sequence[Moment]) -> None:
        assert not cursor.closed

    def score(self, moments: Sequence[Moment], now: datetime) -> list[Moment]:
        self.moments.extend(moments)
        return list(moments)

    def write(self, cursor: psycopg.Cursor, scores: Sequence[Moment]) -> None:
        assert not cursor.closed

    def decide(self, cursor: psycopg.Cursor, moments: Sequence[Moment], scores: Sequence[Moment], now: datetime) -> None:
        assert {str(moment.source) for moment in moments} <= {str(score.source) for score in scores}

    def merge(self, cursor: psycopg.Cursor, from_id: str, into_id: str, now: datetime) -> None:
        self.merged.append((from_id, into_id))

    def move(self, cursor: psycopg.Cursor, event: Move, into_id: str, from_id: str, now: datetime) -> None:
        self.moved.append((event.from_encounter_id, from_id, into_id))


class Worker:
    """A transactor with what it set aside, as one worker has it. `now`: what its clock says."""

    def __init__(self, url: str) -> None:
        self.url, self.scores, self.now = url, Scores(), NOON + timedelta(hours=8)
        self.set_aside: list[Taken] = []
        self.transactor: Transactor[Any] = Transactor(
            lambda: connect(url),
            self.scores,
            self.scores,
            now=lambda: self.now,
            timezones={},
            quarantine=self.set_aside.extend,
        )

    def take(self, *records: Record) -> list[str]:
        """The outcome of each record that is new."""
        return [taken.outcome for taken in self.transactor.record(records).taken]


@contextmanager
def working(url: str, count: int = 1, partitions: int = 1) -> Iterator[list[Worker]]:
    """So many workers on a database whose partitions of ADT and ORU begin at offset 0."""
    with connect(url) as connection:
        seed(connection.cursor(), {(topic, partition): 0 for topic in ("hl7.oru", "hl7.adt") for partition in range(partitions)})
    made = [Worker(url) for _ in range(count)]
    try:
        yield made
    finally:
        for one in made:
            one.transactor.forget()


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """What the database answers."""
    with connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def record(
    offset: int, value: bytes, *, topic: str = "hl7.oru", partition: int = 0, minutes: int = 0, refused: str | None = None
) -> Record:
    """A message as it lies on Kafka, received so many minutes after noon."""
    source = Source(topic=topic, partition=partition, offset=offset)
    return Record(source=source, value=value, received_at=NOON + timedelta(minutes=minutes), feed="main", control_id="1", refused=refused)
