"""What alerts do: how many events they meet and how early, how many of them are right, and how many a ward has to bear."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from scoring.evaluate.bootstrap import Draws, ratio, told
from scoring.evaluate.manner import Manner
from scoring.evaluate.rows import Bools, Floats, Ints, Rows, summed

BEDS: Final = 35.0
"""Beds of the ward that a budget of alerts is told for."""
HOURS_OF_LEAD: Final = 49
"""Whole hours of lead that are counted, the last of them with all beyond."""


def alerts_of(rows: Rows, score: str, threshold: float, manner: Manner | None = None) -> Ints:
    """(A,) the rows of the alerts, raised in that manner (None: the rows' own).

    The same rule for every score, whatever its scale. A score that says nothing is not below: it neither raises nor ends an alert.
    """
    manner = manner or rows.manner
    if manner.silence_h is None:
        return _after_quiet(rows, score, threshold, manner.quiet_h)
    return _after_silence(rows, np.flatnonzero(rows.scores[score] >= threshold), manner.silence_h)


def _after_silence(rows: Rows, hits: Ints, silence_h: float) -> Ints:
    """Of the rows that reach the threshold the first of each patient, and then the first that lies `silence_h` or more after the last alert."""
    if not len(hits):
        return hits
    patient, hour = rows.patient[hits], rows.hour[hits]
    stretch = float(hour.max() - hour.min()) + 1.0
    along = patient * 2.0 * stretch + (hour - hour.min())  # one line of time, on which no silence reaches into the next patient
    following = np.searchsorted(along, along + min(silence_h, stretch))
    found, place = [], 0
    while place < len(hits):
        found.append(place)
        place = int(following[place])
    return hits[found]


def _after_quiet(rows: Rows, score: str, threshold: float, quiet_h: float) -> Ints:
    spoken = np.flatnonzero(~np.isnan(rows.scores[score]))
    patient, hour = rows.patient[spoken], rows.hour[spoken]
    hits = np.flatnonzero(rows.scores[score][spoken] >= threshold)
    if not len(hits):
        return np.empty(0, np.int64)
    same = np.append(False, patient[hits][1:] == patient[hits][:-1])
    before = np.append(hits[0], hits[:-1])
    low_h = np.where(hits - before > 1, hour[hits - 1] - hour[np.minimum(before + 1, len(hour) - 1)], -1.0)
    return spoken[hits[~same | (low_h >= quiet_h)]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The figures of a set of alerts over all draws, (1 + B,) each, and the hours of lead of the events met, (E,), with their patients (E,)."""

    per_patient_day: Floats
    ppv: Floats
    sensitivity: Floats
    lead_h: Floats
    lead_patient: Ints
    alerts: int
    after_onset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a cohort: alerts in its rows (N,), the events of its patients (P,) and the hours it was under watch (P,)."""

    rows: Bools
    events: Bools
    watched_h: Floats


def everybody(rows: Rows) -> Part:
    """The whole cohort."""
    return Part(rows=np.ones(len(rows.patient), np.bool_), events=np.ones(rows.patients, np.bool_), watched_h=rows.watched_h)


def outcome(rows: Rows, alerts: Ints, draws: Draws, horizon_h: float | None = None, part: Part | None = None) -> Outcome:
    """An event is met by an alert at or before its onset and within the horizon (None: the rows' own); that alert is right.

    PPV is over the alerts of which it can be told: one after the onset says what is known, and one in a row without a label what nobody can judge.
    Both are counted all the same in what the ward bears.
    """
    part = part or everybody(rows)
    horizon_h = rows.manner.horizon_h if horizon_h is None else horizon_h
    patient = rows.patient[alerts]
    lead = rows.onset[patient] - rows.hour[alerts]
    right, late, here = (lead >= 0) & (lead <= horizon_h), lead < 0, part.rows[alerts]
    told = right | (~late & rows.judged[alerts])

    def by_patient(mask: Bools) -> Floats:
        return summed(patient, mask.astype(np.float64), rows.patients)

    best = np.full(rows.patients, np.nan)
    np.fmax.at(best, patient[right], lead[right])
    events = part.events & ~np.isnan(rows.onset)
    met = events & ~np.isnan(best)
    columns = (by_patient(here), by_patient(here & right), by_patient(here & told), met, events, part.watched_h)
    every, hits, before, found, expected, watched = draws.sums(np.stack(columns, axis=1)).T
    return Outcome(
        per_patient_day=ratio(every * 24.0, watched),
        ppv=ratio(hits, before),
        sensitivity=ratio(found, expected),
        lead_h=best[met],
        lead_patient=np.flatnonzero(met),
        alerts=int(here.sum()),
        after_onset=int((here & late).sum()),
    )


def described(found: Outcome, draws: Draws) -> dict[str, Any]:
    """As it stands in the report."""
    return {
        "alerts": found.alerts,
        "after_onset": found.after_onset,
        "events_met": len(found.lead_h),
        "per_100_patient_days": told(found.per_patient_day * 100.0, 2),
        "a_day_per_35_beds": told(found.per_patient_day * BEDS, 3),
        "ppv": told(found.ppv),
        "sensitivity_per_event": told(found.sensitivity),
        "lead_h": _lead(found, draws),
    }


def _lead(found: Outcome, draws: Draws) -> dict[str, Any]:
    """Quartiles of the lead over the events met, the earliest alert of each, with their intervals, and how many there are at each whole hour."""
    times = draws.times[:, found.lead_patient]
    order = np.argsort(found.lead_h, kind="stable")
    weight = np.cumsum(times[:, order], axis=1)
    lead = found.lead_h[order]
    quartiles = {name: _quantile(lead, weight, share) for name, share in (("q1", 0.25), ("median", 0.5), ("q3", 0.75))}
    histogram = (
        np.bincount(np.floor(found.lead_h).astype(np.int64), minlength=HOURS_OF_LEAD)[:HOURS_OF_LEAD]
        if len(lead)
        else np.zeros(0, np.int64)
    )
    return {name: told(one, 1) for name, one in quartiles.items()} | {"by_hour": histogram.tolist()}


def _quantile(values: Floats, cumulated: Floats, share: float) -> Floats:
    """The weighted quantile on each draw: the mean of the two values that halve it where it falls between them."""
    if not len(values):
        return np.full(len(cumulated), np.nan)
    goal = share * cumulated[:, -1]
    upper = np.array([np.searchsorted(row, one, side="right") for row, one in zip(cumulated, goal, strict=True)]).clip(0, len(values) - 1)
    lower = np.array([np.searchsorted(row, one, side="left") for row, one in zip(cumulated, goal, strict=True)]).clip(0, len(values) - 1)
    return np.where(cumulated[:, -1] > 0, (values[lower] + values[upper]) / 2.0, np.nan)


def threshold_within(rows: Rows, score: str, per_patient_day: float, manner: Manner | None = None) -> float:
    """The lowest threshold, to halving, that keeps within the budget of alerts; inf where none does. Ties are never split."""
    allowed = per_patient_day * rows.watched_h.sum() / 24.0
    values = np.unique(rows.scores[score][~np.isnan(rows.scores[score])])
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        if len(alerts_of(rows, score, float(values[middle]), manner)) <= allowed:
            high = middle
        else:
            low = middle + 1
    return float(values[low]) if low < len(values) else float("inf")
