"""NEWS, MEWS, qSOFA, SIRS, CART and the shock indices at the edges of their tables, and the answers about whoever lacks an input."""

import json
from typing import Any

import pytest

from scoring.published.answer import answer


def ask(score: str, **inputs: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer(json.dumps({"score": score, "inputs": inputs}).encode()))
    return found


COMPLETE = {
    "news": {"rr_per_min": 16, "spo2_pct": 97, "on_oxygen": False, "sbp_mmhg": 120, "hr_per_min": 70, "temp_c": 37.0, "consciousness": "A"},
    "mews": {"rr_per_min": 12, "sbp_mmhg": 120, "hr_per_min": 70, "temp_c": 37.0, "consciousness": "A"},
    "qsofa": {"rr_per_min": 16, "sbp_mmhg": 120, "gcs": 15},
    "sirs": {"temp_c": 37.0, "hr_per_min": 70, "rr_per_min": 16, "wbc_10e9_l": 8},
    "cart": {"rr_per_min": 16, "hr_per_min": 70, "dbp_mmhg": 70, "age_years": 40},
}


@pytest.mark.parametrize(
    ("score", "name", "edges"),
    [
        ("news", "rr_per_min", {8: 3, 9: 1, 11: 1, 12: 0, 20: 0, 21: 2, 24: 2, 25: 3}),
        ("news", "spo2_pct", {91: 3, 92: 2, 93: 2, 94: 1, 95: 1, 96: 0}),
        ("news", "consciousness", {"A": 0, "V": 3, "P": 3, "U": 3}),
        ("news", "on_oxygen", {False: 0, True: 2}),
        ("news", "sbp_mmhg", {90: 3, 91: 2, 100: 2, 101: 1, 110: 1, 111: 0, 219: 0, 220: 3}),
        ("news", "hr_per_min", {40: 3, 41: 1, 50: 1, 51: 0, 90: 0, 91: 1, 110: 1, 111: 2, 130: 2, 131: 3}),
        ("news", "temp_c", {35.0: 3, 35.1: 1, 36.0: 1, 36.1: 0, 38.0: 0, 38.1: 1, 39.0: 1, 39.1: 2}),
        ("mews", "sbp_mmhg", {70: 3, 71: 2, 80: 2, 81: 1, 100: 1, 101: 0, 199: 0, 200: 2}),
        ("mews", "hr_per_min", {40: 2, 41: 1, 50: 1, 51: 0, 100: 0, 101: 1, 110: 1, 111: 2, 129: 2, 130: 3}),
        ("mews", "rr_per_min", {8: 2, 9: 0, 14: 0, 15: 1, 20: 1, 21: 2, 29: 2, 30: 3}),
        ("mews", "temp_c", {34.9: 2, 35.0: 0, 38.4: 0, 38.5: 2}),
        ("mews", "consciousness", {"A": 0, "C": 1, "V": 1, "P": 2, "U": 3}),
        ("qsofa", "rr_per_min", {21: 0, 22: 1}),
        ("qsofa", "sbp_mmhg", {100: 1, 101: 0}),
        ("qsofa", "gcs", {14: 1, 15: 0}),
        ("sirs", "temp_c", {35.9: 1, 36.0: 0, 38.0: 0, 38.1: 1}),
        ("sirs", "hr_per_min", {90: 0, 91: 1}),
        ("sirs", "rr_per_min", {20: 0, 21: 1}),
        ("sirs", "wbc_10e9_l", {3.9: 1, 4.0: 0, 12.0: 0, 12.1: 1}),
        ("cart", "rr_per_min", {20: 0, 21: 8, 23: 8, 24: 12, 25: 12, 26: 15, 29: 15, 30: 22}),
        ("cart", "hr_per_min", {109: 0, 110: 4, 139: 4, 140: 13}),
        ("cart", "dbp_mmhg", {34: 13, 35: 6, 39: 6, 40: 4, 49: 4, 50: 0}),
        ("cart", "age_years", {54: 0, 54.9: 0, 55: 4, 69: 4, 70: 9}),
    ],
)
def test_each_band_scores_what_the_table_says_on_both_sides_of_its_edges(score: str, name: str, edges: dict[Any, int]) -> None:
    found = {value: ask(score, **(COMPLETE[score] | {name: value})) for value in edges}
    assert {value: one["parts"][name] for value, one in found.items()} == edges
    assert all(one["total"] == sum(one["parts"].values()) for one in found.values())


@pytest.mark.parametrize(
    ("score", "inputs", "total"),
    [
        ("cart", {"rr_per_min": 30, "hr_per_min": 145, "dbp_mmhg": 30, "age_years": 75}, 57),
        ("cart", {"rr_per_min": 22, "hr_per_min": 100, "dbp_mmhg": 60, "age_years": 60}, 12),
        ("shock_index", {"hr_per_min": 60, "sbp_mmhg": 100}, 0.60),
        ("shock_index", {"hr_per_min": 120, "sbp_mmhg": 80}, 1.50),
        ("shock_index", {"hr_per_min": 62, "sbp_mmhg": 140}, 0.44),
        ("modified_shock_index", {"hr_per_min": 120, "map_mmhg": 60}, 2.0),
        ("sirs", COMPLETE["sirs"] | {"paco2_mmhg": 31}, 1),
        ("sirs", COMPLETE["sirs"] | {"paco2_mmhg": 32, "bands_pct": 10}, 0),
        ("sirs", COMPLETE["sirs"] | {"bands_pct": 10.1}, 1),
    ],
)
def test_known_vectors(score: str, inputs: dict[str, Any], total: float) -> None:
    assert ask(score, **inputs)["total"] == total


@pytest.mark.parametrize("score", sorted(COMPLETE))
def test_one_missing_input_is_named_and_leaves_no_total(score: str) -> None:
    for name in COMPLETE[score]:
        found = ask(score, **(COMPLETE[score] | {name: None}))
        assert (found["total"], found["missing"]) == (None, [name])


def test_a_second_way_to_a_criterion_stands_in_for_the_first() -> None:
    found = ask("sirs", temp_c=37.0, hr_per_min=70, paco2_mmhg=30, bands_pct=12)
    assert (found["total"], found["missing"], found["positive"]) == (2, [], True)
    assert ask("sirs", temp_c=37.0, hr_per_min=70, paco2_mmhg=40, wbc_10e9_l=8)["missing"] == ["rr_per_min"]


def test_positive_is_told_as_soon_as_nothing_missing_can_change_it() -> None:
    assert ask("qsofa", rr_per_min=30, sbp_mmhg=90)["positive"] is True
    assert ask("qsofa", rr_per_min=30)["positive"] is None
    assert ask("qsofa", rr_per_min=12, sbp_mmhg=120)["positive"] is False
    assert ask("qsofa", rr_per_min=12, sbp_mmhg=120, consciousness="V")["mentation_from"] == "consciousness"


@pytest.mark.parametrize(
    ("score", "inputs", "code"),
    [
        ("news", {"age_years": 15}, "not_for_this_patient"),
        ("news", {"pregnant": True}, "not_for_this_patient"),
        ("news", {"gestation_weeks": 0.5}, "not_for_this_patient"),
        ("news", {"consciousness": "C"}, "not_on_this_chart"),
        ("news", {"spo2_scale": 2}, "not_on_this_chart"),
        ("news2", {"age_years": 15.9}, "not_for_this_patient"),
        ("news2", {"pregnant": True}, "not_for_this_patient"),
        ("news2", {"gestation_weeks": 20.1}, "not_for_this_patient"),
        ("mews", {"age_years": 15}, "not_for_this_patient"),
        ("qsofa", {"age_years": 17}, "not_for_this_patient"),
        ("sirs", {"age_years": 17}, "not_for_this_patient"),
        ("cart", {"age_years": 17}, "not_for_this_patient"),
        ("shock_index", {"hr_per_min": 80, "sbp_mmhg": 0}, "cannot_score"),
        ("modified_shock_index", {"hr_per_min": 80, "map_mmhg": 0}, "cannot_score"),
    ],
)
def test_a_score_is_refused_to_whom_it_was_not_made_for(score: str, inputs: dict[str, Any], code: str) -> None:
    assert ask(score, **(COMPLETE.get(score, COMPLETE["news"]) | inputs))["error"]["code"] == code


@pytest.mark.parametrize(
    ("score", "inputs"),
    [
        ("news", {"age_years": 16, "pregnant": False, "spo2_scale": 1}),
        ("news2", {"age_years": 16, "pregnant": True, "gestation_weeks": 20}),
        ("mews", {"age_years": 16}),
        ("qsofa", {"age_years": 18}),
        ("sirs", {"age_years": 18}),
        ("cart", {"age_years": 18}),
    ],
)
def test_a_score_is_given_to_whom_it_was_made_for(score: str, inputs: dict[str, Any]) -> None:
    assert ask(score, **(COMPLETE.get(score, COMPLETE["news"]) | inputs))["total"] == 0


def test_mews_says_from_five_on_that_it_is_critical() -> None:
    assert ask("mews", **COMPLETE["mews"])["critical"] is False
    assert ask("mews", **(COMPLETE["mews"] | {"sbp_mmhg": 70, "hr_per_min": 101}))["critical"] is False
    assert ask("mews", **(COMPLETE["mews"] | {"sbp_mmhg": 70, "hr_per_min": 111}))["critical"] is True
    assert ask("mews", sbp_mmhg=70)["critical"] is None
    assert ask("mews", sbp_mmhg=70, hr_per_min=130)["critical"] is True
