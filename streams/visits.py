"""How ADT events, and the PV1 of any message, move a patient's visit: older news never undoes newer."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from parsers.events import Admit, Cancel, Discharge, Event, Medication, Note, Observation, Order, Transfer, Update, Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """The visit a patient is in, or was in last. `located_at`: of the newest news about where the patient is or whether the visit is open."""

    encounter_id: str
    patient_class: str | None = None
    unit: str | None = None
    bed: str | None = None
    admitted_at: datetime | None = None
    located_at: datetime | None = None
    discharged_at: datetime | None = None
    status: Literal["open", "discharged", "cancelled"] = "open"


def move(encounter: Encounter | None, event: Event, visit: Visit | None, received_at: datetime) -> Encounter | None:
    """The encounter after one event. A visit met first in a result or note is taken as open, at the place its PV1 says."""
    match event:
        case Admit():
            return _admit(encounter, event, event.occurred_at or received_at)
        case Transfer():
            return _transfer(encounter, event.visit, event.occurred_at or received_at)
        case Discharge():
            return _discharge(encounter, event, event.occurred_at or received_at)
        case Cancel():
            return _cancel(encounter, event, event.occurred_at or received_at)
        case Update():
            return _update(encounter, event.visit)
        case Observation() | Order() | Medication() | Note():
            return _seen(encounter, visit, received_at)
        case _:
            return encounter


def _identify(visit: Visit, encounter: Encounter | None, at: datetime) -> str:
    """The visit number; without one the open visit, else a name made of the time it began."""
    if visit.encounter_id:
        return visit.encounter_id
    if encounter is not None and encounter.status == "open":
        return encounter.encounter_id
    return f"visit-{(visit.admitted_at or at).strftime('%Y%m%dT%H%M%SZ')}"


def _place(visit: Visit) -> tuple[str | None, str | None]:
    location = visit.location
    if location is None:
        return None, None
    bed = location.bed if location.bed else None
    return location.unit, "-".join(part for part in (location.room, bed) if part) or None


def _is_older(encounter: Encounter, at: datetime) -> bool:
    return encounter.located_at is not None and at < encounter.located_at


def _admit(encounter: Encounter | None, event: Admit, at: datetime) -> Encounter:
    visit = event.visit
    encounter_id = _identify(visit, encounter, at)
    if encounter is not None and _is_older(encounter, at):
        if encounter.encounter_id == encounter_id and encounter.admitted_at is None:
            return replace(encounter, admitted_at=visit.admitted_at or at)
        return encounter
    unit, bed = _place(visit)
    return Encounter(
        encounter_id=encounter_id, patient_class=visit.patient_class, unit=unit, bed=bed, admitted_at=visit.admitted_at or at, located_at=at,
    )  # fmt: skip


def _transfer(encounter: Encounter | None, visit: Visit, at: datetime) -> Encounter:
    if encounter is not None and _is_older(encounter, at):
        return encounter
    unit, bed = _place(visit)
    encounter_id = _identify(visit, encounter, at)
    if encounter is None or encounter.encounter_id != encounter_id:
        return Encounter(
            encounter_id=encounter_id, patient_class=visit.patient_class, unit=unit, bed=bed, admitted_at=visit.admitted_at, located_at=at,
        )  # fmt: skip
    return replace(
        encounter, unit=unit, bed=bed, located_at=at, status="open", discharged_at=None,
        patient_class=visit.patient_class or encounter.patient_class, admitted_at=encounter.admitted_at or visit.admitted_at,
    )  # fmt: skip


def _discharge(encounter: Encounter | None, event: Discharge, at: datetime) -> Encounter:
    left = event.visit.discharged_at or at
    if encounter is None:
        unit, bed = _place(event.visit)
        return Encounter(
            encounter_id=_identify(event.visit, None, at), patient_class=event.visit.patient_class, unit=unit, bed=bed,
            admitted_at=event.visit.admitted_at, located_at=at, discharged_at=left, status="discharged",
        )  # fmt: skip
    other_visit = event.visit.encounter_id is not None and event.visit.encounter_id != encounter.encounter_id
    if _is_older(encounter, at) or other_visit:
        return encounter
    unit, bed = _place(event.visit)
    return replace(encounter, status="discharged", discharged_at=left, located_at=at, unit=unit or encounter.unit, bed=bed or encounter.bed)


def _cancel(encounter: Encounter | None, event: Cancel, at: datetime) -> Encounter | None:
    if encounter is None or _is_older(encounter, at):
        return encounter
    if event.visit.encounter_id is not None and event.visit.encounter_id != encounter.encounter_id:
        return encounter
    match event.cancels:
        case "admit":
            return replace(encounter, status="cancelled", located_at=at)
        case "discharge":
            unit, bed = _place(event.visit)
            return replace(
                encounter, status="open", discharged_at=None, located_at=at, unit=unit or encounter.unit, bed=bed or encounter.bed
            )  # fmt: skip
        case "transfer":
            return _transfer(encounter, event.visit, at) if event.visit.location else encounter
        case _:
            return encounter


def _update(encounter: Encounter | None, visit: Visit) -> Encounter | None:
    """A08 never moves a patient and opens no visit: it may be sent long after the patient left."""
    if encounter is None or (visit.encounter_id is not None and visit.encounter_id != encounter.encounter_id):
        return encounter
    return replace(
        encounter,
        patient_class=visit.patient_class or encounter.patient_class,
        admitted_at=encounter.admitted_at or visit.admitted_at,
    )


def _seen(encounter: Encounter | None, visit: Visit | None, received_at: datetime) -> Encounter | None:
    """A PV1 beside a result tells of a visit that no ADT has told of; it moves nobody (results carry the place of the order)."""
    if visit is None or (encounter is not None and encounter.status == "open"):
        return encounter
    if encounter is not None and (visit.encounter_id is None or visit.encounter_id == encounter.encounter_id):
        return encounter
    unit, bed = _place(visit)
    if visit.encounter_id is None and unit is None:
        return encounter
    return Encounter(
        encounter_id=_identify(visit, None, received_at), patient_class=visit.patient_class, unit=unit, bed=bed, admitted_at=visit.admitted_at,
    )  # fmt: skip
