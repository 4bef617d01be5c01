"""What a score knows before the clinicians do: the figures over what came before their own recognition, as far as the data tells it."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from scoring.evaluate.alerting import outcome
from scoring.evaluate.bootstrap import Draws, difference, told
from scoring.evaluate.discrimination import areas
from scoring.evaluate.rows import Floats, Ints, Rows

AHEAD_H: Final = (0.0, 3.0, 6.0, 12.0)
"""Hours before the onset from which on nothing counts any more."""
WITHIN_H: Final = 12.0
"""A row is positive where the event comes within so many hours of the cut: the challenge's own earliest useful hour (Reyna 2020, fig. 1)."""


def before_onset(rows: Rows, scores: Sequence[str], draws: Draws) -> list[dict[str, Any]]:
    """For each cut k: rows at or after (onset - k) are gone, and those in the WITHIN_H hours before it are the positive ones."""
    return [{"hours_before_onset": ahead} | _ranked(before(rows, ahead), scores, draws) for ahead in AHEAD_H]


def before(rows: Rows, ahead_h: float) -> Rows:
    """The rows before (onset - ahead_h), positive in the WITHIN_H hours that end there."""
    left = rows.onset[rows.patient] - ahead_h - rows.hour
    label = np.where(np.isnan(left), 0.0, np.where(left <= 0, np.nan, (left <= WITHIN_H) * 1.0))
    return rows.with_label(np.where(rows.judged, label, np.nan))


def alerts_in_time(rows: Rows, alerts: Ints, draws: Draws) -> list[dict[str, Any]]:
    """The events that were met by an alert at least k hours before their onset, of those in whose stay there was such an hour at all."""
    first = np.full(rows.patients, np.inf)
    np.minimum.at(first, rows.patient, rows.hour)
    found = []
    for ahead in AHEAD_H:
        lead = rows.onset[rows.patient[alerts]] - rows.hour[alerts]
        early = alerts[(lead >= ahead) & (lead <= rows.manner.horizon_h)]
        possible = rows.onset - first >= ahead
        met = np.zeros(rows.patients, np.bool_)
        met[rows.patient[early]] = True
        sensitivity = draws.sums((met & possible).astype(np.float64)), draws.sums(possible.astype(np.float64))
        share = np.divide(*sensitivity, out=np.full(draws.size, np.nan), where=sensitivity[1] > 0)
        found.append({"hours_before_onset": ahead, "events": int(possible.sum()), "sensitivity_per_event": told(share)})
    return found


def before_signs(rows: Rows, scores: Sequence[str], alerts: Ints, draws: Draws) -> dict[str, dict[str, Any]]:
    """By sign of recognition: the figures over the rows before it came, and the alerts that came before it."""
    found = {}
    for sign, hour in rows.recognised.items():
        known = hour[rows.patient]
        early = np.isnan(known) | (rows.hour < known)
        here = rows.only(early)
        unseen = outcome(rows, alerts[early[alerts]], draws)
        found[sign] = {
            "patients_with_the_sign": int((~np.isnan(hour)).sum()),
            "events_with_the_sign_before_onset": int((hour <= rows.onset).sum()),
            "sensitivity_per_event": told(unseen.sensitivity),
            **_ranked(here, scores, draws),
        }
    return found


def _ranked(rows: Rows, scores: Sequence[str], draws: Draws) -> dict[str, Any]:
    ranked: dict[str, tuple[Floats, Floats]] = {name: areas(rows, name, draws) for name in scores}
    model, *others = scores
    positive = rows.label > 0
    return {
        "rows": int(rows.judged.sum()),
        "positive_rows": int(positive.sum()),
        "events": len(np.unique(rows.patient[positive])),
        "auroc": {name: told(auroc) for name, (auroc, _) in ranked.items()},
        "auprc": {name: told(precision) for name, (_, precision) in ranked.items()},
        "auroc_above": {name: difference(ranked[model][0], ranked[name][0]) for name in others},
    }
