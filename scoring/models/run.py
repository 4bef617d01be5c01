"""One training run: the model that is served, its twin with figures on patients it never saw, and the card that goes with both."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import onnxruntime

from scoring.evaluate import figures
from scoring.evaluate.figures import Judged
from scoring.guard_fit import fit_guard
from scoring.models.booster import AIMS, FOLDS, PARAMETERS, ROUNDS, SHARE, Trained, Way, train
from scoring.models.card import write
from scoring.models.export import export, with_single_thresholds
from scoring.models.twin import TWIN
from scoring.models.walk import Walked, fold
from scoring.trees import trees_of
from streams.features import FEATURES, VERSION

BUDGET = 1.0
"""Alerts per 35 patients a day that the threshold is chosen for: what a ward of 35 beds bears from one score (about one a day)."""

PARITY = 1e-5
MEMBERS = "members"
"""The folder of the members that were grown, so that a run that was cut off goes on; no part of the model."""

PARITY_ROWS = 100_000
"""Rows that it is proved on, spread evenly over all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """One model with its papers. `unseen`: what is said of each of its patients by members that were grown without that patient; thresholds come from that."""

    trained: Trained
    version: str
    unseen: Sequence[Judged]
    threshold: float
    best_utility: float
    parity: float


def write_run(
    patients: Sequence[Walked], out: Path, seed: int, data_hash: str, say: Callable[[str], None], rounds: Mapping[Way, int] = ROUNDS
) -> dict[str, Any]:
    """Grows a twin without the hold-out and judges it there, then the model that is served, by the same recipe on all patients; returns the metrics.

    Everything goes into `out`, the twin into `out/twin`. Figures on the hold-out are the twin's, those out of fold the served model's.
    """
    holdout = [patient for patient in patients if fold(patient.patient_id) == "holdout"]
    seen = [patient for patient in patients if fold(patient.patient_id) != "holdout"]
    (out / TWIN).mkdir(parents=True, exist_ok=True)
    (out / MEMBERS).mkdir(exist_ok=True)
    say("growing the twin, without the patients held out")
    twin = _grown(seen, out / TWIN, Recipe(seed=seed, rounds=rounds, data_hash=data_hash, members=out / MEMBERS, say=say))
    say("judging it on them")
    metrics = _metrics(twin, holdout, seed)
    metrics["at_the_alerts_of_news2"] = _side_by_side(twin, [_news2(one) for one in seen if len(one.matrix)], holdout)
    say("growing the model that is served, on all patients")
    served = _grown(patients, out, Recipe(seed=seed, rounds=rounds, data_hash=data_hash, members=out / MEMBERS, say=say, twin=twin.version))
    trees_of(with_single_thresholds(served.trained.booster).model_to_string()).save(out / "trees.npz")
    metrics |= {
        "out_of_fold": _out_of_fold(served),
        "twin": {"version": twin.version, "out_of_fold": _out_of_fold(twin)},
        "parity_onnx": max(twin.parity, served.parity),
        "rounds": served.trained.rounds,
        "patients": _counts({"train": patients, "twin": seen, "holdout": holdout}),
    }
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    (out / "config.json").write_text(json.dumps(_config(seed, rounds), indent=1) + "\n")
    write(out)
    return metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What twin and served model have in common. `twin`: for the served model, the version of the other."""

    seed: int
    rounds: Mapping[Way, int]
    data_hash: str
    members: Path
    say: Callable[[str], None]
    twin: str = ""


def _grown(patients: Sequence[Walked], folder: Path, recipe: Recipe) -> Grown:
    """Trains on all of these, exports, and writes model, guard and metadata. Calibration and thresholds come from what the bag's members say of patients they
    were grown without."""
    trained = train(
        patients, recipe.seed, recipe.rounds, on_member=lambda done, of: recipe.say(f"  member {done} of {of}"), kept=recipe.members
    )
    export(trained, folder / "model.onnx")
    rows = np.concatenate([patient.matrix for patient in patients])
    (folder / "guard.json").write_bytes(msgspec.json.encode(fit_guard(rows)))
    parity = _parity(trained, folder / "model.onnx", rows[:: max(1, len(rows) // PARITY_ROWS)])
    if parity > PARITY:
        raise RuntimeError(f"the exported model differs from the trees by {parity:.2e}")
    unseen = [Judged(one.labels.astype(np.float64), trained.unseen_probabilities(one.patient_id)) for one in patients if len(one.matrix)]
    threshold, best_utility = figures.threshold_for(unseen, BUDGET), figures.most_useful_threshold(unseen)
    version = _version(folder / "model.onnx")
    metadata = {
        "name": "deterioration", "version": version, "features": VERSION, "feature_names": list(FEATURES), "threshold": round(threshold, 6),
        "utility_threshold": round(best_utility, 6), "seed": recipe.seed, "data_sha256": recipe.data_hash, "twin": recipe.twin,
    }  # fmt: skip
    (folder / "metadata.json").write_text(json.dumps(metadata, indent=1) + "\n")
    return Grown(trained=trained, version=version, unseen=unseen, threshold=threshold, best_utility=best_utility, parity=parity)


def _out_of_fold(grown: Grown) -> dict[str, float]:
    """Over the model's own patients, each by the members grown without them; the threshold of the utility is the best over all, which flatters it a little."""
    found = {
        "auroc": figures.hourly(figures.auroc),
        "auprc": figures.hourly(figures.average_precision),
        "utility": figures.utility_at(grown.best_utility),
    }
    return {name: round(figure(grown.unseen), 4) for name, figure in found.items()}


def _config(seed: int, rounds: Mapping[Way, int]) -> dict[str, Any]:
    return {"parameters": PARAMETERS, "rounds": rounds, "folds": FOLDS, "aims": AIMS, "share": SHARE, "seed": seed, "budget": BUDGET}


def _version(model: Path) -> str:
    """The feature list and the model's own content: the same training gives the same version, another model never does."""
    return f"{VERSION}-{blake2b(model.read_bytes(), digest_size=4).hexdigest()}"


def _judged(trained: Trained, patient: Walked) -> Judged:
    return Judged(patient.labels.astype(np.float64), trained.probabilities(patient.matrix))


def _news2(patient: Walked) -> Judged:
    return Judged(patient.labels.astype(np.float64), patient.news2_at_least.astype(np.float64))


def _parity(trained: Trained, model: Path, matrix: npt.NDArray[np.float32]) -> float:
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    [answers] = session.run(["probability"], {"features": matrix})
    return float(np.abs(answers[:, 0] - trained.probabilities(matrix)).max())


def _metrics(twin: Grown, holdout: Sequence[Walked], seed: int) -> dict[str, Any]:
    model = [_judged(twin.trained, patient) for patient in holdout]
    news2 = [_news2(patient) for patient in holdout]
    alerts = figures.alerts_at(model, twin.threshold)
    same_budget = figures.threshold_for(news2, alerts["alerts_per_35_patient_days"] or 0.0)
    labels, scores = np.concatenate([one.labels for one in model]), np.concatenate([one.scores for one in model])
    return {
        "model": _ranks(model, seed)
        | {
            "utility": figures.interval(model, figures.utility_at(twin.best_utility), seed),
            "calibration": figures.calibration(labels, scores),
            "alerts_at_budget": alerts,
        },
        "news2": _ranks(news2, seed)
        | {
            "utility_at_5": figures.interval(news2, figures.utility_at(5.0), seed),
            "alerts_at_budget": figures.alerts_at(news2, same_budget),
        },
    }


def _side_by_side(twin: Grown, news2: Sequence[Judged], holdout: Sequence[Walked]) -> dict[str, Any]:
    """NEWS2 at its own thresholds, and the model where it raised as many first alerts on the training patients; both on the hold-out."""
    found = {}
    for points in (5.0, 7.0):
        rate = figures.alerts_at(news2, points)["alerts_per_35_patient_days"] or 0.0
        threshold = figures.threshold_for(twin.unseen, rate)
        found[f"{points:.0f}"] = {
            "news2": figures.alerts_at([_news2(patient) for patient in holdout], points),
            "model": figures.alerts_at([_judged(twin.trained, patient) for patient in holdout], threshold),
        }
    return found


def _ranks(patients: Sequence[Judged], seed: int) -> dict[str, Any]:
    return {
        "auroc": figures.interval(patients, figures.hourly(figures.auroc), seed),
        "auprc": figures.interval(patients, figures.hourly(figures.average_precision), seed),
    }


def _counts(groups: Mapping[str, Sequence[Walked]]) -> dict[str, Any]:
    return {name: {"patients": len(group), "septic": int(sum(p.labels.max(initial=0) for p in group))} for name, group in groups.items()}
