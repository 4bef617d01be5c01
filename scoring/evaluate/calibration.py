"""Whether a probability means what it says: slope, intercept, curve, Brier score and expected calibration error, each with its interval."""

from typing import Any, Final

import numpy as np

from scoring.evaluate.bootstrap import Draws, ratio, told
from scoring.evaluate.figures import logistic_line
from scoring.evaluate.rows import Floats, Ints, Rows, summed

BINS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1.0)
"""Quantiles of the probability between which rows are pooled: tenths, and finer where the alarms are, because nine rows of ten are far below."""
CLIP: Final = 1e-6
"""A probability of 0 or 1 has no logit."""


def calibration(rows: Rows, score: str, draws: Draws) -> dict[str, Any]:
    """Of the judged rows in which the score spoke.

    `slope`, `intercept`: of the logit (1 and 0 are perfect). Source: Cox, Biometrika 1958;45:562. `in_the_large`: observed over expected events.
    `ece`: the mean distance of the bins' observed and predicted rates, weighted by rows. `scaled_brier`: 1 - Brier / Brier of the prevalence.
    Intervals of slope and intercept are those of the one-step estimate (one Newton step from the cohort's own line on each draw).
    """
    chosen = np.flatnonzero(rows.judged & ~np.isnan(rows.scores[score]))
    patient, label, probability = rows.patient[chosen], rows.label[chosen], rows.scores[score][chosen]
    if not len(chosen):
        return {"rows": 0}

    def total(values: Floats) -> Floats:
        return draws.sums(summed(patient, values, rows.patients))

    number, events, predicted = total(np.ones_like(label)), total(label), total(probability)
    brier = ratio(total((probability - label) ** 2), number)
    prevalence = ratio(events, number)
    slope, intercept = _lines(rows.patients, patient, label, probability, draws)
    curve, ece = _curve(rows.patients, patient, label, probability, draws)
    return {
        "rows": len(chosen),
        "slope": told(slope),
        "intercept": told(intercept),
        "in_the_large": told(ratio(events, predicted)),
        "brier": told(brier, 6),
        "scaled_brier": told(1.0 - ratio(brier, prevalence * (1.0 - prevalence))),
        "ece": told(ece, 6),
        "observed": told(prevalence, 6),
        "predicted": told(ratio(predicted, number), 6),
        "curve": curve,
    }


def _lines(patients: int, patient: Ints, label: Floats, probability: Floats, draws: Draws) -> tuple[Floats, Floats]:
    """Slope and intercept on each draw, (1 + B,) each; nan where no line fits."""
    clipped = np.clip(probability, CLIP, 1.0 - CLIP)
    logit = np.log(clipped / (1.0 - clipped))
    line = logistic_line(logit, label)
    if line is None:
        return np.full(draws.size, np.nan), np.full(draws.size, np.nan)
    fitted = 1.0 / (1.0 + np.exp(-(line[0] * logit + line[1])))
    spread = fitted * (1.0 - fitted)
    columns = (logit * (label - fitted), label - fitted, logit * logit * spread, logit * spread, spread)
    sums = draws.sums(np.stack([summed(patient, one, patients) for one in columns], axis=1))
    gradient_slope, gradient_shift, both, cross, shift = sums.T
    determinant = both * shift - cross * cross
    slope = line[0] + ratio(shift * gradient_slope - cross * gradient_shift, determinant)
    intercept = line[1] + ratio(both * gradient_shift - cross * gradient_slope, determinant)
    slope[0], intercept[0] = line
    return slope, intercept


def _curve(patients: int, patient: Ints, label: Floats, probability: Floats, draws: Draws) -> tuple[list[dict[str, Any]], Floats]:
    """The bins of the cohort with their rates on each draw, and the expected calibration error (1 + B,)."""
    edges = np.unique(np.quantile(probability, BINS))
    bins = np.clip(np.searchsorted(edges, probability, side="right") - 1, 0, max(0, len(edges) - 2))
    width = int(bins.max()) + 1
    cells = patient * width + bins

    def total(values: Floats) -> Floats:
        return draws.sums(summed(cells, values, patients * width).reshape(patients, width))

    number, events, predicted = total(np.ones_like(label)), total(label), total(probability)
    observed, expected = ratio(events, number), ratio(predicted, number)
    ece = ratio(np.nansum(np.abs(observed - expected) * number, axis=1), number.sum(axis=1))
    curve = [
        {"predicted": round(float(expected[0, one]), 6), "observed": told(observed[:, one], 6), "rows": int(number[0, one])}
        for one in range(width)
        if number[0, one]
    ]
    return curve, ece
