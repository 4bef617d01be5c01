"""The task `sepsis2019`: a prediction for every hour of every patient file, each from that hour and those before it alone."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scoring.evaluate import figures
from scoring.evaluate.figures import Judged
from scoring.models.metadata import Metadata
from scoring.models.walk import Walked, walk_all

WARNING = "Over patients that the model was trained on these figures are too good; those over patients nobody trained on stand in the model's card."

Predict = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]


def evaluate(
    files: Iterable[tuple[str, str]], predict: Predict, metadata: Metadata, out: Path, on_patient: Callable[[int], None]
) -> dict[str, Any]:
    """Writes `<patient>.psv` for each file and returns the report; figures only where the files carry labels."""
    model: list[Judged] = []
    news2: list[Judged] = []
    patients = hours = 0
    for patient in walk_all(files):
        scores = predict(patient.matrix).astype(np.float64) if len(patient.matrix) else np.empty(0)
        _write(out / f"{patient.patient_id}.psv", scores, metadata.utility_threshold)
        patients, hours = patients + 1, hours + len(scores)
        on_patient(patients)
        if len(patient.labels) and not np.isnan(patient.labels).any():
            model.append(Judged(patient.labels.astype(np.float64), scores))
            news2.append(_news2(patient))
    report: dict[str, Any] = {
        "task": "sepsis2019",
        "model": metadata.name,
        "version": metadata.version,
        "patients": patients,
        "hours": hours,
    }
    if model and any(one.labels.any() for one in model):
        report |= {"warning": WARNING, "figures": {"model": _figures(model, metadata), "news2": _figures_news2(news2)}}
    return report


def _write(path: Path, scores: npt.NDArray[np.float64], threshold: float) -> None:
    rows = (f"{score:.6f}|{int(score >= threshold)}" for score in scores)
    path.write_text("\n".join(["PredictedProbability|PredictedLabel", *rows]) + "\n")


def _news2(patient: Walked) -> Judged:
    return Judged(patient.labels.astype(np.float64), patient.news2_at_least.astype(np.float64))


def _figures(model: list[Judged], metadata: Metadata) -> Mapping[str, Any]:
    labels, scores = np.concatenate([one.labels for one in model]), np.concatenate([one.scores for one in model])
    return {
        "auroc": figures.interval(model, figures.hourly(figures.auroc), metadata.seed),
        "auprc": figures.interval(model, figures.hourly(figures.average_precision), metadata.seed),
        "utility": figures.interval(model, figures.utility_at(metadata.utility_threshold), metadata.seed),
        "calibration": figures.calibration(labels, scores),
        "alerts": figures.alerts_at(model, metadata.threshold),
    }


def _figures_news2(news2: list[Judged]) -> Mapping[str, Any]:
    return {
        "auroc": figures.interval(news2, figures.hourly(figures.auroc), 1),
        "auprc": figures.interval(news2, figures.hourly(figures.average_precision), 1),
        "utility": figures.interval(news2, figures.utility_at(5.0), 1),
        "alerts": figures.alerts_at(news2, 5.0),
    }
