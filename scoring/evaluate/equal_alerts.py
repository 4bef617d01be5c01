"""Events met by two scores at equal alerts, equal on every draw of patients anew, and however many events a stay has. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from scoring.evaluate.alerting import BEDS, alerts_of
from scoring.evaluate.bootstrap import Draws, difference, ratio, told
from scoring.evaluate.rows import Floats, Ints, Rows, summed

CANDIDATES: Final = 500
"""Thresholds tried of a score with many values."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a score does at each of K thresholds, by patient (P, K): alerts raised, those in a row labelled 1, events that have such an alert."""

    raised: Floats
    right: Floats
    met: Floats


def windows(rows: Rows) -> Ints:
    """(N,) the number of the event in whose window each row lies, -1 for none: an unbroken run of a patient's rows labelled 1. A gap in the hours ends it."""
    positive = rows.label > 0
    goes_on = np.append(False, positive[:-1] & (np.diff(rows.hour) <= 1.0) & (np.diff(rows.patient) == 0))
    return np.where(positive, np.cumsum(positive & ~goes_on) - 1, -1)


def counted(rows: Rows, score: str, thresholds: Floats, window: Ints) -> Counted:
    """Alerts in the rows' own manner."""
    columns = []
    for threshold in thresholds:
        alerts = alerts_of(rows, score, float(threshold))
        patient, hit = rows.patient[alerts], window[alerts]
        first = np.unique(hit, return_index=True)[1]
        met = np.zeros(len(alerts))
        met[first] = 1.0
        right = (hit >= 0).astype(np.float64)
        columns.append([summed(patient, one, rows.patients) for one in (np.ones(len(alerts)), right, met * right)])
    return Counted(*(np.stack([column[kind] for column in columns], axis=1) for kind in range(3)))


def thresholds_of(rows: Rows, score: str) -> Floats:
    """Ascending: every value of a score of few, else quantiles that lie closer where alerts are rare."""
    known = rows.scores[score][~np.isnan(rows.scores[score])]
    values = np.unique(known)
    return values if len(values) <= CANDIDATES else np.unique(np.quantile(known, 1.0 - np.geomspace(1e-4, 0.9, CANDIDATES)))


def at_equal_alerts(rows: Rows, model: str, other: str, cuts: Sequence[float], draws: Draws) -> dict[str, Any]:
    """By each cut of the other score: events met by it, and by the model at its lowest threshold that raises no more alerts, found on each draw anew.

    The thresholds for equality are read off the very rows judged, as on a ROC curve: they equate the burden and choose nothing of the model.
    """
    window = windows(rows)
    first = np.unique(window, return_index=True)[1]
    begins = np.zeros(len(window))
    begins[first] = window[first] >= 0
    events = draws.sums(rows.per_patient(begins))
    days = rows.watched_h.sum() / 24.0
    mine, theirs = counted(rows, model, thresholds_of(rows, model), window), counted(rows, other, np.array(cuts), window)
    raised, right, met = (draws.sums(one) for one in (mine.raised, mine.right, mine.met))
    their_raised, their_right, their_met = (draws.sums(one) for one in (theirs.raised, theirs.right, theirs.met))
    each = np.arange(draws.size)
    found = {}
    for place, cut in enumerate(cuts):
        chosen = np.array([lowest_within(row, most) for row, most in zip(raised, their_raised[:, place], strict=True)])
        sensitivity, their_sensitivity = ratio(met[each, chosen], events), ratio(their_met[:, place], events)
        ppv, their_ppv = ratio(right[each, chosen], raised[each, chosen]), ratio(their_right[:, place], their_raised[:, place])
        found[f"{cut:g}"] = {
            "events": int(events[0]),
            "a_day_per_35_beds": {other: _rate(their_raised[0, place], days), model: _rate(raised[0, chosen[0]], days)},
            "sensitivity_per_event": {model: told(sensitivity), other: told(their_sensitivity)},
            "ppv": {model: told(ppv), other: told(their_ppv)},
            "model_above": {"sensitivity_per_event": difference(sensitivity, their_sensitivity), "ppv": difference(ppv, their_ppv)},
        }
    return found


def _rate(alerts: float, days: float) -> float:
    return round(float(alerts * BEDS / days), 3) if days else 0.0


def lowest_within(raised: Floats, most: float) -> int:
    """The place of the lowest threshold from which on upwards no more alerts are raised than that; the highest where none keeps within it.

    >>> lowest_within(np.array([9.0, 5.0, 6.0, 3.0, 1.0]), 5.0)
    3
    """
    over = np.flatnonzero(raised > most)
    return min(int(over[-1]) + 1 if len(over) else 0, len(raised) - 1)
