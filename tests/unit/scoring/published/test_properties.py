"""What every published score keeps: sums, bounds, worse findings never scoring less, and nothing missing or broken counted as normal."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.published.catalogue import scores
from scoring.published.inputs import CannotScore, Inputs

VITALS = st.fixed_dictionaries(
    {},
    optional={
        "rr_per_min": st.integers(0, 80),
        "spo2_pct": st.integers(60, 100),
        "spo2_scale": st.sampled_from([1, 2]),
        "on_oxygen": st.booleans(),
        "sbp_mmhg": st.integers(40, 260),
        "dbp_mmhg": st.integers(20, 140),
        "map_mmhg": st.integers(30, 160),
        "hr_per_min": st.integers(20, 220),
        "temp_c": st.integers(300, 420).map(lambda tenths: tenths / 10),
        "consciousness": st.sampled_from("ACVPU"),
        "gcs": st.integers(3, 15),
        "age_years": st.floats(0, 100),
        "sex": st.sampled_from("FM"),
        "wbc_10e9_l": st.floats(0, 40),
        "bands_pct": st.floats(0, 40),
        "paco2_mmhg": st.floats(20, 90),
        "pao2_mmhg": st.floats(30, 500),
        "fio2_frac": st.floats(0.21, 1),
        "ventilated": st.booleans(),
        "platelets_10e9_l": st.floats(0, 600),
        "bilirubin_mg_dl": st.floats(0, 40),
        "creatinine_mg_dl": st.floats(0.2, 12),
        "sodium_mmol_l": st.floats(110, 160),
        "inr": st.floats(0.8, 8),
        "albumin_g_dl": st.floats(1, 5),
        "dialysis": st.booleans(),
        "urine_ml_24h": st.floats(0, 4000),
        "dopamine_ug_kg_min": st.floats(0, 20),
        "norepinephrine_ug_kg_min": st.floats(0, 1),
        "capillary_refill_s": st.floats(0, 6),
        "respiratory_effort": st.sampled_from(["normal", "mild", "moderate", "severe", "apnoea"]),
        "oxygen_l_min": st.floats(0, 15),
        "pain_score": st.integers(0, 3),
    },
)
ADDITIVE = ["news2", "news", "mews", "qsofa", "sirs", "sofa", "cart", "pews", "meows"]
BEDSIDE = [name for name, score in scores().items() if score.inputs is Inputs]


def outcome(name: str, given_: dict[str, Any]) -> Any:
    try:
        return scores()[name].outcome(Inputs(**given_))
    except CannotScore as refused:
        return refused


@pytest.mark.parametrize("name", BEDSIDE)
@given(given_=VITALS)
def test_a_total_lies_in_its_range_and_stands_only_where_nothing_needed_is_missing(name: str, given_: dict[str, Any]) -> None:
    found = outcome(name, given_)
    if isinstance(found, CannotScore):
        assert str(found)
        return
    score = scores()[name]
    if found.total is not None:
        assert score.lowest is None or found.total >= score.lowest
        assert score.highest is None or found.total <= score.highest
        assert name == "sofa" or found.missing == ()
    else:
        assert found.missing
    assert all(given_.get(missing) is None or missing == "oxygen_l_min" for missing in found.missing)


@pytest.mark.parametrize("name", ADDITIVE)
@given(given_=VITALS)
def test_a_total_is_the_sum_of_its_parts(name: str, given_: dict[str, Any]) -> None:
    found = outcome(name, given_)
    if not isinstance(found, CannotScore):
        assert found.told.get("at_least", found.total) == sum(found.parts.values())
        assert found.total in {None, sum(found.parts.values())}


@pytest.mark.parametrize("name", ADDITIVE)
@given(given_=VITALS, data=st.data())
def test_taking_an_input_away_never_makes_more_known(name: str, given_: dict[str, Any], data: st.DataObject) -> None:
    whole = outcome(name, given_)
    if isinstance(whole, CannotScore) or not given_:
        return
    taken = data.draw(st.sampled_from(sorted(given_)))
    less = outcome(name, {key: value for key, value in given_.items() if key != taken})
    assert isinstance(less, CannotScore) or set(whole.missing) <= {*less.missing, "ventilated", "oxygen_l_min", "on_oxygen"}
    if not isinstance(less, CannotScore) and taken in scores()[name].needs and name not in {"sofa", "qsofa", "sirs", "pews"}:
        assert (less.total, taken in less.missing) == (None, True)


NUMBERS = ("rr_per_min", "spo2_pct", "sbp_mmhg", "dbp_mmhg", "map_mmhg", "hr_per_min", "temp_c", "gcs", "age_years", "wbc_10e9_l", "pao2_mmhg", "fio2_frac",
           "platelets_10e9_l", "bilirubin_mg_dl", "creatinine_mg_dl", "sodium_mmol_l", "inr", "albumin_g_dl", "capillary_refill_s")  # fmt: skip


@pytest.mark.parametrize("name", BEDSIDE)
@pytest.mark.parametrize("nothing", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_is_missing_and_never_normal(name: str, nothing: float) -> None:
    score = scores()[name]
    full = {"age_years": 30 if name != "pews" else 8, "rr_per_min": 16, "spo2_pct": 98, "sbp_mmhg": 120, "dbp_mmhg": 70, "map_mmhg": 85, "hr_per_min": 80,
            "temp_c": 37, "gcs": 15, "wbc_10e9_l": 8, "pao2_mmhg": 100, "fio2_frac": 0.21, "platelets_10e9_l": 200, "bilirubin_mg_dl": 1,
            "creatinine_mg_dl": 1, "sodium_mmol_l": 140, "inr": 1, "albumin_g_dl": 4, "capillary_refill_s": 1, "consciousness": "A", "on_oxygen": False,
            "ventilated": False, "respiratory_effort": "normal", "sex": "F", "pain_score": 0}  # fmt: skip
    assert score.outcome(Inputs(**full)).missing == ()
    for needed in set(score.needs) & set(NUMBERS):
        found = outcome(name, full | {needed: nothing} | ({"consciousness": None} if needed == "gcs" else {}))
        assert isinstance(found, CannotScore) or needed in found.missing, needed


@pytest.mark.parametrize(
    ("score", "name", "worse"),
    [
        ("news2", "rr_per_min", range(20, 90)), ("news2", "rr_per_min", range(12, -1, -1)), ("news2", "spo2_pct", range(100, 60, -1)),
        ("news2", "sbp_mmhg", range(219, 30, -1)), ("news2", "hr_per_min", range(51, 250)), ("news2", "hr_per_min", range(90, 0, -1)),
        ("mews", "rr_per_min", range(9, 90)), ("mews", "sbp_mmhg", range(199, 30, -1)), ("mews", "hr_per_min", range(51, 250)),
        ("cart", "rr_per_min", range(90)), ("cart", "dbp_mmhg", range(120, 0, -1)), ("cart", "age_years", range(18, 100)),
        ("sofa", "platelets_10e9_l", range(400, 0, -1)), ("sofa", "gcs", range(15, 2, -1)), ("sofa", "urine_ml_24h", range(3000, 0, -10)),
        ("meld3", "bilirubin_mg_dl", range(40)), ("meld", "inr", range(1, 12)), ("pews", "hr_per_min", range(100, 220)),
    ],
)  # fmt: skip
def test_a_worse_finding_never_scores_less(score: str, name: str, worse: range) -> None:
    start = Inputs(
        rr_per_min=16, spo2_pct=97, on_oxygen=False, sbp_mmhg=120, dbp_mmhg=70, hr_per_min=80, temp_c=37, consciousness="A", gcs=15, map_mmhg=85,
        platelets_10e9_l=200, bilirubin_mg_dl=1, creatinine_mg_dl=1, inr=1, sodium_mmol_l=135, albumin_g_dl=3, sex="F",
        age_years=8 if score == "pews" else 40, capillary_refill_s=1, respiratory_effort="normal", pao2_mmhg=90, fio2_frac=0.21, ventilated=False,
    )  # fmt: skip
    totals = [scores()[score].outcome(msgspec.structs.replace(start, **{name: value})).total for value in worse]
    assert totals == sorted(totals)
    assert totals[-1] > totals[0]
