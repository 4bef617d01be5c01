"""Facts of a data set as the typed events that their HL7 would be read as: the other half of `trajectories`, and tested equal to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2b
from math import isfinite

from parsers.drugs import therapy_of
from parsers.events import Canonical, Event, Medication, Note, Observation, Order
from streams.movements import Encounter
from streams.patient import PatientState
from streams.replay.facts import KNOWN, Asked, Assessed, Course, Drug, Fact, Measured, Told

DAYS_A_YEAR = 365.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One event and when it could be known."""

    at: datetime
    event: Event


def born(course: Course, start: datetime) -> date | None:
    """The birth date of a person of that age at `start`."""
    return None if course.age_years is None else (start - timedelta(days=course.age_years * DAYS_A_YEAR)).date()


def prefix(course: Course, start: datetime) -> str:
    """Begins every number (control, order, document) of one course: another replay of it has others."""
    digest = blake2b(f"{course.source}/{course.stay_id}".encode(), digest_size=4).hexdigest()
    return f"R{digest}{start:%m%d%H%M}"


def number(course: Course, start: datetime, place: int) -> str:
    """The order or document number of a fact, by its place in the course. Of one width: what sorts by it sorts by receipt."""
    return f"{prefix(course, start)}-{place:06d}"


def initial(course: Course, start: datetime) -> PatientState:
    """The state after the admission, before any fact."""
    return PatientState(
        patient_id=course.stay_id,
        birth_date=born(course, start),
        sex="F" if course.sex == "F" else "M" if course.sex == "M" else None,
        encounter=Encounter(encounter_id=course.stay_id, unit=course.unit, unit_since=start, admitted_at=at_hour(start, course.admitted_h)),
    )


def at_hour(start: datetime, hour: float) -> datetime:
    """An hour of the course on the calendar, to the second, as HL7 writes it."""
    return start + timedelta(seconds=round(hour * 3600.0))


def received(course: Course, start: datetime) -> Iterator[Received]:
    """Every event of the course, in the order of receipt."""
    for place, fact in enumerate(course.facts):
        at = at_hour(start, fact.known_h)
        for event in events(fact, at_hour(start, fact.true_h), number(course, start, place)):
            yield Received(at=at, event=event)


def events(fact: Fact, at: datetime, known_by: str) -> list[Event]:
    """What one fact says. `at`: when it was true of the patient; `known_by`: its order or document number."""
    match fact:
        case Measured():
            return [_observation(name, value, at, known_by, refused=name in fact.refused) for name, value in fact.values.items()]
        case Assessed():
            return [_assessment(fact, at, known_by)]
        case Drug(action="ordered"):
            return [_order(fact.name, at, known_by), _medication(fact, at, known_by)]
        case Drug():
            return [_medication(fact, at, known_by)]
        case Asked():
            return [_order(fact.name, at, known_by)]
        case Told():
            return [_note(fact, at, known_by)]


def series(course: Course, name: str, start: datetime) -> list[tuple[datetime, float]]:
    """Every possible number of one quantity with the time it was true, in that order: what came out afterwards, whoever knew it when."""
    found = [
        (at_hour(start, fact.true_h), value)
        for fact in course.facts
        if isinstance(fact, Measured) and isinstance(value := fact.values.get(name), float) and possible(name, value)
    ]
    return sorted(found)


def possible(name: str, value: float | str) -> bool:
    """Whether a living patient can have it; an answer in words always can."""
    known = KNOWN[name]
    return isinstance(value, str) or (isfinite(value) and known.low <= value <= known.high)


def _observation(name: str, value: float | str, at: datetime, known_by: str, *, refused: bool) -> Observation:
    known = KNOWN[name]
    num, text = (None, value) if isinstance(value, str) else (value, None)
    good = not refused and possible(name, value)
    canonical = Canonical(code=known.code, value_num=num, unit=known.unit if text is None else None, value_text=text) if good else None
    return Observation(
        code=known.code, code_system="LN", value_num=num, value_text=text, comparator=None, unit=known.unit or None, observed_at=at,
        status="final" if not refused else "incomplete", set_id=None, sub_id=None, result_key=f"{known_by}|{known.code}|", canonical=canonical,
        flags=() if good else ("impossible_value",),
    )  # fmt: skip


def _assessment(fact: Assessed, at: datetime, known_by: str) -> Observation:
    """Digits alone are a number, as they are when they come as text (OBX-2 ST)."""
    num = float(fact.value) if fact.value.isdecimal() else None
    return Observation(
        code=fact.label, code_system="L", value_num=num, value_text=fact.value if num is None else None, comparator=None, unit=None, observed_at=at,
        status="incomplete" if fact.refused else "final", set_id=None, sub_id=None, result_key=f"{known_by}|{fact.label}|",
        flags=("unmapped_code", "impossible_value") if fact.refused else ("unmapped_code",),
    )  # fmt: skip


def _medication(fact: Drug, at: datetime, known_by: str) -> Medication:
    return Medication(
        action=fact.action, code=fact.name, code_system="L", display=fact.name, therapy=therapy_of(fact.name, "L", f"{fact.name} / {fact.name} / L"), dose_num=fact.dose_num,
        dose_unit=fact.dose_unit, rate_num=None, rate_unit=None, route=None, started_at=at, ended_at=None, control=None, status=None,
        placer_number=known_by, filler_number=None, priority=None,
    )  # fmt: skip


def _order(name: str, at: datetime, known_by: str) -> Order:
    return Order(
        control="NW", placer_number=known_by, filler_number=None, code=name, code_system="L", display=name, status=None, priority=None,
        ordered_at=at,
    )  # fmt: skip


def _note(fact: Told, at: datetime, known_by: str) -> Note:
    return Note(
        document_id=known_by, parent_document_id=None, document_type=fact.kind, status="AU", author=None, written_at=at, text=fact.text,
    )  # fmt: skip
