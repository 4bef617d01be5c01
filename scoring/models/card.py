"""The model card: what the model is for, what it was made from, and what it did on patients nobody trained on; as Markdown and as JSON."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from scoring.models.card_items import attributes_of, tripod_of
from scoring.models.cohorts import folds
from scoring.models.evidence import Entry, Evidence, told

EVALUATION = "evaluation.json"
LEFT_OUT = frozenset({"curves", "decision_curve"})
"""Parts of a report that no card quotes: points of curves."""


def card(
    metadata: Mapping[str, Any],
    metrics: Mapping[str, Any],
    config: Mapping[str, Any] | None = None,
    evaluation: Mapping[str, Any] | None = None,
) -> str:
    """Markdown, with every figure taken from the run's metrics and, where there is one, from the evaluation's report."""
    evidence = Evidence(metadata=metadata, metrics=metrics, config=config or {}, evaluation=evaluation or {})
    return "\n".join(
        [
            f"# Model card: {evidence.name}\n",
            "**For:** adult inpatients; the chance of sepsis (Sepsis-3) within about six hours, from vital signs, labs, age and sex. It supports clinicians and\n"
            "replaces nobody's judgement. **Not for:** children, obstetrics, palliative care. **State:** not validated in any hospital; ward patients are\n"
            "healthier than those it learned from.\n",
            f"**Made from:** PhysioNet/CinC Challenge 2019, hospital system B (CC BY 4.0; Reyna et al., Crit Care Med 2020;48:210): {folds(evidence)}; split by\n"
            "patient. Make it again: `vigil train --data DIR --out DIR`.\n",
            _judged(evidence),
            "## Figures on the held-out patients, 95 % intervals by patient\n",
            _table(("", "model", "NEWS2 (lower bound: the data has no consciousness and no oxygen)"), figures(evidence)),
            "\n## Source attributes (ONC HTI-1, 45 CFR 170.315(b)(11)(iv)(B))\n",
            _entries(attributes_of(evidence)),
            "\n## TRIPOD+AI (Collins et al., BMJ 2024;385:e078378)\n",
            _entries(tripod_of(evidence)),
            "\n*from*: `run`, filled from the run's own files; `design`, what Vigil was made for and how; `unknown`, with the reason.\n",
        ]
    )


def card_json(
    metadata: Mapping[str, Any],
    metrics: Mapping[str, Any],
    config: Mapping[str, Any] | None = None,
    evaluation: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The same for board and API: `figures` as rows, `source_attributes` and `tripod_ai` as entries."""
    evidence = Evidence(metadata=metadata, metrics=metrics, config=config or {}, evaluation=evaluation or {})
    return {
        "model": metadata["name"],
        "version": metadata["version"],
        "figures": [{"name": name, "model": model, "news2": news2} for name, model, news2 in figures(evidence)],
        "source_attributes": msgspec.to_builtins(attributes_of(evidence)),
        "tripod_ai": msgspec.to_builtins(tripod_of(evidence)),
    }


def write(folder: Path) -> None:
    """Writes `card.md` and `card.json` into a folder from its `metadata.json`, `metrics.json` and, where they are, `config.json` and `evaluation.json`.

    An evaluation of another version, and not of its twin, is left aside: a card never mixes two models.
    """
    metadata, metrics = _read(folder / "metadata.json"), _read(folder / "metrics.json")
    config = _read(folder / "config.json") if (folder / "config.json").exists() else {}
    evaluation = _read(folder / EVALUATION) if (folder / EVALUATION).exists() else {}
    if evaluation.get("version") not in {metadata["version"], metadata.get("twin") or metadata["version"]}:
        evaluation = {}
    (folder / "card.md").write_text(card(metadata, metrics, config, evaluation))
    (folder / "card.json").write_text(json.dumps(card_json(metadata, metrics, config, evaluation), indent=1, ensure_ascii=False) + "\n")


def renew(folder: Path, report: Mapping[str, Any]) -> None:
    """Keeps the report of an evaluation beside the model, as far as cards quote it, and writes the card anew."""
    kept = {name: part for name, part in report.items() if name not in LEFT_OUT}
    (folder / EVALUATION).write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    write(folder)


def _read(path: Path) -> dict[str, Any]:
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])


def _judged(evidence: Evidence) -> str:
    twin = evidence.metadata.get("twin")
    if not twin:
        return "**Judged:** itself, on patients it was not grown on.\n"
    return (
        f"**Judged:** the model that is served was grown on every patient. All figures on held-out patients are those of its twin {twin}, grown by the\n"
        "same recipe without them; figures out of fold are of the served model's own members, each on patients it was grown without.\n"
    )


def figures(evidence: Evidence) -> list[tuple[str, str, str]]:
    """The table on top: what, of the model, of NEWS2."""
    model, news2 = evidence.metrics["model"], evidence.metrics["news2"]
    rows = [
        ("AUROC, hourly", told(model["auroc"]), told(news2["auroc"])),
        ("AUPRC, hourly", told(model["auprc"]), told(news2["auprc"])),
        ("CinC 2019 utility", told(model["utility"]), told(news2["utility_at_5"]) + " (≥ 5)"),
        *_alerts("within the budget", model["alerts_at_budget"], news2["alerts_at_budget"]),
    ]
    for points, beside in (evidence.at("metrics.at_the_alerts_of_news2") or {}).items():
        rows += _alerts(f"at the alerts of NEWS2 ≥ {points}", beside["model"], beside["news2"])
    out_of_fold = evidence.at("metrics.out_of_fold") or {}
    rows += [(f"out of fold, every patient: {name}", told(found), "–") for name, found in out_of_fold.items()]
    names = {"slope": "slope", "intercept": "intercept", "brier": "Brier score", "observed": "observed rate", "predicted": "predicted rate"}
    rows += [(f"calibration: {name}", told(model["calibration"].get(key)), "–") for key, name in names.items()]
    return rows


def _alerts(when: str, model: Mapping[str, Any], news2: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    names = {
        "alerts_per_35_patient_days": "first alerts per 35 patient-days", "sensitivity_per_event": "sensitivity per event", "ppv": "PPV",
        "median_lead_h": "median lead, hours",
    }  # fmt: skip
    return [(f"{when}: {name}", told(model.get(key)), told(news2.get(key))) for key, name in names.items()]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines)


def _entries(entries: Sequence[Entry]) -> str:
    return _table(("", "item", "", "from"), [(one.number, f"{one.section}: {one.name}", one.value, one.origin) for one in entries])
