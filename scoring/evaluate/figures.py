"""Honest figures of one score over patients: discrimination, calibration, utility and alarms, each with an interval by patient."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scoring.evaluate.bootstrap import draws, told
from scoring.evaluate.utility import best, gains

Floats = npt.NDArray[np.float64]
Figures = dict[str, float | None]
"""None where a cohort is too small or too plain for the figure."""

RESAMPLES = 300


@dataclass(frozen=True, slots=True)
class Judged:
    """One patient's hours: labels (T,) of 0 and 1, and the score (T,), nan where it is silent."""

    labels: Floats
    scores: Floats


def auroc(labels: Floats, scores: Floats) -> float:
    """Area under the ROC curve by ranks (ties count half); nan with one class only.

    >>> auroc(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    positive = labels > 0
    count = int(positive.sum())
    if count in (0, len(labels)):
        return float("nan")
    _, inverse, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2.0)[inverse]
    return float((ranks[positive].sum() - count * (count + 1) / 2.0) / (count * (len(labels) - count)))


def average_precision(labels: Floats, scores: Floats) -> float:
    """Area under precision and recall, as the mean precision at each new threshold; nan without positives.

    >>> round(average_precision(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8])), 4)
    0.8333
    """
    if not labels.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ranked, sorted_scores = labels[order], scores[order]
    last = np.append(np.flatnonzero(np.diff(sorted_scores)), len(ranked) - 1)
    hits = np.cumsum(ranked)[last]
    precision, recall = hits / (last + 1), hits / labels.sum()
    return float((np.diff(np.concatenate([[0.0], recall])) * precision).sum())


def interval(patients: Sequence[Judged], figure: Callable[[Sequence[Judged]], float], seed: int, resamples: int = RESAMPLES) -> Figures:
    """A figure with its 95 % bootstrap interval; whole patients are drawn, because a patient's hours are not independent."""
    times = draws(len(patients), seed, resamples).times.astype(np.int64)
    places = np.arange(len(patients))
    return told(np.array([figure([patients[place] for place in np.repeat(places, row).tolist()]) for row in times]))


def _rounded(value: float, digits: int = 4) -> float | None:
    return round(value, digits) if np.isfinite(value) else None


def hourly(figure: Callable[[Floats, Floats], float]) -> Callable[[Sequence[Judged]], float]:
    """A figure over all hours; a silent hour ranks below every spoken one."""

    def over(patients: Sequence[Judged]) -> float:
        labels = np.concatenate([patient.labels for patient in patients])
        scores = np.concatenate([np.nan_to_num(patient.scores, nan=-1.0) for patient in patients])
        return figure(labels, scores)

    return over


def utility_at(threshold: float) -> Callable[[Sequence[Judged]], float]:
    """The challenge's normalised utility of alarming wherever the score reaches the threshold."""
    known: dict[int, tuple[float, float, float]] = {}

    def one(patient: Judged) -> tuple[float, float, float]:
        if id(patient) not in known:
            alarm, silence = gains(patient.labels.tolist(), len(patient.labels))
            alarms = np.nan_to_num(patient.scores, nan=-1.0) >= threshold
            known[id(patient)] = (float(np.where(alarms, alarm, silence).sum()), float(silence.sum()), best(patient.labels.tolist()))
        return known[id(patient)]

    def over(patients: Sequence[Judged]) -> float:
        observed, silent, highest = (sum(parts) for parts in zip(*(one(patient) for patient in patients), strict=True))
        return (observed - silent) / (highest - silent) if highest > silent else 0.0

    return over


def most_useful_threshold(patients: Sequence[Judged]) -> float:
    """The threshold of the highest utility on these patients; inf where silence is best. Silent hours alarm at none."""
    worth = np.concatenate([np.subtract(*gains(patient.labels.tolist(), len(patient.labels))) for patient in patients])
    scores = np.concatenate([np.nan_to_num(patient.scores, nan=-np.inf) for patient in patients])
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)  # ties are never split
    earned = np.where(np.isfinite(ranked[last]), np.cumsum(worth[order])[last], -np.inf)
    top = int(np.argmax(earned))
    return float(ranked[last][top]) if earned[top] > 0 else float("inf")


def alerts_at(patients: Sequence[Judged], threshold: float) -> Figures:
    """One alert a patient, at the first hour that reaches the threshold: how many a patient-day, how many right, how many events met, how early.

    An alert is right where the patient becomes septic within 48 h of it (or is labelled already); lead is from the alert to onset (label + 6 h).
    """
    days = sum(len(patient.labels) for patient in patients) / 24.0
    alerted = right = events = met = 0
    leads = []
    for patient in patients:
        hours = np.flatnonzero(np.nan_to_num(patient.scores, nan=-1.0) >= threshold)
        onset = int(np.argmax(patient.labels > 0)) + 6 if patient.labels.any() else None
        events += onset is not None
        if len(hours) == 0:
            continue
        alerted += 1
        lead = None if onset is None else onset - int(hours[0])
        right += lead is not None and lead <= 48
        if lead is not None and lead >= 0:
            met += 1
            leads.append(lead)
    return {
        "threshold": _rounded(threshold, 6),
        "alerts_per_35_patient_days": round(35 * alerted / days, 3),
        "ppv": round(right / alerted, 4) if alerted else None,
        "sensitivity_per_event": round(met / events, 4) if events else None,
        "median_lead_h": float(np.median(leads)) if leads else None,
    }


def calibration(labels: Floats, scores: Floats) -> Figures:
    """Brier score, calibration slope and intercept of the logit (1 and 0 are perfect), and the mean of both sides.

    Slope and intercept are None where the scores part the labels perfectly, and no line fits best. Source: Cox, Biometrika 1958;45:562.
    """
    logit = np.log(np.clip(scores, 1e-6, 1 - 1e-6) / np.clip(1 - scores, 1e-6, 1))
    line = logistic_line(logit, labels)
    return {
        "brier": round(float(((scores - labels) ** 2).mean()), 6),
        "slope": None if line is None else round(line[0], 4),
        "intercept": None if line is None else round(line[1], 4),
        "observed": round(float(labels.mean()), 5),
        "predicted": round(float(scores.mean()), 5),
    }


STEPS = 50
STEEPEST = 100.0
"""A slope of the logit beyond this is no slope: the labels are parted perfectly and Newton's method runs away."""


def logistic_line(x: Floats, target: Floats) -> tuple[float, float] | None:
    """Slope and shift of the sigmoid that fits `target` (0 to 1) best over x, by Newton's method; None where there is none."""
    design = np.stack([x, np.ones_like(x)], axis=1)
    weights = np.array([1.0, 0.0])
    for _ in range(STEPS):
        fitted = 0.5 * (1.0 + np.tanh(0.5 * (design @ weights)))
        hessian = design.T @ (design * (fitted * (1 - fitted))[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, design.T @ (target - fitted))
        weights = weights + step
        if np.abs(weights).max() > STEEPEST:
            return None
        if np.abs(step).max() < 1e-9:
            break
    return float(weights[0]), float(weights[1])


def threshold_for(patients: Sequence[Judged], alerts_per_35_patient_days: float) -> float:
    """The lowest threshold that keeps within the budget of first alerts; ties are never split, inf where nothing keeps within it."""
    days = sum(len(patient.labels) for patient in patients) / 24.0
    allowed = int(alerts_per_35_patient_days * days / 35.0)
    highest = sorted((float(np.nanmax(patient.scores)) for patient in patients if not np.isnan(patient.scores).all()), reverse=True)
    over = highest[allowed] if allowed < len(highest) else -float("inf")
    return min((one for one in highest[:allowed] if one > over), default=float("inf"))
