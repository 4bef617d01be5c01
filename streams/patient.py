"""The rolling state of one patient, and how one event moves it: pure, and the same whatever order the facts arrive in."""

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal

from parsers.codes import canonical_code
from parsers.events import Event, Observation, ObservationStatus, Person, Visit
from streams import visits
from streams.visits import Encounter

__all__ = ["WINDOW", "Encounter", "PatientState", "Reading", "advance", "merge"]

WINDOW = timedelta(hours=48)
"""How far back, in the patient's own time, readings are held: the longest window any feature or score looks at."""

AHEAD = timedelta(minutes=10)
"""How far a sender's clock may be ahead of ours; beyond it the time is not believed and receipt stands in (a reading from
"tomorrow" would outlive every true one)."""

NO_VALUE: frozenset[ObservationStatus] = frozenset({"deleted", "wrong", "incomplete"})
"""Statuses that take a value away. The reading stays as a tombstone, so that the value it deletes may also come later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One canonical value of one patient: a number in the unit that `parsers.codes` fixes for its code, or a coded text.

    Both values are None for a tombstone. `result_key` names what a later version replaces.
    """

    observed_at: datetime
    received_at: datetime
    value_num: float | None
    value_text: str | None = None
    status: ObservationStatus = "final"
    result_key: str | None = None

    @property
    def order(self) -> tuple[datetime, datetime, str, float, str, str]:
        """Readings are held in the order of the patient's time; the rest makes the order total."""
        return self.observed_at, self.received_at, self.result_key or "", self.value_num or 0.0, self.value_text or "", self.status

    def says_the_same_as(self, other: "Reading") -> bool:
        """A measurement that nothing names, sent once more in another message: the same time and the same value."""
        return (
            self.observed_at == other.observed_at
            and self.value_num == other.value_num
            and self.value_text == other.value_text
            and self.result_key is None
        )

    @property
    def precedence(self) -> tuple[bool, datetime, tuple[datetime, datetime, str, float, str, str]]:
        """Of two versions of one result the final beats the preliminary, then the later received beats the earlier."""
        return self.status != "preliminary", self.received_at, self.order


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientState:
    """What is known of one patient within WINDOW. `readings`: by canonical LOINC code, in order of `observed_at`, current versions only.

    `newest`: of the readings' own times; `heard_at`: of the times of receipt.
    """

    patient_id: str
    birth_date: date | None = None
    sex: Literal["F", "M"] | None = None
    encounter: Encounter | None = None
    readings: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)
    newest: datetime | None = None
    heard_at: datetime | None = None

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

    Observations: order of arrival does not matter and repetition changes nothing (but for a correction that moves a result's own time
    by more than WINDOW: what has left the window is forgotten). Movements: an older one never undoes a newer one.
    """
    state = _with_person(state, person)
    if isinstance(event, Observation):
        state = _observe(state, event, received_at)
    encounter = visits.move(state.encounter, event, visit, received_at)
    return state if encounter == state.encounter else replace(state, encounter=encounter)


def merge(survivor: PatientState, other: PatientState) -> PatientState:
    """The survivor with the other's readings, and with its visit where the survivor has no open one."""
    state = survivor
    for code, readings in other.readings.items():
        for reading in readings:
            state = _add(state, code, reading)
    mine, theirs = survivor.encounter, other.encounter
    if theirs is not None and theirs.status == "open" and (mine is None or mine.status != "open"):
        state = replace(state, encounter=theirs)
    return state


def _with_person(state: PatientState, person: Person | None) -> PatientState:
    if person is None:
        return state
    birth_date, sex = person.birth_date or state.birth_date, person.sex or state.sex
    if (birth_date, sex) == (state.birth_date, state.sex):
        return state
    return replace(state, birth_date=birth_date, sex=sex)


def _observe(state: PatientState, event: Observation, received_at: datetime) -> PatientState:
    code = code_of(event)
    gone = event.status in NO_VALUE
    if code is None or (gone and event.result_key is None):
        return state
    observed_at = event.observed_at or received_at
    if observed_at > received_at + AHEAD:
        observed_at = received_at
    canonical = None if gone else event.canonical
    reading = Reading(
        observed_at=observed_at,
        received_at=received_at,
        value_num=canonical.value_num if canonical else None,
        value_text=canonical.value_text if canonical else None,
        status=event.status,
        result_key=event.result_key,
    )
    return _add(state, code, reading)


def code_of(event: Observation) -> str | None:
    """The canonical code an observation speaks of; a deletion may come without the value it deletes, and is known by its code alone."""
    if event.canonical is not None:
        return event.canonical.code
    if event.status not in NO_VALUE or not event.code:
        return None
    meant = canonical_code(event.code, event.code_system, event.display)
    return meant.code if meant else None


def _add(state: PatientState, code: str, reading: Reading) -> PatientState:
    present = state.readings.get(code, ())
    kept = _place(present, reading)
    newest = reading.observed_at if state.newest is None or reading.observed_at > state.newest else state.newest
    heard_at = reading.received_at if state.heard_at is None or reading.received_at > state.heard_at else state.heard_at
    if kept is present and newest == state.newest and heard_at == state.heard_at:
        return state
    horizon = newest - WINDOW
    readings = {**state.readings, code: kept}
    if newest != state.newest or kept[0].observed_at <= horizon:  # the window moved for every code, or this one came too late for it
        readings = _expire(readings, horizon)
    return replace(state, readings=readings, newest=newest, heard_at=heard_at)


def _place(present: tuple[Reading, ...], reading: Reading) -> tuple[Reading, ...]:
    """The readings with one more; an earlier version of the same result goes, a later one stays instead."""
    key = reading.result_key
    if key is not None:
        keys = [one.result_key for one in present]
        if key in keys:
            index = keys.index(key)
            if present[index].precedence >= reading.precedence:
                return present
            present = present[:index] + present[index + 1 :]
    if not present or present[-1].observed_at < reading.observed_at:
        return (*present, reading)
    if key is None:
        for index, one in enumerate(present):
            if one.says_the_same_as(reading):
                if one.order <= reading.order:
                    return present
                present = present[:index] + present[index + 1 :]
                break
    ordered = list(present)
    insort(ordered, reading, key=lambda one: one.order)
    return tuple(ordered)


def _expire(readings: Mapping[str, tuple[Reading, ...]], horizon: datetime) -> dict[str, tuple[Reading, ...]]:
    kept = {}
    for code, held in readings.items():
        if held and held[0].observed_at > horizon:
            kept[code] = held
        elif current := tuple(one for one in held if one.observed_at > horizon):
            kept[code] = current
    return kept
