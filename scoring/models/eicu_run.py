"""One run on eICU: boosters for each task judged on hospitals they never saw, beside NEWS2 on the same rows, and what each kind of input is worth."""

import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np

from scoring.evaluate.figures import calibration
from scoring.models import cinc2012, eicu, eicu_inputs, tasks, trajectory
from scoring.models.data_hash import data_hash
from scoring.models.eicu_booster import EVERY_H, PARAMETERS, Stay, cross_validated
from scoring.models.eicu_figures import Stay as Judged
from scoring.models.eicu_figures import at_equal_alerts, discrimination, drawn
from scoring.models.eicu_inputs import COLUMNS, KINDS, Kind, further
from scoring.models.tasks import TASKS
from scoring.models.trajectory import Trajectory
from scoring.models.walk import walk

Say = Callable[[str], None]
Floats = Any

POINTS: Final = (5.0, 7.0, 9.0, 11.0, 13.0)
"""NEWS2's own thresholds, urgent and emergency response (RCP 2017, chart 4), and higher ones, down to about an alert a day for 35 patients."""
HELP_EVERY_H: Final = 6
MADE_BY: Final = (cinc2012, eicu, eicu_inputs, tasks, trajectory)
FEWER: Final = 201
"""Resamples for what is compared with the whole model."""
ABLATED: Final[Mapping[str, Sequence[Kind]]] = {
    **{f"without {kind}": tuple(one for one in KINDS if one != kind) for kind in KINDS},
    "vitals alone": ("vitals",),
    "vitals and labs": ("vitals", "labs"),
}


def write_run(
    data: Path, out: Path, names: Sequence[str], seed: int, say: Say, *, ablate: bool = True, help_from: Path | None = None
) -> dict[str, Any]:
    """Judges every task and writes config.json and metrics.json into `out`; returns the metrics. `help_from`: CinC 2012, trained on beside for the tasks it has labels for."""
    stays = cached(out, data, say, lambda: [_stay(one, ended.person_id) for one, ended in eicu.trajectories(data)])
    helping: list[Stay] = []
    if help_from is not None and set(names) & set(cinc2012.TOLD):
        found = help_from
        helping = cached(out, found, say, lambda: [_stay(one, one.patient_id) for one in cinc2012.trajectories(found, HELP_EVERY_H)])
    config = {
        "tasks": {name: TASKS[name].at_risk for name in names}, "seed": seed, "parameters": PARAMETERS, "trained_on_every_h": EVERY_H, "columns": list(COLUMNS),
        "stays": len(stays), "hospitals": len({one.hospital_id for one in stays}), "data_sha256": data_hash(data),
        "cinc2012_sha256": None if help_from is None else data_hash(help_from),
    }  # fmt: skip
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    metrics: dict[str, Any] = {}
    for task in names:
        metrics[task], scores = _judged(stays, task, seed, helping if task in cinc2012.TOLD else [], say, ablate=ablate)
        np.savez_compressed(out / f"{task}.npz", **_predictions(stays, task, scores))
        (out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    return metrics


def _judged(
    stays: Sequence[Stay], task: str, seed: int, helping: Sequence[Stay], say: Say, *, ablate: bool
) -> tuple[dict[str, Any], list[Floats]]:
    say(f"{task}: all kinds of input")
    scores, rounds = cross_validated(stays, task, seed, helping=helping)
    people = {person: number for number, person in enumerate(sorted({one.person_id for one in stays}))}
    draws = drawn(len(people), seed)
    judged = _pairs(stays, task, scores, people)
    labels = np.concatenate([one.labels for one in judged])
    found: dict[str, Any] = {
        "stays_at_risk": len(judged), "stays_with_event": int(sum(one.labels.any() for one in judged)), "rows": len(labels),
        "prevalence": round(float(labels.mean()), 5), "rounds": rounds, **discrimination(judged, draws),
        "at_the_alerts_of_news2": at_equal_alerts(judged, draws, POINTS, TASKS[task].speaks_h), "calibration": calibration(labels, np.concatenate([one.model for one in judged])),
    }  # fmt: skip
    others = dict(ABLATED) if ablate else {}
    for name, kinds in others.items():
        say(f"{task}: {name}")
        other, _ = cross_validated(stays, task, seed, kinds, helping, rounds)
        found[name] = _against(judged, _pairs(stays, task, other, people), draws[:FEWER], TASKS[task].speaks_h)
    if helping and ablate:
        say(f"{task}: without CinC 2012")
        other, _ = cross_validated(stays, task, seed)
        found["without CinC 2012"] = _against(judged, _pairs(stays, task, other, people), draws, TASKS[task].speaks_h)
    return found, scores


def _predictions(stays: Sequence[Stay], task: str, scores: Sequence[Floats]) -> dict[str, Floats]:
    """Row by row: whose and when, the label (nan where masked), both scores; each from hospitals that were not trained on."""
    return {
        "patient_id": np.concatenate([np.full(len(one.hours), one.patient_id) for one in stays]),
        "hour": np.concatenate([one.hours for one in stays]),
        "label": np.concatenate([one.labels[task] for one in stays]),
        "score": np.concatenate(scores),
        "news2": np.concatenate([one.news2 for one in stays]),
    }


def _against(whole: Sequence[Judged], other: Sequence[Judged], draws: Any, quiet_h: float) -> dict[str, Any]:
    """Another model in the place of NEWS2: what the whole one has more than it, and the events both meet at the alerts of NEWS2 7 and more."""
    swapped = [
        Judged(person=one.person, hours=one.hours, labels=one.labels, model=one.model, reference=two.model)
        for one, two in zip(whole, other, strict=True)
    ]
    beside = discrimination(swapped, draws)
    return {
        name: {"value": beside[name]["news2"], "low": beside[name]["news2_low"], "high": beside[name]["news2_high"]}
        | {f"whole_is_better_by{part}": beside[name][f"difference{part}"] for part in ("", "_low", "_high")}
        for name in ("auroc", "auprc")
    } | {"at_the_alerts_of_news2_7": at_equal_alerts(other, draws, POINTS[1:2], quiet_h)["7"]}


def _pairs(stays: Sequence[Stay], task: str, scores: Sequence[Floats], people: Mapping[str, int]) -> list[Judged]:
    """The rows at risk of the stays that have any."""
    found = []
    for one, score in zip(stays, scores, strict=True):
        at_risk = ~np.isnan(one.labels[task])
        if at_risk.any():
            found.append(
                Judged(
                    person=people[one.person_id],
                    hours=one.hours[at_risk],
                    labels=one.labels[task][at_risk].astype(np.float64),
                    model=score[at_risk],
                    reference=one.news2[at_risk].astype(np.float64),
                )
            )
    return found


def _stay(patient: Trajectory, person_id: str) -> Stay:
    walked = walk(patient)
    more = further(patient, walked.news2_at_least.tolist())
    begins = patient.steps[0].at if patient.steps else None
    hours = [round((step.at - begins).total_seconds() / 3600.0) for step in patient.steps] if begins else []
    return Stay(
        patient_id=patient.patient_id, person_id=person_id, hospital_id=patient.hospital_id or patient.source, hours=np.array(hours, np.int64),
        matrix=np.concatenate([walked.matrix, more], axis=1), labels=walked.labels_by_task, news2=walked.news2_at_least,
    )  # fmt: skip


def cached(out: Path, data: Path, say: Say, make: Callable[[], list[Stay]]) -> list[Stay]:
    """The stays from the run folder, where data, columns and the code that makes labels and columns are the same; else made and kept there."""
    out.mkdir(parents=True, exist_ok=True)
    code = b"".join(Path(str(module.__file__)).read_bytes() for module in MADE_BY)
    key = blake2b(f"{data_hash(data)}{' '.join(COLUMNS)}".encode() + code, digest_size=8).hexdigest()
    cache = out / f"stays-{key}.pickle"
    if cache.exists():
        kept: list[Stay] = pickle.loads(cache.read_bytes())  # noqa: S301 (a cache that this run wrote itself)
        return kept
    say(f"walking {data}")
    stays = make()
    cache.write_bytes(pickle.dumps(stays))
    return stays
