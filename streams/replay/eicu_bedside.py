"""What was charted at the bedside of an eICU patient: oxygen and ventilator, nurses' assessments, the coma scale, urine."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from streams.replay.eicu_tables import known, number, rows
from streams.replay.facts import Assessed, Fact, Measured

FIO2: Final = frozenset({"FiO2", "FIO2 (%)", "O2 Percentage"})
FLOW: Final = "LPM O2"
ROOM_AIR: Final = "None (Room air)"
DEVICE: Final = "O2 Device"
VENTILATOR: Final = frozenset(
    {
        "Vent Rate", "Tidal Volume (set)", "Peak Insp. Pressure", "Plateau Pressure", "Mean Airway Pressure", "Pressure Control", "RT Vent On/Off",
        "Exhaled TV (machine)", "Ventilator Support Mode", "Set Vt (Drager)", "Adult Con Setting Set RR", "Adult Con Setting Set Vt",
    }
)  # fmt: skip
"""Settings and readings that only a ventilator has."""
ON_VENTILATOR: Final = Assessed(known_h=0, true_h=0, label="Ventilator", value="on")
STIMULUS: Final[Mapping[str, str]] = {"spontaneous": "A", "sound": "V", "pain": "P", "unresponsive": "U"}
"""What the patient responds to, as ACVPU."""
ASSESSED: Final = frozenset(
    {
        ("Neurologic", "LOC"), ("Neurologic", "Orientation"), ("Neurologic", "Speech"), ("Capillary Refill", "Capillary Refill"),
        ("Skin Color/Temp", "Skin Color/Temp"), ("Pattern", "Pattern"), ("Braden Scale", "Braden Score Total"), ("Edema", "Edema"),
        ("Secretions", "Secretions"), ("Psychosocial Status", "Psychosocial Status"),
    }
)  # fmt: skip
"""Of the flowsheet's labels and attributes those that say how ill somebody is."""
URINE: Final = re.compile(r"urin|foley|void|urethral|indwelling catheter|straight catheter", re.I)
NOT_URINE: Final = re.compile(r"count|occurrence|unmeasured|irrigat|removal", re.I)

Facts = dict[str, list[Fact]]
"""By stay."""


def bedside(folder: Path) -> Facts:
    """Every fact of these tables, by stay."""
    found: Facts = defaultdict(list)
    for stay, fact in (*_respiratory(folder), *_nursing(folder), *_urine(folder)):
        found[stay].append(fact)
    return found


def _respiratory(folder: Path) -> Iterator[tuple[str, Fact]]:
    ventilated: set[tuple[str, float]] = set()
    for row in rows(folder, "respiratorycharting"):
        times = known(row, "respchartoffset", "respchartentryoffset")
        if times is None:
            continue
        stay, label, value = row["patientunitstayid"], row["respchartvaluelabel"], row["respchartvalue"]
        known_h, true_h = times
        if label in VENTILATOR and (stay, true_h) not in ventilated:
            ventilated.add((stay, true_h))
            yield stay, Assessed(known_h=known_h, true_h=true_h, label=ON_VENTILATOR.label, value=ON_VENTILATOR.value)
        measured = _oxygen(label, value)
        if measured:
            yield stay, Measured(known_h=known_h, true_h=true_h, values=measured)
        elif label == DEVICE and value:
            yield stay, Assessed(known_h=known_h, true_h=true_h, label=DEVICE, value=value)


def _oxygen(label: str, value: str) -> dict[str, float]:
    charted = number(value)
    if label == DEVICE and value == ROOM_AIR:
        return {"oxygen_flow": 0.0}
    if label == FLOW and charted is not None:
        return {"oxygen_flow": charted}
    if label in FIO2 and charted is not None:
        return {"fio2": charted * 100.0 if 0.2 <= charted <= 1.0 else charted}  # a share; 2 and 3 are litres, and will be refused
    return {}


def _nursing(folder: Path) -> Iterator[tuple[str, Fact]]:
    for row in rows(folder, "nurseassessment"):
        times = known(row, "nurseassessoffset", "nurseassessentryoffset")
        if times is None:
            continue
        stay, place, value = row["patientunitstayid"], (row["celllabel"], row["cellattribute"]), row["cellattributevalue"]
        known_h, true_h = times
        if place == ("Neurologic", "Stimulus") and value in STIMULUS:
            yield stay, Measured(known_h=known_h, true_h=true_h, values={"avpu": STIMULUS[value]})
        elif place in ASSESSED and value:
            yield stay, Assessed(known_h=known_h, true_h=true_h, label=place[1], value=value)


def _urine(folder: Path) -> Iterator[tuple[str, Fact]]:
    for row in rows(folder, "intakeoutput"):
        label = row["celllabel"]
        if "Output" not in row["cellpath"] or not URINE.search(label) or NOT_URINE.search(label):
            continue
        times, ml = known(row, "intakeoutputoffset", "intakeoutputentryoffset"), number(row["cellvaluenumeric"])
        if times is not None and ml is not None:
            yield row["patientunitstayid"], Measured(known_h=times[0], true_h=times[1], values={"urine_output": ml})
