"""A task of eICU judged from a run's predictions, each made by boosters that never saw its hospital: as rows, and as the whole report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from scoring.evaluate.alerting import BEDS, threshold_within
from scoring.evaluate.bootstrap import Draws, draws
from scoring.evaluate.budget import A_DAY
from scoring.evaluate.equal_alerts import at_equal_alerts
from scoring.evaluate.judgement import judge
from scoring.evaluate.manner import Manner
from scoring.evaluate.rows import MODEL, Ints, Rows
from scoring.evaluate.subgroups import LEAST, hour_band
from scoring.models.eicu_stays import Stay
from scoring.models.tasks import TASKS

Columns = Mapping[str, npt.NDArray[Any]]
"""By name of COLUMNS, a value for each row at risk, patient by patient. onset_h: nan where the event never came. Groups: empty where not known."""

POINTS: Final = (5.0, 7.0, 9.0, 11.0, 13.0)
"""NEWS2's own thresholds, urgent and emergency response (RCP 2017, chart 4), and higher ones, down to about an alert a day for 35 patients."""
GROUPS: Final = ("age", "sex", "ethnicity", "unit", "hospital", "region", "beds")
FEW: Final = f"all with fewer than {LEAST} events"
GROUP: Final = "group_"
COLUMNS: Final = (
    "patient_id", "person_id", "hour", "label", "onset_h", "score", "news2", "qsofa", *(f"{GROUP}{name}" for name in GROUPS),
)  # fmt: skip

WARNING: Final = (
    "Each prediction is from boosters that never saw its hospital. Which kinds of input they are given was chosen on these very folds."
)
LIMITS: Final = (
    "The eICU demo: stays in intensive care, an hour a row, a week at most. Thresholds of NEWS2 are made for wards and raise more often here.",
    "Outcomes are dated by what was charted: a treatment that is entered late looks later than it was.",
    "Rows in which the patient is not at risk, or nobody can tell the label, are left out: they raise no alerts, and count for no hours under watch.",
    "Of several events of one stay the report counts the first, also one that comes after the last row; at_equal_alerts counts each that a row was labelled for.",
    "Thresholds at a budget of alerts are chosen on the judged rows themselves, for every score alike; the model's own is that of one alert a day per 35 beds.",
    "Consciousness and oxygen are charted for few stays: NEWS2 and qSOFA are lower bounds where they are not.",
    "What a guard would keep back, what the deployed policy would raise and what lost readings cost is not told: no such model is served.",
)


def columns_of_stays(stays: Sequence[Stay], task: str, scores: Sequence[npt.NDArray[np.float64]]) -> dict[str, npt.NDArray[Any]]:
    """The predictions as they are kept: the rows at risk of the stays that have any. `scores`: (T,) of each stay."""
    parts: dict[str, list[npt.NDArray[Any]]] = {}
    for one, score in zip(stays, scores, strict=True):
        at_risk = ~np.isnan(one.labels[task])
        words: dict[str, str | float] = {"patient_id": one.patient_id, "person_id": one.person_id, "onset_h": one.onset_h.get(task, np.nan)}
        words |= {f"{GROUP}{name}": one.groups.get(name, "") for name in GROUPS}
        values: dict[str, npt.NDArray[Any]] = {
            "hour": one.hours,
            "label": one.labels[task],
            "score": score,
            "news2": one.news2,
            "qsofa": one.qsofa,
        }
        for name, value in words.items():
            parts.setdefault(name, []).append(np.full(int(at_risk.sum()), value))
        for name, column in values.items():
            parts.setdefault(name, []).append(column[at_risk])
    return {name: np.concatenate(found) for name, found in parts.items()}


def rows_of(columns: Columns, task: str) -> tuple[Rows, Ints]:
    """The rows, and whose stay each patient number is, 0..Q-1: stays of one person are drawn together."""
    begins = np.append(True, columns["patient_id"][1:] != columns["patient_id"][:-1])[: len(columns["patient_id"])]
    patient = np.cumsum(begins) - 1
    numbers = {person: number for number, person in enumerate(sorted(set(columns["person_id"].tolist())))}
    hour = columns["hour"].astype(np.float64)
    groups = {name: columns[f"{GROUP}{name}"] for name in GROUPS}
    groups["hospital"] = _of_enough(groups["hospital"], patient[columns["label"] > 0], patient)
    known = TASKS[task]
    rows = Rows(
        patients=int(begins.sum()), patient=patient, hour=hour, label=columns["label"].astype(np.float64), onset=columns["onset_h"][begins].astype(np.float64),
        watched_h=np.bincount(patient, minlength=int(begins.sum())).astype(np.float64), recognised={}, manner=Manner(horizon_h=known.horizon_h, silence_h=known.silence_h),
        scores={MODEL: columns["score"].astype(np.float64), "news2": columns["news2"].astype(np.float64), "qsofa": columns["qsofa"].astype(np.float64)},
        groups=groups | {"hours in unit": np.array([hour_band(one) for one in hour], np.str_)},
    )  # fmt: skip
    return rows, np.array([numbers[person] for person in columns["person_id"][begins].tolist()], np.int64)


def _of_enough(hospital: npt.NDArray[Any], patients_with_event: Ints, of: Ints) -> npt.NDArray[Any]:
    """Hospitals of too few events for a figure are one group: a hundred of them, each without one, tell nobody anything."""
    events = Counter(hospital[np.unique(of, return_index=True)[1]][np.unique(patients_with_event)].tolist())
    return np.array([one if events[one] >= LEAST else FEW for one in hospital.tolist()], np.str_)


def drawn(rows: Rows, person: Ints, seed: int) -> Draws:
    """Persons, each with all their stays."""
    return draws(rows.patients, seed, person=person)


def report(columns: Columns, task: str, run: Mapping[str, Any]) -> dict[str, Any]:
    """Everything `judge` tells, and the events met at the alerts of NEWS2's thresholds. `run`: the run folder's config."""
    rows, person = rows_of(columns, task)
    threshold = threshold_within(rows, MODEL, A_DAY / BEDS)
    picked = drawn(rows, person, int(run["seed"]))
    return {
        "task": task, "model": "boosters by cross-validation over hospitals", "version": str(run["data_sha256"])[:12], "data": "eICU demo",
        "patients": rows.patients, "hours": len(rows.hour), "held_out": True, "warning": WARNING, "limits": list(LIMITS),
        **judge(rows, threshold, picked), "at_equal_alerts": at_equal_alerts(rows, MODEL, "news2", POINTS, picked),
    }  # fmt: skip
