"""One run on eICU: boosters for each task judged on hospitals they never saw, beside NEWS2 on the same rows, and what each kind of input is worth."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from scoring.evaluate.bootstrap import Draws, difference, told
from scoring.evaluate.discrimination import areas
from scoring.evaluate.equal_alerts import at_equal_alerts
from scoring.evaluate.figures import calibration
from scoring.evaluate.rows import MODEL, Rows
from scoring.evaluate.unseen_hospitals import POINTS, columns_of_stays, drawn, rows_of
from scoring.models import cinc2012, eicu
from scoring.models.data_hash import data_hash
from scoring.models.eicu_booster import EVERY_H, MEMBERS, PARAMETERS, cross_validated
from scoring.models.eicu_inputs import COLUMNS, KINDS, Kind
from scoring.models.eicu_stays import Stay, cached, stay_of
from scoring.models.tasks import AKI, DEATH, DETERIORATION, TASKS

Say = Callable[[str], None]
Scores = Sequence[npt.NDArray[np.float64]]

HELP_EVERY_H: Final = 8
TURNS: Final = 3
"""Ways of parting the hospitals in which a kind of input is left out: one way alone moves an AUROC as far as most kinds do."""
KEPT: Final[Mapping[str, Sequence[Kind]]] = {
    DETERIORATION: ("vitals", "labs"),
    AKI: ("vitals", "labs"),
    DEATH: ("vitals", "labs", "nursing"),
}
"""By task, the kinds of input that earned their place on these data; all for a task of which it was not tried. Vital signs and labs alone are as good as all
five kinds; to death the nurses' coma scale and urine add where CinC 2012, which has both of everybody, is trained on beside. See `infra/docs/tasks.md`."""
WAYS: Final[Mapping[str, Sequence[Kind]]] = {f"without {kind}": tuple(one for one in KINDS if one != kind) for kind in KINDS} | {
    "vital signs and labs alone": ("vitals", "labs")
}
"""What is left in place of all kinds."""


def write_run(
    data: Path, out: Path, names: Sequence[str], seed: int, say: Say, *, ablate: bool = True, help_from: Path | None = None
) -> dict[str, Any]:
    """Judges every task and writes config.json, metrics.json and the predictions into `out`; returns the metrics. `help_from`: CinC 2012, trained on
    beside for the tasks it has labels for."""
    stays = cached(out, data, say, lambda: list(walked(data)))
    helping: list[Stay] = []
    if help_from is not None and set(names) & set(cinc2012.TOLD):
        found = help_from
        helping = cached(out, found, say, lambda: [stay_of(one, one.patient_id, {}) for one in cinc2012.trajectories(found, HELP_EVERY_H)])
    config = {
        "tasks": {name: TASKS[name].at_risk for name in names}, "seed": seed, "parameters": PARAMETERS, "members": MEMBERS,
        "trained_on_every_h": EVERY_H, "columns": list(COLUMNS), "stays": len(stays), "hospitals": len({one.hospital_id for one in stays}),
        "data_sha256": data_hash(data), "cinc2012_sha256": None if help_from is None else data_hash(help_from),
    }  # fmt: skip
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    metrics: dict[str, Any] = {}
    for task in names:
        metrics[task] = judged(stays, task, seed, helping if task in cinc2012.TOLD else [], say, out, ablate=ablate)
        (out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    return metrics


def walked(data: Path) -> Iterator[Stay]:
    """Every stay of the eICU demo."""
    for one, ended in eicu.trajectories(data):
        unit = one.initial.encounter.unit if one.initial.encounter else None
        yield stay_of(one, ended.person_id, {"unit": unit or "", **ended.groups})


def judged(stays: Sequence[Stay], task: str, seed: int, helping: Sequence[Stay], say: Say, out: Path, *, ablate: bool) -> dict[str, Any]:
    """The metrics of one task; its predictions are kept as `<task>.npz`, from which `vigil evaluate` makes the whole report."""
    say(f"{task}: the hospitals in turn")
    kinds = KEPT.get(task, KINDS)
    scores, rounds = cross_validated(stays, task, seed, kinds, helping)
    columns = columns_of_stays(stays, task, scores)
    np.savez_compressed(out / f"{task}.npz", allow_pickle=False, **columns)
    rows, person = rows_of(columns, task)
    draws = drawn(rows, person, seed)
    found: dict[str, Any] = {
        "kinds": list(kinds), "stays_at_risk": rows.patients, "stays_with_event": int((rows.per_patient(rows.label) > 0).sum()), "rows": len(rows.label),
        "prevalence": round(float(rows.label.mean()), 5), "rounds": rounds, **beside(rows, "news2", draws),
        "at_the_alerts_of_news2": at_equal_alerts(rows, MODEL, "news2", POINTS, draws), "calibration": calibration(rows.label, rows.scores[MODEL]),
    }  # fmt: skip
    if ablate:
        found["left_out"] = ablation(stays, task, seed, say)
    return found


def beside(rows: Rows, other: str, draws: Draws) -> dict[str, Any]:
    """AUROC and AUPRC of the model and of another score, and what the model has more."""
    mine, theirs = areas(rows, MODEL, draws), areas(rows, other, draws)
    return {
        name: {MODEL: told(one), other: told(two), "model_above": difference(one, two)}
        for name, one, two in zip(("auroc", "auprc"), mine, theirs, strict=True)
    }


def ablation(stays: Sequence[Stay], task: str, seed: int, say: Say) -> dict[str, Any]:
    """By what was left out, what the whole has more: over TURNS partings of the hospitals, each with the rounds that its inner folds found for the whole.

    eICU alone, for no other set has every kind; one booster a fold and not a bag, on both sides: what a kind is worth shows the same, in a fifth of the time.
    """
    more: dict[str, list[Mapping[str, Any]]] = {name: [] for name in WAYS}
    for turn in range(TURNS):
        say(f"{task}: parting {turn + 1} of {TURNS}")
        whole, rounds = cross_validated(stays, task, seed, members=1, turn=turn)
        for name, kinds in WAYS.items():
            other, _ = cross_validated(stays, task, seed, kinds, rounds=rounds, members=1, turn=turn)
            more[name].append(_areas(stays, task, whole, other, seed))
            say(f"{task}: {name}: {_mean(more[name])}")
    return {name: _mean(found) for name, found in more.items()}


def _areas(stays: Sequence[Stay], task: str, whole: Scores, other: Scores, seed: int) -> dict[str, Any]:
    """AUROC and AUPRC of both on the same draws."""
    rows, person = rows_of(columns_of_stays(stays, task, whole), task)
    draws = drawn(rows, person, seed)
    there, _ = rows_of(columns_of_stays(stays, task, other), task)
    return {"whole": areas(rows, MODEL, draws), "other": areas(there, MODEL, draws)}


def _mean(turns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean over the partings, draw by draw."""
    whole, other = (np.mean([turn[name] for turn in turns], axis=0) for name in ("whole", "other"))
    return {
        name: {"whole": told(whole[place]), "value": told(other[place]), "whole_is_better_by": difference(whole[place], other[place])}
        for place, name in enumerate(("auroc", "auprc"))
    }
