"""What was known of a patient at an instant: everything received by then, in the version and under the identity that held then. Pure.

The same questions are SQL functions (`vigil.observations_as_of`, `vigil.events_as_of`), for analysts; the two are tested equal on the same rows.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Cursor

from infra.database.sql import statements
from parsers.events import CodeStatus, Medication, Observation
from streams.movements import Moved
from streams.patient import PatientState, advance, moved
from streams.recall import Fact, event_of, observation_of

SQL = statements("streams", "as_of.sql")

Place = tuple[str, int, int, int]
"""Topic, partition, offset and ordinal: where a fact was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A patient number that was another's, from when Vigil knew until it was taken back or became a third one's."""

    patient_id: str
    merged_into: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One fact as it was recorded: an observation, or any other event of which a state is made. `occurred_at`: of the patient's own time;
    `processed_at`: when it was recorded, None where that is no longer known.
    """

    recorded_as: str
    occurred_at: datetime
    received_at: datetime
    withdrawn_at: datetime | None
    processed_at: datetime | None
    place: Place
    fact: Observation | Fact

    @property
    def version(self) -> tuple[bool, datetime, tuple[str, int, int]]:
        """Of two versions of one result the final beats the preliminary, then the later received the earlier; the lines of one message are one."""
        return not (isinstance(self.fact, Observation) and self.fact.status == "preliminary"), self.received_at, self.place[:3]

    @property
    def result(self) -> str | None:
        """What a later version replaces, under whichever of the patient's numbers it came."""
        return self.fact.result_key if isinstance(self.fact, Observation) else None


def known_as(patient_id: str, merged: Iterable[Merged], at: datetime) -> frozenset[str]:
    """The numbers under which facts of this patient were filed, as far as it was known then that they are the same patient's."""
    held = (one for one in merged if one.merged_into == patient_id and one.since <= at and (one.until is None or one.until > at))
    return frozenset({patient_id, *(one.patient_id for one in held)})


def known(facts: Iterable[Told], ids: AbstractSet[str], at: datetime) -> list[Told]:
    """Of these facts what was known at the instant, in the order of the patient's time; of several versions the one that held."""
    held = [
        one for one in facts if one.recorded_as in ids and one.received_at <= at and (one.withdrawn_at is None or one.withdrawn_at > at)
    ]
    newest: dict[str, Told] = {}
    for one in held:
        if one.result is not None and (one.result not in newest or one.version > newest[one.result].version):
            newest[one.result] = one
    chosen = [one for one in held if one.result is None or newest[one.result].version == one.version]
    return sorted(chosen, key=lambda one: (one.occurred_at, one.received_at, one.place))


def state(patient: PatientState, facts: Iterable[Told]) -> PatientState:
    """The state that these facts make of a patient of whom nothing but the person is known."""
    for one in facts:
        match one.fact:
            case Observation() | Medication() | CodeStatus():
                patient = advance(patient, one.fact, received_at=one.received_at)
            case movement:
                patient = moved(patient, [Moved(at=one.occurred_at, received_at=one.received_at, event=movement)])
    return patient


def recorded(cursor: Cursor, patient_id: str) -> tuple[PatientState, Sequence[Merged], Sequence[Told]]:
    """What the database holds of a patient: the person, the numbers that became this one, and every fact ever recorded under any of them."""
    merged = [
        Merged(patient_id=row[0], merged_into=patient_id, since=row[1], until=row[2])
        for row in cursor.execute(SQL["merged"].encode(), {"id": patient_id})
    ]
    ids = [patient_id, *(one.patient_id for one in merged)]
    person: Any = cursor.execute(SQL["person"].encode(), {"id": patient_id}).fetchone() or (None, None)
    facts = [_told(row, observation_of(row[9:])[0]) for row in cursor.execute(SQL["observations"].encode(), {"ids": ids})]
    facts += [_told(row, event_of(row[9])) for row in cursor.execute(SQL["events"].encode(), {"ids": ids})]
    return PatientState(patient_id=patient_id, birth_date=person[0], sex=person[1]), merged, facts


def _told(row: Sequence[Any], fact: Observation | Fact) -> Told:
    recorded_as, occurred_at, received_at, withdrawn_at, processed_at, *place = row[:9]
    return Told(
        recorded_as=recorded_as, occurred_at=occurred_at, received_at=received_at, withdrawn_at=withdrawn_at, processed_at=processed_at,
        place=tuple(place), fact=fact,
    )  # fmt: skip
