"""MELD, both forms of MELD-Na, and MELD 3.0: printed examples, every bound from both sides, and OPTN's rounding."""

from math import log
from typing import Any

import msgspec
import pytest

from scoring.published.catalogue import Outcome
from scoring.published.inputs import Inputs, NotForThisPatient
from scoring.published.meld import meld, meld3, meld_na_kim2008, meld_na_optn2016

BEST = Inputs(bilirubin_mg_dl=1, inr=1, creatinine_mg_dl=1, sodium_mmol_l=137, albumin_g_dl=3.5, sex="M")
ILL = Inputs(bilirubin_mg_dl=3, inr=2, creatinine_mg_dl=2, sodium_mmol_l=130, albumin_g_dl=2.5, sex="F")
ALL = [meld, meld_na_optn2016, meld_na_kim2008, meld3]


def of(score: Any, start: Inputs = ILL, **changed: Any) -> Outcome:
    found: Outcome = score(msgspec.structs.replace(start, **changed))
    return found


def test_the_published_examples() -> None:
    assert of(meld, BEST).total == 6.4
    assert of(meld_na_kim2008, BEST, sodium_mmol_l=130).total == 14.8
    example = {"bilirubin_mg_dl": 2.5, "inr": 1.5, "creatinine_mg_dl": 1.2, "sodium_mmol_l": 135, "albumin_g_dl": 3.0}
    assert (of(meld3, sex="M", **example).total, of(meld3, sex="F", **example).total) == (18, 19)


def test_meld_is_its_formula() -> None:
    by_hand = 10 * (0.957 * log(2) + 0.378 * log(3) + 1.120 * log(2) + 0.643)
    assert of(meld).told["unrounded"] == round(by_hand, 4)
    assert of(meld).total == round(by_hand, 1)


def test_meld_3_is_its_formula() -> None:
    by_hand = 1.33 + 4.56 * log(3) + 0.82 * 7 - 0.24 * 7 * log(3) + 9.09 * log(2) + 11.14 * log(2) + 1.85 * 1 - 1.83 * 1 * log(2) + 6
    assert of(meld3).told["unrounded"] == round(by_hand, 4)
    assert of(meld3).total == round(by_hand)


@pytest.mark.parametrize("score", ALL)
@pytest.mark.parametrize("name", ["bilirubin_mg_dl", "inr", "creatinine_mg_dl"])
def test_values_below_one_count_as_one(score: Any, name: str) -> None:
    at_one, above = of(score, **{name: 1}).told["unrounded"], of(score, **{name: 1.1}).told["unrounded"]
    assert of(score, **{name: 0.5}).told["unrounded"] == at_one
    assert of(score, **{name: 0.99}).told["unrounded"] == at_one
    assert above > at_one


@pytest.mark.parametrize(("score", "most"), [(meld, 4.0), (meld_na_optn2016, 4.0), (meld_na_kim2008, 4.0), (meld3, 3.0)])
def test_creatinine_counts_up_to_a_limit_which_is_also_what_dialysis_counts(score: Any, most: float) -> None:
    limit = of(score, creatinine_mg_dl=most)
    assert of(score, creatinine_mg_dl=most + 3).told["unrounded"] == limit.told["unrounded"]
    assert of(score, creatinine_mg_dl=most - 0.1).told["unrounded"] < limit.told["unrounded"]
    for creatinine in (0.8, most, 9, None):
        found = of(score, creatinine_mg_dl=creatinine, dialysis=True)
        assert (found.total, found.missing) == (limit.total, ())


@pytest.mark.parametrize(("score", "low", "high"), [(meld_na_optn2016, 125, 137), (meld_na_kim2008, 125, 140), (meld3, 125, 137)])
def test_sodium_counts_between_its_bounds(score: Any, low: float, high: float) -> None:
    found = {sodium: of(score, sodium_mmol_l=sodium).told["unrounded"] for sodium in (low - 10, low, low + 1, high - 1, high, high + 10)}
    values = list(found.values())
    assert values[0] == values[1] > values[2] > values[3] > values[4] == values[5]


@pytest.mark.parametrize(("sodium", "lack"), [(110, 15), (125, 15), (126, 14), (139, 1), (140, 0), (150, 0)])
def test_kims_formula_at_its_bounds(sodium: float, lack: float) -> None:
    assert of(meld_na_kim2008, BEST, sodium_mmol_l=sodium).told["unrounded"] == pytest.approx(6.43 + lack - 0.025 * 6.43 * lack, abs=1e-4)


@pytest.mark.parametrize(("sodium", "lack"), [(110, 12), (125, 12), (126, 11), (136, 1), (137, 0), (150, 0)])
def test_optns_formula_at_its_bounds(sodium: float, lack: float) -> None:
    plain = of(meld).told["unrounded"]
    assert of(meld_na_optn2016, sodium_mmol_l=sodium).told["unrounded"] == pytest.approx(
        plain + 1.32 * lack - 0.033 * plain * lack, abs=1e-3
    )


def test_what_is_known_is_told_in_parts_though_there_is_no_total() -> None:
    found = meld(Inputs(inr=2))
    assert (found.total, set(found.parts)) == (None, {"constant", "inr"})


def test_albumin_counts_between_its_bounds() -> None:
    found = [of(meld3, albumin_g_dl=albumin).told["unrounded"] for albumin in (1.0, 1.5, 1.6, 3.4, 3.5, 5.0)]
    assert found[0] == found[1] > found[2] > found[3] > found[4] == found[5]


def test_optn_adds_sodium_only_above_a_meld_of_11() -> None:
    low = of(meld_na_optn2016, BEST, bilirubin_mg_dl=3.3, sodium_mmol_l=125)
    assert low.told["unrounded"] == of(meld, BEST, bilirubin_mg_dl=3.3).told["unrounded"] < 11
    high = of(meld_na_optn2016, BEST, bilirubin_mg_dl=3.5, sodium_mmol_l=125)
    without = of(meld, BEST, bilirubin_mg_dl=3.5).told["unrounded"]
    assert without > 11
    assert high.told["unrounded"] == pytest.approx(without + 1.32 * 12 - 0.033 * without * 12, abs=1e-3)


def test_allocation_points_follow_the_policys_rounding_and_bounds() -> None:
    assert of(meld, BEST).told["allocation_points"] == 6
    assert of(meld, bilirubin_mg_dl=50, inr=10, creatinine_mg_dl=9).told["allocation_points"] == 40
    assert of(meld3, bilirubin_mg_dl=50, inr=10).told["allocation_points"] == 40
    rounded_first = 25 + 1.32 * 7 - 0.033 * 25 * 7
    assert of(meld_na_optn2016).told["allocation_points"] == round(rounded_first) == 28
    between = of(meld_na_optn2016, BEST, bilirubin_mg_dl=3.5, sodium_mmol_l=125)
    assert between.told["allocation_points"] == 11, "a MELD of 11.2 is 11 in the policy, and 11 is not above 11"


@pytest.mark.parametrize("score", ALL)
def test_the_parts_add_up(score: Any) -> None:
    found = of(score)
    assert sum(found.parts.values()) == pytest.approx(found.told["unrounded"], abs=1e-3)


@pytest.mark.parametrize(
    ("score", "needed"),
    [
        (meld, {"bilirubin_mg_dl", "inr", "creatinine_mg_dl"}),
        (meld_na_optn2016, {"bilirubin_mg_dl", "inr", "creatinine_mg_dl", "sodium_mmol_l"}),
        (meld_na_kim2008, {"bilirubin_mg_dl", "inr", "creatinine_mg_dl", "sodium_mmol_l"}),
        (meld3, {"bilirubin_mg_dl", "inr", "creatinine_mg_dl", "sodium_mmol_l", "albumin_g_dl", "sex"}),
    ],
)
def test_each_missing_input_is_named_and_leaves_no_total(score: Any, needed: set[str]) -> None:
    for name in needed:
        found = of(score, **{name: None})
        assert (found.total, found.missing, found.told["allocation_points"]) == (None, (name,), None)
    assert set(score(Inputs()).missing) == needed


def test_dialysis_that_is_not_known_is_told() -> None:
    assert of(meld).told["not_measured"] == ["dialysis"]
    assert of(meld, dialysis=False).told["not_measured"] == []
    assert of(meld, dialysis=False).total == of(meld).total


def test_children_have_another_score() -> None:
    for score, youngest in ((meld, 12), (meld_na_optn2016, 12), (meld_na_kim2008, 12), (meld3, 18)):
        assert of(score, age_years=youngest).total is not None
        with pytest.raises(NotForThisPatient):
            of(score, age_years=youngest - 0.1)
