"""Rebuilds patients' rolling states from the database: the stored facts walked through the same `advance` that met them first."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import Cursor

from infra.database.sql import statements
from parsers.events import Canonical, Observation
from streams.patient import WINDOW, Encounter, PatientState, advance

SQL = statements("streams", "store.sql")

LONG_AGO = datetime.min.replace(tzinfo=UTC)


def states_of(cursor: Cursor, patients: Mapping[str, Sequence[str]]) -> dict[str, PatientState]:
    """The state of each current patient. `patients`: current id to every id its facts were recorded under, its own included."""
    if not patients:
        return {}
    current = {recorded: patient_id for patient_id, aliases in patients.items() for recorded in aliases}
    ids = {"ids": list(current)}
    persons = {row[0]: row[1:] for row in cursor.execute(SQL["load_patients"].encode(), ids)}
    encounters = {row[0]: _encounter(row[1:]) for row in cursor.execute(SQL["load_encounters"].encode(), ids)}
    facts: dict[str, list[tuple[Observation, datetime]]] = defaultdict(list)
    for row in cursor.execute(SQL["load_observations"].encode(), ids | {"window": WINDOW}):
        facts[current[row[0]]].append(_fact(row[1:]))
    return {
        patient_id: _state(patient_id, persons.get(patient_id), [encounters.get(alias) for alias in aliases], facts[patient_id])
        for patient_id, aliases in patients.items()
    }


def _state(
    patient_id: str,
    person: Sequence[Any] | None,
    encounters: Iterable[Encounter | None],
    facts: Iterable[tuple[Observation, datetime]],
) -> PatientState:
    birth_date, sex = person or (None, None)
    known = [encounter for encounter in encounters if encounter is not None]
    newest = max(known, key=lambda visit: (visit.status == "open", visit.located_at or visit.admitted_at or LONG_AGO), default=None)
    state = PatientState(patient_id=patient_id, birth_date=birth_date, sex=sex, encounter=newest)
    for observation, received_at in facts:
        state = advance(state, observation, received_at=received_at)
    return state


def _encounter(row: Sequence[Any]) -> Encounter:
    encounter_id, unit, bed, patient_class, admitted_at, located_at, discharged_at, status = row
    return Encounter(
        encounter_id=encounter_id, unit=unit, bed=bed, patient_class=patient_class, admitted_at=admitted_at, located_at=located_at,
        discharged_at=discharged_at, status=status,
    )  # fmt: skip


def _fact(row: Sequence[Any]) -> tuple[Observation, datetime]:
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
