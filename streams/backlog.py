"""Live before backlog: after an outage what has gathered is put aside, the present is worked on at once, and the past is filled in between."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg

from infra.database.sql import statements
from streams import progress
from streams.beginnings import Place
from streams.processing import Moment

SQL = statements("streams", "backlog.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Offsets [next_offset, until_offset) of one partition that wait to be filled in."""

    topic: str
    partition: int
    next_offset: int
    until_offset: int

    @property
    def place(self) -> Place:
        """Its partition."""
        return self.topic, self.partition

    @property
    def names(self) -> dict[str, Any]:
        """Its key, as the statements name it."""
        return {"topic": self.topic, "partition": self.partition, "until": self.until_offset}


def put_aside(cursor: psycopg.Cursor, highs: Mapping[Place, int], least: int) -> list[Range]:
    """Makes a range of what lies between the recorded progress and `highs` (the next offset Kafka will write), and moves progress there.

    Only partitions of which at least `least` messages wait. Within the caller's transaction, under the lock that every batch takes: whoever
    holds the partition finds its own records behind afterwards and skips them, so anybody may do this at any time.
    """
    ranges = [
        Range(topic=topic, partition=partition, next_offset=reached, until_offset=highs[topic, partition])
        for (topic, partition), reached in progress.hold(cursor, sorted(highs)).items()
        if highs[topic, partition] - reached >= least
    ]
    if ranges:
        columns = {
            "topics": [one.topic for one in ranges], "partitions": [one.partition for one in ranges],
            "from": [one.next_offset for one in ranges], "until": [one.until_offset for one in ranges],
        }  # fmt: skip
        cursor.execute(SQL["put_aside"].encode(), columns)
        cursor.execute(SQL["move_progress"].encode(), columns)
    return ranges


def ranges(cursor: psycopg.Cursor) -> list[Range]:
    """All that wait, those put aside last first: the nearer the past, the more it says of the present."""
    rows = cursor.execute(SQL["ranges"].encode())
    return [Range(topic=row[0], partition=row[1], next_offset=row[2], until_offset=row[3]) for row in rows]


def lock(cursor: psycopg.Cursor, one: Range) -> int | None:
    """The range's next offset, its row locked; None where it is finished."""
    row = cursor.execute(SQL["lock_range"].encode(), one.names).fetchone()
    return int(row[0]) if row else None


def advance(cursor: psycopg.Cursor, one: Range, expected: int, reached: int) -> None:
    """Moves a locked range on, or ends it."""
    step = "finish_range" if reached >= one.until_offset else "advance_range"
    moved = cursor.execute(SQL[step].encode(), one.names | {"expected": expected, "next": reached})
    if moved.rowcount != 1:
        raise RuntimeError("a locked range moved: another process writes without taking the lock")


def judged_now(moments: Sequence[Moment], now: datetime) -> tuple[list[Moment], set[str]]:
    """The same moments, each patient's last one brought to the present; and the names of those, on which alone somebody may be paged.

    What was wrong an hour ago and is right by now pages nobody; what is wrong by what is known now does, once.
    """
    last = {moment.patient.patient_id: number for number, moment in enumerate(moments)}
    changed: dict[str, frozenset[str]] = {}
    for moment in moments:
        changed[moment.patient.patient_id] = changed.get(moment.patient.patient_id, frozenset()) | moment.changed
    brought = [
        _brought(moment, changed[moment.patient.patient_id], now)
        if last[moment.patient.patient_id] == number
        else replace(moment, closed=False, late=True)
        for number, moment in enumerate(moments)
    ]
    return brought, {str(moments[number].source) for number in last.values()}


def _brought(moment: Moment, changed: frozenset[str], now: datetime) -> Moment:
    encounter = moment.patient.encounter
    left = encounter is not None and encounter.status != "open"
    return replace(moment, received_at=max(now, moment.received_at), changed=changed, closed=left, late=True)


def waiting(found: Iterable[Range]) -> int:
    """Messages in these ranges."""
    return sum(one.until_offset - one.next_offset for one in found)
