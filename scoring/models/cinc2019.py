"""PhysioNet/CinC Challenge 2019 as typed events: one patient file, hour by hour, as the bedside would have received it.

Source: Reyna et al., Crit Care Med 2020;48:210. Rows are hours; a value is the hour's median or last, so it is taken as known at the hour's end.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isnan, nan

from parsers.codes import CANONICAL
from parsers.events import Canonical, Observation
from scoring.models.tasks import SEPSIS
from scoring.models.trajectory import Step, Trajectory
from streams.features import CODE
from streams.movements import Encounter
from streams.patient import PatientState
from streams.replay.cinc2019 import table, unit, values

START = datetime(2019, 1, 1, tzinfo=UTC)
"""Any day will do: the challenge has no dates, and no feature sees one."""


def trajectory(patient_id: str, text: str) -> Trajectory:
    """Reads one file. Raises streams.replay.cinc2019.NotACinc2019File."""
    rows = table(patient_id, text)
    times = [START + timedelta(hours=row.get("ICULOS", number + 1)) for number, row in enumerate(rows)]
    return Trajectory(
        patient_id=patient_id,
        source="cinc2019",
        initial=_initial(patient_id, rows[0] if rows else {}),
        steps=[Step(at=at, events=_observations(row, at)) for row, at in zip(rows, times, strict=True)],
        labels={SEPSIS: [row.get("SepsisLabel", nan) for row in rows]},
    )


def _initial(patient_id: str, row: Mapping[str, float]) -> PatientState:
    age, gender, admitted_h = row.get("Age", nan), row.get("Gender", nan), row.get("HospAdmTime", nan)
    return PatientState(
        patient_id=patient_id,
        birth_date=None if isnan(age) else (START - timedelta(days=age * 365.25)).date(),
        sex=None if isnan(gender) else "M" if gender == 1 else "F",
        encounter=Encounter(
            encounter_id=patient_id,
            unit=unit(row),
            unit_since=START,
            admitted_at=START + timedelta(hours=0.0 if isnan(admitted_h) else min(0.0, admitted_h)),
        ),
    )


def _observations(row: Mapping[str, float], at: datetime) -> list[Observation]:
    return [_observation(name, value, at) for name, value in values(row).items()]


def _observation(name: str, value: float, at: datetime) -> Observation:
    known = CANONICAL[CODE[name]]
    canonical = Canonical(code=known.code, value_num=value, unit=known.unit)
    return Observation(
        code=known.code, code_system="LN", value_num=value, value_text=None, comparator=None, unit=known.unit, observed_at=at, status="final",
        set_id=None, sub_id=None, canonical=canonical,
    )  # fmt: skip
