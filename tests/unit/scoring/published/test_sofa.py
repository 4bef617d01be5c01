"""SOFA as Vincent's table and mimic-code's sofa.sql have it: each organ at every edge, ventilation, infusions, and organs that were not measured."""

from typing import Any

import msgspec
import pytest

from scoring.published.inputs import Inputs, NotForThisPatient
from scoring.published.sofa import sofa

WELL = Inputs(
    pao2_mmhg=100, fio2_frac=0.21, ventilated=False, platelets_10e9_l=250, bilirubin_mg_dl=0.6, map_mmhg=85, gcs=15, creatinine_mg_dl=0.9
)


def parts(**changed: Any) -> dict[str, float]:
    return dict(sofa(msgspec.structs.replace(WELL, **changed)).parts)


@pytest.mark.parametrize(
    ("organ", "name", "edges"),
    [
        ("coagulation", "platelets_10e9_l", {0: 4, 19: 4, 20: 3, 49: 3, 50: 2, 99: 2, 99.9: 2, 100: 1, 149: 1, 149.9: 1, 150: 0, 400: 0}),
        ("liver", "bilirubin_mg_dl", {0: 0, 1.1: 0, 1.19: 0, 1.2: 1, 1.9: 1, 1.99: 1, 2.0: 2, 5.9: 2, 5.99: 2, 6.0: 3, 11.9: 3, 12.0: 4, 40: 4}),
        ("cardiovascular", "map_mmhg", {40: 1, 69: 1, 69.9: 1, 70: 0, 71: 0}),
        ("cns", "gcs", {3: 4, 5: 4, 6: 3, 9: 3, 10: 2, 12: 2, 13: 1, 14: 1, 15: 0}),
        ("renal", "creatinine_mg_dl", {1.1: 0, 1.2: 1, 1.9: 1, 1.95: 1, 2.0: 2, 3.4: 2, 3.49: 2, 3.5: 3, 4.9: 3, 4.99: 3, 5.0: 4, 12: 4}),
        ("renal", "urine_ml_24h", {0: 4, 199: 4, 200: 3, 499: 3, 500: 0, 2000: 0}),
        ("cardiovascular", "dopamine_ug_kg_min", {0: 0, 0.1: 2, 5: 2, 5.1: 3, 15: 3, 15.1: 4}),
        ("cardiovascular", "dobutamine_ug_kg_min", {0: 0, 0.5: 2, 20: 2}),
        ("cardiovascular", "epinephrine_ug_kg_min", {0: 0, 0.01: 3, 0.1: 3, 0.11: 4}),
        ("cardiovascular", "norepinephrine_ug_kg_min", {0: 0, 0.01: 3, 0.1: 3, 0.11: 4}),
    ],
)  # fmt: skip
def test_each_organ_scores_what_the_table_says_on_both_sides_of_its_edges(organ: str, name: str, edges: dict[float, int]) -> None:
    assert {value: parts(**{name: value})[organ] for value in edges} == edges


@pytest.mark.parametrize(
    ("ventilated", "edges"),
    [
        (True, {450: 0, 400: 0, 399: 1, 300: 1, 299: 2, 200: 2, 199: 3, 100: 3, 99: 4, 50: 4}),
        (False, {450: 0, 400: 0, 399: 1, 300: 1, 299: 2, 200: 2, 199: 2, 100: 2, 99: 2, 50: 2}),
    ],
)
def test_a_low_oxygenation_counts_three_and_four_only_on_a_ventilator(ventilated: bool, edges: dict[float, int]) -> None:
    assert {pao2: parts(pao2_mmhg=pao2, fio2_frac=1, ventilated=ventilated)["respiration"] for pao2 in edges} == edges


@pytest.mark.parametrize(
    ("pao2", "fio2", "points"), [(56, 0.28, 2), (55.9, 0.28, 3), (84, 0.21, 0), (33, 0.33, 3), (87, 0.29, 1), (116, 0.29, 0)]
)
def test_oxygenation_is_compared_exactly_and_not_by_a_rounded_quotient(pao2: float, fio2: float, points: int) -> None:
    assert parts(pao2_mmhg=pao2, fio2_frac=fio2, ventilated=True)["respiration"] == points


def test_the_worst_of_two_ways_counts() -> None:
    assert parts(creatinine_mg_dl=2.5, urine_ml_24h=450)["renal"] == 3
    assert parts(creatinine_mg_dl=5.5, urine_ml_24h=450)["renal"] == 4
    assert parts(map_mmhg=50, dopamine_ug_kg_min=3, norepinephrine_ug_kg_min=0.2)["cardiovascular"] == 4
    assert parts(map_mmhg=50, norepinephrine_ug_kg_min=0)["cardiovascular"] == 1


def test_the_score_reaches_from_0_to_24() -> None:
    worst = Inputs(
        pao2_mmhg=50,
        fio2_frac=1,
        ventilated=True,
        platelets_10e9_l=5,
        bilirubin_mg_dl=20,
        norepinephrine_ug_kg_min=1,
        gcs=3,
        creatinine_mg_dl=6,
    )
    assert (sofa(WELL).total, sofa(worst).total, sofa(worst).missing) == (0, 24, ())


@pytest.mark.parametrize(
    ("absent", "organ"),
    [
        ("pao2_mmhg", "respiration"), ("fio2_frac", "respiration"), ("platelets_10e9_l", "coagulation"), ("bilirubin_mg_dl", "liver"),
        ("map_mmhg", "cardiovascular"), ("gcs", "cns"), ("creatinine_mg_dl", "renal"),
    ],
)  # fmt: skip
def test_an_organ_that_was_not_measured_counts_nothing_and_is_told(absent: str, organ: str) -> None:
    found = sofa(msgspec.structs.replace(WELL, **{absent: None}))
    assert (found.total, found.missing, organ in found.parts) == (0, (absent,), False)


def test_whether_the_patient_is_ventilated_is_missing_only_where_it_decides() -> None:
    low = sofa(msgspec.structs.replace(WELL, pao2_mmhg=90, fio2_frac=1, ventilated=None))
    assert (low.parts["respiration"], low.missing) == (2, ("ventilated",))
    for pao2 in (250, 500):
        assert sofa(msgspec.structs.replace(WELL, pao2_mmhg=pao2, fio2_frac=1, ventilated=None)).missing == ()


def test_urine_or_an_infusion_alone_tells_of_its_organ() -> None:
    found = sofa(Inputs(urine_ml_24h=100, norepinephrine_ug_kg_min=0.05))
    assert (found.total, dict(found.parts)) == (7, {"cardiovascular": 3, "renal": 4})
    assert "map_mmhg" not in found.missing
    assert "creatinine_mg_dl" not in found.missing


def test_nothing_known_is_no_score() -> None:
    found = sofa(Inputs(ventilated=True, consciousness="A"))
    assert (found.total, found.parts) == (None, {})
    assert "gcs" in found.missing, "alert is not taken for GCS 15"


def test_children_have_scores_of_their_own() -> None:
    with pytest.raises(NotForThisPatient):
        sofa(msgspec.structs.replace(WELL, age_years=17))
    assert sofa(msgspec.structs.replace(WELL, age_years=18)).total == 0
