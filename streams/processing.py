"""Raw records to what the database will hold: reading, rolling state and the moments to score; pure, and total over any bytes."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import Literal

from parsers.events import Event, Merge, Move, Observation
from parsers.message import Message, Subject
from parsers.profile import PLAIN, Profile
from parsers.read import read
from streams.daylight import zone_at
from streams.movements import Encounter, History, Moved, Seen, fold
from streams.patient import PatientState, advance_all, code_of
from streams.record import Record, Source
from streams.resends import Name, name_of, repeat_of
from streams.synthetic import AUTHORITY, SENT_BY, is_reserved

RESENT = "the same message was recorded before"
REUSED = "its control id came before with other contents"

Outcome = Literal["stored", "duplicate", "quarantined", "ignored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A patient just after one message was taken in: what a score is made of.

    `received_at`: the instant it speaks at, see `PatientState.known_at`. `changed`: canonical codes that the message brought a value, a correction or a deletion for. `closed`: the message ended the visit.
    `late`: it was filled in from a backlog, behind facts that may be taken in already.
    """

    source: Source
    patient: PatientState
    received_at: datetime
    changed: frozenset[str]
    closed: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What one message says of one patient. `patient_id` is the number it came with; `ordinal` counts its events among the message's.

    `seen`: a movement that no event tells of, but the PV1 beside them.
    """

    patient_id: str
    subject: Subject
    ordinal: int = 0
    encounter_id: str | None = None
    seen: Moved | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One record with what became of it. `message` is None where reading itself failed; `reason` says why for all but `stored`; there it says what is odd about it.

    `spoken`: of each patient it speaks of, the first first; filled where it was stored. `parts`: how many messages it was joined from, where it
    came in several: its patients may be another worker's.
    """

    record: Record
    message: Message | None
    outcome: Outcome
    reason: str | None = None
    patient_id: str | None = None
    spoken: tuple[Spoken, ...] = ()
    parts: int = 0

    @property
    def waits(self) -> bool:
        """Whether it is one part of a longer message, and the others are not there."""
        return self.message is not None and self.message.part is not None


@dataclass(slots=True)
class Batch:
    """What one batch adds up to, in the order of its records. Filled by `process`, written by `streams.store`.

    `histories`: of each patient whose movements changed, with the visits there were before. `guests`: patients whom a message of another's
    partition spoke of; whoever holds their own must be told.
    """

    taken: list[Taken] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    states: dict[str, PatientState] = field(default_factory=dict)
    histories: dict[str, tuple[Mapping[str, Encounter], History]] = field(default_factory=dict)
    persons: set[str] = field(default_factory=set)
    guests: set[str] = field(default_factory=set)
    kin: Mapping[str, Sequence[str]] = field(default_factory=dict)


def read_record(record: Record, timezone: tzinfo = UTC, profile: Profile = PLAIN) -> Taken:
    """Reads one record; whatever it holds becomes a value. An exception is a bug of ours and costs this message alone, visibly."""
    if record.refused is not None:
        return Taken(record=record, message=None, outcome="quarantined", reason=record.refused)
    try:
        message = read(record.value, timezone=zone_at(timezone, record.received_at), profile=profile)
    except Exception as bug:  # the one boundary where a bug may not stop everybody else's messages
        return Taken(record=record, message=None, outcome="quarantined", reason=f"207: reading failed with {type(bug).__name__}")
    if message.reason is not None:
        return Taken(record=record, message=message, outcome="quarantined", reason=f"{message.reason.code}: {message.reason.detail}")
    if message.part is not None:
        return Taken(record=record, message=message, outcome="stored")
    if message.patient is None or not any(subject.events for subject in subjects(message)):
        return Taken(
            record=record,
            message=message,
            outcome="ignored",
            reason=message.unused,
            patient_id=message.patient.key if message.patient else None,
        )
    if message.sent_by != SENT_BY and any(is_reserved(key) for key in _named(message)):
        detail = f"204: the assigning authority {AUTHORITY} is Vigil's own"
        return Taken(record=record, message=message, outcome="quarantined", reason=detail)
    return Taken(record=record, message=message, outcome="stored", patient_id=message.patient.key)


def _named(message: Message) -> Iterator[str]:
    """Every patient's number in a message, those that are merged away or moved from among them."""
    for subject in subjects(message):
        yield subject.patient.key
        yield from (event.from_key for event in subject.events if isinstance(event, Merge | Move))


def subjects(message: Message) -> Iterator[Subject]:
    """The patients a message speaks of, the first first."""
    if message.patient is not None:
        yield Subject(patient=message.patient, person=message.person, visit=message.visit, events=message.events)
    yield from message.others


def process(
    read_records: Sequence[Taken],
    states: Mapping[str, PatientState],
    current_id: Mapping[str, str],
    known: AbstractSet[int],
    anew: AbstractSet[str] = frozenset(),
    named: Mapping[Name, AbstractSet[int]] = MappingProxyType({}),
) -> Batch:
    """Walks the records in order through the patients' states.

    `states`: by current patient id, for every patient concerned. `current_id`: merged-away ids to the survivor's. `known`: fingerprints of messages
    recorded before, `named` by what they called themselves. The same fingerprint again, before or within the batch, is a duplicate and changes
    nothing. `anew`: current ids whose visits are to be written anew, because another's were joined to theirs.
    """
    batch = Batch(states=dict(states))
    seen, called = set(known), {name: set(found) for name, found in named.items()}
    for taken in read_records:
        repeat = repeat_of(taken.record, seen, called)
        if taken.outcome in ("stored", "ignored") and repeat == "resend":
            batch.taken.append(replace(taken, outcome="duplicate", reason=RESENT))
            continue
        if (name := name_of(taken.record)) is not None:
            called.setdefault(name, set()).add(taken.record.fingerprint)
        if taken.outcome != "stored" or taken.message is None or taken.waits:
            batch.taken.append(taken)
        else:
            _try(batch, taken if repeat == "new" else replace(taken, reason=REUSED), taken.message, current_id, anew)
        if batch.taken[-1].outcome != "quarantined":
            seen.add(taken.record.fingerprint)
    for patient_id in anew & batch.states.keys():
        batch.histories[patient_id] = ({}, fold(batch.states[patient_id].movements))
    return batch


def _try(batch: Batch, taken: Taken, message: Message, current_id: Mapping[str, str], anew: AbstractSet[str]) -> None:
    try:
        _take(batch, taken, message, current_id, anew)
    except Exception as bug:  # as in read_record: the states are only replaced once the whole message went through
        batch.taken.append(replace(taken, outcome="quarantined", reason=f"207: processing failed with {type(bug).__name__}"))


def _take(batch: Batch, taken: Taken, message: Message, current_id: Mapping[str, str], anew: AbstractSet[str]) -> None:
    """All of a message's patients, or none of them. Whoever was given another's facts is scored on all there is now."""
    after: dict[str, PatientState] = {}
    spoken: list[Spoken] = []
    moments: list[Moment] = []
    for number, subject in enumerate(subjects(message)):
        patient_id = current_id.get(subject.patient.key, subject.patient.key)
        before = after.get(patient_id) or batch.states.get(patient_id) or PatientState(patient_id=patient_id)
        state = _advanced(before, subject, taken.record.received_at)
        after[patient_id] = state
        ordinal = sum(len(one.subject.events) for one in spoken)
        spoken.append(_spoken(subject, ordinal, before, state))
        moment = _moment(taken.record, number, subject, state)
        moments.append(moment if patient_id not in anew else replace(moment, changed=frozenset(state.readings)))
    for patient_id, state in after.items():
        before = batch.states.get(patient_id) or PatientState(patient_id=patient_id)
        _note(batch, before, state)
    batch.guests |= set(after if taken.parts else list(after)[1:])
    batch.moments += moments
    batch.taken.append(replace(taken, spoken=tuple(spoken)))


def _advanced(state: PatientState, subject: Subject, received_at: datetime) -> PatientState:
    told = [event for event in subject.events if not isinstance(event, Merge | Move)]
    return advance_all(state, told, received_at=received_at, person=subject.person, visit=subject.visit) if told else state


def _spoken(subject: Subject, ordinal: int, before: PatientState, after: PatientState) -> Spoken:
    encounter = after.encounter
    new = () if after.movements is before.movements else after.movements
    seen = next((one for one in new if isinstance(one.event, Seen) and one not in before.movements), None)
    told = subject.visit.encounter_id if subject.visit else None
    number = told or (encounter.encounter_id if encounter else None)
    return Spoken(patient_id=subject.patient.key, subject=subject, ordinal=ordinal, encounter_id=number, seen=seen)


def _moment(record: Record, number: int, subject: Subject, state: PatientState) -> Moment:
    return Moment(
        source=replace(record.source, subject=number) if number else record.source,
        patient=state,
        received_at=state.known_at(record.received_at),
        changed=changed_codes(subject.events),
        closed=_ends_visit(subject.events, state.encounter),
    )


def _note(batch: Batch, before: PatientState, after: PatientState) -> None:
    """What of a patient is to be written anew."""
    patient_id = after.patient_id
    if after.movements is not before.movements:
        written = batch.histories[patient_id][0] if patient_id in batch.histories else fold(before.movements).encounters
        batch.histories[patient_id] = (written, fold(after.movements))
    if patient_id not in batch.persons and ((after.birth_date, after.sex) != (before.birth_date, before.sex) or not before.readings):
        batch.persons.add(patient_id)
    batch.states[patient_id] = after


def _ends_visit(events: Sequence[Event], encounter: Encounter | None) -> bool:
    return encounter is not None and encounter.status != "open" and any(not isinstance(event, Observation) for event in events)


def changed_codes(events: Sequence[Event]) -> frozenset[str]:
    """The canonical codes that these events say something about; a deletion may come without the value it deletes."""
    observations = (event for event in events if isinstance(event, Observation))
    return frozenset(code for event in observations if (code := code_of(event)) is not None)


def merges(read_records: Sequence[Taken]) -> list[tuple[str, str]]:
    """(merged-away key, surviving key) of every merge among these records, in order."""
    return [(event.from_key, key) for _, key, event in _told(read_records) if isinstance(event, Merge)]


def moves(read_records: Sequence[Taken]) -> list[tuple[Move, str, datetime]]:
    """Every visit that was filed under a wrong patient, with the right one's key and when that was received."""
    return [(event, key, taken.record.received_at) for taken, key, event in _told(read_records) if isinstance(event, Move)]


def reaches_beyond(taken: Taken) -> bool:
    """Whether a message changes patients whom another worker may hold: then no other transaction may run beside its own."""
    if taken.outcome != "stored" or taken.message is None:
        return False
    return taken.waits or bool(taken.message.others) or any(isinstance(event, Merge | Move) for event in taken.message.events)


def keys(taken: Taken) -> list[str]:
    """The numbers of all patients a message speaks of."""
    if taken.outcome != "stored" or taken.message is None or taken.waits:
        return []
    return [subject.patient.key for subject in subjects(taken.message)]


def _told(read_records: Sequence[Taken]) -> Iterator[tuple[Taken, str, Event]]:
    for taken in read_records:
        if taken.outcome == "stored" and taken.message is not None and not taken.waits:
            for subject in subjects(taken.message):
                for event in subject.events:
                    yield taken, subject.patient.key, event
