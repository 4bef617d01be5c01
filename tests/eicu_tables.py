"""A made-up hospital as the eICU demo would write it: two stays with every table, so that no data of patients is needed."""

import csv
import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow
from pyarrow import parquet

Rows = Sequence[Mapping[str, str]]


def write(folder: Path, table: str, rows: Rows) -> None:
    with gzip.open(folder / f"{table}.csv.gz", "wt", newline="") as text:
        writer = csv.DictWriter(text, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def patient(stay: str, **changes: str) -> dict[str, str]:
    return {
        "patientunitstayid": stay, "uniquepid": f"p{stay}", "hospitalid": "7", "gender": "Female", "age": "71", "ethnicity": "Caucasian", "unittype": "MICU",
        "hospitaladmitoffset": "-200", "hospitaldischargeoffset": "1530", "hospitaldischargestatus": "Expired", "unitdischargeoffset": "1450",
    } | changes  # fmt: skip


def hospital(path: Path) -> Path:
    """`path/eicu_demo_hourly` and `path/eicu_demo`; returns the former. Stay 11 gets worse and dies, stay 12 lives and is over 89."""
    hourly, tables = path / "eicu_demo_hourly" / "los", path / "eicu_demo"
    hourly.mkdir(parents=True)
    tables.mkdir()
    hours = 24
    columns = {
        "stay_id": [11] * hours + [12] * hours,
        "time": [float(hour) for hour in range(hours)] * 2,
        "hr": [80.5 + hour * 1.25 for hour in range(hours)] + [70.0] * hours,
        "sbp": [120.0 - hour / 3 for hour in range(hours)] + [None if hour % 2 else 131.0 for hour in range(hours)],
        "resp": [16.0] * hours + [-5.0 if hour == 3 else 14.0 for hour in range(hours)],
        "temp": [36.605555555555554] * (2 * hours),
        "fio2": [99.0] * (2 * hours),
        "crea": [{2: 0.9, 20: 1.6}.get(hour) for hour in range(hours)] + [1.1 if hour == 0 else None for hour in range(hours)],
        "lact": [{1: 2.1, 9: 4.0}.get(hour) for hour in range(hours)] + [None] * hours,
    }
    parquet.write_table(pyarrow.table(columns), hourly / "dyn.parquet")
    parquet.write_table(pyarrow.table({"stay_id": [11, 12], "age": [71.0, 93.0], "sex": ["Female", "Male"]}), hourly / "sta.parquet")
    write(tables, "patient", [patient("11"), patient("12", gender="Male", age="> 89", hospitalid="8", hospitaldischargestatus="Alive")])
    charted("11", tables)
    return path / "eicu_demo_hourly"


def charted(stay: str, tables: Path) -> None:
    who = {"patientunitstayid": stay}
    breathing(who, tables)
    nursed(who, tables)
    voided(who, tables)
    treated(who, tables)
    written(who, tables)


def breathing(who: Mapping[str, str], tables: Path) -> None:
    def vent(minutes: str, entered: str, label: str, value: str) -> dict[str, str]:
        return who | {"respchartoffset": minutes, "respchartentryoffset": entered, "respchartvaluelabel": label, "respchartvalue": value}

    write(
        tables, "respiratorycharting",
        [
            vent("30", "45", "O2 Device", "None (Room air)"), vent("90", "90", "LPM O2", "2.5"), vent("200", "500", "FiO2", "60%"),
            vent("205", "205", "FiO2", "3"), vent("700", "700", "O2 Device", "Bi-PAP"), vent("900", "905", "Vent Rate", "14"),
            vent("900", "905", "Tidal Volume (set)", "450"), vent("950", "950", "LPM O2", "see note"),
        ],
    )  # fmt: skip


def nursed(who: Mapping[str, str], tables: Path) -> None:
    def nurse(minutes: str, entered: str, label: str, attribute: str, value: str) -> dict[str, str]:
        return who | {
            "nurseassessoffset": minutes, "nurseassessentryoffset": entered, "celllabel": label, "cellattribute": attribute, "cellattributevalue": value,
        }  # fmt: skip

    write(
        tables, "nurseassessment",
        [
            nurse("60", "130", "Neurologic", "Stimulus", "spontaneous"), nurse("600", "700", "Neurologic", "Stimulus", "sound"),
            nurse("600", "700", "Capillary Refill", "Capillary Refill", "> 2 seconds"), nurse("600", "700", "Braden Scale", "Braden Score Total", "11"),
            nurse("610", "700", "Neurologic", "LOC", "lethargic"), nurse("610", "700", "Auscultation", "Murmurs and Rubs", "none"),
        ],
    )  # fmt: skip


def voided(who: Mapping[str, str], tables: Path) -> None:
    output = "flowsheet|Flowsheet Cell Labels|I&O|Output (ml)|Urine"

    def io(minutes: str, entered: str, path: str, label: str, ml: str) -> dict[str, str]:
        return who | {
            "intakeoutputoffset": minutes, "intakeoutputentryoffset": entered, "cellpath": path, "celllabel": label, "cellvaluenumeric": ml,
        }  # fmt: skip

    write(
        tables, "intakeoutput",
        [io("120", "180", output, "Urine", "200"), io("480", "480", output, "Foley cath", "35"), io("490", "490", output, "Urine Count", "1"),
         io("500", "500", output.replace("Output", "Intake"), "Urine alkaliniser", "300"), io("510", "50000", output, "Urine", "80")],
    )  # fmt: skip


def treated(who: Mapping[str, str], tables: Path) -> None:
    write(
        tables, "medication",
        [
            who | {"drugorderoffset": "-90", "drugname": "PIPERACILLIN/TAZOBACTAM 4.5 G", "drugordercancelled": "No"},
            who | {"drugorderoffset": "100", "drugname": "FUROSEMIDE 20 MG | IV", "drugordercancelled": "No"},
            who | {"drugorderoffset": "101", "drugname": "HEPARIN", "drugordercancelled": "Yes"},
        ],
    )  # fmt: skip
    write(
        tables, "infusiondrug",
        [
            who | {"infusionoffset": "800", "drugname": "Norepinephrine (mcg/min)", "drugrate": "4.5"},
            who | {"infusionoffset": "1300", "drugname": "Norepinephrine (mcg/min)", "drugrate": "0"},
        ],
    )  # fmt: skip
    write(
        tables, "treatment",
        [
            who | {"treatmentoffset": "50", "treatmentstring": "pulmonary|ventilation and oxygenation|oxygen therapy (< 40%)|nasal cannula"},
            who | {"treatmentoffset": "960", "treatmentstring": "pulmonary|ventilation and oxygenation|mechanical ventilation"},
        ],
    )  # fmt: skip


def written(who: Mapping[str, str], tables: Path) -> None:
    note = "notes/Progress Notes/"
    write(
        tables, "note",
        [
            who | {"noteoffset": "20", "noteenteredoffset": "75", "notetype": "Admission", "notepath": f"{note}Interventions/Major/x", "notevalue": "v",
                   "notetext": "Sepsis - evaluation & management"},
            who | {"noteoffset": "20", "noteenteredoffset": "75", "notetype": "Admission", "notepath": "notes/Shared/View and Save/Print",
                   "notevalue": "Copies", "notetext": ""},
        ],
    )  # fmt: skip
    exam = f"{note}Physical Exam/Physical Exam/"
    paths = ["Neurologic/GCS/Eyes Score/3", "Neurologic/GCS/Motor Score/6", "Neurologic/GCS/Verbal Score/4", "Pulmonary/Airway/intubated"]
    write(
        tables, "physicalexam",
        [
            *(who | {"physicalexamoffset": "20", "physicalexampath": exam + path} for path in paths),
            who | {"physicalexamoffset": "640", "physicalexampath": exam + "Neurologic/GCS/9"},
        ],
    )  # fmt: skip
    write(tables, "diagnosis", [who | {"diagnosisoffset": "300", "diagnosisstring": "cardiovascular|shock / hypotension|septic shock"}])
    write(
        tables, "pasthistory",
        [who | {"pasthistoryoffset": "20", "pasthistoryenteredoffset": "75", "pasthistorypath": f"{note}Past History/Organ Systems/Pulmonary/COPD/COPD"}],
    )  # fmt: skip
    write(tables, "respiratorycare", [who | {"ventstartoffset": "890", "priorventstartoffset": "0"}])
