"""Whether a score serves everybody: its figures in each subgroup, beside those of all on the same draws of patients."""

from typing import Any, Final

import numpy as np

from scoring.evaluate.alerting import Part, outcome
from scoring.evaluate.bootstrap import Draws, difference, ratio, told
from scoring.evaluate.discrimination import areas
from scoring.evaluate.rows import Bools, Floats, Ints, Rows

UNKNOWN: Final = "not known"
LEAST: Final = 10
"""Patients with the event, and without, below which a subgroup has its numbers told and no figures: an interval of fewer says nothing."""
ENOUGH: Final = 100
"""Patients with the event below which figures are marked as imprecise. Source: Collins et al., Stat Med 2016;35:214 (at least 100 events to validate)."""

AGE_BANDS: Final = ((45.0, "under 45"), (65.0, "45 to 64"), (80.0, "65 to 79"), (float("inf"), "80 and over"))
HOUR_BANDS: Final = ((6.0, "first 6 hours"), (24.0, "hours 7 to 24"), (72.0, "hours 25 to 72"), (float("inf"), "later"))


def age_band(age_years: float | None) -> str:
    """The subgroup of an age; empty where it is not known.

    >>> age_band(44.9), age_band(45), age_band(None)
    ('under 45', '45 to 64', '')
    """
    return "" if age_years is None else next(name for below, name in AGE_BANDS if age_years < below)


def hour_band(hour: float) -> str:
    """The subgroup of an hour in the unit, counted from 1.

    >>> hour_band(6), hour_band(7)
    ('first 6 hours', 'hours 7 to 24')
    """
    return next(name for until, name in HOUR_BANDS if hour <= until)


def subgroups(rows: Rows, model: str, other: str, alerts: Ints, draws: Draws) -> dict[str, list[dict[str, Any]]]:
    """By column of `rows.groups`, each group's figures; a column in which nothing is known has the one group UNKNOWN."""
    everybody = {name: areas(rows, name, draws)[0] for name in (model, other)}
    found: dict[str, list[dict[str, Any]]] = {}
    for column, names in rows.groups.items():
        present = sorted({str(name) for name in np.unique(names)}, key=_order)
        if len(present) == 1:
            found[column] = [_counted(rows, present[0], np.ones(len(names), np.bool_))]
        else:
            found[column] = [_group(rows, name, names == name, model, other, alerts, everybody, draws) for name in present]
    return found


def _order(name: str) -> tuple[int, str]:
    """Bands in their own order, the rest by name, the unknown last."""
    bands = [band for _, band in (*AGE_BANDS, *HOUR_BANDS)]
    return (bands.index(name) if name in bands else len(bands) + (name == ""), name)


def _counted(rows: Rows, name: str, mask: Bools) -> dict[str, Any]:
    """Who is in the group."""
    patients = np.unique(rows.patient[mask])
    here = _events(rows, mask)
    judged = mask & rows.judged
    return {
        "group": name or UNKNOWN,
        "patients": len(patients),
        "events": int(here.sum()),
        "rows": int(mask.sum()),
        "prevalence": round(float(rows.label[judged].mean()), 5) if judged.any() else None,
    }


def _events(rows: Rows, mask: Bools) -> Bools:
    """(P,) whose event fell into the group: that of the last row at or before the onset, or of the first row where it came before."""
    chosen = np.full(rows.patients, -1, np.int64)
    starts = np.flatnonzero(np.diff(rows.patient, prepend=-1))
    chosen[rows.patient[starts]] = starts
    before = np.flatnonzero(rows.hour <= rows.onset[rows.patient])
    chosen[rows.patient[before]] = before
    known = ~np.isnan(rows.onset) & (chosen >= 0)
    found = np.zeros(rows.patients, np.bool_)
    found[known] = mask[chosen[known]]
    return found


def _group(
    rows: Rows, name: str, mask: Bools, model: str, other: str, alerts: Ints, everybody: dict[str, Floats], draws: Draws
) -> dict[str, Any]:
    counted = _counted(rows, name, mask)
    if counted["events"] < LEAST or counted["patients"] - counted["events"] < LEAST:
        return counted | {"too_few": True}
    here = rows.only(mask)
    auroc = {one: areas(here, one, draws)[0] for one in (model, other)}
    share = ratio(rows.per_patient(mask.astype(np.float64)), rows.per_patient(np.ones(len(mask))))
    part = Part(rows=mask, events=_events(rows, mask), watched_h=np.nan_to_num(rows.watched_h * share))
    found = outcome(rows, alerts, draws, part=part)
    spoken = here.judged & ~np.isnan(rows.scores[model])
    label, predicted = np.where(spoken, rows.label, 0.0), np.where(spoken, rows.scores[model], 0.0)
    return counted | {
        "imprecise": counted["events"] < ENOUGH,
        "auroc": {one: told(area) for one, area in auroc.items()},
        "auroc_above_all": difference(auroc[model], everybody[model]),
        "auroc_above_other": difference(auroc[model], auroc[other]),
        "observed_over_expected": told(ratio(draws.sums(rows.per_patient(label)), draws.sums(rows.per_patient(predicted))), 3),
        "sensitivity_per_event": told(found.sensitivity),
        "ppv": told(found.ppv),
        "per_100_patient_days": told(found.per_patient_day * 100.0, 2),
    }
