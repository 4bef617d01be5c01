"""PhysioNet/CinC Challenge 2019 as typed events: one patient file, hour by hour, as the bedside would have received it.

Source: Reyna et al., Crit Care Med 2020;48:210. Rows are hours; a value is the hour's median or last, so it is taken as known at the hour's end.
"""

import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isnan, nan
from pathlib import Path
from types import MappingProxyType

from parsers.codes import CANONICAL
from parsers.events import Canonical, Observation
from streams.features import CODE
from streams.patient import PatientState
from streams.visits import Encounter

START = datetime(2019, 1, 1, tzinfo=UTC)
"""Any day will do: the challenge has no dates, and no feature sees one."""

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "HR": "heart_rate", "O2Sat": "spo2", "Temp": "temperature", "SBP": "sbp", "MAP": "map", "DBP": "dbp", "Resp": "respiratory_rate",
        "EtCO2": "etco2", "BaseExcess": "base_excess", "HCO3": "bicarbonate", "FiO2": "fio2", "pH": "ph", "PaCO2": "paco2", "AST": "ast", "BUN": "bun",
        "Alkalinephos": "alkaline_phosphatase", "Calcium": "calcium", "Chloride": "chloride", "Creatinine": "creatinine",
        "Bilirubin_direct": "bilirubin_direct", "Glucose": "glucose", "Lactate": "lactate", "Magnesium": "magnesium", "Phosphate": "phosphate",
        "Potassium": "potassium", "Bilirubin_total": "bilirubin_total", "TroponinI": "troponin_i", "Hct": "hematocrit", "Hgb": "hemoglobin",
        "PTT": "ptt", "WBC": "wbc", "Fibrinogen": "fibrinogen", "Platelets": "platelets",
    }
)  # fmt: skip
"""Columns to canonical names. SaO2 is left out: it is another measurement than the bedside's SpO2. Lactate and magnesium carry conventional
units in fact, whatever the challenge's page prints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """One patient file: the state before the first hour, and for each row its time, its observations and its label (nan where the file has none)."""

    patient_id: str
    initial: PatientState
    times: Sequence[datetime]
    observations: Sequence[Sequence[Observation]]
    labels: Sequence[float]


def files(path: Path) -> Iterator[tuple[str, str]]:
    """(patient id, text) of every patient file in a folder, or in a tar.gz, in order of id."""
    if path.is_dir():
        for one in sorted(path.rglob("*.psv")):
            yield one.stem, one.read_text()
        for packed in sorted(path.glob("*.tar.gz")):
            yield from files(packed)
        return
    with tarfile.open(path) as archive:
        members = sorted((member for member in archive if member.name.endswith(".psv")), key=lambda member: member.name)
        for member in members:
            handle = archive.extractfile(member)
            if handle is not None:
                yield Path(member.name).stem, handle.read().decode()


class NotACinc2019File(ValueError):
    """The file has no ICULOS column, or a row of another length than its header."""


def trajectory(patient_id: str, text: str) -> Trajectory:
    """Reads one file. Raises NotACinc2019File."""
    lines = text.strip().splitlines()
    names = lines[0].split("|") if lines else []
    if "ICULOS" not in names:
        raise NotACinc2019File(f"{patient_id}: no ICULOS column")
    rows = [dict(zip(names, (float(cell) if cell else nan for cell in line.split("|")), strict=False)) for line in lines[1:]]
    times = [START + timedelta(hours=row.get("ICULOS", number + 1)) for number, row in enumerate(rows)]
    return Trajectory(
        patient_id=patient_id,
        initial=_initial(patient_id, rows[0] if rows else {}),
        times=times,
        observations=[_observations(row, at) for row, at in zip(rows, times, strict=True)],
        labels=[row.get("SepsisLabel", nan) for row in rows],
    )


def _initial(patient_id: str, row: Mapping[str, float]) -> PatientState:
    age, gender, admitted_h = row.get("Age", nan), row.get("Gender", nan), row.get("HospAdmTime", nan)
    return PatientState(
        patient_id=patient_id,
        birth_date=None if isnan(age) else (START - timedelta(days=age * 365.25)).date(),
        sex=None if isnan(gender) else "M" if gender == 1 else "F",
        encounter=Encounter(
            encounter_id=patient_id, admitted_at=START + timedelta(hours=0.0 if isnan(admitted_h) else min(0.0, admitted_h))
        ),
    )


def _observations(row: Mapping[str, float], at: datetime) -> list[Observation]:
    found = []
    for column, name in COLUMNS.items():
        value = row.get(column, nan)
        if isnan(value):
            continue
        if name == "fio2" and value <= 1.0:
            value *= 100.0
        known = CANONICAL[CODE[name]]
        if not known.low <= value <= known.high:
            continue
        canonical = Canonical(code=known.code, value_num=value, unit=known.unit)
        found.append(
            Observation(
                code=known.code, code_system="LN", value_num=value, value_text=None, comparator=None, unit=known.unit, observed_at=at, status="final",
                set_id=None, sub_id=None, canonical=canonical,
            )
        )  # fmt: skip
    return found
