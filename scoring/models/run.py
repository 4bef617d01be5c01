"""One training run: the model, its figures on patients nobody trained on, and the card that goes with it."""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime

from scoring.evaluate import figures
from scoring.evaluate.figures import Judged
from scoring.guard_fit import fit_guard
from scoring.models.booster import AIMS, FOLDS, PARAMETERS, ROUNDS, SHARE, Trained, train
from scoring.models.card import write
from scoring.models.export import export, with_single_thresholds
from scoring.models.walk import Walked, fold
from scoring.trees import trees_of
from streams.features import FEATURES, VERSION

BUDGET = 1.0
"""Alerts per 35 patients a day that the threshold is chosen for: what a ward of 35 beds bears from one score (about one a day)."""

PARITY = 1e-5


def write_run(patients: Sequence[Walked], out: Path, seed: int, data_hash: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Trains on all but the hold-out, exports, judges on the hold-out, and writes everything into `out`; returns the metrics.

    Calibration, guard and thresholds come from what the bag's members say of training patients they were grown without.
    """
    holdout = [patient for patient in patients if fold(patient.patient_id) == "holdout"]
    seen = [patient for patient in patients if fold(patient.patient_id) != "holdout"]
    say("training")
    trained = train(seen, seed, on_member=lambda done, of: say(f"  member {done} of {of}"))
    export(trained, out / "model.onnx")
    trees_of(with_single_thresholds(trained.booster).model_to_string()).save(out / "trees.npz")
    (out / "guard.json").write_bytes(msgspec.json.encode(fit_guard(np.concatenate([patient.matrix for patient in seen]))))
    session = onnxruntime.InferenceSession(str(out / "model.onnx"), providers=["CPUExecutionProvider"])
    parity = _parity(trained, session, holdout)
    if parity > PARITY:
        raise RuntimeError(f"the exported model differs from the trees by {parity:.2e}")
    say("judging on the hold-out")
    unseen = [Judged(one.labels.astype(np.float64), trained.unseen_probabilities(one.patient_id)) for one in seen if len(one.matrix)]
    threshold = figures.threshold_for(unseen, BUDGET)
    best_utility = figures.most_useful_threshold(unseen)
    metrics = _metrics(trained, holdout, threshold, best_utility, seed)
    metrics["at_the_alerts_of_news2"] = _side_by_side(trained, unseen, [_news2(one) for one in seen if len(one.matrix)], holdout)
    metrics["out_of_fold"] = _out_of_fold(unseen, best_utility)
    metrics |= {"parity_onnx": parity, "rounds": trained.rounds, "patients": _counts({"train": seen, "holdout": holdout})}
    metadata = {
        "name": "deterioration", "version": _version(out / "model.onnx"), "features": VERSION, "feature_names": list(FEATURES),
        "threshold": round(threshold, 6), "utility_threshold": round(best_utility, 6), "seed": seed, "data_sha256": data_hash,
    }  # fmt: skip
    (out / "metadata.json").write_text(json.dumps(metadata, indent=1) + "\n")
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    (out / "config.json").write_text(json.dumps(_config(seed), indent=1) + "\n")
    write(out)
    return metrics


def _out_of_fold(unseen: Sequence[Judged], threshold: float) -> dict[str, float]:
    """Over the training patients, each by the two members grown without them; the threshold of the utility is the best over all, which flatters it a little."""
    found = {
        "auroc": figures.hourly(figures.auroc),
        "auprc": figures.hourly(figures.average_precision),
        "utility": figures.utility_at(threshold),
    }
    return {name: round(figure(unseen), 4) for name, figure in found.items()}


def _config(seed: int) -> dict[str, Any]:
    return {"parameters": PARAMETERS, "rounds": ROUNDS, "folds": FOLDS, "aims": AIMS, "share": SHARE, "seed": seed, "budget": BUDGET}


def _version(model: Path) -> str:
    """The feature list and the model's own content: the same training gives the same version, another model never does."""
    return f"{VERSION}-{blake2b(model.read_bytes(), digest_size=4).hexdigest()}"


def _judged(trained: Trained, patient: Walked) -> Judged:
    return Judged(patient.labels.astype(np.float64), trained.probabilities(patient.matrix))


def _news2(patient: Walked) -> Judged:
    return Judged(patient.labels.astype(np.float64), patient.news2_at_least.astype(np.float64))


def _parity(trained: Trained, session: onnxruntime.InferenceSession, patients: Sequence[Walked]) -> float:
    matrix = np.concatenate([patient.matrix for patient in patients])
    [answers] = session.run(["probability"], {"features": matrix})
    return float(np.abs(answers[:, 0] - trained.probabilities(matrix)).max())


def _metrics(trained: Trained, holdout: Sequence[Walked], threshold: float, best_utility: float, seed: int) -> dict[str, Any]:
    model = [_judged(trained, patient) for patient in holdout]
    news2 = [_news2(patient) for patient in holdout]
    alerts = figures.alerts_at(model, threshold)
    same_budget = figures.threshold_for(news2, alerts["alerts_per_35_patient_days"] or 0.0)
    labels, scores = np.concatenate([one.labels for one in model]), np.concatenate([one.scores for one in model])
    return {
        "model": _ranks(model, seed)
        | {
            "utility": figures.interval(model, figures.utility_at(best_utility), seed),
            "calibration": figures.calibration(labels, scores),
            "alerts_at_budget": alerts,
        },
        "news2": _ranks(news2, seed)
        | {
            "utility_at_5": figures.interval(news2, figures.utility_at(5.0), seed),
            "alerts_at_budget": figures.alerts_at(news2, same_budget),
        },
    }


def _side_by_side(trained: Trained, unseen: Sequence[Judged], news2: Sequence[Judged], holdout: Sequence[Walked]) -> dict[str, Any]:
    """NEWS2 at its own thresholds, and the model where it raised as many first alerts on the training patients; both on the hold-out."""
    found = {}
    for points in (5.0, 7.0):
        rate = figures.alerts_at(news2, points)["alerts_per_35_patient_days"] or 0.0
        threshold = figures.threshold_for(unseen, rate)
        found[f"{points:.0f}"] = {
            "news2": figures.alerts_at([_news2(patient) for patient in holdout], points),
            "model": figures.alerts_at([_judged(trained, patient) for patient in holdout], threshold),
        }
    return found


def _ranks(patients: Sequence[Judged], seed: int) -> dict[str, Any]:
    return {
        "auroc": figures.interval(patients, figures.hourly(figures.auroc), seed),
        "auprc": figures.interval(patients, figures.hourly(figures.average_precision), seed),
    }


def _counts(groups: Mapping[str, Sequence[Walked]]) -> dict[str, Any]:
    return {name: {"patients": len(group), "septic": int(sum(p.labels.max(initial=0) for p in group))} for name, group in groups.items()}
