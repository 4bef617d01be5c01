"""Where a patient is and was: the movements that were told of, in the order of the patient's own time, folded into visits. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct

from parsers.events import Admit, Cancel, Discharge, Event, MergeVisit, Transfer, Update, Visit

KEPT = 64
"""Movements held of a patient, the newest; a stay has a handful. What is older stays in the database."""


class Seen(Struct, frozen=True, kw_only=True, tag_field="kind", tag="seen"):
    """A visit met first in the PV1 of a result, an order or a note: no ADT has told of it."""

    visit: Visit


Movement = Admit | Transfer | Discharge | Update | Cancel | MergeVisit | Seen

_RANK: Mapping[type, int] = {MergeVisit: 0, Admit: 1, Transfer: 2, Update: 3, Seen: 3, Discharge: 4, Cancel: 5}
"""What is told of one instant happens in this order: nobody leaves before they came, and what is cancelled was there before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One movement. `at`: when it was true of the patient; the time of receipt where none was sent."""

    at: datetime
    received_at: datetime
    event: Movement

    @property
    def order(self) -> tuple[datetime, int, str]:
        """Total, and the same whatever order the messages came in."""
        return self.at, _RANK[type(self.event)], msgspec.json.encode(self.event).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """The visit a patient is in, or was in. `located_at`: of the newest news about where the patient is or whether the visit is open.

    `unit_since`: when the patient came to this unit, whatever the bed; None where no movement says.
    """

    encounter_id: str
    patient_class: str | None = None
    unit: str | None = None
    bed: str | None = None
    admitted_at: datetime | None = None
    located_at: datetime | None = None
    discharged_at: datetime | None = None
    status: Literal["open", "discharged", "cancelled"] = "open"
    unit_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A time in one place. `until`: None while it lasts, or where nobody said when it ended."""

    encounter_id: str
    unit: str | None
    bed: str | None
    since: datetime
    until: datetime | None = None


@dataclass(slots=True)
class History:
    """What the movements add up to. `current`: the visit the patient is in, or was in last."""

    encounters: dict[str, Encounter] = field(default_factory=dict)
    stays: dict[str, list[Stay]] = field(default_factory=dict)
    current: str | None = None

    @property
    def encounter(self) -> Encounter | None:
        """The current one."""
        return None if self.current is None else self.encounters[self.current]


def added(movements: Sequence[Moved], new: Moved) -> tuple[Moved, ...]:
    """The movements with one more, in order; the very same ones where it tells nothing new.

    Of what is told twice the earlier receipt is kept. Of updates only each visit's newest says anything; of visits seen, the first sight.
    """
    rest: list[Moved] = []
    for one in movements:
        match _weigh(one, new):
            case "old":
                return movements if isinstance(movements, tuple) else tuple(movements)
            case "both":
                rest.append(one)
            case "new":
                continue
    rest.append(new)
    rest.sort(key=lambda one: one.order)
    return tuple(rest[-KEPT:])


def _weigh(one: Moved, new: Moved) -> Literal["old", "new", "both"]:
    if type(one.event) is not type(new.event):
        return _weigh_sight(one, new)
    if isinstance(new.event, MergeVisit) or isinstance(one.event, MergeVisit):
        same, newer = one.event == new.event, new.received_at < one.received_at
    elif isinstance(new.event, Update | Seen):
        same = one.event.visit.encounter_id == new.event.visit.encounter_id
        newer = new.order > one.order if isinstance(new.event, Update) else new.order < one.order
    else:
        same, newer = (one.at, one.event) == (new.at, new.event), new.received_at < one.received_at
    return "both" if not same else "new" if newer else "old"


def _weigh_sight(one: Moved, new: Moved) -> Literal["old", "new", "both"]:
    """A visit of which anything else was told need not have been seen beside a result."""
    if (isinstance(one.event, Seen) or isinstance(new.event, Seen)) and _number(one.event) == _number(new.event) is not None:
        return "new" if isinstance(one.event, Seen) else "old"
    return "both"


def movement_of(event: Event, visit: Visit | None, current: Encounter | None, movements: Iterable[Moved]) -> Movement | None:
    """The movement in an event, or in the PV1 beside it; None where it tells of none."""
    match event:
        case Admit() | Transfer() | Discharge() | Cancel() | MergeVisit():
            return event
        case Update():
            return event if event.visit.patient_class or event.visit.admitted_at else None
        case _:
            return _sight(visit, current, movements)


def _sight(visit: Visit | None, current: Encounter | None, movements: Iterable[Moved]) -> Seen | None:
    """Nearly always the visit is the one the patient is in, and nothing more is looked at."""
    if visit is None or (current is not None and visit.encounter_id in (None, current.encounter_id)):
        return None
    if visit.encounter_id is None and (visit.location is None or visit.location.unit is None):
        return None
    told = any(_number(one.event) == visit.encounter_id for one in movements if not isinstance(one.event, Seen))
    return None if told and visit.encounter_id is not None else Seen(visit=visit)


def _number(event: Movement) -> str | None:
    return event.encounter_id if isinstance(event, MergeVisit) else event.visit.encounter_id


def fold(movements: Iterable[Moved]) -> History:
    """The visits that these movements, in order, add up to."""
    history = History()
    movements = list(movements)
    renamed = {one.event.from_encounter_id: one.event.encounter_id for one in movements if isinstance(one.event, MergeVisit)}
    for moved in movements:
        event = moved.event
        if isinstance(event, MergeVisit):
            continue
        number = _identify(history, event.visit, moved.at)
        seen = set()
        while number in renamed and number not in seen:
            seen.add(number)
            number = renamed[number]
        _step(history, number, event, moved.at)
    current = history.encounter
    if current is not None:
        history.encounters[current.encounter_id] = replace(current, unit_since=_unit_since(current, history.stays))
    return history


def _unit_since(visit: Encounter, stays: Mapping[str, Sequence[Stay]]) -> datetime | None:
    """The beginning of the last unbroken run of stays in the visit's unit."""
    since = None
    for stay in reversed(stays.get(visit.encounter_id, ())):
        if visit.unit is None or stay.unit != visit.unit:
            break
        since = stay.since
    return since


def _identify(history: History, visit: Visit, at: datetime) -> str:
    """The visit number; without one the open visit, else a name made of the time it began."""
    if visit.encounter_id:
        return visit.encounter_id
    current = history.encounter
    if current is not None and current.status == "open":
        return current.encounter_id
    return f"visit-{(visit.admitted_at or at).strftime('%Y%m%dT%H%M%SZ')}"


def _step(history: History, number: str, event: Admit | Transfer | Discharge | Update | Cancel | Seen, at: datetime) -> None:
    known = history.encounters.get(number)
    match event:
        case Admit():
            _be_in(history, number, known, event.visit, at, admitted_at=event.visit.admitted_at or at)
        case Transfer():
            _be_in(history, number, known, event.visit, at, admitted_at=event.visit.admitted_at)
        case Discharge():
            _leave(history, number, known, event.visit, at)
        case Cancel():
            if known is not None:
                _take_back(history, known, event, at)
        case Update():
            if known is not None:
                admitted_at = known.admitted_at or event.visit.admitted_at
                history.encounters[number] = replace(
                    known, patient_class=event.visit.patient_class or known.patient_class, admitted_at=admitted_at
                )
        case Seen():
            current = history.encounter
            if known is None and (current is None or current.status != "open"):
                _be_in(history, number, None, event.visit, at, admitted_at=event.visit.admitted_at)
                history.encounters[number] = replace(history.encounters[number], located_at=None)


def _place(visit: Visit) -> tuple[str | None, str | None]:
    location = visit.location
    if location is None:
        return None, None
    return location.unit, "-".join(part for part in (location.room, location.bed) if part) or None


def _be_in(history: History, number: str, known: Encounter | None, visit: Visit, at: datetime, *, admitted_at: datetime | None) -> None:
    """The patient is in this visit, at the place that is told; the visit is open."""
    unit, bed = _place(visit)
    before = known or Encounter(encounter_id=number)
    if unit is None and bed is None:
        unit, bed = before.unit, before.bed
    admissions = [one for one in (before.admitted_at, admitted_at) if one is not None]
    history.encounters[number] = replace(
        before, unit=unit, bed=bed, patient_class=visit.patient_class or before.patient_class, located_at=at, status="open", discharged_at=None,
        admitted_at=min(admissions, default=None),
    )  # fmt: skip
    history.current = number
    stays = history.stays.setdefault(number, [])
    if not stays or (stays[-1].unit, stays[-1].bed) != (unit, bed) or stays[-1].until is not None:
        _end(stays, at)
        stays.append(Stay(encounter_id=number, unit=unit, bed=bed, since=at))


def _end(stays: list[Stay], at: datetime) -> None:
    if stays and stays[-1].until is None:
        stays[-1] = replace(stays[-1], until=at)
        if stays[-1].since == at:  # told with the precision of a minute, an admission and its transfer are of one instant
            stays.pop()


def _leave(history: History, number: str, known: Encounter | None, visit: Visit, at: datetime) -> None:
    unit, bed = _place(visit)
    before = known or Encounter(encounter_id=number, admitted_at=visit.admitted_at)
    left = visit.discharged_at or at
    history.encounters[number] = replace(
        before, status="discharged", discharged_at=left, located_at=at, unit=unit or before.unit, bed=bed or before.bed,
        patient_class=before.patient_class or visit.patient_class,
    )  # fmt: skip
    _end(history.stays.setdefault(number, []), left)
    current = history.encounter
    if current is None or current.status != "open":
        history.current = number


def _take_back(history: History, known: Encounter, event: Cancel, at: datetime) -> None:
    number, stays = known.encounter_id, history.stays.setdefault(known.encounter_id, [])
    match event.cancels:
        case "admit":
            history.encounters[number] = replace(known, status="cancelled", located_at=at)
            _end(stays, at)
            others = [one for one in history.encounters.values() if one.status == "open"]
            if others and history.current == number:
                history.current = max(others, key=lambda one: (one.located_at is not None, one.located_at or at)).encounter_id
        case "discharge":
            history.stays[number] = [*stays[:-1], replace(stays[-1], until=None)] if stays else []
            _be_in(history, number, known, event.visit, at, admitted_at=None)
        case "transfer":
            told = _place(event.visit)
            history.stays[number] = stays = stays[:-1]
            back = told if told != (None, None) else (stays[-1].unit, stays[-1].bed) if stays else (None, None)
            if stays:
                stays[-1] = replace(stays[-1], until=None)
            history.encounters[number] = replace(known, unit=back[0], bed=back[1], located_at=at, status="open", discharged_at=None)
            if not stays or (stays[-1].unit, stays[-1].bed) != back:
                _end(stays, at)
                stays.append(Stay(encounter_id=number, unit=back[0], bed=back[1], since=at))
        case _:  # a leave of absence and its return move nobody: the bed and the visit are kept
            return
