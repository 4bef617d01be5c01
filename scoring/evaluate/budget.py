"""Scores side by side at the same number of alerts, because a sensitivity without its price says nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from scoring.evaluate.alerting import BEDS, Outcome, alerts_of, described, outcome, threshold_within
from scoring.evaluate.bootstrap import Draws, difference
from scoring.evaluate.manner import Manner, manners
from scoring.evaluate.rows import Rows

A_DAY: Final = 1.0
"""Alerts a day that a ward of 35 beds is taken to bear from one score."""


def at_budget(rows: Rows, model: str, others: Sequence[str], draws: Draws) -> dict[str, Any]:
    """By manner, each score at its own lowest threshold within one alert a day per 35 beds, chosen on these very rows, for all of them alike."""
    found: dict[str, Any] = {"alerts_a_day_per_35_beds": A_DAY}
    for name, manner in manners(rows.manner).items():
        thresholds = {score: threshold_within(rows, score, A_DAY / BEDS, manner) for score in (model, *others)}
        found[name] = _side_by_side(rows, thresholds, manner, draws)
    return found


def at_alerts_of(rows: Rows, model: str, rules: Mapping[str, tuple[str, float]], draws: Draws) -> dict[str, Any]:
    """For each rule (a score and its cut) and manner, the model at the lowest threshold that raises no more alerts than the rule does."""
    days = rows.watched_h.sum() / 24.0

    def beside(score: str, cut: float, manner: Manner) -> dict[str, Any]:
        rate = len(alerts_of(rows, score, cut, manner)) / days if days else 0.0
        return _side_by_side(rows, {model: threshold_within(rows, model, rate, manner), score: cut}, manner, draws)

    return {
        rule: {name: beside(score, cut, manner) for name, manner in manners(rows.manner).items()} for rule, (score, cut) in rules.items()
    }


def _side_by_side(rows: Rows, thresholds: Mapping[str, float], manner: Manner, draws: Draws) -> dict[str, Any]:
    outcomes: dict[str, Outcome] = {
        name: outcome(rows, alerts_of(rows, name, cut, manner), draws, manner.horizon_h) for name, cut in thresholds.items()
    }
    model, *others = thresholds
    return {
        "scores": {
            name: {"threshold": round(cut, 6) if np.isfinite(cut) else None} | described(outcomes[name], draws)
            for name, cut in thresholds.items()
        },
        "model_above": {
            name: {
                "sensitivity_per_event": difference(outcomes[model].sensitivity, outcomes[name].sensitivity),
                "ppv": difference(outcomes[model].ppv, outcomes[name].ppv),
            }
            for name in others
        },
    }
