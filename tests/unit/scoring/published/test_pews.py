"""Bedside PEWS as table 1 prints it: every band of every age, both sides; oxygen, effort, refill, and the ages at their limits."""

from typing import Any

import msgspec
import pytest

from scoring.published.inputs import Contradiction, Inputs, NotForThisPatient
from scoring.published.pews import pews

REST = {"capillary_refill_s": 1, "respiratory_effort": "normal", "spo2_pct": 98, "on_oxygen": False}
WELL = {
    0.1: Inputs(age_years=0.1, hr_per_min=130, sbp_mmhg=70, rr_per_min=40, **REST),
    0.5: Inputs(age_years=0.5, hr_per_min=120, sbp_mmhg=90, rr_per_min=30, **REST),
    3: Inputs(age_years=3, hr_per_min=100, sbp_mmhg=100, rr_per_min=30, **REST),
    8: Inputs(age_years=8, hr_per_min=90, sbp_mmhg=110, rr_per_min=25, **REST),
    15: Inputs(age_years=15, hr_per_min=80, sbp_mmhg=120, rr_per_min=14, **REST),
}


@pytest.mark.parametrize(
    ("age", "name", "edges"),
    [
        (0.1, "hr_per_min", {80: 4, 81: 2, 90: 2, 91: 1, 110: 1, 111: 0, 149: 0, 150: 1, 179: 1, 180: 2, 189: 2, 190: 4}),
        (0.5, "hr_per_min", {70: 4, 71: 2, 80: 2, 81: 1, 100: 1, 101: 0, 149: 0, 150: 1, 169: 1, 170: 2, 179: 2, 180: 4}),
        (3, "hr_per_min", {60: 4, 61: 2, 70: 2, 71: 1, 90: 1, 91: 0, 119: 0, 120: 1, 149: 1, 150: 2, 169: 2, 170: 4}),
        (8, "hr_per_min", {50: 4, 51: 2, 60: 2, 61: 1, 70: 1, 71: 0, 109: 0, 110: 1, 129: 1, 130: 2, 149: 2, 150: 4}),
        (15, "hr_per_min", {40: 4, 41: 2, 50: 2, 51: 1, 60: 1, 61: 0, 99: 0, 100: 1, 119: 1, 120: 2, 139: 2, 140: 4}),
        (0.1, "sbp_mmhg", {45: 4, 46: 2, 50: 2, 51: 1, 60: 1, 61: 0, 79: 0, 80: 1, 99: 1, 100: 2, 129: 2, 130: 4}),
        (0.5, "sbp_mmhg", {60: 4, 61: 2, 70: 2, 71: 1, 80: 1, 81: 0, 99: 0, 100: 1, 119: 1, 120: 2, 149: 2, 150: 4}),
        (3, "sbp_mmhg", {65: 4, 66: 2, 75: 2, 76: 1, 90: 1, 91: 0, 109: 0, 110: 1, 124: 1, 125: 2, 159: 2, 160: 4}),
        (8, "sbp_mmhg", {70: 4, 71: 2, 80: 2, 81: 1, 90: 1, 91: 0, 119: 0, 120: 1, 139: 1, 140: 2, 169: 2, 170: 4}),
        (15, "sbp_mmhg", {75: 4, 76: 2, 85: 2, 86: 1, 100: 1, 101: 0, 129: 0, 130: 1, 149: 1, 150: 2, 189: 2, 190: 4}),
        (0.1, "rr_per_min", {15: 4, 16: 2, 19: 2, 20: 1, 29: 1, 30: 0, 60: 0, 61: 1, 80: 1, 81: 2, 90: 2, 91: 4}),
        (0.5, "rr_per_min", {15: 4, 16: 2, 19: 2, 20: 1, 24: 1, 25: 0, 50: 0, 51: 1, 70: 1, 71: 2, 80: 2, 81: 4}),
        (3, "rr_per_min", {12: 4, 13: 2, 15: 2, 16: 1, 19: 1, 20: 0, 40: 0, 41: 1, 60: 1, 61: 2, 70: 2, 71: 4}),
        (8, "rr_per_min", {10: 4, 11: 2, 14: 2, 15: 1, 19: 1, 20: 0, 30: 0, 31: 1, 40: 1, 41: 2, 50: 2, 51: 4}),
        (15, "rr_per_min", {9: 4, 10: 2, 11: 1, 12: 0, 16: 0, 17: 1, 22: 1, 23: 2, 29: 2, 30: 4}),
        (8, "spo2_pct", {80: 2, 90: 2, 91: 1, 94: 1, 95: 0, 100: 0}),
        (8, "capillary_refill_s", {0: 0, 2: 0, 2.9: 0, 3: 4, 5: 4}),
        (8, "respiratory_effort", {"normal": 0, "mild": 1, "moderate": 2, "severe": 4, "apnoea": 4}),
    ],
)
def test_each_band_scores_what_the_table_says_on_both_sides_of_its_edges(age: float, name: str, edges: dict[Any, int]) -> None:
    found = {value: pews(msgspec.structs.replace(WELL[age], **{name: value})) for value in edges}
    assert {value: one.parts[name] for value, one in found.items()} == edges
    assert all(one.total == sum(one.parts.values()) for one in found.values())


@pytest.mark.parametrize("age", WELL)
def test_a_well_child_of_any_age_scores_nothing(age: float) -> None:
    assert pews(WELL[age]).total == 0


@pytest.mark.parametrize(
    ("age", "pulse", "pressure"),
    [
        (0, 0, 0), (0.24, 0, 0), (0.25, 0, 1), (0.99, 0, 1), (1, 1, 2), (4, 1, 2), (4.01, 2, 2), (12, 2, 2), (12.01, 4, 4), (17.99, 4, 4),
    ],
)  # fmt: skip
def test_the_age_groups_change_where_the_table_says(age: float, pulse: int, pressure: int) -> None:
    found = pews(Inputs(age_years=age, hr_per_min=148, sbp_mmhg=75, rr_per_min=40, **REST))
    assert (found.parts["hr_per_min"], found.parts["sbp_mmhg"]) == (pulse, pressure)


@pytest.mark.parametrize(
    ("oxygen", "points", "missing"),
    [
        ({"on_oxygen": False}, 0, ()),
        ({"on_oxygen": True, "oxygen_l_min": 0.5}, 2, ()),
        ({"on_oxygen": True, "oxygen_l_min": 3.9}, 2, ()),
        ({"on_oxygen": True, "oxygen_l_min": 4}, 4, ()),
        ({"on_oxygen": True, "fio2_frac": 0.49}, 2, ()),
        ({"on_oxygen": True, "fio2_frac": 0.5}, 4, ()),
        ({"on_oxygen": True, "fio2_frac": 0.3, "oxygen_l_min": 6}, 4, ()),
        ({"oxygen_l_min": 2}, 2, ()),
        ({"oxygen_l_min": 0}, 0, ()),
        ({"fio2_frac": 0.21}, 0, ()),
        ({"fio2_frac": 0.24}, 2, ()),
        ({"on_oxygen": True}, None, ("oxygen_l_min",)),
        ({"on_oxygen": True, "oxygen_l_min": 0}, None, ("oxygen_l_min",)),
        ({}, None, ("on_oxygen",)),
    ],
)
def test_oxygen_counts_by_how_much_is_given(oxygen: dict[str, Any], points: int | None, missing: tuple[str, ...]) -> None:
    found = pews(msgspec.structs.replace(WELL[8], **({"on_oxygen": None} | oxygen)))
    assert (found.parts.get("oxygen"), found.missing, found.total) == (points, missing, points)


@pytest.mark.parametrize("given", [{"oxygen_l_min": 1}, {"fio2_frac": 0.3}])
def test_oxygen_that_is_given_and_not_given_is_refused(given: dict[str, float]) -> None:
    with pytest.raises(Contradiction):
        pews(msgspec.structs.replace(WELL[8], **given))


def test_the_worst_is_26() -> None:
    worst = Inputs(
        age_years=8,
        hr_per_min=200,
        sbp_mmhg=40,
        rr_per_min=70,
        capillary_refill_s=6,
        respiratory_effort="apnoea",
        spo2_pct=70,
        fio2_frac=1.0,
    )
    assert pews(worst).total == 26


def test_without_an_age_nothing_that_depends_on_it_is_scored() -> None:
    found = pews(msgspec.structs.replace(WELL[8], age_years=None))
    assert (found.total, found.missing, set(found.parts)) == (
        None,
        ("age_years",),
        {"capillary_refill_s", "respiratory_effort", "spo2_pct", "oxygen"},
    )


def test_adults_have_other_scores() -> None:
    with pytest.raises(NotForThisPatient):
        pews(msgspec.structs.replace(WELL[15], age_years=18))
