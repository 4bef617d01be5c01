"""CMS SEP-1, time zero: each criterion on both sides, all within six hours, documentation."""

from datetime import timedelta

import pytest

from scoring.sep1.facts import Measure, Reading
from tests.unit.scoring.published.septic_stay import SECOND, SEPTIC, ZERO, at, judged, reading, states


def test_time_zero_is_the_moment_the_last_criterion_is_met() -> None:
    found = judged(now=ZERO)
    assert (found.status, found.severe_sepsis_at, found.septic_shock_at) == ("severe_sepsis", ZERO, None)
    assert judged(now=ZERO - SECOND).status == "no_severe_sepsis"
    assert set(states(judged(now=ZERO - SECOND)).values()) == {"not_required"}


@pytest.mark.parametrize(("spread", "status"), [(timedelta(hours=6), "severe_sepsis"), (timedelta(hours=6) + SECOND, "no_severe_sepsis")])
def test_all_must_come_within_six_hours(spread: timedelta, status: str) -> None:
    assert judged(infection_at=(ZERO - spread,)).status == status
    early = (Reading(at=ZERO - spread, name="temp_c", value=39), *SEPTIC.readings[1:])
    assert judged(readings=early).status == status


def test_the_first_moment_at_which_all_are_together_counts() -> None:
    again = (
        *SEPTIC.readings,
        reading(-20, "temp_c", 39),
        reading(-20, "hr_per_min", 120),
        reading(-15, "lactate_mmol_l", 3),
        reading(9, "inr", 2),
    )
    assert judged(readings=again).severe_sepsis_at == ZERO
    assert judged(readings=again, infection_at=(at(-16), at(-2))).severe_sepsis_at == at(-15)


@pytest.mark.parametrize(
    ("name", "met", "not_met"),
    [
        ("temp_c", 38.31, 38.3), ("temp_c", 35.9, 36.0), ("rr_per_min", 21, 20), ("wbc_10e9_l", 12.1, 12), ("wbc_10e9_l", 3.9, 4), ("bands_pct", 10.1, 10),
    ],
)  # fmt: skip
def test_each_sirs_criterion_on_both_sides(name: Measure, met: float, not_met: float) -> None:
    for value, status in ((met, "severe_sepsis"), (not_met, "no_severe_sepsis")):
        readings = (reading(-1, "hr_per_min", 91), reading(-1, name, value), reading(0, "creatinine_mg_dl", 2.1))
        assert judged(readings=readings).status == status


def test_the_pulse_counts_above_90_and_white_cells_and_bands_are_one_criterion() -> None:
    assert judged(readings=(reading(-1, "hr_per_min", 90), reading(-1, "temp_c", 39), reading(0, "inr", 2))).status == "no_severe_sepsis"
    assert judged(readings=(reading(-1, "wbc_10e9_l", 20), reading(-1, "bands_pct", 20), reading(0, "inr", 2))).status == "no_severe_sepsis"
    assert judged(readings=(reading(-1, "temp_c", 39), reading(-0.5, "temp_c", 35), reading(0, "inr", 2))).status == "no_severe_sepsis"


@pytest.mark.parametrize(
    ("name", "met", "not_met"),
    [
        ("sbp_mmhg", 89, 90), ("map_mmhg", 64, 65), ("creatinine_mg_dl", 2.1, 2.0), ("urine_ml_kg_h", 0.49, 0.5), ("bilirubin_mg_dl", 2.1, 2.0),
        ("platelets_10e9_l", 99, 100), ("inr", 1.6, 1.5), ("aptt_s", 60.1, 60), ("lactate_mmol_l", 2.1, 2.0),
    ],
)  # fmt: skip
def test_each_organ_dysfunction_on_both_sides_and_not_where_it_is_explained(name: Measure, met: float, not_met: float) -> None:
    sirs = SEPTIC.readings[:2]
    assert judged(readings=(*sirs, reading(0, name, met))).severe_sepsis_at == ZERO
    assert judged(readings=(*sirs, reading(0, name, not_met))).status == "no_severe_sepsis"
    assert judged(readings=(*sirs, reading(0, name, met, explained=True))).status == "no_severe_sepsis"


def test_new_ventilation_is_organ_dysfunction() -> None:
    assert judged(readings=SEPTIC.readings[:2], ventilated_at=(ZERO,)).severe_sepsis_at == ZERO


def test_documentation_sets_time_zero_where_it_is_earlier_or_alone() -> None:
    assert judged(severe_sepsis_documented_at=at(-1)).severe_sepsis_at == at(-1)
    assert judged(severe_sepsis_documented_at=at(1)).severe_sepsis_at == ZERO
    assert judged(readings=(), severe_sepsis_documented_at=at(1)).severe_sepsis_at == at(1)
    shock = judged(readings=(), septic_shock_documented_at=at(1))
    assert (shock.status, shock.severe_sepsis_at, shock.septic_shock_at) == ("septic_shock", at(1), at(1))
