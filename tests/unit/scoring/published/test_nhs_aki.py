"""NHS England's AKI algorithm: ratios to both reference values, the rise of 48 hours, 354 µmol/L, and who has nothing to compare with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scoring.published.creatinine import CreatinineAt, RenalInputs
from scoring.published.inputs import NotForThisPatient
from scoring.published.nhs_aki import nhs_aki

NOW = datetime(2026, 5, 24, 12, tzinfo=UTC)


def ago(*past: tuple[float, float], now: float, **more: Any) -> dict[str, Any]:
    """The answer about `now` µmol/L after values of so many days ago."""
    values = [CreatinineAt(at=(NOW - timedelta(days=days)).isoformat(), umol_l=value) for days, value in past]
    found = nhs_aki(RenalInputs(creatinine=(*values, CreatinineAt(at=NOW.isoformat(), umol_l=now)), **more))
    return {"stage": found.told["stages"][-1], "total": found.total, "missing": found.missing, **found.told}


@pytest.mark.parametrize("days", [3, 7, 30])
@pytest.mark.parametrize(("now", "stage"), [(99, 0), (149.9, 0), (150, 1), (199.9, 1), (200, 2), (299.9, 2), (300, 3)])
def test_each_ratio_on_both_sides_against_either_reference(days: float, now: float, stage: int) -> None:
    assert ago((days, 100), now=now)["stage"] == stage


@pytest.mark.parametrize(("hours", "now", "stage"), [(24, 126, 0), (24, 126.1, 1), (48, 127, 1), (48.01, 127, 0), (24, 127, 1)])
def test_a_rise_of_more_than_26_within_48_hours_is_stage_1(hours: float, now: float, stage: int) -> None:
    assert ago((hours / 24, 100), now=now)["stage"] == stage


@pytest.mark.parametrize(
    ("base", "now", "stage"), [(230, 354, 1), (230, 354.1, 3), (330, 356, 0), (327, 354.1, 3), (327, 354, 1), (100, 354, 3)]
)
def test_above_354_is_stage_3_where_a_criterion_is_met(base: float, now: float, stage: int) -> None:
    assert ago((1, base), now=now)["stage"] == stage


@pytest.mark.parametrize(("base", "stage"), [(237, 3), (237.1, 0)])
def test_above_354_a_ratio_of_one_and_a_half_is_criterion_enough(base: float, stage: int) -> None:
    assert ago((5, base), now=355.5)["stage"] == stage


@pytest.mark.parametrize(
    ("days", "rv1", "rv2"), [(0.01, 80, None), (7, 80, None), (7.01, None, 80), (8, None, 80), (365, None, 80), (365.01, None, None)]
)
def test_the_week_and_the_rest_of_the_year(days: float, rv1: float | None, rv2: float | None) -> None:
    found = ago((days, 80), now=80)
    assert (found["rv1_umol_l"][-1], found["rv2_umol_l"][-1]) == (rv1, rv2)
    assert found["stage"] == (None if rv1 is rv2 is None else 0)


def test_rv1_is_the_lowest_and_rv2_the_median_and_the_higher_ratio_decides() -> None:
    found = ago((300, 60), (200, 80), (100, 200), (5, 120), (3, 100), now=160)
    assert (found["rv1_umol_l"][-1], found["rv2_umol_l"][-1], found["stage"]) == (100, 80, 2)


@pytest.mark.parametrize(("now", "flag"), [(44.1, "low"), (44.2, "normal"), (88.4, "normal"), (88.5, "high")])
def test_with_nothing_of_a_year_the_reference_interval_flags_and_no_stage_is_given(now: float, flag: str) -> None:
    found = ago(now=now, reference_low_mg_dl=0.5, reference_high_mg_dl=1.0)
    assert (found["stages"], found["flags"], found["total"]) == ([None], [flag], None)


def test_without_a_reference_interval_its_absence_is_told() -> None:
    found = ago(now=100)
    assert (found["flags"], found["missing"]) == ([None], ("reference_low_mg_dl", "reference_high_mg_dl"))


@pytest.mark.parametrize(
    ("base", "now", "stage"), [(1.0, 1.29, 0), (1.0, 1.3, 1), (1.1, 1.65, 1), (1.1, 3.3, 3), (2.6, 4.0, 1), (2.6, 4.01, 3)]
)
def test_milligrams_are_taken_too(base: float, now: float, stage: int) -> None:
    values = (CreatinineAt(at="2026-01-01", mg_dl=base), CreatinineAt(at="2026-01-02", mg_dl=now))
    found = nhs_aki(RenalInputs(creatinine=values))
    assert (found.told["stages"], found.total, found.told["baseline_rule"]) == ([None, stage], stage, "nhs_england_2014")


def test_stages_stand_in_the_order_of_the_request() -> None:
    values = tuple(CreatinineAt(at=f"2026-01-0{day}", mg_dl=value) for day, value in ((3, 3.0), (1, 1.0), (2, 1.5)))
    assert nhs_aki(RenalInputs(creatinine=values)).told["stages"] == [3, None, 1]


def test_chronic_dialysis_is_refused_and_nothing_is_missing() -> None:
    with pytest.raises(NotForThisPatient):
        nhs_aki(RenalInputs(esrd=True))
    assert nhs_aki(RenalInputs()).missing == ("creatinine",)
