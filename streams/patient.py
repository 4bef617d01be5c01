"""The rolling state of one patient, and how one event moves it: pure, and the same whatever order the facts arrive in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from parsers.codes import canonical_code
from parsers.events import CodeStatus, Event, Medication, Observation, ObservationStatus, Person, Visit
from parsers.resuscitation import for_comfort
from streams import movements, readings
from streams.movements import Encounter, Moved
from streams.readings import WINDOW, Reading
from streams.times import AHEAD, time_of

NO_VALUE: frozenset[ObservationStatus] = frozenset({"deleted", "wrong", "incomplete"})
"""Statuses that take a value away. The reading stays as a tombstone, so that the value it deletes may also come later."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Given:
    """A therapy that says how ill a patient is, as it was ordered, given or not given. `dose_num` in `dose_unit` as sent."""

    at: datetime
    received_at: datetime
    therapy: Literal["antibiotic", "vasopressor", "fluid", "oxygen"]
    action: Literal["ordered", "dispensed", "given", "not_given"]
    code: str
    dose_num: float | None = field(compare=False, default=None)
    dose_unit: str | None = field(compare=False, default=None)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Stated:
    """What is to be done at an arrest, and when that was said; `unknown` where the code as sent is not understood. `comfort_care`: it was said in words
    that mean comfort alone, which not to resuscitate does not."""

    at: datetime
    received_at: datetime
    resuscitate: Literal["full", "limited", "none", "unknown"]
    withdrawn: bool = False
    comfort_care: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientState:
    """What is known of one patient. `readings`: by canonical LOINC code, in order of `observed_at`, current versions only.

    `newest`: of the readings' own times; `heard_at`: of the times of receipt. `movements`: in order; `encounter` is what they add up to.
    `given`: therapies within WINDOW, in order. `code_status`: the newest statement. `person_at`: of the receipt that
    changed birth date or sex last.
    """

    patient_id: str
    birth_date: date | None = None
    sex: Literal["F", "M"] | None = None
    encounter: Encounter | None = None
    readings: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)
    newest: datetime | None = None
    heard_at: datetime | None = None
    movements: tuple[Moved, ...] = ()
    given: tuple[Given, ...] = ()
    code_status: Stated | None = None
    person_at: datetime | None = None

    def known_at(self, received_at: datetime) -> datetime:
        """The instant a message received then speaks at: its own, unless our clock was set back a little since we last heard of the patient.

        What was received before the step would not be known yet by the new clock, and the patient would be scored as if nothing were.
        """
        heard = self.heard_at
        return heard if heard is not None and received_at < heard <= received_at + AHEAD else received_at


def advance(
    state: PatientState,
    event: Event,
    *,
    received_at: datetime,
    person: Person | None = None,
    visit: Visit | None = None,
) -> PatientState:
    """The state after one event. `person` and `visit`: what the message's PID and PV1 say, whatever its type.

    The order of arrival does not matter and repetition changes nothing (but for a correction that moves a result's own time by more than WINDOW:
    what has left the window is forgotten).
    """
    return advance_all(state, (event,), received_at=received_at, person=person, visit=visit)


def advance_all(
    state: PatientState,
    events: Sequence[Event],
    *,
    received_at: datetime,
    person: Person | None = None,
    visit: Visit | None = None,
) -> PatientState:
    """The state after all events of one message: what `advance` would make of them one by one, at half the price."""
    state = _observe(_with_person(state, person, received_at), events, received_at)
    for event in events:
        match event:
            case Observation():
                pass
            case Medication():
                state = _give(state, event, received_at)
            case CodeStatus():
                state = _state_code(state, event, received_at)
        found = movements.movement_of(event, visit, state.encounter, state.movements)
        if found is not None:
            state = moved(state, [Moved(at=time_of(event, received_at), received_at=received_at, event=found)])
    return state


def moved(state: PatientState, found: Iterable[Moved]) -> PatientState:
    """The state after these movements, whatever order they come in."""
    held = state.movements
    for one in found:
        held = movements.added(held, one)
    if held is state.movements:
        return state
    encounter = movements.fold(held).encounter
    return replace(state, movements=held, encounter=state.encounter if encounter == state.encounter else encounter)


def _with_person(state: PatientState, person: Person | None, received_at: datetime) -> PatientState:
    """What was received last holds: a message of the past that is filled in later corrects nobody."""
    if person is None or (state.person_at is not None and received_at < state.person_at):
        return state
    birth_date, sex = person.birth_date or state.birth_date, person.sex or state.sex
    if (birth_date, sex) == (state.birth_date, state.sex):
        return state
    return replace(state, birth_date=birth_date, sex=sex, person_at=received_at)


def _observe(state: PatientState, events: Iterable[Event], received_at: datetime) -> PatientState:
    """What readings need of a state is only their own, so those of a message go in together, before its movements."""
    found = [one for event in events if isinstance(event, Observation) and (one := _reading(event, received_at)) is not None]
    if not found:
        return state
    held, newest = readings.put(state.readings, state.newest, found)
    heard_at = received_at if state.heard_at is None or received_at > state.heard_at else state.heard_at
    if held is state.readings and (newest, heard_at) == (state.newest, state.heard_at):
        return state
    return replace(state, readings=held, newest=newest, heard_at=heard_at)


def _reading(event: Observation, received_at: datetime) -> tuple[str, Reading] | None:
    """The quantity that an observation speaks of, and what it says; None where that is nothing that is held."""
    code = code_of(event)
    gone = event.status in NO_VALUE
    if code is None or (gone and event.result_key is None):
        return None
    canonical = None if gone else event.canonical
    return code, Reading(
        observed_at=time_of(event, received_at),
        received_at=received_at,
        value_num=canonical.value_num if canonical else None,
        value_text=canonical.value_text if canonical else None,
        status=event.status,
        result_key=event.result_key,
    )


def code_of(event: Observation) -> str | None:
    """The canonical code an observation speaks of; a deletion may come without the value it deletes, and is known by its code alone."""
    if event.canonical is not None:
        return event.canonical.code
    if event.status not in NO_VALUE or not event.code:
        return None
    meant = canonical_code(event.code, event.code_system, event.display)
    return meant.code if meant else None


def _give(state: PatientState, event: Medication, received_at: datetime) -> PatientState:
    if event.therapy is None:
        return state
    one = Given(
        at=time_of(event, received_at), received_at=received_at, therapy=event.therapy, action=event.action, code=event.code or event.display or "",
        dose_num=event.dose_num, dose_unit=event.dose_unit,
    )  # fmt: skip
    if one in state.given:
        return state
    kept = sorted([*state.given, one])
    return replace(state, given=tuple(each for each in kept if each.at > kept[-1].at - WINDOW))


def _state_code(state: PatientState, event: CodeStatus, received_at: datetime) -> PatientState:
    one = Stated(
        at=time_of(event, received_at), received_at=received_at, resuscitate=event.resuscitate or "unknown", withdrawn=event.withdrawn,
        comfort_care=for_comfort(event),
    )  # fmt: skip
    return state if state.code_status is not None and state.code_status >= one else replace(state, code_status=one)
