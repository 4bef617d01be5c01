"""Raw records to what the database will hold: reading, rolling state and the moments to score; pure, and total over any bytes."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Literal

from parsers.events import Event, Merge, Observation
from parsers.message import Message
from parsers.read import read
from streams.daylight import zone_at
from streams.patient import Encounter, PatientState, advance, code_of
from streams.record import Record, Source

Outcome = Literal["stored", "duplicate", "quarantined", "ignored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A patient just after one message was taken in: what a score is made of.

    `received_at`: the instant it speaks at, see `PatientState.known_at`. `changed`: canonical codes that the message brought a value, a correction or a deletion for. `closed`: the message ended the visit.
    """

    source: Source
    patient: PatientState
    received_at: datetime
    changed: frozenset[str]
    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One record with what became of it. `message` is None where reading itself failed; `reason` says why for all but `stored`."""

    record: Record
    message: Message | None
    outcome: Outcome
    reason: str | None = None
    patient_id: str | None = None
    encounter_id: str | None = None


@dataclass(slots=True)
class Batch:
    """What one batch adds up to, in the order of its records. Filled by `process`, written by `streams.store`."""

    taken: list[Taken] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    states: dict[str, PatientState] = field(default_factory=dict)
    encounters: dict[tuple[str, str], Encounter] = field(default_factory=dict)
    persons: set[str] = field(default_factory=set)


def read_record(record: Record, timezone: tzinfo = UTC) -> Taken:
    """Reads one record; whatever it holds becomes a value. An exception is a bug of ours and costs this message alone, visibly."""
    if record.refused is not None:
        return Taken(record=record, message=None, outcome="quarantined", reason=record.refused)
    try:
        message = read(record.value, timezone=zone_at(timezone, record.received_at))
    except Exception as bug:  # the one boundary where a bug may not stop everybody else's messages
        return Taken(record=record, message=None, outcome="quarantined", reason=f"207: reading failed with {type(bug).__name__}")
    if message.reason is not None:
        return Taken(record=record, message=message, outcome="quarantined", reason=f"{message.reason.code}: {message.reason.detail}")
    if message.patient is None or not message.events:
        why = "no patient" if message.patient is None else "nothing in it that Vigil uses"
        return Taken(
            record=record, message=message, outcome="ignored", reason=why, patient_id=message.patient.key if message.patient else None
        )
    return Taken(record=record, message=message, outcome="stored", patient_id=message.patient.key)


def process(
    read_records: Sequence[Taken],
    states: Mapping[str, PatientState],
    current_id: Mapping[str, str],
    known: AbstractSet[int],
) -> Batch:
    """Walks the records in order through the patients' states.

    `states`: by current patient id, for every patient concerned. `current_id`: merged-away ids to the survivor's. `known`: fingerprints of messages
    recorded before. The same fingerprint again, before or within the batch, is a duplicate and changes nothing.
    """
    batch = Batch(states=dict(states))
    seen = set(known)
    for taken in read_records:
        if taken.outcome in ("stored", "ignored") and taken.record.fingerprint in seen:
            batch.taken.append(_as(taken, "duplicate", "the same message was recorded before"))
            continue
        seen.add(taken.record.fingerprint)
        if taken.outcome != "stored":
            batch.taken.append(taken)
            continue
        try:
            _take(batch, taken, current_id)
        except Exception as bug:  # as in read_record: the state below is only replaced once the whole message went through
            batch.taken.append(_as(taken, "quarantined", f"207: processing failed with {type(bug).__name__}"))
    return batch


def _as(taken: Taken, outcome: Outcome, reason: str) -> Taken:
    return Taken(record=taken.record, message=taken.message, outcome=outcome, reason=reason, patient_id=taken.patient_id)


def _take(batch: Batch, taken: Taken, current_id: Mapping[str, str]) -> None:
    message, record = taken.message, taken.record
    if message is None or taken.patient_id is None:
        raise TypeError("only a message that was read and has a patient can be taken in")
    patient_id = current_id.get(taken.patient_id, taken.patient_id)
    before = batch.states.get(patient_id) or PatientState(patient_id=patient_id)
    after = before
    for event in message.events:
        if not isinstance(event, Merge):
            after = advance(after, event, received_at=record.received_at, person=message.person, visit=message.visit)
    encounter = after.encounter
    batch.taken.append(
        Taken(
            record=record, message=message, outcome="stored", patient_id=taken.patient_id,
            encounter_id=encounter.encounter_id if encounter else None,
        )
    )  # fmt: skip
    batch.states[patient_id] = after
    if encounter is not None and encounter is not before.encounter:
        batch.encounters[patient_id, encounter.encounter_id] = encounter
    if patient_id not in batch.persons and ((after.birth_date, after.sex) != (before.birth_date, before.sex) or not before.readings):
        batch.persons.add(patient_id)
    batch.moments.append(
        Moment(
            source=record.source,
            patient=after,
            received_at=after.known_at(record.received_at),
            changed=changed_codes(message.events),
            closed=_ends_visit(message.events, after.encounter),
        )
    )


def _ends_visit(events: Sequence[Event], encounter: Encounter | None) -> bool:
    return encounter is not None and encounter.status != "open" and any(not isinstance(event, Observation) for event in events)


def changed_codes(events: Sequence[Event]) -> frozenset[str]:
    """The canonical codes that these events say something about; a deletion may come without the value it deletes."""
    observations = (event for event in events if isinstance(event, Observation))
    return frozenset(code for event in observations if (code := code_of(event)) is not None)


def merges(read_records: Sequence[Taken]) -> list[tuple[str, str]]:
    """(merged-away key, surviving key) of every merge among these records, in order."""
    return [
        (event.from_key, taken.patient_id)
        for taken in read_records
        if taken.outcome == "stored" and taken.message is not None and taken.patient_id is not None
        for event in taken.message.events
        if isinstance(event, Merge)
    ]
