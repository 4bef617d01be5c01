"""KDIGO: akiFlagger's two patients under each baseline rule, every edge of value and window, the float trap, urine, dialysis, children."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.published.baseline import imputed
from scoring.published.creatinine import MG_DL, CreatinineAt, RenalInputs
from scoring.published.inputs import Contradiction, NotForThisPatient
from scoring.published.kdigo import kdigo_aki, stage_of
from scoring.published.times import NotATime
from tests.unit.scoring.published.creatinines import START, after, asked, hourly

PATIENT_A = [
    ("2026-01-01T12:00:00", 1.0), ("2026-05-24T12:00:00", 1.0), ("2026-05-24T12:00:00", 1.29), ("2026-05-25T12:00:00", 1.3),
    ("2026-05-28T12:00:00", 2.0), ("2026-05-30T12:00:00", 3.0),
]  # fmt: skip
PATIENT_B = [
    ("2026-01-01T12:00:00", 1.1), ("2026-05-24T12:00:00", 1.0), ("2026-05-25T12:00:01", 1.29), ("2026-05-25T12:00:02", 1.3),
    ("2026-05-28T12:00:00", 2.0), ("2026-05-29T12:00:00", 2.2), ("2026-05-30T12:00:01", 3.0), ("2026-05-30T12:00:02", 3.3),
]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "rule", "stages"),
    [
        (PATIENT_A, "rolling", [0, 0, 0, 1, 2, 3]),
        (PATIENT_A, "historical", [0, 0, 0, 1, 2, 3]),
        (PATIENT_B, "rolling", [0, 0, 0, 1, 2, 2, 3, 3]),
        (PATIENT_B, "historical", [0, 0, 0, 0, 1, 2, 2, 3]),
    ],
)
def test_akiflaggers_patients(values: list[tuple[str, float]], rule: str, stages: list[int]) -> None:
    found = asked(values, baseline_rule=rule, admitted_at="2026-05-24T12:00:00")
    assert (found["stages"], found["baseline_rule"], found["total"]) == (stages, rule, 3)


def test_without_a_rule_it_is_rolling_and_says_so() -> None:
    found = asked(PATIENT_B)
    assert (found["baseline_rule"], set(found["rules"])) == ("rolling", {"rolling"})
    assert found["baselines"] == [None, None, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]


def test_the_admission_may_be_told_by_the_first_inpatient_value() -> None:
    values = [CreatinineAt(at=at, mg_dl=value, inpatient=at > "2026-05") for at, value in PATIENT_B]
    found = kdigo_aki(RenalInputs(creatinine=tuple(values), baseline_rule="historical")).told
    assert found["stages"] == [0, 0, 0, 0, 1, 2, 2, 3]
    assert found["baselines"][1:] == [1.1] * 7


@pytest.mark.parametrize(("days_before", "used"), [(6.99, False), (7, True), (365, True), (365.01, False)])
def test_the_historical_baseline_is_from_365_to_7_days_before(days_before: float, used: bool) -> None:
    old = (START - timedelta(days=days_before)).isoformat()
    found = asked([(old, 1.0), (START.isoformat(), 1.6)], baseline_rule="historical", admitted_at=START.isoformat())
    assert found["rules"][1] == ("historical" if used else "rolling")


def test_the_historical_baseline_is_a_median_of_outpatient_values() -> None:
    old = [
        CreatinineAt(at=f"2026-0{month}-01", mg_dl=value, inpatient=inside)
        for month, value, inside in ((1, 0.8, False), (2, 1.0, None), (3, 4.0, True))
    ]
    found = kdigo_aki(
        RenalInputs(creatinine=(*old, CreatinineAt(at="2026-05-24", mg_dl=1.35)), baseline_rule="historical", admitted_at="2026-05-24")
    )
    assert (found.told["baselines"][3], found.told["stages"][3]) == (0.9, 1)


def test_the_historical_baseline_trumps_for_seven_days_and_no_longer() -> None:
    steps = [((START - timedelta(days=30)).isoformat(), 2.0), *(((START + timedelta(days=day)).isoformat(), 1.0) for day in (6, 7)),
             ((START + timedelta(days=7, seconds=1)).isoformat(), 1.5)]  # fmt: skip
    found = asked(steps, baseline_rule="historical", admitted_at=START.isoformat())
    assert (found["rules"][1:], found["stages"][1:]) == (["historical", "historical", "rolling"], [0, 0, 1])


def test_an_acute_rise_counts_beside_the_historical_baseline_once_two_days_have_passed() -> None:
    old = ((START - timedelta(days=30)).isoformat(), 2.0)
    early = [old, (START.isoformat(), 1.0), ((START + timedelta(hours=47)).isoformat(), 1.4)]
    late = [old, ((START + timedelta(hours=24)).isoformat(), 1.0), ((START + timedelta(hours=49)).isoformat(), 1.4)]
    for steps, stage in ((early, 0), (late, 1)):
        assert asked(steps, baseline_rule="historical", admitted_at=START.isoformat())["stages"][-1] == stage


def test_an_imputed_baseline_is_flagged_and_yields_to_a_historical_one() -> None:
    imputed = asked([(START.isoformat(), 1.8)], baseline_rule="imputed", admitted_at=START.isoformat(), age_years=50, sex="M")
    assert (imputed["rules"], imputed["baselines"], imputed["stages"]) == (["imputed"], [1.1823], [1])
    old = ((START - timedelta(days=30)).isoformat(), 1.7)
    known = asked([old, (START.isoformat(), 1.8)], baseline_rule="imputed", admitted_at=START.isoformat(), age_years=50, sex="M")
    assert (known["rules"][1], known["stages"][1]) == ("historical", 0)


@given(st.floats(18, 115), st.sampled_from("FM"))
def test_an_imputed_creatinine_is_that_of_an_egfr_of_75(age: float, sex: str) -> None:
    creatinine = float(imputed(age, sex, MG_DL))
    kappa, alpha, factor = (0.7, -0.241, 1.012) if sex == "F" else (0.9, -0.302, 1.0)
    ratio = creatinine / kappa
    egfr = 142 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.2 * 0.9938**age * factor
    assert egfr == pytest.approx(75, rel=1e-3)


def test_a_rule_that_lacks_what_it_needs_stages_nothing() -> None:
    found = asked(PATIENT_B, baseline_rule="historical")
    assert (found["total"], found["missing"], set(found["stages"])) == (None, ("admitted_at",), {None})
    found = asked(PATIENT_B, baseline_rule="imputed")
    assert found["missing"] == ("admitted_at", "age_years", "sex")
    with pytest.raises(NotForThisPatient):
        asked(PATIENT_B, baseline_rule="imputed", age_years=17.9)
    assert asked(PATIENT_B, baseline_rule="imputed", age_years=18)["missing"] == ("admitted_at", "sex")


@pytest.mark.parametrize(
    ("base", "value", "stage"),
    [
        (1.0, 1.29, 0), (1.0, 1.3, 1), (1.0, 1.99, 1), (1.0, 2.0, 2), (1.0, 2.99, 2), (1.0, 3.0, 3),
        (0.4, 0.59, 0), (0.4, 0.6, 1), (0.4, 0.79, 1), (0.4, 0.8, 2), (0.4, 1.19, 2), (0.4, 1.2, 3),
        (1.1, 1.39, 0), (1.1, 1.4, 1), (1.1, 3.3, 3), (1.1, 2.2, 2),
        (3.6, 3.9, 1), (3.7, 4.0, 3), (3.8, 4.0, 0), (3.71, 4.0, 0), (2.7, 4.0, 3), (2.7, 3.9, 1), (8.0, 8.2, 0), (8.0, 8.3, 3),
    ],
)  # fmt: skip
def test_values_on_both_sides_of_each_limit(base: float, value: float, stage: int) -> None:
    assert after((0, base), (24, value)) == [0, stage]


@pytest.mark.parametrize("tenths", range(2, 100))
def test_a_rise_of_exactly_three_tenths_is_a_rise_whatever_the_baseline(tenths: int) -> None:
    assert after((0, tenths / 10), (24, (tenths + 3) / 10))[1] >= 1


@pytest.mark.parametrize("tenths", range(6, 100))
def test_a_hundredth_less_is_none(tenths: int) -> None:
    assert after((0, tenths / 10), (24, (10 * tenths + 29) / 100)) == [0, 0]


@pytest.mark.parametrize(("factor", "stage"), [(15, 1), (20, 2), (30, 3)])
@pytest.mark.parametrize("tenths", range(7, 60))
def test_an_exact_multiple_reaches_its_stage_whatever_the_baseline(factor: int, stage: int, tenths: int) -> None:
    value = tenths * factor / 100
    assert after((0, tenths / 10), (72, value))[1] >= stage


@pytest.mark.parametrize(
    ("hours", "value", "stage"),
    [(48, 1.4, 1), (48 + 1 / 3600, 1.4, 0), (168, 1.65, 1), (168 + 1 / 3600, 1.65, 0), (168, 3.3, 3), (168 + 1 / 3600, 3.3, 0)],
)
def test_both_windows_include_their_far_end(hours: float, value: float, stage: int) -> None:
    assert after((0, 1.1), (hours, value)) == [0, stage]


def test_stages_stand_in_the_order_of_the_request_whatever_its_order_in_time() -> None:
    assert after((24, 3.0), (0, 1.0), (12, 1.3)) == [3, 0, 1]


def test_values_of_the_same_moment_are_not_each_others_baseline() -> None:
    assert after((0, 1.0), (0, 3.0)) == [0, 0]


def test_a_value_that_is_not_known_has_no_stage() -> None:
    found = kdigo_aki(RenalInputs(creatinine=(CreatinineAt(at="2026-01-01"), CreatinineAt(at="2026-01-02", mg_dl=1.0))))
    assert (found.told["stages"], found.total) == ([None, 0], 0)
    assert kdigo_aki(RenalInputs()).missing == ("creatinine",)
    assert kdigo_aki(RenalInputs(creatinine=())).total is None


@pytest.mark.parametrize(
    ("base", "value", "stage"),
    [
        (100, 126, 0),
        (100, 126.4, 0),
        (100, 126.5, 1),
        (100, 150, 1),
        (60, 89, 1),
        (40, 59, 0),
        (40, 60, 1),
        (327, 353.5, 1),
        (327, 353.6, 3),
    ],
)
def test_micromoles_have_their_own_printed_limits(base: float, value: float, stage: int) -> None:
    values = (CreatinineAt(at="2026-01-01", umol_l=base), CreatinineAt(at="2026-01-02", umol_l=value))
    assert kdigo_aki(RenalInputs(creatinine=values)).told["stages"] == [0, stage]


def test_both_units_may_stand_in_one_series_but_not_in_one_value() -> None:
    values = (CreatinineAt(at="2026-01-01", umol_l=88.4), CreatinineAt(at="2026-01-02", mg_dl=1.3))
    assert kdigo_aki(RenalInputs(creatinine=values)).told["stages"] == [0, 1]
    with pytest.raises(Contradiction):
        kdigo_aki(RenalInputs(creatinine=(CreatinineAt(at="2026-01-01", umol_l=88.4, mg_dl=1.0),)))


def test_renal_replacement_is_stage_3_only_in_acute_injury() -> None:
    started = (START + timedelta(hours=30)).isoformat()
    assert after((0, 1.0), (24, 1.5), (29, 1.2), (30, 1.2), (36, 1.2), rrt_started_at=started) == [0, 1, 0, 3, 3]
    assert after((0, 1.0), (24, 1.1), (36, 1.2), rrt_started_at=started) == [0, 0, 0]
    assert after((6, 1.0), (30, 1.0), rrt_started_at=started, urine=hourly([0.4] * 6)) == [1, 3]
    assert after((5, 1.0), (30, 1.0), rrt_started_at=started, urine=hourly([0.5] * 6)) == [0, 0]


@pytest.mark.parametrize("chronic", ["esrd", "dialysis"])
def test_chronic_dialysis_is_refused(chronic: str) -> None:
    with pytest.raises(NotForThisPatient):
        after((0, 8.0), **{chronic: True})
    assert after((0, 1.0), **{chronic: False}) == [0]


@pytest.mark.parametrize(("age", "value", "stage"), [(10, 1.65, 3), (10, 1.6, 1), (17.9, 1.65, 3), (18, 1.65, 1)])
def test_a_child_whose_filtration_falls_below_35_is_stage_3(age: float, value: float, stage: int) -> None:
    assert after((0, 1.1), (24, 1.1), (48, value), age_years=age, height_cm=137)[-1] == stage


@pytest.mark.parametrize("at", ["yesterday", "", "2026-13-01", "1626-01-01", "9999-12-31T23:59:59Z"])
def test_a_time_that_is_none_is_refused(at: str) -> None:
    with pytest.raises(NotATime):
        kdigo_aki(RenalInputs(creatinine=(CreatinineAt(at=at, mg_dl=1.0),)))


def test_times_with_and_without_an_offset_are_not_mixed() -> None:
    with pytest.raises(Contradiction):
        asked([("2026-01-01T12:00:00Z", 1.0), ("2026-01-02T12:00:00", 1.4)])
    assert asked([("2026-01-01T12:00:00+02:00", 1.0), ("2026-01-03T11:00:00+01:00", 1.3)])["stages"] == [0, 1]


tenths = st.integers(2, 250).map(lambda value: Decimal(value) / 10)


@given(tenths, tenths, tenths)
def test_a_higher_value_is_never_a_lower_stage_and_a_higher_baseline_never_a_higher(value: Decimal, more: Decimal, base: Decimal) -> None:
    assert stage_of(value + more, base, base, MG_DL) >= stage_of(value, base, base, MG_DL)
    assert stage_of(value, base + more, base + more, MG_DL) <= stage_of(value, base, base, MG_DL)
