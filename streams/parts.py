"""A message that comes in several waits in the database until its last part has come; then it is read whole. Within the batch's transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg

from infra.database.sql import statements
from parsers.message import Part, Reason
from parsers.parts import chain, join
from streams.processing import Taken
from streams.record import Record, Source

SQL = statements("streams", "parts.sql")

WAITS = "waits for the other parts of its message"
INCOMPLETE = "207: DSC-1, MSH-14: the other parts of this message did not come"

AGAIN = "207: DSC-1, MSH-14: joined, the parts are one part again"

PATIENCE = timedelta(minutes=10)
"""From when a part was taken in. A sender sends the next as soon as one is acknowledged; a part that comes later than this is still joined."""
KEPT = timedelta(days=7)
"""How long a part that was given up may still be joined: as long as the same bytes count as a resend. Its message stays on Kafka and in quarantine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A part's place on Kafka. `received_at` belongs to its name, for the messages are divided by it."""

    source: Source
    received_at: datetime


def take(cursor: psycopg.Cursor, taken: Taken, read: Callable[[Record], Taken], now: datetime) -> Taken:
    """A part as it is to be recorded: waiting, or, with the last that was missing, as the whole message. Under the exclusive lock on merges.

    The lock makes all parts of the hospital follow one another: two workers that take in the two halves at once would each miss the other's.
    """
    part = taken.message.part if taken.message is not None else None
    if part is None:
        return taken
    origin = taken.record.sent_by or taken.record.feed or ""
    cursor.execute(SQL["keep"].encode(), _columns(taken, part, origin, now))
    rows = cursor.execute(SQL["of_origin"].encode(), {"origin": _kept(origin)}).fetchall()
    places = [Place(source=Source(topic=row[0], partition=row[1], offset=row[2]), received_at=row[3]) for row in rows]
    mine = places.index(Place(source=taken.record.source, received_at=taken.record.received_at))
    links = chain([Part(follows=row[4], pointer=row[5]) for row in rows], mine)
    if links is None:
        return replace(taken, reason=WAITS)
    return _whole(cursor, taken, [places[link] for link in links], read, now)


def _whole(cursor: psycopg.Cursor, taken: Taken, places: Sequence[Place], read: Callable[[Record], Taken], now: datetime) -> Taken:
    """The message read whole, recorded at the place of the part that came last; the others point there."""
    names = _names(places)
    bodies = [bytes(row[0]) for row in cursor.execute(SQL["bodies"].encode(), names).fetchall()]
    whole = join(bodies)
    if isinstance(whole, Reason):
        found = replace(taken, message=None, outcome="quarantined", reason=f"{whole.code}: {whole.detail}")
    else:
        found = replace(read(replace(taken.record, value=whole)), record=taken.record, parts=len(places))
        if found.waits:
            found = replace(found, message=None, outcome="quarantined", reason=AGAIN)
    where = f"{len(places)} parts in {taken.record.source}"
    others = [place for place in places if place.source != taken.record.source]
    told = {"now": now, "outcome": "stored", "reason": f"read with the others: {where}"}
    if found.outcome == "quarantined":  # the parts stay, so that any of them tried again finds the others
        told = {"now": now, "outcome": "quarantined", "reason": f"{found.reason}, in {where}"}
        cursor.execute(SQL["set_aside"].encode(), names | {"now": now})
    else:
        cursor.execute(SQL["forget"].encode(), names)
    cursor.execute(SQL["tell"].encode(), _names(others) | told)
    return found


def give_up(cursor: psycopg.Cursor, now: datetime, quarantine: Callable[[Sequence[Taken]], None]) -> int:
    """Sets aside, visibly, what has waited too long for the rest; tells how many. They are joined all the same when the rest comes."""
    cursor.execute(SQL["bury"].encode(), {"before": now - KEPT})
    rows = cursor.execute(SQL["given_up"].encode(), {"now": now, "before": now - PATIENCE}).fetchall()
    if not rows:
        return 0
    late = [
        Taken(
            record=Record(
                source=Source(topic=row[0], partition=row[1], offset=row[2]),
                received_at=row[3],
                feed=row[4],
                control_id=row[5],
                sent_by=row[6],
                value=bytes(row[7]),
            ),
            message=None,
            outcome="quarantined",
            reason=INCOMPLETE,
        )
        for row in rows
    ]
    quarantine(late)
    places = [Place(source=one.record.source, received_at=one.record.received_at) for one in late]
    cursor.execute(SQL["tell"].encode(), _names(places) | {"now": now, "outcome": "quarantined", "reason": INCOMPLETE})
    return len(late)


def _kept(text: str) -> str:
    """PostgreSQL's text cannot hold NUL, and its index takes some thousands of bytes."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")[:512]


def _columns(taken: Taken, part: Part, origin: str, now: datetime) -> dict[str, Any]:
    record = taken.record
    names = {
        "feed": record.feed,
        "control_id": record.control_id,
        "sent_by": record.sent_by,
        "type": taken.message.type if taken.message else None,
    }
    return {
        "topic": record.source.topic, "partition": record.source.partition, "offset": record.source.offset, "received_at": record.received_at,
        "now": now, "origin": _kept(origin), "follows": _kept(part.follows), "pointer": _kept(part.pointer), "body": record.value,
        **{name: _kept(value) if value is not None else None for name, value in names.items()},
    }  # fmt: skip


def _names(places: Sequence[Place]) -> dict[str, Any]:
    return {
        "topics": [place.source.topic for place in places], "partitions": [place.source.partition for place in places],
        "offsets": [place.source.offset for place in places], "received": [place.received_at for place in places],
    }  # fmt: skip
