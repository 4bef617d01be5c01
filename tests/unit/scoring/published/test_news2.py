"""NEWS2 as charts 1 and 4 print it (RCP 2017): every edge from both sides, and nothing missing taken as normal."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.published.inputs import Inputs, NotForThisPatient
from scoring.published.news2 import News2, news2

WELL = Inputs(rr_per_min=16, spo2_pct=97, on_oxygen=False, sbp_mmhg=120, hr_per_min=70, temp_c=37.0, consciousness="A")


def given_(**changed: object) -> News2:
    return news2(msgspec.structs.replace(WELL, **changed))


@pytest.mark.parametrize(
    ("name", "edges"),
    [
        ("rr_per_min", {0: 3, 8: 3, 9: 1, 11: 1, 12: 0, 20: 0, 21: 2, 24: 2, 25: 3, 60: 3}),
        ("spo2_pct", {70: 3, 91: 3, 92: 2, 93: 2, 94: 1, 95: 1, 96: 0, 100: 0}),
        ("sbp_mmhg", {50: 3, 90: 3, 91: 2, 100: 2, 101: 1, 110: 1, 111: 0, 219: 0, 220: 3}),
        ("hr_per_min", {30: 3, 40: 3, 41: 1, 50: 1, 51: 0, 90: 0, 91: 1, 110: 1, 111: 2, 130: 2, 131: 3}),
        ("temp_c", {30: 3, 35.0: 3, 35.1: 1, 36.0: 1, 36.1: 0, 38.0: 0, 38.1: 1, 39.0: 1, 39.1: 2, 42: 2}),
        ("consciousness", {"A": 0, "C": 3, "V": 3, "P": 3, "U": 3}),
        ("on_oxygen", {False: 0, True: 2}),
    ],
)
def test_each_band_scores_what_the_chart_says_on_both_sides_of_its_edges(name: str, edges: dict[object, int]) -> None:
    assert {value: given_(**{name: value}).parts[name] for value in edges} == edges


@pytest.mark.parametrize(
    ("on_oxygen", "edges"),
    [
        (False, {83: 3, 84: 2, 85: 2, 86: 1, 87: 1, 88: 0, 92: 0, 93: 0, 94: 0, 96: 0, 97: 0, 100: 0}),
        (True, {83: 3, 84: 2, 85: 2, 86: 1, 87: 1, 88: 0, 92: 0, 93: 1, 94: 1, 95: 2, 96: 2, 97: 3, 100: 3}),
    ],
)
def test_the_second_saturation_scale_punishes_high_values_only_on_oxygen(on_oxygen: bool, edges: dict[int, int]) -> None:
    assert {spo2: given_(spo2_scale=2, spo2_pct=spo2, on_oxygen=on_oxygen).parts["spo2_pct"] for spo2 in edges} == edges


@pytest.mark.parametrize(
    ("name", "value", "points"),
    [("temp_c", 38.04, 0), ("temp_c", 38.05, 1), ("temp_c", 35.04, 3), ("temp_c", 35.05, 1), ("rr_per_min", 20.4, 0), ("rr_per_min", 20.5, 2), ("spo2_pct", 95.5, 0)],
)  # fmt: skip
def test_values_between_two_bands_are_rounded_to_the_chart_first(name: str, value: float, points: int) -> None:
    assert given_(**{name: value}).parts[name] == points


@pytest.mark.parametrize(
    ("changed", "total", "risk", "monitoring"),
    [
        ({}, 0, "low", "12h"),
        ({"hr_per_min": 95}, 1, "low", "4-6h"),
        ({"hr_per_min": 115, "rr_per_min": 22}, 4, "low", "4-6h"),
        ({"spo2_pct": 91}, 3, "low-medium", "1h"),
        ({"consciousness": "C"}, 3, "low-medium", "1h"),
        ({"hr_per_min": 115, "rr_per_min": 22, "temp_c": 38.5}, 5, "medium", "1h"),
        ({"consciousness": "V", "rr_per_min": 25}, 6, "medium", "1h"),
        ({"consciousness": "V", "rr_per_min": 25, "temp_c": 38.5}, 7, "high", "continuous"),
    ],
)
def test_risk_and_monitoring_follow_chart_4(changed: dict[str, object], total: int, risk: str, monitoring: str) -> None:
    found = given_(**changed)
    assert (found.total, found.risk, found.monitoring) == (total, risk, monitoring)


def test_the_score_reaches_from_0_to_20() -> None:
    worst = Inputs(rr_per_min=30, spo2_pct=80, on_oxygen=True, sbp_mmhg=80, hr_per_min=140, temp_c=34.0, consciousness="U")
    assert (news2(WELL).total, news2(worst).total) == (0, 20)


PARAMETERS = ("rr_per_min", "spo2_pct", "on_oxygen", "sbp_mmhg", "hr_per_min", "consciousness", "temp_c")


@given(st.sets(st.sampled_from(PARAMETERS), min_size=1))
def test_whatever_is_missing_is_listed_and_leaves_no_total(absent: set[str]) -> None:
    found = given_(**dict.fromkeys(absent))
    assert found.total is None
    assert set(found.missing) == absent
    assert set(found.parts) == set(PARAMETERS) - absent


def test_what_is_known_bounds_a_score_with_missing_parts_from_below() -> None:
    found = news2(Inputs(rr_per_min=26, sbp_mmhg=88, hr_per_min=92))
    assert (found.total, found.at_least, found.red, found.risk) == (None, 7, True, "high")
    assert news2(Inputs(rr_per_min=26)).risk is None


def test_the_second_scale_is_silent_about_a_high_saturation_while_oxygen_is_not_known() -> None:
    found = given_(spo2_scale=2, spo2_pct=95, on_oxygen=None)
    assert found.missing == ("on_oxygen",)
    assert "spo2_pct" not in found.parts
    assert given_(spo2_scale=2, spo2_pct=84, on_oxygen=None).parts["spo2_pct"] == 2


def test_nobody_under_16_gets_an_adult_score() -> None:
    with pytest.raises(NotForThisPatient):
        given_(age_years=15.9)
    assert given_(age_years=16).total == 0
