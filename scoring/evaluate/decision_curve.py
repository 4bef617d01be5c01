"""Whether acting on a score does more good than harm: net benefit over a range of threshold probabilities. Source: Vickers & Elkin, Med Decis Making 2006;26:565."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from scoring.evaluate.bootstrap import Draws, ratio, told
from scoring.evaluate.rows import Floats, Rows

THRESHOLDS: Final = (0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
"""Threshold probabilities: one in four hundred (whoever acts would rather look at 400 patients than miss one) to one in two."""


def decision_curve(rows: Rows, model: str, rules: Mapping[str, tuple[str, float]], draws: Draws) -> list[dict[str, Any]]:
    """At each threshold probability, the net benefit a judged row of the model, of each rule (a score and its cut), and of acting on every row.

    Doing nothing has none. A rule that gives no probability acts where its score reaches its cut, whatever the threshold probability.
    """
    judged = rows.judged
    label = np.where(judged, rows.label, 0.0)
    number = draws.sums(rows.per_patient(judged.astype(np.float64)))
    prevalence = ratio(draws.sums(rows.per_patient(label)), number)
    fixed = {name: _rates(rows, rows.ranking(score) >= cut, label, number, draws) for name, (score, cut) in rules.items()}
    probability = rows.ranking(model)
    found = []
    for threshold in THRESHOLDS:
        odds = threshold / (1.0 - threshold)
        acts = {model: _rates(rows, probability >= threshold, label, number, draws), **fixed}
        benefit = {name: told(true - false * odds, 6) for name, (true, false) in acts.items()}
        found.append({"threshold": threshold, "net_benefit": benefit | {"act_on_all": told(prevalence - (1.0 - prevalence) * odds, 6)}})
    return found


def _rates(rows: Rows, acts: Any, label: Floats, number: Floats, draws: Draws) -> tuple[Floats, Floats]:
    """True and false positives a judged row, on each draw."""
    acted = acts & rows.judged
    both = np.stack([acted * label, acted * (1.0 - label)], axis=1)
    true, false = draws.sums(rows.per_patient(both)).T
    return ratio(true, number), ratio(false, number)
