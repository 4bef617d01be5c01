"""The guard: what is impossible, contradictory, too little, too old or unlike the training data is abstained on with its reason, and little else is."""

from collections.abc import Callable
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from scoring.guard_fit import ALPHA, fit_guard
from scoring.guards import Guard, GuardConstants
from scoring.score import Abstention

VITALS = {"heart_rate": (85.0, 12.0), "sbp": (120.0, 14.0), "dbp": (62.0, 9.0), "temperature": (37.0, 0.5), "respiratory_rate": (18.0, 3.0)}
LABS = {"creatinine": (1.0, 0.3), "lactate": (1.5, 0.5), "sodium": (139.0, 4.0), "potassium": (4.1, 0.4)}
NAMES = (
    *(f"{name}_6h_{part}" for name in VITALS for part in ("last", "low", "high", "mean", "count", "age_h")),
    *(f"{name}_{part}" for name in LABS for part in ("last", "age_h")),
    "age_years",
    "hours_in_hospital",
)
PLACE = {name: index for index, name in enumerate(NAMES)}
Change = Callable[[np.ndarray], None]


def patients(number: int, seed: int = 1) -> np.ndarray:
    """Rows of patients whose pressures go together, with labs known for half of them."""
    random = np.random.default_rng(seed)
    found = np.zeros((number, len(NAMES)), np.float32)
    tension = random.normal(size=number)
    for name, (middle, spread) in VITALS.items():
        own = random.normal(size=number)
        centre = middle + spread * (0.95 * tension + 0.3 * own if name in ("sbp", "dbp") else own)
        width = np.abs(random.normal(size=number)) * spread * 0.3
        for part, value in (("last", centre), ("low", centre - width), ("high", centre + width), ("mean", centre)):
            found[:, PLACE[f"{name}_6h_{part}"]] = value
        found[:, PLACE[f"{name}_6h_count"]] = random.integers(1, 7, number)
        found[:, PLACE[f"{name}_6h_age_h"]] = random.uniform(0, 1, number)
    unknown = random.uniform(size=number) < 0.5
    for name, (middle, spread) in LABS.items():
        found[:, PLACE[f"{name}_last"]] = np.where(unknown, np.nan, middle + spread * random.normal(size=number))
        found[:, PLACE[f"{name}_age_h"]] = np.where(unknown, np.nan, random.uniform(0, 24, number))
    found[:, PLACE["age_years"]] = random.uniform(18, 95, number)
    found[:, PLACE["hours_in_hospital"]] = random.uniform(0, 300, number)
    return found


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard(fit_guard(patients(20_000), NAMES))


def usual(**changes: float) -> np.ndarray:
    """One row of somebody ordinary, with some features changed."""
    found = patients(1, seed=7)
    for name, value in changes.items():
        found[0, PLACE[name]] = value
    return found


def whole(quantity: str, change: Callable[[float], float]) -> dict[str, float]:
    """Every value of one quantity changed alike, as a wrong unit does."""
    row = usual()
    parts = [name for name in NAMES if name.startswith(f"{quantity}_") and name.endswith(("last", "low", "high", "mean"))]
    return {name: change(float(row[0, PLACE[name]])) for name in parts}


def swapped(one: str, other: str) -> dict[str, float]:
    row = usual()
    names = [name for name in NAMES if name.startswith(f"{one}_")]
    pairs = [(name, name.replace(one, other, 1)) for name in names]
    return {a: float(row[0, PLACE[b]]) for a, b in pairs} | {b: float(row[0, PLACE[a]]) for a, b in pairs}


def creatinine(value: float) -> dict[str, float]:
    return {"creatinine_last": value, "creatinine_age_h": 1.0}


@pytest.mark.parametrize(
    ("changes", "reason", "about"),
    [
        (whole("temperature", lambda celsius: celsius * 9 / 5 + 32), "out_of_range", "temperature_6h_last"),
        (creatinine(88.4), "out_of_range", "creatinine_last"),
        (creatinine(20.0), "unlike_training", "creatinine_last"),
        ({"sodium_last": 4.1, "potassium_last": 139.0}, "out_of_range", "sodium_last"),
        (swapped("sbp", "dbp"), "contradiction", "dbp_6h_last above sbp_6h_last"),
        (swapped("heart_rate", "respiratory_rate"), "unlike_training", "heart_rate_6h_last"),
        ({"heart_rate_6h_last": float("inf")}, "not_finite", "heart_rate_6h_last"),
        ({"heart_rate_6h_last": float("-inf")}, "not_finite", "heart_rate_6h_last"),
        ({"heart_rate_6h_count": float("nan")}, "not_finite", "heart_rate_6h_count"),
        ({"sbp_6h_count": -1.0}, "out_of_range", "sbp_6h_count"),
        ({"lactate_age_h": -2.0}, "out_of_range", "lactate_age_h"),
        ({"age_years": 200.0}, "out_of_range", "age_years"),
        ({"sbp_6h_low": 150.0, "sbp_6h_high": 140.0}, "contradiction", "sbp_6h_low"),
        (dict.fromkeys((n for n in NAMES if n.endswith("age_h")), 9.0), "too_old", "nothing recent"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_abstained_on_with_its_reason(guard: Guard, changes: dict[str, float], reason: str, about: str) -> None:
    [found] = guard.check(usual(**changes))
    assert found is not None
    assert found.reason == reason
    assert found.detail.startswith(about)


def test_someone_of_whom_next_to_nothing_is_known_is_abstained_on(guard: Guard) -> None:
    row = usual()
    row[0, [index for name, index in PLACE.items() if not name.endswith("_count")]] = np.nan
    assert guard.check(row) == [Abstention(reason="too_few", detail="0 quantities known")]


def test_few_rows_like_the_validation_patients_are_abstained_on(guard: Guard) -> None:
    others = guard.check(patients(20_000, seed=2))
    assert sum(one is not None for one in others) / len(others) < 2 * ALPHA


def test_a_mixture_that_never_goes_together_is_unlike_the_training_data(guard: Guard) -> None:
    """Each pressure is ordinary by itself; together they never were."""
    odd = usual(
        **{f"sbp_6h_{part}": 140.0 for part in ("last", "low", "high", "mean")},
        **{f"dbp_6h_{part}": 40.0 for part in ("last", "low", "high", "mean")},
    )
    [found] = guard.check(odd)
    assert found == Abstention(reason="unlike_training", detail="the combination of values")


def test_how_often_something_is_measured_and_how_long_a_stay_lasts_is_no_reason(guard: Guard) -> None:
    assert guard.check(usual(heart_rate_6h_count=360.0, hours_in_hospital=5000.0)) == [None]


def test_a_row_is_judged_alike_alone_and_among_others(guard: Guard) -> None:
    rows = np.concatenate([patients(300, seed=5), usual(heart_rate_6h_last=float("inf")), usual(**creatinine(88.4))])
    together = guard.check(rows)
    assert together == [guard.check(rows[index : index + 1])[0] for index in range(len(rows))]
    assert [one.reason for one in together[-2:] if one] == ["not_finite", "out_of_range"]
    assert guard.check(rows[:0]) == []


def test_other_features_are_refused(guard: Guard) -> None:
    with pytest.raises(ValueError, match="other features"):
        guard.check(patients(1)[:, :-1])
    with pytest.raises(ValueError, match="too little"):
        fit_guard(patients(10), NAMES)


def test_the_constants_survive_their_file_and_the_same_rows_give_the_same() -> None:
    constants = fit_guard(patients(2_000), NAMES)
    assert msgspec.json.decode(msgspec.json.encode(constants), type=GuardConstants) == constants
    assert fit_guard(patients(2_000), NAMES) == constants


def test_the_quantiles_are_of_the_newest_values_in_order(guard: Guard) -> None:
    held = guard.constants.quantiles
    assert set(held) == {*VITALS, *LABS}
    assert all(low < high for quantiles in held.values() for low, high in pairwise(quantiles))
    assert held["sodium"][2] == pytest.approx(139.0, abs=0.5)


def test_a_feature_that_nobody_had_in_training_is_no_reason() -> None:
    rows = patients(2_000)
    rows[:, PLACE["lactate_last"]] = np.nan
    assert Guard(fit_guard(rows, NAMES)).check(usual(lactate_last=2.0, lactate_age_h=1.0)) == [None]
