"""Rolling states kept ready in the database: a worker that starts cold reads one row a patient, and only what was recorded since."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from inspect import getsource
from typing import Final

import msgspec
from psycopg import Cursor

from infra.database.sql import statements
from parsers import events
from streams import movements, patient, readings
from streams.patient import PatientState
from streams.recall import take_in

SQL = statements("streams", "snapshots.sql")

EVERY: Final = 256
"""New readings of a patient after which the state is kept again: a cold start then walks fewer than that, and writing costs some 9 kB a time."""

REACH: Final = timedelta(days=366)
"""How far before a snapshot a fact recorded after it may lie in the patient's own time and still be looked for: as far as any state reaches."""

VERSION: Final = blake2b(
    "".join(getsource(module) for module in (events, movements, readings, patient)).encode(), digest_size=8
).hexdigest()
"""Names what a state is made of and how: kept states of another making are not read."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(PatientState).decode


def packed(state: PatientState) -> bytes:
    """A state as it is kept."""
    return zlib.compress(_encode(state), 1)


def unpacked(kept: bytes) -> PatientState:
    """The very state that was packed."""
    return _decode(zlib.decompress(kept))


def keep(cursor: Cursor, states: Iterable[tuple[PatientState, int]], partition: int, now: datetime) -> None:
    """Keeps states with their `disturbed` counts, within the batch's transaction and after it moved the progress: what lies before it is in them."""
    reached = cursor.execute(SQL["reached"].encode(), {"partition": partition}).fetchall()
    place = {"topics": [row[0] for row in reached], "next_offsets": [row[1] for row in reached], "partition": partition}
    for state, disturbed in states:
        names = {"patient_id": state.patient_id, "version": VERSION, "disturbed": disturbed, "now": now, "state": packed(state)}
        cursor.execute(SQL["keep"].encode(), place | names)


def drop(cursor: Cursor, ids: Sequence[str]) -> None:
    """Forgets what is kept of these patients: of them something is recorded out of order, or they have left."""
    if ids:
        cursor.execute(SQL["drop"].encode(), {"ids": list(ids)})


def load(cursor: Cursor, disturbed: Mapping[str, int]) -> dict[str, PatientState]:
    """The states of those of these patients that are kept and still hold, with what was recorded since. `disturbed`: the counts of today."""
    names = {"ids": list(disturbed), "version": VERSION}
    states = {
        patient_id: replace(unpacked(kept), birth_date=birth_date, sex=sex, person_at=person_at)
        for patient_id, count, kept, birth_date, sex, person_at in cursor.execute(SQL["load"].encode(), names)
        if count == disturbed[patient_id]
    }
    if states:
        since = {"ids": list(states), "reach": REACH}
        found = cursor.execute(SQL["events_since"].encode(), since).fetchall()
        take_in(states, found, cursor.execute(SQL["observations_since"].encode(), since).fetchall(), {one: one for one in states})
    return states
