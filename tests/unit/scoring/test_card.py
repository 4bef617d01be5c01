"""The model card: every attribute is there and says something, every figure is the run's, and what nobody knows says why."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from scoring.models import source_attributes, tripod
from scoring.models.card import card, card_json, renew, write
from scoring.models.card_items import items
from scoring.models.evidence import told
from scoring.models.metadata import SHIPPED

FOLDER = SHIPPED / "deterioration" / "1"
METADATA: dict[str, Any] = json.loads((FOLDER / "metadata.json").read_text())
METRICS: dict[str, Any] = json.loads((FOLDER / "metrics.json").read_text())


def interval(value: float) -> dict[str, Any]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01, "excludes_zero": True}


def evaluation(version: str = METADATA["version"]) -> dict[str, Any]:
    group = {
        "group": "female", "patients": 1445, "events": 64, "auroc": {"model": interval(0.8512)}, "auroc_above_all": interval(-0.0312),
        "sensitivity_per_event": interval(0.2342), "ppv": interval(0.2432), "observed_over_expected": interval(0.7592),
    }  # fmt: skip
    alerts = {"per_100_patient_days": interval(3.8312), "ppv": interval(0.2862), "sensitivity_per_event": interval(0.2482)}
    return {
        "version": version, "cohort": {"judged_rows": 120333, "patient_days": 5013.9},
        "subgroups": {"sex": [group, group | {"group": "male"}], "ethnicity": [{"group": "not known", "patients": 3149, "events": 161}]},
        "stress": {"ways": [{"way": "no labs", "lost": {"auroc": {"model": interval(0.0652)}}}]},
        "model_above": {"news2": {"auroc": interval(0.1642), "auprc": interval(0.0732)}},
        "figures": {"model": {"alerts": alerts}}, "deployed_policy": {"all": alerts}, "curves": {"deterioration": {}},
    }  # fmt: skip


def test_the_31_source_attributes_and_all_items_of_tripod_are_there() -> None:
    assert [item.number for item in items().hti1] == [str(number) for number in range(1, 32)]
    sections = [
        len([item for item in items().hti1 if item.section == section]) for section in dict.fromkeys(item.section for item in items().hti1)
    ]
    assert sections == [4, 4, 2, 4, 2, 4, 5, 4, 2]
    assert {re.sub(r"\D", "", item.number) for item in items().tripod} == {str(number) for number in range(1, 28)}
    assert len(items().tripod) == 52
    assert len({item.number for item in items().tripod}) == 52


@pytest.mark.parametrize(("listed", "filled"), [("hti1", source_attributes.FILLED), ("tripod", tripod.FILLED)])
def test_an_item_is_either_said_or_filled_by_the_run(listed: str, filled: Mapping[str, Any]) -> None:
    assert {item.number for item in getattr(items(), listed) if item.says is None} == set(filled)


@pytest.mark.parametrize("report", [{}, evaluation()])
def test_no_entry_is_empty_and_what_is_not_known_says_why(report: dict[str, Any]) -> None:
    made = card_json(METADATA, METRICS, {}, report)
    entries = made["source_attributes"] + made["tripod_ai"]
    assert len(entries) == 83
    for entry in entries:
        assert len(entry["value"]) > 3, entry
        assert "None" not in entry["value"] and "nan" not in entry["value"].split(), entry
        if entry["origin"] == "unknown":
            assert re.match(r"(not known|none)\b.*:", entry["value"]) or "before" in entry["value"], entry


def test_an_evaluation_fills_what_was_not_known() -> None:
    without, with_it = (
        {entry["number"]: entry["origin"] for entry in card_json(METADATA, METRICS, {}, report)["source_attributes"]}
        for report in ({}, evaluation())
    )
    assert {number for number in without if without[number] != with_it[number]} == {"10", "13", "16", "22"}
    assert {with_it[number] for number in ("10", "13", "16", "22")} == {"run"}


def numbers(found: Any) -> Iterator[str]:
    """Every number of the run as cards print it."""
    match found:
        case dict():
            if {"value", "low", "high"} <= found.keys() and None not in (found["value"], found["low"]):
                yield from (f"{found[key]:.3f}" for key in ("value", "low", "high"))
            for one in found.values():
                yield from numbers(one)
        case list():
            for one in found:
                yield from numbers(one)
        case float():
            yield from (told(found), str(found))


def figures_in(text: str) -> list[str]:
    """Numbers with a decimal point; versions, sections of law and file names are none."""
    return re.findall(r"(?<![\w.])-?\d+\.\d+(?:e-?\d+)?(?![\w.]*\()", re.sub(r"45 CFR 170\.315|CC BY 4\.0", "", text))


@pytest.mark.parametrize("report", [{}, evaluation()])
def test_each_figure_in_the_card_is_the_runs(report: dict[str, Any]) -> None:
    share = METRICS["patients"]["train"]["septic"] / len(METADATA["feature_names"])
    known = {*numbers(METRICS), *numbers(METADATA), *numbers(report), told(share)}
    shown = figures_in(card(METADATA, METRICS, {}, report))
    assert len(shown) > 60
    assert [one for one in shown if one not in known] == []


def test_another_run_changes_every_figure() -> None:
    """Nothing is written by hand: the cards of two runs without a figure in common have none in common."""

    def moved(found: Any) -> Any:
        match found:
            case dict():
                return {name: moved(one) for name, one in found.items()}
            case list():
                return [moved(one) for one in found]
            case float():
                return found + 1000.0
        return found

    other = card(moved(copy.deepcopy(METADATA)), moved(copy.deepcopy(METRICS)), {}, moved(evaluation()))
    assert set(figures_in(card(METADATA, METRICS, {}, evaluation()))) & set(figures_in(other)) <= {
        told(METRICS["patients"]["train"]["septic"] / len(METADATA["feature_names"]))
    }


def test_markdown_and_json_tell_the_same() -> None:
    text, made = card(METADATA, METRICS, {}, evaluation()), card_json(METADATA, METRICS, {}, evaluation())
    for row in made["figures"]:
        assert f"| {row['name']} | {row['model']} | {row['news2']} |" in text
    for entry in made["source_attributes"] + made["tripod_ai"]:
        assert f"| {entry['number']} | {entry['section']}: {entry['name']} | {entry['value']} | {entry['origin']} |" in text


def test_an_evaluation_of_another_model_is_left_aside(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text(json.dumps(METADATA))
    (tmp_path / "metrics.json").write_text(json.dumps(METRICS))
    write(tmp_path)
    plain = (tmp_path / "card.md").read_text()
    renew(tmp_path, evaluation(version="another"))
    assert (tmp_path / "card.md").read_text() == plain
    renew(tmp_path, evaluation())
    assert (tmp_path / "card.md").read_text() != plain
    kept = json.loads((tmp_path / "evaluation.json").read_text())
    assert ("curves" in kept, "subgroups" in kept) == (False, True)


def test_the_shipped_card_is_what_its_run_gives(tmp_path: Path) -> None:
    for name in ("metadata.json", "metrics.json", "config.json", "evaluation.json"):
        if (FOLDER / name).exists():
            (tmp_path / name).write_text((FOLDER / name).read_text())
    write(tmp_path)
    for name in ("card.md", "card.json"):
        assert (tmp_path / name).read_text() == (FOLDER / name).read_text()
