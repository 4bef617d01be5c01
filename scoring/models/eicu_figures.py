"""Two scores on the same rows: discrimination, and events met at equal alerts, with the interval of their difference over resampled persons. Pure.

An alert is raised where a score reaches its threshold and none that still speaks was raised before; it is right where the row's label is 1. An event
is an unbroken run of labelled rows, met where an alert falls into it. Rows where nobody is at risk count for nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

RESAMPLES: Final = 500
BEDS: Final = 35
CANDIDATES: Final = 150
"""Thresholds tried of a score with many values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One stay's rows at risk. `person`: a number; stays of one person are drawn together. `hours` (T,): whole hours, in order; scores nan where silent."""

    person: int
    hours: Counts
    labels: Floats
    model: Floats
    reference: Floats


@dataclass(frozen=True, slots=True)
class Alerting:
    """What a score does at each of K thresholds, by person: alerts raised (P, K), right ones (P, K), events met (P, K)."""

    thresholds: Floats
    raised: Counts
    right: Counts
    met: Counts


def drawn(persons: int, seed: int, resamples: int = RESAMPLES) -> Counts:
    """How often each person is drawn in each resample: (B, P). The first row is everybody once: the figure itself."""
    random = np.random.default_rng(seed)
    chosen = random.integers(0, persons, (resamples, persons))
    return np.stack([np.ones(persons, np.int64), *(np.bincount(row, minlength=persons) for row in chosen)])


def discrimination(stays: Sequence[Stay], draws: Counts) -> Mapping[str, Mapping[str, float]]:
    """AUROC and AUPRC of both scores, and their difference, each with its 95 % interval. A silent hour ranks below every spoken one."""
    labels = np.concatenate([one.labels for one in stays])
    person = np.concatenate([np.full(len(one.hours), one.person) for one in stays])
    found = {}
    by_score = {
        "model": _ranked(labels, np.concatenate([one.model for one in stays]), person, draws),
        "news2": _ranked(labels, np.concatenate([one.reference for one in stays]), person, draws),
    }
    for place, name in enumerate(("auroc", "auprc")):
        model, news2 = by_score["model"][:, place], by_score["news2"][:, place]
        found[name] = interval("model", model) | interval("news2", news2) | interval("difference", model - news2)
    return found


def interval(name: str, values: Floats) -> dict[str, float]:
    """The first value with the 2.5th and 97.5th percentile of the others."""
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return {name: round(float(values[0]), 4), f"{name}_low": round(float(low), 4), f"{name}_high": round(float(high), 4)}


def _ranked(labels: Floats, scores: Floats, person: Counts, draws: Counts) -> Floats:
    """(B, 2): AUROC and average precision in each resample, by counting positives and negatives at each distinct score."""
    values, place = np.unique(np.nan_to_num(scores, nan=-1.0), return_inverse=True)
    found = np.empty((len(draws), 2))
    for number, weights in enumerate(draws):
        weight = weights[person].astype(np.float64)
        positive = np.bincount(place, weight * labels, len(values))[::-1].astype(np.float64)
        negative = np.bincount(place, weight * (1.0 - labels), len(values))[::-1].astype(np.float64)
        found[number] = area(positive, negative), precision(positive, negative)
    return found


def area(positive: Floats, negative: Floats) -> float:
    """AUROC from the numbers at each score, highest first; ties count half; nan with one class only.

    >>> area(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.0, 1.0, 0.0, 1.0]))
    0.75
    """
    pairs = positive.sum() * negative.sum()
    below = negative.sum() - np.cumsum(negative)
    return float((positive * (below + negative / 2.0)).sum() / pairs) if pairs else float("nan")


def precision(positive: Floats, negative: Floats) -> float:
    """Average precision from the numbers at each score, highest first; nan without positives.

    >>> round(precision(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.0, 1.0, 0.0, 1.0])), 4)
    0.8333
    """
    hits, all_ = np.cumsum(positive), np.cumsum(positive + negative)
    total = positive.sum()
    return float((positive * np.divide(hits, all_, out=np.zeros_like(hits), where=all_ > 0)).sum() / total) if total else float("nan")


def raised_at(hours: Counts, scores: Floats, threshold: float, quiet_h: float) -> Counts:
    """The places where an alert is raised; after it comes none for `quiet_h` hours.

    >>> raised_at(np.arange(1, 31), np.where(np.arange(30) < 20, 5.0, 0.0), 5.0, 12).tolist()
    [0, 12]
    """
    places = np.flatnonzero(scores >= threshold)
    at = hours[places]
    found, following = [], 0
    while following < len(places):
        found.append(int(places[following]))
        following = int(np.searchsorted(at, at[following] + quiet_h))
    return np.array(found, np.int64)


def runs(hours: Counts, labels: Floats) -> Counts:
    """The number of the run of positive rows each row is in, -1 for none: (T,). A gap in the hours ends a run.

    >>> runs(np.array([1, 2, 3, 4, 6]), np.array([0.0, 1.0, 1.0, 0.0, 1.0])).tolist()
    [-1, 0, 0, -1, 1]
    """
    positive = labels > 0
    begins = positive & ~np.concatenate([[False], positive[:-1] & (np.diff(hours) == 1)])
    return np.where(positive, np.cumsum(begins) - 1, -1)


def alerting(stays: Sequence[Stay], scores: Sequence[Floats], thresholds: Floats, persons: int, quiet_h: float) -> Alerting:
    """What a score does at each threshold. `scores`: one array a stay."""
    raised, right, met = (np.zeros((persons, len(thresholds)), np.int64) for _ in range(3))
    for stay, score in zip(stays, scores, strict=True):
        filled, run = np.nan_to_num(score, nan=-np.inf), runs(stay.hours, stay.labels)
        highest = filled.max(initial=-np.inf)
        for place, threshold in enumerate(thresholds):
            if threshold > highest:
                break
            at = raised_at(stay.hours, filled, float(threshold), quiet_h)
            hit = run[at]
            raised[stay.person, place] += len(at)
            right[stay.person, place] += int((hit >= 0).sum())
            met[stay.person, place] += len(set(hit[hit >= 0].tolist()))
    return Alerting(thresholds=thresholds, raised=raised, right=right, met=met)


def ascending(scores: Sequence[Floats]) -> Floats:
    """Thresholds to try: every value of a score of few, else quantiles that lie closer where alerts are rare."""
    known = np.concatenate(scores)
    known = known[~np.isnan(known)]
    values = np.unique(known)
    if len(values) <= CANDIDATES:
        return values
    return np.unique(np.quantile(known, 1.0 - np.geomspace(1e-4, 0.9, CANDIDATES)))


def at_equal_alerts(stays: Sequence[Stay], draws: Counts, points: Sequence[float], quiet_h: float) -> Mapping[str, Mapping[str, float]]:
    """For each threshold of NEWS2: events met by it and by the model where that raises no more alerts, in each resample anew.

    The thresholds for equality are read off the very rows judged, as on a ROC curve: they equate the burden and choose nothing of the model.
    """
    persons = draws.shape[1]
    events, hours = (np.zeros(persons, np.int64) for _ in range(2))
    for one in stays:
        events[one.person] += int(runs(one.hours, one.labels).max(initial=-1)) + 1
        hours[one.person] += len(one.hours)
    scores = [one.model for one in stays]
    model = alerting(stays, scores, ascending(scores), persons, quiet_h)
    news2 = alerting(stays, [one.reference for one in stays], np.array(sorted(points)), persons, quiet_h)
    found = {}
    raised, met, right = draws @ model.raised, draws @ model.met, draws @ model.right
    for place, threshold in enumerate(news2.thresholds):
        budget = draws @ news2.raised[:, place]
        chosen = np.array([lowest_within(row, int(most)) for row, most in zip(raised, budget, strict=True)])
        each = np.arange(len(draws))
        total = draws @ events
        mine, theirs = met[each, chosen] / total, (draws @ news2.met[:, place]) / total
        found[f"{threshold:g}"] = {
            "events": int(total[0]),
            "alerts_per_35_patient_days": round(float(budget[0] * BEDS * 24.0 / hours.sum()), 3),
            "model_alerts_per_35_patient_days": round(float(raised[0, chosen[0]] * BEDS * 24.0 / hours.sum()), 3),
            "model_ppv": round(float(right[0, chosen[0]] / max(1, raised[0, chosen[0]])), 4),
            "news2_ppv": round(float(news2.right[:, place].sum() / max(1, news2.raised[:, place].sum())), 4),
            **interval("model", mine), **interval("news2", theirs), **interval("difference", mine - theirs),
        }  # fmt: skip
    return found


def lowest_within(raised: Counts, most: int) -> int:
    """The place of the lowest threshold from which on upwards no more alerts are raised than that.

    >>> lowest_within(np.array([9, 5, 6, 3, 1]), 5)
    3
    """
    over = np.flatnonzero(raised > most)
    return min(int(over[-1]) + 1 if len(over) else 0, len(raised) - 1)
