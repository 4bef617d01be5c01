"""Kinds of input: which columns are vital signs, labs, nursing, and further ones for drugs, nurses' assessments and notes, from the same events and state."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from math import isnan, nan
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from parsers.events import Event, Medication, Note, Observation, Order
from scoring.models.trajectory import Trajectory
from streams.features import CODE, FEATURES, LABS, LONG, SHORT_H, VITALS
from streams.patient import PatientState, advance
from streams.series import series
from streams.times import time_of
from streams.windows import latest, within

Kind = Literal["patient", "vitals", "labs", "medications", "nursing", "notes"]
KINDS: Final[tuple[Kind, ...]] = ("vitals", "labs", "medications", "nursing", "notes")
"""Those that can be left out; `patient` (age, sex, time in hospital) always stays."""
Floats = npt.NDArray[np.float32]

BREATHED: Final = ("fio2", "etco2")
"""Among the labs in the feature list, measured at the bedside."""
OF_BOTH: Final = frozenset({"sirs_points", "sofa_points", "pao2_to_fio2"})
"""Made of vital signs and labs together."""
OF_VITALS: Final = frozenset({"shock_index", "pulse_pressure", "on_oxygen"})
OF_LABS: Final = frozenset({"bun_to_creatinine", "lab_6h_count", "lab_24h_count"})
OF_NURSING: Final = frozenset({"not_alert"})

DRUGS: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(words, re.I)
    for name, words in {
        "sedative": r"propofol|diprivan|midazolam|dexmedetomidine|precedex|lorazepam|ketamine", "opioid": r"fentanyl|morphine|hydromorphone|dilaudid",
        "insulin": r"insulin|novolog|humulin|lantus", "diuretic": r"furosemide|lasix|bumetanide|bumex|torsemide|metolazone",
        "anticoagulant": r"heparin|enoxaparin|lovenox|warfarin|argatroban", "antiarrhythmic": r"amiodarone|diltiazem|esmolol|digoxin",
        "antihypertensive": r"nicardipine|labetalol|hydralazine|nitroprusside|lisinopril|amlodipine", "nitrate": r"nitroglycerin|isosorbide",
        "steroid": r"hydrocortisone|methylpred|prednisone|dexamethasone|solu-", "bicarbonate": r"bicarb", "bronchodilator": r"albuterol|ipratropium|duoneb",
        "nephrotoxic": r"vancomycin|gentamicin|tobramycin|amphotericin|ketorolac|ibuprofen|colisti", "potassium": r"potassium chloride|\bkcl\b",
        "paralytic": r"cisatracurium|nimbex|rocuronium|vecuronium|succinylcholine", "acid_blocker": r"pantoprazole|famotidine|omeprazole|octreotide",
    }.items()
}  # fmt: skip
"""Drugs that say what somebody is treated for; the therapies of `parsers.drugs` come beside them."""
THERAPIES: Final = ("vasopressor", "antibiotic", "fluid", "oxygen")

SIGNS: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(words, re.I)
    for name, words in {
        "drowsy": r"^LOC: (?:sedated|lethargic|somnolent|obtunded|comatose)", "disoriented": r"^Orientation: unable|Confused|Disoriented|Delirious",
        "speechless": r"^Speech: (?:ET|none|moan|garbled)", "slow_refill": r"> 2 seconds", "cold_skin": r"Skin.*(?:cool|mottled|clammy|pale|diaphoretic)",
        "laboured": r"^Pattern: (?:labored|dyspnea|shallow|retractions|apnea|irregular)", "oedema": r"^Edema: (?:generalized|anasarca)",
        "secretions": r"^Secretions: (?:thick|moderate|copious|frothy|bloody|yellow|green)", "agitated": r"Agitated|Restless|Combative|Anxious",
        "ventilator": r"^Ventilator: on", "mask": r"^O2 Device: (?:Bi-PAP|CPAP|High flow|Non-rebreather|Venturi|Ventilator)",
        "cannula": r"^O2 Device: Nasal cannula",
    }.items()
}  # fmt: skip
"""Over `label: value` of what nurses and therapists chart in words."""
BRADEN: Final = "Braden Score Total"

TERMS: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(words, re.I)
    for name, words in {
        "sepsis": r"\bsepsis|septic", "shock": r"\bshock\b", "hypotension": r"hypotension", "respiratory_failure": r"respiratory failure|\bARDS\b",
        "pneumonia": r"pneumonia", "intubated": r"(?<!not )\bintubated|intubation", "noninvasive": r"non-invasive ventilation|bi-?pap",
        "high_oxygen": r"oxygen therapy \((?:> 60|40%)", "low_oxygen": r"oxygen therapy \(< 40", "renal_failure": r"acute renal failure|\bATN\b",
        "chronic_kidney": r"chronic (?:renal|kidney)|renal insufficiency|renal failure- not", "dialysis": r"dialysis", "cardiac_arrest": r"cardiac arrest|\bCPR\b",
        "heart_failure": r"congestive heart failure|\bCHF\b", "infarction": r"myocardial infarction|acute coronary", "arrhythmia": r"arrhythmia|fibrillation",
        "copd": r"\bCOPD\b", "cirrhosis": r"cirrhosis|hepatic (?:failure|dysfunction)|encephalopathy", "cancer": r"metasta|\bcancer\b|leukemia|lymphoma",
        "stroke": r"stroke|hemorrhagic|intracranial", "mental_status": r"altered mental status|change in mental status|delirium|obtunded|coma\b",
        "bleeding": r"\bGI bleed|hemorrhage|blood loss", "diabetes": r"diabetes", "overdose": r"overdose|withdrawal", "surgery": r"post-?op|\bs/p\b|surgery",
        "trauma": r"trauma", "acidosis": r"acidosis", "dementia": r"dementia", "critically_ill": r"critically ill", "no_distress": r"no acute distress|well developed",
        "antibacterials": r"antibacterials|antibiotic", "transfusion": r"packed red|transfusion", "vasopressors": r"vasopressors", "line": r"central venous|arterial line",
        "nutrition": r"enteral|parenteral nutrition", "end_of_life": r"\bDNR\b|comfort measures|palliative|do not resuscitate",
    }.items()
}  # fmt: skip
"""What is looked for in notes, examinations, diagnoses, history and treatments: fixed beforehand from what kills and what is treated, not from these data."""

_MEDICATION_NAMES: Final = tuple(f"{name}_{part}" for name in (*THERAPIES, *DRUGS) for part in ("since_h", "24h_count"))
_NURSING_NAMES: Final = (
    "gcs_last", "gcs_change", "gcs_age_h", "gcs_24h_low", "urine_6h_ml", "urine_24h_ml", "urine_age_h", "urine_24h_count", "oxygen_flow_last",
    "oxygen_flow_6h_high", "braden_last", *(f"{name}_since_h" for name in SIGNS),
)  # fmt: skip
_NOTE_NAMES: Final = (*(f"{name}_told_since_h" for name in TERMS), "texts_24h_count", "orders_24h_count")

_LAB_NAMES: Final = ("creatinine_over_lowest", "creatinine_rise_48h")
_VITAL_NAMES: Final = ("news2", "news2_24h_high", "news2_24h_mean", "news2_6h_change")

SHORT: Final = timedelta(hours=SHORT_H)

FURTHER: Final = (*_MEDICATION_NAMES, *_NURSING_NAMES, *_NOTE_NAMES, *_LAB_NAMES, *_VITAL_NAMES)
"""The columns that `further` gives, in this order."""
COLUMNS: Final = (*FEATURES, *FURTHER)
"""All: the bedside's features and the further ones."""


def kinds_of(column: str) -> frozenset[Kind]:
    """Which kinds of input a column is made of: where one of them is left out, the column is. A feature of no other kind is told of the patient.

    >>> [*kinds_of("heart_rate_6h_last"), *kinds_of("creatinine_change"), *kinds_of("gcs_last"), *kinds_of("sepsis_told_since_h"), *kinds_of("age_years")]
    ['vitals', 'labs', 'nursing', 'notes', 'patient']
    >>> sorted(kinds_of("sofa_points"))
    ['labs', 'vitals']
    """
    if column in OF_BOTH:
        return frozenset({"vitals", "labs"})
    if column in _MEDICATION_NAMES:
        return frozenset({"medications"})
    if column in _NURSING_NAMES or column in OF_NURSING:
        return frozenset({"nursing"})
    if column in _NOTE_NAMES:
        return frozenset({"notes"})
    if column in OF_VITALS or column in _VITAL_NAMES or column.startswith((*VITALS, *BREATHED)):
        return frozenset({"vitals"})
    return frozenset({"labs"}) if column in OF_LABS or column in _LAB_NAMES or column.startswith(LABS) else frozenset({"patient"})


def columns_of(kinds: Sequence[Kind]) -> npt.NDArray[np.intp]:
    """The places in COLUMNS of what is made of these kinds and of `patient` alone."""
    return np.array([place for place, name in enumerate(COLUMNS) if kinds_of(name) <= {*kinds, "patient"}])


def further(patient: Trajectory, news2: Sequence[float]) -> Floats:
    """x: (T, len(FURTHER)) float32, a row a step, from what was received by then; NaN where nothing is known. `news2`: its lower bound at each step."""
    state, heard = patient.initial, _Heard()
    rows = []
    for place, step in enumerate(patient.steps):
        for event in step.events:
            state = advance(state, event, received_at=step.at)
            heard.take(event, time_of(event, step.at))
        words = (*heard.medications(step.at), *_measured(state, step.at), *heard.nursing(step.at), *heard.notes(step.at))
        rows.append([*words, *_creatinine(state, step.at), *_scored([one.at for one in patient.steps[: place + 1]], news2[: place + 1])])
    return np.array(rows, np.float32).reshape(len(patient.steps), len(FURTHER))


def _creatinine(state: PatientState, at: datetime) -> tuple[float, float]:
    """The newest against the lowest that is held, and its rise over the lowest of 48 hours: what KDIGO stages by."""
    held = within(state.readings.get(CODE["creatinine"], ()), at, timedelta(days=7))
    values = [one.value_num for one in held if one.value_num is not None]
    recent = [one.value_num for one in held if one.value_num is not None and one.observed_at > at - timedelta(hours=48)]
    if not values or min(values) <= 0:
        return nan, nan
    return values[-1] / min(values), values[-1] - min(recent) if recent else nan


def _scored(times: Sequence[datetime], news2: Sequence[float]) -> tuple[float, float, float, float]:
    """NEWS2 now, its highest and mean of the last 24 hours, and its change from the first of the last 6."""
    day = [score for at, score in zip(times, news2, strict=True) if at > times[-1] - LONG and not isnan(score)]
    six = [score for at, score in zip(times, news2, strict=True) if at > times[-1] - SHORT and not isnan(score)]
    if not day:
        return nan, nan, nan, nan
    return news2[-1], max(day), sum(day) / len(day), six[-1] - six[0] if six else nan


class _Heard:
    """What was told in words or given, since the beginning of the stay."""

    def __init__(self) -> None:
        self.given: dict[str, list[datetime]] = {}
        self.seen: dict[str, datetime] = {}
        self.texts: list[datetime] = []
        self.orders: list[datetime] = []
        self.braden: tuple[datetime, float] | None = None

    def take(self, event: Event, at: datetime) -> None:
        match event:
            case Medication():
                for name in (*drugs_in(event.display or ""), *((event.therapy,) if event.therapy else ())):
                    self.given.setdefault(name, []).append(at)
            case Observation() if event.canonical is None and event.code_system == "L":
                self._assess(event.code, event.value_text or "", event.value_num, at)
            case Note():
                self.texts.append(at)
                self._hear(event.text, at)
            case Order():
                self.orders.append(at)
                self._hear(event.display or "", at)

    def _assess(self, label: str, value: str, number: float | None, at: datetime) -> None:
        if label == BRADEN and number is not None and (self.braden is None or at >= self.braden[0]):
            self.braden = (at, number)
        for name in signs_in(f"{label}: {value}"):
            self.seen[name] = max(at, self.seen.get(name, at))

    def _hear(self, text: str, at: datetime) -> None:
        for name in terms_in(text):
            self.seen[f"told {name}"] = max(at, self.seen.get(f"told {name}", at))

    def medications(self, at: datetime) -> list[float]:
        found = []
        for name in (*THERAPIES, *DRUGS):
            times = self.given.get(name, ())
            found += [_hours(at, max(times)) if times else nan, float(sum(one > at - LONG for one in times))]
        return found

    def nursing(self, at: datetime) -> list[float]:
        braden = nan if self.braden is None else self.braden[1]
        return [braden, *(self._since(name, at) for name in SIGNS)]

    def notes(self, at: datetime) -> list[float]:
        counts = [float(sum(one > at - LONG for one in times)) for times in (self.texts, self.orders)]
        return [*(self._since(f"told {name}", at) for name in TERMS), *counts]

    def _since(self, name: str, at: datetime) -> float:
        when = self.seen.get(name)
        return nan if when is None else _hours(at, when)


def _measured(state: PatientState, at: datetime) -> list[float]:
    """Coma scale, urine and oxygen flow, in the order of their names."""
    coma = within(state.readings.get(CODE["gcs"], ()), at, timedelta(hours=48))
    scores = [one.value_num for one in coma if one.value_num is not None]
    low = series(state.readings.get(CODE["gcs"], ()), at, LONG).low
    urine = state.readings.get(CODE["urine_output"], ())
    voided = latest(urine, at, LONG)
    flows = state.readings.get(CODE["oxygen_flow"], ())
    flow, highest = latest(flows, at, LONG), series(flows, at, SHORT).high
    return [
        scores[-1] if scores else nan,
        scores[-1] - scores[-2] if len(scores) > 1 else nan,
        _hours(at, coma[-1].observed_at) if coma else nan,
        low,
        *(sum(one.value_num or 0.0 for one in within(urine, at, window)) if voided else nan for window in (SHORT, LONG)),
        nan if voided is None else _hours(at, voided.observed_at),
        float(len(within(urine, at, LONG))),
        nan if flow is None or flow.value_num is None else flow.value_num,
        highest,
    ]


def _hours(at: datetime, when: datetime) -> float:
    return max(0.0, (at - when).total_seconds() / 3600.0)


@lru_cache(maxsize=20_000)
def drugs_in(text: str) -> tuple[str, ...]:
    """Names of DRUGS that a drug's own name is one of."""
    return tuple(name for name, words in DRUGS.items() if words.search(text))


@lru_cache(maxsize=20_000)
def signs_in(text: str) -> tuple[str, ...]:
    """Names of SIGNS in one assessment."""
    return tuple(name for name, words in SIGNS.items() if words.search(text))


@lru_cache(maxsize=20_000)
def terms_in(text: str) -> tuple[str, ...]:
    """Names of TERMS in a text."""
    return tuple(name for name, words in TERMS.items() if words.search(text))
