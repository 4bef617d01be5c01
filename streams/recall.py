"""Rebuilds patients' rolling states from the database: the stored facts walked through the same `advance` that met them first."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Cursor

from infra.database.sql import statements
from parsers.events import Canonical, CodeStatus, Medication, Observation
from streams.movements import KEPT, Moved, Movement
from streams.patient import PatientState, advance, moved
from streams.readings import LONGER, WINDOW

SQL = statements("streams", "store.sql")

Fact = Movement | Medication | CodeStatus
"""The events that a state is made of, beside observations."""


def states_of(cursor: Cursor, patients: Mapping[str, Sequence[str]]) -> dict[str, PatientState]:
    """The state of each current patient. `patients`: current id to every id its facts were recorded under, its own included."""
    if not patients:
        return {}
    current = {recorded: patient_id for patient_id, aliases in patients.items() for recorded in aliases}
    ids: dict[str, Any] = {"ids": list(current)}
    persons = {row[0]: row[1:] for row in cursor.execute(SQL["load_patients"].encode(), ids)}
    states = {patient_id: _person(patient_id, persons.get(patient_id)) for patient_id in patients}
    found = cursor.execute(SQL["load_events"].encode(), ids | {"movements": KEPT}).fetchall()
    back = {"window": WINDOW, "longer": list(LONGER), "longest": max(LONGER.values())}
    take_in(states, found, cursor.execute(SQL["load_observations"].encode(), ids | back).fetchall(), current)
    return states


def take_in(
    states: dict[str, PatientState], events: Iterable[Sequence[Any]], observations: Iterable[Sequence[Any]], current: Mapping[str, str]
) -> None:
    """Walks stored facts into states. `current`: recorded ids to the states' own."""
    movements: dict[str, list[Moved]] = defaultdict(list)
    for recorded, at, received_at, detail in events:
        event, patient_id = event_of(detail), current[recorded]
        if isinstance(event, Medication | CodeStatus):
            states[patient_id] = advance(states[patient_id], event, received_at=received_at)
        else:
            movements[patient_id].append(Moved(at=at, received_at=received_at, event=event))
    for patient_id, held in movements.items():
        states[patient_id] = moved(states[patient_id], held)
    for row in observations:
        observation, received_at = observation_of(row[1:])
        patient_id = current[row[0]]
        states[patient_id] = advance(states[patient_id], observation, received_at=received_at)


def _person(patient_id: str, person: Sequence[Any] | None) -> PatientState:
    birth_date, sex, person_at = person or (None, None, None)
    return PatientState(patient_id=patient_id, birth_date=birth_date, sex=sex, person_at=person_at)


def event_of(detail: Any) -> Fact:
    """An event from its JSON."""
    event: Fact = msgspec.convert(detail, Fact)
    return event


def observation_of(row: Sequence[Any]) -> tuple[Observation, datetime]:
    """An observation, and when it was received, from its columns in the order of `load_observations`."""
    (
        code,
        code_system,
        value_num,
        value_text,
        comparator,
        unit,
        c_code,
        c_num,
        c_unit,
        c_text,
        observed_at,
        received_at,
        status,
        result_key,
    ) = row
    canonical = Canonical(code=c_code, value_num=c_num, unit=c_unit, value_text=c_text) if c_code is not None else None
    observation = Observation(
        code=code, code_system=code_system, value_num=value_num, value_text=value_text, comparator=comparator, unit=unit,
        observed_at=observed_at, status=status, set_id=None, sub_id=None, result_key=result_key, canonical=canonical,
    )  # fmt: skip
    return observation, received_at
