"""Writes what a batch added up to, inside the batch's one transaction: COPY for facts, upserts for what a patient has one of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Cursor

from infra.database.sql import statements
from parsers.events import Note, Observation, Order
from streams import corrections
from streams.patient import PatientState
from streams.processing import Batch, Taken

SQL = statements("streams", "store.sql")

MESSAGE_TYPES = (
    "text", "int4", "int8", "text", "text", "text", "text", "timestamptz", "timestamptz", "text", "text", "text", "int8",
)  # fmt: skip
OBSERVATION_TYPES = (
    "text", "text", "text", "text", "float8", "text", "text", "text", "text", "float8", "text", "text", "timestamptz", "timestamptz",
    "text", "text", "text[]", "text", "int4", "int8", "int4",
)  # fmt: skip
ORDER_TYPES = (
    "text", "text", "text", "text", "text", "text", "text", "text", "text", "text", "timestamptz", "timestamptz", "text", "int4", "int8", "int4",
)  # fmt: skip
NOTE_TYPES = (
    "text", "text", "text", "text", "text", "text", "text", "text", "timestamptz", "timestamptz", "text", "int4", "int8", "int4",
)  # fmt: skip


def write(cursor: Cursor, batch: Batch, now: datetime) -> None:
    """Writes the batch's messages, facts, patients and encounters. What it raises rolls the whole batch back."""
    _copy(cursor, "copy_messages", MESSAGE_TYPES, [_message_row(taken, now) for taken in batch.taken])
    stored = [taken for taken in batch.taken if taken.outcome == "stored"]
    observations = [row for taken in stored for row in observation_rows(taken)]
    replaced = corrections.replaced(cursor, stored)
    _copy(cursor, "copy_observations", OBSERVATION_TYPES, observations)
    corrections.supersede(cursor, replaced, now)
    _copy(cursor, "copy_orders", ORDER_TYPES, [row for taken in stored for row in _order_rows(taken)])
    _copy(cursor, "copy_notes", NOTE_TYPES, [row for taken in stored for row in _note_rows(taken)])
    _upsert_patients(cursor, [batch.states[patient_id] for patient_id in sorted(batch.persons)])
    _upsert_encounters(cursor, batch, now)


def _copy(cursor: Cursor, name: str, types: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    with cursor.copy(SQL[name].encode()) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _text(value: str | None) -> str | None:
    """PostgreSQL's text cannot hold NUL; a sender's NUL becomes the replacement character, visibly."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if value is not None and "\0" in value else value


def _message_row(taken: Taken, now: datetime) -> tuple[Any, ...]:
    record, source = taken.record, taken.record.source
    message_type = taken.message.type if taken.message else None
    return (
        source.topic, source.partition, source.offset, record.feed, _text(record.control_id), _text(record.sent_by), _text(message_type),
        record.received_at, now, taken.outcome, _text(taken.reason), _text(taken.patient_id), record.fingerprint,
    )  # fmt: skip


def observation_rows(taken: Taken) -> list[tuple[Any, ...]]:
    """The rows of one stored message's observations, in the order of OBSERVATION_TYPES; `ordinal` is the event's place in the message."""
    if taken.message is None:
        return []
    source, received_at = taken.record.source, taken.record.received_at
    place = (source.topic, source.partition, source.offset)
    rows: list[tuple[Any, ...]] = []
    for ordinal, event in enumerate(taken.message.events):
        if not isinstance(event, Observation):
            continue
        known = event.canonical
        canonical = (known.code, known.value_num, known.unit, known.value_text) if known else (None, None, None, None)
        rows.append(
            (
                taken.patient_id, taken.encounter_id, _text(event.code), _text(event.code_system), event.value_num, _text(event.value_text),
                event.comparator, _text(event.unit), *canonical, event.observed_at or received_at, received_at, event.status,
                _text(event.result_key), list(event.flags) or None, *place, ordinal,
            )
        )  # fmt: skip
    return rows


def _order_rows(taken: Taken) -> list[tuple[Any, ...]]:
    source, received_at = taken.record.source, taken.record.received_at
    return [
        (
            taken.patient_id, taken.encounter_id, _text(event.control), _text(event.placer_number), _text(event.filler_number), _text(event.code),
            _text(event.code_system), _text(event.display), _text(event.status), _text(event.priority), event.ordered_at or received_at, received_at,
            source.topic, source.partition, source.offset, ordinal,
        )
        for ordinal, event in enumerate(taken.message.events if taken.message else ())
        if isinstance(event, Order)
    ]  # fmt: skip


def _note_rows(taken: Taken) -> list[tuple[Any, ...]]:
    source, received_at = taken.record.source, taken.record.received_at
    return [
        (
            taken.patient_id, taken.encounter_id, _text(event.document_id), _text(event.parent_document_id), _text(event.document_type),
            _text(event.status), _text(event.author), _text(event.text), event.written_at or received_at, received_at,
            source.topic, source.partition, source.offset, ordinal,
        )
        for ordinal, event in enumerate(taken.message.events if taken.message else ())
        if isinstance(event, Note)
    ]  # fmt: skip


def _upsert_patients(cursor: Cursor, states: Sequence[PatientState]) -> None:
    if states:
        cursor.execute(
            SQL["upsert_patients"].encode(),
            {
                "ids": [state.patient_id for state in states],
                "birth_dates": [state.birth_date for state in states],
                "sexes": [state.sex for state in states],
            },
        )


def _upsert_encounters(cursor: Cursor, batch: Batch, now: datetime) -> None:
    items = sorted(batch.encounters.items())
    if not items:
        return
    visits = [encounter for _, encounter in items]
    cursor.execute(
        SQL["upsert_encounters"].encode(),
        {
            "now": now,
            "patient_ids": [patient_id for (patient_id, _), _ in items],
            "encounter_ids": [visit.encounter_id for visit in visits],
            "units": [visit.unit for visit in visits],
            "beds": [visit.bed for visit in visits],
            "classes": [visit.patient_class for visit in visits],
            "admitted": [visit.admitted_at for visit in visits],
            "located": [visit.located_at for visit in visits],
            "discharged": [visit.discharged_at for visit in visits],
            "statuses": [visit.status for visit in visits],
        },
    )
