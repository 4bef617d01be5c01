"""Patients who are to be scored at a known instant although no message comes: which moments time alone makes, and where the next is kept.

A moment made by time lies in its patient's order before any message received then or later, whoever finds it first: the worker's own look at the clock, or the
batch that holds that message. So the rows are the same whatever dies in between.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, Protocol

from psycopg import Cursor

from infra.database.sql import statements
from streams.patient import PatientState
from streams.processing import Moment
from streams.record import Source

SQL = statements("streams", "wakes.sql")

NextChange = Callable[[PatientState, datetime], datetime | None]
"""The first instant after this one at which time alone changes a score of the patient, as far as is known now; None where there is none."""

TOPIC: Final = "wake"
"""Stands in a moment's name for a topic: no message made it."""
AT_ONCE: Final = 25
"""Patients a transaction; a message that comes meanwhile waits for one such transaction at most."""
MOST: Final = 32
"""Moments of one patient at once. A bundle has some dozen; more would be a `next_change` that never comes to an end."""
INSTANT: Final = timedelta(microseconds=1)
LATE: Final = timedelta(minutes=5)
"""Vigil's time. An instant that is found later than this, after an outage, is written down and pages nobody; the patient is judged once more as of now."""


class Timers(Protocol):
    """What the roof hands in to know when a score changes by time alone."""

    @property
    def timed(self) -> bool:
        """Whether any score in use does; where none does, nothing is asked of the database about it."""
        ...

    def next_change(self, patient: PatientState, at: datetime) -> datetime | None:
        """The first instant after `at` at which one does; None where none is known."""
        ...


class _None:
    """Nothing changes by time alone."""

    timed = False

    def next_change(self, patient: PatientState, at: datetime) -> datetime | None:
        """Never."""
        return None


NONE: Final = _None()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """When a patient is to be scored. `anew`: at that instant in any case, and on everything there is."""

    due_at: datetime
    anew: bool = False


@dataclass(slots=True)
class Planned:
    """Moments with those that time made between them, and each patient's next instant after them (None: none)."""

    moments: list[Moment] = field(default_factory=list)
    next: dict[str, datetime | None] = field(default_factory=dict)

    def decided(self, now: datetime) -> list[Moment]:
        """Those on which somebody may be paged."""
        return [one for one in self.moments if one.source.topic != TOPIC or now - one.received_at <= LATE]


def made_by_time(patient: PatientState, wake: Wake, partition: int, before: datetime, next_change: NextChange) -> list[Moment]:
    """The moments from `wake` until just before an instant, of a patient of whom nothing is heard meanwhile. A `wake` that holds no longer makes none."""
    due = wake.due_at if wake.anew else next_change(patient, wake.due_at - INSTANT)
    made: list[Moment] = []
    while due is not None and due < before and len(made) < MOST:
        changed = frozenset(patient.readings) if wake.anew and not made else frozenset[str]()
        made.append(Moment(source=_source(patient.patient_id, partition, due), patient=patient, received_at=due, changed=changed))
        due = next_change(patient, due)
    return made


def interleaved(moments: Sequence[Moment], before: Mapping[str, tuple[PatientState, Wake]], next_change: NextChange) -> Planned:
    """A batch's moments in their order, each after those that time made of its patient since the one before. `before`: states that wakes are kept for."""
    planned = Planned()
    last: dict[str, tuple[PatientState, Wake | None]] = {**before}
    for moment in moments:
        patient_id = moment.patient.patient_id
        state, wake = last.get(patient_id, (moment.patient, None))
        if wake is not None:
            planned.moments += made_by_time(state, wake, moment.source.partition, moment.received_at + INSTANT, next_change)
        planned.moments.append(moment)
        due = next_change(moment.patient, moment.received_at)
        last[patient_id] = (moment.patient, None if due is None else Wake(due_at=due))
        planned.next[patient_id] = due
    return planned


def woken(patient: PatientState, wake: Wake, partition: int, now: datetime, next_change: NextChange) -> Planned:
    """The moments of one patient up to now, and the next instant. After an outage also one as of now, on which alone somebody may be paged."""
    made = made_by_time(patient, wake, partition, now + INSTANT, next_change)
    if made and now - made[-1].received_at > LATE:
        made.append(replace(made[-1], source=_source(patient.patient_id, partition, now), received_at=now))
    last = made[-1].received_at if made else now
    return Planned(moments=made, next={patient.patient_id: next_change(patient, last)})


def held(cursor: Cursor, ids: Iterable[str]) -> dict[str, Wake]:
    """The wakes that are kept of these patients, locked until the transaction ends."""
    rows = cursor.execute(SQL["held"].encode(), {"ids": sorted(set(ids))}).fetchall()
    return {row[0]: Wake(due_at=row[1], anew=row[2]) for row in rows}


def waiting(cursor: Cursor, partitions: Sequence[int], now: datetime) -> list[int]:
    """Of these partitions those in which somebody is due; nothing is locked."""
    return sorted(row[0] for row in cursor.execute(SQL["waiting"].encode(), {"partitions": list(partitions), "now": now}))


def due(cursor: Cursor, partitions: Sequence[int], now: datetime) -> dict[str, tuple[Wake, int]]:
    """Who is due by now, with the partition, the longest due first; locked, and none whom somebody else has locked."""
    rows = cursor.execute(SQL["due"].encode(), {"partitions": list(partitions), "now": now, "limit": AT_ONCE}).fetchall()
    return {row[0]: (Wake(due_at=row[1], anew=row[2]), row[3]) for row in rows}


def keep(cursor: Cursor, known: Mapping[str, Wake], following: Mapping[str, datetime | None], partitions: Mapping[str, int]) -> None:
    """Writes each patient's next instant where it is another than is `known`. `partitions`: of whom a message came just now."""
    changed = {one: at for one, at in following.items() if at is not None and known.get(one) != Wake(due_at=at) and one in partitions}
    if changed:
        ids = sorted(changed)
        cursor.execute(
            SQL["set"].encode(), {"ids": ids, "partitions": [partitions[one] for one in ids], "dues": [changed[one] for one in ids]}
        )
    forget(cursor, [one for one, at in following.items() if at is None and one in known])


def forget(cursor: Cursor, ids: Sequence[str]) -> None:
    """Nobody need wake for these."""
    if ids:
        cursor.execute(SQL["drop"].encode(), {"ids": sorted(ids)})


def anew(cursor: Cursor, ids: Sequence[str], at: datetime) -> None:
    """Has these patients scored as soon as may be, by the worker that holds them: what belongs to them is not what it was."""
    cursor.execute(SQL["anew"].encode(), {"ids": sorted(ids), "at": at})


def _source(patient_id: str, partition: int, at: datetime) -> Source:
    """Names a moment by its patient and instant, so that whoever makes it gives it the same name."""
    digest = blake2b(f"{patient_id} {at.timestamp():.6f}".encode(), digest_size=7).digest()
    return Source(topic=TOPIC, partition=partition, offset=int.from_bytes(digest))
