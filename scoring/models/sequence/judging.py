"""The sequence model's figures on patients it did not learn from, for the two heads that speak of sepsis."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from scoring.evaluate import figures
from scoring.evaluate.figures import Judged
from scoring.models.sequence.encoding import Encoded
from scoring.models.sequence.packing import Material, Places
from scoring.models.sequence.targets import HORIZONS_H, TASKS
from scoring.models.tasks import SEPSIS

Floats = npt.NDArray[np.float32]

LABELLED_H: Final = 6.0
"""The challenge's labels are the event within six hours."""

WORTH_IT: Final = 0.5
"""Above it the expected gain of an alarm is above 0: fixed by the loss, chosen on no data."""


def sepsis_within_6h(hazards: Floats) -> Floats:
    """(R, tasks·horizons) log odds of hazards → (R,) probabilities."""
    start = TASKS.index(SEPSIS) * len(HORIZONS_H)
    return any_of(hazards[:, start : start + HORIZONS_H.index(LABELLED_H) + 1])


def any_of(hazards: Floats) -> Floats:
    """(R, K) log odds → (R,): the probability that the event comes in any of the intervals, 1 − Π(1 − hazard); nan stays nan.

    >>> any_of(np.array([[0.0, 0.0], [0.0, -50.0]], np.float32)).tolist()
    [0.75, 0.5]
    """
    logs = hazards.astype(np.float64)
    softplus = np.maximum(logs, 0.0) + np.log1p(np.exp(-np.abs(logs)))
    return np.asarray(1.0 - np.exp(-softplus.sum(axis=1)), np.float32)


def worth_of(log_odds: Floats) -> Floats:
    """(R,) log odds → (R,) in 0..1."""
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds.astype(np.float64))), np.float32)


def labels_of(patient: Encoded) -> npt.NDArray[np.float64]:
    """The challenge's labels again: 1 from six hours before onset."""
    return np.asarray(patient.onsets[SEPSIS].event_h - patient.hours <= LABELLED_H, np.float64)


def judged(patients: Sequence[Encoded], held: Material, places: Places, scores: Floats) -> list[Judged]:
    """Those of the patients that have labels for sepsis."""
    found = []
    for place in places:
        if SEPSIS in patients[place].onsets:
            start = held.starts[place]
            found.append(Judged(labels_of(patients[place]), scores[start : start + held.lengths[place]].astype(np.float64)))
    return found


def sepsis_figures(worth: Sequence[Judged], within_6h: Sequence[Judged], threshold_6h: float, seed: int) -> dict[str, Any]:
    """Both heads over the same rows. `threshold_6h`: for the 6 h head, chosen on patients that are not among these."""
    labels, scores = (np.concatenate([getattr(one, name) for one in within_6h]) for name in ("labels", "scores"))
    return {
        "patients": len(worth),
        "septic": int(sum(one.labels.max(initial=0) for one in worth)),
        "worth": _ranks(worth, seed) | {"utility": figures.interval(worth, figures.utility_at(WORTH_IT), seed)},
        "sepsis_6h": _ranks(within_6h, seed)
        | {
            "utility": figures.interval(within_6h, figures.utility_at(threshold_6h), seed),
            "calibration": figures.calibration(labels, scores),
        },
    }


def hazard_figures(held: Material, places: Places, hazards: Floats) -> dict[str, Any]:
    """For each task and horizon over the steps where all its intervals may be judged: AUROC, AUPRC, prevalence, calibration in the large.

    Where stays end before the horizon those with the event are kept more often than those without: beyond 12 h `observed` is above
    the true share, and the ranks flatter. No weights for censoring are applied.
    """
    rows = np.concatenate([np.arange(held.starts[place], held.starts[place] + held.lengths[place]) for place in places])
    found: dict[str, Any] = {}
    for number, task in enumerate(TASKS):
        for end in range(1, len(HORIZONS_H) + 1):
            columns = slice(number * len(HORIZONS_H), number * len(HORIZONS_H) + end)
            came = held.came[rows, columns].max(axis=1)
            known = np.logical_or(came, held.judged[rows, columns].min(axis=1))
            labels = np.asarray(came[known], np.float64)
            risks = any_of(hazards[rows[known], columns]).astype(np.float64)
            if 0.0 < labels.sum() < len(labels):
                found[f"{task}_{HORIZONS_H[end - 1]:g}h"] = {
                    "auroc": round(figures.auroc(labels, risks), 4), "auprc": round(figures.average_precision(labels, risks), 4),
                    "observed": round(float(labels.mean()), 5), "predicted": round(float(risks.mean()), 5), "steps": len(labels),
                }  # fmt: skip
    return found


def _ranks(patients: Sequence[Judged], seed: int) -> dict[str, Any]:
    return {
        "auroc": figures.interval(patients, figures.hourly(figures.auroc), seed),
        "auprc": figures.interval(patients, figures.hourly(figures.average_precision), seed),
    }


def best_threshold(patients: Sequence[Judged]) -> float:
    """The threshold of the highest utility."""
    candidates = np.quantile(np.concatenate([one.scores for one in patients]), np.linspace(0.5, 0.999, 60))
    return float(max(candidates, key=lambda threshold: figures.utility_at(float(threshold))(patients)))
