"""How far each partition is recorded: one row a partition, locked by every batch, compared, and moved on with what the batch wrote."""

from collections.abc import Iterable, Mapping, Sequence

import psycopg

from infra.database.sql import statements
from infra.logs import logger
from streams.beginnings import Place
from streams.processing import Taken

SQL = statements("streams", "store.sql")
log = logger("streams")


class Gap(Exception):
    """Kafka handed over an offset beyond the next one expected: something between was never recorded. The reader must seek back."""

    def __init__(self, topic: str, partition: int, expected: int, found: int) -> None:
        super().__init__(f"{topic}/{partition}: expected offset {expected}, found {found}")
        self.topic, self.partition, self.expected, self.found = topic, partition, expected, found


def seed(cursor: psycopg.Cursor, beginnings: Mapping[Place, int]) -> None:
    """Gives each partition that has none its progress row, at the first offset that Kafka still holds."""
    places = sorted(beginnings)
    cursor.execute(
        SQL["seed_progress"].encode(),
        {
            "topics": [place[0] for place in places],
            "partitions": [place[1] for place in places],
            "offsets": [beginnings[place] for place in places],
        },
    )


def _places(read: Iterable[Taken]) -> list[Place]:
    return sorted({(taken.record.source.topic, taken.record.source.partition) for taken in read})


def lock(cursor: psycopg.Cursor, read: Sequence[Taken]) -> dict[Place, int]:
    """The next offset expected of each of these records' partitions; their rows are held until the transaction ends."""
    return hold(cursor, _places(read))


def hold(cursor: psycopg.Cursor, places: Sequence[Place]) -> dict[Place, int]:
    """The next offset expected of these partitions; their rows are held until the transaction ends. `places`: in order."""
    names = {"topics": [place[0] for place in places], "partitions": [place[1] for place in places]}
    return {(topic, partition): offset for topic, partition, offset in cursor.execute(SQL["lock_progress"].encode(), names)}


def begun_again(cursor: psycopg.Cursor, read: Sequence[Taken], expected: dict[Place, int]) -> dict[Place, int]:
    """The next offsets expected, set back where what lies behind is not what was recorded there.

    A broker that lost its log (a disk, a power cut, a topic made anew) counts from an earlier offset again, and what it holds there are other messages.
    They are taken in like any other; that two were recorded of one offset shows in the audit, which is as it should be.
    """
    behind = [
        taken.record
        for taken in read
        if taken.record.source.offset < expected.get((taken.record.source.topic, taken.record.source.partition), 0)
    ]
    if not behind:
        return expected
    columns = {
        "topics": [one.source.topic for one in behind], "partitions": [one.source.partition for one in behind],
        "offsets": [one.source.offset for one in behind], "fingerprints": [one.fingerprint for one in behind],
    }  # fmt: skip
    back = dict(expected)
    for topic, partition, offset in cursor.execute(SQL["unlike"].encode(), columns).fetchall():
        if offset < back[topic, partition]:
            log.error("kafka_began_again", topic=topic, partition=partition, recorded=back[topic, partition], found=offset)
            back[topic, partition] = offset
            cursor.execute(SQL["set_back"].encode(), {"topic": topic, "partition": partition, "offset": offset})
    return back


def fresh_of(read: Sequence[Taken], expected: Mapping[Place, int]) -> list[Taken]:
    """What is not recorded yet. Raises Gap at the first offset that does not follow on."""
    following = dict(expected)
    fresh = []
    for taken in read:
        source = taken.record.source
        place = (source.topic, source.partition)
        upcoming = following.get(place, 0)
        if source.offset > upcoming:
            raise Gap(source.topic, source.partition, upcoming, source.offset)
        if source.offset == upcoming:
            fresh.append(taken)
            following[place] = upcoming + 1
    return fresh


def advance(cursor: psycopg.Cursor, fresh: Sequence[Taken], expected: Mapping[Place, int]) -> None:
    """Moves the locked rows on to behind these records."""
    places = _places(fresh)
    last = {(taken.record.source.topic, taken.record.source.partition): taken.record.source.offset for taken in fresh}
    moved = cursor.execute(
        SQL["advance_progress"].encode(),
        {
            "topics": [place[0] for place in places],
            "partitions": [place[1] for place in places],
            "expected": [expected[place] for place in places],
            "next": [last[place] + 1 for place in places],
        },
    )
    if moved.rowcount != len(places):
        raise RuntimeError("a locked progress row moved: another process writes without taking the lock")


def reached(cursor: psycopg.Cursor) -> dict[Place, int]:
    """The next offset expected of each partition."""
    return {(topic, partition): offset for topic, partition, offset in cursor.execute(SQL["progress"].encode())}
