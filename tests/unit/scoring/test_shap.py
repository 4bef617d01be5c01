"""Attribution: the same values as LightGBM's own TreeSHAP, summing to the score, with missing values and any depth."""

from pathlib import Path

import lightgbm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.shap import Attribution
from scoring.trees import NotTrees, joined, load, trees_of

FEATURES = 12


def rows(number: int, seed: int = 3, unknown: float = 0.4) -> np.ndarray:
    random = np.random.default_rng(seed)
    found = random.normal(size=(number, FEATURES)).astype(np.float32)
    found[random.uniform(size=found.shape) < unknown] = np.nan
    return found


def booster(leaves: int = 31, unknown: float = 0.4, seed: int = 3) -> lightgbm.Booster:
    matrix = rows(3000, seed, unknown)
    known = np.nan_to_num(matrix)
    risk = known[:, 0] + known[:, 1] * known[:, 2] - (known[:, 3] > 0.5) * known[:, 4]
    labels = (np.random.default_rng(seed).uniform(size=len(matrix)) < 1 / (1 + np.exp(-risk))).astype(float)
    parameters = {"objective": "binary", "num_leaves": leaves, "min_data_in_leaf": 10, "verbosity": -1, "num_threads": 1, "seed": seed}
    return lightgbm.train(parameters, lightgbm.Dataset(matrix, labels), num_boost_round=40)


@pytest.mark.parametrize(("leaves", "unknown"), [(2, 0.4), (7, 0.0), (31, 0.4), (120, 0.4)])
def test_attribution_is_lightgbms_own(leaves: int, unknown: float) -> None:
    trained = booster(leaves, unknown)
    attribution = Attribution(trees_of(trained.model_to_string()), FEATURES)
    matrix = rows(40, seed=8)
    expected = trained.predict(matrix, pred_contrib=True)
    for row, theirs in zip(matrix, expected, strict=True):
        np.testing.assert_allclose(attribution.contributions(row), theirs[:-1], atol=1e-9)
        assert attribution.base == pytest.approx(theirs[-1], abs=1e-9)


@pytest.fixture(scope="module")
def trained() -> lightgbm.Booster:
    return booster()


@pytest.fixture(scope="module")
def attribution(trained: lightgbm.Booster) -> Attribution:
    return Attribution(trees_of(trained.model_to_string()), FEATURES)


@given(values=st.lists(st.floats(-1e3, 1e3, width=32) | st.just(float("nan")), min_size=FEATURES, max_size=FEATURES))
def test_attributions_and_the_base_sum_to_the_score(trained: lightgbm.Booster, attribution: Attribution, values: list[float]) -> None:
    row = np.array(values, np.float32)
    raw = float(trained.predict(row[None, :], raw_score=True, num_threads=1)[0])
    assert attribution.contributions(row).sum() + attribution.base == pytest.approx(raw, abs=1e-6)
    assert attribution.raw(row) == pytest.approx(raw, abs=1e-6)


def test_the_mean_of_two_boosters_is_the_mean_of_their_attributions(trained: lightgbm.Booster) -> None:
    other = booster(7, seed=5)
    both = Attribution(joined([trees_of(one.model_to_string(), 0.5) for one in (trained, other)]), FEATURES)
    row = rows(1, seed=9)
    expected = (trained.predict(row, pred_contrib=True) + other.predict(row, pred_contrib=True))[0] / 2
    np.testing.assert_allclose(both.contributions(row[0]), expected[:-1], atol=1e-9)
    assert both.base == pytest.approx(expected[-1], abs=1e-9)


def test_what_was_saved_is_loaded_and_the_same_trees_give_the_same_bytes(trained: lightgbm.Booster, tmp_path: Path) -> None:
    trees = trees_of(trained.model_to_string())
    trees.save(tmp_path / "one.npz")
    trees.save(tmp_path / "other.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()
    again = load(tmp_path / "one.npz")
    row = rows(1, seed=4)[0]
    np.testing.assert_array_equal(Attribution(again, FEATURES).contributions(row), Attribution(trees, FEATURES).contributions(row))


def test_what_holds_no_trees_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"not trees")
    with pytest.raises(NotTrees):
        load(tmp_path / "other")
    with pytest.raises(NotTrees, match="no tree"):
        trees_of("tree\nversion=v4\n")


def test_a_split_by_category_is_refused() -> None:
    matrix = np.repeat(np.arange(4.0), 100)[:, None]
    labels = np.tile([0.0, 1.0, 1.0, 0.0], 100)
    labels[:200] = 0.0
    model = lightgbm.train(
        {"objective": "binary", "verbosity": -1, "min_data_per_group": 1, "num_threads": 1},
        lightgbm.Dataset(matrix, labels, categorical_feature=[0]),
        num_boost_round=2,
    )
    with pytest.raises(NotTrees, match="comparison"):
        trees_of(model.model_to_string())
