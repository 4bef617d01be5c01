"""Everything a safety board asks of a score, from its rows: one call for every task."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from scoring.evaluate.alerting import alerts_of, described, outcome
from scoring.evaluate.bootstrap import Draws, difference, told
from scoring.evaluate.budget import at_alerts_of, at_budget
from scoring.evaluate.calibration import calibration
from scoring.evaluate.decision_curve import decision_curve
from scoring.evaluate.discrimination import areas, curves
from scoring.evaluate.recognition import alerts_in_time, before_onset, before_signs
from scoring.evaluate.rows import MODEL, Floats, Rows
from scoring.evaluate.subgroups import subgroups

RULES: Mapping[str, tuple[str, float]] = {"NEWS2 ≥ 5": ("news2", 5.0), "NEWS2 ≥ 7": ("news2", 7.0), "qSOFA ≥ 2": ("qsofa", 2.0)}
"""The published scores' own cuts: RCP 2017, chart 4; Singer, JAMA 2016;315:801."""
CUTS: Mapping[str, float] = {"news2": 5.0, "qsofa": 2.0}


def cuts_of(threshold: float) -> dict[str, float]:
    """Every score with the threshold at which it alerts, the model first."""
    return {MODEL: threshold, **CUTS}


def judge(rows: Rows, threshold: float, draws: Draws) -> dict[str, Any]:
    """The report's parts. `threshold`: where the model alerts; the others alert at CUTS.

    Figures of the model and of NEWS2 and qSOFA are over the same rows and the same draws of patients.
    """
    cuts = cuts_of(threshold)
    others = list(CUTS)
    ranked = {name: areas(rows, name, draws) for name in cuts}
    alerts = alerts_of(rows, MODEL, threshold)
    figures: dict[str, dict[str, Any]] = {}
    for name, cut in cuts.items():
        auroc, precision = ranked[name]
        happened = outcome(rows, alerts_of(rows, name, cut), draws)
        figures[name] = {"auroc": told(auroc), "auprc": told(precision), "threshold": round(cut, 6), "alerts": described(happened, draws)}
    return {
        "method": method(rows, draws),
        "cohort": cohort(rows),
        "figures": figures,
        "model_above": {name: differences(ranked[MODEL], ranked[name]) for name in others},
        "calibration": calibration(rows, MODEL, draws),
        "decision_curve": decision_curve(rows, MODEL, RULES, draws),
        "at_one_alert_a_day": at_budget(rows, MODEL, others, draws),
        "at_the_alerts_of": at_alerts_of(rows, MODEL, RULES, draws),
        "subgroups": subgroups(rows, MODEL, "news2", alerts, draws),
        "before_recognition": {
            "before_onset": before_onset(rows, list(cuts), draws),
            "alerts_in_time": alerts_in_time(rows, alerts, draws),
            "before_signs": before_signs(rows, list(cuts), alerts, draws),
        },
        "curves": {name: curves(rows, name) for name in cuts},
    }


def differences(model: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> dict[str, Any]:
    """What the model has more, on the same draws."""
    return {"auroc": difference(model[0], other[0]), "auprc": difference(model[1], other[1])}


def abstention(said: Rows, heard: Rows, threshold: float, draws: Draws) -> dict[str, Any]:
    """What it costs that the model keeps silent where its guard says so: `said` is what it would have said everywhere."""
    silent = np.isnan(heard.scores[MODEL])
    areas_said, areas_heard = areas(said, MODEL, draws)[0], areas(heard, MODEL, draws)[0]
    happened = outcome(heard, alerts_of(heard, MODEL, threshold), draws)
    positive = heard.label > 0
    return {
        "silent_share": round(float(silent.mean()), 4),
        "silent_share_of_positive_rows": round(float(silent[positive].mean()), 4) if positive.any() else None,
        "auroc": told(areas_heard),
        "auroc_lost": difference(areas_said, areas_heard),
        "alerts": described(happened, draws),
    }


def method(rows: Rows, draws: Draws) -> dict[str, Any]:
    """How the figures were made."""
    return {
        "resamples": draws.size - 1,
        "interval": "95 % percentile bootstrap over patients, the same draws for every figure, so that differences are paired",
        "alert": f"the first hour that reaches the threshold, and {rows.manner.again}; the same rule for every score",
        "right": f"{rows.manner.right}; alerts after the onset are neither right nor false",
        "abstention": "figures are over all that the model says; as the bedside hears it, with its guard, stand the part abstention, the deployed policy and the stress",
        "silence": "an hour in which a score is silent ranks below every other and never alerts",
    }


def cohort(rows: Rows) -> dict[str, Any]:
    """Who is judged."""
    judged = rows.judged
    return {
        "patients": rows.patients,
        "events": rows.events,
        "rows": len(rows.patient),
        "judged_rows": int(judged.sum()),
        "positive_rows": int((rows.label > 0).sum()),
        "prevalence": round(float(rows.label[judged].mean()), 6) if judged.any() else None,
        "patient_days": round(float(rows.watched_h.sum()) / 24.0, 1),
        "silent_rows": {name: int(np.isnan(values).sum()) for name, values in rows.scores.items()},
    }
