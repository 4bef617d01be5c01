"""How well a score ranks: areas under the ROC and the precision-recall curve on every draw of patients at once, and the curves themselves."""

from typing import Final

import numpy as np

from scoring.evaluate.bootstrap import Draws, ratio
from scoring.evaluate.rows import Floats, Ints, Rows, summed

POINTS: Final = 200
"""Points of a curve that is drawn: more than a screen shows."""
FEW: Final = 64
"""Distinct values of a score up to which the draws are counted by value and not by row: published scores have at most 21."""


def areas(rows: Rows, score: str, draws: Draws) -> tuple[Floats, Floats]:
    """AUROC and average precision of the judged rows, each (1 + B,); nan where only one label is there.

    Ties count half in the one, and in the other are one threshold. Each patient's rows count as often as the patient was drawn.
    """
    patient, label, last = _ranked(rows, score)
    if not len(patient):
        return np.full(draws.size, np.nan), np.full(draws.size, np.nan)
    if len(last) <= FEW:
        return _by_value(rows.patients, patient, label, last, draws)
    return _by_row(patient, label, last, draws)


def _by_row(patient: Ints, label: Floats, last: Ints, draws: Draws) -> tuple[Floats, Floats]:
    """Draw by draw over all rows; only the scores that a positive row has need their sums looked up."""
    positive = np.flatnonzero(label > 0)
    group, first = np.unique(np.searchsorted(last, positive), return_index=True)
    upto, before = last[group] + 1, np.append(0, last)[group]
    areas = np.full((2, draws.size), np.nan)
    if len(group):
        cumulated = np.zeros(len(patient) + 1)
        for number, times in enumerate(draws.times):
            np.cumsum(times[patient], out=cumulated[1:])
            found = np.add.reduceat(times[patient[positive]], first)
            starts = np.where(group > 0, cumulated[before + (group > 0)], 0.0)
            total = np.array([cumulated[-1]])
            areas[:, number] = np.concatenate(_areas(starts[None, :], cumulated[upto][None, :], found[None, :], total))
    return areas[0], areas[1]


def _by_value(patients: int, patient: Ints, label: Floats, last: Ints, draws: Draws) -> tuple[Floats, Floats]:
    """All draws at once for a score of few values: patients' rows are counted by value first."""
    width = len(last)
    cells = patient * width + np.searchsorted(last, np.arange(len(patient)))
    every, hits = (summed(cells, one, patients * width).reshape(patients, width) for one in (np.ones_like(label), label))
    ends = np.cumsum(draws.sums(every), axis=1)
    starts = np.concatenate([np.zeros((draws.size, 1)), ends[:, :-1]], axis=1)
    return _areas(starts, ends, draws.sums(hits), ends[:, -1])


def _areas(starts: Floats, ends: Floats, found: Floats, total: Floats) -> tuple[Floats, Floats]:
    """(D,) each. Of each score (D, G), the highest first: the weight of all rows above it, down to it, and of the positive rows at it; total: (D,)."""
    hits = np.cumsum(found, axis=1)
    positives = hits[:, -1]
    negatives = total - positives
    false_above, false_here = starts - (hits - found), ends - starts - found
    below = negatives[:, None] - false_above - false_here / 2.0
    precision = np.divide(hits, ends, out=np.zeros_like(hits), where=ends > 0)
    return ratio((found * below).sum(axis=1), positives * negatives), ratio((found * precision).sum(axis=1), positives)


def _ranked(rows: Rows, score: str) -> tuple[Ints, Floats, Ints]:
    """Patients and labels of the judged rows, the highest score first, and the last row of each distinct score."""
    chosen = np.flatnonzero(rows.judged)
    values = rows.ranking(score)[chosen]
    order = np.argsort(-values, kind="stable")
    ranked = chosen[order]
    values = values[order]
    last = np.flatnonzero(np.append(values[1:] != values[:-1], True)) if len(values) else np.empty(0, np.int64)
    return rows.patient[ranked], rows.label[ranked], last


def curves(rows: Rows, score: str) -> dict[str, list[list[float]]]:
    """`roc`: [false positive rate, sensitivity] and `pr`: [recall, precision], at most POINTS each, from the strictest threshold on."""
    _, label, last = _ranked(rows, score)
    hits, every = np.cumsum(label)[last], last + 1.0
    positives, negatives = label.sum(), len(label) - label.sum()
    if not positives or not negatives:
        return {"roc": [], "pr": []}
    recall, false = hits / positives, (every - hits) / negatives
    roc = np.stack([np.append(0.0, false), np.append(0.0, recall)], axis=1)
    return {"roc": _thinned(roc), "pr": _thinned(np.stack([recall, hits / every], axis=1))}


def _thinned(points: Floats) -> list[list[float]]:
    """Evenly along the curve, the ends kept."""
    if len(points) > POINTS:
        steps = np.abs(np.diff(points, axis=0)).sum(axis=1)
        along = np.append(0.0, np.cumsum(steps))
        points = points[np.unique(np.searchsorted(along, np.linspace(0.0, along[-1], POINTS), side="left").clip(0, len(points) - 1))]
    return [[round(float(x), 4), round(float(y), 4)] for x, y in points]
