"""The task `sepsis2019`: a prediction for every hour of every patient file, each from that hour and those before it alone, and the whole judgement of them."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import nan
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from parsers.events import Observation
from scoring.evaluate.bootstrap import difference, draws, told
from scoring.evaluate.challenge import stakes, utility
from scoring.evaluate.course import Course, course, gathered
from scoring.evaluate.deployed import Policy, judged, raised_by
from scoring.evaluate.judgement import abstention, cuts_of, judge
from scoring.evaluate.rows import MODEL, Floats, Rows
from scoring.evaluate.stress import Spoil, kinds_in, sample
from scoring.evaluate.stressed import Stressing, stressed
from scoring.evaluate.utility import LABEL_LEAD_H
from scoring.models.cinc2019 import SEPSIS, START, trajectory
from scoring.models.metadata import Metadata
from scoring.models.trajectory import Trajectory
from scoring.side_by_side import mapped
from streams.features import CODE
from streams.patient import code_of
from streams.replay.cinc2019 import table

WARNING: Final = "Over patients that the model was trained on these figures are too good; those over patients nobody trained on stand in the model's card."
HELD_OUT: Final = "Patients of the hold-out alone: nothing was trained, stopped, calibrated or chosen on them."
TWIN_OF: Final = "Judged is the twin of {}: the same recipe without these patients, for the model that is served was grown on them too."
LIMITS: Final = (
    "Labels are 1 from six hours before the onset of sepsis, the earlier of suspected infection and of a rise of SOFA by 2 (Reyna 2020). The times of "
    "cultures, of antibiotics and of suspicion are not in the files. By that definition no suspicion that made the label came before the onset, so what "
    "comes before the onset comes before the clinicians' recognition as far as the data tells; the first lactate is given beside it as a sign of an "
    "earlier suspicion, for it is often sent for one.",
    "The files hold no consciousness and mostly no oxygen: NEWS2 and qSOFA are lower bounds here, never complete, and the deployed policy clears an "
    "episode of NEWS2 only on a complete score. It therefore opens each of its tiers once a stay at most.",
    "The files hold no ethnicity; no figure by ethnicity is possible.",
    "Rows are hours, values an hour's median: what is shorter than an hour is not seen.",
    "Thresholds at a budget of alerts are chosen on the judged rows themselves, for every score alike.",
)
CHUNK: Final = 25
"""Stays that a process takes at once."""
HOSPITALS: Final = {"p0": "A", "p1": "B"}
"""The challenge's numbering: p0… is hospital system A, p1… is B (challenge-2019, training sets)."""

Predict = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
Abstains = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.bool_]]
Files = Callable[[], Iterable[tuple[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`abstains`: (N, F) to (N,), where the bedside would not let the model speak. `stress`: on how many patients the spoilt stays are walked again, 0 for none. `held_out`: the files are those of the hold-out and no others. `twin_of`: the served version that the judged one stands for, where it is another."""

    metadata: Metadata
    predict: Predict
    abstains: Abstains
    policy: Policy
    stress: int
    held_out: bool
    twin_of: str
    on_patient: Callable[[int], None]
    say: Callable[[str], None]


def evaluate(files: Files, asked: Asked, out: Path) -> dict[str, Any]:
    """Writes `<patient>.psv` for each file and returns the report; figures only where the files carry labels."""
    stays: list[Course] = []
    spoken: list[Floats] = []
    heard: list[Floats] = []
    patients = hours = 0
    for one in mapped(walked, files(), chunk=CHUNK):
        scores = predicted(asked.predict, one)
        _write(out / f"{one.patient_id}.psv", scores, asked.metadata.utility_threshold)
        patients, hours = patients + 1, hours + len(scores)
        asked.on_patient(patients)
        if len(one.label) and not np.isnan(one.label).any():
            stays.append(one.without_matrix())
            spoken.append(scores)
            heard.append(heard_of(asked, one, scores))
    metadata = asked.metadata
    report: dict[str, Any] = {
        "task": "sepsis2019", "model": metadata.name, "version": metadata.version, "data": "PhysioNet/CinC Challenge 2019", "patients": patients,
        "hours": hours, "held_out": asked.held_out, "twin_of": asked.twin_of or None,
    }  # fmt: skip
    if any(not np.isnan(one.onset_h) for one in stays):
        report |= {"warning": _warning(asked), "limits": list(LIMITS)} | _judged(files, asked, stays, spoken, heard)
    return report


def _warning(asked: Asked) -> str:
    if not asked.held_out:
        return WARNING
    return f"{HELD_OUT} {TWIN_OF.format(asked.twin_of)}" if asked.twin_of else HELD_OUT


def walked(file: tuple[str, str]) -> Course:
    """One patient file, walked."""
    return walked_as((lambda stay: stay, file))


def walked_as(given: tuple[Spoil, tuple[str, str]]) -> Course:
    """The same, spoilt before it is walked. Labels, onset and groups stay those of the file."""
    spoil, (patient_id, text) = given
    stay = trajectory(patient_id, text)
    label = stay.label(SEPSIS)
    first = table(patient_id, text)[:1]
    unit = next((name for column, name in (("Unit1", "medical ICU"), ("Unit2", "surgical ICU")) if first and first[0].get(column) == 1), "")
    hospital = next((name for prefix, name in HOSPITALS.items() if re.fullmatch(prefix + r"\d{5}", patient_id)), "")
    positive = next((step for step, value in zip(stay.steps, label, strict=True) if value > 0), None)
    onset_h = nan if positive is None else (positive.at - START).total_seconds() / 3600.0 + LABEL_LEAD_H
    groups = {"unit": unit, "hospital": hospital, "ethnicity": ""}
    return course(spoil(stay), label, START, onset_h, groups, {"first lactate": _first(stay, CODE["lactate"])})


def _first(stay: Trajectory, code: str) -> float:
    """The hour of the first reading of that code; nan where there is none."""
    found = (step.at for step in stay.steps for event in step.events if isinstance(event, Observation) and code_of(event) == code)
    return next(((at - START).total_seconds() / 3600.0 for at in found), nan)


def predicted(predict: Predict, one: Course) -> Floats:
    """(T,) what the model says in each row."""
    return predict(one.matrix).astype(np.float64) if len(one.matrix) else np.empty(0)


def heard_of(asked: Asked, one: Course, scores: Floats) -> Floats:
    """(T,) what the bedside would hear of it: nan where the model's guard abstains."""
    return np.where(asked.abstains(one.matrix), np.nan, scores) if len(scores) else scores


def _write(path: Path, scores: Floats, threshold: float) -> None:
    rows = (f"{score:.6f}|{int(score >= threshold)}" for score in scores)
    path.write_text("\n".join(["PredictedProbability|PredictedLabel", *rows]) + "\n")


def _judged(files: Files, asked: Asked, stays: Sequence[Course], spoken: Sequence[Floats], heard: Sequence[Floats]) -> dict[str, Any]:
    metadata = asked.metadata
    asked.say("judging")
    rows = gathered(stays, spoken)
    drawn = draws(rows.patients, metadata.seed)
    report = judge(rows, metadata.threshold, drawn)
    stake = stakes(rows)
    cuts = cuts_of(metadata.utility_threshold)
    earned = {name: utility(rows, stake, name, cut, drawn) for name, cut in cuts.items()}
    for name, values in earned.items():
        report["figures"][name] |= {"utility": told(values), "utility_threshold": round(cuts[name], 6)}
        if name != MODEL:
            report["model_above"][name]["utility"] = difference(earned[MODEL], values)
    report["abstention"] = abstention(rows, gathered(stays, heard), metadata.threshold, drawn)
    asked.say("asking the deployed policy")
    report["deployed_policy"] = judged(asked.policy, rows, raised_by(asked.policy, stays, heard, metadata), drawn)
    if asked.stress:
        asked.say("walking spoilt stays")
        report["stress"] = _stress(files, asked, stays, rows, heard)
    return report


def _stress(files: Files, asked: Asked, stays: Sequence[Course], rows: Rows, heard: Sequence[Floats]) -> dict[str, Any]:
    chosen = sample(
        {one.patient_id: bool(event) for one, event in zip(stays, ~np.isnan(rows.onset), strict=True)}, asked.stress, asked.metadata.seed
    )
    kept = [(one, said) for one, said in zip(stays, heard, strict=True) if one.patient_id in chosen]
    texts = [file for file in files() if file[0] in chosen]
    kinds = frozenset(kind for file in texts for kind in kinds_in(trajectory(*file)))

    def walk(spoils: Sequence[Spoil]) -> Iterator[tuple[list[Course], list[Floats]]]:
        again = mapped(walked_as, [(spoil, file) for spoil in spoils for file in texts], chunk=CHUNK)
        for _ in spoils:
            found = [(one.without_matrix(), heard_of(asked, one, predicted(asked.predict, one))) for one in islice(again, len(texts))]
            yield [one for one, _ in found], [said for _, said in found]

    stressing = Stressing(
        threshold=asked.metadata.threshold, seed=asked.metadata.seed,
        stands_for=np.array([chosen[one.patient_id] for one, _ in kept]), say=asked.say,
    )  # fmt: skip
    return stressed([one for one, _ in kept], [said for _, said in kept], kinds, walk, stressing)
