"""The names the contract promises, and how a test asks for a score."""

import json
from typing import Any

from scoring.published.answer import answer

CONTRACT = {
    "news2", "news", "mews", "qsofa", "sirs", "sofa", "kdigo_aki", "nhs_aki", "cart", "shock_index", "modified_shock_index", "meld", "meld_na_optn2016",
    "meld_na_kim2008", "meld3", "pews", "meows",
}  # fmt: skip
INPUTS = {
    "rr_per_min", "spo2_pct", "spo2_scale", "on_oxygen", "sbp_mmhg", "dbp_mmhg", "map_mmhg", "hr_per_min", "temp_c", "consciousness", "gcs", "age_years",
    "sex", "wbc_10e9_l", "bands_pct", "paco2_mmhg", "pao2_mmhg", "fio2_frac", "ventilated", "platelets_10e9_l", "bilirubin_mg_dl", "creatinine_mg_dl",
    "sodium_mmol_l", "inr", "albumin_g_dl", "dialysis", "urine_ml_24h", "dopamine_ug_kg_min", "dobutamine_ug_kg_min", "epinephrine_ug_kg_min",
    "norepinephrine_ug_kg_min",
}  # fmt: skip


def ask(score: str, inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer(json.dumps({"score": score, "inputs": inputs} | more).encode()))
    return found


def code(score: str, **inputs: Any) -> str | None:
    """The code of the refusal; None where there is none."""
    found: str | None = ask(score, inputs).get("error", {}).get("code")
    return found
