"""The model card: what the model is for, what it was made from, and what it did on patients nobody trained on."""

from collections.abc import Mapping
from typing import Any


def card(metadata: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """Markdown, with every figure taken from the run's metrics."""
    model, news2, counts = metrics["model"], metrics["news2"], metrics["patients"]
    own, other = model["alerts_at_budget"], news2["alerts_at_budget"]
    beside = metrics["at_the_alerts_of_news2"]
    rows = [
        ("AUROC, hourly", _figure(model["auroc"]), _figure(news2["auroc"])),
        ("AUPRC, hourly", _figure(model["auprc"]), _figure(news2["auprc"])),
        ("CinC 2019 utility", _figure(model["utility"]), _figure(news2["utility_at_5"]) + " (≥ 5)"),
        ("first alerts per 35 patient-days", own["alerts_per_35_patient_days"], other["alerts_per_35_patient_days"]),
        ("sensitivity per event at that budget", own["sensitivity_per_event"], other["sensitivity_per_event"]),
        ("PPV at that budget", own["ppv"], other["ppv"]),
        ("median lead, hours", own["median_lead_h"], other["median_lead_h"]),
        *(row for points in ("7", "5") for row in _beside(points, beside[points]["model"], beside[points]["news2"])),
    ]
    table = "\n".join(f"| {name} | {mine} | {theirs} |" for name, mine, theirs in rows)
    return f"""# Model card: deterioration {metadata["version"]}

**For:** adult inpatients; the chance of sepsis (Sepsis-3) within about six hours, from vital signs, labs, age and sex. It supports clinicians and
replaces nobody's judgement. **Not for:** children, obstetrics, palliative care. **State:** trained on one public ICU cohort and not validated in any
hospital; ward patients are healthier than those it learned from.

**Made from:** PhysioNet/CinC Challenge 2019, hospital system B (CC BY 4.0; Reyna et al., Crit Care Med 2020;48:210):
{counts["train"]["patients"]} patients to train ({counts["train"]["septic"]} septic), {counts["valid"]["patients"]} to stop, calibrate and choose the threshold
({counts["valid"]["septic"]}), {counts["holdout"]["patients"]} held out ({counts["holdout"]["septic"]}); split by patient. The features are those of the bedside
(`streams/features.py`, list {metadata["features"]}), computed by the same code. Gradient-boosted trees (LightGBM, {metrics["rounds"]} rounds) with Platt scaling, in ONNX.
Seed {metadata["seed"]}; data SHA-256 {metadata["data_sha256"][:16]}…; the ONNX file differs from the trees by at most {metrics["parity_onnx"]:.1e}.

Figures on the held-out patients, 95 % intervals by patient:

| | model | NEWS2 (lower bound: the data has no consciousness and no oxygen) |
|---|---|---|
{table}

Calibration: slope {model["calibration"]["slope"]}, intercept {model["calibration"]["intercept"]}, Brier {model["calibration"]["brier"]}, observed {model["calibration"]["observed"]},
predicted {model["calibration"]["predicted"]}. Bedside threshold {metadata["threshold"]} (one first alert per 35 patient-days on the validation patients).

**Known limits:** one hospital system, ICU only; hourly medians hide short events; labels depend on when clinicians ordered cultures and antibiotics;
no figures by ethnicity are possible, the data has none. Make it again: `vigil train --data DIR --out DIR`.
"""


def _beside(points: str, model: Mapping[str, Any], news2: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    names = {
        "alerts_per_35_patient_days": "first alerts per 35 patient-days",
        "sensitivity_per_event": "sensitivity per event",
        "ppv": "PPV",
    }
    return [(f"at the alerts of NEWS2 ≥ {points}: {name}", model[key], news2[key]) for key, name in names.items()]


def _figure(one: Mapping[str, Any]) -> str:
    return f"{one['value']:.3f} ({one['low']:.3f}–{one['high']:.3f})"
