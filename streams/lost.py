"""Messages that Kafka let go before they were recorded: found, and, when a person says so, written down as lost so that the others can go on.

It takes a worker that stood still for longer than Kafka keeps messages, or a database restored from a copy that is older than that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from infra.database.sql import statements
from streams import backlog
from streams.backlog import Range
from streams.beginnings import Place

SQL = statements("streams", "lost.sql")

REASON = "lost: Kafka no longer had it when it was to be recorded"


class Moved(Exception):
    """The database is elsewhere by now than when it was looked at. Look again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Offsets [first, until) of one partition that nobody has any more. `put_aside`: the range they belong to, None where live reading stands there."""

    topic: str
    partition: int
    first: int
    until: int
    put_aside: Range | None = None

    @property
    def count(self) -> int:
        """How many messages."""
        return self.until - self.first


def found(kafka: Mapping[Place, tuple[int, int]], progress: Mapping[Place, int], put_aside: Sequence[Range]) -> list[Lost]:
    """What is lost. `kafka`: first and next offset of each partition.

    >>> [(one.first, one.until) for one in found({("t", 0): (9, 12), ("t", 1): (0, 4)}, {("t", 0): 7, ("t", 1): 4}, [])]
    [(7, 9)]
    """
    live = [
        Lost(topic=topic, partition=partition, first=progress[topic, partition], until=low)
        for (topic, partition), (low, _) in sorted(kafka.items())
        if progress.get((topic, partition), low) < low
    ]
    ranges = [
        Lost(
            topic=one.topic, partition=one.partition, first=one.next_offset, until=min(one.until_offset, kafka[one.place][0]), put_aside=one
        )
        for one in put_aside
        if one.place in kafka and one.next_offset < kafka[one.place][0]
    ]
    return live + ranges


def skip(cursor: psycopg.Cursor, one: Lost, now: datetime) -> None:
    """Writes each down as lost and moves on, within the caller's transaction, under the lock that every batch takes. Raises Moved."""
    names = {"topic": one.topic, "partition": one.partition, "first": one.first, "until": one.until, "now": now, "reason": REASON}
    if one.put_aside is not None:
        if backlog.lock(cursor, one.put_aside) != one.first:
            raise Moved
        backlog.advance(cursor, one.put_aside, one.first, one.until)
    else:
        if cursor.execute(SQL["lock_progress"].encode(), names).fetchone() != (one.first,):
            raise Moved
        cursor.execute(SQL["move_progress"].encode(), names)
    cursor.execute(SQL["record"].encode(), names)
