"""The eICU demo as trajectories: an hourly grid of what was known by then, with the labels of every task that its outcomes allow."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from parsers.drugs import therapy_of
from scoring.models.tasks import Outcome, all_labels, all_onsets
from scoring.models.trajectory import Trajectory, steps
from streams.replay import eicu
from streams.replay.eicu_bedside import ON_VENTILATOR
from streams.replay.eicu_tables import Row, hour, rows, tables
from streams.replay.events import at_hour, initial, received, series
from streams.replay.facts import Asked, Assessed, Course, Drug, Told

START: Final = datetime(2019, 1, 1, tzinfo=UTC)
"""Any day will do: eICU has no dates, and no feature sees one."""
EVERY: Final = timedelta(hours=1)
LAST_H: Final = 168.0
"""The hourly tables end after a week."""
INVASIVE: Final = "mechanical ventilation"
NOT_INVASIVE: Final = "non-invasive"
DIALYSIS: Final = ("renal failure - hemodialysis", "renal failure - peritoneal dialysis", "for chronic renal failure")
"""In past history and treatments: on dialysis before this illness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a stay ended, from the patient table: hours from admission to the unit. None where it does not say.

    `groups`: what the person and the hospital are told of besides, by name; empty where they are not.
    """

    person_id: str
    groups: Mapping[str, str]
    died: bool | None
    ended_h: float | None
    ventilated_h: float | None


def persons(folder: Path) -> dict[str, Ended]:
    """By stay. A person may have several stays, which are not independent. `ventilated_h`: when the respiratory care table says ventilation began."""
    ventilated: dict[str, list[float]] = defaultdict(list)
    for row in rows(folder, "respiratorycare"):
        for column in ("ventstartoffset", "priorventstartoffset"):
            start = hour(row[column])
            if start:  # 0 is its word for none
                ventilated[row["patientunitstayid"]].append(start)
    hospitals = {row["hospitalid"]: row for row in rows(folder, "hospital")}
    return {
        row["patientunitstayid"]: _ended(
            row, hospitals.get(row["hospitalid"], {}), min(ventilated.get(row["patientunitstayid"], ()), default=None)
        )
        for row in rows(folder, "patient")
    }


def _ended(row: Row, hospital: Row, ventilated_h: float | None) -> Ended:
    status = row["hospitaldischargestatus"]
    return Ended(
        person_id=row["uniquepid"],
        groups={"ethnicity": row["ethnicity"], "region": hospital.get("region", ""), "beds": hospital.get("numbedscategory", "")}, died={"Expired": True, "Alive": False}.get(status), ended_h=hour(row["hospitaldischargeoffset"]),
        ventilated_h=ventilated_h,
    )  # fmt: skip


def trajectories(path: Path) -> Iterator[tuple[Trajectory, Ended]]:
    """Every stay that the hourly tables have and the patient table knows. Raises streams.replay.eicu.NoEicuTables."""
    folder = tables(path)
    if folder is None:
        raise eicu.NoEicuTables(f"{path}: no patient.csv.gz in it or beside it")
    known: Mapping[str, Ended] = persons(folder)
    for course in eicu.courses(path):
        if course.stay_id in known:
            yield trajectory(course, known[course.stay_id]), known[course.stay_id]


def trajectory(course: Course, ended: Ended) -> Trajectory:
    """One stay on the hourly grid, from an hour after admission to the end of the stay in the unit, a week at most."""
    times, became = _grid(course), outcome(course, ended)
    return Trajectory(
        patient_id=course.stay_id, hospital_id=course.hospital_id, source="eicu", initial=initial(course, START),
        steps=steps(received(course, START), times), labels=all_labels(became, times), onsets=all_onsets(became),
    )  # fmt: skip


def _grid(course: Course) -> list[datetime]:
    last_h = min(LAST_H, course.length_h if course.left_h is None else course.left_h)
    return [START + EVERY * number for number in range(1, int(last_h) + 1)]


def outcome(course: Course, ended: Ended) -> Outcome:
    """What became of the patient. The future is allowed here, and nowhere else."""
    vasopressors, ventilation = [], [ended.ventilated_h] if ended.ventilated_h is not None else []
    dialysis = False
    for fact in course.facts:
        match fact:
            case Drug(action="given") if therapy_of(fact.name, "L", fact.name) == "vasopressor":
                vasopressors.append(fact.true_h)
            case Asked(name=name) if "vasopressors" in name or "inotropic" in name:
                vasopressors.append(fact.true_h)
            case Asked(name=name) if INVASIVE in name and NOT_INVASIVE not in name:
                ventilation.append(fact.true_h)
            case Assessed() if fact.label == ON_VENTILATOR.label:
                ventilation.append(fact.true_h)
            case Told(kind="Intubation"):
                ventilation.append(fact.true_h)
        if isinstance(fact, Asked | Told):
            dialysis = dialysis or any(word in (fact.name if isinstance(fact, Asked) else fact.text) for word in DIALYSIS)
    return Outcome(
        began_at=START,
        died_in_hospital=ended.died,
        died_at=at_hour(START, ended.ended_h) if ended.died and ended.ended_h is not None else None,
        creatinine=series(course, "creatinine", START),
        chronic_dialysis=dialysis,
        vasopressors_at=_first(vasopressors),
        ventilation_at=_first(ventilation),
        support_known=True,
    )


def _first(hours: list[float]) -> datetime | None:
    return at_hour(START, min(hours)) if hours else None
