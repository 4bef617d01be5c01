"""Writes what a batch added up to, inside the batch's one transaction: COPY for facts, upserts for what a patient has one of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import Cursor

from infra.database.sql import statements
from streams import corrections, rows
from streams.movements import Encounter, History
from streams.patient import PatientState
from streams.processing import Batch
from streams.rows import Row

SQL = statements("streams", "store.sql")


def write(cursor: Cursor, batch: Batch, now: datetime) -> None:
    """Writes the batch's messages, facts, patients and visits. What it raises rolls the whole batch back."""
    _copy(cursor, "copy_messages", rows.MESSAGE_TYPES, [rows.message_row(taken, now) for taken in batch.taken])
    stored = [taken for taken in batch.taken if taken.outcome == "stored"]
    replaced = corrections.replaced(cursor, stored, batch.kin)
    _copy(cursor, "copy_observations", rows.OBSERVATION_TYPES, [row for taken in stored for row in rows.observation_rows(taken)])
    corrections.supersede(cursor, replaced, batch.kin, now)
    _copy(cursor, "copy_orders", rows.ORDER_TYPES, [row for taken in stored for row in rows.order_rows(taken)])
    _copy(cursor, "copy_notes", rows.NOTE_TYPES, [row for taken in stored for row in rows.note_rows(taken)])
    _copy(cursor, "copy_events", rows.EVENT_TYPES, [row for taken in stored for row in rows.event_rows(taken)])
    _upsert_patients(cursor, [batch.states[patient_id] for patient_id in sorted(batch.persons)])
    write_visits(cursor, batch.histories, now)
    if batch.guests:
        cursor.execute(SQL["disturb"].encode(), {"ids": sorted(batch.guests)})


def _copy(cursor: Cursor, name: str, types: Sequence[str], found: Sequence[Row]) -> None:
    if not found:
        return
    with cursor.copy(SQL[name].encode()) as copy:
        copy.set_types(types)
        for row in found:
            copy.write_row(row)


def _upsert_patients(cursor: Cursor, states: Sequence[PatientState]) -> None:
    if states:
        cursor.execute(
            SQL["upsert_patients"].encode(),
            {
                "ids": [state.patient_id for state in states],
                "birth_dates": [state.birth_date for state in states],
                "sexes": [state.sex for state in states],
                "persons_at": [state.person_at for state in states],
            },
        )


def write_visits(cursor: Cursor, histories: Mapping[str, tuple[Mapping[str, Encounter], History]], now: datetime) -> None:
    """Visits and stays as the movements have them now; a visit that a late movement made another's is gone."""
    if not histories:
        return
    changed: list[Row] = []
    gone: list[Row] = []
    stays: list[Row] = []
    for patient_id, (before, history) in sorted(histories.items()):
        after = history.encounters
        changed += [_encounter_row(patient_id, one) for number, one in after.items() if before.get(number) != one]
        gone += [(patient_id, number) for number in before if number not in after]
        stays += [
            (patient_id, stay.encounter_id, stay.unit, stay.bed, stay.since, stay.until) for held in history.stays.values() for stay in held
        ]
    _unnested(cursor, "delete_encounters", ("patient_ids", "encounter_ids"), gone)
    names = (
        "patient_ids", "encounter_ids", "units", "beds", "classes", "admitted", "located", "discharged", "statuses",
    )  # fmt: skip
    _unnested(cursor, "upsert_encounters", names, changed, now=now)
    kept = sorted({(row[0], row[1]) for row in (*stays, *gone)})
    _unnested(cursor, "delete_stays", ("patient_ids", "encounter_ids"), kept)
    _unnested(cursor, "insert_stays", ("patient_ids", "encounter_ids", "units", "beds", "since", "until"), stays)


def _encounter_row(patient_id: str, visit: Encounter) -> Row:
    return (
        patient_id, visit.encounter_id, visit.unit, visit.bed, visit.patient_class, visit.admitted_at, visit.located_at, visit.discharged_at,
        visit.status,
    )  # fmt: skip


def _unnested(cursor: Cursor, name: str, columns: Sequence[str], found: Sequence[Row], **more: Any) -> None:
    if found:
        cursor.execute(SQL[name].encode(), dict(zip(columns, rows.columns(found, len(columns)), strict=True)) | more)
