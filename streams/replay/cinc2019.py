"""CinC 2019 patient files as courses to replay. Source: Reyna et al., Crit Care Med 2020;48:210."""

import tarfile
from collections.abc import Iterator, Mapping
from math import isnan, nan
from pathlib import Path

from parsers.codes import CANONICAL
from streams.replay.facts import Course, Fact, Measured
from streams.replay.trajectories import VITAL

COLUMNS = {
    "HR": "heart_rate", "O2Sat": "spo2", "Temp": "temperature", "SBP": "sbp", "MAP": "map", "DBP": "dbp", "Resp": "respiratory_rate", "EtCO2": "etco2",
    "BaseExcess": "base_excess", "HCO3": "bicarbonate", "FiO2": "fio2", "pH": "ph", "PaCO2": "paco2", "AST": "ast", "BUN": "bun",
    "Alkalinephos": "alkaline_phosphatase", "Calcium": "calcium", "Chloride": "chloride", "Creatinine": "creatinine",
    "Bilirubin_direct": "bilirubin_direct", "Glucose": "glucose", "Lactate": "lactate", "Magnesium": "magnesium", "Phosphate": "phosphate",
    "Potassium": "potassium", "Bilirubin_total": "bilirubin_total", "TroponinI": "troponin_i", "Hct": "hematocrit", "Hgb": "hemoglobin", "PTT": "ptt",
    "WBC": "wbc", "Fibrinogen": "fibrinogen", "Platelets": "platelets",
}  # fmt: skip
"""Columns to canonical names. SaO2 is left out: it is another measurement than the bedside's SpO2. Lactate and magnesium carry conventional
units in fact, whatever the challenge's page prints."""

LIMITS = {known.name: (known.low, known.high) for known in CANONICAL.values()}


class NotACinc2019File(ValueError):
    """The file has no ICULOS column."""


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


def table(patient_id: str, text: str) -> list[dict[str, float]]:
    """The rows of a file by column, nan where empty. Raises NotACinc2019File."""
    lines = text.strip().splitlines()
    names = lines[0].split("|") if lines else []
    if "ICULOS" not in names:
        raise NotACinc2019File(f"{patient_id}: no ICULOS column")
    return [dict(zip(names, (float(cell) if cell else nan for cell in line.split("|")), strict=False)) for line in lines[1:]]


def values(row: Mapping[str, float]) -> dict[str, float]:
    """What was measured in one hour, by canonical name in canonical units; what no living patient has is left out."""
    found = {}
    for column, name in COLUMNS.items():
        value = row.get(column, nan)
        if isnan(value):
            continue
        number = value * 100.0 if name == "fio2" and value <= 1.0 else value
        if LIMITS[name][0] <= number <= LIMITS[name][1]:
            found[name] = number
    return found


def unit(row: Mapping[str, float]) -> str:
    """The kind of unit a row names; of three in ten patients the set says neither."""
    return "MICU" if row.get("Unit1") == 1 else "SICU" if row.get("Unit2") == 1 else "ICU"


def courses(path: Path) -> Iterator[Course]:
    """Every file as a course; hours count from the first row."""
    for patient_id, text in files(path):
        rows = table(patient_id, text)
        first = rows[0] if rows else {}
        age, gender = first.get("Age", nan), first.get("Gender", nan)
        yield Course(
            source="CINC", stay_id=patient_id, unit=unit(first),
            age_years=None if isnan(age) else age, sex="U" if isnan(gender) else "M" if gender == 1 else "F",
            facts=[fact for hour, row in enumerate(rows) for fact in by_kind(float(hour), float(hour), values(row))],
        )  # fmt: skip


def by_kind(known_h: float, true_h: float, found: Mapping[str, float]) -> list[Fact]:
    """Vital signs and labs in a message each, as two systems send them."""
    parts = ({name: value for name, value in found.items() if (name in VITAL) is vital} for vital in (True, False))
    return [Measured(known_h=known_h, true_h=true_h, values=part) for part in parts if part]
