"""What stands in an eICU patient's record: drugs ordered and infused, treatments, and the structured notes, examinations, diagnoses and history as text."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from streams.replay.eicu_tables import hour, known, number, rows
from streams.replay.facts import Asked, Drug, Fact, Measured, Told

LATE_H: Final = 174 / 60
"""How long after its time an examination is taken to be known where no note of that time says when it was entered: the ninth decile of the demo's notes."""
COMA: Final = re.compile(r"/GCS/(Eyes|Motor|Verbal) Score/(\d)$")
COMA_TOTAL: Final = re.compile(r"/GCS/(\d{1,2})$")
VITALS: Final = re.compile(r"/(?:Vital Sign and Physiological Data|Weight and I&O|Hemodynamic Data)/")
"""Numbers that the flowsheet has better."""
SAID_NOTHING: Final = re.compile(r"View and Save|View Options|Include Rx|Skip Screen|Obtain Options|Print Setup", re.I)
"""How the note was made, which says nothing of the patient."""
RATE: Final = re.compile(r"\(([^()]*)\)\s*$")

Key = tuple[str, str, float, float]
"""Stay, kind of document, known, true."""
Facts = dict[str, list[Fact]]


def record(folder: Path) -> Facts:
    """Every fact of these tables, by stay."""
    found: Facts = defaultdict(list)
    for stay, fact in (*_ordered(folder), *_infused(folder), *_treated(folder), *_written(folder)):
        found[stay].append(fact)
    return found


def _ordered(folder: Path) -> Iterator[tuple[str, Fact]]:
    for row in rows(folder, "medication"):
        at = hour(row["drugorderoffset"])
        if at is not None and row["drugname"] and row["drugordercancelled"] != "Yes":
            yield row["patientunitstayid"], Drug(known_h=at, true_h=at, action="ordered", name=row["drugname"])


def _infused(folder: Path) -> Iterator[tuple[str, Fact]]:
    """A rate of 0 is no infusion."""
    for row in rows(folder, "infusiondrug"):
        at, rate = hour(row["infusionoffset"]), number(row["drugrate"])
        if at is None or rate is None or rate <= 0 or not row["drugname"]:
            continue
        unit = RATE.search(row["drugname"])
        name = RATE.sub("", row["drugname"]).strip() or row["drugname"]
        yield (
            row["patientunitstayid"],
            Drug(
                known_h=at, true_h=at, action="given", name=name, dose_num=rate, dose_unit=(unit.group(1).strip() if unit else "") or None
            ),
        )


def _treated(folder: Path) -> Iterator[tuple[str, Fact]]:
    for row in rows(folder, "treatment"):
        at = hour(row["treatmentoffset"])
        if at is not None and row["treatmentstring"]:
            yield row["patientunitstayid"], Asked(known_h=at, true_h=at, name=row["treatmentstring"])


def _written(folder: Path) -> Iterator[tuple[str, Fact]]:
    """One text for what was entered together; the coma scale of an examination as a number."""
    texts: dict[Key, list[str]] = defaultdict(list)
    entered: dict[tuple[str, float], float] = {}
    for row in rows(folder, "note"):
        times = known(row, "noteoffset", "noteenteredoffset")
        if times is None:
            continue
        stay = row["patientunitstayid"]
        entered[stay, times[1]] = max(times[0], entered.get((stay, times[1]), times[0]))
        if not SAID_NOTHING.search(row["notepath"]):
            texts[stay, row["notetype"], *times].append(f"{_tail(row['notepath'])}: {row['notetext'] or row['notevalue']}")
    for row in rows(folder, "diagnosis"):
        at = hour(row["diagnosisoffset"])
        if at is not None:
            texts[row["patientunitstayid"], "Diagnosis", at, at].append(row["diagnosisstring"])
    for row in rows(folder, "pasthistory"):
        times = known(row, "pasthistoryoffset", "pasthistoryenteredoffset")
        if times is not None and not SAID_NOTHING.search(row["pasthistorypath"]):
            texts[row["patientunitstayid"], "Past history", *times].append(_tail(row["pasthistorypath"]))
    yield from _examined(folder, entered, texts)
    for (stay, kind, known_h, true_h), lines in texts.items():
        yield stay, Told(known_h=known_h, true_h=true_h, kind=kind, text="\n".join(dict.fromkeys(lines)))


def _examined(folder: Path, entered: dict[tuple[str, float], float], texts: dict[Key, list[str]]) -> Iterator[tuple[str, Fact]]:
    coma: dict[tuple[str, float], dict[str, float]] = defaultdict(dict)
    for row in rows(folder, "physicalexam"):
        at, path, stay = hour(row["physicalexamoffset"]), row["physicalexampath"], row["patientunitstayid"]
        if at is None or VITALS.search(path) or SAID_NOTHING.search(path):
            continue
        if part := COMA.search(path):
            coma[stay, at][part.group(1)] = float(part.group(2))
        elif total := COMA_TOTAL.search(path):
            coma[stay, at]["total"] = float(total.group(1))
        else:
            texts[stay, "Examination", entered.get((stay, at), at + LATE_H), at].append(_tail(path))
    for (stay, at), parts in coma.items():
        score = sum(parts.values()) if len(parts) == 3 and "total" not in parts else parts.get("total")
        if score is not None:
            yield stay, Measured(known_h=entered.get((stay, at), at + LATE_H), true_h=at, values={"gcs": score})


def _tail(path: str) -> str:
    """A path without the headings that all have in common.

    >>> _tail("notes/Progress Notes/Physical Exam/Physical Exam/Pulmonary/Airway/intubated")
    'Pulmonary/Airway/intubated'
    """
    return "/".join(part for part in path.split("/")[2:] if part not in ("Physical Exam", "Past History", "Organ Systems"))
