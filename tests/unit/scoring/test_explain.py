"""What moved a score, as a nurse reads it: per quantity, summing to the score, with value, trend and time, and never a guess about what nobody measured."""

from collections.abc import Iterable
from datetime import timedelta, timezone

import lightgbm
import numpy as np
import pytest

from scoring.explain import changed_most, findings, moved
from scoring.quantities import grouped, quantity_of
from scoring.score import Finding
from scoring.shap import Attribution
from scoring.trees import trees_of
from scoring.words import words
from streams.features import FEATURES, features
from streams.patient import PatientState
from tests.states import NOON, state


def ill() -> PatientState:
    return state(("lactate", 2.1, -350), ("lactate", 4.0, -5), ("heart_rate", 88.0, -300), ("heart_rate", 128.0, -10), ("sbp", 118.0, -10))


@pytest.fixture(scope="module")
def attribution() -> Attribution:
    """Trees that look at lactate, heart rate and age."""
    random = np.random.default_rng(1)
    matrix = np.full((3000, len(FEATURES)), np.nan)
    looked_at = [FEATURES.index(name) for name in FEATURES if quantity_of(name) in ("lactate", "heart_rate", "age_years")]
    matrix[:, looked_at] = random.normal(3, 2, size=(3000, len(looked_at)))
    risk = matrix[:, FEATURES.index("lactate_last")] - 3
    labels = (random.uniform(size=3000) < 1 / (1 + np.exp(-risk))).astype(float)
    parameters = {"objective": "binary", "num_leaves": 15, "verbosity": -1, "num_threads": 1}
    return Attribution(trees_of(lightgbm.train(parameters, lightgbm.Dataset(matrix, labels), 20).model_to_string()), len(FEATURES))


def test_every_feature_belongs_to_one_quantity() -> None:
    groups = grouped(FEATURES)
    assert sorted(index for places in groups.values() for index in places) == list(range(len(FEATURES)))
    assert {"lactate", "heart_rate", "age_years", "avpu"} <= set(groups)


def test_what_the_quantities_add_sums_to_the_score(attribution: Attribution) -> None:
    row = features(ill(), NOON)
    added = moved(attribution, row, FEATURES)
    assert sum(added.values()) + attribution.base == pytest.approx(attribution.raw(row), abs=1e-6)
    assert next(iter(added)) == "lactate"


def test_the_findings_are_what_moved_the_score_and_was_measured_and_never_an_age() -> None:
    added = {"lactate": 0.9, "age_years": 0.4, "platelets": 0.3, "heart_rate": -0.2, "sbp": 0.001, "hours_in_hospital": 0.7}
    told = findings(ill(), NOON, added)
    assert [(one.name, one.moved) for one in told] == [("lactate", 0.9), ("heart_rate", -0.2)]


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        (("lactate", 4.0, "mmol/L", 2.1), "lactate 2.1 → 4.0 mmol/L since 06:10, taken 11:55"),
        (("heart_rate", 128.0, "/min", None), "heart rate 128 /min, taken 11:55"),
        (("heart_rate", 128.0, "/min", 128.0), "heart rate 128 /min unchanged since 06:10, taken 11:55"),
        (("temperature", 38.94, "Cel", 37.0), "temperature 37.0 → 38.9 °C since 06:10, taken 11:55"),
        (("avpu", "V", "", None), "consciousness V, taken 11:55"),
        (("platelets", 87.0, "10*9/L", 210.0), "platelets 210 → 87 ×10⁹/L since 06:10, taken 11:55"),
        (("creatinine", 1.04, "mg/dL", 0.87), "creatinine 0.87 → 1.04 mg/dL since 06:10, taken 11:55"),
        (("ph", 7.249, "[pH]", None), "pH 7.25, taken 11:55"),
    ],
)  # fmt: skip
def test_a_finding_is_said_as_on_the_ward(finding: tuple[str, float | str, str, float | None], said: str) -> None:
    name, value, unit, was = finding
    taken = NOON - timedelta(minutes=5)
    was_at = None if was is None else NOON - timedelta(hours=5, minutes=50)
    assert words(Finding(name=name, value=value, unit=unit, observed_at=taken, was=was, was_at=was_at)) == said


def test_times_are_the_wards_and_another_day_is_named() -> None:
    one = Finding(
        name="sbp", value=88.0, unit="mm[Hg]", observed_at=NOON - timedelta(hours=11), was=120.0, was_at=NOON - timedelta(hours=14)
    )
    assert words(one, timezone(timedelta(hours=1))) == "systolic pressure 120 → 88 mmHg since Sat 23:00, taken 02:00"


def names(found: Iterable[Finding]) -> list[str]:
    return [one.name for one in found]


def test_where_nobody_worked_it_out_what_changed_most_is_told_without_a_share() -> None:
    told = changed_most(ill(), NOON)
    assert names(told) == ["lactate", "heart_rate"]
    assert {one.moved for one in told} == {None}
