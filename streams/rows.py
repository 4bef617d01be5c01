"""The rows that a batch's messages become, in the order that `COPY` is told them; pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from parsers.events import Event, Merge, Note, Observation, Order
from streams.movements import Movement
from streams.processing import Spoken, Taken
from streams.times import time_of

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
    "text", "text", "text", "text", "text", "text", "text", "text", "text", "text", "timestamptz", "timestamptz", "text", "int4", "int8", "int4",
)  # fmt: skip
EVENT_TYPES = (
    "text", "text", "text", "text", "text", "text", "timestamptz", "timestamptz", "jsonb", "text", "int4", "int8", "int4",
)  # fmt: skip

AHEAD_FLAG = "time_ahead"
"""The time that was sent lies ahead of ours beyond belief; receipt stands in for it, here as in the rolling state."""

BOUND = 512
"""Characters of what names a message; its listener keeps to them, another producer may not, and an index takes no more than some thousands."""

Row = tuple[Any, ...]


def text(value: str | None) -> str | None:
    """PostgreSQL's text cannot hold NUL; a sender's NUL becomes the replacement character, visibly."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if value is not None and "\0" in value else value


def _short(value: str | None) -> str | None:
    found = text(value)
    return None if found is None else found[:BOUND]


def message_row(taken: Taken, now: datetime) -> Row:
    """Every record has one, whatever became of it."""
    record, source = taken.record, taken.record.source
    message_type = taken.message.type if taken.message else None
    return (
        source.topic, source.partition, source.offset, _short(record.feed), _short(record.control_id), _short(record.sent_by), _short(message_type),
        record.received_at, now, taken.outcome, text(taken.reason), _short(taken.patient_id), record.fingerprint,
    )  # fmt: skip


def observation_rows(taken: Taken) -> list[Row]:
    """Of one stored message; `ordinal` is the event's place in the message."""
    received_at, place = taken.record.received_at, _place(taken)
    rows: list[Row] = []
    for spoken, ordinal, event in _events(taken):
        if not isinstance(event, Observation):
            continue
        known, observed_at = event.canonical, time_of(event, received_at)
        flags = [*event.flags, *(() if event.observed_at in (None, observed_at) else (AHEAD_FLAG,))]
        canonical = (known.code, known.value_num, known.unit, known.value_text) if known else (None, None, None, None)
        rows.append(
            (
                spoken.patient_id, spoken.encounter_id, text(event.code), text(event.code_system), event.value_num, text(event.value_text),
                event.comparator, text(event.unit), *canonical, observed_at, received_at, event.status,
                text(event.result_key), flags or None, *place, ordinal,
            )
        )  # fmt: skip
    return rows


def order_rows(taken: Taken) -> list[Row]:
    """Of one stored message."""
    received_at, place = taken.record.received_at, _place(taken)
    return [
        (
            spoken.patient_id, spoken.encounter_id, text(event.control), text(event.placer_number), text(event.filler_number), text(event.code),
            text(event.code_system), text(event.display), text(event.status), text(event.priority), time_of(event, received_at), received_at,
            *place, ordinal,
        )
        for spoken, ordinal, event in _events(taken)
        if isinstance(event, Order)
    ]  # fmt: skip


def note_rows(taken: Taken) -> list[Row]:
    """Of one stored message."""
    received_at, place = taken.record.received_at, _place(taken)
    return [
        (
            spoken.patient_id, spoken.encounter_id, text(event.document_id), text(event.parent_document_id), text(event.document_type),
            text(event.status), text(event.author), text(event.text), event.action, text(event.authenticated_by), time_of(event, received_at),
            received_at, *place, ordinal,
        )
        for spoken, ordinal, event in _events(taken)
        if isinstance(event, Note)
    ]  # fmt: skip


def event_rows(taken: Taken) -> list[Row]:
    """Of one stored message: everything that has no table of its own. What PV1 alone told stands behind the message's events, with ordinals below 0."""
    received_at = taken.record.received_at
    rows = [
        _event_row(taken, spoken, ordinal, event, time_of(event, received_at))
        for spoken, ordinal, event in _events(taken)
        if not isinstance(event, Observation | Order | Note | Merge)
    ]
    for number, spoken in enumerate(taken.spoken, 1):
        if spoken.seen is not None:
            rows.append(_event_row(taken, spoken, -number, spoken.seen.event, spoken.seen.at))
    return rows


def _event_row(taken: Taken, spoken: Spoken, ordinal: int, event: Event | Movement, at: datetime) -> Row:
    detail = msgspec.json.decode(msgspec.json.encode(event).replace(b"\\u0000", b"\\ufffd"))
    named = (text(getattr(event, name, None)) for name in ("code", "code_system", "display"))
    return (
        spoken.patient_id, spoken.encounter_id, detail["kind"], *named, at, taken.record.received_at, Jsonb(detail), *_place(taken), ordinal,
    )  # fmt: skip


def _place(taken: Taken) -> tuple[str, int, int]:
    source = taken.record.source
    return source.topic, source.partition, source.offset


def _events(taken: Taken) -> Iterator[tuple[Spoken, int, Event]]:
    for spoken in taken.spoken:
        for ordinal, event in enumerate(spoken.subject.events, spoken.ordinal):
            yield spoken, ordinal, event


def columns(rows: Sequence[Row], width: int) -> list[list[Any]]:
    """Rows turned into columns, for `unnest`."""
    return [[row[number] for row in rows] for number in range(width)]
