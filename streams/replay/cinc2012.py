"""PhysioNet/CinC Challenge 2012, sets a and b, as courses: the first 48 hours of a stay, measurement by measurement.

Source: Silva et al., Comput Cardiol 2012;39:245. Times are hh:mm since admission to the unit; −1 is "not recorded". Each value is taken as known at its time.
"""

import tarfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from parsers.codes import BEDSIDE
from streams.replay.eicu_tables import number
from streams.replay.facts import Assessed, Course, Fact, Measured, in_order

NAMES: Final[Mapping[str, str]] = {
    "HR": "heart_rate", "RespRate": "respiratory_rate", "Temp": "temperature", "SysABP": "sbp", "DiasABP": "dbp", "MAP": "map", "NISysABP": "sbp",
    "NIDiasABP": "dbp", "NIMAP": "map", "FiO2": "fio2", "GCS": "gcs", "Urine": "urine_output", "Albumin": "albumin", "ALP": "alkaline_phosphatase",
    "AST": "ast", "Bilirubin": "bilirubin_total", "BUN": "bun", "Creatinine": "creatinine", "Glucose": "glucose", "HCO3": "bicarbonate",
    "HCT": "hematocrit", "K": "potassium", "Lactate": "lactate", "Mg": "magnesium", "Na": "sodium", "PaCO2": "paco2", "PaO2": "pao2", "pH": "ph",
    "Platelets": "platelets", "TroponinI": "troponin_i", "WBC": "wbc",
}  # fmt: skip
"""Parameters to canonical names. SaO2 (of an arterial sample), ALT, cholesterol and troponin T are other quantities than those Vigil works with."""
ZERO_IS_NOTHING: Final = frozenset({"heart_rate", "respiratory_rate"})
"""A 0 here is a monitor that was off. Of pressures and temperatures (−17.8 °C is 0 °F) 0 is impossible anyway, and refused as such."""
NOT_RECORDED: Final = -1.0
UNITS: Final[Mapping[str, str]] = {"1": "CCU", "2": "CSRU", "3": "MICU", "4": "SICU"}
HEIGHT_CM: Final = (50.0, 272.0)
"""The tallest person measured 272 cm; 431 is no height."""


class NotACinc2012File(ValueError):
    """The file does not begin with Time,Parameter,Value."""


def files(path: Path) -> Iterator[tuple[str, str]]:
    """(record id, text) of every record in a folder, or in a tar.gz, in order of id."""
    if path.is_dir():
        for one in sorted(path.rglob("[0-9]*.txt")):
            yield one.stem, one.read_text()
        for packed in sorted(path.glob("set-*.tar.gz")):
            yield from files(packed)
        return
    with tarfile.open(path) as archive:
        members = sorted((one for one in archive if one.name.endswith(".txt") and one.isfile()), key=lambda one: one.name)
        for member in members:
            handle = archive.extractfile(member)
            if handle is not None:
                yield Path(member.name).stem, handle.read().decode()


def course(record_id: str, text: str) -> Course:
    """One record. Raises NotACinc2012File."""
    lines = text.split()
    if not lines or lines[0] != "Time,Parameter,Value":
        raise NotACinc2012File(record_id)
    cells = [line.split(",") for line in lines[1:] if line.count(",") == 2]
    static = {name: number(value) for time, name, value in reversed(cells) if time == "00:00"}
    age, gender, unit = static.get("Age"), static.get("Gender"), static.get("ICUType")
    return Course(
        source="CINC2012", stay_id=record_id, unit=UNITS.get(f"{unit:.0f}", "ICU") if unit is not None else "ICU",
        age_years=age if age is not None and age >= 0 else None, sex="M" if gender == 1 else "F" if gender == 0 else "U",
        facts=in_order([*_facts(cells), *_height(static.get("Height"))]),
    )  # fmt: skip


def _facts(cells: list[list[str]]) -> Iterator[Fact]:
    """One fact for the vital signs and one for the labs of a minute; a quantity that comes twice in it (cuff and artery) begins another."""
    at_once: dict[tuple[float, bool, int], dict[str, float]] = defaultdict(dict)
    for time, parameter, text in cells:
        name, value = NAMES.get(parameter), number(text)
        if name is None or value is None or value == NOT_RECORDED:
            continue
        hours, minutes = time.split(":")
        at, vital, turn = int(hours) + int(minutes) / 60.0, name in BEDSIDE, 0
        while name in at_once[at, vital, turn]:
            turn += 1
        at_once[at, vital, turn][name] = value * 100.0 if name == "fio2" and value <= 1.0 else value
    for (at, _, _), values in at_once.items():
        if values:
            refused = frozenset(name for name in ZERO_IS_NOTHING & values.keys() if values[name] == 0)
            yield Measured(known_h=at, true_h=at, values=values, refused=refused)


def _height(height_cm: float | None) -> Iterator[Fact]:
    """No score uses it; it is told, and where nobody is so tall it is refused."""
    if height_cm is not None and height_cm != NOT_RECORDED:
        possible = HEIGHT_CM[0] <= height_cm <= HEIGHT_CM[1]
        yield Assessed(known_h=0.0, true_h=0.0, label="Height", value=f"{height_cm:g} cm", refused=not possible)
