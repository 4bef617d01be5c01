"""Whose facts are whose: merges, visits filed under the wrong patient, and merges taken back; within the batch's transaction or an operator's."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
import psycopg

from infra.database.sql import statements
from parsers.events import Move
from streams import recall, store, wakes
from streams.movements import fold
from streams.processing import Taken

SQL = statements("streams", "store.sql")

Known = Mapping[str, tuple[str | None, int]]
"""By recorded id: the survivor where it was merged away, and how often others' messages changed the patient."""


def known(cursor: psycopg.Cursor, ids: Iterable[str]) -> Known:
    """Of these patients and of whoever was merged into them; nothing for those of whom there is nothing to tell."""
    asked = sorted(set(ids))
    return {row[0]: (row[1], row[2]) for row in cursor.execute(SQL["aliases"].encode(), {"ids": asked})} if asked else {}


def survivor(found: Known, patient_id: str) -> str:
    """Who a recorded id is today."""
    return found.get(patient_id, (None, 0))[0] or patient_id


def recorded_as(found: Known, patient_id: str) -> list[str]:
    """Every id that a patient's facts were recorded under, today's first."""
    return [patient_id, *(alias for alias, (into, _) in found.items() if into == patient_id)]


def merge(cursor: psycopg.Cursor, pairs: Sequence[tuple[str, str]], now: datetime, on_merge: Callable[[str, str], None]) -> set[str]:
    """Joins each first patient to the second and tells whose visits must be written anew. Under the exclusive lock on merges.

    The facts stay under the number they came with; only the pointer moves, so that what is still on its way for the old number follows it.
    """
    anew = set()
    for from_key, into_key in pairs:
        found = known(cursor, [from_key, into_key])
        from_id = survivor(found, from_key)
        into_id = into_key if survivor(found, into_key) == from_id else survivor(found, into_key)
        if from_id == into_id:
            continue
        names = {"from_id": from_id, "into_id": into_id, "at": now}
        for step in ("surviving_patient", "end_own_merge", "merge_patient", "flatten_merges", "note_merge"):
            cursor.execute(SQL[step].encode(), names)
        cursor.execute(SQL["drop_visits"].encode(), {"ids": [from_id]})
        cursor.execute(SQL["disturb"].encode(), {"ids": [from_id, into_id]})
        on_merge(from_id, into_id)
        anew.add(into_id)
    return anew


def move(
    cursor: psycopg.Cursor, moves: Sequence[tuple[Move, str, datetime]], now: datetime, on_move: Callable[[Move, str, str], None]
) -> set[str]:
    """Gives visits to the patients they are of: copies from now on, and the originals withdrawn, so that both histories can be told.

    Tells whose visits must be written anew. Under the exclusive lock on merges.
    """
    anew = set()
    for event, into_key, at in moves:
        found = known(cursor, [event.from_key, into_key])
        from_id, into_id = survivor(found, event.from_key), survivor(found, into_key)
        if from_id == into_id:
            continue
        names = {
            "from_id": from_id, "ids": recorded_as(found, into_id), "from_ids": recorded_as(found, from_id), "from_encounter_id": event.from_encounter_id, "into_id": into_id,
            "encounter_id": event.encounter_id, "at": at, "now": now,
        }  # fmt: skip
        steps = (
            "move_observations", "move_events", "note_moved", "move_orders", "move_notes", "withdraw_observations", "withdraw_events", "drop_visit", "forget_move",
            "note_move",
        )  # fmt: skip
        for step in steps:
            cursor.execute(SQL[step].encode(), names)
        cursor.execute(SQL["disturb"].encode(), {"ids": [from_id, into_id]})
        on_move(event, into_id, from_id)
        anew.add(into_id)
    return anew


def redirected(cursor: psycopg.Cursor, found: Known, fresh: Sequence[Taken]) -> list[Taken]:
    """The same messages, with what was on its way for a visit that was moved since given to the patient whose visit it is."""
    suspects = sorted(patient_id for patient_id, (_, disturbed) in found.items() if disturbed)
    if not suspects:
        return list(fresh)
    rows = cursor.execute(SQL["moved_visits"].encode(), {"ids": suspects}).fetchall()
    ways = {(row[0], row[1]): (row[2], row[3]) for row in rows}
    return [_redirected(taken, found, ways) for taken in fresh] if ways else list(fresh)


def _redirected(taken: Taken, found: Known, ways: Mapping[tuple[str, str], tuple[str, str]]) -> Taken:
    message = taken.message
    if (
        taken.outcome != "stored"
        or message is None
        or message.patient is None
        or message.visit is None
        or message.visit.encounter_id is None
    ):
        return taken
    way = ways.get((survivor(found, message.patient.key), message.visit.encounter_id))
    if way is None or any(isinstance(event, Move) for event in message.events):
        return taken
    into_id, encounter_id = way
    moved = msgspec.structs.replace(
        message,
        patient=msgspec.structs.replace(message.patient, key=into_id),
        visit=msgspec.structs.replace(message.visit, encounter_id=encounter_id),
    )
    return replace(taken, message=moved, patient_id=into_id)


def unmerge(cursor: psycopg.Cursor, from_id: str, now: datetime) -> str | None:
    """Takes a merge back: the two are two again, each with what came under its own number. Tells the survivor it was merged into; None where it was not.

    Both are scored anew, each on what is its own. For a person who has found that two patients were taken for one; HL7 has no message for it.
    """
    cursor.execute(SQL["lock_merges"].encode())
    row = cursor.execute(SQL["merged_into"].encode(), {"from_id": from_id}).fetchone()
    if row is None:
        return None
    into_id = str(row[0])
    names = {"from_id": from_id, "into_id": into_id, "at": now}
    for step in ("unmerge", "end_merge", "came_through"):
        cursor.execute(SQL[step].encode(), names)
    cursor.execute(SQL["disturb"].encode(), {"ids": [from_id, into_id]})
    cursor.execute(SQL["drop_visits"].encode(), {"ids": [from_id, into_id]})
    found = known(cursor, [from_id, into_id])
    states = recall.states_of(cursor, {one: recorded_as(found, one) for one in (from_id, into_id)})
    store.write_visits(cursor, {patient_id: ({}, fold(state.movements)) for patient_id, state in states.items()}, now)
    wakes.anew(cursor, [from_id, into_id], now)
    return into_id
